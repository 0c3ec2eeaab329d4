#include "worker/swap.h"

#include <sstream>

#include "base/dm_crypt.h"

namespace cloister::worker {
namespace {

constexpr std::size_t kListSizeMax = 1 << 20;

bool is_covered(const Path& device, const Path& block_devices) {
  const std::string name = device.filename().string();
  if (device.parent_path() != "/dev") return false;
  if (name.starts_with("zram")) {
    // Pages that are idle or don't compress may be written to a disk behind it, as they are.
    const auto backing = read_file(block_devices / name / "backing_dev", kListSizeMax);
    return backing.ok() ? as_text(*backing) == "none\n" : backing.error().code() == Code::kNotFound;
  }
  if (!name.starts_with("dm-")) return false;
  const auto uuid = read_file(block_devices / name / "dm" / "uuid", kListSizeMax);
  return uuid.ok() && is_dm_crypt(as_text(*uuid));
}

}  // namespace

Result<SwapState> swap_state(const Path& swaps, const Path& block_devices) {
  const auto list = read_file(swaps, kListSizeMax);
  // A kernel without swap has no list.
  if (!list.ok() && list.error().code() == Code::kNotFound) return SwapState::kNone;
  if (!list.ok()) return list.error();
  std::istringstream lines{std::string(as_text(*list))};
  SwapState state = SwapState::kNone;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const std::string device = line.substr(0, line.find_first_of(" \t"));
    if (device.empty()) continue;
    if (!is_covered(device, block_devices)) return SwapState::kPlain;
    state = SwapState::kCovered;
  }
  return state;
}

}  // namespace cloister::worker
