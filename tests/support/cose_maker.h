// COSE_Sign1 messages made by tests, good ones and every kind of bad one.
#pragma once

#include "crypto/asymmetric_key.h"

namespace cloister::testing {

enum class CoseTag { kYes, kNo };

struct CoseParts {
  Bytes protected_headers = {};     // encoded; empty: {1: the algorithm of the key}
  Bytes unprotected_headers{0xA0};  // encoded
  CoseTag tag = CoseTag::kYes;
};

Bytes make_cose_sign1(const crypto::PrivateKey& key, ByteView payload, const CoseParts& parts = {});

// An EC2 key as a COSE_Key of kty, crv, x and y.
Bytes make_cose_key(const crypto::PublicKey& key);

}  // namespace cloister::testing
