// The kinds of evidence, by the names that the KBS protocol and everything here uses for them.
#pragma once

#include <optional>
#include <string_view>

namespace cloister::attest {

enum class Kind {
  kSgx,
  kTdx,
  kSnp,
  kSev,  // SEV and SEV-ES before SNP: parsed and reported
  kCca,
  kNvidiaGpu,
  kNvidiaSwitch,
  kTpm,
  kAzureSnpVtpm,
  kAzureTdxVtpm,
  kNitro,
  kInsecureSoftware,
};
// "sgx", "tdx", "snp", "sev", "cca", "nvidia-gpu", "nvidia-switch", "tpm", "az-snp-vtpm", "az-tdx-vtpm", "nitro",
// "insecure_software".
std::string_view kind_name(Kind kind);
std::optional<Kind> kind_of(std::string_view name);

}  // namespace cloister::attest
