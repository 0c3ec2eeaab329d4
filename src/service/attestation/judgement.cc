#include "service/attestation/judgement.h"

#include <algorithm>

#include "attest/floors.h"
#include "attest/workload_manifest.h"
#include "base/json.h"
#include "base/reader.h"

namespace cloister::service {
namespace {

struct ClaimText {
  std::string operator()(bool truth) const { return truth ? "true" : "false"; }
  std::string operator()(std::uint64_t number) const { return std::to_string(number); }
  std::string operator()(const std::string& text) const { return text; }
  std::string operator()(const Bytes& bytes) const { return to_hex(bytes); }
};

policy::Assurance assurance_of(attest::Assurance assurance) {
  switch (assurance) {
    case attest::Assurance::kHardware: return policy::Assurance::kHardware;
    case attest::Assurance::kInsecureSoftware: return policy::Assurance::kInsecureSoftware;
    case attest::Assurance::kNone: break;
  }
  return policy::Assurance::kNone;
}

// Evidence may say anything.
std::string printable(std::string text) { return is_plain_utf8(text) ? text : to_hex(as_bytes(text)); }

JsonValue json_of(const attest::Verdict& verdict) {
  JsonValue::Array checks;
  for (const attest::Check& check : verdict.checks) {
    JsonValue::Object one{{"name", check.name}, {"state", std::string(attest::check_state_name(check.state))}};
    if (check.reason) one.emplace_back("reason", std::string(attest::reason_name(*check.reason)));
    if (!check.detail.empty()) one.emplace_back("detail", printable(check.detail));
    checks.emplace_back(std::move(one));
  }
  JsonValue::Object claims;
  for (const auto& [name, value] : verdict.claims) {
    claims.emplace_back(printable(name), printable(std::visit(ClaimText(), value)));
  }
  JsonValue::Array advisories;
  for (const std::string& advisory : verdict.advisories) advisories.emplace_back(printable(advisory));
  return JsonValue::Object{{"kind", std::string(attest::kind_name(verdict.kind))},
                           {"assurance", std::string(attest::assurance_name(verdict.assurance))},
                           {"checks", std::move(checks)},
                           {"claims", std::move(claims)},
                           {"advisories", std::move(advisories)}};
}

bool same_check(const attest::Check& a, const attest::Check& b) {
  return a.name == b.name && a.state == b.state && a.reason == b.reason;
}

bool same_part(const attest::Verdict& a, const attest::Verdict& b) {
  return a.kind == b.kind && a.assurance == b.assurance && a.claims == b.claims && a.advisories == b.advisories &&
         std::ranges::equal(a.checks, b.checks, same_check);
}

// What the manifest says, which evidence that is bound to it stands for: rules may ask for it as for any claim.
void add_manifest(std::map<std::string, std::string, std::less<>>& claims, const attest::WorkloadManifest& manifest) {
  std::string egress;
  for (const std::string& address : manifest.egress) egress += (egress.empty() ? "" : ",") + address;
  claims.insert_or_assign("manifest.name", manifest.name);
  claims.insert_or_assign("manifest.image", to_hex(manifest.image));
  claims.insert_or_assign("manifest.configuration", to_hex(manifest.configuration));
  claims.insert_or_assign("manifest.model", manifest.model ? to_hex(*manifest.model) : "none");
  claims.insert_or_assign("manifest.seccomp", manifest.seccomp ? to_hex(*manifest.seccomp) : "none");
  claims.insert_or_assign("manifest.egress", egress.empty() ? "none" : egress);
}

attest::Anchors anchors_of(const policy::AttestationPolicy& policy) {
  std::vector<crypto::Sha256Digest> keys;
  for (const std::string& text : policy.insecure_software_keys()) {
    const auto bytes = from_hex(text);
    CLOISTER_CHECK(bytes.ok() && bytes->size() == crypto::Sha256Digest().size());  // the policy's parser saw to it
    std::ranges::copy(*bytes, keys.emplace_back().begin());
  }
  return keys.empty() ? attest::Anchors::production() : attest::Anchors::with_insecure_software(keys);
}

}  // namespace

attest::Floors higher(const attest::Floors& a, const attest::Floors& b) {
  attest::Floors all = a;
  for (const auto& [name, number] : b) {
    std::uint64_t& highest = all[name];
    highest = std::max(highest, number);
  }
  return all;
}

attest::Floors seen_by(const attest::SetVerdict& verdict) {
  attest::Floors seen = verdict.primary.seen;
  for (const attest::Verdict& device : verdict.devices) seen = higher(seen, device.seen);
  return seen;
}

attest::Floors floors_for(const attest::SetVerdict& verdict, const attest::Floors& floors) {
  const attest::Floors seen = seen_by(verdict);
  attest::Floors of_it = floors;
  std::erase_if(of_it, [&seen](const auto& floor) {
    return floor.first.starts_with(attest::kAnswerFloors) && !seen.contains(floor.first);
  });
  return of_it;
}

policy::AttestedPart part_of(const attest::Verdict& verdict) {
  policy::AttestedPart part;
  part.platform = attest::kind_name(verdict.kind);
  part.assurance = assurance_of(verdict.assurance);
  for (const auto& [name, value] : verdict.claims) part.claims.emplace(name, std::visit(ClaimText(), value));
  part.advisories = verdict.advisories;
  for (const attest::Check& check : verdict.checks) {
    if (check.state == attest::CheckState::kPassed) {
      part.passed.push_back(check.name);
    } else {
      part.unmet.push_back(check.name +
                           (check.reason ? " (" + std::string(attest::reason_name(*check.reason)) + ")" : ""));
    }
  }
  return part;
}

policy::ReleaseDecision decide_on(const ReleaseCase& asked, const attest::SetVerdict& verdict,
                                  const policy::AttestationPolicy& policy) {
  policy::ReleaseRequest request{asked.tenant,
                                 asked.environment,
                                 asked.dataset,
                                 asked.purpose,
                                 asked.binding.role,
                                 asked.guest ? "" : to_hex(crypto::sha256(asked.manifest)),
                                 {part_of(verdict.primary)},
                                 asked.now};
  const auto manifest = attest::parse_workload_manifest(as_text(asked.manifest));
  if (!asked.guest && manifest.ok()) add_manifest(request.parts.front().claims, *manifest);
  for (const attest::Verdict& device : verdict.devices) request.parts.push_back(part_of(device));
  return policy::decide(policy, request);
}

Judgement judge(const ReleaseCase& asked, const policy::AttestationPolicy& policy, const attest::Collateral* collateral,
                const attest::Floors& floors) {
  Judgement judgement;
  if (asked.guest) {
    const GuestQuestion& guest = *asked.guest;
    judgement.verdict = attest::verify(
        asked.evidence, {guest.judged, guest.report_data, collateral, &attest::Anchors::production(), &floors},
        guest.device_nonce);
  } else {
    attest::Binding binding = asked.binding;
    binding.manifest = crypto::sha256(asked.manifest);
    binding.devices = attest::devices_digest(asked.evidence);
    const attest::Anchors anchors = anchors_of(policy);
    const attest::Question question{asked.now, attest::report_data(binding), collateral, &anchors, &floors};
    judgement.verdict = attest::verify(asked.evidence, question, attest::device_nonce(binding));
  }
  judgement.decision = decide_on(asked, judgement.verdict, policy);
  return judgement;
}

std::string verdict_json(const attest::SetVerdict& verdict) {
  JsonValue::Array devices;
  for (const attest::Verdict& device : verdict.devices) devices.push_back(json_of(device));
  return JsonValue(JsonValue::Object{{"assurance", std::string(attest::assurance_name(verdict.assurance()))},
                                     {"sound", verdict.sound()},
                                     {"primary", json_of(verdict.primary)},
                                     {"devices", std::move(devices)}})
      .serialize();
}

bool same_findings(const attest::SetVerdict& a, const attest::SetVerdict& b) {
  return same_part(a.primary, b.primary) && std::ranges::equal(a.devices, b.devices, same_part);
}

}  // namespace cloister::service
