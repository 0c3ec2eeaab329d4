// What an interrupted scan has seen already: one line a batch, appended as it comes, so that the next run goes on where
// it stopped. It belongs to one scan: another location, other options or a day later start anew.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "posture/collect/content/location_tally.h"
#include "posture/collect/content/walker.h"

namespace cloister::posture::content {

inline constexpr Duration kJournalValid = hours(24);

// JSON of one batch's tally, and back; kInvalid for what tally_json() wouldn't have written.
std::string tally_json(const std::string& batch, const LocationTally& tally);
struct JournalLine {
  std::string batch;
  LocationTally tally;
};
Result<JournalLine> parse_journal_line(std::string_view line);

// Any thread may call.
class ScanJournal {
 public:
  // `what` says which scan it is of. A journal of another, too old or broken from some line on is cut there. kDenied
  // for one that others may write: its lines would be believed.
  static Result<std::unique_ptr<ScanJournal>> open(const Path& path, const std::string& what, Time now);

  // The tally of a batch that is there, by its name; each is handed out once.
  std::optional<LocationTally> take(const std::string& batch);
  Status add(const std::string& batch, const LocationTally& tally);
  // The scan is whole: nothing is left to go on with.
  void remove();
  std::uint64_t resumed() const { return resumed_; }

 private:
  ScanJournal(File file, Path path) : file_(std::move(file)), path_(std::move(path)) {}
  Status load(const std::string& what, Time now);

  File file_;
  Path path_;
  std::mutex mutex_;
  std::map<std::string, LocationTally> done_;
  std::uint64_t end_ = 0, resumed_ = 0;
};

// What a batch is called: its folder, the names in it, and what each file's inode says, so that one that changed since
// is another batch. To be taken before the files are looked at.
std::string batch_name(const FileBatch& batch);

}  // namespace cloister::posture::content
