// An Intel platform made by tests: its keys, certificates, quotes and all collateral, under a root of the test's own.
// Everything is right as it comes; a test changes one field and signs anew by asking for the evidence.
#pragma once

#include "attest/verifier.h"
#include "tests/support/certificates.h"

namespace cloister::testing {

// Where fields lie in the bodies below.
namespace enclave_body {
inline constexpr std::size_t kSize = 384, kMiscSelect = 16, kAttributes = 48, kMrSigner = 128, kProductId = 256,
                             kSvn = 258, kReportData = 320;
}
namespace domain_body {
inline constexpr std::size_t kSize = 584, kTcbSvn = 0, kMrSignerSeam = 64, kSeamAttributes = 112, kAttributes = 120,
                             kRtmr = 328, kReportData = 520, kTcbSvnNow = 584, kSize15 = 648;
}

enum class CertificateForm { kPem, kDer };

class SimulatedIntel {
 public:
  // sgx in version 3, 4 or 5; tdx in 4, or in 5 with the body of TDX 1.5.
  explicit SimulatedIntel(attest::Kind kind, std::uint16_t version);

  Bytes body;
  Bytes quoting_enclave;                                     // its report's body; report data is filled in by quote()
  Bytes authentication = Bytes(32, 0xA7);                    // data of the attestation key
  std::string tcb_info, identity;                            // the JSON that is signed
  std::vector<Bytes> revoked_by_root, revoked_by_authority;  // serial numbers
  Time lists_from = kNow + hours(-1), lists_until = kNow + days(30);
  CertificateForm form = CertificateForm::kPem;
  bool without_authority = false;  // its certificate is left out of the quote
  Bytes padding;                   // behind the quote

  static Bytes serial_of_authority() { return {2}; }
  static Bytes serial_of_signer() { return {3}; }
  static Bytes serial_of_platform() { return {4}; }
  // The first `from` in the JSON of both statements becomes `to`. Stops the test when there is none.
  void replace(std::string_view from, std::string_view to);

  Bytes quote();
  attest::Evidence evidence() { return {kind_, {{"quote", quote()}}}; }
  attest::Collateral collateral();
  std::string signer_chain() const;
  attest::Anchors anchors() const;
  // At kNow, for the report data that the body has.
  attest::Question question(const attest::Collateral& collateral, const attest::Anchors& anchors) const;

 private:
  struct Holder {
    crypto::MemorySigner signer;
    crypto::Certificate certificate;
  };
  Holder issue(std::uint64_t seed, std::string_view name, Bytes serial, std::vector<Bytes> extensions);
  std::string statement_key() const;
  Bytes signed_answer(std::string_view member, const std::string& inner);

  attest::Kind kind_;
  std::uint16_t version_;
  crypto::MemorySigner root_key_;
  crypto::Certificate root_;
  Holder authority_, signer_, platform_;
  crypto::MemorySigner attestation_key_;
};

}  // namespace cloister::testing
