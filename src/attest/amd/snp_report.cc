#include "attest/amd/snp_report.h"

#include <algorithm>
#include <utility>

namespace cloister::attest {
namespace {

constexpr std::size_t kSignatureAlgorithmOffset = 0x034;
constexpr std::size_t kBehindSignature = 0x330;
constexpr std::uint32_t kEcdsaP384Sha384 = 1;
constexpr unsigned kPolicyMustBeOne = 17;

constexpr std::array<std::pair<SnpProduct, std::string_view>, 3> kProducts{
    {{SnpProduct::kMilan, "Milan"}, {SnpProduct::kGenoa, "Genoa"}, {SnpProduct::kTurin, "Turin"}}};

Error malformed(const std::string& what) { return Error(Code::kInvalid, "an SNP report " + what); }

}  // namespace

std::string_view snp_product_name(SnpProduct product) {
  for (const auto& [known, name] : kProducts) {
    if (known == product) return name;
  }
  CLOISTER_CHECK(false);
  return {};
}

std::optional<SnpProduct> snp_product_of(std::string_view name) {
  for (const auto& [product, known] : kProducts) {
    if (known == name) return product;
  }
  return std::nullopt;
}

std::string SnpTcb::text() const {
  const std::string first = fmc == 0 ? "" : "fmc " + std::to_string(fmc) + ", ";
  return first + "bootloader " + std::to_string(bootloader) + ", tee " + std::to_string(tee) + ", snp " +
         std::to_string(snp) + ", microcode " + std::to_string(microcode);
}

std::string SnpFirmware::text() const {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(build);
}

Result<SnpReport> SnpReport::parse(ByteView bytes) {
  if (bytes.size() != kSnpReportSize) {
    return malformed("has " + std::to_string(kSnpReportSize) + " bytes, not " + std::to_string(bytes.size()));
  }
  SnpReport report;
  std::ranges::copy(bytes, report.raw_.begin());
  const std::uint32_t version = report.version();
  if (version != 2 && version != 3 && version != 5) {
    return malformed("of version " + std::to_string(version) + " isn't known here");
  }
  if (report.u32(kSignatureAlgorithmOffset) != kEcdsaP384Sha384) {
    return malformed("is signed by an algorithm that no version has");
  }
  if (!bit(report.policy(), kPolicyMustBeOne)) return malformed("has a policy that can't be");
  if (!all_zero(bytes.subspan(kBehindSignature))) return malformed("has bytes behind its signature");
  return report;
}

SnpSigningKey SnpReport::signing_key() const {
  switch (u32(0x048) >> 2 & 7) {
    case 0: return SnpSigningKey::kVcek;
    case 1: return SnpSigningKey::kVlek;
    case 7: return SnpSigningKey::kNone;
    default: return SnpSigningKey::kReserved;
  }
}

std::optional<SnpCpuid> SnpReport::cpuid() const {
  if (version() < 3) return std::nullopt;
  return SnpCpuid{raw_[0x188], raw_[0x189], raw_[0x18A]};
}

ByteView SnpReport::tcb_bytes(SnpTcbField which) const {
  switch (which) {
    case SnpTcbField::kCurrent: return field(0x038, 8);
    case SnpTcbField::kReported: return field(0x180, 8);
    case SnpTcbField::kCommitted: return field(0x1E0, 8);
    case SnpTcbField::kLaunch: return field(0x1F0, 8);
  }
  CLOISTER_CHECK(false);
  return {};
}

SnpTcb SnpReport::tcb(SnpTcbField which, SnpProduct product) const {
  const ByteView bytes = tcb_bytes(which);
  if (product == SnpProduct::kTurin) return {bytes[0], bytes[1], bytes[2], bytes[3], bytes[7]};
  return {0, bytes[0], bytes[1], bytes[6], bytes[7]};
}

std::optional<SnpProduct> SnpReport::product() const {
  const auto id = cpuid();
  if (!id) return std::nullopt;
  if (id->family == 0x19 && id->model <= 0x0F) return SnpProduct::kMilan;
  const bool genoa = (id->model >= 0x10 && id->model <= 0x1F) || (id->model >= 0xA0 && id->model <= 0xAF);
  if (id->family == 0x19 && genoa) return SnpProduct::kGenoa;
  if (id->family == 0x1A && id->model <= 0x11) return SnpProduct::kTurin;
  return std::nullopt;
}

}  // namespace cloister::attest
