#include "worker/attester/nvml.h"

#include <dlfcn.h>

namespace cloister::worker {
namespace {

template <typename Function>
void find(void* library, const char* name, Function& function, bool& complete) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) complete = false;
}

Code code_of(NvmlReturn code) {
  switch (code) {
    case kNvmlNotSupported: return Code::kUnsupported;
    case kNvmlNoPermission: return Code::kDenied;
    case kNvmlDriverNotLoaded: return Code::kNotFound;
    case kNvmlTimeout:
    case kNvmlGpuIsLost:
    case kNvmlInUse: return Code::kUnavailable;
    default: return Code::kInternal;
  }
}

}  // namespace

Result<std::shared_ptr<const NvmlLibrary>> NvmlLibrary::load(const Path& path) {
  auto nvml = std::make_shared<NvmlLibrary>();
  nvml->handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (nvml->handle == nullptr) {
    return Error(Code::kNotFound, std::string("load NVML, which comes with NVIDIA's driver: ") + ::dlerror());
  }
  bool complete = true, optional = true;
  find(nvml->handle, "nvmlInit_v2", nvml->init, complete);
  find(nvml->handle, "nvmlShutdown", nvml->shutdown, complete);
  find(nvml->handle, "nvmlErrorString", nvml->error_string, complete);
  find(nvml->handle, "nvmlSystemGetConfComputeState", nvml->conf_compute_state, complete);
  find(nvml->handle, "nvmlSystemGetConfComputeSettings", nvml->conf_compute_settings, optional);
  find(nvml->handle, "nvmlDeviceGetCount_v2", nvml->device_count, complete);
  find(nvml->handle, "nvmlDeviceGetHandleByIndex_v2", nvml->device_by_index, complete);
  find(nvml->handle, "nvmlDeviceGetConfComputeGpuCertificate", nvml->gpu_certificate, complete);
  find(nvml->handle, "nvmlDeviceGetConfComputeGpuAttestationReport", nvml->gpu_attestation_report, complete);
  if (!complete) return Error(Code::kUnsupported, "load NVML: the driver is too old to attest");
  const NvmlReturn started = nvml->init();
  if (started != kNvmlSuccess) return nvml->error(started, "start NVML");
  nvml->initialised = true;
  return std::shared_ptr<const NvmlLibrary>(std::move(nvml));
}

NvmlLibrary::~NvmlLibrary() {
  if (initialised) shutdown();
  if (handle != nullptr) ::dlclose(handle);
}

Error NvmlLibrary::error(NvmlReturn code, std::string_view doing) const {
  const char* words = error_string(code);
  return Error(code_of(code), std::string(doing) + ": " + (words == nullptr ? "unknown" : words));
}

}  // namespace cloister::worker
