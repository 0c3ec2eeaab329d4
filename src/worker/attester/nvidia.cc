#include "worker/attester/nvidia.h"

#include <algorithm>

#include "worker/attester/nvml.h"

namespace cloister::worker {
namespace {

Status check_mode(const NvmlLibrary& nvml) {
  NvmlConfComputeState state{};
  const NvmlReturn asked = nvml.conf_compute_state(&state);
  if (asked != kNvmlSuccess) return nvml.error(asked, "ask for the GPUs' mode");
  bool protected_pcie = false;
  if (nvml.conf_compute_settings != nullptr) {
    NvmlConfComputeSettings settings{};
    settings.version = kNvmlSettingsVersion1;
    const NvmlReturn read = nvml.conf_compute_settings(&settings);
    if (read != kNvmlSuccess) return nvml.error(read, "ask for the GPUs' settings");
    state.devtools |= settings.devtools;
    protected_pcie = settings.multi_gpu == kNvmlProtectedPcie;
  }
  if (state.feature != 1 && !protected_pcie) {
    return Error(Code::kDenied, "the GPUs don't run in confidential computing mode");
  }
  if (state.devtools != 0) return Error(Code::kDenied, "the GPUs are in DEVTOOLS mode: the host can read their memory");
  return {};
}

// NVML says how much of a buffer it filled.
Result<Bytes> filled(ByteView buffer, unsigned int size, std::string_view what) {
  if (size == 0 || size > buffer.size()) {
    return Error(Code::kInternal, "NVML handed out " + std::to_string(size) + " bytes of " + std::string(what));
  }
  return to_bytes(buffer.first(size));
}

}  // namespace

Result<attest::Evidence> NvidiaGpuAttester::collect(const LockedDown&, ByteView report_data) {
  auto report = std::make_unique<NvmlAttestationReport>();
  auto certificate = std::make_unique<NvmlGpuCertificate>();
  if (report_data.size() > report->nonce.size()) {
    return Error(Code::kInvalid, "there is room for " + std::to_string(report->nonce.size()) +
                                     " bytes of report data, not for " + std::to_string(report_data.size()));
  }
  CLOISTER_RETURN_IF_ERROR(check_mode(*library_));
  std::ranges::copy(report_data, report->nonce.begin());
  const NvmlReturn reported = library_->gpu_attestation_report(device_, report.get());
  if (reported != kNvmlSuccess) return library_->error(reported, "ask a GPU for its report");
  const NvmlReturn certified = library_->gpu_certificate(device_, certificate.get());
  if (certified != kNvmlSuccess) return library_->error(certified, "ask a GPU for its certificates");
  CLOISTER_TRY(Bytes bytes, filled(report->report, report->report_size, "a report"));
  CLOISTER_TRY(Bytes chain,
               filled(certificate->attestation_chain, certificate->attestation_chain_size, "certificates"));
  return attest::Evidence{kind(), {{"report", std::move(bytes)}, {"chain", std::move(chain)}}};
}

Result<std::vector<std::unique_ptr<Attester>>> nvidia_gpu_attesters(const Path& library) {
  CLOISTER_TRY(const std::shared_ptr<const NvmlLibrary> nvml, NvmlLibrary::load(library));
  unsigned int count = 0;
  const NvmlReturn counted = nvml->device_count(&count);
  if (counted != kNvmlSuccess) return nvml->error(counted, "count the GPUs");
  if (count == 0) return Error(Code::kNotFound, "the driver knows no GPU");
  if (count > attest::kDevicesMax) return Error(Code::kUnsupported, "there are " + std::to_string(count) + " GPUs");
  std::vector<std::unique_ptr<Attester>> attesters;
  for (unsigned int i = 0; i < count; ++i) {
    void* device = nullptr;
    const NvmlReturn found = nvml->device_by_index(i, &device);
    if (found != kNvmlSuccess) return nvml->error(found, "find GPU " + std::to_string(i));
    attesters.push_back(std::make_unique<NvidiaGpuAttester>(nvml, device));
  }
  return attesters;
}

}  // namespace cloister::worker
