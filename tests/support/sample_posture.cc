// The estate is made up; verdicts are set by hand, so that reports can be tested without collectors and judges.
#include "support/sample_posture.h"

#include <algorithm>
#include <set>

namespace cloister::testing {
namespace {

using namespace posture;  // NOLINT: the file is about nothing else

const Time kBefore = *parse_rfc3339("2026-11-19T09:30:00Z");
const Time kAfter = *parse_rfc3339("2026-11-26T09:30:00Z");
constexpr std::string_view kPlatformKey = "arn:aws:kms:eu-central-1:111122223333:alias/aws/s3";
constexpr std::string_view kOperatorKey =
    "arn:aws:kms:eu-central-1:111122223333:key/3f1c2b9e-0000-4000-8000-00000000c0de";
constexpr std::string_view kKek = "cloister:7d0c5ad1f0b74c0e9d7a1f4f0e5a9b11";
constexpr std::string_view kRing = "cloister:keyring:2b7e151628aed2a6abf7158809cf4f3c";

std::string text(std::string_view from) { return std::string(from); }

Label label(std::string owner, std::string tenant, Sensitivity sensitivity) {
  return {std::move(owner), "production", std::move(tenant), sensitivity};
}

Estate estate() {
  Estate out;
  out.id = "acme-ai";
  out.digest = std::string(64, 'a');
  const auto place = [&out](std::string name, std::string address, DataKind kind, Label whose) {
    Location location;
    location.name = std::move(name);
    location.address = std::move(address);
    location.kind = kind;
    location.label = std::move(whose);
    out.locations.push_back(std::move(location));
  };
  place("corpus", "file:/srv/corpus", DataKind::kTrainingData, label("data-platform", "acme", Sensitivity::kRegulated));
  place("features", "s3://acme-features/online", DataKind::kFeatures,
        label("ml-features", "acme", Sensitivity::kSensitiveBusiness));
  place("models", "s3://acme-models", DataKind::kModel, label("ml-serving", "acme", Sensitivity::kThirdPartyIp));
  place("inference-logs", "file:/var/log/inference", DataKind::kInferenceLog,
        label("ml-serving", "acme", Sensitivity::kRegulated));
  place("partner-corpus", "gs://partner-drop/2026", DataKind::kTrainingData,
        label("partnerships", "globex", Sensitivity::kThirdPartyIp));
  place("backups", "s3://acme-backups", DataKind::kBackup, label("", "", Sensitivity::kRegulated));
  place(text(kHostileMarkup), "file:/srv/" + text(kHostileTerminal), DataKind::kOther,
        label(text(kHostileMarkup), "globex", Sensitivity::kInternal));
  const auto works = [&out](std::string name, WorkloadUse use, Sensitivity sensitivity) {
    Workload workload;
    workload.name = std::move(name);
    workload.use = use;
    workload.label = label("ml-serving", "acme", sensitivity);
    workload.reads = {"corpus"};
    out.workloads.push_back(std::move(workload));
  };
  works("trainer", WorkloadUse::kTraining, Sensitivity::kRegulated);
  works("gateway", WorkloadUse::kInference, Sensitivity::kRegulated);
  works("engine", WorkloadUse::kInference, Sensitivity::kThirdPartyIp);
  works("vector-store", WorkloadUse::kPipeline, Sensitivity::kSensitiveBusiness);
  works("key-service", WorkloadUse::kKeyService, Sensitivity::kInternal);
  out.endpoints.push_back({"api", "api.acme.example:443", label("edge", "acme", Sensitivity::kRegulated), 0});
  out.keys.push_back({text(kKek), "", "kek", days(90), label("security", "acme", Sensitivity::kInternal), 0});
  return out;
}

class Maker {
 public:
  Maker(Posture& posture, Time at) : posture_(posture), at_(at) {}

  // The id of a new fact.
  std::string fact(std::string kind, Subject subject, std::string collector, FactValues values, Duration age = hours(1),
                   Duration valid = days(7)) {
    Fact fact;
    fact.kind = std::move(kind);
    fact.subject = std::move(subject);
    fact.collector = std::move(collector);
    fact.scope = "uid 1000, read only";
    fact.at = Time{at_.unix_ms - age.ms};
    fact.valid_until = fact.at + valid;
    fact.values = std::move(values);
    fact.raw = "{\"answer\":\"as it was read\"}";
    posture_.facts.push_back(std::move(fact));
    return posture_.facts.back().id();
  }
  std::string unread(std::string kind, Subject subject, std::string collector, std::string why) {
    posture_.unread.push_back(subject.text() + ": " + why);
    Fact fact;
    fact.kind = std::move(kind);
    fact.subject = std::move(subject);
    fact.collector = std::move(collector);
    fact.at = at_;
    fact.valid_until = at_ + hours(24);
    fact.not_assessed = std::move(why);
    posture_.facts.push_back(std::move(fact));
    return posture_.facts.back().id();
  }
  Fact& last() { return posture_.facts.back(); }

  void verdict(std::string_view control, Subject subject, posture::Status status, std::string reason,
               std::vector<std::string> evidence, std::string remediation = {}) {
    SubjectVerdict verdict;
    verdict.subject = std::move(subject);
    verdict.status = status;
    verdict.reason = std::move(reason);
    verdict.evidence = std::move(evidence);
    verdict.remediation = std::move(remediation);
    of(control).subjects.push_back(std::move(verdict));
  }
  ControlAssessment& of(std::string_view control) {
    const auto found = std::ranges::find(posture_.assessment.controls, control, &ControlAssessment::control);
    return *found;
  }

 private:
  Posture& posture_;
  Time at_;
};

Subject location(std::string_view name) { return {SubjectKind::kLocation, text(name)}; }
Subject workload(std::string_view name) { return {SubjectKind::kWorkload, text(name)}; }
Subject key(std::string_view name) { return {SubjectKind::kKey, text(name)}; }
Subject platform() { return {SubjectKind::kPlatform, ""}; }

Posture blank(Time at) {
  Posture out;
  out.run = std::string(at == kAfter ? "5e" : "4d") + std::string(30, '0');
  out.program = "cloister 0.1.0";
  out.estate = estate();
  out.context = {{"host", "audit-1"}, {"user", "posture"}, {"permissions", "read only"}};
  out.assessment.at = at;
  out.assessment.estate = out.estate.id;
  out.assessment.estate_digest = out.estate.digest;
  out.assessment.catalogue_version = built_in_catalogue().version;
  out.assessment.catalogue_digest = built_in_catalogue().digest;
  for (const Control& control : built_in_catalogue().controls) {
    out.assessment.controls.push_back({control.id, posture::Status::kNotAssessed, "no fact speaks about it", {}});
  }
  return out;
}

FactValues encryption(std::string encrypted, std::string scheme, std::string_view under, std::string manager) {
  return {{"encrypted", std::move(encrypted)}, {"scheme", std::move(scheme)},
          {"algorithm", text("aes-256-gcm")},  {"key", text(under)},
          {"key_manager", std::move(manager)}, {"key_bits", std::int64_t{256}}};
}

void add_storage(Maker& make, bool sealed) {
  using enum posture::Status;
  const std::string seal = "cloister seal /srv/corpus --dataset acme/corpus";
  const std::string corpus = sealed ? make.fact("storage.encryption", location("corpus"), "local-storage/1",
                                                encryption("yes", "cloister", kRing, "operator"))
                                    : make.fact("storage.encryption", location("corpus"), "local-storage/1",
                                                encryption("no", "none", "", "none"));
  make.verdict("REST-01", location("corpus"), sealed ? kPass : kFail,
               sealed ? "encrypted: cloister, aes-256-gcm" : "not encrypted", {corpus}, sealed ? "" : seal);
  const std::string scan = make.fact("content.scan", location("corpus"), "content/1",
                                     {{"files", std::int64_t{1000}},
                                      {"sealed", std::int64_t{sealed ? 1000 : 12}},
                                      {"plaintext", std::int64_t{sealed ? 0 : 968}},
                                      {"high_entropy_unknown", std::int64_t{sealed ? 0 : 20}},
                                      {"canaries_right", true}},
                                     hours(2), days(30));
  make.verdict("REST-07", location("corpus"), sealed ? kPass : kFail,
               sealed ? "1,000 files looked at, none readable" : "968 of 1,000 files are readable", {scan},
               sealed ? "" : seal);
  make.fact(
      "storage.encryption", location("models"), "aws/1",
      encryption("yes", "sse-kms", sealed ? kOperatorKey : kPlatformKey, sealed ? "operator" : "platform_default"));
  make.last().values["objects"] = std::int64_t{48'210};
  make.last().values["objects_sampled"] = std::int64_t{2'995};
  make.last().values["sample_bound_permille"] = std::int64_t{1};
  const std::string models = make.last().id();
  make.verdict("REST-02", location("models"), kPass, "encrypted: sse-kms, aes-256-gcm", {models});
  make.verdict(
      "KEY-02", location("models"), sealed ? kPass : kFail,
      sealed ? "a key of the operator's account" : "the platform's default key aws/s3", {models},
      sealed ? "" : "aws s3api put-bucket-encryption --bucket acme-models …, then copy the objects that exist");
  const std::string features = make.fact("storage.encryption", location("features"), "aws/1",
                                         encryption("yes", "sse-kms", kOperatorKey, "operator"));
  make.verdict("REST-03", location("features"), kPass, "encrypted: sse-kms, aes-256-gcm", {features});
  const std::string logs = make.fact("storage.encryption", location("inference-logs"), "local-storage/1",
                                     encryption("yes", "luks2", "luks:passphrase", "none"));
  make.verdict("REST-04", location("inference-logs"), kPass, "encrypted: luks2", {logs});
  const std::string partner =
      make.unread("storage.encryption", location("partner-corpus"), "google/1", "storage.buckets.get was refused: 403");
  make.verdict("REST-01", location("partner-corpus"), kNotAssessed, "storage.buckets.get was refused: 403", {partner},
               "give the auditor roles/storage.bucketViewer");
  const std::string odd = make.fact("storage.encryption", location(kHostileMarkup), "local-storage/1",
                                    encryption("no", text(kHostileTerminal), "", "none"));
  make.verdict("REST-05", location(kHostileMarkup), kFail, "not encrypted: " + text(kHostileTerminal), {odd},
               "rm -- '" + text(kHostileMarkup) + "'");
  if (sealed) return;
  const std::vector<std::string> names = {"shard-0001.parquet", "shard-0002.parquet", "shard-0003.parquet",
                                          "shard-0004.parquet", text(kHostileMarkup), text(kHostileDirection),
                                          text(kHostileBytes),  text(kHostileFormula)};
  for (const std::string& name : names) {
    const Subject object{SubjectKind::kObject, "corpus#" + name};
    const std::string seen = make.fact("content.object", object, "content/1",
                                       {{"verdict", text("plaintext")},
                                        {"type", text("parquet")},
                                        {"bytes", std::int64_t{104'857'600}},
                                        {"sha256_head", std::string(64, '9')}});
    make.verdict("REST-07", object, kFail, "readable: parquet", {seen}, seal);
  }
}

void add_keys(Maker& make, bool sealed) {
  using enum posture::Status;
  const auto posture_of = [&make](std::string_view name, std::string manager, std::string class_of,
                                  std::string_view above, std::vector<std::string> tenants) {
    FactValues values = {{"manager", std::move(manager)},
                         {"key_class", std::move(class_of)},
                         {"protection", text("hsm")},
                         {"state", text("enabled")},
                         {"algorithm", text("aes-256-gcm")},
                         {"created", text("2026-09-01T00:00:00.000Z")},
                         {"cryptoperiod_days", std::int64_t{90}},
                         {"tenants", std::move(tenants)}};
    if (!above.empty()) values["wrapped_by"] = text(above);
    return make.fact("key.posture", key(name), "home/1", std::move(values));
  };
  const std::string kek = posture_of(kKek, "operator", "kek", kOperatorKey, {"acme"});
  posture_of(kRing, "operator", "dataset", kKek, {"acme"});
  posture_of(kOperatorKey, "operator", "root", "", {"acme", "globex"});
  if (!sealed) posture_of(kPlatformKey, "platform_default", "kek", "", {"acme"});
  make.verdict("KEY-01", key(kKek), kPass, "wrapped by a key that an HSM holds", {kek});
  make.verdict("KEY-05", key(kKek), kPass, "79 of 90 days", {kek});
  const std::string drill =
      make.fact("drill", platform(), "redteam/1",
                {{"drill", text("RT-K12")},
                 {"outcome", text("defended")},
                 {"cases", std::int64_t{214}},
                 {"refused", std::int64_t{214}},
                 {"details", std::vector<std::string>{"wrapped keys of another tenant", "rolled back slots"}}},
                days(3), days(180));
  make.verdict("TEN-02", {SubjectKind::kTenant, "acme"}, kPass, "214 of 214 cases refused", {drill});
  make.fact("drill", platform(), "redteam/1",
            {{"drill", text("RT-T07")},
             {"outcome", text(sealed ? "defended" : "failed")},
             {"cases", std::int64_t{12}},
             {"refused", std::int64_t{sealed ? 12 : 11}}},
            days(3), days(180));
}

void add_paths(Maker& make, bool sealed) {
  using enum posture::Status;
  const auto edge = [&make](std::string id, std::string verdict, std::string outcome, std::vector<std::string> classes,
                            posture::Status status) {
    const Subject subject{SubjectKind::kEdge, std::move(id)};
    const std::string seen = make.fact("path.edge", subject, "paths/1",
                                       {{"verdict", text(verdict)},
                                        {"outcome", std::move(outcome)},
                                        {"classes", std::move(classes)},
                                        {"undeclared", false}});
    make.verdict("TRN-08", subject, status, "evidence: " + verdict, {seen},
                 status == kPass ? "" : "put the relay in front of it: docs/relay.md");
  };
  edge("gateway>engine/tcp/8443", "enforced", "pass", {"probe", "capture"}, kPass);
  edge("engine>vector-store/tcp/6333", sealed ? "enforced" : "plaintext-seen", sealed ? "pass" : "fail", {"capture"},
       sealed ? kPass : kFail);
  edge("trainer>key-service/tcp/8400", "observed", "pass", {"receipt", "capture"}, kPass);
  edge("gateway>key-service/tcp/8400", "configured", "unproven", {"configuration"}, kNotAssessed);
  edge("trainer>" + text(kHostileMarkup) + "/tcp/9000", "unknown", "unproven", {}, kNotAssessed);
  const std::string api = make.fact("tls.endpoint", {SubjectKind::kEndpoint, "api"}, "tls-scan/1",
                                    {{"plaintext_refused", true},
                                     {"tls13", true},
                                     {"versions", std::vector<std::string>{"1.2", "1.3"}},
                                     {"grade", text("A")}});
  make.verdict("TRN-01", {SubjectKind::kEndpoint, "api"}, kPass, "plaintext is refused", {api});
  make.verdict("TRN-02", {SubjectKind::kEndpoint, "api"}, kPass, "TLS 1.2 and 1.3, grade A", {api});
}

void add_use(Maker& make) {
  using enum posture::Status;
  const std::string trainer = make.fact("attestation.workload", workload("trainer"), "home/1",
                                        {{"platform", text("amd-sev-snp")},
                                         {"assurance", text("hardware")},
                                         {"sound", true},
                                         {"debug", false},
                                         {"tcb_status", text("up-to-date")}},
                                        days(2));
  make.verdict("USE-02", workload("trainer"), kPass, "attested on amd-sev-snp", {trainer});
  make.fact("attestation.workload", workload("engine"), "home/1",
            {{"platform", text("insecure_software")},
             {"assurance", text("insecure_software")},
             {"sound", true},
             {"debug", false}});
  make.last().simulated = true;
  make.verdict("USE-02", workload("engine"), kNotAssessed, "the evidence is simulated: insecure_software",
               {make.last().id()});
  const std::string decided = make.fact("assessment.workload", workload("trainer"), "records/1",
                                        {{"decision", text("tee")}, {"justified", true}});
  make.verdict("USE-01", workload("trainer"), kPass, "decided: tee", {decided});
}

void add_governance(Maker& make) {
  using enum posture::Status;
  const std::string scope = make.fact(
      "inventory.scope", platform(), "inventory/1",
      {{"read", std::vector<std::string>{"mounts", "sockets", "s3"}}, {"unread", std::vector<std::string>{"gs"}}});
  make.verdict("INV-01", platform(), kPass, "declared and seen are the same", {scope});
  const std::string blind = make.fact("drill", platform(), "redteam/1",
                                      {{"drill", text("blind-scanner")},
                                       {"outcome", text("defended")},
                                       {"cases", std::int64_t{8}},
                                       {"refused", std::int64_t{8}}},
                                      days(1), days(180));
  make.verdict("GOV-06", platform(), kPass, "8 of 8 blinded collectors were told", {blind});
  make.verdict("GOV-04", platform(), kPass, "every verdict has its fact", {scope});
  SubjectVerdict excepted;
  excepted.subject = location("backups");
  excepted.status = kException;
  excepted.reason = "a passphrase only: nobody manages the key";
  excepted.evidence = {
      make.fact("storage.encryption", location("backups"), "aws/1", encryption("yes", "age", "", "none"))};
  excepted.exception = posture::Exception{.control = "REST-06",
                                          .subject = excepted.subject,
                                          .owner = "data-platform",
                                          .approver = "ciso",
                                          .reason = "the store moves to the new key in December",
                                          .compensating_control = "access is logged and reviewed weekly",
                                          .created = Time{kBefore.unix_ms - days(20).ms},
                                          .expires = kAfter + days(12),
                                          .reopen_when = ""};
  make.of("REST-06").subjects.push_back(std::move(excepted));
}

void conclude(Posture& posture) {
  std::set<Subject> assessed, known;
  for (ControlAssessment& control : posture.assessment.controls) {
    if (!control.subjects.empty()) {
      std::ranges::sort(control.subjects, [](const SubjectVerdict& a, const SubjectVerdict& b) {
        const auto rank = [](posture::Status status) {
          return status == posture::Status::kFail   ? 0
                 : status == posture::Status::kPass ? 9
                                                    : 1 + static_cast<int>(status);
        };
        return rank(a.status) != rank(b.status) ? rank(a.status) < rank(b.status) : a.subject < b.subject;
      });
      control.status = fold(control.subjects);
      control.reason = control.subjects.front().reason;
    }
    for (const SubjectVerdict& verdict : control.subjects) {
      if (verdict.subject.kind == SubjectKind::kObject) continue;
      known.insert(verdict.subject);
      if (verdict.status == posture::Status::kPass || verdict.status == posture::Status::kFail)
        assessed.insert(verdict.subject);
    }
  }
  posture.assessment.coverage = {assessed.size(), known.size()};
  posture.assessment.exception_problems = {"KEY-02 location:models: owner and approver are the same person"};
  posture.maturity = maturity(built_in_catalogue(), posture.assessment);
}

TrendPoint point_of(const Posture& posture) {
  TrendPoint point;
  point.at = posture.assessment.at;
  point.run = posture.run;
  for (std::size_t i = 0; i < kDomainCount; ++i) point.domains[i] = posture.maturity.domains[i].reached;
  point.overall = posture.maturity.overall;
  point.score = posture.maturity.score;
  point.coverage_permille = posture.assessment.coverage.permille();
  for (const ControlAssessment& control : posture.assessment.controls) {
    switch (control.status) {
      case posture::Status::kPass: ++point.pass; break;
      case posture::Status::kFail: ++point.fail; break;
      case posture::Status::kNotAssessed: ++point.not_assessed; break;
      case posture::Status::kException: ++point.exceptions; break;
      case posture::Status::kNotApplicable: ++point.not_applicable; break;
    }
  }
  return point;
}

Posture sample(Time at) {
  const bool sealed = at == kAfter;
  Posture out = blank(at);
  Maker make(out, at);
  add_storage(make, sealed);
  add_keys(make, sealed);
  add_paths(make, sealed);
  add_use(make);
  add_governance(make);
  conclude(out);
  return out;
}

}  // namespace

posture::Posture sample_before() {
  Posture out = sample(kBefore);
  out.trend = {point_of(out)};
  return out;
}

posture::Posture sample_after() {
  const Posture before = sample_before();
  Posture out = sample(kAfter);
  TrendPoint first = before.trend.front();
  for (int week = 8; week > 0; --week) {
    TrendPoint point = first;
    point.at = Time{kBefore.unix_ms - days(7 * week).ms};
    point.run = "earlier";
    point.score.lower = static_cast<std::uint32_t>(first.score.lower * (10 - static_cast<std::uint32_t>(week)) / 10);
    out.trend.push_back(point);
  }
  out.trend.push_back(first);
  out.trend.push_back(point_of(out));
  for (const ControlAssessment& control : before.assessment.controls) {
    const ControlAssessment* now = out.assessment.find(control.control);
    for (const SubjectVerdict& verdict : control.subjects) {
      const auto same = std::ranges::find(now->subjects, verdict.subject, &SubjectVerdict::subject);
      const posture::Status after = same == now->subjects.end() ? posture::Status::kNotAssessed : same->status;
      if (after == verdict.status) continue;
      const Change change = after == posture::Status::kPass ? Change::kFixed : Change::kLostCoverage;
      out.changes.push_back({change, control.control, verdict.subject, verdict.status, after});
    }
  }
  return out;
}

posture::Posture large_posture(std::size_t findings) {
  using enum posture::Status;
  Posture out = sample(kBefore);
  ControlAssessment& residue = *std::ranges::find(out.assessment.controls, "REST-07", &ControlAssessment::control);
  out.facts.reserve(out.facts.size() + findings);
  residue.subjects.reserve(residue.subjects.size() + findings);
  constexpr std::array<std::string_view, 4> kVerdicts = {"plaintext", "compressed", "high_entropy_unknown", "sealed"};
  for (std::size_t i = 0; i < findings; ++i) {
    const std::string verdict(kVerdicts[i % kVerdicts.size()]);
    Fact fact;
    fact.kind = "content.object";
    fact.subject = {SubjectKind::kObject, "corpus#year=2026/part-" + std::to_string(i) + ".parquet"};
    fact.collector = "content/1";
    fact.scope = "uid 1000, /srv/corpus, one file system";
    fact.at = kBefore;
    fact.valid_until = kBefore + days(30);
    fact.values = {{"verdict", verdict},
                   {"type", text("parquet")},
                   {"bytes", static_cast<std::int64_t>(1000 + i)},
                   {"sha256_head", std::string(64, static_cast<char>('0' + i % 10))}};
    SubjectVerdict one;
    one.subject = fact.subject;
    one.status = i % 4 == 2 ? kNotAssessed : i % 4 == 3 ? kPass : kFail;
    one.reason = verdict == "sealed" ? "sealed" : verdict + ": parquet";
    one.evidence = {fact.id()};
    one.remediation = one.status == kFail ? "cloister seal /srv/corpus --dataset acme/corpus" : "";
    out.facts.push_back(std::move(fact));
    residue.subjects.push_back(std::move(one));
  }
  conclude(out);
  return out;
}

}  // namespace cloister::testing
