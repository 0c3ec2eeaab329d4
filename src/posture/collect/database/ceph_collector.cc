#include "posture/collect/database/ceph_collector.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>

#include "base/file.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kPrefix = "ceph:";
constexpr std::uint64_t kFileMax = std::uint64_t{16} << 20;
constexpr std::size_t kHostsMax = 10'000;
constexpr JsonLimits kLimits{static_cast<std::size_t>(kFileMax), 16, 1 << 20};

Result<JsonValue> read_json(const Path& path) {
  CLOISTER_TRY(const Bytes text, read_file(path, kFileMax));
  return parse_json(as_text(text), kLimits).with_context("read " + path.string());
}

std::string text_of(const JsonValue* json, std::string_view name) {
  const JsonValue* member = json == nullptr ? nullptr : json->find(name);
  return member == nullptr || member->string() == nullptr ? std::string() : *member->string();
}

// A folder's files of hosts, by name.
Result<std::vector<Path>> volume_files(const Path& folder) {
  std::vector<Path> files;
  std::error_code problem;
  for (auto entry = std::filesystem::directory_iterator(folder, problem);
       !problem && entry != std::filesystem::directory_iterator(); entry.increment(problem)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with("volumes-") && name.ends_with(".json")) files.push_back(entry->path());
    if (files.size() > kHostsMax) return Error(Code::kInvalid, "there are too many hosts' files");
  }
  if (problem) return Error(Code::kNotFound, "read " + folder.string() + ": " + problem.message());
  std::ranges::sort(files);
  return files;
}

struct Cluster {
  std::vector<std::uint64_t> osds;
  std::map<std::uint64_t, bool> encrypted;
  std::map<std::string, std::string> config;  // the last value of each name
};

Result<Cluster> read_cluster(const Path& folder) {
  Cluster cluster;
  CLOISTER_TRY(const JsonValue dump, read_json(folder / "osd-dump.json"));
  CLOISTER_TRY(cluster.osds, parse_ceph_osds(dump));
  CLOISTER_TRY(const JsonValue config, read_json(folder / "config-dump.json"));
  if (config.array() == nullptr) return Error(Code::kCorrupt, "config-dump.json is no list");
  for (const JsonValue& entry : *config.array()) cluster.config[text_of(&entry, "name")] = text_of(&entry, "value");
  CLOISTER_TRY(const std::vector<Path> files, volume_files(folder));
  for (const Path& file : files) {
    CLOISTER_TRY(const JsonValue list, read_json(file));
    CLOISTER_TRY(const auto volumes, parse_ceph_volumes(list).with_context(file.string()));
    for (const auto& [osd, encrypted] : volumes) {
      const auto [at, is_new] = cluster.encrypted.try_emplace(osd, encrypted);
      if (!is_new) at->second = at->second && encrypted;
    }
  }
  return cluster;
}

std::string config_or(const Cluster& cluster, const std::string& name, std::string otherwise) {
  const auto found = cluster.config.find(name);
  return found == cluster.config.end() ? std::move(otherwise) : found->second;
}

void note_transit(const Cluster& cluster, StorageView& view) {
  for (const char* mode : {"ms_cluster_mode", "ms_service_mode", "ms_client_mode"}) {
    const std::string value = config_or(cluster, mode, "crc secure");
    if (value != "secure") view.notes.push_back(std::string(mode) + " is " + value + ": traffic may go unencrypted");
  }
}

Result<StorageView> view_of(const Cluster& cluster) {
  std::size_t plain = 0, unlisted = 0;
  for (const std::uint64_t osd : cluster.osds) {
    const auto found = cluster.encrypted.find(osd);
    if (found == cluster.encrypted.end()) ++unlisted;
    if (found != cluster.encrypted.end() && !found->second) ++plain;
  }
  StorageView view;
  view.level = "block";
  note_transit(cluster, view);
  if (plain > 0) {
    view.encrypted = "no";
    view.key_manager = "none";
    view.notes.push_back(std::to_string(plain) + " of " + std::to_string(cluster.osds.size()) +
                         " OSDs aren't encrypted");
    return view;
  }
  if (unlisted > 0 || cluster.osds.empty()) {
    return Error(Code::kNotFound, std::to_string(unlisted) + " of " + std::to_string(cluster.osds.size()) +
                                      " OSDs are in no host's list of volumes");
  }
  view.encrypted = "yes";
  view.scheme = "dm-crypt";
  view.integrity = "none";
  const bool whole = config_or(cluster, "osd_dmcrypt_key_size", "512") == "512";
  view.algorithm = whole ? "aes-256-xts" : "aes-128-xts";
  view.key_bits = whole ? 256 : 128;
  view.key_manager = "none";
  view.notes.emplace_back("the disks' keys lie in the cluster's own monitors");
  return view;
}

}  // namespace

Result<std::vector<std::uint64_t>> parse_ceph_osds(const JsonValue& dump) {
  const JsonValue* osds = dump.find("osds");
  if (osds == nullptr || osds->array() == nullptr) return Error(Code::kCorrupt, "the dump has no list of OSDs");
  std::vector<std::uint64_t> numbers;
  for (const JsonValue& osd : *osds->array()) {
    const JsonValue* number = osd.find("osd");
    if (number == nullptr || !number->unsigned_integer()) return Error(Code::kCorrupt, "an OSD has no number");
    numbers.push_back(*number->unsigned_integer());
  }
  return numbers;
}

Result<std::map<std::uint64_t, bool>> parse_ceph_volumes(const JsonValue& list) {
  if (list.object() == nullptr) return Error(Code::kCorrupt, "the list of volumes is no object");
  std::map<std::uint64_t, bool> encrypted;
  for (const auto& [name, volumes] : *list.object()) {
    std::uint64_t osd = 0;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), osd);
    const bool number = problem == std::errc() && end == name.data() + name.size();
    if (!number || volumes.array() == nullptr) return Error(Code::kCorrupt, "the list has something beside OSDs");
    bool all = !volumes.array()->empty();
    for (const JsonValue& volume : *volumes.array()) {
      all = all && text_of(volume.find("tags"), "ceph.encrypted") == "1";
    }
    encrypted.emplace(osd, all);
  }
  return encrypted;
}

void CephCollector::collect(const CollectContext& context, FactSink& sink) {
  for (const Location& location : context.estate->locations) {
    if (!location.address.starts_with(kPrefix)) continue;
    const Path folder = location.address.substr(kPrefix.size());
    const FactMaker maker(name(), "files in " + folder.string(), context);
    const Subject subject{SubjectKind::kLocation, location.name};
    const auto cluster = read_cluster(folder);
    const auto view = cluster.ok() ? view_of(*cluster) : Result<StorageView>(cluster.error());
    sink.add(view.ok() ? maker.storage(subject, *view, {})
                       : maker.not_assessed("storage.encryption", subject, view.error().message()));
    if (!cluster.ok() || !cluster->config.contains("rgw_crypt_default_encryption_key")) continue;
    Fact material = maker.make("key.material", subject);
    material.values = {{"raw_keys", std::int64_t{1}},
                       {"where", std::vector<std::string>{"ceph config: rgw_crypt_default_encryption_key"}}};
    sink.add(std::move(material));
  }
}

}  // namespace cloister::posture
