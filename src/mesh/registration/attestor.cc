#include "mesh/registration/attestor.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include "base/reader.h"

namespace cloister::mesh {
namespace {

constexpr std::size_t kNameBufferSize = std::size_t{64} << 10;

void add(Attested& attested, std::string_view type, std::string_view value) {
  auto selector = parse_selector(std::string(type) + ":" + std::string(value));
  if (selector.ok() && is_plain_utf8(value)) attested.selectors.insert(std::move(*selector));
}

void add(Attested& attested, std::string_view type, std::string_view key, std::string_view value) {
  if (!value.empty()) add(attested, type, std::string(key) + ":" + std::string(value));
}

// "getty@tty1.service" is made from "getty@.service"; empty for a unit that isn't made from another.
std::string template_of(const std::string& unit) {
  const std::size_t at = unit.find('@'), dot = unit.rfind('.');
  if (at == std::string::npos || dot == std::string::npos || dot <= at) return {};
  return unit.substr(0, at + 1) + unit.substr(dot);
}

bool same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

}  // namespace

std::vector<Path> AttestorOptions::system_unit_folders() {
  return {"/etc/systemd/system.control",   "/run/systemd/system.control",  "/run/systemd/transient",
          "/run/systemd/generator.early",  "/etc/systemd/system",          "/etc/systemd/system.attached",
          "/run/systemd/system",           "/run/systemd/system.attached", "/run/systemd/generator",
          "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",      "/lib/systemd/system",
          "/run/systemd/generator.late"};
}

std::string AttestorOptions::system_user_name(uid_t uid) {
  std::vector<char> buffer(kNameBufferSize);
  passwd entry{};
  passwd* found = nullptr;
  const bool known = ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return known ? std::string(found->pw_name) : std::string();
}

std::string AttestorOptions::system_group_name(gid_t gid) {
  std::vector<char> buffer(kNameBufferSize);
  group entry{};
  group* found = nullptr;
  const bool known = ::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return known ? std::string(found->gr_name) : std::string();
}

template <typename Value>
std::string FreshFile<Value>::state() const {
  struct stat about{};
  if (::stat(path_.c_str(), &about) != 0) return "absent";
  std::string text;
  for (const std::int64_t number :
       {static_cast<std::int64_t>(about.st_dev), static_cast<std::int64_t>(about.st_ino),
        static_cast<std::int64_t>(about.st_size), static_cast<std::int64_t>(about.st_mtim.tv_sec),
        static_cast<std::int64_t>(about.st_mtim.tv_nsec), static_cast<std::int64_t>(about.st_ctim.tv_sec),
        static_cast<std::int64_t>(about.st_ctim.tv_nsec)}) {
    text += std::to_string(number) + " ";
  }
  return text;
}

template <typename Value>
Result<Value> FreshFile<Value>::read() const {
  CLOISTER_TRY(const File file, File::open(path_));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kUnwritten));
  CLOISTER_TRY(const Bytes bytes, read_rest(file, size_max_));
  return parse_(as_text(bytes)).with_context(path_.string());
}

template <typename Value>
std::shared_ptr<const Value> FreshFile<Value>::current(std::optional<Error>& problem) {
  if (path_.empty()) return nullptr;
  const std::lock_guard lock(mutex_);
  std::string now = state();
  if (now == seen_) return value_;
  auto value = read();
  seen_ = std::move(now);
  value_ = value.ok() ? std::make_shared<const Value>(std::move(*value)) : nullptr;
  if (!value.ok()) problem = value.error();
  return value_;
}

template class FreshFile<Pods>;
template class FreshFile<Containers>;

Attestor::Attestor(AttestorOptions options)
    : options_(std::move(options)),
      reader_(options_.proc),
      pods_(options_.pods_file, kPodsTextMax, Pods::parse),
      containers_(options_.containers_file, kContainersTextMax, Containers::parse) {}

void Attestor::add_users(Attested& attested, const std::vector<gid_t>& groups, AttestWith with) const {
  add(attested, "unix", "uid", std::to_string(attested.uid));
  add(attested, "unix", "gid", std::to_string(attested.gid));
  for (const gid_t group : groups) add(attested, "unix", "supplementary_gid", std::to_string(group));
  if (!with.names) return;
  add(attested, "unix", "user", options_.user_name(attested.uid));
  add(attested, "unix", "group", options_.group_name(attested.gid));
  for (const gid_t group : groups) add(attested, "unix", "supplementary_group", options_.group_name(group));
}

// The file that the unit is from, as far as the file system says: systemd itself may have read it before a change.
void Attestor::add_unit(Attested& attested, const std::string& unit) const {
  add(attested, "systemd", "id", unit);
  for (const std::string& name : {unit, template_of(unit)}) {
    std::optional<struct stat> first;
    for (const Path& folder : options_.unit_folders) {
      struct stat about{};
      if (name.empty() || ::stat((folder / name).c_str(), &about) != 0 || !S_ISREG(about.st_mode)) continue;
      // One file can have two paths: /lib may be a link to /usr/lib.
      if (first && !same_file(*first, about)) break;
      first = about;
      add(attested, "systemd", "fragment_path", (folder / name).string());
    }
    if (first) return;
  }
}

void Attestor::add_groups(Attested& attested, const ControlGroupFacts& facts) {
  if (options_.systemd && facts.systemd_unit) add_unit(attested, *facts.systemd_unit);
  if (options_.slurm && facts.slurm) {
    add(attested, "slurm", "job_id", facts.slurm->job_id);
    add(attested, "slurm", "step", facts.slurm->step);
  }
  std::optional<Error> problem;
  if (options_.kubernetes && facts.pod) {
    add(attested, "k8s", "pod-uid", facts.pod->pod_uid);
    if (const auto pods = pods_.current(problem)) {
      for (Selector& selector : pods->selectors_of(*facts.pod)) attested.selectors.insert(std::move(selector));
    }
  }
  if (options_.docker && facts.docker_container) {
    add(attested, "docker", "container_id", *facts.docker_container);
    if (const auto containers = containers_.current(problem)) {
      for (Selector& one : containers->selectors_of(*facts.docker_container)) attested.selectors.insert(std::move(one));
    }
  }
  if (problem && options_.on_problem) options_.on_problem(*problem);
}

Result<Attested> Attestor::attest(const net::UnixPeer& caller, AttestWith with) {
  Attested attested;
  attested.pid = caller.pid;
  attested.uid = caller.uid;
  attested.gid = caller.gid;
  auto facts = reader_.read(caller, with.digest ? WithDigest::kYes : WithDigest::kNo);
  if (!facts.ok() && facts.error().code() == Code::kUnsupported) {
    add_users(attested, {}, with);
    return attested;
  }
  if (!facts.ok()) return facts.error();
  add_users(attested, facts->groups, with);
  attested.path = facts->path;
  add(attested, "unix", "path", facts->path);
  if (facts->digest) add(attested, "unix", "sha256", to_hex(*facts->digest));
  add_groups(attested, facts_of(facts->control_groups));
  return attested;
}

}  // namespace cloister::mesh
