#include "posture/collect/content/content_collector.h"

#include <mutex>

#include "base/parallel.h"
#include "crypto/hash.h"
#include "posture/collect/content/canaries.h"
#include "posture/collect/content/file_look.h"
#include "posture/collect/content/scan_journal.h"

namespace cloister::posture::content {
namespace {

namespace fs = std::filesystem;

// Locations that lie within this one are scanned as what they are.
std::vector<std::string> locations_within(const Estate& estate, const Path& root) {
  std::vector<std::string> out;
  for (const Location& other : estate.locations) {
    const auto path = local_path(other.address);
    if (!path) continue;
    const std::string relative = path->lexically_relative(root).string();
    if (!relative.empty() && relative != "." && !relative.starts_with("..")) out.push_back(relative);
  }
  return out;
}

// A location that is one file: the object has no name within it.
Result<LocationScan> scan_file(const Path& path, const ClassifyOptions& classify) {
  CLOISTER_TRY(const File folder, File::open_directory(path.has_parent_path() ? path.parent_path() : Path(".")));
  LookBuffers buffers;
  const FileLook look = look_at_file(folder.descriptor(), path.filename().string(), classify, buffers);
  if (look.special) return Error(Code::kInvalid, "it is neither a file nor a directory");
  LocationScan scan;
  scan.tally.add("", look.size, look.finding, look.sha256_head, *classify.keys);
  scan.complete = look.finding.verdict != Verdict::kUnreadable;
  return scan;
}

std::string journal_subject(const Estate& estate, const Location& location, const ContentOptions& options) {
  std::string text = estate.digest + "\n" + location.name + "\n" + location.address + "\n" +
                     std::to_string(options.statistics_budget) + "\n";
  for (const auto& [key, version] : options.keys.versions) {
    text += key.first + " " + std::to_string(key.second) + " " + std::to_string(static_cast<unsigned>(version.use)) +
            " " + version.kek + "\n";
  }
  text += "\n";
  for (const std::string& name : options.keys.names) text += name + "\n";
  return to_hex(ByteView(crypto::sha256(as_bytes(text))).first(16));
}

// What threads share while one location is gone through.
class SharedTally {
 public:
  SharedTally(std::uint64_t objects_max, ScanJournal* journal) : objects_max_(objects_max), journal_(journal) {}

  void add(LocationTally&& tally) {
    const std::lock_guard lock(mutex_);
    tally_.join(std::move(tally), objects_max_);
  }
  bool add_resumed(const std::string& batch) {
    if (journal_ == nullptr) return false;
    auto tally = journal_->take(batch);
    if (!tally) return false;
    add(std::move(*tally));
    return true;
  }
  void keep(const std::string& batch, const LocationTally& tally) {
    if (journal_ == nullptr) return;
    const Status kept = journal_->add(batch, tally);
    const std::lock_guard lock(mutex_);
    if (!kept.ok() && problem_.empty()) problem_ = kept.error().message();
  }
  LocationTally take() { return std::move(tally_); }
  const std::string& problem() const { return problem_; }

 private:
  std::mutex mutex_;
  std::uint64_t objects_max_;
  ScanJournal* journal_;
  LocationTally tally_;
  std::string problem_;
};

}  // namespace

std::optional<Path> local_path(std::string_view address) {
  if (!address.starts_with("file:")) return std::nullopt;
  address.remove_prefix(5);
  if (address.starts_with("//")) address.remove_prefix(2);
  if (!address.starts_with('/')) return std::nullopt;
  Path path = Path(address).lexically_normal();
  return path.has_filename() || !path.has_relative_path() ? path : path.parent_path();
}

Result<LocationScan> ContentCollector::scan(const CollectContext& context, const Location& location,
                                            std::uint64_t objects_left) {
  const auto path = local_path(location.address);
  if (!path) return Error(Code::kInvalid, "its address isn't an absolute path");
  const ClassifyOptions classify{.keys = &options_.keys, .statistics_budget = options_.statistics_budget};
  std::error_code ignored;
  if (fs::is_regular_file(fs::symlink_status(*path, ignored))) return scan_file(*path, classify);

  LocationScan out;
  std::unique_ptr<ScanJournal> journal;
  if (!options_.journal_folder.empty()) {
    const std::string subject = journal_subject(*context.estate, location, options_);
    auto opened =
        ScanJournal::open(options_.journal_folder / ("content-" + subject + ".journal"), subject, context.now);
    if (opened.ok()) {
      journal = std::move(*opened);
    } else {
      out.journal_problem = opened.error().message();
    }
  }
  SharedTally shared(objects_left, journal.get());
  Progress& progress = *context.progress;
  const auto visit = [&](const FileBatch& batch) {
    const std::string name = journal ? batch_name(batch) : std::string();
    if (shared.add_resumed(name)) return;
    thread_local LookBuffers buffers;
    LocationTally tally = look_at_batch(batch, classify, buffers, progress);
    if (!progress.stop_requested()) shared.keep(name, tally);
    shared.add(std::move(tally));
  };
  WalkOptions walk{.threads = thread_count(context.threads),
                   .depth_max = options_.depth_max,
                   .entries_max = options_.entries_max,
                   .progress = &progress,
                   .leave_out = locations_within(*context.estate, *path)};
  CLOISTER_TRY(out.walk, walk_tree(*path, walk, visit));
  out.tally = shared.take();
  out.complete = out.walk.complete() && out.tally.count(Verdict::kUnreadable) == 0;
  if (out.journal_problem.empty()) out.journal_problem = shared.problem();
  if (journal) out.resumed_batches = journal->resumed();
  if (journal && !out.walk.stopped) journal->remove();
  return out;
}

void ContentCollector::collect(const CollectContext& context, FactSink& sink) {
  Progress own;
  CollectContext with_progress = context;
  if (with_progress.progress == nullptr) with_progress.progress = &own;
  std::error_code ignored;
  const Path scratch = options_.scratch.empty() ? fs::temp_directory_path(ignored) : options_.scratch;
  const ClassifyOptions classify{.keys = &options_.keys, .statistics_budget = options_.statistics_budget};
  const CanaryReport canaries = judge_canaries(scratch, classify, context.now, *random_);
  const ContentFacts about{name(), context.now, canaries.right, canaries.problem};
  std::uint64_t objects_left = options_.objects_max;
  for (const Location& location : context.estate->locations) {
    if (!location.address.starts_with("file:")) continue;
    if (with_progress.progress->stop_requested()) {
      emit_not_assessed(about, location, "stopped before it was looked at", sink);
      continue;
    }
    const auto result = scan(with_progress, location, objects_left);
    if (!result.ok()) {
      emit_not_assessed(about, location, result.error().message(), sink);
      continue;
    }
    emit_scan(about, location, *result, sink);
    objects_left -= std::min<std::uint64_t>(objects_left, result->tally.objects.size());
  }
}

}  // namespace cloister::posture::content
