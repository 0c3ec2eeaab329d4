// Reference integrity manifests: the measurements that NVIDIA signed for a driver or a firmware. ISO 19770-2:2015 tags
// with one enveloped signature (XMLDSig, ECDSA P-384 with SHA-384) over the whole document and nothing else.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "crypto/verification_cache.h"
#include "crypto/x509.h"

namespace cloister::attest::nvidia {

inline constexpr std::size_t kRimCertificatesMax = 6;

struct Rim {
  std::string tag_id, product, edition, version;
  // By index: any of them. Only what the manifest calls active.
  std::map<unsigned, std::vector<crypto::Sha384Digest>> measurements;
  std::vector<crypto::Certificate> certificates;  // of the signer, who comes first

  crypto::Sha384Digest stated{}, actual{};  // digest of the document without its signature
  std::string signed_info;                  // canonical
  Bytes signature;                          // r and s, big-endian
};

// A manifest in the one shape NVIDIA signs. kInvalid for any other: another reference than the whole document, another
// algorithm or transform, parts that the signature doesn't cover, an element or attribute that isn't known.
Result<Rim> parse_rim(ByteView xml);
Result<std::shared_ptr<const Rim>> parse_rim(crypto::VerificationCache* cache, ByteView xml);

// By the key of the first certificate, whoever that is. kCorrupt when the document isn't what was signed.
Status verify_rim_signature(const Rim& rim, crypto::VerificationCache* cache = nullptr);

}  // namespace cloister::attest::nvidia
