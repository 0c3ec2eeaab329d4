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
  each finding; the exit status is 3 when there is any. A path that no key here
  opens counts as a finding: what couldn't be looked at isn't verified.
)";

struct Tally {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::string text;
  Json findings = Json::array();
  Json notes = Json::array();
  std::optional<Code> worst;

  void finding(const std::string& path, const Error& error) {
    text += "finding: " + path + ": " + printable(error.message()) + "\n";
    findings.push_back({{"path", path}, {"code", code_name(error.code())}, {"problem", error.message()}});
    if (!worst || error.code() == Code::kCorrupt) worst = error.code();
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
  return {};
}

Status verify_log(Session& session, const Sealed& sealed, const Wrappers& wrappers, Tally& tally) {
  CLOISTER_TRY(const File file, File::open(sealed.path));
  Progress& progress = session.progress();
  const auto counting = [&progress](ByteView piece) -> Status {
    progress.add(piece.size());
    return progress.stop_requested() ? Status(Error(Code::kUnavailable, "interrupted")) : ok_status();
  };
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
    tally.finding((sealed.path / finding.name).string(), Error(Code::kCorrupt, finding.problem));
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

Result<Outcome> verify_paths(Session& session, const VerifyRequest& request) {
  CLOISTER_TRY(KeyChain chain, KeyChain::create(session, request.keys, "verify"));
  Tally tally;
  const double started = monotonic_seconds();
  session.watch().begin("verify");
  for (const std::string& path : request.paths) {
    const auto sealed = look_at(path);
    if (!sealed.ok()) {
      tally.finding(path, sealed.error());
      continue;
    }
    const AuditNote note = note_for("object.verify", sealed.value());
    const std::size_t before = tally.findings.size();
    const Status status = verify_one(session, chain, sealed.value(), tally);
    if (session.progress().stop_requested()) return Error(Code::kUnavailable, "verify: interrupted");
    if (!status.ok()) tally.finding(path, status.error());
    const std::size_t found = tally.findings.size() - before;
    if (found == 0) {
      CLOISTER_RETURN_IF_ERROR(session.record(note.action, note.tenant, note.subject, "no findings"));
    } else {
      ignore_result(session.record_failure(note.action, note.tenant, note.subject,
                                           Error(Code::kCorrupt, count_text(found, "finding"))));
    }
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
  if (tally.worst) outcome.failure = Error(*tally.worst, "verify: " + count_text(tally.findings.size(), "finding"));
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
