#include "mesh/registration/control_groups.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace cloister::mesh {
namespace {

constexpr std::size_t kSegmentsMax = 64;
constexpr std::size_t kUnitNameMax = 255;  // systemd.unit(5)
constexpr std::size_t kContainerIdSize = 64;
constexpr std::size_t kNumberDigitsMax = 10;

using Segments = std::vector<std::string_view>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= kNumberDigitsMax && std::ranges::all_of(text, is_digit);
}

// Nothing for a path that isn't absolute, or leaves the control group namespace we are in: what is above isn't known.
std::optional<Segments> segments_of(std::string_view path) {
  if (path.empty() || path.front() != '/') return std::nullopt;
  path.remove_prefix(1);
  Segments segments;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty() || segment == "." || segment == ".." || segments.size() == kSegmentsMax) return std::nullopt;
    segments.push_back(segment);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return segments;
}

std::optional<std::string_view> between(std::string_view text, std::string_view before, std::string_view after) {
  if (text.size() < before.size() + after.size() || !text.starts_with(before) || !text.ends_with(after)) {
    return std::nullopt;
  }
  return text.substr(before.size(), text.size() - before.size() - after.size());
}

bool is_unit_name(std::string_view name) {
  constexpr std::array<std::string_view, 5> kKinds = {".service", ".scope", ".socket", ".mount", ".swap"};
  const bool known = std::ranges::any_of(
      kKinds, [&](std::string_view kind) { return name.size() > kind.size() && name.ends_with(kind); });
  return known && name.size() <= kUnitNameMax && std::ranges::all_of(name, [](char c) {
           return is_letter(c) || is_digit(c) || std::string_view(":-_.\\@").find(c) != std::string_view::npos;
         });
}

std::optional<std::string> container_id(std::string_view text) {
  if (text.size() != kContainerIdSize || !std::ranges::all_of(text, is_hex)) return std::nullopt;
  return std::string(text);
}

// With systemd's driver dashes are written as underscores. Pods from a file of the node have 32 digits without any.
std::optional<std::string> pod_uid(std::string_view text) {
  if (text.size() != 32 && text.size() != 36) return std::nullopt;
  std::string uid(text);
  std::ranges::replace(uid, '_', '-');
  const bool good = std::ranges::all_of(uid, [](char c) { return is_hex(c) || c == '-'; });
  return good ? std::optional(uid) : std::nullopt;
}

// "cri-containerd-ID.scope"; conmon's own scope isn't a container's.
std::optional<std::string> container_of_scope(std::string_view scope) {
  constexpr std::array<std::string_view, 3> kRuntimes = {"cri-containerd-", "crio-", "docker-"};
  for (const std::string_view runtime : kRuntimes) {
    if (const auto id = between(scope, runtime, ".scope")) return container_id(*id);
  }
  return std::nullopt;
}

// /kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podUID.slice/cri-containerd-ID.scope, and without the
// middle for guaranteed pods. Kubelets with a group of their own put its name before each part.
std::optional<PodContainer> pod_of_slices(Segments at) {
  std::string prefix = "kubepods";
  if (!at.empty() && at.front() == "kubelet.slice") {
    prefix = "kubelet-kubepods";
    at.erase(at.begin());
  }
  if (at.size() < 3 || at[0] != prefix + ".slice") return std::nullopt;
  std::size_t pod = 1;
  for (const std::string_view quality : {"-burstable", "-besteffort"}) {
    if (at[1] != prefix + std::string(quality) + ".slice") continue;
    prefix += quality;
    pod = 2;
  }
  if (at.size() < pod + 2) return std::nullopt;
  const auto uid_text = between(at[pod], prefix + "-pod", ".slice");
  const auto uid = uid_text ? pod_uid(*uid_text) : std::nullopt;
  const auto id = container_of_scope(at[pod + 1]);
  if (!uid || !id) return std::nullopt;
  return PodContainer{*uid, *id};
}

// /kubepods/burstable/podUID/ID.
std::optional<PodContainer> pod_of_folders(Segments at) {
  if (!at.empty() && at.front() == "kubelet") at.erase(at.begin());
  if (at.size() < 3 || at[0] != "kubepods") return std::nullopt;
  const std::size_t pod = at[1] == "burstable" || at[1] == "besteffort" ? 2 : 1;
  if (at.size() < pod + 2) return std::nullopt;
  const auto uid_text = between(at[pod], "pod", "");
  const auto uid = uid_text ? pod_uid(*uid_text) : std::nullopt;
  const auto id = container_id(at[pod + 1]);
  if (!uid || !id) return std::nullopt;
  return PodContainer{*uid, *id};
}

std::optional<ControlGroup> parse_line(std::string_view line) {
  const std::size_t first = line.find(':');
  const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  ControlGroup group;
  const char* end = line.data() + first;
  const auto number = std::from_chars(line.data(), end, group.hierarchy);
  if (number.ec != std::errc() || number.ptr != end) return std::nullopt;
  group.controllers = line.substr(first + 1, second - first - 1);
  group.path = line.substr(second + 1);
  if (group.path.empty() || group.path.front() != '/' || group.path.size() > kControlGroupPathMax) return std::nullopt;
  return group;
}

// One value that every hierarchy which has any agrees on.
template <typename Fact>
class Agreed {
 public:
  void add(std::optional<Fact> fact) {
    if (!fact) return;
    differs_ = differs_ || (fact_ && *fact_ != *fact);
    fact_ = std::move(fact);
  }
  std::optional<Fact> take() { return differs_ ? std::nullopt : std::move(fact_); }

 private:
  std::optional<Fact> fact_;
  bool differs_ = false;
};

}  // namespace

Result<std::vector<ControlGroup>> parse_control_groups(std::string_view text) {
  const Error wrong(Code::kCorrupt, "the kernel's list of control groups is malformed");
  if (text.size() > kControlGroupTextMax) return wrong;
  std::vector<ControlGroup> groups;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    auto group = parse_line(text.substr(0, end));
    if (!group || groups.size() == kControlGroupLinesMax) return wrong;
    groups.push_back(std::move(*group));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return groups;
}

std::optional<std::string> systemd_unit_of(std::string_view path) {
  const auto segments = segments_of(path);
  if (!segments) return std::nullopt;
  // The first that is no slice is the unit; what is below it is the unit's own affair.
  const auto unit = std::ranges::find_if(*segments, [](std::string_view one) { return !one.ends_with(".slice"); });
  if (unit == segments->end()) return std::nullopt;
  // systemd puts an underscore before names that the kernel might take for its own.
  const std::string_view name = unit->starts_with('_') ? unit->substr(1) : *unit;
  return is_unit_name(name) ? std::optional(std::string(name)) : std::nullopt;
}

std::optional<SlurmStep> slurm_step_of(std::string_view path) {
  const auto segments = segments_of(path);
  if (!segments || segments->size() < 3) return std::nullopt;
  const Segments& at = *segments;
  const bool version2 =
      at[0] == "system.slice" && (at[1] == "slurmstepd.scope" || at[1].ends_with("_slurmstepd.scope"));
  const auto user = between(at[1], "uid_", "");
  const bool version1 = (at[0] == "slurm" || at[0].starts_with("slurm_")) && user && is_number(*user);
  if (!version1 && !version2) return std::nullopt;
  const auto job = between(at[2], "job_", "");
  if (!job || !is_number(*job)) return std::nullopt;
  SlurmStep step{std::string(*job), {}};
  if (at.size() == 3) return step;
  const auto name = between(at[3], "step_", "");
  const bool good = name && !name->empty() && name->size() <= 32 && std::ranges::all_of(*name, [](char c) {
                      return is_letter(c) || is_digit(c) || c == '.' || c == '+';
                    });
  if (good) step.step = *name;
  return step;
}

std::optional<PodContainer> pod_container_of(std::string_view path) {
  const auto segments = segments_of(path);
  if (!segments) return std::nullopt;
  if (auto found = pod_of_slices(*segments)) return found;
  return pod_of_folders(*segments);
}

std::optional<std::string> docker_container_of(std::string_view path) {
  const auto segments = segments_of(path);
  if (!segments || segments->size() < 2) return std::nullopt;
  const Segments& at = *segments;
  if (at[0] == "docker") return container_id(at[1]);
  if (at[0] == "system.slice") {
    const auto id = between(at[1], "docker-", ".scope");
    return id ? container_id(*id) : std::nullopt;
  }
  if (at[0] != "machine.slice") return std::nullopt;
  const auto id = between(at[1], "libpod-", ".scope");
  return id ? container_id(*id) : std::nullopt;
}

ControlGroupFacts facts_of(const std::vector<ControlGroup>& groups) {
  Agreed<std::string> unit, container;
  Agreed<SlurmStep> slurm;
  Agreed<PodContainer> pod;
  for (const ControlGroup& group : groups) {
    // Of version 1 only systemd's own hierarchy follows units.
    if (group.hierarchy == 0 || group.controllers == "name=systemd") unit.add(systemd_unit_of(group.path));
    slurm.add(slurm_step_of(group.path));
    pod.add(pod_container_of(group.path));
    container.add(docker_container_of(group.path));
  }
  return {unit.take(), slurm.take(), pod.take(), container.take()};
}

}  // namespace cloister::mesh
