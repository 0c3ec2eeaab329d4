#include "attest/nvidia/raw_signature.h"

#include "crypto/der.h"

namespace cloister::attest::nvidia {

Status verify_raw_p384(const crypto::Certificate& signer, ByteView message, ByteView signature,
                       crypto::VerificationCache* cache) {
  CLOISTER_TRY(const crypto::PublicKey key, signer.public_key());
  if (key.type() != crypto::KeyType::kEcP384) return Error(Code::kUnsupported, "the signer's key isn't P-384");
  const std::size_t size = crypto::ec_coordinate_size(key.type());
  const ByteView r = signature.first(std::min(size, signature.size()));
  const ByteView s = signature.subspan(r.size());
  if (signature.size() != 2 * size || all_zero(r) || all_zero(s)) {
    return Error(Code::kCorrupt, "the signature has no r and s of 48 bytes");
  }
  const Bytes der =
      crypto::der_element(crypto::der::kSequence, {crypto::der_positive_integer(r), crypto::der_positive_integer(s)});
  return crypto::verify_signature(cache, key, crypto::SignatureAlgorithm::kEcdsaSha384, message, der);
}

}  // namespace cloister::attest::nvidia
