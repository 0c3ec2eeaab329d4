// A library with the functions of NVIDIA's that attestation uses, and with whatever answers a test wants of them.
#include "support/nvml_stand_in.h"

#include <cstring>

#include "worker/attester/nvml.h"

using namespace cloister::worker;

namespace {

NvmlStandIn state;
int devices[64];

}  // namespace

extern "C" {

NvmlStandIn* nvml_stand_in() { return &state; }

NvmlReturn nvmlInit_v2() {
  if (state.init == kNvmlSuccess) ++state.started;
  return state.init;
}

NvmlReturn nvmlShutdown() {
  --state.started;
  return kNvmlSuccess;
}

const char* nvmlErrorString(NvmlReturn code) { return code == kNvmlNotSupported ? "Not Supported" : "Another"; }

NvmlReturn nvmlSystemGetConfComputeState(NvmlConfComputeState* out) {
  *out = {1, state.feature, state.devtools};
  return state.state;
}

NvmlReturn nvmlSystemGetConfComputeSettings(NvmlConfComputeSettings* out) {
  if (out->version != kNvmlSettingsVersion1) return kNvmlNotSupported;
  *out = {out->version, 1, state.feature, state.settings_devtools, state.multi_gpu};
  return state.settings;
}

NvmlReturn nvmlDeviceGetCount_v2(unsigned int* count) {
  *count = state.devices;
  return state.count;
}

NvmlReturn nvmlDeviceGetHandleByIndex_v2(unsigned int index, void** device) {
  *device = &devices[index];
  return kNvmlSuccess;
}

NvmlReturn nvmlDeviceGetConfComputeGpuCertificate(void*, NvmlGpuCertificate* out) {
  std::memcpy(out->attestation_chain.data(), state.chain.data(), state.chain.size());
  out->attestation_chain_size = static_cast<unsigned int>(state.chain.size());
  return state.certificate;
}

NvmlReturn nvmlDeviceGetConfComputeGpuAttestationReport(void* device, NvmlAttestationReport* out) {
  std::size_t size = state.report_bytes.size();
  std::memcpy(out->report.data(), state.report_bytes.data(), size);
  std::memcpy(out->report.data() + size, out->nonce.data(), out->nonce.size());
  size += out->nonce.size();
  out->report[size++] = static_cast<std::uint8_t>(static_cast<int*>(device) - devices);
  out->report_size = static_cast<unsigned int>(size) + state.report_size_more;
  return state.report;
}
}
