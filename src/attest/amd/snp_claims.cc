#include "attest/amd/snp_claims.h"

#include <algorithm>

namespace cloister::attest {
namespace {

void put(Claims& claims, const std::string& prefix, const SnpTcb& tcb, SnpProduct product) {
  if (product == SnpProduct::kTurin) claims[prefix + ".fmc"] = std::uint64_t{tcb.fmc};
  claims[prefix + ".bootloader"] = std::uint64_t{tcb.bootloader};
  claims[prefix + ".tee"] = std::uint64_t{tcb.tee};
  claims[prefix + ".snp"] = std::uint64_t{tcb.snp};
  claims[prefix + ".microcode"] = std::uint64_t{tcb.microcode};
}

SnpTcb least(const SnpTcb& a, const SnpTcb& b) {
  return {std::min(a.fmc, b.fmc), std::min(a.bootloader, b.bootloader), std::min(a.tee, b.tee), std::min(a.snp, b.snp),
          std::min(a.microcode, b.microcode)};
}

void put_versions(Claims& claims, const SnpReport& report, SnpProduct product) {
  const SnpTcb reported = report.tcb(SnpTcbField::kReported, product);
  const SnpTcb committed = report.tcb(SnpTcbField::kCommitted, product);
  const SnpTcb launch = report.tcb(SnpTcbField::kLaunch, product);
  put(claims, "snp.reported", reported, product);
  put(claims, "snp.committed", committed, product);
  put(claims, "snp.launch", launch, product);
  put(claims, "snp.current", report.tcb(SnpTcbField::kCurrent, product), product);
  put(claims, "snp.minimum", least(least(reported, committed), launch), product);
  claims["snp.firmware"] = report.current_firmware().text();
  claims["snp.committed_firmware"] = report.committed_firmware().text();
  if (report.version() >= 5) {
    claims["snp.launch_mitigations"] = report.launch_mitigations();
    claims["snp.current_mitigations"] = report.current_mitigations();
  }
  if (const auto cpuid = report.cpuid()) {
    claims["snp.cpuid_family"] = std::uint64_t{cpuid->family};
    claims["snp.cpuid_model"] = std::uint64_t{cpuid->model};
    claims["snp.cpuid_stepping"] = std::uint64_t{cpuid->stepping};
  }
}

}  // namespace

Claims snp_claims(const SnpReport& report, const SnpEndorsement& endorsement) {
  Claims claims;
  claims["measurement"] = to_bytes(report.measurement());
  claims["report_data"] = to_bytes(report.report_data());
  claims["debug"] = report.debug_allowed();
  claims["product"] = std::string(snp_product_name(endorsement.product));
  claims["svn"] = std::uint64_t{report.guest_svn()};
  if (endorsement.signer == SnpSigningKey::kVlek) {
    claims["signer"] = std::string("vlek");
    claims["snp.provider"] = endorsement.provider;
  } else {
    claims["signer"] = std::string("vcek");
    claims["chip_id"] = endorsement.hardware_id;
  }
  claims["snp.version"] = std::uint64_t{report.version()};
  claims["snp.vmpl"] = std::uint64_t{report.vmpl()};
  claims["snp.policy"] = report.policy();
  claims["snp.platform_info"] = report.platform_info();
  claims["snp.family_id"] = to_bytes(report.family_id());
  claims["snp.image_id"] = to_bytes(report.image_id());
  claims["snp.host_data"] = to_bytes(report.host_data());
  claims["snp.id_key_digest"] = to_bytes(report.id_key_digest());
  if (report.author_key_enabled()) claims["snp.author_key_digest"] = to_bytes(report.author_key_digest());
  claims["snp.report_id"] = to_bytes(report.report_id());
  claims["snp.report_id_ma"] = to_bytes(report.report_id_ma());
  claims["snp.migration_allowed"] = report.migration_allowed();
  claims["snp.smt_allowed"] = report.smt_allowed();
  claims["snp.single_socket"] = report.single_socket();
  claims["snp.smt_enabled"] = report.smt_enabled();
  claims["snp.tsme_enabled"] = report.tsme_enabled();
  claims["snp.ecc_enabled"] = report.ecc_enabled();
  claims["snp.rapl_disabled"] = report.rapl_disabled();
  claims["snp.ciphertext_hiding"] = report.ciphertext_hiding();
  claims["snp.alias_check_complete"] = report.alias_check_complete();
  put_versions(claims, report, endorsement.product);
  return claims;
}

}  // namespace cloister::attest
