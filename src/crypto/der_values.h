// Values of DER that certificates, revocation lists, OCSP responses and their extensions have in common: read from a
// stranger's bytes.
#pragma once

#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/der.h"

namespace cloister::crypto {

// "1.2.840.113549.1.1.11". Empty when the octets are no OBJECT IDENTIFIER of at most 20 numbers.
std::string oid_text(ByteView content);

// UTCTime or GeneralizedTime in the one form of RFC 5280 4.1.2.5: to the second, in UTC.
Result<Time> read_time(const DerElement& element);
Result<Time> next_time(DerReader& reader, std::string_view what);

struct Extension {
  std::string oid;
  bool critical = false;
  ByteView value;  // what the OCTET STRING holds
  ByteView whole;  // the Extension itself
};
// SEQUENCE OF Extension, at most 64, in order. `each` may end it with an error.
Status for_each_extension(ByteView sequence, const std::function<Status(const Extension&)>& each);

}  // namespace cloister::crypto
