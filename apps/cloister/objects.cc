#include "objects.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>

namespace cloister::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::uint8_t, 8> kMagic{0x89, 0x43, 0x4c, 0x53, 0x52, 0x31, 0x0d, 0x0a};

bool starts_sealed(const Path& path) {
  const auto file = File::open(path);
  if (!file.ok()) return false;
  std::array<std::uint8_t, kMagic.size()> head{};
  const auto count = file->read_some(head);
  return count.ok() && *count == head.size() && head == kMagic;
}

}  // namespace

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kObject: return "object";
    case Kind::kLog: return "log";
    case Kind::kDirectory: return "directory";
  }
  return "object";
}

Result<Sealed> look_at(const Path& path) {
  std::error_code ignored;
  if (path == "-") return invalid("a sealed object is read by position: it can't come from standard input");
  const bool directory = fs::is_directory(path, ignored);
  const Path file_path = directory ? path / seal::kManifestName : path;
  if (directory && !fs::exists(file_path, ignored)) {
    return invalid("open " + path.string() +
                   ": a directory without manifest.sealed isn't sealed, or sealing it was interrupted");
  }
  CLOISTER_TRY(const File file, File::open(file_path));
  CLOISTER_TRY(seal::ObjectOutline outline, seal::read_outline(file));
  const Kind kind = directory ? Kind::kDirectory : outline.preamble.append_log ? Kind::kLog : Kind::kObject;
  return Sealed{path, kind, std::move(outline)};
}

Result<std::vector<Path>> find_sealed_files(const Path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::vector<Path>{path};
  std::vector<Path> found;
  for (fs::recursive_directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    if (!it->is_symlink(error) && it->is_regular_file(error) && starts_sealed(it->path())) found.push_back(it->path());
  }
  if (error) return error_from_errno(error.value(), "list " + path.string());
  if (found.empty()) return invalid("nothing under " + path.string() + " is sealed");
  std::ranges::sort(found);
  return found;
}

Result<LogProgress> LogProgress::begin(const File& log, Progress& progress) {
  CLOISTER_TRY(const std::uint64_t size, log.size());
  progress.expect(size);
  return LogProgress(progress);
}

Status LogProgress::came(ByteView piece) {
  progress_->add(seal::stored_frame_size(piece.size()));
  return progress_->stop_requested() ? Status(Error(Code::kUnavailable, "interrupted")) : ok_status();
}

Result<FileReplacement> begin_target(const Path& target, Overwrite overwrite, mode_t mode) {
  auto begun = FileReplacement::begin(target, overwrite, mode);
  if (begun.ok() || begun.error().code() != Code::kExists) return begun;
  return Error(Code::kExists, begun.error().message() + "; --force replaces it");
}

std::string id_text(const seal::Id& id) { return to_hex(id); }

Result<Path> without_suffix(const Path& path) {
  Path clean = path;
  if (!clean.has_filename()) clean = clean.parent_path();  // "folder/"
  if (clean.extension() != ".sealed" || clean.stem().empty()) {
    return invalid(path.string() + " doesn't end in .sealed: name a target");
  }
  return clean.replace_extension();
}

AuditNote note_for(std::string action, const Sealed& sealed) {
  std::string subject =
      sealed.kind == Kind::kDirectory ? "directory, manifest " : std::string(kind_name(sealed.kind)) + " ";
  subject += id_text(sealed.outline.preamble.object_id);
  if (!sealed.outline.preamble.context.dataset.empty()) subject += " of " + owner_text(sealed.outline.preamble);
  return {std::move(action), sealed.outline.preamble.context.tenant, std::move(subject)};
}

}  // namespace cloister::cli
