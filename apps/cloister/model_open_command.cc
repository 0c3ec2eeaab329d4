// cloister model open: a sealed model, opened only as far as somebody trusted signed it.
#include "model/sealed_model.h"
#include "model_input.h"
#include "model_verbs.h"
#include "objects.h"

namespace cloister::cli {
namespace {

struct OpenRequest {
  std::string source, target;
  TrustOptions trust;
  LedgerOptions ledger;
  KeyOptions keys;
  bool force = false;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister model sign llama/ --key release.key
  cloister seal llama/ --dataset acme/llama
  cloister model open llama.sealed /scratch/llama --signed-by release.pub

NOTES
  The signature lies sealed among the files. It is verified first, then every
  file is held against it as it is opened: a file under its final name is one
  that was signed. Without TARGET everything is verified and nothing written.
  With --ledger and --seen a version that was withdrawn isn't opened.
)";

Status open_file(Session& session, const model::SealedModel& sealed, const std::string& name,
                 const OpenRequest& request) {
  if (request.target.empty()) {
    return sealed.read(name, session.globals().threads, session.progress(), [](ByteView) { return ok_status(); });
  }
  const Path path = Path(request.target) / name;
  CLOISTER_RETURN_IF_ERROR(cloister::create_directories(path.parent_path()));
  const Overwrite overwrite = request.force ? Overwrite::kReplace : Overwrite::kRefuse;
  CLOISTER_TRY(FileReplacement target, begin_target(path, overwrite, sealed.mode(name) & 0777 & ~current_umask()));
  CLOISTER_RETURN_IF_ERROR(sealed.read(name, session.globals().threads, session.progress(),
                                       [&](ByteView piece) { return target.file().write_all(piece); }));
  return target.commit();
}

Result<Outcome> open_model(Session& session, const OpenRequest& request) {
  CLOISTER_TRY(const auto trusted, read_trust(request.trust));
  CLOISTER_TRY(const Sealed sealed, look_at(request.source));
  if (sealed.kind != Kind::kDirectory) return invalid(request.source + " is no sealed directory");
  CLOISTER_TRY(KeyChain chain, KeyChain::create(session, request.keys, "open"));
  CLOISTER_TRY(const Wrappers wrappers, chain.for_opening(sealed.outline.preamble, sealed.outline.slots.newest));
  CLOISTER_TRY(const DirectoryKeySet keys, directory_keys(wrappers, Signing::kNo));
  const AuditNote note = note_for("model.open", sealed);
  const seal::DirectoryKeys opened = keys.keys();
  auto model = model::SealedModel::open(request.source, opened, trusted, system_time());
  if (!model.ok()) return session.record_failure(note.action, note.tenant, note.subject, model.error());
  const model::Statement& statement = model->what().statement;
  const Status listed = check_against_ledger(request.ledger, trusted, model->what());
  if (!listed.ok()) return session.record_failure(note.action, note.tenant, note.subject, listed.error());
  CLOISTER_RETURN_IF_ERROR(
      session.record(note.action, note.tenant, note.subject,
                     "begins: signed by " + model->what().signer + ", root " + to_hex(statement.root)));
  std::uint64_t bytes = 0;
  for (const std::string& name : model->names()) session.progress().expect(model->size(name));
  for (const std::string& name : model->names()) {
    const Status came = open_file(session, *model, name, request);
    if (!came.ok()) return session.record_failure(note.action, note.tenant, note.subject, came.error());
    bytes += model->size(name);
  }
  CLOISTER_RETURN_IF_ERROR(session.record(note.action, note.tenant, note.subject,
                                          "ends: " + count_text(model->names().size(), "file") + " as signed"));
  Outcome outcome;
  outcome.text = printable(request.source) + ": " + count_text(model->names().size(), "file") + ", " +
                 bytes_text(bytes) + (request.target.empty() ? " verified" : " opened") + ", signed by " +
                 printable(model->what().signer) + ", root sha256:" + to_hex(statement.root) + "\n" +
                 left_out_text(statement);
  outcome.json = {{"signer", model->what().signer}, {"root", to_hex(statement.root)},
                  {"files", model->names().size()}, {"bytes", bytes},
                  {"ignored", statement.ignored},   {"warnings", model->what().warnings}};
  outcome.terse = true;
  return outcome;
}

}  // namespace

void add_model_open(CLI::App& group, Run& run) {
  auto request = std::make_shared<OpenRequest>();
  CLI::App* verb = add_verb(group, "open", "a sealed model, as far as somebody trusted signed it", kManual);
  verb->add_option("SEALED", request->source, "a sealed directory")->required();
  verb->add_option("TARGET", request->target, "where the files go; else they are verified alone");
  verb->add_option("--signed-by", request->trust.keys, "a public key that counts: PEM")->type_name("FILE");
  verb->add_option("--signers", request->trust.signers, "a file that lists who counts")->type_name("FILE");
  add_ledger_options(*verb, request->ledger);
  verb->add_flag("--force", request->force, "replace files that are there");
  add_opening_key_options(*verb, request->keys);
  set_action(verb, run, request, open_model);
}

}  // namespace cloister::cli
