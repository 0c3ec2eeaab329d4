#include "mesh/registration/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

namespace cloister::mesh {
namespace {

constexpr std::size_t kStatusMax = std::size_t{1} << 20;
constexpr std::size_t kDigestsMax = 1024;
constexpr std::size_t kPathMax = 4096;
constexpr std::size_t kReadSize = std::size_t{128} << 10;

const Error& ended() {
  static const Error error(Code::kDenied, "the calling process has ended");
  return error;
}

bool is_running(const net::UnixPeer& peer) {
  pollfd waiting{peer.pidfd->descriptor(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 0;
}

// One more number of a line; nothing where there is none left or it isn't one.
std::optional<std::uint32_t> take_number(std::string_view& rest) {
  const std::size_t start = rest.find_first_not_of(" \t");
  if (start == std::string_view::npos) return std::nullopt;
  rest.remove_prefix(start);
  std::uint32_t number = 0;
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (parsed.ec != std::errc()) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest.data()));
  return number;
}

// "Uid:", real, effective, saved, of the file system.
std::optional<std::uint32_t> effective_of(std::string_view rest) {
  const auto real = take_number(rest);
  return real ? take_number(rest) : std::nullopt;
}

// The process's folder, and its files from there.
class Folder {
 public:
  static Result<Folder> open(const Path& path) {
    const int descriptor = ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return ended();
    return Folder(File::from_descriptor(descriptor, path, File::Owned::kYes));
  }

  Result<std::string> text(const char* name, std::size_t size_max) const {
    CLOISTER_TRY(const auto file, open_file(name));
    if (!file) return Error(Code::kUnavailable, std::string("can't read ") + name + " of the calling process");
    auto bytes = read_rest(*file, size_max);
    // Of a process that has ended nothing can be read any more.
    if (!bytes.ok()) return bytes.error().code() == Code::kInvalid ? bytes.error() : ended();
    return std::string(as_text(*bytes));
  }

  // Nothing where we may not.
  Result<std::optional<File>> open_file(const char* name) const {
    const int descriptor = ::openat(folder_.descriptor(), name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor >= 0) return std::optional(File::from_descriptor(descriptor, name, File::Owned::kYes));
    if (errno == ESRCH) return ended();
    return std::optional<File>();
  }

  // Where a link leads; empty when it can't be told.
  std::string link(const char* name) const {
    std::array<char, kPathMax> target;
    const ssize_t size = ::readlinkat(folder_.descriptor(), name, target.data(), target.size());
    const bool whole = size > 0 && static_cast<std::size_t>(size) < target.size();
    return whole ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string();
  }

  // Whether the link still leads to that file.
  bool leads_to(const char* name, const struct stat& file) const {
    struct stat now{};
    return ::fstatat(folder_.descriptor(), name, &now, 0) == 0 && now.st_dev == file.st_dev &&
           now.st_ino == file.st_ino;
  }

 private:
  explicit Folder(File folder) : folder_(std::move(folder)) {}
  File folder_;
};

bool is_plain_path(std::string_view path) {
  return path.starts_with('/') && path.find_first_of(std::string_view("\0\n", 2)) == std::string_view::npos;
}

// The path that the executable has for everybody: the link's, when it leads there from here as well.
std::string common_path(const Folder& folder, const struct stat& executable) {
  std::string path = folder.link("exe");
  struct stat here{};
  const bool same = is_plain_path(path) && ::stat(path.c_str(), &here) == 0 && here.st_dev == executable.st_dev &&
                    here.st_ino == executable.st_ino;
  return same ? path : std::string();
}

std::int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

}  // namespace

Result<ProcessUsers> parse_process_users(std::string_view status) {
  const Error wrong(Code::kCorrupt, "the kernel's status of a process is malformed");
  if (status.size() > kStatusMax) return wrong;
  ProcessUsers users;
  bool has_uid = false, has_gid = false, has_groups = false;
  while (!status.empty()) {
    const std::size_t end = status.find('\n');
    std::string_view line = status.substr(0, end);
    status = end == std::string_view::npos ? std::string_view() : status.substr(end + 1);
    const bool uid = line.starts_with("Uid:"), gid = line.starts_with("Gid:");
    if (uid || gid) {
      const auto number = effective_of(line.substr(4));
      bool& had = uid ? has_uid : has_gid;
      if (!number || had) return wrong;
      had = true;
      (uid ? users.uid : users.gid) = *number;
    } else if (line.starts_with("Groups:")) {
      if (has_groups) return wrong;
      has_groups = true;
      line.remove_prefix(7);
      while (const auto group = take_number(line)) {
        if (users.groups.size() == kGroupsMax) return wrong;
        users.groups.push_back(*group);
      }
      if (line.find_first_not_of(" \t") != std::string_view::npos) return wrong;
    }
  }
  if (!has_uid || !has_gid || !has_groups) return wrong;
  return users;
}

Result<std::optional<crypto::Sha256Digest>> ProcessReader::digest_of(const File& file) {
  struct stat about{};
  if (::fstat(file.descriptor(), &about) != 0 || !S_ISREG(about.st_mode)) return std::optional<crypto::Sha256Digest>();
  const auto size = static_cast<std::uint64_t>(about.st_size);
  if (size > kExecutableMax) return std::optional<crypto::Sha256Digest>();
  const FileKey key{about.st_dev, about.st_ino, size, nanoseconds(about.st_mtim), nanoseconds(about.st_ctim)};
  {
    const std::lock_guard lock(mutex_);
    const auto known = digests_.find(key);
    if (known != digests_.end()) return std::optional(known->second);
  }
  crypto::Sha256 hash;
  Bytes buffer(kReadSize);
  std::uint64_t left = size;
  while (left > 0) {
    CLOISTER_TRY(const std::size_t read, file.read_some(buffer));
    if (read == 0 || read > left) return Error(Code::kUnavailable, "the executable changes while it is looked at");
    hash.update(ByteView(buffer).first(read));
    left -= read;
  }
  const crypto::Sha256Digest digest = hash.finish();
  const std::lock_guard lock(mutex_);
  if (digests_.emplace(key, digest).second) order_.push_back(key);
  if (order_.size() > kDigestsMax) {
    digests_.erase(order_.front());
    order_.pop_front();
  }
  return std::optional(digest);
}

Result<ProcessFacts> ProcessReader::read(const net::UnixPeer& peer, WithDigest with_digest) {
  if (peer.pidfd == nullptr || peer.pid <= 0) {
    return Error(Code::kUnsupported, "the kernel doesn't say which process called, only which user");
  }
  CLOISTER_TRY(const Folder folder, Folder::open(proc_ / std::to_string(peer.pid)));
  if (!is_running(peer)) return ended();

  CLOISTER_TRY(const std::optional<File> executable, folder.open_file("exe"));
  struct stat about{};
  const bool has_executable = executable && ::fstat(executable->descriptor(), &about) == 0;
  ProcessFacts facts;
  if (has_executable) facts.path = common_path(folder, about);
  CLOISTER_TRY(const std::string status, folder.text("status", kStatusMax));
  CLOISTER_TRY(ProcessUsers users, parse_process_users(status));
  if (users.uid != peer.uid || users.gid != peer.gid) {
    return Error(Code::kDenied, "the calling process isn't the user any more that it was when it called");
  }
  facts.groups = std::move(users.groups);
  CLOISTER_TRY(const std::string groups, folder.text("cgroup", kControlGroupTextMax));
  CLOISTER_TRY(facts.control_groups, parse_control_groups(groups));
  if (has_executable && with_digest == WithDigest::kYes) {
    CLOISTER_TRY(facts.digest, digest_of(*executable));
  }
  if (has_executable && !folder.leads_to("exe", about)) {
    return Error(Code::kUnavailable, "the calling process became another program while it was looked at");
  }
  return facts;
}

}  // namespace cloister::mesh
