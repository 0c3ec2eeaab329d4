// Layers of encryption, from what configuration says and from what the bytes say.
#include "posture/judge/layers.h"

#include <algorithm>

namespace cloister::posture {
namespace {

// Ciphertext of these lies in the files: their bytes can be held against what configuration says.
constexpr std::string_view kSeals[] = {"cloister", "age", "parquet"};
constexpr std::string_view kLayers[] = {
    "luks2",   "luks1",           "dm-crypt",       "fscrypt",       "zfs",        "gocryptfs", "ecryptfs",  "encfs",
    "opal",    "sse-kms",         "sse-s3",         "sse-c",         "dsse-kms",   "azure",     "gcs",       "ebs",
    "rds",     "sagemaker",       "bedrock",        "vertex",        "azure-disk", "azure-ml",  "gce-disk",  "tde",
    "k8s-kms", "k8s-aescbc",      "k8s-aesgcm",     "k8s-secretbox", "etcd",       "eks",       "gke",       "aks",
    "ceph",    "terraform-state", "opentofu-state", "bitlocker",     "veracrypt",  "cryfs",     "sqlcipher", "efs",
    "fsx",     "dynamodb"};

bool is_one_of(std::span<const std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

// The location that an object belongs to. Addresses may have '#' in them, so the longest known name decides.
std::string location_of(const std::map<std::string, LocationFacts>& known, const std::string& object) {
  for (std::size_t end = object.rfind('#'); end != std::string::npos && end > 0; end = object.rfind('#', end - 1)) {
    if (known.contains(object.substr(0, end))) return object.substr(0, end);
  }
  return object.substr(0, object.find('#'));
}

LocationFacts& facts_of(std::map<std::string, LocationFacts>& known, const std::string& name) {
  LocationFacts& location = known[name];
  location.subject = {SubjectKind::kLocation, name};
  return location;
}

void add_all(const View& view, std::string_view kind, Facts LocationFacts::* member,
             std::map<std::string, LocationFacts>& known) {
  for (const Fact* fact : view.all(kind)) {
    if (fact->subject.kind == SubjectKind::kLocation) (facts_of(known, fact->subject.id).*member).push_back(fact);
  }
}

// Facts of one level are about the same layer. One that doesn't say its level may have been about any: it is among all.
std::map<std::string, Facts> by_level(const View& view, const LocationFacts& location) {
  std::map<std::string, Facts> levels;
  Facts of_any;
  for (const Fact* fact : location.configuration) {
    if (why_no_proof(view, *fact).empty() && is_seal(*fact)) continue;
    const std::string* level = fact->text("level");
    if (level == nullptr) {
      of_any.push_back(fact);
    } else {
      levels[*level].push_back(fact);
    }
  }
  if (levels.empty() && !of_any.empty()) levels[""];
  for (auto& [level, facts] : levels) facts.insert(facts.end(), of_any.begin(), of_any.end());
  // Objects make their location worse, never better.
  if (!levels.empty() && !location.objects.empty()) {
    Facts& facts = levels.contains("object")    ? levels["object"]
                   : levels.contains("service") ? levels["service"]
                                                : levels.begin()->second;
    for (const Fact* fact : location.objects) {
      if (why_no_proof(view, *fact).empty() && is_seal(*fact)) continue;
      facts.push_back(fact);
    }
  }
  return levels;
}

// What a service does with new objects and what those that are there show are one layer: neither makes up for the
// other.
SubjectVerdict service_with_objects(const Subject& subject, std::vector<SubjectVerdict> levels) {
  const bool failed = std::ranges::find(levels, Status::kFail, &SubjectVerdict::status) != levels.end();
  return failed ? all_of(subject, std::move(levels)) : any_of(subject, std::move(levels));
}

// Whether files are sealed is for their bytes to say.
SubjectVerdict judge_sealed(const View& view, const LocationFacts& location, const LayerQuestion& question) {
  const Question asked{location.subject, "nobody looked whether its files are sealed", question.remediation};
  SubjectVerdict bytes =
      judge_by(view, asked, location.scans, [&](const Fact& scan) { return look_scan_sealed(scan, location); });
  if (bytes.status != Status::kPass || !question.sealed) return bytes;
  std::vector<SubjectVerdict> parts = {std::move(bytes)};
  parts.push_back(question.sealed(location));
  return all_of(location.subject, std::move(parts));
}

}  // namespace

const std::string& LocationFacts::address() const {
  return declared == nullptr || declared->address.empty() ? subject.id : declared->address;
}

std::vector<LocationFacts> locations(const View& view) {
  std::map<std::string, LocationFacts> known;
  for (const Location& location : view.estate().locations) facts_of(known, location.name).declared = &location;
  add_all(view, "storage.encryption", &LocationFacts::configuration, known);
  add_all(view, "content.scan", &LocationFacts::scans, known);
  add_all(view, "seal.location", &LocationFacts::seals, known);
  for (const Fact* fact : view.all("storage.encryption")) {
    if (fact->subject.kind != SubjectKind::kObject) continue;
    facts_of(known, location_of(known, fact->subject.id)).objects.push_back(fact);
  }
  std::vector<LocationFacts> out;
  for (auto& [name, location] : known) {
    if (location.declared == nullptr || in_scope(location.declared->label)) out.push_back(std::move(location));
  }
  return out;
}

std::vector<LocationFacts> locations_of(const View& view, std::initializer_list<DataKind> kinds) {
  std::vector<LocationFacts> out = locations(view);
  std::erase_if(out, [&](const LocationFacts& location) {
    return location.declared == nullptr || std::ranges::find(kinds, location.declared->kind) == kinds.end();
  });
  return out;
}

bool is_seal(const Fact& fact) {
  const std::string* scheme = fact.text("scheme");
  return scheme != nullptr && is_one_of(kSeals, *scheme);
}

bool is_object_store(std::string_view address) {
  return address.starts_with("s3://") || address.starts_with("gs://") || address.starts_with("azure-blob://");
}

Finding look_encrypted(const Fact& fact) {
  const std::string* encrypted = fact.text("encrypted");
  const std::string* scheme = fact.text("scheme");
  if (encrypted == nullptr) return unproven("its configuration doesn't say whether it is encrypted");
  if (*encrypted == "no") return fails("its configuration says that it isn't encrypted", {});
  if (*encrypted != "yes") return unproven("whether its configuration encrypts it isn't known");
  if (scheme == nullptr) return unproven("its configuration doesn't say what encrypts it");
  if (!is_one_of(kLayers, *scheme) && !is_one_of(kSeals, *scheme)) {
    return unproven("\"" + *scheme + "\" isn't a way of encrypting that is known here");
  }
  return passes("encrypted by " + *scheme);
}

std::optional<std::int64_t> readable_files(const Fact& scan) {
  return sum(scan, {"plaintext", "plaintext_unknown_type", "compressed"});
}

Finding look_scan_complete(const Fact& scan) {
  const std::optional<bool> canaries = scan.truth("canaries_right");
  if (!canaries) return unproven("the scan doesn't say whether it told its planted files right");
  if (!*canaries) return unproven("the scan is void: it told a planted file wrong");
  const auto unseen = sum(scan, {"high_entropy_unknown", "unreadable", "skipped"});
  if (!unseen) return unproven("the scan doesn't count what it couldn't tell");
  if (*unseen > 0) return unproven(std::to_string(*unseen) + " files couldn't be read or told");
  if (scan.truth("complete") != true) return unproven("the scan didn't visit every file");
  return passes("every file was looked at");
}

Finding look_scan_sealed(const Fact& scan, const LocationFacts& location) {
  const std::optional<std::int64_t> readable = readable_files(scan);
  const std::optional<std::int64_t> sealed = sum(scan, {"sealed", "encrypted_other"});
  if (!readable || !sealed) return unproven("the scan doesn't count its files by verdict");
  const bool allowed = location.declared != nullptr && !location.declared->plaintext_allowed.empty();
  if (*readable > 0 && scan.truth("canaries_right") != false) {
    const std::string counted = std::to_string(*readable) + " files can be read without a key";
    if (allowed) return unproven(counted + ", which is allowed there, and is no encryption");
    return fails(counted, {});
  }
  const Finding complete = look_scan_complete(scan);
  if (complete.status != Status::kPass) return complete;
  if (*sealed == 0) return unproven("there is no file in it that would show how it is encrypted");
  return passes("all of its " + std::to_string(*sealed) + " files are sealed");
}

SubjectVerdict judge_layers(const View& view, const LocationFacts& location, const LayerQuestion& question) {
  std::vector<SubjectVerdict> layers, of_service;
  for (const auto& [level, facts] : by_level(view, location)) {
    const Question asked{location.subject, question.nobody, question.remediation};
    auto& into = level == "service" || level == "object" ? of_service : layers;
    into.push_back(judge_by(view, asked, facts, [&](const Fact& fact) {
      Finding finding = look_encrypted(fact);
      if (finding.status == Status::kPass && question.configured) finding = question.configured(fact);
      if (finding.status != Status::kPass && finding.remediation.empty()) finding.remediation = question.remediation;
      return finding;
    }));
  }
  if (!of_service.empty()) layers.push_back(service_with_objects(location.subject, std::move(of_service)));
  const bool said_sealed = std::ranges::any_of(location.configuration, [](const Fact* fact) { return is_seal(*fact); });
  if (said_sealed || !location.scans.empty()) {
    SubjectVerdict sealed = judge_sealed(view, location, question);
    if (sealed.status != Status::kPass && sealed.remediation.empty()) sealed.remediation = question.remediation;
    layers.push_back(std::move(sealed));
  }
  if (layers.empty()) return not_assessed(location.subject, question.nobody, question.remediation);
  return any_of(location.subject, std::move(layers));
}

}  // namespace cloister::posture
