// What the verbs on sealed objects share: what lies at a path, how it is named, and the audit rows.
#pragma once

#include <string>
#include <vector>

#include "key_chain.h"
#include "seal/append_log.h"
#include "seal/reader.h"

namespace cloister::cli {

enum class Kind { kObject, kLog, kDirectory };
std::string_view kind_name(Kind kind);

// A sealed object, log or directory as anyone sees it. For a directory, `outline` is that of its manifest.
struct Sealed {
  Path path;
  Kind kind = Kind::kObject;
  seal::ObjectOutline outline;
};
// kNotFound when nothing is there; kInvalid when it isn't sealed, or is a directory without a manifest.
Result<Sealed> look_at(const Path& path);

// The sealed files at `path`: itself, or those anywhere under a directory, known by their first bytes. Symbolic links
// aren't followed.
Result<std::vector<Path>> find_sealed_files(const Path& path);

// A log's progress in bytes of its file: what it holds isn't known before it was read.
class LogProgress {
 public:
  static Result<LogProgress> begin(const File& log, Progress& progress);
  // A frame's plaintext came. kUnavailable when somebody asked to stop.
  Status came(ByteView piece);

 private:
  explicit LogProgress(Progress& progress) : progress_(&progress) {}
  Progress* progress_;
};

// FileReplacement::begin for verbs that have --force, which is named when something is there.
Result<FileReplacement> begin_target(const Path& target, Overwrite overwrite, mode_t mode = 0644);

std::string id_text(const seal::Id& id);
// "target.sealed" without ".sealed"; kInvalid when it has another name.
Result<Path> without_suffix(const Path& path);

// Runs `action` with its audit rows: the one before it says that keys opened it and to what end; if it fails, another
// says why.
struct AuditNote {
  std::string action;  // "object.open"
  std::string tenant;
  std::string subject;
};
AuditNote note_for(std::string action, const Sealed& sealed);

}  // namespace cloister::cli
