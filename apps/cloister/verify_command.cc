// cloister verify: every byte of what was sealed, and of directories that nothing is missing, extra or moved.
#include <algorithm>

#include "commands.h"
#include "objects.h"

namespace cloister::cli {
namespace {

struct VerifyRequest {
  std::vector<std::string> paths;
  KeyOptions keys;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister verify train.sealed model.sealed inference.log.sealed

NOTES
  Reads everything: both copies of the key slots, padding, every tag, the
  footer, the payload digest where there is one; for a directory the manifest's
  signature too, and that exactly the files it lists are there. One line for
  each finding. The exit status is 3 as soon as anything that was looked at is
  wrong, a path that holds nothing sealed included. What couldn't be looked at
  isn't verified, and is a finding as well: no key here opens it (4), nothing
  is there (5), and so on as below; of several the highest, and 3 before all.
)";

struct Tally {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::string text;
  Json findings = Json::array();
  Json notes = Json::array();
  bool wrong_found = false;
  std::optional<Code> unseen;

  // Looked at, and not as it should be.
  void wrong(const std::string& path, const std::string& problem) {
    add(path, Code::kCorrupt, problem);
    wrong_found = true;
  }
  // Not looked at, or not to the end.
  void not_seen(const std::string& path, const Error& error) {
    add(path, error.code(), error.message());
    if (!unseen || exit_status(error.code()) > exit_status(*unseen)) unseen = error.code();
  }
  std::optional<Code> verdict() const { return wrong_found ? Code::kCorrupt : unseen; }
  void add(const std::string& path, Code code, const std::string& problem) {
    text += "finding: " + path + ": " + printable(problem) + "\n";
    findings.push_back({{"path", path}, {"code", code_name(code)}, {"problem", problem}});
  }
  void note(const std::string& path, const std::string& what) {
    text += "note: " + path + ": " + what + "\n";
    notes.push_back({{"path", path}, {"note", what}});
  }
};

Status verify_object(Session& session, const Sealed& sealed, const Wrappers& wrappers, Tally& tally) {
  CLOISTER_TRY(File file, File::open(sealed.path));
  CLOISTER_TRY(const seal::ObjectReader reader, seal::ObjectReader::open(std::move(file), wrappers.list));
  session.progress().expect(reader.size());
  CLOISTER_RETURN_IF_ERROR(reader.verify(session.globals().threads, session.progress()));
  ++tally.objects;
  tally.bytes += reader.size();
  const auto& slots = sealed.outline.slots.newest.slots;
  if (const unsigned needed = seal::shares_needed(slots); needed != 0) {
    tally.note(
        sealed.path.string(),
        "its key is shared: " + std::to_string(needed) + " of " +
            count_text(static_cast<std::uint64_t>(std::ranges::count_if(slots, &seal::Slot::is_share)), "share") +
            " open it; those that weren't needed now weren't tried");
  }
  return {};
}

Status verify_log(Session& session, const Sealed& sealed, const Wrappers& wrappers, Tally& tally) {
  CLOISTER_TRY(const File file, File::open(sealed.path));
  CLOISTER_TRY(LogProgress told, LogProgress::begin(file, session.progress()));
  const auto counting = [&told](ByteView piece) { return told.came(piece); };
  CLOISTER_TRY(const seal::LogSummary summary, seal::read_log(file, wrappers.list, counting));
  ++tally.objects;
  tally.bytes += summary.plaintext_bytes;
  const std::string path = sealed.path.string();
  if (!summary.outline.log_ended) tally.note(path, "the log is open: frames missing at its end couldn't be noticed");
  if (summary.outline.torn_bytes > 0) {
    tally.note(path, bytes_text(summary.outline.torn_bytes) + " of a torn tail, never acknowledged");
  }
  return {};
}

Status verify_folder(Session& session, const Sealed& sealed, const Wrappers& wrappers, Tally& tally) {
  CLOISTER_TRY(const DirectoryKeySet keys, directory_keys(wrappers, Signing::kNo));
  const std::size_t before = tally.findings.size();
  const auto report = [&](const seal::DirectoryFinding& finding) {
    tally.wrong((sealed.path / finding.name).string(), finding.problem);
  };
  const auto done =
      seal::verify_directory(sealed.path, keys.keys(), session.globals().threads, report, session.progress());
  if (!done.ok()) {
    // The findings were reported one by one; only what stopped everything is news.
    return tally.findings.size() > before && done.error().code() == Code::kCorrupt ? ok_status() : Status(done.error());
  }
  tally.objects += done.value().objects_kept + done.value().objects_sealed;
  tally.bytes += done.value().plaintext_bytes;
  return {};
}

Status verify_one(Session& session, KeyChain& chain, const Sealed& sealed, Tally& tally) {
  auto wrappers = chain.for_opening(sealed.outline.preamble, sealed.outline.slots.newest);
  if (!wrappers.ok()) return wrappers.error();
  switch (sealed.kind) {
    case Kind::kObject: return verify_object(session, sealed, *wrappers, tally);
    case Kind::kLog: return verify_log(session, sealed, *wrappers, tally);
    case Kind::kDirectory: return verify_folder(session, sealed, *wrappers, tally);
  }
  return {};
}

// False when it was interrupted.
Result<bool> verify_path(Session& session, KeyChain& chain, const std::string& path, Tally& tally) {
  const auto sealed = look_at(path);
  if (!sealed.ok()) {
    const Error& error = sealed.error();
    // Bytes that were read and are no sealed object were looked at.
    const bool read = error.code() == Code::kCorrupt || (error.code() == Code::kInvalid && path != "-");
    if (read) {
      tally.wrong(path, error.message());
    } else {
      tally.not_seen(path, error);
    }
    return true;
  }
  const AuditNote note = note_for("object.verify", sealed.value());
  const std::size_t before = tally.findings.size();
  const Status status = verify_one(session, chain, sealed.value(), tally);
  if (session.progress().stop_requested()) {
    tally.not_seen(path, Error(Code::kUnavailable, "interrupted"));
    return false;
  }
  if (!status.ok() && status.error().code() == Code::kCorrupt) tally.wrong(path, status.error().message());
  if (!status.ok() && status.error().code() != Code::kCorrupt) tally.not_seen(path, status.error());
  const std::size_t found = tally.findings.size() - before;
  if (found == 0) {
    CLOISTER_RETURN_IF_ERROR(session.record(note.action, note.tenant, note.subject, "no findings"));
    return true;
  }
  const Error finding(status.ok() ? Code::kCorrupt : status.error().code(), count_text(found, "finding"));
  const Status recorded = session.record_refusal(note.action, note.tenant, note.subject, finding);
  if (!recorded.ok()) tally.not_seen(path, recorded.error());
  return true;
}

Result<Outcome> verify_paths(Session& session, const VerifyRequest& request) {
  CLOISTER_TRY(KeyChain chain, KeyChain::create(session, request.keys, "verify"));
  Tally tally;
  const double started = monotonic_seconds();
  session.watch().begin("verify");
  bool whole = true;
  for (std::size_t i = 0; i < request.paths.size() && whole; ++i) {
    CLOISTER_TRY(whole, verify_path(session, chain, request.paths[i], tally));
  }
  session.watch().end();

  const double seconds = monotonic_seconds() - started;
  Outcome outcome;
  outcome.terse = tally.findings.empty();
  outcome.text = tally.text + "verified " + count_text(tally.objects, "object") + ", " + bytes_text(tally.bytes) +
                 " in " + seconds_text(seconds) + " (" + rate_text(tally.bytes, seconds) +
                 "): " + (tally.findings.empty() ? "no findings" : count_text(tally.findings.size(), "finding")) + "\n";
  outcome.json = {{"objects", tally.objects},
                  {"plaintext_bytes", tally.bytes},
                  {"seconds", seconds},
                  {"findings", tally.findings},
                  {"notes", tally.notes}};
  if (const auto verdict = tally.verdict()) {
    outcome.failure =
        Error(*verdict, "verify: " + count_text(tally.findings.size(), "finding") + (whole ? "" : ", interrupted"));
  }
  return outcome;
}

}  // namespace

void add_verify(CLI::App& app, Run& run) {
  auto request = std::make_shared<VerifyRequest>();
  CLI::App* verb = add_verb(app, "verify", "check every byte of objects, logs and directories", kManual);
  verb->add_option("PATH", request->paths, "what to verify")->required();
  add_opening_key_options(*verb, request->keys);
  set_action(verb, run, request, verify_paths);
}

}  // namespace cloister::cli
