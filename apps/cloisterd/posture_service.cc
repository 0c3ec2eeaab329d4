#include "cloisterd/posture_service.h"

#include <algorithm>

#include "cloisterd/detection_exercise.h"
#include "policy/policy.h"

namespace cloister::daemon {
namespace {

using posture::Fact;
using posture::FactMaker;
using posture::Subject;
using posture::SubjectKind;

constexpr std::uint64_t kPolicySizeMax = std::uint64_t{4} << 20;
// No authority signs a certificate that lives longer (identity::check_rules).
constexpr Duration kLifetimeAllowed = days(1);

std::int64_t minutes_of(Duration duration) { return (duration.ms + minutes(1).ms - 1) / minutes(1).ms; }

Subject subject_of(const Config& config, const posture::Estate& estate) {
  for (const auto& component : estate.graph.components) {
    const auto is_it = [&](const identity::SpiffeId& id) { return id.uri() == config.own_id.uri(); };
    if (std::ranges::any_of(component.spiffe_ids, is_it)) return {SubjectKind::kWorkload, component.name};
  }
  return {};
}

std::int64_t permille(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 1000 : (part * 1000 + whole - 1) / whole;
}

Fact detection_fact(const Config& config, const FactMaker& maker, Time now) {
  const auto report = exercise_detection(now);
  if (!report.ok()) return maker.not_assessed("detection.run", {}, report.error().message());
  Fact fact = maker.make("detection.run", {});
  fact.method = posture::Method::kTest;
  fact.valid_until = now + posture::kDrillValid;
  // Where the daemon has no detectors, nobody notices anything.
  fact.values = {{"scenarios", report->scenarios},
                 {"detected", config.anomalies ? report->detected : std::vector<std::string>()},
                 {"false_positive_permille", permille(report->false_alarms, report->events)},
                 {"seconds_to_detect", report->seconds_to_detect}};
  if (!config.anomalies) fact.raw = "the daemon's configuration turns its detectors off\n";
  for (const std::string& line : report->details) fact.raw += line + "\n";
  return fact;
}

// Whatever links lead there.
bool is_same_folder(const Path& one, const Path& other) {
  std::error_code first, second;
  const Path a = std::filesystem::weakly_canonical(one, first);
  const Path b = std::filesystem::weakly_canonical(other, second);
  return !first && !second && !a.empty() && a == b;
}

}  // namespace

posture::FactValues authentication_values(const Config& config, const AuthenticationParts& parts) {
  std::vector<std::string> methods;
  Duration longest;
  const auto add = [&](bool there, std::string_view method, Duration lives) {
    if (!there) return;
    if (std::ranges::find(methods, method) == methods.end()) methods.emplace_back(method);
    longest = std::max(longest, lives);
  };
  const bool vault_tls = config.vault && !config.vault->tls.empty();
  const bool vault_mutual = config.vault && !config.vault->mutual_tls.empty();
  add(!config.tls.empty() || vault_mutual, "mtls-svid", config.rules.x509_svid_lifetime);
  add(vault_tls, "jwt-svid", config.rules.jwt_svid_lifetime);
  add(!config.unix_socket.empty() || config.kubernetes || config.workload_api, "unix-peer", Duration{});
  add(config.kbs.has_value(), "attested", config.kbs ? config.kbs->session_lifetime : Duration{});
  add(!config.enroll.empty(), "token", Duration{});
  add(config.vault.has_value(), "token", config.vault ? config.vault->token_lifetime : Duration{});
  add(config.aws || vault_tls, "access-key", Duration{});
  posture::FactValues values = {{"methods", std::move(methods)},
                                {"ttl_minutes_max", minutes_of(longest)},
                                {"ttl_minutes_policy", minutes_of(kLifetimeAllowed)}};
  const bool keys_matter = config.aws || vault_tls;
  if (!keys_matter) values["static_credentials"] = std::int64_t{0};
  // Each access key, and the tokens of logins without a certificate, which whoever has one may use.
  if (keys_matter && parts.access_keys) values["static_credentials"] = *parts.access_keys + (vault_tls ? 1 : 0);
  if (parts.tenant_bound) values["tenant_bound"] = *parts.tenant_bound;
  return values;
}

Result<bool> binds_tenants(std::string_view policy_text) {
  static constexpr policy::Operation kUses[] = {policy::Operation::kUnwrap, policy::Operation::kRelease,
                                                policy::Operation::kWrap, policy::Operation::kDatasetExport};
  CLOISTER_TRY(const policy::Policy policy, policy::load_policy(policy_text));
  return std::ranges::none_of(policy.rules(), [](const policy::Rule& rule) {
    const bool uses = std::ranges::any_of(kUses, [&](policy::Operation one) { return rule.operations.has(one); });
    const bool every = std::ranges::any_of(rule.tenants, [](const auto& name) { return name.any(); });
    return rule.effect == policy::Effect::kAllow && uses && every;
  });
}

void ServiceCollector::collect(const posture::CollectContext& context, posture::FactSink& sink) {
  const FactMaker maker(kServiceCollector, "the configuration " + parts_.config.filename().string(), context);
  const auto config = read_config(parts_.config);
  if (!config.ok()) {
    for (const char* kind : {"key.authentication", "detection.run"}) {
      sink.add(maker.not_assessed(kind, {}, config.error().message()));
    }
    return;
  }
  AuthenticationParts parts;
  if (parts_.store != nullptr && is_same_folder(config->home, parts_.home)) {
    const auto keys = parts_.store->settings("access_key:");
    if (keys.ok()) parts.access_keys = static_cast<std::int64_t>(keys->size());
  }
  const auto policy = read_file(config->policy_file, kPolicySizeMax);
  const auto bound = policy.ok() ? binds_tenants(as_text(*policy)) : policy.error();
  if (bound.ok()) parts.tenant_bound = *bound;
  Fact fact = maker.make("key.authentication", subject_of(*config, *context.estate));
  fact.values = authentication_values(*config, parts);
  fact.raw = posture::raw_excerpt(describe(*config));
  if (!bound.ok()) fact.raw += "policy: " + bound.error().message() + "\n";
  sink.add(std::move(fact));
  sink.add(detection_fact(*config, maker, context.now));
}

}  // namespace cloister::daemon
