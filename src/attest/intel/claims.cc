#include "attest/intel/claims.h"

namespace cloister::attest::intel {
namespace {

constexpr std::uint8_t kEnclaveDebug = 0x02;
constexpr unsigned kSeptVeDisableBit = 28;

// The whole first byte of a domain's attributes is for debugging; bit 0 is the one in use.
bool is_debug(const Quote& quote) {
  return quote.enclave ? (quote.enclave->attributes[0] & kEnclaveDebug) != 0 : quote.domain->attributes[0] != 0;
}

void add_enclave(Claims& claims, const EnclaveReport& report) {
  claims["product"] = std::string("sgx");
  claims["measurement"] = to_bytes(report.mr_enclave);
  claims["signer"] = to_bytes(report.mr_signer);
  claims["svn"] = std::uint64_t{report.svn};
  claims["sgx.product_id"] = std::uint64_t{report.product_id};
  claims["sgx.attributes"] = to_bytes(report.attributes);
  claims["sgx.misc_select"] = to_bytes(report.misc_select);
  claims["sgx.config_id"] = to_bytes(report.config_id);
  claims["sgx.config_svn"] = std::uint64_t{report.config_svn};
}

void add_domain(Claims& claims, const DomainReport& report) {
  claims["product"] = std::string(report.tcb_svn_now ? "tdx-1.5" : "tdx-1.0");
  claims["measurement"] = to_bytes(report.mr_td);
  claims["svn"] = std::uint64_t{report.tcb_svn[0]};
  claims["tdx.tcb_svn"] = to_bytes(report.tcb_svn);
  claims["tdx.mr_seam"] = to_bytes(report.mr_seam);
  claims["tdx.attributes"] = to_bytes(report.attributes);
  claims["tdx.sept_ve_disable"] = (load_le<std::uint64_t>(report.attributes.data()) >> kSeptVeDisableBit & 1) != 0;
  claims["tdx.xfam"] = to_bytes(report.xfam);
  claims["tdx.mr_config_id"] = to_bytes(report.mr_config_id);
  claims["tdx.mr_owner"] = to_bytes(report.mr_owner);
  claims["tdx.mr_owner_config"] = to_bytes(report.mr_owner_config);
  for (std::size_t i = 0; i < 4; ++i) claims["tdx.rtmr" + std::to_string(i)] = to_bytes(report.rtmr[i]);
  if (report.tcb_svn_now) claims["tdx.tcb_svn_now"] = to_bytes(*report.tcb_svn_now);
  if (report.mr_service_td) claims["tdx.mr_service_td"] = to_bytes(*report.mr_service_td);
}

}  // namespace

void add_claims(Verdict& verdict, const Quote& quote, const Platform& platform, const TcbAssessment* assessment) {
  Claims& claims = verdict.claims;
  claims["debug"] = is_debug(quote);
  claims["report_data"] = to_bytes(quote.report_data());
  claims["chip_id"] = platform.ppid;
  claims["intel.fmspc"] = platform.fmspc;
  if (platform.instance_id) claims["intel.platform_instance_id"] = *platform.instance_id;
  if (platform.memory) claims["intel.sgx_type"] = std::uint64_t{*platform.memory};
  if (platform.dynamic) claims["intel.dynamic_platform"] = *platform.dynamic;
  if (platform.cached_keys) claims["intel.cached_keys"] = *platform.cached_keys;
  if (platform.multithreading) claims["intel.smt"] = *platform.multithreading;
  if (quote.enclave) {
    add_enclave(claims, *quote.enclave);
  } else {
    add_domain(claims, *quote.domain);
  }
  if (assessment == nullptr) return;
  claims["tcb_status"] = std::string(tcb_status_name(assessment->status));
  claims["intel.tcb_date"] = to_rfc3339(assessment->date);
}

void check_debug(Verdict& verdict, const Quote& quote) {
  if (is_debug(quote)) {
    verdict.fail("debug", Reason::kDebug, "the host may read and change it");
  } else {
    verdict.pass("debug", "not in debug mode");
  }
}

void check_report_data(Verdict& verdict, const Quote& quote, const Question& question) {
  if (!question.report_data) {
    verdict.skip("report-data", Reason::kNonceMismatch, "nobody said what it must be");
    return;
  }
  Bytes expected = *question.report_data;
  if (expected.size() <= quote.report_data().size()) expected.resize(quote.report_data().size(), 0);
  if (equal(quote.report_data(), expected)) {
    verdict.pass("report-data", "as asked for");
  } else {
    verdict.fail("report-data", Reason::kNonceMismatch, "the quote answers another question");
  }
}

}  // namespace cloister::attest::intel
