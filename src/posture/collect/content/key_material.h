// Keys that lie about in the clear: private keys in PEM and JWK, key files of our own without a passphrase, and files
// that are named like keys and hold as many random bytes as one has. Only where, never what.
#pragma once

#include "posture/collect/content/sample.h"
#include "posture/collect/content/verdict.h"

namespace cloister::posture::content {

// Of the head, up to 64 of them.
std::vector<RawKey> find_raw_keys(const Sample& sample);

}  // namespace cloister::posture::content
