// Which attested worker is given which keys: rules over what a verifier found, decided with a reason. Pure, and fails
// closed: a floor that no rule can lower comes first. docs/formats/attestation-policy.md.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/rule.h"

namespace cloister::policy {

inline constexpr std::size_t kReleaseRulesMax = 4096;

// What stands behind evidence.
enum class Assurance : std::uint8_t { kNone, kInsecureSoftware, kHardware };
std::string_view assurance_word(Assurance assurance);  // "none", "insecure_software", "hardware"

// The platforms that a rule may name.
std::span<const std::string_view> platform_names();

// One part of a machine as its verifier found it: the machine itself, or a device in it. Claims as text: whole numbers
// in decimal, bytes in lower-case hexadecimal, truth as true and false.
struct AttestedPart {
  std::string platform;  // "tdx"
  Assurance assurance = Assurance::kNone;
  std::map<std::string, std::string, std::less<>> claims;
  std::vector<std::string> advisories;
  std::vector<std::string> passed;  // names of checks
  std::vector<std::string> unmet;   // those that failed, and those that couldn't be made
};

struct ReleaseRequest {
  std::string tenant, environment, dataset;  // environment is empty for the tenant without one
  std::optional<Purpose> purpose;
  std::string role;                 // "infer"
  std::string manifest;             // SHA-256 of the workload manifest, hexadecimal
  std::vector<AttestedPart> parts;  // the machine first, then its devices
  Time now;
};

struct ReleaseDecision {
  bool allowed = false;
  std::string rule;    // that allowed or denied it; empty where none did
  std::string reason;  // one plain sentence
  Duration lease;      // with `allowed`
  // With `allowed`: when the policy or the rule ends, whichever is first. No lease is good for longer.
  std::optional<Time> until;
  // With `allowed`: when a lease that begins at `from` ends.
  Time lease_end(Time from) const { return until ? std::min(from + lease, *until) : from + lease; }
  friend bool operator==(const ReleaseDecision&, const ReleaseDecision&) = default;
};

// One text of several, or any.
class AllowedTexts {
 public:
  static AllowedTexts any() { return AllowedTexts(true, {}); }
  static AllowedTexts of(std::vector<std::string> texts) { return AllowedTexts(false, std::move(texts)); }
  bool is_any() const { return any_; }
  // Null, a claim that isn't there, is accepted by any alone.
  bool accepts(const std::string* text) const;
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  AllowedTexts(bool any, std::vector<std::string> texts) : any_(any), texts_(std::move(texts)) {}
  bool any_;
  std::vector<std::string> texts_;
};

// A claim that must be there, and what it must be.
struct ClaimRule {
  std::string platform, name;
  std::vector<std::string> is;  // empty: not asked
  std::optional<std::uint32_t> min, max;
};

// What one part must be. Without tcb_status a part that has one is refused, without advisory one that has any.
struct PartRule {
  std::vector<std::string> platforms;
  std::vector<Assurance> assurances;
  AllowedTexts product = AllowedTexts::of({}), chip = AllowedTexts::of({});
  std::optional<AllowedTexts> measurement, signer, tcb_status, advisory;
  std::optional<std::uint32_t> svn_min;
  std::vector<ClaimRule> claims;
};

struct DeviceRule {
  PartRule part;
  std::uint32_t count_min = 1;
};

struct ReleaseRule {
  std::string name;
  std::uint32_t line = 0;
  std::vector<NamePattern> tenants, environments, datasets;
  PurposeSet purposes;
  AllowedTexts roles = AllowedTexts::of({}), manifests = AllowedTexts::of({});
  PartRule machine;
  std::vector<DeviceRule> devices;  // empty: a machine with devices isn't this rule's
  Duration lease;
  Validity validity;
};

// Refuses every request with a part that has all of these claims.
struct PartDenial {
  std::string name;
  std::vector<std::string> platforms;  // empty: any
  std::map<std::string, std::vector<std::string>, std::less<>> claims;
};

// An imagined request and the answer that the author wants to it.
struct ReleaseExpectation {
  std::uint32_t line = 0;
  ReleaseRequest request;
  bool allowed = false;
  std::optional<std::string> rule;
};

struct AttestationDocument {
  std::string id;
  Validity validity;
  std::vector<std::string> insecure_software_keys;  // SHA-256 of SPKIs, hexadecimal
  std::vector<ReleaseRule> rules;                   // by name
  std::vector<PartDenial> denials;
  std::vector<ReleaseExpectation> expectations;
};

// Doesn't change: any number of threads may decide by it.
class AttestationPolicy {
 public:
  // No policy: refuses everything, and guards nothing.
  AttestationPolicy() = default;

  const std::string& id() const { return document_.id; }
  bool loaded() const { return loaded_; }
  const Validity& validity() const { return document_.validity; }
  const std::vector<ReleaseRule>& rules() const { return document_.rules; }
  // Of attesters whose word is taken where a rule says insecure_software: nobody's, unless the policy names them.
  const std::vector<std::string>& insecure_software_keys() const { return document_.insecure_software_keys; }
  // Whether keys of that dataset go to attested workers alone: some rule is about it, in force or not.
  bool guards(std::string_view tenant, std::string_view environment, std::string_view dataset) const;

 private:
  friend Result<AttestationPolicy> load_attestation_policy(std::string_view text);
  friend ReleaseDecision decide(const AttestationPolicy& policy, const ReleaseRequest& request);

  bool loaded_ = false;
  AttestationDocument document_;
};

// kInvalid, with the line, for what isn't a policy and for one that doesn't do what its [[expect]] tables say;
// kUnsupported for a newer version.
Result<AttestationPolicy> load_attestation_policy(std::string_view text);

// The floor first: parts, all checks made and passed, report data among them, no debug. Then the rules.
ReleaseDecision decide(const AttestationPolicy& policy, const ReleaseRequest& request);

}  // namespace cloister::policy
