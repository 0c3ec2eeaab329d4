#include "cloisterd/anomaly_watch.h"

#include <algorithm>
#include <array>

#include "base/json.h"

namespace cloister::daemon {
namespace {

namespace anomaly = audit::anomaly;

constexpr std::size_t kWaitingMax = 1024;
constexpr std::size_t kStateMax = std::size_t{256} << 20;
constexpr Duration kRest = seconds(60);  // without anything to tell
constexpr Duration kRetry = seconds(2);
constexpr Duration kSaveEvery = minutes(15);
constexpr Duration kWebhookPatience = seconds(5);

struct Named {
  std::string_view word;  // the policy's
  anomaly::Operation operation;
};
constexpr std::array<Named, 20> kOperations = {{
    {"unwrap", anomaly::Operation::kUnwrap},
    {"release", anomaly::Operation::kUnwrap},
    {"wrap", anomaly::Operation::kWrap},
    {"generate", anomaly::Operation::kWrap},
    {"rewrap", anomaly::Operation::kRewrap},
    {"dataset.create", anomaly::Operation::kCreateKey},
    {"tenant.create", anomaly::Operation::kCreateKey},
    {"dataset.rotate-key", anomaly::Operation::kRotateKey},
    {"kek.rotate", anomaly::Operation::kRotateKey},
    {"dataset.disable-key", anomaly::Operation::kDisableKey},
    {"kek.disable", anomaly::Operation::kDisableKey},
    {"dataset.enable-key", anomaly::Operation::kEnableKey},
    {"kek.enable", anomaly::Operation::kEnableKey},
    {"dataset.destroy-key", anomaly::Operation::kDestroyKey},
    {"kek.destroy", anomaly::Operation::kDestroyKey},
    {"kek.destroy-immediately", anomaly::Operation::kDestroyKey},
    {"kek.schedule-destroy", anomaly::Operation::kScheduleDeletion},
    {"kek.cancel-destroy", anomaly::Operation::kCancelDeletion},
    {"dataset.export", anomaly::Operation::kExportKey},
    {"dataset.import", anomaly::Operation::kImportMaterial},
}};

anomaly::UsageOutcome outcome_of(const service::DecisionEvent& event) {
  if (event.problem.empty()) return anomaly::UsageOutcome::kAllowed;
  if (event.problem == "wrap-does-not-open") return anomaly::UsageOutcome::kWrongContext;
  if (event.problem == "key-version-unknown") return anomaly::UsageOutcome::kWrongKey;
  if (event.problem == "invalid-request") return anomaly::UsageOutcome::kMalformed;
  return event.outcome == audit::Outcome::kFailed ? anomaly::UsageOutcome::kFailed : anomaly::UsageOutcome::kDenied;
}

Result<anomaly::Detector> new_detector(crypto::Random& random) {
  return anomaly::Detector::create(daemon_thresholds(), {},
                                   load_le<std::uint64_t>(crypto::random_array<8>(random).data()));
}

Result<anomaly::Detector> restore(const Path& state) {
  CLOISTER_TRY(const File file, File::open(state));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kSecret));
  CLOISTER_TRY(const Bytes bytes, read_rest(file, kStateMax));
  return anomaly::Detector::restore(bytes, daemon_thresholds(), {});
}

JsonValue finding_json(const anomaly::Finding& finding) {
  JsonValue::Array features;
  for (const anomaly::Contribution& one : finding.contributions) {
    features.push_back(JsonValue::Object{{"feature", one.feature}, {"value", one.value}, {"expected", one.expected}});
  }
  return JsonValue(JsonValue::Object{{"kind", std::string(anomaly::kind_name(finding.kind))},
                                     {"severity", std::string(anomaly::severity_name(finding.severity))},
                                     {"time", to_rfc3339(finding.time)},
                                     {"tenant", anomaly::printable(finding.tenant)},
                                     {"principal", anomaly::printable(finding.principal)},
                                     {"key_id", anomaly::printable(finding.key_id)},
                                     {"what", finding.what},
                                     {"score", finding.score},
                                     {"features", std::move(features)}});
}

}  // namespace

// Numbers of findings' records are only where to look: several threads and servers write the log.
anomaly::Thresholds daemon_thresholds() {
  anomaly::Thresholds thresholds;
  thresholds.log_indices = anomaly::LogIndices::kReference;
  return thresholds;
}

std::optional<anomaly::UsageEvent> usage_of(const service::DecisionEvent& event, std::string& key_id) {
  const auto found = std::ranges::find(kOperations, event.operation, &Named::word);
  if (found == kOperations.end() || event.tenant.empty() || event.caller.empty()) return std::nullopt;
  key_id = event.tenant;
  if (!event.environment.empty()) key_id += "/" + std::string(event.environment);
  if (!event.dataset.empty()) key_id += "/" + std::string(event.dataset);
  anomaly::UsageEvent usage;
  usage.time = event.time;
  usage.tenant = event.tenant;
  usage.principal = event.caller;
  usage.operation = found->operation;
  usage.key_id = key_id;
  usage.dataset = event.dataset;
  usage.dek_count = std::max<std::uint32_t>(event.keys, 1);
  usage.outcome = outcome_of(event);
  usage.source = event.remote.substr(0, event.remote.rfind(':'));
  usage.latency = Duration{static_cast<std::int64_t>(event.seconds * 1000)};
  usage.throttled = event.problem == "quota-exceeded";
  return usage;
}

Result<std::unique_ptr<AnomalyWatch>> AnomalyWatch::start(AnomalyWatchParts parts) {
  auto detector = restore(parts.state);
  if (!detector.ok()) {
    if (detector.error().code() != Code::kNotFound) {
      parts.log.warning("anomalies-learn-anew", {{"error", detector.error().message()}});
    }
    detector = new_detector(parts.random);
  }
  if (!detector.ok()) return detector.error();
  std::unique_ptr<AnomalyWatch> watch(new AnomalyWatch(std::move(parts), std::move(*detector)));
  watch->saved_ = watch->parts_.clock();
  CLOISTER_TRY(watch->ticker_, Ticker::start([self = watch.get()] { return self->tell(); }, kRest));
  return watch;
}

AnomalyWatch::~AnomalyWatch() {
  ticker_.reset();
  save();
}

void AnomalyWatch::observe(const service::DecisionEvent& event) {
  std::string key_id;
  const auto usage = usage_of(event, key_id);
  if (!usage) return;
  std::vector<anomaly::Finding> findings = detector_.observe(*usage);
  if (findings.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    for (anomaly::Finding& finding : findings) {
      // Beyond the bound the newest are lost: the first say what is wrong, and each is counted.
      parts_.metrics.anomalies.fetch_add(1);
      if (waiting_.size() < kWaitingMax) waiting_.push_back(std::move(finding));
    }
  }
  ticker_->wake();
}

Duration AnomalyWatch::tell() {
  for (;;) {
    std::optional<anomaly::Finding> next;
    {
      const std::lock_guard lock(mutex_);
      if (!waiting_.empty()) next = waiting_.front();
    }
    if (!next) break;
    if (const Status told = tell_one(*next); !told.ok()) {
      parts_.metrics.store_errors.fetch_add(1);
      parts_.log.error("anomaly-not-recorded", {{"error", told.error().message()}});
      store_.reset();
      return kRetry;
    }
    const std::lock_guard lock(mutex_);
    waiting_.pop_front();
  }
  if (parts_.clock() - saved_ >= kSaveEvery) save();
  return kRest;
}

Status AnomalyWatch::tell_one(const anomaly::Finding& finding) {
  if (!store_) {
    CLOISTER_TRY(store_, parts_.open_store());
  }
  audit::Event event;
  event.time = parts_.clock();
  event.actor = parts_.actor;
  event.action = "anomaly.found";
  if (store_->tenant(finding.tenant, "").ok()) event.tenant = finding.tenant;
  event.subject = anomaly::printable(finding.principal);
  event.detail = anomaly::explain(finding);
  CLOISTER_RETURN_IF_ERROR(store_->record(event));
  parts_.log.warning("anomaly", {{"kind", std::string(anomaly::kind_name(finding.kind))},
                                 {"severity", std::string(anomaly::severity_name(finding.severity))},
                                 {"tenant", finding.tenant},
                                 {"principal", finding.principal},
                                 {"what", finding.what}});
  post(finding);
  return {};
}

void AnomalyWatch::post(const anomaly::Finding& finding) {
  if (!parts_.webhook) return;
  net::Request request;
  request.method = "POST";
  request.target = parts_.webhook_target;
  request.headers.add("content-type", "application/json");
  request.body = net::to_buffer(finding_json(finding).serialize());
  const auto answered = parts_.webhook->send(request, kWebhookPatience);
  if (answered.ok() && answered->response.status < 300) return;
  parts_.metrics.webhook_failures.fetch_add(1);
  parts_.log.warning("webhook-failed", {{"error", answered.ok() ? "status " + std::to_string(answered->response.status)
                                                                : answered.error().message()}});
}

void AnomalyWatch::save() {
  saved_ = parts_.clock();
  const Status saved = write_file(parts_.state, detector_.snapshot(), Overwrite::kReplace, 0600);
  if (!saved.ok()) parts_.log.warning("anomalies-not-saved", {{"error", saved.error().message()}});
}

}  // namespace cloister::daemon
