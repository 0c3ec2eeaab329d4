// Evidence of an SGX enclave as its runtime hands it out under /dev/attestation: Gramine's files, which Occlum and
// others have as well.
#pragma once

#include "base/file.h"
#include "worker/attester/attester.h"

namespace cloister::worker {

class SgxAttester final : public Attester {
 public:
  explicit SgxAttester(Path folder = "/dev/attestation") : folder_(std::move(folder)) {}

  attest::Kind kind() const override { return attest::Kind::kSgx; }
  // kUnsupported: the runtime is set up for another kind of quote than ECDSA's (DCAP).
  Result<attest::Evidence> collect(const LockedDown& locked, ByteView report_data) override;

 private:
  const Path folder_;
};

}  // namespace cloister::worker
