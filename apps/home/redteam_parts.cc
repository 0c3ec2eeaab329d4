#include "home/redteam_parts.h"

#include "posture/collect/content/content_collector.h"

namespace cloister::home {
namespace {

constexpr std::size_t kObjectSize = 60'000;

class Collected final : public posture::FactSink {
 public:
  void add(posture::Fact fact) override { facts_.push_back(std::move(fact)); }
  const std::vector<posture::Fact>& facts() const { return facts_; }

 private:
  std::vector<posture::Fact> facts_;
};

// By the content audit: the fact that all of a location is encrypted is there, or it isn't.
Status scanned(const redteam::ScannedFolder& folder, const posture::content::KnownKeys& keys,
               const redteam::Field& field) {
  posture::content::ContentOptions options;
  options.keys = keys;
  options.scratch = field.folder;
  options.depth_max = folder.depth_max;
  options.entries_max = folder.entries_max;
  posture::Estate estate;
  estate.locations.emplace_back().name = "canary";
  estate.locations.back().address = "file:" + folder.folder.string();
  Progress progress;
  if (folder.stopped) progress.request_stop();
  posture::CollectContext context;
  context.estate = &estate;
  context.now = field.now;
  context.progress = &progress;
  Collected sink;
  posture::content::ContentCollector(std::move(options), *field.random).collect(context, sink);
  for (const posture::Fact& fact : sink.facts()) {
    const std::string* encrypted = fact.text("encrypted");
    if (fact.kind == "storage.encryption" && !fact.not_assessed && encrypted != nullptr && *encrypted == "yes") {
      return {};
    }
  }
  for (const posture::Fact& fact : sink.facts()) {
    if (fact.not_assessed) return Error(Code::kDenied, "not assessed: " + *fact.not_assessed);
  }
  return Error(Code::kDenied, "not everything in it is sealed under known keys");
}

}  // namespace

Result<redteam::BlindScannerTarget> content_scanner(redteam::Lab& lab, const redteam::Field& field) {
  redteam::BlindScannerTarget out;
  CLOISTER_TRY(out.sealed, lab.seal(redteam::kAlder, "scanned.sealed", kObjectSize));
  CLOISTER_TRY(out.unknown, lab.seal(redteam::kBirch, "unknown.sealed", kObjectSize));
  CLOISTER_TRY(const seal::Keyring keyring, lab.keys().unlock_keyring(redteam::kAlder, "redteam", lab.caller()));
  posture::content::KnownKeys keys;
  keys.versions[{to_hex(keyring.outline().keyring_id), 1}] = {posture::content::KeyUse::kActive, "cloister:canary"};
  out.passes = [keys, field](const redteam::ScannedFolder& folder) { return scanned(folder, keys, field); };
  return out;
}

namespace {

redteam::Report blind_scanner(const redteam::Field& field) {
  const auto lab = redteam::Lab::create(field);
  if (!lab.ok()) return redteam::not_run("RT-M08", lab.error().message());
  const auto target = content_scanner(**lab, field);
  return target.ok() ? redteam::run_blind_scanner(field, *target)
                     : redteam::not_run("RT-M08", target.error().message());
}

}  // namespace

std::map<std::string, redteam::HandedIn, std::less<>> redteam_parts() {
  using redteam::Field;
  return {{"RT-A05", [](const Field& field) { return run_measurement_substitution(field, decide_release); }},
          {"RT-M07", [](const Field& field) { return run_forged_reports(field, verified_as_an_auditor()); }},
          {"RT-M08", blind_scanner},
          {"attested-release", [](const Field& field) { return run_attested_release(field, decide_release); }}};
}

}  // namespace cloister::home
