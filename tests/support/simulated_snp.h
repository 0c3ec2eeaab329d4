// SEV-SNP evidence under roots of a test's own: genuine but for the keys, and every part of it can be made wrong.
#pragma once

#include <functional>

#include "attest/amd/snp.h"
#include "tests/support/certificates.h"

namespace cloister::testing {

struct SnpParts {
  attest::SnpProduct product = attest::SnpProduct::kMilan;
  attest::SnpSigningKey signer = attest::SnpSigningKey::kVcek;
  std::uint32_t version = 3;
  Bytes report_data = Bytes(64, 0x5A);
  attest::SnpTcb tcb = {0, 4, 0, 24, 219};                         // of report and certificate
  Bytes chip_id = {};                                              // empty: one that is a chip's
  std::function<void(Bytes&)> edit = {};                           // the report before it is signed
  std::function<void(std::vector<Bytes>&)> extend = {};            // the leaf's extensions
  std::optional<crypto::PublicKey> leaf_key = {};                  // certified instead of the key that signs
  attest::SnpSigningKey authority = attest::SnpSigningKey::kNone;  // who issues the leaf; kNone: whose turn it is
  std::string leaf_name = {};                                      // empty: as its kind has it
  Time not_before = kNow + days(-30);
  Time not_after = kNow + days(300);
};

// AMD, for one product: its root, and its authorities for chips and for providers.
class SimulatedAmd {
 public:
  explicit SimulatedAmd(attest::SnpProduct product = attest::SnpProduct::kMilan, std::uint64_t seed = 70);

  // Parts: report, vcek or vlek, ask or asvk, ark.
  attest::Evidence snp(const SnpParts& parts = {});
  Bytes report(const SnpParts& parts) const;
  Bytes leaf(const SnpParts& parts);
  const crypto::Certificate& root() const { return *root_; }
  const crypto::Certificate& authority(attest::SnpSigningKey of) const;

  std::multimap<attest::Root, crypto::Sha256Digest> roots() const;
  attest::Anchors anchors() const { return attest::Anchors::insecure(roots()); }
  // A list without entries unless serial numbers are given; valid for 30 days.
  attest::CollateralItem revocations(const std::vector<Bytes>& serials = {}, Time issued = kNow + days(-1),
                                     attest::SnpSigningKey of = attest::SnpSigningKey::kVcek);
  attest::CollateralItem chain(attest::SnpSigningKey of = attest::SnpSigningKey::kVcek) const;

 private:
  crypto::Certificate certify(std::uint8_t serial, const std::string& issuer, const std::string& subject,
                              const crypto::PublicKey& key, std::vector<Bytes> extensions, crypto::Signer& signer);

  attest::SnpProduct product_;
  crypto::MemorySigner root_signer_, ask_signer_, asvk_signer_;
  crypto::PrivateKey leaf_key_;
  std::optional<crypto::Certificate> root_, ask_, asvk_;
};

// What verifies: the evidence of SnpParts{} under that AMD, with its list of revocations.
struct SnpQuestion {
  attest::Anchors anchors;
  attest::Collateral collateral;
  attest::Question question;
};
std::unique_ptr<SnpQuestion> snp_question(SimulatedAmd& amd);

// r and s of a DER signature as AMD's firmware writes them, 72 bytes each.
Bytes little_endian_signature(ByteView der);

}  // namespace cloister::testing
