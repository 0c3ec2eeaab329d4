#include "attest/tpm/hcl_report.h"

#include <algorithm>

#include "base/json.h"
#include "base/reader.h"
#include "crypto/jwk.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kMagic = "HCLA";
constexpr std::uint32_t kReportRequest = 2;
constexpr std::uint32_t kSnpReport = 2;
constexpr std::uint32_t kTdReport = 4;
constexpr std::uint32_t kSha256 = 1;
constexpr std::uint32_t kRuntimeHeaderSize = 20;
constexpr std::size_t kSnpReportDataAt = 0x50;
constexpr std::size_t kTdReportDataAt = 128;
constexpr std::size_t kReportDataSize = 64;
constexpr JsonLimits kJsonLimits{16384, 8, 512};

Error malformed(std::string_view what) {
  return Error(Code::kInvalid, "an HCL report's " + std::string(what) + " is missing or malformed");
}

struct Runtime {
  std::uint32_t type = 0;
  ByteView json;
};

Result<Runtime> read_runtime(Reader& reader) {
  CLOISTER_TRY(const std::uint32_t size, reader.u32("the runtime data's size"));
  CLOISTER_TRY(const std::uint32_t version, reader.u32("the runtime data's version"));
  Runtime runtime;
  CLOISTER_TRY(runtime.type, reader.u32("the report's type"));
  CLOISTER_TRY(const std::uint32_t hash, reader.u32("the hash"));
  CLOISTER_TRY(const std::uint32_t json, reader.u32("the JSON's size"));
  if (version != 1 || hash != kSha256) return Error(Code::kUnsupported, "an HCL report of a version that isn't known");
  if (json > kJsonLimits.size || size != kRuntimeHeaderSize + json) return malformed("size of the runtime data");
  CLOISTER_TRY(runtime.json, reader.bytes(json, "the JSON"));
  return runtime;
}

// The size that it says the blob has without the zeros at its end.
Result<std::uint32_t> read_header(Reader& reader) {
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "the magic"));
  if (!equal(magic, as_bytes(kMagic))) return malformed("magic");
  CLOISTER_TRY(const std::uint32_t version, reader.u32("the version"));
  CLOISTER_TRY(const std::uint32_t size, reader.u32("the size"));
  CLOISTER_TRY(const std::uint32_t request, reader.u32("the request"));
  if (version < 1 || version > 2 || request != kReportRequest) {
    return Error(Code::kUnsupported, "an HCL report of a version or request that isn't known");
  }
  CLOISTER_RETURN_IF_ERROR(reader.zeros(16, "the header's end"));
  return size;
}

bool is_for_signing(const JsonValue& key) {
  const JsonValue* uses = key.find("key_ops");
  const JsonValue::Array* list = uses == nullptr ? nullptr : uses->array();
  return list != nullptr && list->size() == 1 && (*list)[0].string() != nullptr && *(*list)[0].string() == "sign";
}

Result<crypto::PublicKey> attestation_key(const JsonValue& runtime) {
  const JsonValue* keys = runtime.find("keys");
  const JsonValue* found = nullptr;
  if (keys == nullptr || keys->array() == nullptr) return malformed("list of keys");
  for (const JsonValue& key : *keys->array()) {
    const JsonValue* name = key.find("kid");
    if (name == nullptr || name->string() == nullptr || *name->string() != "HCLAkPub") continue;
    if (found != nullptr) return malformed("key HCLAkPub: it is there twice, and");
    found = &key;
  }
  if (found == nullptr || !is_for_signing(*found)) return malformed("key HCLAkPub");
  CLOISTER_TRY(crypto::PublicKey key, crypto::parse_jwk(*found));
  if (key.type() != crypto::KeyType::kRsa) return malformed("key HCLAkPub");
  return key;
}

std::optional<bool> flag(const JsonValue& machine, std::string_view name) {
  const JsonValue* value = machine.find(name);
  return value == nullptr ? std::nullopt : value->boolean();
}

Status read_json(HclReport& report, ByteView bytes) {
  const auto runtime = parse_json(as_text(bytes), kJsonLimits);
  if (!runtime.ok()) return Error(Code::kInvalid, "an HCL report's JSON: " + runtime.error().message());
  CLOISTER_TRY(report.key, attestation_key(*runtime));
  if (const JsonValue* machine = runtime->find("vm-configuration")) {
    report.secure_boot = flag(*machine, "secure-boot");
    report.console = flag(*machine, "console-enabled");
    report.persisted = flag(*machine, "tpm-persisted");
    const JsonValue* id = machine->find("vmUniqueId");
    if (id != nullptr && id->string() != nullptr) report.machine_id = *id->string();
  }
  const JsonValue* user = runtime->find("user-data");
  if (user == nullptr) return {};
  if (user->string() == nullptr) return malformed("user data");
  CLOISTER_TRY(report.user_data, from_hex(*user->string()));
  return {};
}

Result<HclReport> read(ByteView bytes) {
  Reader reader(bytes);
  CLOISTER_TRY(const std::uint32_t size, read_header(reader));
  CLOISTER_TRY(const ByteView hardware, reader.bytes(kHclHardwareReportSize, "the hardware's report"));
  CLOISTER_TRY(const Runtime runtime, read_runtime(reader));
  if (reader.offset() != size) return malformed("size");
  CLOISTER_RETURN_IF_ERROR(reader.zeros(reader.remaining(), "what follows the JSON"));
  if (runtime.type != kSnpReport && runtime.type != kTdReport) {
    return Error(Code::kUnsupported, "an HCL report of hardware that isn't known");
  }
  HclReport report;
  report.type = runtime.type == kSnpReport ? HclReport::Type::kSnp : HclReport::Type::kTdx;
  report.hardware_report = to_bytes(hardware);
  report.runtime_digest = crypto::sha256(runtime.json);
  CLOISTER_RETURN_IF_ERROR(read_json(report, runtime.json));
  return report;
}

}  // namespace

Bytes HclReport::report_data() const {
  const std::size_t at = type == Type::kSnp ? kSnpReportDataAt : kTdReportDataAt;
  return to_bytes(ByteView(hardware_report).subspan(at, kReportDataSize));
}

Result<HclReport> parse_hcl_report(ByteView bytes) {
  if (bytes.size() > kHclReportSizeMax) return Error(Code::kInvalid, "an HCL report is larger than 65536 bytes");
  auto report = read(bytes);
  if (report.ok() || report.error().code() != Code::kCorrupt) return report;
  return Error(Code::kInvalid, "an HCL report: " + report.error().message());
}

}  // namespace cloister::attest
