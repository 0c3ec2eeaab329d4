#include "posture/collect/cloud/s3_inventory.h"

#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <map>

#include "kms/plain_line.h"
#include "posture/collect/cloud/worst.h"
#include "posture/collect/input_file.h"
#include "posture/inventory.h"

namespace cloister::posture {
namespace {

constexpr JsonLimits kJsonLimits{std::size_t{8} << 20, 8, 1 << 18};
constexpr std::size_t kPartsMax = 20'000;
constexpr std::size_t kLineMax = std::size_t{64} << 10;
constexpr std::size_t kObjectFactsMax = 100;

std::string text_of(const JsonValue& object, std::string_view name) {
  const JsonValue* found = object.find(name);
  return found == nullptr || found->string() == nullptr ? std::string() : *found->string();
}

// "Bucket, Key, VersionId": as the manifest writes its columns.
std::vector<std::string> columns_of(std::string_view schema) {
  std::vector<std::string> columns;
  while (!schema.empty()) {
    const std::size_t comma = std::min(schema.find(','), schema.size());
    std::string_view name = schema.substr(0, comma);
    while (name.starts_with(' ')) name.remove_prefix(1);
    columns.emplace_back(name);
    schema.remove_prefix(std::min(comma + 1, schema.size()));
  }
  return columns;
}

// Milliseconds since 1970, as text.
Result<Time> time_of(const std::string& text) {
  const bool digits = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (text.empty() || text.size() > 15 || !digits) return Error(Code::kInvalid, "the manifest has no proper time");
  return Time{std::stoll(text)};
}

Result<std::string> decode_key(std::string_view text) {
  std::string key;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      key += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte.ok() || byte->size() != 1) return Error(Code::kInvalid, "a key has a broken escape");
    key += static_cast<char>(byte->front());
    i += 2;
  }
  return key;
}

// A part of a report, compressed or not, line by line.
class Lines {
 public:
  static Result<Lines> open(const Path& path, std::uint64_t size) {
    CLOISTER_TRY(const File file, File::open(path));
    CLOISTER_TRY(const std::uint64_t found, file.size());
    if (found != size) return Error(Code::kCorrupt, path.filename().string() + " isn't of the size that was written");
    const int copy = ::dup(file.descriptor());
    gzFile opened = copy < 0 ? nullptr : ::gzdopen(copy, "rb");
    if (opened == nullptr) {
      if (copy >= 0) ::close(copy);
      return Error(Code::kInternal, "read " + path.string() + ": it can't be opened");
    }
    return Lines(opened);
  }

  // Nothing at the end.
  Result<std::optional<std::string>> next() {
    if (::gzgets(file_.get(), buffer_.data(), static_cast<int>(buffer_.size())) == nullptr) {
      int code = Z_OK;
      ignore_result(::gzerror(file_.get(), &code));
      if (code != Z_OK && code != Z_STREAM_END) return Error(Code::kCorrupt, "a part is cut off or damaged");
      return std::optional<std::string>();
    }
    std::string line = buffer_.data();
    if (line.size() + 1 >= buffer_.size()) return Error(Code::kCorrupt, "a part has a line without an end");
    while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
    return std::optional(std::move(line));
  }

 private:
  struct Close {
    void operator()(gzFile file) const { ::gzclose(file); }
  };
  explicit Lines(gzFile file) : file_(file), buffer_(kLineMax) {}
  std::unique_ptr<std::remove_pointer_t<gzFile>, Close> file_;
  std::vector<char> buffer_;
};

// What a report says of the objects of one location.
struct Tally {
  std::int64_t objects = 0;
  std::map<std::string, std::int64_t> by_status;
  std::vector<std::pair<std::string, std::string>> bad;  // name within, and status
};

StorageView view_of(std::string_view status) {
  StorageView view;
  if (status == "NOT-SSE") {
    view.encrypted = "no";
    view.key_manager = "none";
  } else {
    view = provider_encrypted("sse-s3", "object");
    view.algorithm = "aes-256-gcm";
    view.integrity = "aead";
    view.key_manager = "platform_default";
  }
  view.level = "object";
  return view;
}

bool is_bad(std::string_view status) { return status == "NOT-SSE" || status == "SSE-S3"; }

class Report {
 public:
  Report(S3Manifest manifest, const CollectContext& context) : manifest_(std::move(manifest)), context_(context) {
    const std::string bucket = "s3://" + manifest_.bucket;
    for (const Location& location : context.estate->locations) {
      if (location.address == bucket || location.address.starts_with(bucket + "/")) {
        declared_.locations.push_back(location);
      }
    }
    const auto column = [this](std::string_view name) {
      return static_cast<std::size_t>(std::ranges::find(manifest_.columns, name) - manifest_.columns.begin());
    };
    key_ = column("Key");
    status_ = column("EncryptionStatus");
    mark_ = column("IsDeleteMarker");
    version_ = column("VersionId");
    latest_ = column("IsLatest");
  }

  Status read(const Path& manifest) {
    for (const S3Manifest::Part& part : manifest_.parts) {
      Path path = manifest.parent_path() / part.name;
      std::error_code error;
      if (!std::filesystem::exists(path, error)) path = manifest.parent_path().parent_path() / "data" / part.name;
      CLOISTER_TRY(Lines lines, Lines::open(path, part.size));
      for (;;) {
        CLOISTER_TRY(const auto line, lines.next());
        if (!line) break;
        CLOISTER_RETURN_IF_ERROR(take(*line).with_context(part.name));
      }
    }
    return {};
  }

  void report(FactSink& sink) const {
    const std::string scope = scope_text();
    const FactMaker maker("s3-inventory/1", scope, context_);
    for (const auto& [name, tally] : tallies_) report_location(maker, {SubjectKind::kLocation, name}, tally, sink);
    Fact source = source_fact("s3-inventory/1", scope, "objects by S3 Inventory", entries_, context_.now);
    source.at = manifest_.created;
    source.valid_until = manifest_.created + kContentScanValid;
    sink.add(std::move(source));
  }

 private:
  std::string scope_text() const {
    return "S3 Inventory of " + manifest_.bucket + ", " + to_rfc3339(manifest_.created);
  }

  std::string address_of(const std::string& location) const {
    const auto found = std::ranges::find(declared_.locations, location, &Location::name);
    return found == declared_.locations.end() ? location : found->address;
  }

  Status take(const std::string& line) {
    if ((++entries_ & 0xFFF) == 0 && context_.progress != nullptr && context_.progress->stop_requested()) {
      return Error(Code::kUnavailable, "it was stopped");
    }
    CLOISTER_TRY(const auto fields, parse_csv_line(line));
    if (fields.size() != manifest_.columns.size()) {
      return Error(Code::kCorrupt, "a line has " + std::to_string(fields.size()) + " fields");
    }
    if (mark_ < fields.size() && fields[mark_] == "true") return {};
    CLOISTER_TRY(std::string key, decode_key(fields[key_]));
    const Location* location = location_of(declared_, "s3://" + manifest_.bucket + "/" + key);
    if (location == nullptr) return {};
    Tally& tally = tallies_[location->name];
    const std::string& status = fields[status_];
    ++tally.objects;
    ++tally.by_status[is_known(status) ? status : "of another kind"];
    if (!is_bad(status) || tally.bad.size() >= kObjectFactsMax) return {};
    const bool older = latest_ < fields.size() && fields[latest_] == "false" && version_ < fields.size();
    if (older) key += "?versionId=" + fields[version_];
    tally.bad.emplace_back(std::move(key), status);
    return {};
  }

  static bool is_known(std::string_view status) {
    static constexpr std::string_view kKnown[] = {"NOT-SSE", "SSE-S3", "SSE-KMS", "DSSE-KMS", "SSE-C"};
    return std::ranges::find(kKnown, status) != std::end(kKnown);
  }

  void add(Fact fact, FactSink& sink) const {
    fact.at = manifest_.created;
    fact.valid_until = manifest_.created + kContentScanValid;
    sink.add(std::move(fact));
  }

  void report_location(const FactMaker& maker, const Subject& subject, const Tally& tally, FactSink& sink) const {
    if (tally.bad.empty()) {
      return add(seen_fact("s3-inventory/1", scope_text(), subject, address_of(subject.id), context_.now), sink);
    }
    std::vector<StorageView> views;
    for (const auto& [name, status] : tally.bad) {
      views.push_back(view_of(status));
      add(maker.storage({SubjectKind::kObject, subject.id + "#" + name}, views.back(),
                        raw_excerpt(name + ": " + status)),
          sink);
    }
    // The worst may lie beyond the hundred that are named.
    if (tally.by_status.contains("NOT-SSE")) views.push_back(view_of("NOT-SSE"));
    StorageView worst = worst_of(views);
    worst.sample = StorageView::Sample{tally.objects, tally.objects, 0};
    std::string raw;
    for (const auto& [status, count] : tally.by_status) {
      worst.notes.push_back(std::to_string(count) + " objects " + status);
      raw += status + ": " + std::to_string(count) + "\n";
    }
    add(maker.storage(subject, worst, std::move(raw)), sink);
  }

  const S3Manifest manifest_;
  const CollectContext& context_;
  Estate declared_;  // this bucket's locations alone
  std::size_t key_ = 0, status_ = 0, mark_ = 0, version_ = 0, latest_ = 0;
  std::int64_t entries_ = 0;
  std::map<std::string, Tally> tallies_;
};

Status look_at(const Path& path, const CollectContext& context, FactSink& sink) {
  CLOISTER_TRY(const Bytes text, read_file(path, kInputFileMax));
  CLOISTER_TRY(S3Manifest manifest, parse_s3_manifest(as_text(text)));
  Report report(std::move(manifest), context);
  CLOISTER_RETURN_IF_ERROR(report.read(path));
  report.report(sink);
  return {};
}

}  // namespace

Result<S3Manifest> parse_s3_manifest(std::string_view json) {
  CLOISTER_TRY(const JsonValue document, parse_json(json, kJsonLimits));
  S3Manifest manifest;
  manifest.bucket = text_of(document, "sourceBucket");
  const JsonValue* files = document.find("files");
  if (manifest.bucket.empty() || files == nullptr || files->array() == nullptr) {
    return Error(Code::kInvalid, "this is no manifest of S3 Inventory");
  }
  CLOISTER_TRY(manifest.created, time_of(text_of(document, "creationTimestamp")));
  const std::string format = text_of(document, "fileFormat");
  if (format != "CSV") {
    return Error(Code::kUnsupported, "the report is in " + kms::plain_line(format) + ", and only CSV is read");
  }
  manifest.columns = columns_of(text_of(document, "fileSchema"));
  for (const char* needed : {"Key", "EncryptionStatus"}) {
    if (std::ranges::find(manifest.columns, needed) != manifest.columns.end()) continue;
    return Error(Code::kUnsupported, "the report doesn't have the field " + std::string(needed));
  }
  if (files->array()->size() > kPartsMax) return Error(Code::kInvalid, "the report has too many parts");
  for (const JsonValue& file : *files->array()) {
    const std::string key = text_of(file, "key");
    const JsonValue* size = file.find("size");
    S3Manifest::Part part{key.substr(key.rfind('/') + 1), 0};
    if (size == nullptr || !size->unsigned_integer() || part.name.empty() || part.name == "..") {
      return Error(Code::kInvalid, "the manifest has a part without name or size");
    }
    part.size = *size->unsigned_integer();
    manifest.parts.push_back(std::move(part));
  }
  return manifest;
}

Result<std::vector<std::string>> parse_csv_line(std::string_view line) {
  std::vector<std::string> fields;
  for (std::size_t at = 0; at <= line.size();) {
    std::string& field = fields.emplace_back();
    if (at < line.size() && line[at] == '"') {
      for (++at;; ++at) {
        if (at >= line.size()) return Error(Code::kInvalid, "a quote doesn't end");
        if (line[at] != '"') {
          field += line[at];
        } else if (at + 1 < line.size() && line[at + 1] == '"') {
          field += line[at++];
        } else {
          break;
        }
      }
      ++at;
      if (at < line.size() && line[at] != ',') return Error(Code::kInvalid, "something follows a quote");
    } else {
      const std::size_t comma = std::min(line.find(',', at), line.size());
      field = line.substr(at, comma - at);
      at = comma;
    }
    ++at;
  }
  return fields;
}

void S3InventoryCollector::collect(const CollectContext& context, FactSink& sink) {
  for (const Path& path : manifests_) {
    const Status looked = look_at(path, context, sink);
    if (looked.ok()) continue;
    sink.add(
        unread_source_fact(name(), "S3 Inventory, " + path.filename().string(), looked.error().message(), context.now));
  }
}

}  // namespace cloister::posture
