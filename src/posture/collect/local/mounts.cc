#include "posture/collect/local/mounts.h"

#include <algorithm>
#include <array>

namespace cloister::posture {
namespace {

constexpr std::size_t kFieldsMax = 64;

constexpr std::array<std::string_view, 17> kKernels = {
    "proc",    "sysfs",      "devtmpfs", "devpts",   "cgroup",      "cgroup2", "mqueue",   "debugfs", "tracefs",
    "fusectl", "securityfs", "pstore",   "configfs", "binfmt_misc", "nsfs",    "efivarfs", "bpf"};

// Blanks, tabs, line ends and backslashes are written as \ooo.
std::string unescaped(std::string_view text) {
  std::string out;
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 3 < text.size() && text[i + 1] <= '3' && is_octal(text[i + 1]) &&
                        is_octal(text[i + 2]) && is_octal(text[i + 3]);
    if (!escape) {
      out += text[i];
      continue;
    }
    out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return out;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (fields.size() < kFieldsMax) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(line.find_first_of(" \t", begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
  return fields;
}

bool is_device_number(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos && colon > 0 && colon + 1 < text.size() &&
         text.find_first_not_of("0123456789:") == std::string_view::npos && text.find(':', colon + 1) == text.npos;
}

Error at_line(std::size_t line, const char* message) {
  return Error(Code::kInvalid, "line " + std::to_string(line) + ": " + message);
}

Result<Mount> parse_line(std::string_view line, std::size_t number) {
  const std::vector<std::string_view> fields = fields_of(line);
  std::size_t dash = 6;
  while (dash < fields.size() && fields[dash] != "-") ++dash;
  if (dash + 2 >= fields.size()) return at_line(number, "too few fields");
  if (!is_device_number(fields[2])) return at_line(number, "no device number");
  Mount mount;
  mount.device = fields[2];
  mount.root = unescaped(fields[3]);
  mount.point = unescaped(fields[4]);
  mount.type = fields[dash + 1];
  mount.source = unescaped(fields[dash + 2]);
  if (dash + 3 < fields.size()) mount.options = unescaped(fields[dash + 3]);
  if (!mount.point.starts_with('/')) return at_line(number, "no mount point");
  return mount;
}

template <typename Take>
Status each_line(std::string_view text, const Take& take) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty()) CLOISTER_RETURN_IF_ERROR(take(line, number));
  }
  return {};
}

}  // namespace

std::string Mount::option(std::string_view name) const {
  std::string_view rest = options;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=') {
      return std::string(one.substr(name.size() + 1));
    }
  }
  return "";
}

Result<std::vector<Mount>> parse_mountinfo(std::string_view text) {
  if (text.size() > kMountinfoSizeMax) return Error(Code::kInvalid, "mountinfo is larger than 8 MiB");
  std::vector<Mount> mounts;
  CLOISTER_RETURN_IF_ERROR(each_line(text, [&](std::string_view line, std::size_t number) -> Status {
    if (mounts.size() == kMountsMax) return at_line(number, "more than 32,768 mounts");
    CLOISTER_TRY(Mount mount, parse_line(line, number));
    mounts.push_back(std::move(mount));
    return {};
  }));
  return mounts;
}

bool covers(std::string_view folder, std::string_view path) {
  if (folder == "/") return true;
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

bool is_kernels_own(const Mount& mount) { return std::ranges::find(kKernels, mount.type) != kKernels.end(); }

const Mount* mount_of(const std::vector<Mount>& mounts, std::string_view path) {
  const Mount* best = nullptr;
  for (const Mount& mount : mounts) {
    // The later of two at one place hides the earlier.
    const bool closer = best == nullptr || mount.point.size() >= best->point.size();
    if (closer && covers(mount.point, path)) best = &mount;
  }
  return best;
}

Result<std::vector<SwapArea>> parse_swaps(std::string_view text) {
  std::vector<SwapArea> areas;
  bool headed = false;
  CLOISTER_RETURN_IF_ERROR(each_line(text, [&](std::string_view line, std::size_t number) -> Status {
    const std::vector<std::string_view> fields = fields_of(line);
    if (!headed) {
      headed = !fields.empty() && fields.front() == "Filename";
      return headed ? Status() : Status(at_line(number, "not a table of swap areas"));
    }
    if (fields.size() < 5 || areas.size() == kMountsMax) return at_line(number, "not a swap area");
    if (fields[1] != "partition" && fields[1] != "file") return at_line(number, "neither a partition nor a file");
    areas.push_back({unescaped(fields[0]), fields[1] == "file"});
    return {};
  }));
  if (!headed) return Error(Code::kInvalid, "not a table of swap areas");
  return areas;
}

}  // namespace cloister::posture
