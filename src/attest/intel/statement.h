// Whether a statement of Intel's (TCB Info, an identity of an enclave) is signed by the key for such, up to the root.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attest/intel/signed_json.h"
#include "attest/verifier.h"
#include "crypto/x509.h"

namespace cloister::attest::intel {

struct Refusal {
  Reason reason = Reason::kMalformed;
  std::string detail;
};

// For one question: chains that were verified are remembered, since both statements usually come with the same one.
class Signers {
 public:
  explicit Signers(const Question& question) : question_(question) {}

  // Nothing when the signature is that of a TCB Signing certificate whose chain ends at Intel's root and is valid now.
  std::optional<Refusal> verify(const CollateralItem& item, const SignedJson& statement);
  // The certificates that signed, where their chains hold: to be looked up in the root's revocation list.
  const std::vector<crypto::Certificate>& certificates() const { return certificates_; }

 private:
  struct Chain {
    std::string text;
    std::optional<Refusal> refusal;
    std::optional<crypto::Certificate> signer;
  };
  const Chain& chain(const std::string& text);
  std::optional<Refusal> verify_path(const std::vector<crypto::Certificate>& path) const;

  const Question& question_;
  std::vector<Chain> chains_;
  std::vector<crypto::Certificate> certificates_;
};

// Why something with these dates can't be used at that time; nothing when it can.
std::optional<Refusal> outside(Time from, Time until, Time now, std::string_view what);

}  // namespace cloister::attest::intel
