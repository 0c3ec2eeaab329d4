#include "crypto/library.h"

#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "crypto/secret.h"

namespace cloister::crypto {
namespace {

constexpr unsigned long kOldestVersion = 0x30500000UL;

// OPENSSL_ia32cap holds CPUID leaf 7's EBX and ECX in its third and fourth 32-bit words.
bool wide_gcm(const std::string& settings) {
  const std::size_t start = settings.find("OPENSSL_ia32cap=");
  if (start == std::string::npos) return false;
  const char* text = settings.c_str() + start + 16;
  char* end = nullptr;
  std::strtoull(text, &end, 16);
  if (*end != ':') return false;
  const unsigned long long second = std::strtoull(end + 1, nullptr, 16);
  const auto ebx = static_cast<std::uint32_t>(second);
  const auto ecx = static_cast<std::uint32_t>(second >> 32);
  const auto has = [](std::uint32_t word, unsigned bit) { return (word >> bit & 1) != 0; };
  const bool avx512 = has(ebx, 16) && has(ebx, 17) && has(ebx, 30) && has(ebx, 31);  // F, DQ, BW, VL
  const bool vaes = has(ecx, 9) && has(ecx, 10);                                     // VAES, VPCLMULQDQ
  return avx512 && vaes;
}

std::vector<std::string> mapped_libcryptos() {
  std::vector<std::string> paths;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t slash = line.find('/');
    if (slash == std::string::npos || line.find("libcrypto") == std::string::npos) continue;
    const std::string path = line.substr(slash);
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
  }
  return paths;
}

}  // namespace

LibraryInfo library_info() {
  LibraryInfo info;
  info.version = OpenSSL_version(OPENSSL_VERSION_STRING);
  const char* settings = OPENSSL_info(OPENSSL_INFO_CPU_SETTINGS);
  info.cpu_settings = settings == nullptr ? "" : settings;
  info.vaes_avx512 = wide_gcm(info.cpu_settings);
  info.too_old = OpenSSL_version_num() < kOldestVersion;
  info.mapped = mapped_libcryptos();
  return info;
}

Status start_process() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return error_from_errno(errno, "start: turn core dumps off");
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return error_from_errno(errno, "start: make the process undumpable");
  rlimit locked{};
  if (::getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_cur < locked.rlim_max) {
    locked.rlim_cur = locked.rlim_max;
    ::setrlimit(RLIMIT_MEMLOCK, &locked);
  }
  if (OpenSSL_version_num() < kOldestVersion) {
    return Error(Code::kUnsupported, std::string("start: OpenSSL ") + OpenSSL_version(OPENSSL_VERSION_STRING) +
                                         " is loaded, 3.5 or newer is needed");
  }
  const Secret first(1);  // sets up secure memory while the limit on locked memory is fresh
  return {};
}

}  // namespace cloister::crypto
