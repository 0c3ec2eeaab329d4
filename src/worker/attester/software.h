// The attester of a machine without hardware for it: signs a statement with a key of this host. insecure_software.
#pragma once

#include <functional>

#include "base/file.h"
#include "crypto/signature.h"
#include "worker/attester/attester.h"

namespace cloister::worker {

using Clock = std::function<Time()>;

class SoftwareAttester final : public Attester {
 public:
  // `measurement`: measure_program() of what runs. `manifest`: SHA-256 of the workload manifest's bytes.
  SoftwareAttester(crypto::SigningKey key, const crypto::Sha256Digest& measurement,
                   const crypto::Sha256Digest& manifest, Clock clock);

  attest::Kind kind() const override { return attest::Kind::kInsecureSoftware; }
  Result<attest::Evidence> collect(const LockedDown& locked, ByteView report_data) override;

 private:
  crypto::SigningKey key_;
  attest::SoftwareStatement template_;
  Clock clock_;
};

// SHA-256 of a program's file: "/proc/self/exe" for the one that runs.
Result<crypto::Sha256Digest> measure_program(const Path& program);

}  // namespace cloister::worker
