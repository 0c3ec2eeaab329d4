#include "attest/kind.h"

#include <array>
#include <utility>

#include "base/result.h"

namespace cloister::attest {
namespace {

constexpr std::array<std::pair<Kind, std::string_view>, 12> kNames{{{Kind::kSgx, "sgx"},
                                                                    {Kind::kTdx, "tdx"},
                                                                    {Kind::kSnp, "snp"},
                                                                    {Kind::kSev, "sev"},
                                                                    {Kind::kCca, "cca"},
                                                                    {Kind::kNvidiaGpu, "nvidia-gpu"},
                                                                    {Kind::kNvidiaSwitch, "nvidia-switch"},
                                                                    {Kind::kTpm, "tpm"},
                                                                    {Kind::kAzureSnpVtpm, "az-snp-vtpm"},
                                                                    {Kind::kAzureTdxVtpm, "az-tdx-vtpm"},
                                                                    {Kind::kNitro, "nitro"},
                                                                    {Kind::kInsecureSoftware, "insecure_software"}}};

}  // namespace

std::string_view kind_name(Kind kind) {
  for (const auto& [known, name] : kNames) {
    if (known == kind) return name;
  }
  CLOISTER_CHECK(false);
  return {};
}

std::optional<Kind> kind_of(std::string_view name) {
  for (const auto& [kind, known] : kNames) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

}  // namespace cloister::attest
