#include "posture/collect/local/block_walk.h"

#include <algorithm>
#include <array>

#include "posture/collect/local/volume_words.h"

namespace cloister::posture {
namespace {

constexpr unsigned kDepthMax = 16;

Error too_deep() { return Error(Code::kInvalid, "devices lie on each other more than 16 deep, or in a circle"); }

Error cannot_tell(std::string why) { return Error(Code::kUnsupported, std::move(why)); }

// Where the server, not this machine, decides how bytes rest.
constexpr std::array<std::string_view, 10> kRemote = {"nfs",    "nfs4",   "cifs", "smb3", "ceph",
                                                      "lustre", "beegfs", "9p",   "gpfs", "virtiofs"};
constexpr std::array<std::string_view, 3> kMemory = {"tmpfs", "ramfs", "hugetlbfs"};

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

Rest plain_leaf(const std::string& name) {
  Rest rest;
  rest.view.encrypted = "no";
  rest.view.scheme = "none";
  rest.view.integrity = "unknown";
  rest.view.key_manager = "none";
  rest.view.level = "block";
  rest.trail = {name + ": nothing encrypts below it that this machine knows of"};
  return rest;
}

int strength(const Rest& rest) {
  if (rest.view.encrypted == "no") return 0;
  if (rest.view.encrypted != "yes") return 1;
  const int manager = rest.view.key_manager == "operator" ? 2 : rest.view.key_manager == "unknown" ? 1 : 0;
  return 2 + manager * 1024 + static_cast<int>(std::min<std::int64_t>(rest.view.key_bits.value_or(0), 1023));
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

}  // namespace

Rest weakest(std::vector<Rest> parts) {
  CLOISTER_CHECK(!parts.empty());
  const bool all_in_memory = std::ranges::all_of(parts, &Rest::in_memory);
  std::vector<std::string> trail;
  for (const Rest& part : parts) trail.insert(trail.end(), part.trail.begin(), part.trail.end());
  if (!all_in_memory) std::erase_if(parts, &Rest::in_memory);
  Rest out = *std::ranges::min_element(parts, {}, strength);
  out.trail = std::move(trail);
  return out;
}

Result<Rest> BlockWalk::of_path(const std::string& path, unsigned depth) const {
  if (depth > kDepthMax) return too_deep();
  CLOISTER_TRY(const std::string place, tree_->canonical(path));
  if (place.starts_with("/dev/") && !place.starts_with("/dev/shm/")) {
    CLOISTER_TRY(const std::string number, number_of(place));
    CLOISTER_TRY(Rest rest, of_device(number, depth + 1));
    if (rest.view.encrypted == "no") add_header(place, "", rest);
    return rest;
  }
  const Mount* mount = mount_of(*mounts_, place);
  if (mount == nullptr) return cannot_tell("no mount is known that " + path + " lies on");
  if (const auto policy = ask_fscrypt_(tree_->outside(place))) {
    Rest rest;
    rest.view = fscrypt_view(*policy, *operator_keys_);
    rest.trail = {path + ": fscrypt policy, version " + std::to_string(policy->version) + ", on " + mount->point};
    return rest;
  }
  CLOISTER_TRY(Rest rest, of_mount(*mount, depth + 1));
  rest.trail.insert(rest.trail.begin(),
                    path + ": on " + mount->point + " (" + mount->type + ", " + mount->source + ")");
  return rest;
}

Result<Rest> BlockWalk::of_tree(const std::string& path, const std::vector<std::string>& apart) const {
  CLOISTER_TRY(const std::string place, tree_->canonical(path));
  CLOISTER_TRY(Rest top, of_path(path));
  std::vector<Rest> parts;
  parts.push_back(std::move(top));
  std::optional<Error> untold;
  for (const Mount& mount : *mounts_) {
    const bool below = mount.point != place && covers(place, mount.point);
    const bool hidden = mount_of(*mounts_, mount.point) != &mount;
    const bool other = std::ranges::any_of(apart, [&](const std::string& folder) {
      return folder != place && covers(place, folder) && covers(folder, mount.point);
    });
    if (!below || hidden || other || is_kernels_own(mount)) continue;
    auto part = of_path(mount.point);
    if (part.ok()) {
      parts.push_back(std::move(*part));
    } else {
      untold = cannot_tell(mount.point + " is mounted below it: " + part.error().message());
    }
  }
  Rest whole = weakest(std::move(parts));
  if (!untold) return whole;
  if (whole.view.encrypted != "no") return *untold;
  whole.trail.push_back(untold->message());
  return whole;
}

Result<Rest> BlockWalk::of_mount(const Mount& mount, unsigned depth) const {
  if (depth > kDepthMax) return too_deep();
  if (is_one_of(mount.type, kMemory)) {
    Rest rest;
    rest.in_memory = true;
    rest.trail = {mount.point + ": in memory"};
    return rest;
  }
  if (auto view = stacked_view(mount)) {
    Rest rest;
    rest.view = std::move(*view);
    rest.trail = {mount.point + ": " + mount.type};
    return rest;
  }
  if (is_one_of(mount.type, kRemote)) {
    return cannot_tell("it is on " + mount.source + " by " + mount.type +
                       ": how bytes rest there is the server's to show");
  }
  if (mount.type == "zfs") {
    return cannot_tell("it is on the ZFS dataset " + mount.source + ": `zfs get encryption " + mount.source +
                       "` tells");
  }
  if (mount.type == "overlay") return of_overlay(mount, depth);
  if (mount.type == "btrfs") return of_btrfs(mount, depth);
  if (!mount.device.starts_with("0:")) return of_device(mount.device, depth + 1);
  return cannot_tell("it is on a file system of type " + mount.type + ", which has no block device");
}

// New bytes go to the upper folder, old ones lie in the lower ones.
Result<Rest> BlockWalk::of_overlay(const Mount& mount, unsigned depth) const {
  std::vector<std::string> folders = split(mount.option("lowerdir"), ':');
  if (const std::string upper = mount.option("upperdir"); !upper.empty()) folders.push_back(upper);
  if (folders.empty()) return cannot_tell("the overlay at " + mount.point + " doesn't say what it lies on");
  std::vector<Rest> parts;
  for (const std::string& folder : folders) {
    auto part = of_path(folder, depth + 1);
    if (!part.ok())
      return cannot_tell("what the overlay at " + mount.point + " lies on can't be seen from here: " + folder);
    parts.push_back(std::move(*part));
  }
  return weakest(std::move(parts));
}

Result<Rest> BlockWalk::of_btrfs(const Mount& mount, unsigned depth) const {
  CLOISTER_TRY(const std::string node, tree_->canonical(mount.source));
  const std::string name = node.substr(node.rfind('/') + 1);
  CLOISTER_TRY(const auto systems, tree_->list("/sys/fs/btrfs"));
  for (const std::string& system : systems) {
    const auto devices = tree_->list("/sys/fs/btrfs/" + system + "/devices");
    if (!devices.ok() || std::ranges::find(*devices, name) == devices->end()) continue;
    std::vector<Rest> parts;
    for (const std::string& device : *devices) {
      CLOISTER_TRY(const std::string number, tree_->read("/sys/class/block/" + device + "/dev"));
      CLOISTER_TRY(Rest part, of_device(number, depth + 1));
      parts.push_back(std::move(part));
    }
    return weakest(std::move(parts));
  }
  return cannot_tell("the devices of the btrfs at " + mount.point + " aren't listed in /sys/fs/btrfs");
}

Result<Rest> BlockWalk::of_device(const std::string& number, unsigned depth) const {
  if (depth > kDepthMax) return too_deep();
  auto folder = tree_->canonical("/sys/dev/block/" + number);
  if (!folder.ok()) return cannot_tell("/sys says nothing of the device " + number + ": " + folder.error().message());
  const std::string name = folder->substr(folder->rfind('/') + 1);
  const auto listed = tree_->list(*folder + "/slaves");
  const std::vector<std::string> lower = listed.ok() ? *listed : std::vector<std::string>();
  const auto uuid = tree_->read(*folder + "/dm/uuid");
  if (uuid.ok() && crypt_scheme(*uuid)) return of_crypt(*folder, *uuid, lower);
  if (!lower.empty()) {
    CLOISTER_TRY(Rest rest, of_lower(*folder, lower, depth));
    rest.trail.insert(rest.trail.begin(), name + ": on " + std::to_string(lower.size()) + " device(s)");
    return rest;
  }
  // What a disk lies on is said of the disk alone.
  if (tree_->is_there(*folder + "/partition")) {
    CLOISTER_TRY(const std::string disk, tree_->read(folder->substr(0, folder->rfind('/')) + "/dev"));
    CLOISTER_TRY(Rest rest, of_device(disk, depth + 1));
    rest.trail.insert(rest.trail.begin(), name + ": a partition");
    return rest;
  }
  if (name.starts_with("zram")) return of_zram(*folder, depth);
  if (const auto file = tree_->read(*folder + "/loop/backing_file"); file.ok()) {
    CLOISTER_TRY(Rest rest, of_path(*file, depth + 1));
    rest.trail.insert(rest.trail.begin(), name + ": a loop device over " + *file);
    return rest;
  }
  return plain_leaf(name);
}

Result<Rest> BlockWalk::of_lower(const std::string& folder, const std::vector<std::string>& lower,
                                 unsigned depth) const {
  std::vector<Rest> parts;
  for (const std::string& name : lower) {
    CLOISTER_TRY(const std::string number, tree_->read(folder + "/slaves/" + name + "/dev"));
    CLOISTER_TRY(Rest part, of_device(number, depth + 1));
    parts.push_back(std::move(part));
  }
  return weakest(std::move(parts));
}

// Compressed memory, unless it is told to write to a device behind it.
Result<Rest> BlockWalk::of_zram(const std::string& folder, unsigned depth) const {
  const auto behind = tree_->read(folder + "/backing_dev");
  if (behind.ok() && *behind != "none" && !behind->empty()) return of_path(*behind, depth + 1);
  Rest rest;
  rest.in_memory = true;
  rest.trail = {folder.substr(folder.rfind('/') + 1) + ": compressed memory"};
  return rest;
}

Rest BlockWalk::of_crypt(const std::string& folder, const std::string& uuid,
                         const std::vector<std::string>& lower) const {
  Rest rest;
  rest.view.encrypted = "yes";
  rest.view.scheme = *crypt_scheme(uuid);
  rest.view.level = "block";
  const auto name = tree_->read(folder + "/dm/name");
  rest.trail = {folder.substr(folder.rfind('/') + 1) + ": " + uuid.substr(0, uuid.find('-', 6)) +
                (name.ok() ? " \"" + *name + "\"" : "")};
  const std::string volume = crypt_uuid(uuid);
  if (!volume.empty()) rest.view.key = "luks:" + volume;
  if (operator_keys_->contains(rest.view.key)) rest.view.key_manager = "operator";
  if (lower.size() == 1) add_header("/dev/" + lower.front(), volume, rest);
  return rest;
}

void BlockWalk::add_header(const std::string& device, const std::string& uuid, Rest& rest) const {
  auto head = tree_->read_head(device, 4096);
  if (!head.ok()) {
    rest.trail.push_back(device + ": its header can't be read: " + head.error().message());
    return;
  }
  if (!looks_like_luks(*head)) {
    if (!uuid.empty()) rest.trail.push_back(device + ": no LUKS header, it may be elsewhere");
    return;
  }
  const auto size = luks_header_size(*head);
  if (size.ok() && *size > head->size()) head = tree_->read_head(device, *size);
  const auto header = head.ok() ? parse_luks(*head) : Result<LuksHeader>(head.error());
  if (!header.ok()) {
    rest.trail.push_back(device + ": " + header.error().message());
    // A volume that isn't open and whose header is broken shows nothing.
    if (uuid.empty()) rest.view.encrypted = "unknown";
    return;
  }
  if (!uuid.empty() && header->uuid != uuid) {
    rest.trail.push_back(device + ": the header is of another volume");
    return;
  }
  apply_luks(*header, *operator_keys_, rest.view);
  rest.trail.push_back(device + ": " + luks_words(*header));
}

Result<std::string> BlockWalk::number_of(const std::string& node) const {
  const std::string name = node.substr(node.rfind('/') + 1);
  if (const auto number = tree_->read("/sys/class/block/" + name + "/dev"); number.ok()) return *number;
  // In /dev/mapper there may be nodes instead of links.
  const auto devices = tree_->list("/sys/class/block");
  for (const std::string& device : devices.ok() ? *devices : std::vector<std::string>()) {
    const auto mapped = tree_->read("/sys/class/block/" + device + "/dm/name");
    if (mapped.ok() && *mapped == name) return tree_->read("/sys/class/block/" + device + "/dev");
  }
  return cannot_tell(node + " is no block device that /sys knows of");
}

}  // namespace cloister::posture
