// How a release, and a collateral item that it used, are written down. docs/formats/release-archive.md.
#include <algorithm>
#include <limits>

#include "base/base64.h"
#include "base/json.h"
#include "service/attestation/archive.h"

namespace cloister::service {
namespace {

// The second is of guests: a program that knows only the first would verify them against the wrong question, and look
// for their evidence in the record.
constexpr std::uint64_t kVersion = 1, kGuestVersion = 2;
constexpr JsonLimits kLimits{kArchivedSizeMax, 16, 262'144};

std::string base64_of(ByteView bytes) { return to_base64(bytes); }

JsonValue optional_hex(const auto& bytes) { return bytes ? JsonValue(to_hex(*bytes)) : JsonValue(); }

JsonValue numbers(const attest::Floors& floors) {
  JsonValue::Object all;
  for (const auto& [name, number] : floors) all.emplace_back(name, number);
  return all;
}

// Reads members by name; what is missing or of another kind is told once, at the end.
class Members {
 public:
  explicit Members(const JsonValue& value) : value_(value) {}

  std::string text(std::string_view name) {
    const JsonValue* found = value_.find(name);
    if (found != nullptr && found->string() != nullptr) return *found->string();
    wrong_ = true;
    return {};
  }
  std::uint64_t number(std::string_view name) {
    const JsonValue* found = value_.find(name);
    const auto number = found == nullptr ? std::nullopt : found->unsigned_integer();
    wrong_ = wrong_ || !number;
    return number.value_or(0);
  }
  Time time(std::string_view name) {
    const std::uint64_t ms = number(name);
    wrong_ = wrong_ || ms > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return Time{static_cast<std::int64_t>(ms)};
  }
  Bytes base64(std::string_view name) { return bytes_of(from_base64(text(name))); }
  Bytes hex(std::string_view name) { return bytes_of(from_hex(text(name))); }
  bool has(std::string_view name) const {
    const JsonValue* found = value_.find(name);
    return found != nullptr && !found->is_null();
  }
  crypto::Sha256Digest digest(std::string_view name) {
    crypto::Sha256Digest digest{};
    const Bytes bytes = hex(name);
    if (bytes.size() == digest.size()) {
      std::ranges::copy(bytes, digest.begin());
    } else {
      wrong_ = true;
    }
    return digest;
  }
  const JsonValue& part(std::string_view name) {
    static const JsonValue kNone;
    const JsonValue* found = value_.find(name);
    if (found != nullptr) return *found;
    wrong_ = true;
    return kNone;
  }
  Status status() const { return wrong_ ? Status(Error(Code::kCorrupt, "a kept release is malformed")) : Status(); }

 private:
  Bytes bytes_of(Result<Bytes> bytes) {
    if (bytes.ok()) return std::move(bytes).value();
    wrong_ = true;
    return {};
  }
  const JsonValue& value_;
  bool wrong_ = false;
};

JsonValue json_of(const attest::Binding& binding) {
  return JsonValue::Object{{"role", binding.role},
                           {"nonce", to_hex(binding.nonce)},
                           {"recipient", to_hex(binding.recipient)},
                           {"exporter", optional_hex(binding.exporter)},
                           {"peer_key", optional_hex(binding.peer_key)}};
}

Result<attest::Binding> binding_of(const JsonValue& value) {
  Members members(value);
  attest::Binding binding;
  binding.role = members.text("role");
  binding.nonce = members.hex("nonce");
  binding.recipient = members.hex("recipient");
  if (members.has("exporter")) binding.exporter = members.hex("exporter");
  if (members.has("peer_key")) binding.peer_key = members.digest("peer_key");
  CLOISTER_RETURN_IF_ERROR(members.status());
  return binding;
}

JsonValue json_of(const GuestQuestion& guest) {
  return JsonValue::Object{{"report_data", to_hex(guest.report_data)},
                           {"device_nonce", to_hex(guest.device_nonce)},
                           {"judged_ms", guest.judged.unix_ms}};
}

Result<GuestQuestion> guest_of(const JsonValue& value) {
  Members members(value);
  GuestQuestion guest;
  guest.report_data = members.hex("report_data");
  guest.device_nonce = members.hex("device_nonce");
  guest.judged = members.time("judged_ms");
  CLOISTER_RETURN_IF_ERROR(members.status());
  return guest;
}

Status read_lists(Members& members, ReleaseRecord& record) {
  const Error malformed(Code::kCorrupt, "a kept release is malformed");
  const auto* items = members.part("collateral").object();
  const auto* floors = members.part("floors").object();
  if (items == nullptr || floors == nullptr) return malformed;
  for (const auto& [name, value] : *items) {
    Members item(value);
    record.collateral.emplace_back(name, item.digest("sha256"));
    CLOISTER_RETURN_IF_ERROR(item.status());
  }
  for (const auto& [name, value] : *floors) {
    const auto number = value.unsigned_integer();
    if (!number) return malformed;
    record.floors.emplace(name, *number);
  }
  return {};
}

JsonValue without_words(const JsonValue& value) {
  if (const auto* array = value.array()) {
    JsonValue::Array all;
    for (const JsonValue& one : *array) all.push_back(without_words(one));
    return all;
  }
  const auto* object = value.object();
  if (object == nullptr) return value;
  JsonValue::Object all;
  for (const auto& [name, one] : *object) {
    if (name != "detail") all.emplace_back(name, without_words(one));
  }
  return all;
}

}  // namespace

std::string findings_json(const Judgement& judgement) {
  const policy::ReleaseDecision& decision = judgement.decision;
  const auto verdict = parse_json(verdict_json(judgement.verdict), kLimits);
  CLOISTER_CHECK(verdict.ok());  // ours
  return JsonValue(JsonValue::Object{{"verdict", without_words(*verdict)},
                                     {"allowed", decision.allowed},
                                     {"rule", decision.rule},
                                     {"reason", decision.reason},
                                     {"lease_ms", decision.lease.ms}})
      .serialize();
}

Bytes encode(const ReleaseRecord& record) {
  const ReleaseCase& asked = record.asked;
  JsonValue::Object items;
  for (const auto& [name, digest] : record.collateral) {
    items.emplace_back(name, JsonValue::Object{{"sha256", to_hex(digest)}});
  }
  JsonValue::Object value{
      {"version", asked.guest ? kGuestVersion : kVersion},
      {"release", record.id},
      {"at_ms", asked.now.unix_ms},
      {"caller", record.caller},
      {"tenant", asked.tenant},
      {"environment", asked.environment},
      {"dataset", asked.dataset},
      {"purpose", std::string(policy::purpose_name(asked.purpose))},
      {"binding", json_of(asked.binding)},
      {"manifest", base64_of(asked.manifest)},
      {"evidence", asked.guest ? to_hex(record.guest_evidence) : base64_of(attest::encode(asked.evidence))},
      {"collateral", std::move(items)},
      {"floors", numbers(record.floors)},
      {"policy", to_hex(record.policy)},
      {"epoch", record.epoch},
      {"found", findings_json(record.found)}};
  if (asked.guest) value.emplace_back("guest", json_of(*asked.guest));
  return to_bytes(as_bytes(JsonValue(std::move(value)).serialize()));
}

Result<DecodedRelease> decode_release(ByteView bytes) {
  const auto value = parse_json(as_text(bytes), kLimits);
  if (!value.ok()) return Error(Code::kCorrupt, "a kept release is malformed");
  Members members(*value);
  const std::uint64_t version = members.number("version");
  if (version != kVersion && version != kGuestVersion)
    return Error(Code::kUnsupported, "the kept release is newer than this program");
  DecodedRelease decoded;
  ReleaseRecord& record = decoded.record;
  record.id = members.text("release");
  record.asked.now = members.time("at_ms");
  record.caller = members.text("caller");
  record.asked.tenant = members.text("tenant");
  record.asked.environment = members.text("environment");
  record.asked.dataset = members.text("dataset");
  record.asked.manifest = members.base64("manifest");
  record.policy = members.digest("policy");
  record.epoch = members.number("epoch");
  decoded.found_json = members.text("found");
  Bytes evidence;
  if (version == kGuestVersion) {
    record.guest_evidence = members.digest("evidence");
  } else {
    evidence = members.base64("evidence");
  }
  const std::string purpose = members.text("purpose");
  CLOISTER_RETURN_IF_ERROR(members.status());
  CLOISTER_TRY(record.asked.purpose, policy::parse_purpose(purpose));
  CLOISTER_TRY(record.asked.binding, binding_of(members.part("binding")));
  if (version == kGuestVersion) {
    CLOISTER_TRY(record.asked.guest, guest_of(members.part("guest")));
  } else {
    CLOISTER_TRY(record.asked.evidence, attest::decode_evidence(evidence));
  }
  CLOISTER_RETURN_IF_ERROR(read_lists(members, record));
  return decoded;
}

Bytes encode(const attest::CollateralItem& item) {
  const JsonValue value = JsonValue::Object{{"kind", std::string(attest::collateral_kind_name(item.kind))},
                                            {"key", item.key},
                                            {"body", base64_of(item.body)},
                                            {"issuer_chain", item.issuer_chain}};
  return to_bytes(as_bytes(value.serialize()));
}

Result<attest::CollateralItem> decode_collateral_item(ByteView bytes) {
  const auto value = parse_json(as_text(bytes), kLimits);
  if (!value.ok()) return Error(Code::kCorrupt, "a kept collateral item is malformed");
  Members members(*value);
  const auto kind = attest::collateral_kind_of(members.text("kind"));
  attest::CollateralItem item;
  item.key = members.text("key");
  item.body = members.base64("body");
  item.issuer_chain = members.text("issuer_chain");
  CLOISTER_RETURN_IF_ERROR(members.status());
  if (!kind) return Error(Code::kCorrupt, "a kept collateral item is of no kind");
  item.kind = *kind;
  return item;
}

}  // namespace cloister::service
