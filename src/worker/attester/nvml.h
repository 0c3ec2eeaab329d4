// The part of NVIDIA's management library (NVML) that attestation needs, in our own declaration: nvml.h isn't free to
// ship, and the library is there only where a driver is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/file.h"
#include "base/result.h"

namespace cloister::worker {

using NvmlReturn = int;
inline constexpr NvmlReturn kNvmlSuccess = 0;
inline constexpr NvmlReturn kNvmlNotSupported = 3;
inline constexpr NvmlReturn kNvmlNoPermission = 4;
inline constexpr NvmlReturn kNvmlDriverNotLoaded = 9;
inline constexpr NvmlReturn kNvmlTimeout = 10;
inline constexpr NvmlReturn kNvmlGpuIsLost = 15;
inline constexpr NvmlReturn kNvmlInUse = 19;

struct NvmlConfComputeState {
  unsigned int environment;
  unsigned int feature;  // 1: confidential computing is on
  unsigned int devtools;
};

struct NvmlConfComputeSettings {
  unsigned int version;
  unsigned int environment;
  unsigned int feature;
  unsigned int devtools;
  unsigned int multi_gpu;  // 1: protected PCIe
};
inline constexpr unsigned int kNvmlSettingsVersion1 = sizeof(NvmlConfComputeSettings) | 1U << 24;
inline constexpr unsigned int kNvmlProtectedPcie = 1;

struct NvmlGpuCertificate {
  unsigned int chain_size;
  unsigned int attestation_chain_size;
  std::array<std::uint8_t, 0x1000> chain;
  std::array<std::uint8_t, 0x1400> attestation_chain;
};

struct NvmlAttestationReport {
  unsigned int has_cec_report;
  unsigned int report_size;
  unsigned int cec_report_size;
  std::array<std::uint8_t, 32> nonce;
  std::array<std::uint8_t, 0x2000> report;
  std::array<std::uint8_t, 0x1000> cec_report;
};

// Initialised while it lives. Any thread may call.
struct NvmlLibrary {
  // kNotFound: the library isn't there, or it finds no driver. kUnsupported: it is too old.
  static Result<std::shared_ptr<const NvmlLibrary>> load(const Path& path);
  NvmlLibrary() = default;
  NvmlLibrary(const NvmlLibrary&) = delete;
  NvmlLibrary& operator=(const NvmlLibrary&) = delete;
  ~NvmlLibrary();

  // What went wrong, with NVML's own words.
  Error error(NvmlReturn code, std::string_view doing) const;

  void* handle = nullptr;
  bool initialised = false;
  NvmlReturn (*init)() = nullptr;
  NvmlReturn (*shutdown)() = nullptr;
  const char* (*error_string)(NvmlReturn) = nullptr;
  NvmlReturn (*conf_compute_state)(NvmlConfComputeState*) = nullptr;
  NvmlReturn (*conf_compute_settings)(NvmlConfComputeSettings*) = nullptr;  // null in drivers before 550
  NvmlReturn (*device_count)(unsigned int*) = nullptr;
  NvmlReturn (*device_by_index)(unsigned int, void**) = nullptr;
  NvmlReturn (*gpu_certificate)(void*, NvmlGpuCertificate*) = nullptr;
  NvmlReturn (*gpu_attestation_report)(void*, NvmlAttestationReport*) = nullptr;
};

}  // namespace cloister::worker
