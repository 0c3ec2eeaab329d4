// A key whose private part is in a public repository: go-sev-guest's fake VCEK.
#pragma once

#include "base/base64.h"
#include "crypto/asymmetric_key.h"
#include "tests/support/value_of.h"

namespace cloister::testing {

inline crypto::PublicKey published_key() {
  return value_of(crypto::PublicKey::from_spki(
      value_of(from_base64("MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAENiOt8IflHZ8Zz2+iM7vGgB9KhRaxdOJ9"
                           "GCtT4y5dZWYHbGUGVq7Tp0q+3ULRN9NILYwYgZRhgdJNjLgrfjrK2IF3jfsk1n3u"
                           "dldvAb2nJiXnWG5k1YjdIV4ZuvtYdQFO"))));
}

}  // namespace cloister::testing
