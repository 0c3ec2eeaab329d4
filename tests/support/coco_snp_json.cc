#include "tests/support/coco_snp_json.h"

#include "tests/support/value_of.h"

namespace cloister::testing {

using namespace attest;

namespace {

JsonValue numbers(ByteView bytes) {
  JsonValue::Array items;
  for (const std::uint8_t byte : bytes) items.emplace_back(std::uint64_t{byte});
  return items;
}

JsonValue tcb_json(const SnpReport& report, SnpTcbField which) {
  const bool turin = report.product() == SnpProduct::kTurin;
  const SnpTcb tcb = report.tcb(which, turin ? SnpProduct::kTurin : SnpProduct::kMilan);
  return JsonValue::Object{{"fmc", turin ? JsonValue(std::uint64_t{tcb.fmc}) : JsonValue()},
                           {"bootloader", std::uint64_t{tcb.bootloader}},
                           {"tee", std::uint64_t{tcb.tee}},
                           {"snp", std::uint64_t{tcb.snp}},
                           {"microcode", std::uint64_t{tcb.microcode}}};
}

JsonValue firmware_json(const SnpFirmware& version) {
  return JsonValue::Object{{"major", std::uint64_t{version.major}},
                           {"minor", std::uint64_t{version.minor}},
                           {"build", std::uint64_t{version.build}}};
}

JsonValue report_json(const SnpReport& report) {
  const SnpCpuid cpuid = report.cpuid().value_or(SnpCpuid{});
  return JsonValue::Object{
      {"version", std::uint64_t{report.version()}},
      {"guest_svn", std::uint64_t{report.guest_svn()}},
      {"policy", report.policy()},
      {"family_id", numbers(report.family_id())},
      {"image_id", numbers(report.image_id())},
      {"vmpl", std::uint64_t{report.vmpl()}},
      {"sig_algo", std::uint64_t{1}},
      {"current_tcb", tcb_json(report, SnpTcbField::kCurrent)},
      {"plat_info", report.platform_info()},
      {"key_info", std::uint64_t{load_le<std::uint32_t>(report.raw().data() + 0x048)}},
      {"report_data", numbers(report.report_data())},
      {"measurement", numbers(report.measurement())},
      {"host_data", numbers(report.host_data())},
      {"id_key_digest", numbers(report.id_key_digest())},
      {"author_key_digest", numbers(report.author_key_digest())},
      {"report_id", numbers(report.report_id())},
      {"report_id_ma", numbers(report.report_id_ma())},
      {"reported_tcb", tcb_json(report, SnpTcbField::kReported)},
      {"cpuid_fam_id", std::uint64_t{cpuid.family}},
      {"cpuid_mod_id", std::uint64_t{cpuid.model}},
      {"cpuid_step", std::uint64_t{cpuid.stepping}},
      {"chip_id", numbers(report.chip_id())},
      {"committed_tcb", tcb_json(report, SnpTcbField::kCommitted)},
      {"current", firmware_json(report.current_firmware())},
      {"committed", firmware_json(report.committed_firmware())},
      {"launch_tcb", tcb_json(report, SnpTcbField::kLaunch)},
      {"signature", JsonValue::Object{{"r", numbers(report.signature_r())}, {"s", numbers(report.signature_s())}}}};
}

}  // namespace

JsonValue coco_snp_json(const Evidence& evidence) {
  JsonValue::Array chain;
  const std::pair<const char*, const char*> kinds[] = {
      {"vcek", "VCEK"}, {"vlek", "VLEK"}, {"ask", "ASK"}, {"asvk", "ASK"}, {"ark", "ARK"}};
  for (const auto& [part, type] : kinds) {
    const ByteView bytes = evidence.part(part);
    if (!bytes.empty()) chain.emplace_back(JsonValue::Object{{"cert_type", type}, {"data", numbers(bytes)}});
  }
  return JsonValue::Object{{"attestation_report", report_json(value_of(SnpReport::parse(evidence.part("report"))))},
                           {"cert_chain", std::move(chain)}};
}

}  // namespace cloister::testing
