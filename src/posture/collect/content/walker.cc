#include "posture/collect/content/walker.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>

#include "base/parallel.h"

namespace cloister::posture::content {
namespace {

constexpr std::size_t kProblemsMax = 20;
constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;

// What the kernel makes up as it is read: no data lies there, and some of it never ends.
bool is_made_up(int descriptor) {
  struct statfs info{};
  if (::fstatfs(descriptor, &info) != 0) return false;
  constexpr std::uint32_t kMadeUp[] = {0x9FA0, 0x62656572, 0x27E0EB,   0x63677270, 0x64626720, 0x74726163,
                                       0x1CD1, 0x19800202, 0x42494E4D, 0xCAFE4A11, 0x73636673, 0x6165676C};
  return std::ranges::find(kMadeUp, static_cast<std::uint32_t>(info.f_type)) != std::end(kMadeUp);
}

enum class EntryKind : std::uint8_t { kFile, kDirectory, kLink, kSpecial };

EntryKind kind_of(int directory, const dirent& entry) {
  switch (entry.d_type) {
    case DT_REG: return EntryKind::kFile;
    case DT_DIR: return EntryKind::kDirectory;
    case DT_LNK: return EntryKind::kLink;
    case DT_UNKNOWN: break;
    default: return EntryKind::kSpecial;
  }
  struct stat info{};
  // What can't be looked at is taken for a file: opening it says why.
  if (::fstatat(directory, entry.d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || S_ISREG(info.st_mode)) {
    return EntryKind::kFile;
  }
  return S_ISDIR(info.st_mode) ? EntryKind::kDirectory : S_ISLNK(info.st_mode) ? EntryKind::kLink : EntryKind::kSpecial;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

class Walk {
 public:
  Walk(const File& root, const WalkOptions& options, const BatchVisitor& visit)
      : root_(root), options_(options), visit_(visit) {
    folders_.emplace_back();
  }

  WalkReport run() {
    std::vector<std::thread> helpers;
    for (unsigned i = 1; i < options_.threads; ++i) {
      auto helper = start_thread([this] { work(); });
      if (!helper.ok()) break;
      helpers.push_back(std::move(*helper));
    }
    work();
    for (std::thread& helper : helpers) helper.join();
    report_.stopped = options_.progress->stop_requested();
    return std::move(report_);
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ready_.wait(lock, [this] { return !batches_.empty() || !folders_.empty() || busy_ == 0; });
      if (over_bound_ || options_.progress->stop_requested() || (batches_.empty() && folders_.empty())) break;
      ++busy_;
      if (!batches_.empty()) {
        const FileBatch batch = std::move(batches_.front());
        batches_.pop_front();
        lock.unlock();
        visit_(batch);
      } else {
        const std::string folder = std::move(folders_.back());
        folders_.pop_back();
        lock.unlock();
        go_into(folder);
      }
      lock.lock();
      --busy_;
      if (busy_ == 0) ready_.notify_all();
    }
    ready_.notify_all();
  }

  void go_into(const std::string& folder) {
    auto opened = open_beneath(root_, folder);
    if (!opened.ok()) return note_unreadable(folder, opened.error().message());
    auto directory = std::make_shared<const File>(std::move(*opened));
    if (const std::string why = why_not_into(*directory, folder); !why.empty()) return note_skipped(folder, why);
    const int copy = ::openat(directory->descriptor(), ".", kDirectoryFlags);
    const std::unique_ptr<DIR, CloseDirectory> stream(copy < 0 ? nullptr : ::fdopendir(copy));
    if (stream == nullptr) return note_unreadable(folder, "it can't be listed");
    list(folder, directory, stream.get());
  }

  void list(const std::string& folder, const std::shared_ptr<const File>& directory, DIR* stream) {
    FileBatch batch{directory, folder, {}};
    std::vector<std::string> folders;
    std::uint64_t links = 0, special = 0;
    for (errno = 0; const dirent* entry = ::readdir(stream); errno = 0) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      const EntryKind kind = kind_of(directory->descriptor(), *entry);
      if (kind == EntryKind::kDirectory)
        folders.push_back(folder.empty() ? std::string(name) : folder + "/" + entry->d_name);
      links += kind == EntryKind::kLink ? 1 : 0;
      special += kind == EntryKind::kSpecial ? 1 : 0;
      if (kind != EntryKind::kFile) continue;
      batch.names.emplace_back(name);
      if (batch.names.size() < kBatchMax) continue;
      if (!hand_on(batch)) {
        errno = 0;
        break;
      }
      batch.names.clear();
    }
    if (errno != 0) note_unreadable(folder, "it can't be listed to its end");
    if (!batch.names.empty()) hand_on(batch);
    const std::lock_guard lock(mutex_);
    ++report_.directories;
    report_.links += links;
    report_.special += special;
    entries_ += folders.size();
    for (std::string& name : folders) folders_.push_back(std::move(name));
    ready_.notify_all();
  }

  // To a thread that waits, or to this one. False when the walk is to end.
  bool hand_on(FileBatch& batch) {
    {
      const std::lock_guard lock(mutex_);
      entries_ += batch.names.size();
      if (entries_ > options_.entries_max) {
        report_.skipped["more entries than the bound"] = 1;
        over_bound_ = true;
        batch.names.clear();
        return false;
      }
      if (options_.threads > 1 && batches_.size() < std::size_t{2} * options_.threads) {
        batches_.push_back({batch.directory, batch.folder, std::move(batch.names)});
        batch.names.clear();
        ready_.notify_one();
      }
    }
    if (!batch.names.empty()) visit_(batch);
    return !options_.progress->stop_requested();
  }

  std::string why_not_into(const File& directory, const std::string& folder) {
    if (std::ranges::find(options_.leave_out, folder) != options_.leave_out.end()) return "a location of its own";
    if (static_cast<unsigned>(std::ranges::count(folder, '/')) >= options_.depth_max) return "nested too deep";
    if (is_made_up(directory.descriptor())) return "made up by the kernel";
    struct stat info{};
    if (::fstat(directory.descriptor(), &info) != 0) return "it can't be looked at";
    const std::lock_guard lock(mutex_);
    return seen_.emplace(info.st_dev, info.st_ino).second ? "" : "the same directory again: a loop of mounts";
  }

  void note_unreadable(const std::string& folder, const std::string& why) {
    const std::lock_guard lock(mutex_);
    ++report_.unreadable;
    if (report_.problems.size() < kProblemsMax) report_.problems.push_back(folder + ": " + why);
  }

  void note_skipped(const std::string& folder, const std::string& why) {
    const std::lock_guard lock(mutex_);
    // Those are looked at as what they are, or hold nothing.
    if (!folder.empty() && (why == "a location of its own" || why == "made up by the kernel")) return;
    ++report_.skipped[why];
    if (report_.problems.size() < kProblemsMax) report_.problems.push_back(folder + ": " + why);
  }

  const File& root_;
  const WalkOptions& options_;
  const BatchVisitor& visit_;

  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<std::string> folders_;  // the last first, so that few wait
  std::deque<FileBatch> batches_;
  std::set<std::pair<dev_t, ino_t>> seen_;
  std::uint64_t entries_ = 0;
  unsigned busy_ = 0;
  bool over_bound_ = false;
  WalkReport report_;
};

}  // namespace

Result<File> open_beneath(const File& root, const std::string& folder) {
  int at = ::openat(root.descriptor(), ".", kDirectoryFlags);
  if (at < 0) return error_from_errno(errno, "open");
  File current = File::from_descriptor(at, root.path() / folder, File::Owned::kYes);
  for (std::size_t begin = 0; begin < folder.size();) {
    const std::size_t end = std::min(folder.find('/', begin), folder.size());
    at = ::openat(current.descriptor(), folder.substr(begin, end - begin).c_str(), kDirectoryFlags);
    if (at < 0) return error_from_errno(errno, "open");
    current = File::from_descriptor(at, root.path() / folder, File::Owned::kYes);
    begin = end + 1;
  }
  return current;
}

Result<WalkReport> walk_tree(const Path& root, const WalkOptions& options, const BatchVisitor& visit) {
  CLOISTER_TRY(const File directory, File::open_directory(root));
  return Walk(directory, options, visit).run();
}

Result<File> open_regular(int directory, const std::string& name) {
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  int descriptor = ::openat(directory, name.c_str(), kFlags | O_NOATIME);
  if (descriptor < 0 && errno == EPERM) descriptor = ::openat(directory, name.c_str(), kFlags);
  if (descriptor < 0 && (errno == ELOOP || errno == ENXIO)) return Error(Code::kInvalid, "no regular file");
  if (descriptor < 0) return error_from_errno(errno, "open");
  return File::from_descriptor(descriptor, name, File::Owned::kYes);
}

}  // namespace cloister::posture::content
