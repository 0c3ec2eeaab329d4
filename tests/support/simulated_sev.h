// Chains of SEV before SNP under a root of a test's own, with a report of SEV-ES, every byte of which can be changed
// before it is signed.
#pragma once

#include <functional>
#include <map>

#include "attest/amd/sev.h"
#include "crypto/asymmetric_key.h"
#include "crypto/key_pair.h"

namespace cloister::testing {

struct SevParts {
  // By part ("cek", "report", …): bytes before they are signed.
  std::map<std::string, std::function<void(Bytes&)>> edit = {};
};

class SimulatedSev {
 public:
  SimulatedSev();

  // Parts: ark, ask, cek, oca, pek, pdh, report.
  attest::Evidence chain(const SevParts& parts = {});
  attest::Anchors anchors() const;

 private:
  Bytes authority(const std::string& name, std::uint32_t usage, const crypto::MadePair& key, const SevParts& parts);
  Bytes certificate(const std::string& name, std::uint32_t usage, const crypto::PrivateKey& key,
                    const SevParts& parts) const;
  void sign_by_key(Bytes& certificate, unsigned slot, std::uint32_t usage, const crypto::PrivateKey& by) const;

  crypto::MadePair ark_, ask_;
  crypto::PrivateKey cek_, oca_, pek_, pdh_;
};

}  // namespace cloister::testing
