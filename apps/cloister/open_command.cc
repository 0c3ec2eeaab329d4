// cloister open and cloister cat: plaintext into files, or to standard output.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "commands.h"
#include "crypto/plain_buffer.h"
#include "objects.h"
#include "payload_output.h"

namespace cloister::cli {
namespace {

struct OpenRequest {
  std::string source, target;
  KeyOptions keys;
  bool force = false;
};

struct CatRequest {
  std::vector<std::string> sources;
  KeyOptions keys;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
  bool force = false;
};

constexpr const char* kOpenManual = R"(EXAMPLES
  cloister open model.safetensors.sealed
      writes model.safetensors beside it
  cloister open train.sealed /scratch/train
  cloister open notes.txt.sealed - --passphrase-file phrase.txt | less

NOTES
  The dataset's keys are found in the home by the name the object carries; the
  name is a hint only: a wrong key fails by authentication. Nothing appears
  under the target's name before all of it was verified. Files get the mode
  they had when they were sealed, less the umask.
)";

constexpr const char* kCatManual = R"(EXAMPLES
  cloister cat inference.log.sealed | jq .latency_ms
  cloister cat train-images.sealed --offset 16 --length 784 | xxd
  cloister cat a.sealed b.sealed > both

NOTES
  Only verified bytes are printed; when a later part is damaged, what came
  before has been printed already and the exit status says so. Binary content
  isn't printed to a terminal unless --force. A length past the end is cut.
)";

// Notes about a log, for people: what a reader must be told of (AL-7).
std::string log_notes(const std::string& path, const seal::LogOutline& outline) {
  std::string notes;
  if (outline.torn_bytes > 0) {
    notes += path + ": " + bytes_text(outline.torn_bytes) + " of a torn tail left out: never acknowledged\n";
  }
  const auto interrupted = std::ranges::count_if(outline.runs, [](const seal::LogRun& run) { return !run.ended; });
  if (interrupted > 0) {
    notes += path + ": " + count_text(static_cast<std::uint64_t>(interrupted), "run") + " without an end\n";
  }
  return notes;
}

Status set_mode(const File& file, std::optional<std::uint32_t> mode) {
  // Set-user-id and the like don't travel.
  const mode_t wanted = mode.value_or(0644) & 0777 & ~current_umask();
  if (::fchmod(file.descriptor(), wanted) == 0) return {};
  return error_from_errno(errno, "set the mode of " + file.path().string());
}

using Sink = std::function<Status(ByteView piece)>;

// Verified bytes of an object or a log, in order. The audit row comes before the first byte.
class Source {
 public:
  static Result<Source> open(Session& session, KeyChain& chain, const Path& path, std::string action) {
    CLOISTER_TRY(Sealed sealed, look_at(path));
    AuditNote note = note_for(std::move(action), sealed);
    Source source(session, std::move(note), std::move(sealed));
    auto wrappers = chain.for_opening(source.sealed_.outline.preamble, source.sealed_.outline.slots.newest);
    if (!wrappers.ok()) return source.failed(wrappers.error().with_context("open " + path.string()));
    source.wrappers_ = std::move(wrappers).value();
    if (source.sealed_.kind != Kind::kObject) return source;
    CLOISTER_TRY(File file, File::open(path));
    auto reader = seal::ObjectReader::open(std::move(file), source.wrappers_.list);
    if (!reader.ok()) return source.failed(reader.error());
    source.reader_ = std::move(reader).value();
    return source;
  }

  const Sealed& sealed() const { return sealed_; }
  const Wrappers& wrappers() const { return wrappers_; }
  const seal::ObjectReader& reader() const { return *reader_; }
  Status record(std::string detail) {
    return session_->record(note_.action, note_.tenant, note_.subject, std::move(detail));
  }
  Error failed(Error error) {
    return session_->record_failure(note_.action, note_.tenant, note_.subject, std::move(error));
  }

  // Everything, or `length` bytes from `offset`.
  Status stream(std::uint64_t offset, std::uint64_t length, const Sink& sink) {
    CLOISTER_RETURN_IF_ERROR(record(""));
    const Status status =
        sealed_.kind == Kind::kLog ? stream_log(offset, length, sink) : stream_object(offset, length, sink);
    return status.ok() ? status : Status(failed(status.error()));
  }
  const std::string& notes() const { return notes_; }

 private:
  Source(Session& session, AuditNote note, Sealed sealed)
      : session_(&session), note_(std::move(note)), sealed_(std::move(sealed)) {}

  Status stream_object(std::uint64_t offset, std::uint64_t length, const Sink& sink) {
    if (offset > reader_->size()) {
      return invalid("offset " + std::to_string(offset) + " is past the end of " + sealed_.path.string() +
                     ", which has " + std::to_string(reader_->size()) + " bytes");
    }
    Progress& progress = session_->progress();
    const std::uint64_t end = offset + std::min(length, reader_->size() - offset);
    progress.expect(end - offset);
    if (offset == 0 && end == reader_->size()) {
      const auto in_order = [&sink](std::uint64_t, ByteView piece) { return sink(piece); };
      return reader_->read_all(session_->globals().threads, in_order, progress);
    }
    crypto::PlainBuffer buffer(std::size_t{1} << 20);
    while (offset < end) {
      if (progress.stop_requested()) return Error(Code::kUnavailable, "interrupted");
      const MutableByteView piece = buffer.first(std::min<std::uint64_t>(buffer.size(), end - offset));
      CLOISTER_RETURN_IF_ERROR(reader_->read_at(offset, piece));
      CLOISTER_RETURN_IF_ERROR(sink(piece));
      progress.add(piece.size());
      offset += piece.size();
    }
    return {};
  }

  Status stream_log(std::uint64_t offset, std::uint64_t length, const Sink& sink) {
    CLOISTER_TRY(const File file, File::open(sealed_.path));
    CLOISTER_TRY(LogProgress told, LogProgress::begin(file, session_->progress()));
    std::uint64_t at = 0;
    const auto ranged = [&](ByteView piece) -> Status {
      CLOISTER_RETURN_IF_ERROR(told.came(piece));
      const std::uint64_t skip = std::min<std::uint64_t>(piece.size(), offset > at ? offset - at : 0);
      at += piece.size();
      piece = piece.subspan(skip);
      piece = piece.first(std::min<std::uint64_t>(piece.size(), length));
      length -= piece.size();
      return piece.empty() ? ok_status() : sink(piece);
    };
    CLOISTER_TRY(const seal::LogSummary summary, seal::read_log(file, wrappers_.list, ranged));
    if (offset > at)
      return invalid("offset " + std::to_string(offset) + " is past the end of " + sealed_.path.string());
    notes_ = log_notes(sealed_.path.string(), summary.outline);
    return {};
  }

  Session* session_;
  AuditNote note_;
  Sealed sealed_;
  Wrappers wrappers_;
  std::optional<seal::ObjectReader> reader_;
  std::string notes_;
};

constexpr std::uint64_t kEverything = std::numeric_limits<std::uint64_t>::max();

Outcome opened(const OpenRequest& request, const Path& target, std::uint64_t bytes, double seconds) {
  Outcome outcome;
  outcome.terse = true;
  outcome.payload_on_stdout = target == "-";
  if (!outcome.payload_on_stdout) {
    outcome.text = "opened " + request.source + " -> " + target.string() + "  " + bytes_text(bytes) + " in " +
                   seconds_text(seconds) + " (" + rate_text(bytes, seconds) + ")\n";
  }
  outcome.json = {{"target", target.string()}, {"plaintext_bytes", bytes}, {"seconds", seconds}};
  return outcome;
}

Result<Outcome> open_folder(Session& session, const OpenRequest& request, const Path& target, Source& source) {
  if (target == "-") return invalid("open " + request.source + ": a directory can't go to standard output");
  CLOISTER_TRY(const DirectoryKeySet keys, directory_keys(source.wrappers(), Signing::kNo));
  CLOISTER_RETURN_IF_ERROR(source.record(""));
  const double started = monotonic_seconds();
  session.watch().begin("open " + request.source);
  const auto done = seal::open_directory(request.source, target, keys.keys(),
                                         request.force ? Overwrite::kReplace : Overwrite::kRefuse,
                                         session.globals().threads, session.progress());
  session.watch().end();
  if (!done.ok()) {
    const std::string hint = done.error().code() == Code::kExists ? "; --force replaces it" : "";
    return source.failed(Error(done.error().code(), done.error().message() + hint));
  }
  const seal::DirectorySummary& s = done.value();
  Outcome outcome = opened(request, target, s.plaintext_bytes, monotonic_seconds() - started);
  outcome.text = "opened " + request.source + " -> " + target.string() + "  " + count_text(s.objects_sealed, "object") +
                 ", " + bytes_text(s.plaintext_bytes) + " in " + seconds_text(monotonic_seconds() - started) +
                 (s.objects_kept > 0 ? ", " + std::to_string(s.objects_kept) + " there already\n" : "\n");
  outcome.json["objects_opened"] = s.objects_sealed;
  outcome.json["objects_kept"] = s.objects_kept;
  return outcome;
}

Status open_to_file(Session& session, Source& source, FileReplacement& replacement) {
  const std::string doing = "open " + source.sealed().path.string();
  if (source.sealed().kind == Kind::kLog) {
    session.watch().begin(doing);
    CLOISTER_RETURN_IF_ERROR(
        source.stream(0, kEverything, [&](ByteView piece) { return replacement.file().write_all(piece); }));
    session.watch().end();
    CLOISTER_RETURN_IF_ERROR(set_mode(replacement.file(), std::nullopt));
    return replacement.commit();
  }
  session.progress().expect(source.reader().size());
  session.watch().begin(doing);
  CLOISTER_RETURN_IF_ERROR(source.record(std::to_string(source.reader().size()) + " bytes"));
  const Status copied = source.reader().copy_to(replacement.file(), session.globals().threads, session.progress());
  session.watch().end();
  if (!copied.ok()) return source.failed(copied.error());
  CLOISTER_RETURN_IF_ERROR(set_mode(replacement.file(), source.reader().meta().mode));
  return replacement.commit();
}

Result<Outcome> open_anything(Session& session, const OpenRequest& request) {
  Path target = request.target;
  if (target.empty()) {
    CLOISTER_TRY(target, without_suffix(request.source));
  }
  CLOISTER_TRY(KeyChain chain, KeyChain::create(session, request.keys, "open"));
  const double started = monotonic_seconds();
  CLOISTER_TRY(Source source, Source::open(session, chain, request.source, "object.open"));
  if (source.sealed().kind == Kind::kDirectory) return open_folder(session, request, target, source);
  std::error_code ignored;
  if (target != "-" && std::filesystem::is_directory(target, ignored)) {
    CLOISTER_TRY(const Path name, without_suffix(Path(request.source).filename()));
    target /= name;
  }
  if (target == "-") {
    PayloadOutput output(request.force ? BinaryToTerminal::kAllow : BinaryToTerminal::kRefuse);
    if (!output.is_terminal()) session.watch().begin("open " + request.source);
    CLOISTER_RETURN_IF_ERROR(source.stream(0, kEverything, [&](ByteView piece) { return output.write(piece); }));
    session.watch().end();
    Outcome outcome = opened(request, target, output.bytes(), monotonic_seconds() - started);
    outcome.text = source.notes();
    return outcome;
  }
  CLOISTER_TRY(auto replacement, begin_target(target, request.force ? Overwrite::kReplace : Overwrite::kRefuse, 0600));
  CLOISTER_RETURN_IF_ERROR(open_to_file(session, source, replacement));
  CLOISTER_TRY(const File written, File::open(target));
  CLOISTER_TRY(const std::uint64_t bytes, written.size());
  Outcome outcome = opened(request, target, bytes, monotonic_seconds() - started);
  outcome.text += source.notes();
  return outcome;
}

Result<Outcome> cat_objects(Session& session, const CatRequest& request) {
  const bool ranged = request.offset != 0 || request.length.has_value();
  if (ranged && request.sources.size() > 1) return invalid("--offset and --length are for one object");
  CLOISTER_TRY(KeyChain chain, KeyChain::create(session, request.keys, "open"));
  PayloadOutput output(request.force ? BinaryToTerminal::kAllow : BinaryToTerminal::kRefuse);
  Outcome outcome;
  outcome.terse = true;
  outcome.payload_on_stdout = true;
  for (const std::string& path : request.sources) {
    CLOISTER_TRY(Source source, Source::open(session, chain, path, "object.cat"));
    if (source.sealed().kind == Kind::kDirectory)
      return invalid("cat " + path + ": it is a directory; open it, or name an object in it");
    if (!output.is_terminal()) session.watch().begin("cat " + path);
    CLOISTER_RETURN_IF_ERROR(source.stream(request.offset, request.length.value_or(kEverything),
                                           [&](ByteView piece) { return output.write(piece); }));
    outcome.text += source.notes();
  }
  session.watch().end();
  outcome.json = {{"objects", request.sources.size()}, {"plaintext_bytes", output.bytes()}};
  return outcome;
}

}  // namespace

void add_open(CLI::App& app, Run& run) {
  auto request = std::make_shared<OpenRequest>();
  CLI::App* verb = add_verb(app, "open", "open a sealed object, log or directory", kOpenManual);
  verb->add_option("SOURCE", request->source, "what was sealed")->required();
  verb->add_option("TARGET", request->target, "where to, - for standard output; SOURCE without .sealed if left out");
  add_opening_key_options(*verb, request->keys);
  verb->add_flag("-f,--force", request->force, "replace the target; binary to a terminal");
  set_action(verb, run, request, open_anything);
}

void add_cat(CLI::App& app, Run& run) {
  auto request = std::make_shared<CatRequest>();
  CLI::App* verb = add_verb(app, "cat", "print objects or logs to standard output", kCatManual);
  verb->add_option("OBJECT", request->sources, "sealed objects or logs")->required();
  verb->add_option("--offset", request->offset, "first byte, counted from 0")->type_name("N");
  verb->add_option("--length", request->length, "how many bytes")->type_name("N");
  add_opening_key_options(*verb, request->keys);
  verb->add_flag("-f,--force", request->force, "binary to a terminal");
  set_action(verb, run, request, cat_objects);
}

}  // namespace cloister::cli
