#include "posture/collect/content/file_look.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "crypto/hash.h"

namespace cloister::posture::content {
namespace {

constexpr std::size_t kHashedHead = 4096;

FileLook unreadable(std::string reason) {
  FileLook look;
  look.finding.verdict = Verdict::kUnreadable;
  look.finding.reason = std::move(reason);
  return look;
}

Result<std::size_t> read_head(const File& file, MutableByteView out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = ::pread(file.descriptor(), out.data() + done, out.size() - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return error_from_errno(errno, "read");
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

Sample sample_of_file(const File& file, const struct stat& info, ByteView head, std::string_view name) {
  Sample sample;
  sample.name = name;
  sample.size = static_cast<std::uint64_t>(info.st_size);
  sample.head = head;
  sample.read_at = [&file](std::uint64_t offset, MutableByteView out) { return file.read_at(offset, out); };
  const bool sparse = info.st_blocks * 512 < info.st_size;
  sample.next_data = [&file, sparse, size = sample.size](std::uint64_t offset) {
    if (!sparse || offset >= size) return offset;
    const off_t at = ::lseek(file.descriptor(), static_cast<off_t>(offset), SEEK_DATA);
    return at >= 0 ? static_cast<std::uint64_t>(at) : errno == ENXIO ? size : offset;
  };
  return sample;
}

}  // namespace

FileLook look_at_file(int directory, const std::string& name, const ClassifyOptions& options, LookBuffers& buffers) {
  const auto file = open_regular(directory, name);
  if (!file.ok()) {
    FileLook look = unreadable(file.error().message());
    look.special = file.error().code() == Code::kInvalid;
    return look;
  }
  struct stat info{};
  if (::fstat(file->descriptor(), &info) != 0) return unreadable("it can't be looked at");
  if (!S_ISREG(info.st_mode)) {
    FileLook look = unreadable("no regular file");
    look.special = true;
    return look;
  }
  const std::size_t wanted = std::min<std::uint64_t>(kWindow, static_cast<std::uint64_t>(info.st_size));
  const auto read = read_head(*file, MutableByteView(buffers.head).first(wanted));
  if (!read.ok()) return unreadable(read.error().message());
  if (*read < wanted) return unreadable("it became shorter while it was read");
  const Sample sample = sample_of_file(*file, info, ByteView(buffers.head).first(*read), name);
  FileLook look;
  look.size = sample.size;
  look.finding = classify(sample, options, buffers.window);
  const Verdict verdict = look.finding.verdict;
  if (verdict == Verdict::kSealed || verdict == Verdict::kEmpty || verdict == Verdict::kUnreadable) return look;
  look.sha256_head = to_hex(crypto::sha256(sample.head.first(std::min(sample.head.size(), kHashedHead))));
  return look;
}

LocationTally look_at_batch(const FileBatch& batch, const ClassifyOptions& options, LookBuffers& buffers,
                            Progress& progress) {
  LocationTally tally;
  for (const std::string& name : batch.names) {
    if (progress.stop_requested()) break;
    const FileLook look = look_at_file(batch.directory->descriptor(), name, options, buffers);
    if (look.special) {
      ++tally.special;
      continue;
    }
    tally.add(batch.folder.empty() ? name : batch.folder + "/" + name, look.size, look.finding, look.sha256_head,
              *options.keys);
    progress.add(look.size);
    progress.add_object();
  }
  return tally;
}

}  // namespace cloister::posture::content
