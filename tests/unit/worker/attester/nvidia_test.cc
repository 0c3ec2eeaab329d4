// GPUs' evidence by way of a library with NVML's functions: what is asked for arrives, and nothing comes from a GPU
// that the host can look into.
#include "worker/attester/nvidia.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/locked_down.h"
#include "tests/support/nvml_stand_in.h"
#include "worker/attester/nvml.h"

namespace cloister::worker {
namespace {

using namespace cloister::testing;

class NvidiaAttesterTest : public ::testing::Test {
 protected:
  NvidiaAttesterTest() : handle_(::dlopen(NVML_STAND_IN, RTLD_NOW | RTLD_LOCAL)) {
    CLOISTER_CHECK(handle_ != nullptr);
    nvml_ = reinterpret_cast<NvmlStandInFunction>(::dlsym(handle_, "nvml_stand_in"))();
    *nvml_ = {};
  }
  ~NvidiaAttesterTest() override { ::dlclose(handle_); }

  Result<attest::Evidence> collect(std::size_t gpu = 0) {
    CLOISTER_TRY(const auto gpus, nvidia_gpu_attesters(NVML_STAND_IN));
    return gpus.at(gpu)->collect(locked_, nonce_);
  }

  void* const handle_;
  NvmlStandIn* nvml_ = nullptr;
  const LockedDown locked_ = LockedDownForTests::make();
  Bytes nonce_ = Bytes(32, 0x4E);
};

TEST_F(NvidiaAttesterTest, EvidenceOfEachGpu) {
  nvml_->devices = 2;
  for (const std::uint8_t gpu : {0, 1}) {
    const attest::Evidence evidence = value_of(collect(gpu));
    EXPECT_EQ(evidence.kind, attest::Kind::kNvidiaGpu);
    Bytes report = {0x11, 0xE0};
    report.insert(report.end(), nonce_.begin(), nonce_.end());
    report.push_back(gpu);
    EXPECT_EQ(to_bytes(evidence.part("report")), report);
    EXPECT_EQ(as_text(evidence.part("chain")), "PEM");
  }
  EXPECT_EQ(nvml_->started, 0) << "the library is let go of";
}

TEST_F(NvidiaAttesterTest, ShorterReportDataHasZerosBehindIt) {
  nonce_.resize(8);
  const attest::Evidence evidence = value_of(collect());
  EXPECT_TRUE(all_zero(evidence.part("report").subspan(10, 24)));
}

TEST_F(NvidiaAttesterTest, MoreReportDataThanThereIsRoomFor) {
  nonce_.resize(33);
  expect_refused(collect(), Code::kInvalid, "room for 32");
}

TEST_F(NvidiaAttesterTest, DeveloperMode) {
  nvml_->devtools = 1;
  expect_refused(collect(), Code::kDenied, "DEVTOOLS");
  nvml_->devtools = 0;
  nvml_->settings_devtools = 1;
  expect_refused(collect(), Code::kDenied, "DEVTOOLS");
}

TEST_F(NvidiaAttesterTest, WithoutConfidentialComputing) {
  nvml_->feature = 0;
  expect_refused(collect(), Code::kDenied, "confidential computing");
  nvml_->multi_gpu = kNvmlProtectedPcie;
  EXPECT_TRUE(collect().ok()) << "protected PCIe is the other such mode";
  nvml_->settings_devtools = 1;
  expect_refused(collect(), Code::kDenied, "DEVTOOLS");
}

TEST_F(NvidiaAttesterTest, ModeThatCannotBeRead) {
  nvml_->state = kNvmlNoPermission;
  expect_refused(collect(), Code::kDenied, "mode");
  nvml_->state = kNvmlSuccess;
  nvml_->settings = kNvmlTimeout;
  expect_refused(collect(), Code::kUnavailable, "settings");
}

TEST_F(NvidiaAttesterTest, GpuThatRefuses) {
  nvml_->report = kNvmlNotSupported;
  expect_refused(collect(), Code::kUnsupported, "Not Supported");
  nvml_->report = kNvmlInUse;
  expect_refused(collect(), Code::kUnavailable, "report");
  nvml_->report = kNvmlSuccess;
  nvml_->certificate = 999;
  expect_refused(collect(), Code::kInternal, "certificates");
}

TEST_F(NvidiaAttesterTest, SizesBeyondTheBuffers) {
  nvml_->report_size_more = 0x2000;
  expect_refused(collect(), Code::kInternal, "of a report");
  nvml_->report_size_more = 0;
  nvml_->chain.clear();
  expect_refused(collect(), Code::kInternal, "of certificates");
}

TEST_F(NvidiaAttesterTest, NoGpu) {
  nvml_->devices = 0;
  expect_refused(nvidia_gpu_attesters(NVML_STAND_IN), Code::kNotFound, "no GPU");
  nvml_->devices = attest::kDevicesMax + 1;
  expect_refused(nvidia_gpu_attesters(NVML_STAND_IN), Code::kUnsupported, "GPUs");
  nvml_->count = kNvmlDriverNotLoaded;
  expect_refused(nvidia_gpu_attesters(NVML_STAND_IN), Code::kNotFound, "count");
}

TEST_F(NvidiaAttesterTest, NoDriver) {
  nvml_->init = kNvmlDriverNotLoaded;
  expect_refused(nvidia_gpu_attesters(NVML_STAND_IN), Code::kNotFound, "start NVML");
  expect_refused(nvidia_gpu_attesters("libnvidia-ml-that-is-not-there.so.1"), Code::kNotFound, "load NVML");
  // A library, but another.
  expect_refused(nvidia_gpu_attesters("libm.so.6"), Code::kUnsupported, "too old");
}

}  // namespace
}  // namespace cloister::worker
