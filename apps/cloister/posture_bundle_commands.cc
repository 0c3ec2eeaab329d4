// cloister posture export, verify, retention: evidence that leaves the house, and how long it stays in it.
#include "base/base64.h"
#include "posture/evidence/redaction.h"
#include "posture/report/json.h"
#include "posture/report/terminal.h"
#include "posture_reports.h"
#include "posture_store.h"
#include "posture_verbs.h"
#include "verifier_key.h"

namespace cloister::cli {
namespace {

constexpr std::uint64_t kProofMax = 64 * 1024;

struct ExportRequest {
  StoreOptions store;
  std::string run, file, proof;
  bool redact_emails = false, without_raw = false, force = false;
};

struct VerifyRequest {
  std::vector<std::string> bundles;
  std::string key, proof;
  ReportFiles files;
};

struct RetentionRequest {
  StoreOptions store;
  std::int64_t days = 0;
  bool expire = false;
};

// A copy that says less: judged anew from what is left, and signed as what it is.
Result<std::string> shortened(const OpenedStore& store, const ExportRequest& request, posture::ReadBundle bundle,
                              const posture::RunFile& file) {
  posture::Materials& materials = bundle.contents.materials;
  for (posture::Fact& fact : materials.facts) {
    if (fact.method == posture::Method::kRecord) continue;  // its raw is the signature
    fact.raw = request.without_raw ? "" : posture::redact(fact.raw, posture::RedactEmails::kYes);
  }
  materials.facts = posture::settled(std::move(materials.facts));
  materials.context["shortened copy of"] = "run " + file.run + ", root " + posture::root_of(bundle.text);
  CLOISTER_TRY(const posture::Posture posture, posture::posture_of(materials));
  bundle.contents.verdicts = posture::verdicts_json(posture);
  CLOISTER_TRY(OpenedStore::SignedBundle copy, store.signed_bundle(bundle.contents, posture.run, "posture.export"));
  return std::move(copy.file);
}

Result<Outcome> export_run(Session& session, const ExportRequest& request) {
  const bool shortens = request.redact_emails || request.without_raw;
  if (shortens && !request.proof.empty()) {
    return invalid("--proof: a copy that says less is another run than the log's");
  }
  CLOISTER_TRY(const auto store, OpenedStore::open(session, request.store, OpenedStore::IfNone::kRefuse));
  CLOISTER_TRY(const posture::RunFile file, store->find(request.run));
  CLOISTER_TRY(std::string text, store->store().read(file));
  const audit::VerifierKey& key = store->key();
  CLOISTER_TRY(posture::ReadBundle bundle, posture::verify_signed(text, {&key, 1}).with_context("run " + file.run));
  // Before anything is put on record or written: a run that isn't on the log leaves nothing behind.
  std::string proof;
  if (!request.proof.empty()) {
    CLOISTER_TRY(const posture::LogProof made, store->log_proof(file.run));
    proof = posture::format_log_proof(made);
  }
  if (shortens) {
    CLOISTER_TRY(text, shortened(*store, request, std::move(bundle), file));
  } else {
    CLOISTER_RETURN_IF_ERROR(session.record("posture.export", "", file.run, "root " + posture::root_of(bundle.text)));
  }
  CLOISTER_RETURN_IF_ERROR(
      write_file(request.file, as_bytes(text), request.force ? Overwrite::kReplace : Overwrite::kRefuse, 0640));
  if (!request.proof.empty()) {
    CLOISTER_RETURN_IF_ERROR(
        write_file(request.proof, as_bytes(proof), request.force ? Overwrite::kReplace : Overwrite::kRefuse, 0640));
  }
  Outcome outcome;
  outcome.terse = true;
  outcome.text = "exported run " + file.run + " to " + printable(request.file) + ", signed by " +
                 printable(key.name()) + "\nto verify, anywhere: cloister posture verify " + printable(request.file) +
                 " --key " + key.text() + "\n";
  outcome.json = {{"run", file.run}, {"file", request.file}, {"key", key.text()}, {"bytes", text.size()}};
  return outcome;
}

struct Verified {
  posture::VerifiedBundle bundle;
  std::string file;
};

// Bundles are given oldest first; each must follow the one before it.
Status check_chain(const std::vector<Verified>& all) {
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (all[i].bundle.contents.previous == all[i - 1].bundle.root) continue;
    return Error(Code::kCorrupt, all[i].file + " isn't the run after that of " + all[i - 1].file);
  }
  return {};
}

// Of the last bundle. The head is for comparing with a witness's, or with a checkpoint of another day.
Status check_log_proof(const VerifyRequest& request, const audit::VerifierKey& key, const Verified& last,
                       Outcome& outcome) {
  CLOISTER_TRY(const Bytes text, read_file(request.proof, kProofMax));
  CLOISTER_TRY(const posture::LogProof proof, posture::parse_log_proof(as_text(text)).with_context(request.proof));
  CLOISTER_TRY(
      const audit::TreeHead head,
      posture::verify_log_proof(proof, {key}, last.bundle.posture.run, last.bundle.root).with_context(request.proof));
  outcome.text += "its root is record " + std::to_string(proof.record.index()) +
                  " of the audit log, under the head of " + count_text(head.size, "record") + ", root " +
                  to_base64(head.root) + "\n";
  outcome.json["log"] = {{"index", proof.record.index()}, {"size", head.size}, {"root", to_base64(head.root)}};
  return {};
}

Result<Outcome> verify(Session&, const VerifyRequest& request) {
  CLOISTER_TRY(const audit::VerifierKey key, read_verifier_key(request.key));
  std::vector<Verified> all;
  for (const std::string& file : request.bundles) {
    CLOISTER_TRY(const Bytes bytes, read_file(file, posture::kBundleSizeMax));
    CLOISTER_TRY(posture::VerifiedBundle bundle,
                 posture::verify_bundle(as_text(bytes), {&key, 1}, posture::built_in_catalogue()).with_context(file));
    all.push_back({std::move(bundle), file});
  }
  CLOISTER_RETURN_IF_ERROR(check_chain(all));
  const posture::Posture* before = all.size() > 1 ? &all[all.size() - 2].bundle.posture : nullptr;
  CLOISTER_RETURN_IF_ERROR(write_reports(all.back().bundle.posture, before, request.files));

  Outcome outcome;
  outcome.text = posture::report::terminal_report(all.back().bundle.posture);
  Json bundles = Json::array();
  for (const Verified& one : all) {
    outcome.text += "verified " + printable(one.file) + ": run " + one.bundle.posture.run + " at " +
                    to_rfc3339(one.bundle.posture.assessment.at) + ", " +
                    count_text(one.bundle.contents.materials.facts.size(), "fact") + ", signed by " +
                    printable(one.bundle.signer) + "; its verdicts are what its facts come to\n";
    for (const std::string& line : one.bundle.catalogue_differences) outcome.text += "  " + printable(line) + "\n";
    bundles.push_back({{"file", one.file},
                       {"run", one.bundle.posture.run},
                       {"signer", one.bundle.signer},
                       {"root", one.bundle.root},
                       {"previous", one.bundle.contents.previous},
                       {"catalogue_differences", one.bundle.catalogue_differences}});
  }
  outcome.json = {{"bundles", std::move(bundles)},
                  {"report", Json::parse(posture::report_json(all.back().bundle.posture))}};
  if (!request.proof.empty()) CLOISTER_RETURN_IF_ERROR(check_log_proof(request, key, all.back(), outcome));
  for (const Verified& one : all) {
    if (one.bundle.catalogue_differences.empty()) continue;
    outcome.failure = Error(Code::kDenied, one.file + ": " + one.bundle.catalogue_differences.front());
    break;
  }
  return outcome;
}

Result<Outcome> retention(Session& session, const RetentionRequest& request) {
  CLOISTER_TRY(const auto store, OpenedStore::open(session, request.store, OpenedStore::IfNone::kRefuse));
  if (request.days != 0) {
    CLOISTER_RETURN_IF_ERROR(
        session.record("posture.retention", "", "evidence", std::to_string(request.days) + " days"));
    CLOISTER_RETURN_IF_ERROR(store->store().set_retention_days(request.days));
  }
  CLOISTER_TRY(const std::int64_t days, store->store().retention_days());
  Outcome outcome;
  outcome.text = "runs are kept for " + std::to_string(days) + " days\n";
  Json removed = Json::array();
  if (request.expire) {
    CLOISTER_RETURN_IF_ERROR(
        session.record("posture.expire", "", "evidence", "runs older than " + std::to_string(days) + " days"));
    CLOISTER_TRY(const auto expired, store->store().expire(session.caller().now));
    for (const posture::RunFile& file : expired) removed.push_back(file.run);
    outcome.text += "removed " + count_text(expired.size(), "run") + "\n";
  }
  CLOISTER_TRY(const auto runs, store->store().runs());
  outcome.text += "there are " + count_text(runs.size(), "run") + "\n";
  outcome.json = {{"retention_days", days}, {"removed", std::move(removed)}, {"runs", runs.size()}};
  return outcome;
}

}  // namespace

void add_posture_bundles(CLI::App& group, Run& run) {
  auto exporting = std::make_shared<ExportRequest>();
  CLI::App* verb = add_verb(group, "export", "a run with all its evidence, for an auditor", "");
  verb->add_option("RUN", exporting->run, "its id, or how that begins; else the newest");
  verb->add_option("-o,--output", exporting->file, "the bundle")->required()->type_name("FILE");
  verb->add_option("--proof", exporting->proof, "write the proof that the audit log has the run")->type_name("FILE");
  verb->add_flag("--redact-emails", exporting->redact_emails,
                 "a copy whose raw answers are without e-mail addresses; other values stay. Judged and signed anew");
  verb->add_flag("--without-raw", exporting->without_raw, "a copy without raw answers, judged and signed anew");
  verb->add_flag("-f,--force", exporting->force, "replace a file that is there");
  add_store_options(*verb, exporting->store);
  set_action(verb, run, exporting, export_run);

  auto verifying = std::make_shared<VerifyRequest>();
  verb = add_verb(group, "verify", "bundles: signature, every fact, and every verdict computed again", R"(NOTES
  Needs no home and no network. Several bundles are given oldest first, and each
  must follow the one before it. Status 3: something isn't what was signed, or a
  verdict isn't what its facts come to. Status 4: nobody known signed it, or its
  catalogue isn't the one of this program, if only in its words.
)");
  verb->add_option("BUNDLE", verifying->bundles, "the files")->required();
  verb->add_option("--key", verifying->key, "the key `cloister audit key -` prints, or a file that holds it")
      ->required()
      ->type_name("KEY");
  verb->add_option("--proof", verifying->proof, "that the audit log has the last bundle's run: `export --proof`")
      ->type_name("FILE");
  add_report_options(*verb, verifying->files);
  set_action(verb, run, verifying, verify);

  auto keeping = std::make_shared<RetentionRequest>();
  verb = add_verb(group, "retention", "for how long runs are kept; removes what is older", "");
  verb->add_option("DAYS", keeping->days, "from now on so long, 183 at least");
  verb->add_flag("--expire", keeping->expire, "remove runs that are older, except the newest");
  add_store_options(*verb, keeping->store);
  set_action(verb, run, keeping, retention);
}

}  // namespace cloister::cli
