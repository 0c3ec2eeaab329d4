// RT-K03 to RT-K06: what lies about on a machine and in its backups.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "base/dm_crypt.h"
#include "redteam/host_attacks.h"
#include "redteam/secrets.h"

namespace cloister::redteam {
namespace {

constexpr std::string_view kSwapRemedy =
    "memory goes to a disk in the clear: turn swap off, or put it on dm-crypt with a random key at each start "
    "(crypttab: swap), and turn hibernation off";
constexpr std::string_view kLogRemedy =
    "rotate what was found, remove it from logs and their copies, and log a keyed hash in its place";
constexpr std::string_view kEnvironmentRemedy =
    "rotate what was found, and hand keys over in files that only their service may read, or by its identity";
constexpr std::string_view kBackupRemedy =
    "the backup can be read without the root key: remove plaintext and key files from it, and keep the root key "
    "elsewhere";

constexpr std::uint64_t kTextMax = std::uint64_t{256} << 20;
constexpr std::uint64_t kSmallMax = 1 << 20;
constexpr std::size_t kFilesMax = 10'000;
constexpr int kDeviceDepthMax = 16;

Result<std::string> text_of(const Path& path, std::uint64_t size_max) {
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_TRY(const Bytes bytes, read_rest(file, size_max));
  return std::string(as_text(bytes));
}

// A block device by its folder in /sys/dev/block: encrypted if it, or what it lies on, is dm-crypt.
bool is_encrypted(const Path& device, int depth = 0) {
  const auto uuid = text_of(device / "dm/uuid", kSmallMax);
  if (uuid.ok() && is_dm_crypt(*uuid)) return true;
  std::error_code failed;
  bool any = false;
  for (const auto& below : std::filesystem::directory_iterator(device / "slaves", failed)) {
    if (depth == kDeviceDepthMax || !is_encrypted(below.path(), depth + 1)) return false;
    any = true;
  }
  return any;
}

Path device_folder(const SwapTarget& target, dev_t device) {
  return target.sys / "dev/block" / (std::to_string(major(device)) + ":" + std::to_string(minor(device)));
}

Status look_at_swap(const SwapTarget& target, const std::string& area) {
  struct stat state{};
  if (::stat(area.c_str(), &state) != 0) return Error(Code::kUnavailable, area + " can't be looked at");
  const dev_t device = S_ISBLK(state.st_mode) ? state.st_rdev : state.st_dev;
  std::error_code failed;
  const Path folder = device_folder(target, device);
  if (!std::filesystem::exists(folder, failed))
    return Error(Code::kUnavailable, "what is beneath " + area + " isn't known");
  if (is_encrypted(folder)) return Error(Code::kDenied, "it lies on dm-crypt");
  if (Path(area).filename().string().starts_with("zram")) {
    const auto backing = text_of(folder / "backing_dev", kSmallMax);
    if (backing.ok() && backing->starts_with("none")) return Error(Code::kDenied, "it is in memory alone");
  }
  return {};
}

Status look_at_hibernation(const SwapTarget& target) {
  const auto resume = text_of(target.sys / "power/resume", kSmallMax);
  if (!resume.ok() && resume.error().code() == Code::kNotFound) {
    return Error(Code::kDenied, "this kernel doesn't hibernate");
  }
  if (!resume.ok()) return Error(Code::kUnavailable, resume.error().message());
  const std::string device = resume->substr(0, resume->find('\n'));
  if (device == "0:0") return Error(Code::kDenied, "no image has a place");
  if (is_encrypted(target.sys / "dev/block" / device)) return Error(Code::kDenied, "its place lies on dm-crypt");
  return {};
}

// Regular files, and those in folders. Links to files are followed, and one to a folder where it was named itself.
void add_files(Tally& tally, const Path& path, std::vector<Path>& out) {
  std::error_code failed;
  const auto state = std::filesystem::status(path, failed);
  if (failed || !std::filesystem::exists(state)) return tally.cannot(path.string() + " isn't there, or can't be read");
  if (std::filesystem::is_regular_file(state)) return out.push_back(path);
  if (!std::filesystem::is_directory(state)) return tally.cannot(path.string() + " is neither a file nor a folder");
  std::filesystem::recursive_directory_iterator files(path, failed);
  for (; !failed && files != std::filesystem::recursive_directory_iterator(); files.increment(failed)) {
    std::error_code ignored;
    const auto kind = files->status(ignored).type();
    const bool link = files->is_symlink(ignored);
    if (kind == std::filesystem::file_type::not_found) continue;  // a link to nothing, or removed meanwhile
    if (kind == std::filesystem::file_type::directory && !link) continue;
    if (kind != std::filesystem::file_type::regular) {
      tally.cannot(files->path().string() + (link ? " is a link that isn't followed: name what it leads to"
                                                  : " is neither a file nor a folder"));
      continue;
    }
    if (out.size() == kFilesMax) return tally.cannot(path.string() + " has more files than are looked at");
    out.push_back(files->path());
  }
  if (failed) tally.cannot(path.string() + ": " + failed.message());
}

// gzip, zstd, xz, bzip2, zip, and the journal of systemd, which compresses its entries.
bool is_packed(std::string_view text) {
  static constexpr std::string_view kMagics[] = {"\x1f\x8b", "\x28\xb5\x2f\xfd", "\xfd\x37zXZ",
                                                 "BZh",      "PK\x03\x04",       "LPKSHHRH"};
  return std::ranges::any_of(kMagics, [&](std::string_view magic) { return text.starts_with(magic); });
}

Status look_for_secrets(std::string_view text, const std::vector<std::string>& canaries, std::string& found) {
  const std::vector<SecretFound> secrets = find_secrets(text, canaries);
  if (secrets.empty()) return Error(Code::kDenied, std::to_string(text.size()) + " bytes, nothing found");
  for (const SecretFound& secret : secrets) {
    found += (found.empty() ? "" : ", ") + secret.kind + " at byte " + std::to_string(secret.offset);
  }
  return {};
}

void search(Tally& tally, const std::string& where, std::string_view text, const std::vector<std::string>& canaries) {
  std::string found;
  const Status came = look_for_secrets(text, canaries, found);
  tally.attack(found.empty() ? where : where + ": " + found, came);
}

void search_files(Tally& tally, const std::vector<Path>& paths, const std::vector<std::string>& canaries) {
  std::vector<Path> files;
  for (const Path& path : paths) add_files(tally, path, files);
  for (const Path& file : files) {
    if (tally.over()) return;
    const auto text = text_of(file, kTextMax);
    if (!text.ok()) {
      tally.cannot(text.error().message());
      continue;
    }
    if (is_packed(*text)) {
      tally.cannot(file.string() + " is compressed: unpack it first");
      continue;
    }
    search(tally, file.string(), *text, canaries);
  }
}

// What its own user may not read, nobody else may either.
void search_process(Tally& tally, pid_t pid, const std::vector<std::string>& canaries) {
  const auto owner = owner_of(pid);
  for (const char* file : {"environ", "cmdline"}) {
    const std::string where = "/proc/" + std::to_string(pid) + "/" + file;
    auto text = text_of(where, kTextMax);
    if (!text.ok() && text.error().code() == Code::kNotFound) return tally.cannot(where + " isn't there");
    if (!text.ok()) {
      // A stranger is refused whatever there is to be found.
      if (!owner.ok() || owner->user != ::geteuid()) {
        tally.cannot(where + ": only root or its own user can look");
      } else {
        tally.attack(where, Status(text.error()));
      }
      continue;
    }
    std::ranges::replace(*text, '\0', '\n');
    search(tally, where, *text, canaries);
  }
}

}  // namespace

Report run_swap(const Field& field, const SwapTarget& target) {
  Tally tally(field, "RT-K03", std::string(kSwapRemedy));
  const auto swaps = text_of(target.proc / "swaps", kSmallMax);
  if (!swaps.ok()) return not_run("RT-K03", swaps.error().message());
  std::istringstream lines(*swaps);
  std::string line;
  std::size_t areas = 0;
  std::getline(lines, line);  // the heading
  while (std::getline(lines, line)) {
    const std::string area = line.substr(0, line.find_first_of(" \t"));
    if (area.empty()) continue;
    ++areas;
    tally.attack("swap on " + area, look_at_swap(target, area));
  }
  if (areas == 0) tally.attack("swap", Status(Error(Code::kDenied, "this machine has none")));
  tally.attack("the image of a hibernation", look_at_hibernation(target));
  return std::move(tally).finish();
}

Report run_logs(const Field& field, const LogsTarget& target) {
  if (target.logs.empty()) return not_run("RT-K04", "no logs were named: --log FILE or FOLDER");
  Tally tally(field, "RT-K04", std::string(kLogRemedy));
  search_files(tally, target.logs, target.canaries);
  return std::move(tally).finish();
}

Report run_environments(const Field& field, const EnvironmentsTarget& target) {
  if (target.processes.empty() && target.manifests.empty()) {
    return not_run("RT-K05", "no process and no manifest was named: --pid PID, --manifest FILE or FOLDER");
  }
  Tally tally(field, "RT-K05", std::string(kEnvironmentRemedy));
  search_process(tally, ::getpid(), target.canaries);
  for (const pid_t pid : target.processes) search_process(tally, pid, target.canaries);
  search_files(tally, target.manifests, target.canaries);
  return std::move(tally).finish();
}

Report run_backup(const Field& field, const BackupTarget& target) {
  Tally tally(field, "RT-K06", std::string(kBackupRemedy));
  tally.honest(target.honest.what, target.honest.attempt());
  for (const Path& file : target.files) {
    const auto bytes = read_file(file, kTextMax);
    if (!bytes.ok()) {
      tally.cannot(bytes.error().message());
      continue;
    }
    const bool found =
        std::ranges::any_of(target.never, [&](const Bytes& one) { return !std::ranges::search(*bytes, one).empty(); });
    tally.attack("plaintext or a raw key in " + file.filename().string(),
                 found ? Status() : Status(Error(Code::kDenied, "nothing found")));
  }
  for (const BackupTarget::Attempt& attempt : target.attempts) {
    if (!tally.over()) tally.attack(attempt.what, attempt.attempt());
  }
  return std::move(tally).finish();
}

}  // namespace cloister::redteam
