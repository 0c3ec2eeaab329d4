#include "attest/amd/coco_snp.h"

#include <algorithm>
#include <array>
#include <limits>

#include "attest/amd/snp_report.h"

namespace cloister::attest {
namespace {

constexpr std::size_t kCertificatesMax = 8;
constexpr std::size_t kCertificateSizeMax = 16384;
constexpr std::uint8_t kFamilyOfTurin = 0x1A;

Error malformed(std::string_view member) {
  return Error(Code::kInvalid, "SNP evidence in JSON: \"" + std::string(member) + "\" is missing or can't be");
}

enum class Absent { kRefused, kZero };

Result<std::uint64_t> number(const JsonValue& object, std::string_view name, std::uint64_t max, Absent absent) {
  const JsonValue* member = object.find(name);
  if (absent == Absent::kZero && (member == nullptr || member->is_null())) return std::uint64_t{0};
  const auto value = member == nullptr ? std::nullopt : member->unsigned_integer();
  if (!value || *value > max) return malformed(name);
  return *value;
}

Result<Bytes> byte_array(const JsonValue* value, std::string_view name, std::size_t size_max) {
  const JsonValue::Array* items = value == nullptr ? nullptr : value->array();
  if (items == nullptr || items->size() > size_max) return malformed(name);
  Bytes bytes;
  bytes.reserve(items->size());
  for (const JsonValue& item : *items) {
    const auto byte = item.unsigned_integer();
    if (!byte || *byte > 0xFF) return malformed(name);
    bytes.push_back(static_cast<std::uint8_t>(*byte));
  }
  return bytes;
}

// Writes members into a report at their places.
class Encoder {
 public:
  explicit Encoder(const JsonValue& members) : members_(members) {}

  template <typename Integer>
  Status integer(std::string_view name, std::size_t at, Absent absent = Absent::kRefused) {
    CLOISTER_TRY(const std::uint64_t value, number(members_, name, std::numeric_limits<Integer>::max(), absent));
    store_le(&report_[at], static_cast<Integer>(value));
    return {};
  }

  Status bytes(std::string_view name, std::size_t at, std::size_t size) {
    return put(members_.find(name), name, at, size);
  }

  Status tcb(std::string_view name, std::size_t at) {
    const JsonValue* tcb = members_.find(name);
    if (tcb == nullptr || tcb->object() == nullptr) return malformed(name);
    static constexpr std::array<std::pair<std::string_view, std::size_t>, 4> kMilan{
        {{"bootloader", 0}, {"tee", 1}, {"snp", 6}, {"microcode", 7}}};
    static constexpr std::array<std::pair<std::string_view, std::size_t>, 4> kTurin{
        {{"bootloader", 1}, {"tee", 2}, {"snp", 3}, {"microcode", 7}}};
    CLOISTER_TRY(const std::uint64_t fmc, number(*tcb, "fmc", 0xFF, Absent::kZero));
    if (!turin() && fmc != 0) return malformed("fmc");
    if (turin()) report_[at] = static_cast<std::uint8_t>(fmc);
    for (const auto& [component, offset] : turin() ? kTurin : kMilan) {
      CLOISTER_TRY(const std::uint64_t value, number(*tcb, component, 0xFF, Absent::kRefused));
      report_[at + offset] = static_cast<std::uint8_t>(value);
    }
    return {};
  }

  Status firmware(std::string_view name, std::size_t at) {
    const JsonValue* version = members_.find(name);
    if (version == nullptr || version->object() == nullptr) return malformed(name);
    static constexpr std::array<std::string_view, 3> kOrder{"build", "minor", "major"};
    for (std::size_t i = 0; i < kOrder.size(); ++i) {
      CLOISTER_TRY(const std::uint64_t value, number(*version, kOrder[i], 0xFF, Absent::kRefused));
      report_[at + i] = static_cast<std::uint8_t>(value);
    }
    return {};
  }

  Status signature() {
    const JsonValue* signature = members_.find("signature");
    if (signature == nullptr || signature->object() == nullptr) return malformed("signature");
    CLOISTER_RETURN_IF_ERROR(put(signature->find("r"), "r", 0x2A0, 72));
    return put(signature->find("s"), "s", 0x2E8, 72);
  }

  Bytes take() { return std::move(report_); }

 private:
  bool turin() const { return report_[0x188] == kFamilyOfTurin; }

  Status put(const JsonValue* value, std::string_view name, std::size_t at, std::size_t size) {
    CLOISTER_TRY(const Bytes content, byte_array(value, name, size));
    if (content.size() != size) return malformed(name);
    std::ranges::copy(content, report_.begin() + static_cast<std::ptrdiff_t>(at));
    return {};
  }

  const JsonValue& members_;
  Bytes report_ = Bytes(kSnpReportSize);
};

Result<Bytes> encode_report(const JsonValue& members) {
  Encoder encoder(members);
  using U8 = std::uint8_t;
  using U32 = std::uint32_t;
  using U64 = std::uint64_t;
  CLOISTER_RETURN_IF_ERROR(encoder.integer<U32>("version", 0x000));
  // First of all: the order of version numbers depends on it. Reports of version 2 have none of the three.
  CLOISTER_RETURN_IF_ERROR(encoder.integer<U8>("cpuid_fam_id", 0x188, Absent::kZero));
  CLOISTER_RETURN_IF_ERROR(encoder.integer<U8>("cpuid_mod_id", 0x189, Absent::kZero));
  CLOISTER_RETURN_IF_ERROR(encoder.integer<U8>("cpuid_step", 0x18A, Absent::kZero));
  CLOISTER_RETURN_IF_ERROR(encoder.integer<U32>("guest_svn", 0x004));
  CLOISTER_RETURN_IF_ERROR(encoder.integer<U64>("policy", 0x008));
  CLOISTER_RETURN_IF_ERROR(encoder.bytes("family_id", 0x010, 16));
  CLOISTER_RETURN_IF_ERROR(encoder.bytes("image_id", 0x020, 16));
  CLOISTER_RETURN_IF_ERROR(encoder.integer<U32>("vmpl", 0x030));
  CLOISTER_RETURN_IF_ERROR(encoder.integer<U32>("sig_algo", 0x034));
  CLOISTER_RETURN_IF_ERROR(encoder.tcb("current_tcb", 0x038));
  CLOISTER_RETURN_IF_ERROR(encoder.integer<U64>("plat_info", 0x040));
  CLOISTER_RETURN_IF_ERROR(encoder.integer<U32>("key_info", 0x048));
  CLOISTER_RETURN_IF_ERROR(encoder.bytes("report_data", 0x050, 64));
  CLOISTER_RETURN_IF_ERROR(encoder.bytes("measurement", 0x090, 48));
  CLOISTER_RETURN_IF_ERROR(encoder.bytes("host_data", 0x0C0, 32));
  CLOISTER_RETURN_IF_ERROR(encoder.bytes("id_key_digest", 0x0E0, 48));
  CLOISTER_RETURN_IF_ERROR(encoder.bytes("author_key_digest", 0x110, 48));
  CLOISTER_RETURN_IF_ERROR(encoder.bytes("report_id", 0x140, 32));
  CLOISTER_RETURN_IF_ERROR(encoder.bytes("report_id_ma", 0x160, 32));
  CLOISTER_RETURN_IF_ERROR(encoder.tcb("reported_tcb", 0x180));
  CLOISTER_RETURN_IF_ERROR(encoder.bytes("chip_id", 0x1A0, 64));
  CLOISTER_RETURN_IF_ERROR(encoder.tcb("committed_tcb", 0x1E0));
  CLOISTER_RETURN_IF_ERROR(encoder.firmware("current", 0x1E8));
  CLOISTER_RETURN_IF_ERROR(encoder.firmware("committed", 0x1EC));
  CLOISTER_RETURN_IF_ERROR(encoder.tcb("launch_tcb", 0x1F0));
  CLOISTER_RETURN_IF_ERROR(encoder.integer<U64>("launch_mit_vector", 0x1F8, Absent::kZero));
  CLOISTER_RETURN_IF_ERROR(encoder.integer<U64>("current_mit_vector", 0x200, Absent::kZero));
  CLOISTER_RETURN_IF_ERROR(encoder.signature());
  return encoder.take();
}

// The part that a certificate of that type is; empty for types that aren't looked at.
std::string part_of(const JsonValue* type, bool of_provider) {
  const std::string* name = type == nullptr ? nullptr : type->string();
  if (name == nullptr) return {};
  if (*name == "VCEK") return "vcek";
  if (*name == "VLEK") return "vlek";
  if (*name == "ASK") return of_provider ? "asvk" : "ask";
  if (*name == "ARK") return "ark";
  return {};
}

}  // namespace

Result<Evidence> parse_coco_snp(const JsonValue& json) {
  const JsonValue* members = json.find("attestation_report");
  if (members == nullptr || members->object() == nullptr) return malformed("attestation_report");
  CLOISTER_TRY(Bytes bytes, encode_report(*members));
  CLOISTER_TRY(const SnpReport report, SnpReport::parse(bytes));
  Evidence evidence{Kind::kSnp, {{"report", std::move(bytes)}}};
  const JsonValue* chain = json.find("cert_chain");
  if (chain == nullptr || chain->is_null()) return evidence;
  const JsonValue::Array* certificates = chain->array();
  if (certificates == nullptr || certificates->size() > kCertificatesMax) return malformed("cert_chain");
  for (const JsonValue& certificate : *certificates) {
    const std::string part = part_of(certificate.find("cert_type"), report.signing_key() == SnpSigningKey::kVlek);
    CLOISTER_TRY(Bytes data, byte_array(certificate.find("data"), "data", kCertificateSizeMax));
    if (part.empty()) continue;
    if (data.empty() || !evidence.parts.emplace(part, std::move(data)).second) return malformed("cert_chain");
  }
  return evidence;
}

std::optional<Evidence> recognise_coco_snp(ByteView file) {
  const auto json = parse_json(as_text(file));
  if (!json.ok()) return std::nullopt;
  auto evidence = parse_coco_snp(*json);
  if (!evidence.ok()) return std::nullopt;
  return std::move(evidence).value();
}

}  // namespace cloister::attest
