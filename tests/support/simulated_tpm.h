// Quotes as a TPM 2.0 makes them, signed by keys of a test's own; and Azure's blobs around them. Each part can be made
// wrong.
#pragma once

#include <memory>
#include <optional>

#include "attest/verifier.h"
#include "crypto/signer.h"

namespace cloister::testing {

// Attributes of a key that attests: fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign.
inline constexpr std::uint32_t kAttestingKey = 0x00050072;

struct TpmParts {
  enum class Key { kEcdsa, kRsa };
  Key key = Key::kEcdsa;
  std::uint64_t seed = 61;                      // of the key, where it is on a curve
  std::optional<std::uint64_t> signed_by = {};  // another seed
  std::uint32_t attributes = kAttestingKey;
  Bytes extra_data = Bytes(64, 0x5A);
  std::uint32_t magic = 0xFF544347;
  std::uint16_t type = 0x8018;
  std::uint64_t firmware_version = 0x0007'0002'0001'0000;
  std::uint32_t registers = 0xFF;          // a bit each
  Bytes first_register = Bytes(32, 0x10);  // the others follow from their number
  std::optional<Bytes> pcr_digest = {};
  bool bare_key = false;  // the key without its public area
};

class SimulatedTpm {
 public:
  explicit SimulatedTpm(TpmParts parts = {});

  crypto::Signer& signer() const { return *signer_; }
  const crypto::PublicKey& key() const { return signer_->public_key(); }
  Bytes public_area() const;  // TPM2B_PUBLIC
  Bytes quote() const;
  Bytes signature() const;
  Bytes registers() const;

  // Parts: quote, signature, pcrs, ak.
  attest::Evidence evidence() const;
  // That vouches for the key.
  attest::Collateral collateral() const;

 private:
  TpmParts parts_;
  std::unique_ptr<crypto::Signer> signer_;
};

struct HclParts {
  Bytes hardware_report;   // cut off, or with zeros behind it, at 1184 bytes
  std::uint32_t type = 2;  // 4: a TDREPORT
  std::string json = {};   // see hcl_json()
  std::uint32_t version = 1;
  std::size_t padding = 64;
};
std::string hcl_json(const crypto::PublicKey& key);
Bytes hcl_report(const HclParts& parts);

}  // namespace cloister::testing
