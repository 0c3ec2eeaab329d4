// A sample of stored runs, verified and tampered with.
#include "posture/evidence/store_check.h"

#include "posture/evidence/bundle.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kCollector = "evidence/1";
constexpr std::size_t kSampleMax = 5;
constexpr std::size_t kChainMax = 32;

struct Looked {
  std::int64_t sampled = 0, verified = 0, in_log = 0, read = 0;
  bool chained = true, tamper_detected = true;
  std::vector<std::string> details;
};

// Ways to make a bundle say something else without its key.
std::vector<std::string> tampered(const std::string& bundle) {
  std::vector<std::string> out;
  const auto changed = [&](std::string_view from, std::string_view to) {
    const std::size_t at = bundle.find(from);
    if (at == std::string::npos) return;
    std::string copy = bundle;
    copy.replace(at, from.size(), to);
    out.push_back(std::move(copy));
  };
  changed("\"simulated\":false", "\"simulated\":true");
  changed("\"status\":\"not-assessed\"", "\"status\":\"pass\"");
  changed("\"status\":\"fail\"", "\"status\":\"pass\"");
  changed("\"valid_until\":\"2", "\"valid_until\":\"3");
  // The first fact dropped.
  const std::size_t begin = bundle.find("{\"at\":\"", bundle.find("\n{\"exceptions\""));
  if (begin != std::string::npos) {
    std::string copy = bundle;
    copy.erase(begin, copy.find('\n', begin) + 1 - begin);
    out.push_back(std::move(copy));
  }
  return out;
}

bool verifies(const std::string& text, const audit::VerifierKey& key, const Catalogue& catalogue,
              std::string_view program, std::vector<std::string>& details, const std::string& run) {
  const Result<ReadBundle> bundle = verify_signed(text, {&key, 1});
  if (!bundle.ok()) {
    details.push_back(run + ": " + bundle.error().message());
    return false;
  }
  if (bundle->contents.materials.program != program) return true;
  const Result<VerifiedBundle> again = verify_bundle(text, {&key, 1}, catalogue);
  if (!again.ok()) details.push_back(run + ": " + again.error().message());
  return again.ok();
}

Result<Looked> look(const EvidenceStore& store, std::span<const RunFile> runs, const audit::VerifierKey& key,
                    const Catalogue& catalogue,
                    const std::function<std::optional<std::string>(const std::string&)>& logged,
                    std::string_view program) {
  Looked looked;
  const std::span<const RunFile> newest = runs.last(std::min(runs.size(), kChainMax));
  std::string before;
  for (std::size_t i = 0; i < newest.size(); ++i) {
    CLOISTER_TRY(const std::string text, store.read(newest[i]));
    CLOISTER_TRY(const ReadBundle bundle, read_bundle(text));
    const std::string root = root_of(bundle.text);
    ++looked.read;
    if (i > 0 && bundle.contents.previous != before) {
      looked.chained = false;
      looked.details.push_back(newest[i].run + ": it doesn't follow the run before it");
    }
    before = root;
    if (logged(newest[i].run) == root) ++looked.in_log;
    if (newest.size() - i > kSampleMax) continue;
    ++looked.sampled;
    if (verifies(text, key, catalogue, program, looked.details, newest[i].run)) ++looked.verified;
    if (i + 1 < newest.size()) continue;
    for (const std::string& copy : tampered(text)) {
      if (verify_signed(copy, {&key, 1}).ok()) looked.tamper_detected = false;
    }
  }
  return looked;
}

}  // namespace

Fact check_store(const EvidenceStore& store, const audit::VerifierKey& key, const Catalogue& catalogue,
                 const std::function<std::optional<std::string>(const std::string& run)>& logged,
                 std::string_view program, Time now) {
  Fact fact;
  fact.kind = "evidence.store";
  fact.collector = std::string(kCollector);
  fact.scope = "the home's evidence store, its newest " + std::to_string(kChainMax) + " runs";
  fact.method = Method::kTest;
  fact.at = now;
  fact.valid_until = now + kConfigurationValid;
  const Result<std::vector<RunFile>> runs = store.runs();
  const Result<std::int64_t> retention = store.retention_days();
  if (!runs.ok() || !retention.ok()) {
    fact.not_assessed = runs.ok() ? retention.error().message() : runs.error().message();
    return fact;
  }
  if (runs->empty()) {
    fact.not_assessed = "there is no earlier run yet that could be verified";
    return fact;
  }
  const Result<Looked> looked = look(store, *runs, key, catalogue, logged, program);
  if (!looked.ok()) {
    fact.values = {{"runs", static_cast<std::int64_t>(runs->size())},
                   {"sampled", std::int64_t{1}},
                   {"verified", std::int64_t{0}},
                   {"details", std::vector<std::string>{looked.error().message()}}};
    return fact;
  }
  fact.values = {{"runs", static_cast<std::int64_t>(runs->size())},
                 {"sampled", looked->sampled},
                 {"verified", looked->verified},
                 {"signed", looked->verified == looked->sampled},
                 {"chained", looked->chained},
                 {"tamper_detected", looked->tamper_detected},
                 {"anchored", looked->in_log == looked->read},
                 {"retention_days", *retention},
                 {"retention_policy_days", kRetentionDaysMin},
                 {"details", looked->details}};
  return fact;
}

}  // namespace cloister::posture
