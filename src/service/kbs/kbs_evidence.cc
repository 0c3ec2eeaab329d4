// Evidence as guests of the Confidential Containers send it, by kind of machine.
#include <algorithm>

#include "attest/amd/coco_snp.h"
#include "attest/nvidia/evidence_json.h"
#include "base/base64.h"
#include "service/kbs/messages.h"

namespace cloister::service {
namespace {

constexpr JsonLimits kLimits{4 << 20, 8, 4096};
constexpr std::size_t kTokenSizeMax = 65536;

Error malformed(std::string_view member) {
  return Error(Code::kInvalid, "evidence: \"" + std::string(member) + "\" is missing or can't be");
}

Result<Bytes> base64_member(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.find(name);
  if (member == nullptr || member->string() == nullptr) return malformed(name);
  auto bytes = from_base64(*member->string());
  if (!bytes.ok() || bytes->empty() || bytes->size() > attest::kEvidencePartSizeMax) return malformed(name);
  return bytes;
}

Result<attest::Evidence> of_quote(attest::Kind kind, const JsonValue& json) {
  CLOISTER_TRY(Bytes quote, base64_member(json, "quote"));
  attest::Evidence evidence{kind, {{"quote", std::move(quote)}}};
  const JsonValue* log = json.find("cc_eventlog");
  if (kind != attest::Kind::kTdx || log == nullptr || log->is_null()) return evidence;
  CLOISTER_TRY(Bytes events, base64_member(json, "cc_eventlog"));
  evidence.parts.emplace("event-log", std::move(events));
  return evidence;
}

Result<attest::Evidence> of_cca(const JsonValue& json) {
  const JsonValue* token = json.find("token");
  if (token == nullptr || token->array() == nullptr || token->array()->size() > kTokenSizeMax) {
    return malformed("token");
  }
  Bytes bytes;
  for (const JsonValue& item : *token->array()) {
    const auto byte = item.unsigned_integer();
    if (!byte || *byte > 0xFF) return malformed("token");
    bytes.push_back(static_cast<std::uint8_t>(*byte));
  }
  return attest::Evidence{attest::Kind::kCca, {{"token", std::move(bytes)}}};
}

Result<attest::Evidence> primary_of(std::string_view tee, const JsonValue& json) {
  if (tee == "snp") return attest::parse_coco_snp(json);
  if (tee == "tdx") return of_quote(attest::Kind::kTdx, json);
  if (tee == "sgx") return of_quote(attest::Kind::kSgx, json);
  if (tee == "cca") return of_cca(json);
  return Error(Code::kUnsupported, "machines of this kind aren't served");
}

Status add_nvidia(const JsonValue& json, std::vector<attest::Evidence>& devices) {
  auto set = json.object() == nullptr ? std::nullopt : attest::nvidia::recognise_json(as_bytes(json.serialize()));
  if (!set || set->devices.size() >= attest::kDevicesMax) return malformed("device_evidence_list");
  devices.push_back(std::move(set->primary));
  std::ranges::move(set->devices, std::back_inserter(devices));
  return {};
}

// Devices of a kind that can't be judged here aren't passed over: what they are is part of what the guest claims.
Status add_devices(const std::string& additional, std::vector<attest::Evidence>& devices) {
  if (additional.empty()) return {};
  CLOISTER_TRY(const JsonValue json, parse_json(additional, kLimits));
  if (json.object() == nullptr) return malformed("additional_evidence");
  for (const auto& [tee, evidence] : *json.object()) {
    if (tee != "nvidia") return Error(Code::kUnsupported, "devices of a kind that isn't served are in the evidence");
    CLOISTER_RETURN_IF_ERROR(add_nvidia(evidence, devices));
  }
  return {};
}

}  // namespace

Result<attest::EvidenceSet> kbs_evidence(std::string_view tee, const KbsAttestation& attestation) {
  CLOISTER_TRY(attest::Evidence primary, primary_of(tee, attestation.primary));
  attest::EvidenceSet set{std::move(primary), {}};
  CLOISTER_RETURN_IF_ERROR(add_devices(attestation.additional, set.devices));
  return set;
}

}  // namespace cloister::service
