// Runs in sealed files, one each.
#include "posture/evidence/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "posture/evidence/bundle.h"
#include "seal/append_log.h"

namespace cloister::posture {
namespace {

constexpr std::size_t kTimeDigits = 15;
constexpr std::size_t kRunDigits = 32;
constexpr std::string_view kSuffix = ".sealed";
constexpr std::string_view kPart = ".part";
constexpr std::string_view kRetentionFile = "retention-days";
constexpr std::string_view kRecordsFile = "records.log.sealed";
constexpr std::size_t kRecordsSizeMax = std::size_t{64} << 20;
constexpr std::size_t kRunsMax = 1'000'000;

std::string name_of_run(const std::string& run, Time at) {
  std::string digits = std::to_string(at.unix_ms);
  digits.insert(0, kTimeDigits - std::min(digits.size(), kTimeDigits), '0');
  return digits + "-" + run + std::string(kSuffix);
}

bool is_run_id(std::string_view text) {
  return text.size() == kRunDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Nothing for a file of another name: it is none of ours.
std::optional<RunFile> parse_name(const std::string& name) {
  if (name.size() != kTimeDigits + 1 + kRunDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  RunFile file;
  const char* begin = name.data();
  const auto read = std::from_chars(begin, begin + kTimeDigits, file.at.unix_ms);
  if (read.ec != std::errc() || read.ptr != begin + kTimeDigits || name[kTimeDigits] != '-') return std::nullopt;
  file.run = name.substr(kTimeDigits + 1, kRunDigits);
  if (!is_run_id(file.run)) return std::nullopt;
  return file;
}

// What a killed run left: it was never under a run's name. Somebody else's files stay.
cloister::Status remove_parts(const Path& folder) {
  std::error_code failure;
  std::vector<Path> parts;
  for (std::filesystem::directory_iterator at(folder, failure), end; !failure && at != end; at.increment(failure)) {
    const Path& path = at->path();
    if (path.extension() == kPart && parse_name(path.stem().string())) parts.push_back(path);
  }
  if (failure) return Error(Code::kInternal, "read " + folder.string() + ": " + failure.message());
  for (const Path& part : parts) ::unlink(part.c_str());
  return {};
}

cloister::Status write_log(const Path& path, const seal::PublicContext& context,
                           std::span<crypto::KeyWrapper* const> wrappers, crypto::Random& random, Time at,
                           std::string_view text, seal::LogWriter::End end) {
  seal::LogOptions options;
  options.chunk_log2 = 20;
  options.context = context;
  options.meta.content_type = "application/jsonl";
  options.meta.sealed_at = at;
  CLOISTER_TRY(seal::LogWriter log, seal::LogWriter::open(path, options, wrappers, random, seal::Links::kRefuse));
  const std::size_t piece = log.frame_capacity();
  for (std::size_t start = 0; start < text.size(); start += piece) {
    CLOISTER_RETURN_IF_ERROR(log.append(as_bytes(text.substr(start, piece))));
  }
  return log.end(end);
}

}  // namespace

EvidenceStore::EvidenceStore(Path folder, File lock, seal::PublicContext context,
                             std::vector<crypto::KeyWrapper*> wrappers, crypto::Random& random)
    : folder_(std::move(folder)),
      lock_(std::move(lock)),
      context_(std::move(context)),
      wrappers_(std::move(wrappers)),
      random_(&random) {}

Result<EvidenceStore> EvidenceStore::open(const Path& folder, seal::PublicContext context,
                                          std::vector<crypto::KeyWrapper*> wrappers, crypto::Random& random) {
  CLOISTER_RETURN_IF_ERROR(create_directories(folder, 0700));
  CLOISTER_TRY(File lock, File::open_directory(folder));
  CLOISTER_RETURN_IF_ERROR(lock.lock_exclusive().with_context("evidence store"));
  CLOISTER_RETURN_IF_ERROR(check_guarded(lock, Guard::kUnwritten));
  return EvidenceStore(folder, std::move(lock), std::move(context), std::move(wrappers), random);
}

Result<std::vector<RunFile>> EvidenceStore::runs() const {
  std::vector<RunFile> files;
  std::error_code failure;
  for (std::filesystem::directory_iterator at(folder_, failure), end; !failure && at != end; at.increment(failure)) {
    std::optional<RunFile> file = parse_name(at->path().filename().string());
    if (!file) continue;
    if (files.size() == kRunsMax) return Error(Code::kInvalid, folder_.string() + ": it has more runs than any");
    file->path = at->path();
    std::error_code unknown;
    file->bytes = at->file_size(unknown);
    files.push_back(std::move(*file));
  }
  if (failure) return Error(Code::kInternal, "read " + folder_.string() + ": " + failure.message());
  std::ranges::sort(files, {}, &RunFile::path);
  return files;
}

Result<std::string> EvidenceStore::read(const RunFile& run) const {
  CLOISTER_TRY(const File file, File::open(run.path));
  std::string text;
  const auto sink = [&](ByteView piece) -> cloister::Status {
    if (text.size() + piece.size() > kBundleSizeMax) return Error(Code::kInvalid, "it has more than 2 GiB");
    text += as_text(piece);
    return {};
  };
  CLOISTER_TRY(const seal::LogSummary summary, seal::read_log(file, wrappers_, sink).with_context("run " + run.run));
  if (!summary.outline.log_ended) return Error(Code::kCorrupt, "run " + run.run + ": its end is missing");
  if (text.find("\"run\":\"" + run.run + "\"") >= text.find('\n')) {
    return Error(Code::kCorrupt, "run " + run.run + ": its file holds another run");
  }
  return text;
}

cloister::Status EvidenceStore::add(const std::string& run, Time at, std::string_view bundle) const {
  if (!is_run_id(run)) return Error(Code::kInvalid, "a run's id is 32 hexadecimal digits");
  CLOISTER_RETURN_IF_ERROR(remove_parts(folder_));
  const Path target = folder_ / name_of_run(run, at);
  const Path part = target.string() + std::string(kPart);
  cloister::Status status = write_log(part, context_, wrappers_, *random_, at, bundle, seal::LogWriter::End::kLog);
  // link() puts nothing in the place of what is there.
  if (status.ok() && ::link(part.c_str(), target.c_str()) != 0) {
    status = error_from_errno(errno, "keep run " + run);
  }
  ::unlink(part.c_str());
  if (!status.ok()) return status;
  return sync_directory(folder_);
}

Result<std::vector<std::string>> EvidenceStore::records() const {
  std::vector<std::string> lines;
  const Result<File> file = File::open(folder_ / kRecordsFile);
  if (!file.ok()) {
    if (file.error().code() == Code::kNotFound) return lines;
    return file.error();
  }
  std::string text;
  const auto sink = [&](ByteView piece) -> cloister::Status {
    if (text.size() + piece.size() > kRecordsSizeMax)
      return Error(Code::kInvalid, "there are more than 64 MiB of them");
    text += as_text(piece);
    return {};
  };
  CLOISTER_TRY([[maybe_unused]] const seal::LogSummary summary,
               seal::read_log(*file, wrappers_, sink).with_context("records"));
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

cloister::Status EvidenceStore::add_record(std::string_view fact_json, Time now) const {
  return write_log(folder_ / kRecordsFile, context_, wrappers_, *random_, now, std::string(fact_json) + "\n",
                   seal::LogWriter::End::kRun);
}

Result<std::int64_t> EvidenceStore::retention_days() const {
  const auto bytes = read_file(folder_ / kRetentionFile, 32);
  if (!bytes.ok()) {
    if (bytes.error().code() == Code::kNotFound) return kRetentionDaysDefault;
    return bytes.error();
  }
  const std::string_view text = as_text(*bytes);
  std::int64_t days = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), days);
  if (read.ec != std::errc() || std::string_view(read.ptr, text.data() + text.size()) != "\n" ||
      days < kRetentionDaysMin || days > kRetentionDaysMax) {
    return Error(Code::kCorrupt, "the evidence store's retention can't be read");
  }
  return days;
}

cloister::Status EvidenceStore::set_retention_days(std::int64_t days) const {
  if (days < kRetentionDaysMin || days > kRetentionDaysMax) {
    return Error(Code::kInvalid, "evidence is kept for " + std::to_string(kRetentionDaysMin) + " to " +
                                     std::to_string(kRetentionDaysMax) + " days");
  }
  return write_file(folder_ / kRetentionFile, as_bytes(std::to_string(days) + "\n"), Overwrite::kReplace, 0600);
}

Result<std::vector<RunFile>> EvidenceStore::expire(Time now) const {
  CLOISTER_TRY(const std::int64_t kept, retention_days());
  CLOISTER_TRY(std::vector<RunFile> files, runs());
  std::vector<RunFile> expired;
  for (std::size_t i = 0; i + 1 < files.size(); ++i) {
    if (files[i].at + days(kept) < now) expired.push_back(files[i]);
  }
  for (const RunFile& file : expired) {
    if (::unlink(file.path.c_str()) != 0) return error_from_errno(errno, "remove run " + file.run);
  }
  if (!expired.empty()) CLOISTER_RETURN_IF_ERROR(sync_directory(folder_));
  return expired;
}

}  // namespace cloister::posture
