// Where a process is in the tree of control groups, and what the makers of that tree mean by it: a systemd unit, a
// Slurm job, a pod's container. cgroups(7), /proc/PID/cgroup.
//
// A path counts only from its root and as a whole: users own parts of the tree, below user.slice and in delegated
// units, and may make groups there that are called what they like.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cloister::mesh {

inline constexpr std::size_t kControlGroupTextMax = std::size_t{64} << 10;
inline constexpr std::size_t kControlGroupLinesMax = 64;
inline constexpr std::size_t kControlGroupPathMax = 4096;

struct ControlGroup {
  std::uint32_t hierarchy = 0;  // 0: version 2
  std::string controllers;      // "cpu,cpuacct", "name=systemd"; empty with version 2
  std::string path;             // "/system.slice/nginx.service"
};

// kCorrupt for what the kernel doesn't write; also for more lines or bytes than above.
Result<std::vector<ControlGroup>> parse_control_groups(std::string_view text);

struct SlurmStep {
  std::string job_id;  // decimal
  std::string step;    // "0", "batch", "extern"; empty: of the job, of no step
  friend bool operator==(const SlurmStep&, const SlurmStep&) = default;
};

// A container, as its runtime names it: 64 hexadecimal digits.
struct PodContainer {
  std::string pod_uid;  // as Kubernetes writes it
  std::string container_id;
  friend bool operator==(const PodContainer&, const PodContainer&) = default;
};

// Each of these: nothing where the path isn't of that kind.
std::optional<std::string> systemd_unit_of(std::string_view path);    // "nginx.service"
std::optional<SlurmStep> slurm_step_of(std::string_view path);        // slurmstepd's scope, or /slurm of version 1
std::optional<PodContainer> pod_container_of(std::string_view path);  // containerd, CRI-O, cri-dockerd; both drivers
std::optional<std::string> docker_container_of(std::string_view path);

// What all hierarchies of a process say together. Where two name different ones, neither counts.
struct ControlGroupFacts {
  std::optional<std::string> systemd_unit;
  std::optional<SlurmStep> slurm;
  std::optional<PodContainer> pod;
  std::optional<std::string> docker_container;
};
ControlGroupFacts facts_of(const std::vector<ControlGroup>& groups);

}  // namespace cloister::mesh
