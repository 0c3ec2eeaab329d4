// One audit from end to end.
#include "posture/run.h"

#include <algorithm>
#include <set>

#include "crypto/hash.h"
#include "posture/evidence/redaction.h"
#include "posture/view.h"

namespace cloister::posture {
namespace {

constexpr std::size_t kUnreadMax = 10'000;

class FactList : public FactSink {
 public:
  void add(Fact fact) override {
    if (fact.not_assessed) ++could_not_look_;
    ++count_;
    if (facts_.size() < kRunFactsMax) facts_.push_back(std::move(fact));
  }
  std::vector<Fact>& facts() { return facts_; }
  std::int64_t count() const { return count_; }
  std::int64_t could_not_look() const { return could_not_look_; }

 private:
  std::vector<Fact> facts_;
  std::int64_t count_ = 0, could_not_look_ = 0;
};

Fact run_fact(std::string_view collector, Time now) {
  Fact fact;
  fact.kind = "collector.run";
  fact.collector = std::string(collector);
  fact.scope = "this run";
  fact.at = now;
  fact.valid_until = now + kConfigurationValid;
  return fact;
}

// What can't be kept can't be shown to anybody: it proves nothing.
Fact unkeepable(const Fact& fact, const std::string& why) {
  Fact out;
  out.kind = fact.kind;
  out.subject = fact.subject;
  out.collector = fact.collector;
  out.method = fact.method;
  out.at = fact.at;
  out.valid_until = fact.valid_until;
  out.simulated = fact.simulated;
  out.not_assessed = "what was found can't be kept: " + why;
  return out;
}

std::string digest_of(const std::string& text) { return to_hex(crypto::sha256(as_bytes(text))); }

std::vector<std::string> unread_of(std::span<const Fact> facts) {
  std::set<std::string> lines;
  for (const Fact& fact : facts) {
    if (fact.not_assessed) lines.insert(fact.collector + ": " + fact.subject.text() + ": " + *fact.not_assessed);
  }
  std::vector<std::string> out(lines.begin(), lines.end());
  if (out.size() > kUnreadMax) {
    const std::size_t more = out.size() - kUnreadMax;
    out.resize(kUnreadMax);
    out.push_back("and " + std::to_string(more) + " more");
  }
  return out;
}

}  // namespace

std::vector<Fact> settled(std::vector<Fact> facts) {
  std::map<std::string, Fact> by_id;
  for (Fact& fact : facts) {
    fact.raw = redact(fact.raw);
    fact.scope = redact(fact.scope);
    if (fact.not_assessed) fact.not_assessed = redact(*fact.not_assessed);
    const std::string text = fact_json(fact);
    Result<Fact> kept = parse_fact(text);
    if (kept.ok()) {
      by_id.emplace(digest_of(text), std::move(*kept));
      continue;
    }
    const std::string failed = fact_json(unkeepable(fact, kept.error().message()));
    if (Result<Fact> said = parse_fact(failed); said.ok()) by_id.emplace(digest_of(failed), std::move(*said));
  }
  std::vector<Fact> out;
  out.reserve(by_id.size());
  for (auto& [id, fact] : by_id) out.push_back(std::move(fact));
  return out;
}

std::string problem_of_dates(const Fact& fact, Time run) {
  if (fact.at > run + kClockTolerance) return "is from after the run";
  if (fact.valid_until > fact.at + kRecordValid) return "says it is valid for over a year";
  return "";
}

std::vector<Fact> dated(std::vector<Fact> facts, Time run) {
  for (Fact& fact : facts) {
    const std::string problem = problem_of_dates(fact, run);
    if (problem.empty()) continue;
    Fact said =
        unkeepable(fact, "it " + problem + " (" + to_rfc3339(fact.at) + " to " + to_rfc3339(fact.valid_until) + ")");
    said.at = run;
    said.valid_until = run + kConfigurationValid;
    fact = std::move(said);
  }
  return facts;
}

std::vector<Fact> collect(std::span<const std::unique_ptr<Collector>> collectors, const CollectContext& context) {
  FactList all;
  for (const std::unique_ptr<Collector>& collector : collectors) {
    Fact ran = run_fact(collector->name(), context.now);
    if (context.progress != nullptr && context.progress->stop_requested()) {
      ran.not_assessed = "the run was stopped before this collector was asked";
      all.add(std::move(ran));
      continue;
    }
    const std::int64_t before = all.count(), blind_before = all.could_not_look();
    collector->collect(context, all);
    ran.values = {{"facts", all.count() - before}, {"could_not_look", all.could_not_look() - blind_before}};
    all.add(std::move(ran));
  }
  if (all.count() > static_cast<std::int64_t>(kRunFactsMax)) {
    Fact cut = run_fact("run/1", context.now);
    cut.not_assessed =
        std::to_string(all.count() - static_cast<std::int64_t>(kRunFactsMax)) + " facts more than a run keeps";
    all.facts().back() = std::move(cut);
  }
  return settled(std::move(all.facts()));
}

std::string run_id(const Materials& materials) {
  std::string text = "cloister posture run v1\n" + to_rfc3339(materials.at) + "\n" + materials.program + "\n";
  for (const std::string* part :
       {&materials.catalogue, &materials.estate_name, &materials.estate, &materials.exceptions}) {
    text += digest_of(*part) + "\n";
  }
  for (const auto& [name, value] : materials.context) text += digest_of(name) + digest_of(value) + "\n";
  std::vector<std::string> ids;
  ids.reserve(materials.facts.size());
  for (const Fact& fact : materials.facts) ids.push_back(fact.id());
  std::ranges::sort(ids);
  for (const std::string& id : ids) text += id + "\n";
  return digest_of(text).substr(0, 32);
}

Result<Posture> posture_of(const Materials& materials) {
  CLOISTER_TRY(const Catalogue catalogue, parse_catalogue(materials.catalogue).with_context("catalogue"));
  Posture posture;
  CLOISTER_TRY(posture.estate,
               parse_estate(materials.estate, materials.estate_name).with_context(materials.estate_name));
  std::vector<Exception> exceptions;
  if (!materials.exceptions.empty()) {
    CLOISTER_TRY(exceptions, parse_exceptions(materials.exceptions).with_context("exceptions"));
  }
  posture.run = run_id(materials);
  posture.program = materials.program;
  posture.context = materials.context;
  posture.facts = materials.facts;
  posture.assessment = assess(catalogue, posture.estate, posture.facts, exceptions, materials.at);
  posture.maturity = maturity(catalogue, posture.assessment);
  posture.unread = unread_of(posture.facts);
  return posture;
}

}  // namespace cloister::posture
