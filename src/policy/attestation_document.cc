#include "policy/attestation_document.h"

#include <algorithm>
#include <array>

#include "base/reader.h"
#include "base/toml_fields.h"

namespace cloister::policy {
namespace {

constexpr std::string_view kAny = "any";
constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kClaimTextMax = 256;
constexpr std::uint32_t kLeaseSecondsMax = 86'400;
constexpr std::uint32_t kDevicesMax = 32;
constexpr std::size_t kTablesMax = 16'384;

constexpr std::array<std::string_view, 12> kPlatforms = {
    "sgx",           "tdx", "snp",         "sev",         "cca",   "nvidia-gpu",
    "nvidia-switch", "tpm", "az-snp-vtpm", "az-tdx-vtpm", "nitro", "insecure_software"};
constexpr std::array<std::string_view, 3> kWithTcbStatus = {"sgx", "tdx", "az-tdx-vtpm"};

constexpr std::array<std::string_view, 6> kTopKeys = {"version",   "id",        "not_before",
                                                      "not_after", "expect_at", "insecure_software_keys"};
constexpr std::array<std::string_view, 19> kReleaseKeys = {
    "name",       "tenant",   "environment",   "dataset",    "purpose",     "role",   "manifest",
    "assurance",  "platform", "product",       "chip",       "measurement", "signer", "svn_min",
    "tcb_status", "advisory", "lease_seconds", "not_before", "not_after"};
constexpr std::array<std::string_view, 11> kDeviceKeys = {"rule",       "platform",    "assurance", "product",
                                                          "chip",       "measurement", "signer",    "svn_min",
                                                          "tcb_status", "advisory",    "count_min"};
constexpr std::array<std::string_view, 6> kClaimKeys = {"rule", "platform", "name", "is", "min", "max"};
constexpr std::array<std::string_view, 6> kDenyKeys = {"name", "platform", "product", "chip", "measurement", "signer"};
constexpr std::array<std::string_view, 17> kExpectKeys = {
    "tenant",          "environment",      "dataset", "purpose",  "role",  "manifest",
    "platform",        "assurance",        "claims",  "advisory", "unmet", "device_claims",
    "device_platform", "device_assurance", "at",      "decision", "rule"};
constexpr std::array<std::string_view, 5> kTableNames = {"release", "device", "claim", "deny", "expect"};

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

bool is_printable(std::string_view text) {
  return !text.empty() && text.size() <= kClaimTextMax &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

bool is_lower_hex(std::string_view text, std::size_t min, std::size_t max) {
  return text.size() >= min && text.size() <= max && text.size() % 2 == 0 &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

using Check = bool (*)(std::string_view);
bool is_measurement(std::string_view text) { return is_lower_hex(text, 64, 128); }
bool is_digest(std::string_view text) { return is_lower_hex(text, 64, 64); }
bool is_platform(std::string_view text) { return std::ranges::find(kPlatforms, text) != kPlatforms.end(); }

// A list of words that are each what `check` takes.
Result<std::vector<std::string>> parse_words(const TomlFields& fields, std::string_view key, Check check,
                                             std::string_view what) {
  CLOISTER_TRY(const auto words, fields.words(key));
  std::vector<std::string> texts;
  for (const TomlFields::Word& word : words) {
    if (!check(word.text)) {
      return fields.error(word.line, std::string(key) + " " + in_quotes(word.text) + " isn't " + std::string(what));
    }
    texts.push_back(word.text);
  }
  return texts;
}

enum class Any { kRefused, kAccepted };

Result<AllowedTexts> parse_allowed(const TomlFields& fields, std::string_view key, Check check, std::string_view what,
                                   Any any = Any::kAccepted) {
  CLOISTER_TRY(const auto words, fields.words(key));
  if (words.size() == 1 && words.front().text == kAny) {
    if (any == Any::kAccepted) return AllowedTexts::any();
    return fields.error(words.front().line, std::string(key) + " can't be any: no rule may release without it");
  }
  CLOISTER_TRY(auto texts, parse_words(fields, key, check, what));
  if (std::ranges::find(texts, kAny) == texts.end()) return AllowedTexts::of(std::move(texts));
  return fields.error(fields.line_of(key), std::string(key) + " has any beside other values: any stands alone");
}

Result<std::optional<AllowedTexts>> parse_optional(const TomlFields& fields, std::string_view key, Check check,
                                                   std::string_view what, Any any) {
  if (!fields.has(key)) return std::optional<AllowedTexts>();
  CLOISTER_TRY(auto allowed, parse_allowed(fields, key, check, what, any));
  return std::optional<AllowedTexts>(std::move(allowed));
}

Result<std::vector<NamePattern>> parse_names(const TomlFields& fields, std::string_view key) {
  const auto none = key == "environment" ? NamePattern::None::kAccept : NamePattern::None::kRefuse;
  CLOISTER_TRY(const auto words, fields.words(key));
  std::vector<NamePattern> names;
  for (const TomlFields::Word& word : words) {
    if (word.text == kAny && words.size() > 1) {
      return fields.error(word.line, std::string(key) + " has any beside other values: any stands alone");
    }
    auto name = NamePattern::parse(word.text, none);
    if (!name.ok()) return fields.error(word.line, std::string(key) + ": " + name.error().message());
    names.push_back(std::move(name).value());
  }
  return names;
}

Result<PurposeSet> parse_purposes(const TomlFields& fields) {
  CLOISTER_TRY(const auto words, fields.words("purpose"));
  if (words.size() == 1 && words.front().text == kAny) return PurposeSet::all(kPurposeCount);
  PurposeSet set;
  for (const TomlFields::Word& word : words) {
    const auto purpose = parse_purpose(word.text);
    if (!purpose.ok()) return fields.error(word.line, "purpose: " + purpose.error().message());
    set.add(*purpose);
  }
  return set;
}

Result<Assurance> parse_assurance(const TomlFields& fields, const TomlFields::Word& word) {
  if (word.text == "hardware") return Assurance::kHardware;
  if (word.text == "insecure_software") return Assurance::kInsecureSoftware;
  return fields.error(word.line,
                      "assurance " + in_quotes(word.text) + " is neither \"hardware\" nor \"insecure_software\"");
}

Result<std::vector<Assurance>> parse_assurances(const TomlFields& fields) {
  CLOISTER_TRY(const auto words, fields.words("assurance"));
  std::vector<Assurance> all;
  for (const TomlFields::Word& word : words) {
    CLOISTER_TRY(all.emplace_back(), parse_assurance(fields, word));
  }
  return all;
}

Result<Validity> parse_validity(const TomlFields& fields) {
  Validity validity;
  CLOISTER_TRY(validity.not_before, fields.optional_time("not_before"));
  CLOISTER_TRY(validity.not_after, fields.optional_time("not_after"));
  if (validity.not_before && validity.not_after && *validity.not_after <= *validity.not_before) {
    return fields.error(fields.line_of("not_after"), "not_after isn't later than not_before");
  }
  return validity;
}

Result<std::string> parse_name(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(std::string name, fields.text(key));
  const bool is_right = !name.empty() && name.size() <= kNameBytesMax && is_plain_utf8(name) &&
                        name.find('"') == std::string::npos && name.front() != ' ' && name.back() != ' ';
  if (is_right) return name;
  return fields.error(fields.line_of(key), "a rule's name is 1 to 128 bytes on one line, without quotes");
}

// What the machine and a device have in common. AP-6, AP-7.
Result<PartRule> parse_part(const TomlFields& fields) {
  PartRule part;
  CLOISTER_TRY(part.platforms, parse_words(fields, "platform", is_platform, "a platform"));
  CLOISTER_TRY(part.assurances, parse_assurances(fields));
  CLOISTER_TRY(part.product, parse_allowed(fields, "product", is_printable, "a product's name"));
  CLOISTER_TRY(part.chip, parse_allowed(fields, "chip", is_printable, "a chip's id"));
  CLOISTER_TRY(part.measurement, parse_optional(fields, "measurement", is_measurement,
                                                "32 to 64 bytes in lower-case hexadecimal", Any::kRefused));
  CLOISTER_TRY(part.signer, parse_optional(fields, "signer", is_printable, "a signer", Any::kRefused));
  CLOISTER_TRY(part.tcb_status, parse_optional(fields, "tcb_status", is_printable, "a status", Any::kRefused));
  CLOISTER_TRY(part.advisory, parse_optional(fields, "advisory", is_printable, "an advisory's id", Any::kAccepted));
  if (fields.has("svn_min")) {
    CLOISTER_TRY(part.svn_min, fields.integer("svn_min", 0, 0xffff'ffff));
  }
  const bool has_status = std::ranges::any_of(part.platforms, has_tcb_status);
  if (has_status && !part.tcb_status) {
    return fields.error(fields.line(), "tcb_status isn't written: which may the platform have?");
  }
  return part;
}

// AP-8: who signed it and how new it is, in place of what it is. Other platforms' signers vouch for the chip alone.
bool is_signed_enclave(const PartRule& part) {
  return part.platforms == std::vector<std::string>{"sgx"} && part.svn_min && part.signer &&
         std::ranges::all_of(part.signer->texts(), is_measurement);
}

Result<ReleaseRule> parse_release(const TomlTable& table) {
  TomlFields fields(table, "[[release]]");
  ReleaseRule rule;
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kReleaseKeys));
  CLOISTER_TRY(rule.name, parse_name(fields, "name"));
  fields.set_what("[[release]] " + in_quotes(rule.name));
  rule.line = table.line;
  CLOISTER_TRY(rule.tenants, parse_names(fields, "tenant"));
  CLOISTER_TRY(rule.environments, parse_names(fields, "environment"));
  CLOISTER_TRY(rule.datasets, parse_names(fields, "dataset"));
  CLOISTER_TRY(rule.purposes, parse_purposes(fields));
  CLOISTER_TRY(rule.roles, parse_allowed(fields, "role", is_name, "a role", Any::kRefused));
  CLOISTER_TRY(rule.manifests, parse_allowed(fields, "manifest", is_digest, "a SHA-256 in lower-case hexadecimal"));
  CLOISTER_TRY(rule.machine, parse_part(fields));
  if (!rule.machine.measurement && !is_signed_enclave(rule.machine)) {
    return fields.error(table.line, "measurement isn't written; an enclave may have signer and svn_min instead");
  }
  CLOISTER_TRY(const std::uint32_t seconds, fields.integer("lease_seconds", 1, kLeaseSecondsMax));
  rule.lease = Duration{std::int64_t{seconds} * 1000};
  CLOISTER_TRY(rule.validity, parse_validity(fields));
  return rule;
}

Result<ReleaseRule*> rule_of(const TomlFields& fields, AttestationDocument& document) {
  CLOISTER_TRY(const std::string name, fields.text("rule"));
  const auto found = std::ranges::lower_bound(document.rules, name, {}, &ReleaseRule::name);
  if (found != document.rules.end() && found->name == name) return &*found;
  std::vector<std::string_view> names;
  for (const ReleaseRule& rule : document.rules) names.push_back(rule.name);
  return fields.error(fields.line_of("rule"),
                      "there is no [[release]] named " + in_quotes(name) + suggestion(name, names));
}

Status parse_device(const TomlTable& table, AttestationDocument& document) {
  const TomlFields fields(table, "[[device]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kDeviceKeys));
  CLOISTER_TRY(ReleaseRule * rule, rule_of(fields, document));
  DeviceRule device;
  CLOISTER_TRY(device.part, parse_part(fields));
  CLOISTER_TRY(device.count_min, fields.integer("count_min", 0, kDevicesMax));
  if (rule->devices.size() == kDevicesMax) return fields.error(table.line, "a rule has at most 32 [[device]]");
  rule->devices.push_back(std::move(device));
  return {};
}

Status parse_claim(const TomlTable& table, AttestationDocument& document) {
  const TomlFields fields(table, "[[claim]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kClaimKeys));
  CLOISTER_TRY(ReleaseRule * rule, rule_of(fields, document));
  ClaimRule claim;
  CLOISTER_TRY(claim.platform, fields.text("platform"));
  CLOISTER_TRY(claim.name, fields.text("name"));
  if (!is_printable(claim.name)) return fields.error(fields.line_of("name"), "name isn't a claim's name");
  if (fields.has("is")) {
    CLOISTER_TRY(claim.is, parse_words(fields, "is", is_printable, "a claim's value"));
  }
  if (fields.has("min")) {
    CLOISTER_TRY(claim.min, fields.integer("min", 0, 0xffff'ffff));
  }
  if (fields.has("max")) {
    CLOISTER_TRY(claim.max, fields.integer("max", 0, 0xffff'ffff));
  }
  if (claim.is.empty() && !claim.min && !claim.max) return fields.error(table.line, "it has neither is, min nor max");
  bool used = false;
  const auto add_to = [&](PartRule& part) {
    if (std::ranges::find(part.platforms, claim.platform) == part.platforms.end()) return;
    part.claims.push_back(claim);
    used = true;
  };
  add_to(rule->machine);
  for (DeviceRule& device : rule->devices) add_to(device.part);
  if (used) return {};
  return fields.error(fields.line_of("platform"), "the rule doesn't name the platform " + in_quotes(claim.platform));
}

Result<PartDenial> parse_denial(const TomlTable& table) {
  const TomlFields fields(table, "[[deny]]");
  PartDenial denial;
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kDenyKeys));
  CLOISTER_TRY(denial.name, parse_name(fields, "name"));
  CLOISTER_TRY(const AllowedTexts platforms, parse_allowed(fields, "platform", is_platform, "a platform"));
  denial.platforms = platforms.texts();
  struct Part {
    std::string_view key, claim;
  };
  for (const Part& part : {Part{"product", "product"}, Part{"chip", "chip_id"}, Part{"measurement", "measurement"},
                           Part{"signer", "signer"}}) {
    if (!fields.has(part.key)) continue;
    CLOISTER_TRY(denial.claims[std::string(part.claim)],
                 parse_words(fields, part.key, is_printable, "a claim's value"));
  }
  if (denial.claims.empty() && denial.platforms.empty()) return fields.error(table.line, "it denies nothing");
  return denial;
}

// "name=value", one each.
Status parse_claims(const TomlFields& fields, std::string_view key, AttestedPart& part) {
  if (!fields.has(key)) return {};
  CLOISTER_TRY(const auto words, fields.words(key));
  for (const TomlFields::Word& word : words) {
    const std::size_t equals = word.text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fields.error(word.line, std::string(key) + " " + in_quotes(word.text) + " isn't name=value");
    }
    const bool is_new = part.claims.emplace(word.text.substr(0, equals), word.text.substr(equals + 1)).second;
    if (!is_new) return fields.error(word.line, std::string(key) + " names a claim twice");
  }
  return {};
}

Status parse_expected_parts(const TomlFields& fields, ReleaseRequest& request) {
  AttestedPart machine;
  CLOISTER_TRY(machine.platform, fields.text("platform"));
  if (!is_platform(machine.platform)) return fields.error(fields.line_of("platform"), "platform isn't one");
  CLOISTER_TRY(const auto assurances, parse_assurances(fields));
  machine.assurance = assurances.front();
  machine.passed = {"report-data"};
  CLOISTER_RETURN_IF_ERROR(parse_claims(fields, "claims", machine));
  if (fields.has("advisory")) {
    CLOISTER_TRY(machine.advisories, parse_words(fields, "advisory", is_printable, "an advisory's id"));
  }
  if (fields.has("unmet")) {
    CLOISTER_TRY(machine.unmet, parse_words(fields, "unmet", is_printable, "a check's name"));
  }
  request.parts.push_back(machine);
  if (!fields.has("device_platform")) return {};
  CLOISTER_TRY(const auto devices, parse_words(fields, "device_platform", is_platform, "a platform"));
  AttestedPart device{"", machine.assurance, {}, {}, machine.passed, {}};
  if (fields.has("device_assurance")) {
    CLOISTER_TRY(const std::string word, fields.text("device_assurance"));
    CLOISTER_TRY(device.assurance, parse_assurance(fields, {word, fields.line_of("device_assurance")}));
  }
  CLOISTER_RETURN_IF_ERROR(parse_claims(fields, "device_claims", device));
  for (const std::string& platform : devices) {
    device.platform = platform;
    request.parts.push_back(device);
  }
  return {};
}

Result<ReleaseExpectation> parse_expectation(const TomlTable& table, std::optional<Time> at) {
  const TomlFields fields(table, "[[expect]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kExpectKeys));
  ReleaseExpectation expectation;
  expectation.line = table.line;
  ReleaseRequest& request = expectation.request;
  CLOISTER_TRY(request.tenant, fields.text("tenant"));
  CLOISTER_TRY(const auto environment, fields.optional_text("environment"));
  request.environment = environment.value_or("");
  CLOISTER_TRY(request.dataset, fields.text("dataset"));
  CLOISTER_TRY(const std::string purpose, fields.text("purpose"));
  const auto why = parse_purpose(purpose);
  if (!why.ok()) return fields.error(fields.line_of("purpose"), why.error().message());
  request.purpose = *why;
  CLOISTER_TRY(request.role, fields.text("role"));
  CLOISTER_TRY(request.manifest, fields.text("manifest"));
  CLOISTER_RETURN_IF_ERROR(parse_expected_parts(fields, request));
  CLOISTER_TRY(const auto own_time, fields.optional_time("at"));
  if (own_time) at = own_time;
  if (!at) return fields.error(table.line, "write at here, or expect_at at the top for all");
  request.now = *at;
  CLOISTER_TRY(const std::string decision, fields.text("decision"));
  if (decision != "allow" && decision != "deny") {
    return fields.error(fields.line_of("decision"), "decision is neither \"allow\" nor \"deny\"");
  }
  expectation.allowed = decision == "allow";
  CLOISTER_TRY(expectation.rule, fields.optional_text("rule"));
  return expectation;
}

// "tpm.pcr4", "tpm.sha384.pcr4"; not the two that a guest may set to what it likes.
bool is_pcr(std::string_view claim) {
  const std::size_t at = claim.find("pcr");
  if (!claim.starts_with("tpm.") || at == std::string_view::npos) return false;
  const std::string_view number = claim.substr(at + 3);
  return !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos && number != "16" &&
         number != "23";
}

// Of the firmware below a realm: all of it, or one component's.
bool is_cca_firmware(std::string_view claim) {
  return claim == "cca.platform_measurements" ||
         (claim.starts_with("cca.component") && (claim.ends_with(".measurement") || claim.ends_with(".signer")));
}

// AP-8: what a measurement, or a signer, says nothing about.
struct NeededClaim {
  std::string_view platform, what;
  bool (*is_it)(std::string_view claim);
};
constexpr NeededClaim kSignedEnclave{"sgx", "sgx.product_id", [](std::string_view c) { return c == "sgx.product_id"; }};
bool is_vmpl(std::string_view claim) { return claim == "snp.vmpl"; }

constexpr std::array<NeededClaim, 5> kNeededClaims = {
    {{"snp", "snp.vmpl", is_vmpl},
     {"az-snp-vtpm", "snp.vmpl", is_vmpl},
     {"az-snp-vtpm", "a register, as tpm.pcr4", is_pcr},
     {"az-tdx-vtpm", "a register, as tpm.pcr4", is_pcr},
     {"cca", "cca.platform_measurements or a component's measurement or signer", is_cca_firmware}}};

Status check_needed_claims(const AttestationDocument& document) {
  for (const ReleaseRule& rule : document.rules) {
    const auto lacks = [&rule](const NeededClaim& needed) {
      return std::ranges::find(rule.machine.platforms, needed.platform) != rule.machine.platforms.end() &&
             std::ranges::none_of(rule.machine.claims, [&needed](const ClaimRule& claim) {
               return claim.platform == needed.platform && needed.is_it(claim.name);
             });
    };
    const auto found = std::ranges::find_if(kNeededClaims, lacks);
    const NeededClaim* missing = found == kNeededClaims.end() ? nullptr : &*found;
    if (!rule.machine.measurement && lacks(kSignedEnclave)) missing = &kSignedEnclave;
    if (missing == nullptr) continue;
    return Error(Code::kInvalid, "line " + std::to_string(rule.line) + ": [[release]] " + in_quotes(rule.name) +
                                     ": it needs a [[claim]] of " + std::string(missing->what) + " for " +
                                     std::string(missing->platform));
  }
  return {};
}

Status parse_top(const TomlTable& top, AttestationDocument& document) {
  const TomlFields fields(top, "");
  if (!fields.has("version")) return fields.error(1, "version isn't written: version = 1");
  CLOISTER_TRY(const std::uint32_t version, fields.integer("version", 1, 1'000'000'000));
  if (version != 1) {
    return Error(Code::kUnsupported,
                 "attestation policy version " + std::to_string(version) + " is newer than this program");
  }
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kTopKeys));
  CLOISTER_TRY(document.id, fields.text("id"));
  if (!is_printable(document.id) || document.id.size() > kNameBytesMax) {
    return fields.error(fields.line_of("id"), "an id is 1 to 128 printable ASCII characters without blanks or quotes");
  }
  if (fields.has("insecure_software_keys")) {
    CLOISTER_TRY(document.insecure_software_keys,
                 parse_words(fields, "insecure_software_keys", is_digest, "a SHA-256 in lower-case hexadecimal"));
  }
  if (!fields.has("not_after")) {
    return fields.error(1, "not_after isn't written: until when is this policy good? A time, or \"never\"");
  }
  CLOISTER_TRY(document.validity.not_before, fields.optional_time("not_before"));
  const auto never = fields.text("not_after");
  if (never.ok() && *never == "never") return {};
  CLOISTER_TRY(document.validity, parse_validity(fields));
  return {};
}

Status parse_releases(const TomlDocument& toml, AttestationDocument& document) {
  for (const TomlTable& table : toml.tables) {
    if (table.name != "release") continue;
    if (document.rules.size() == kReleaseRulesMax) {
      return Error(Code::kInvalid, "more than " + std::to_string(kReleaseRulesMax) + " rules");
    }
    CLOISTER_TRY(ReleaseRule rule, parse_release(table));
    document.rules.push_back(std::move(rule));
  }
  std::ranges::sort(document.rules, [](const ReleaseRule& a, const ReleaseRule& b) {
    return a.name == b.name ? a.line < b.line : a.name < b.name;
  });
  const auto twin = std::ranges::adjacent_find(document.rules, {}, &ReleaseRule::name);
  if (twin == document.rules.end()) return {};
  return Error(Code::kInvalid, "line " + std::to_string((twin + 1)->line) + ": a second rule named " +
                                   in_quotes(twin->name) + ": the first is at line " + std::to_string(twin->line));
}

}  // namespace

bool has_tcb_status(std::string_view platform) {
  return std::ranges::find(kWithTcbStatus, platform) != kWithTcbStatus.end();
}

std::span<const std::string_view> platform_names() { return kPlatforms; }

Result<AttestationDocument> parse_attestation_document(std::string_view text) {
  CLOISTER_TRY(const TomlDocument toml, parse_toml(text));
  AttestationDocument document;
  CLOISTER_RETURN_IF_ERROR(parse_top(toml.top, document));
  if (toml.tables.size() > kTablesMax) {
    return Error(Code::kInvalid, "more than " + std::to_string(kTablesMax) + " tables");
  }
  for (const TomlTable& table : toml.tables) {
    if (std::ranges::find(kTableNames, table.name) != kTableNames.end()) continue;
    return Error(Code::kInvalid, "line " + std::to_string(table.line) + ": there is no table [[" + table.name + "]]" +
                                     suggestion(table.name, kTableNames));
  }
  CLOISTER_RETURN_IF_ERROR(parse_releases(toml, document));
  for (const TomlTable& table : toml.tables) {
    if (table.name != "device") continue;
    CLOISTER_RETURN_IF_ERROR(parse_device(table, document));
  }
  const TomlFields top(toml.top, "");
  CLOISTER_TRY(const auto expect_at, top.optional_time("expect_at"));
  for (const TomlTable& table : toml.tables) {
    if (table.name == "claim") {
      CLOISTER_RETURN_IF_ERROR(parse_claim(table, document));
    } else if (table.name == "deny") {
      CLOISTER_TRY(document.denials.emplace_back(), parse_denial(table));
    } else if (table.name == "expect") {
      CLOISTER_TRY(document.expectations.emplace_back(), parse_expectation(table, expect_at));
    }
  }
  CLOISTER_RETURN_IF_ERROR(check_needed_claims(document));
  return document;
}

}  // namespace cloister::policy
