// REST-01 to REST-07: data at rest.
#include <algorithm>

#include "posture/judge/judge.h"
#include "posture/judge/layers.h"
#include "posture/judge/migration.h"

namespace cloister::posture {
namespace {

constexpr std::int64_t kBits = 256;

// An object whose configuration differs from what its location needs has a verdict of its own.
void add_objects(const View& view, const LocationFacts& location, const Look& look, std::vector<SubjectVerdict>& out) {
  for (const Fact* fact : location.objects) {
    if (!why_no_proof(view, *fact).empty()) continue;
    Finding finding = look(*fact);
    if (finding.status != Status::kFail) continue;
    out.push_back(verdict_of(fact->subject, std::move(finding), {view.id_of(*fact)}));
  }
}

std::vector<SubjectVerdict> judge_encrypted(const View& view, const std::vector<LocationFacts>& locations) {
  std::vector<SubjectVerdict> out;
  for (const LocationFacts& location : locations) {
    const std::string remediation = how_to_encrypt(location);
    out.push_back(judge_layers(view, location, {"nobody looked how it is encrypted", remediation, {}, {}}));
    add_objects(
        view, location,
        [&](const Fact& fact) {
          Finding finding = look_encrypted(fact);
          finding.remediation = remediation;
          return finding;
        },
        out);
  }
  return out;
}

std::vector<SubjectVerdict> judge_rest_01(const View& view) {
  return judge_encrypted(view, locations_of(view, {DataKind::kTrainingData}));
}
std::vector<SubjectVerdict> judge_rest_02(const View& view) {
  return judge_encrypted(view, locations_of(view, {DataKind::kModel}));
}
std::vector<SubjectVerdict> judge_rest_03(const View& view) {
  return judge_encrypted(view, locations_of(view, {DataKind::kFeatures}));
}
std::vector<SubjectVerdict> judge_rest_04(const View& view) {
  return judge_encrypted(view, locations_of(view, {DataKind::kInferenceLog}));
}

constexpr std::string_view kProtectTransient =
    "encrypt or switch off swap (swapoff -a; or dm-crypt with a random key), keep dumps of key holders from being "
    "written (ulimit -c 0; kernel.core_pattern=|/bin/false), encrypt snapshots and backups with a key of your own";

Finding look_transient(const Fact& fact) {
  const std::string* what = fact.text("what");
  const std::string* state = fact.text("protected");
  if (what == nullptr || state == nullptr) return unproven("a place on the side isn't described whole");
  const std::string* where = fact.text("where");
  const std::string place = where == nullptr || where->empty() ? *what : *what + " (" + *where + ")";
  if (*state == "yes") return passes(place + " is encrypted");
  if (*state == "none") return passes(*what + " is never written");
  if (*state == "no") return fails(place + " isn't encrypted", std::string(kProtectTransient));
  return unproven("whether " + place + " is encrypted isn't known", std::string(kProtectTransient));
}

Finding look_dumps(const Fact& fact) {
  const auto limit = fact.truth("core_limit_zero"), dumpable = fact.truth("dumpable");
  if (!limit || !dumpable) return unproven("what happens when it crashes isn't known");
  if (*limit && !*dumpable) return passes("it writes no dump when it crashes");
  return fails("its memory, with keys, would be written when it crashes",
               "set RLIMIT_CORE to 0 and PR_SET_DUMPABLE to 0, as Cloister's own programs do");
}

// What any fact of that kind is about, and what must be there besides.
std::vector<SubjectVerdict> judge_each(const View& view, std::string_view kind, std::vector<Subject> subjects,
                                       const std::string& nobody, const Look& look) {
  for (const Fact* fact : view.all(kind)) subjects.push_back(fact->subject);
  std::ranges::sort(subjects);
  const auto twice = std::ranges::unique(subjects);
  subjects.erase(twice.begin(), twice.end());
  std::vector<SubjectVerdict> out;
  for (const Subject& subject : subjects) {
    out.push_back(judge_by(view, {subject, nobody}, view.about(kind, subject), look));
  }
  return out;
}

// Hosts whose swap and dumps were looked at; without any the platform isn't assessed.
void add_hosts(const View& view, std::vector<SubjectVerdict>& out) {
  std::vector<SubjectVerdict> hosts = judge_each(view, "transient.persistence", {}, {}, look_transient);
  bool any_host = false;
  for (SubjectVerdict& verdict : hosts) {
    any_host = any_host || verdict.subject.kind == SubjectKind::kHost;
    out.push_back(std::move(verdict));
  }
  if (!any_host) out.push_back(not_assessed(the_platform(), "nobody looked at swap and dumps of any machine"));
}

std::vector<SubjectVerdict> judge_rest_05(const View& view) {
  std::vector<SubjectVerdict> out = judge_encrypted(
      view, locations_of(view, {DataKind::kBackup, DataKind::kScratch, DataKind::kSecrets, DataKind::kOther}));
  add_hosts(view, out);
  std::vector<Subject> key_holders;
  for (const Workload& workload : view.estate().workloads) {
    if (workload.use == WorkloadUse::kKeyService && in_scope(workload.label)) {
      key_holders.push_back({SubjectKind::kWorkload, workload.name});
    }
  }
  for (SubjectVerdict& verdict :
       judge_each(view, "process.dumps", std::move(key_holders), "nobody looked whether it writes dumps", look_dumps)) {
    out.push_back(std::move(verdict));
  }
  add_drills_run(view, {"RT-K01", "RT-K03", "RT-K06"}, out);
  return out;
}

constexpr std::string_view kStrengthen =
    "encrypt again with AES-256-GCM or ChaCha20-Poly1305: cloister seal; for LUKS: cryptsetup reencrypt --cipher "
    "aes-xts-plain64 --key-size 512, with dm-integrity or signatures above it";

bool has_any(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

// The service encrypts whole, under rules of its own: there is no format that could be held against anything.
bool is_service_encryption(const Fact& fact) {
  static constexpr std::string_view kServices[] = {
      "sse-kms", "sse-s3",     "sse-c",    "dsse-kms", "azure", "gcs", "ebs", "rds", "sagemaker", "bedrock",
      "vertex",  "azure-disk", "azure-ml", "gce-disk", "eks",   "gke", "aks", "efs", "fsx",       "dynamodb"};
  const std::string* scheme = fact.text("scheme");
  return scheme != nullptr && std::ranges::find(kServices, *scheme) != std::end(kServices);
}

Finding look_integrity(const Fact& fact, const std::string& algorithm) {
  const auto aead = fact.truth("aead");
  if (aead == true) return passes(algorithm + " is authenticated");
  if (is_service_encryption(fact)) return passes(algorithm + ", by the service");
  const std::string* integrity = fact.text("integrity");
  const std::string* level = fact.text("level");
  const bool of_files = level == nullptr || *level == "object" || *level == "file";
  if (integrity != nullptr && *integrity == "aead") return passes(algorithm + " is authenticated");
  if (of_files && aead == false) return fails(algorithm + " doesn't notice changed bytes", std::string(kStrengthen));
  if (integrity != nullptr && *integrity == "elsewhere" && !of_files) {
    return passes(algorithm + ", and changed bytes are noticed elsewhere");
  }
  if (integrity != nullptr && *integrity == "none") {
    return fails("nothing notices changed bytes under " + algorithm, std::string(kStrengthen));
  }
  return unproven("whether anything notices changed bytes under " + algorithm + " isn't known",
                  std::string(kStrengthen));
}

Finding look_algorithm(const Fact& fact) {
  const std::string* named = fact.text("algorithm");
  const std::string* scheme = fact.text("scheme");
  if (scheme != nullptr && *scheme == "encfs") {
    return fails("EncFS doesn't protect against who sees several versions", std::string(kStrengthen));
  }
  if (named == nullptr || named->empty()) return unproven("its algorithm isn't known", std::string(kStrengthen));
  const std::string algorithm = lower_case(*named);
  if (has_any(algorithm, {"ecb", "3des", "rc4", "arcfour", "blowfish", "gcm_ctr", "gcm-ctr"})) {
    return fails(*named + " isn't fit for data at rest", std::string(kStrengthen));
  }
  const auto bits = fact.number("key_bits");
  if (!bits) return unproven("the strength of " + *named + " isn't known", std::string(kStrengthen));
  if (*bits < kBits) return fails(*named + " has " + std::to_string(*bits) + " bits", std::string(kStrengthen));
  if (!has_any(algorithm, {"aes", "chacha20", "secretbox", "xsalsa20"})) {
    return unproven(*named + " isn't an algorithm that is known here", std::string(kStrengthen));
  }
  return look_integrity(fact, *named);
}

Finding look_suites(const Fact& fact) {
  const std::vector<std::string>* algorithms = fact.list("algorithms");
  if (algorithms == nullptr || algorithms->empty()) return unproven("which suites its objects use isn't known");
  for (const std::string& algorithm : *algorithms) {
    if (algorithm != "aes-256-gcm" && algorithm != "chacha20-poly1305") {
      return unproven("\"" + algorithm + "\" isn't a suite that is known here", std::string(kStrengthen));
    }
  }
  return passes("its objects are sealed with " + joined(*algorithms, ", "));
}

// Files that are encrypted by something else than a seal have an algorithm that nobody told.
Finding look_only_seals(const Fact& scan) {
  const auto other = scan.number("encrypted_other");
  if (!other) return unproven("the scan doesn't count what is encrypted otherwise");
  if (*other > 0) return unproven(std::to_string(*other) + " files are encrypted in ways that tell no algorithm");
  return passes("all are Cloister's seals");
}

std::vector<SubjectVerdict> judge_rest_06(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const LocationFacts& location : locations(view)) {
    const auto sealed = [&](const LocationFacts& at) {
      std::vector<SubjectVerdict> parts;
      parts.push_back(judge_by(view, {at.subject, {}}, at.scans, look_only_seals));
      parts.push_back(
          judge_by(view, {at.subject, "nobody looked which suites its objects use"}, at.seals, look_suites));
      return all_of(at.subject, std::move(parts));
    };
    out.push_back(judge_layers(
        view, location,
        {"nobody looked by which algorithm it is encrypted", how_to_encrypt(location), look_algorithm, sealed}));
    add_objects(
        view, location, [](const Fact& fact) { return fact.text("algorithm") ? look_algorithm(fact) : unproven({}); },
        out);
  }
  return out;
}

Finding look_residue(const Fact& scan, const LocationFacts& location) {
  const auto readable = readable_files(scan);
  if (!readable) return unproven("the scan doesn't count its files by verdict");
  if (scan.truth("canaries_right") == false) {
    return unproven("the scan is void: it told a planted file wrong",
                    "find out why before anything that this scanner says is believed");
  }
  const bool allowed = location.declared != nullptr && !location.declared->plaintext_allowed.empty();
  if (*readable > 0 && !allowed) {
    return fails(std::to_string(*readable) + " files can be read without a key", how_to_encrypt(location));
  }
  Finding complete = look_scan_complete(scan);
  if (complete.status != Status::kPass) return complete;
  if (*readable > 0) return passes("plaintext is allowed there: " + location.declared->plaintext_allowed);
  return passes("no file can be read without a key");
}

bool is_readable_verdict(const std::string* verdict) {
  return verdict != nullptr &&
         (*verdict == "plaintext" || *verdict == "plaintext_unknown_type" || *verdict == "compressed");
}

// Each file that can be read, where that isn't allowed.
void add_readable_files(const View& view, const std::vector<LocationFacts>& locations,
                        std::vector<SubjectVerdict>& out) {
  std::map<std::string, const LocationFacts*, std::less<>> by_name;
  for (const LocationFacts& location : locations) by_name[location.subject.id] = &location;
  for (const Fact* fact : view.all("content.object")) {
    if (!why_no_proof(view, *fact).empty() || !is_readable_verdict(fact->text("verdict"))) continue;
    const std::string_view id = fact->subject.id;
    auto location = by_name.end();
    for (std::size_t end = id.find('#'); end != id.npos && location == by_name.end(); end = id.find('#', end + 1)) {
      location = by_name.find(id.substr(0, end));
    }
    if (location == by_name.end()) continue;  // out of scope
    const Location* declared = location->second->declared;
    if (declared != nullptr && !declared->plaintext_allowed.empty()) continue;
    const std::string* type = fact->text("type");
    const std::string what = type == nullptr || type->empty() ? "a file" : "a " + *type + " file";
    out.push_back(verdict_of(fact->subject,
                             fails(what + " that can be read without a key", how_to_encrypt(*location->second)),
                             {view.id_of(*fact)}));
  }
}

std::vector<SubjectVerdict> judge_rest_07(const View& view) {
  std::vector<SubjectVerdict> out;
  const std::vector<LocationFacts> all = locations(view);
  for (const LocationFacts& location : all) {
    // What was only seen is asked about its bytes where somebody read them; the inventory misses it anyway.
    if (location.declared == nullptr && location.scans.empty()) continue;
    const Question asked{location.subject, "nobody looked at its bytes",
                         "cloister posture audit, with the rights to read it"};
    out.push_back(
        judge_by(view, asked, location.scans, [&](const Fact& scan) { return look_residue(scan, location); }));
  }
  add_readable_files(view, all, out);
  add_drills_run(view, {"RT-M08"}, out);
  return out;
}

}  // namespace

std::span<const JudgeOf> rest_judges() {
  static constexpr JudgeOf kJudges[] = {
      {"REST-01", judge_rest_01}, {"REST-02", judge_rest_02}, {"REST-03", judge_rest_03}, {"REST-04", judge_rest_04},
      {"REST-05", judge_rest_05}, {"REST-06", judge_rest_06}, {"REST-07", judge_rest_07}};
  return kJudges;
}

}  // namespace cloister::posture
