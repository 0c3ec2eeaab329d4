// Facts of a scan: counts, names, offsets and hashes, never content.
#include <unistd.h>

#include <algorithm>

#include "posture/collect/content/content_collector.h"

namespace cloister::posture::content {
namespace {

constexpr std::size_t kRawLinesMax = 40;

Fact make_fact(const ContentFacts& about, const Location& location, std::string kind) {
  Fact fact;
  fact.kind = std::move(kind);
  fact.subject = {SubjectKind::kLocation, location.name};
  fact.collector = std::string(about.collector);
  fact.scope = "uid " + std::to_string(::geteuid()) + ", " + location.address;
  fact.method = Method::kTest;
  fact.at = about.now;
  fact.valid_until = about.now + kContentScanValid;
  return fact;
}

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::vector<std::string> list_of(const std::set<std::string>& texts) { return {texts.begin(), texts.end()}; }

// What wasn't looked at, and why: a line each.
std::string describe_gaps(const LocationScan& scan) {
  std::vector<std::string> lines;
  for (const auto& [why, count] : scan.walk.skipped) lines.push_back(why + ": " + std::to_string(count));
  for (const std::string& problem : scan.walk.problems) lines.push_back(problem);
  for (const ObjectFinding& object : scan.tally.objects) {
    if (lines.size() >= kRawLinesMax) break;
    if (object.verdict == Verdict::kUnreadable) lines.push_back(object.name + ": " + object.reason);
  }
  if (scan.walk.stopped) lines.emplace_back("stopped before its end");
  if (!scan.journal_problem.empty()) lines.push_back("journal: " + scan.journal_problem);
  std::string out;
  for (std::size_t i = 0; i < std::min(lines.size(), kRawLinesMax); ++i) out += lines[i] + "\n";
  return out;
}

Fact scan_fact(const ContentFacts& about, const Location& location, const LocationScan& scan) {
  const LocationTally& tally = scan.tally;
  std::uint64_t skipped = 0;
  for (const auto& [why, count] : scan.walk.skipped) skipped += count;
  const std::uint64_t unread = tally.count(Verdict::kUnreadable) + scan.walk.unreadable + skipped;
  const std::uint64_t files = tally.files();
  const std::uint64_t seen = files - tally.count(Verdict::kUnreadable);
  Fact fact = make_fact(about, location, "content.scan");
  fact.values = {{"files", number(files)},
                 {"bytes", number(tally.bytes)},
                 {"sealed", number(tally.count(Verdict::kSealed))},
                 {"encrypted_other", number(tally.count(Verdict::kEncrypted))},
                 {"plaintext", number(tally.count(Verdict::kPlaintext))},
                 {"plaintext_unknown_type", number(tally.count(Verdict::kPlaintextUnknownType))},
                 {"compressed", number(tally.count(Verdict::kCompressed))},
                 {"high_entropy_unknown", number(tally.count(Verdict::kHighEntropyUnknown))},
                 {"empty", number(tally.count(Verdict::kEmpty))},
                 {"unreadable", number(tally.count(Verdict::kUnreadable) + scan.walk.unreadable)},
                 {"skipped", number(skipped)},
                 {"links", number(scan.walk.links)},
                 {"special", number(scan.walk.special + tally.special)},
                 {"directories", number(scan.walk.directories)},
                 {"objects_left_out", number(tally.objects_left_out)},
                 {"complete", scan.complete && about.canaries_right},
                 {"canaries_right", about.canaries_right},
                 {"coverage_permille", unread == 0 ? 1000 : number(seen * 1000 / (seen + unread))}};
  fact.raw = describe_gaps(scan);
  if (!about.canaries_right) fact.raw += "canaries: " + about.canary_problem + "\n";
  return fact;
}

Fact object_fact(const ContentFacts& about, const Location& location, const ObjectFinding& object) {
  Fact fact = make_fact(about, location, "content.object");
  fact.subject = {SubjectKind::kObject, location.name + "#" + object.name};
  fact.values = {{"verdict", std::string(name_of(object.verdict))},
                 {"type", object.type},
                 {"bytes", number(object.bytes)},
                 {"sha256_head", object.sha256_head}};
  fact.raw = object.reason;
  return fact;
}

Fact seal_fact(const ContentFacts& about, const Location& location, const LocationTally& tally) {
  Fact fact = make_fact(about, location, "seal.location");
  fact.method = Method::kExamine;
  fact.values = {{"objects", number(tally.seal.objects)},
                 {"dek_wrapped_active", number(tally.seal.active)},
                 {"dek_wrapped_retired", number(tally.seal.retired)},
                 {"dek_wrapped_gone", number(tally.seal.gone)},
                 {"dek_unresolved", number(tally.seal.unresolved)},
                 {"deks_reused", number(tally.seal.reused.size())},
                 {"raw_keys", number(tally.raw_keys)},
                 {"algorithms", list_of(tally.seal.suites)},
                 {"slot_keys", list_of(tally.seal.slot_keys)},
                 {"tenants", list_of(tally.seal.tenants)},

                 {"keyring_ids", list_of(tally.seal.keyrings)}};
  return fact;
}

Fact key_fact(const ContentFacts& about, const Location& location, const LocationScan& scan) {
  Fact fact = make_fact(about, location, "key.material");
  if (!scan.complete && scan.tally.raw_keys == 0) {
    fact.not_assessed = "the location wasn't looked at to its end";
    return fact;
  }
  fact.values = {{"raw_keys", number(scan.tally.raw_keys)}, {"where", scan.tally.raw_key_places}};
  return fact;
}

// Every file that holds anything is sealed under a key that is known.
bool is_all_sealed(const LocationScan& scan) {
  const LocationTally& tally = scan.tally;
  return scan.complete && tally.count(Verdict::kSealed) != 0 &&
         tally.count(Verdict::kSealed) + tally.count(Verdict::kEmpty) == tally.files();
}

Fact encryption_fact(const ContentFacts& about, const Location& location, const LocationTally& tally) {
  const std::uint64_t sealed = tally.count(Verdict::kSealed);
  std::string algorithm, kek;
  for (const std::string& suite : tally.seal.suites) algorithm += (algorithm.empty() ? "" : ", ") + suite;
  if (tally.seal.keks.size() == 1) kek = *tally.seal.keks.begin();
  Fact fact = make_fact(about, location, "storage.encryption");
  fact.method = Method::kExamine;
  fact.values = {{"encrypted", std::string("yes")},
                 {"scheme", std::string("cloister")},
                 {"algorithm", algorithm},
                 {"key_bits", std::int64_t{256}},
                 {"aead", true},
                 {"integrity", std::string("aead")},
                 {"key", kek},
                 {"keys", list_of(tally.seal.keks)},
                 {"key_manager", std::string("operator")},
                 {"level", std::string("object")},
                 {"objects", number(sealed)},
                 {"objects_sampled", number(sealed)},
                 {"sample_bound_permille", std::int64_t{0}}};
  return fact;
}

}  // namespace

void emit_not_assessed(const ContentFacts& about, const Location& location, const std::string& why, FactSink& sink) {
  for (const char* kind : {"content.scan", "seal.location", "key.material"}) {
    Fact fact = make_fact(about, location, kind);
    fact.not_assessed = why;
    sink.add(std::move(fact));
  }
}

void emit_scan(const ContentFacts& about, const Location& location, const LocationScan& scan, FactSink& sink) {
  sink.add(scan_fact(about, location, scan));
  if (!about.canaries_right) {
    // A scanner that misjudges what it knows proves nothing of what it doesn't.
    for (const char* kind : {"seal.location", "key.material"}) {
      Fact fact = make_fact(about, location, kind);
      fact.not_assessed = "the scan is void: " + about.canary_problem;
      sink.add(std::move(fact));
    }
    return;
  }
  sink.add(seal_fact(about, location, scan.tally));
  sink.add(key_fact(about, location, scan));
  if (is_all_sealed(scan)) sink.add(encryption_fact(about, location, scan.tally));
  for (const ObjectFinding& object : scan.tally.objects) sink.add(object_fact(about, location, object));
}

}  // namespace cloister::posture::content
