// Evidence of NVIDIA's GPUs as the driver hands it out: NVML, loaded when it is asked for, since most machines don't
// have it. Switches are another library's (NSCQ), which isn't used here.
#pragma once

#include <memory>
#include <vector>

#include "base/file.h"
#include "worker/attester/attester.h"

namespace cloister::worker {

struct NvmlLibrary;

// One GPU. Refuses, kDenied, while confidential computing is off or the driver is in DEVTOOLS mode, in which the host
// reads the GPU's memory: nothing in the evidence says so.
class NvidiaGpuAttester final : public Attester {
 public:
  NvidiaGpuAttester(std::shared_ptr<const NvmlLibrary> library, void* device)
      : library_(std::move(library)), device_(device) {}

  attest::Kind kind() const override { return attest::Kind::kNvidiaGpu; }
  Result<attest::Evidence> collect(const LockedDown& locked, ByteView report_data) override;

 private:
  const std::shared_ptr<const NvmlLibrary> library_;
  void* const device_;
};

// One for every GPU that the driver knows. kNotFound: no driver, or no GPU. kUnsupported: a driver that can't attest.
Result<std::vector<std::unique_ptr<Attester>>> nvidia_gpu_attesters(const Path& library = "libnvidia-ml.so.1");

}  // namespace cloister::worker
