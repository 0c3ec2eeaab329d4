// cloister model: signatures on models, made and verified without a home.
#include <algorithm>

#include "commands.h"
#include "model/sign.h"
#include "model_input.h"
#include "model_verbs.h"
#include "objects.h"

namespace cloister::cli {
namespace {

struct SignRequest {
  std::string model, key, certificates, signature;
  std::vector<std::string> ignored;
  bool symlinks = false, force = false;
};

struct VerifyRequest {
  std::string model, signature;
  LedgerOptions ledger;
  TrustOptions trust;
  bool symlinks = false, ignore_unsigned = false;
};

constexpr const char* kManual = R"(EXAMPLES
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out release.key
  openssl pkey -in release.key -pubout -out release.pub
  cloister model sign llama/ --key release.key
      every file of llama/, in llama/model.sig
  cloister model verify llama/ --key release.pub
  cloister model verify llama/ --signers signers.toml --json
  cloister model verify llama/ --root ca.pem --identity release@example.org
  cloister model check llama/
      what of it would run code when it is loaded

NOTES
  Signatures are those of OpenSSF model signing v1.0: other tools verify what is
  signed here, and the other way round. Nobody is trusted unless named. Exit
  status 3: a file was changed, added or removed, or the signature is damaged;
  4: no trusted signer's; 7: of a signer who counted once.
)";

std::vector<std::string> signature_inside(const model::Tree& tree, const Path& signature) {
  const std::string inside = tree.name_inside(signature);
  return inside.empty() ? std::vector<std::string>() : std::vector<std::string>{inside};
}

Result<Outcome> sign(Session& session, const SignRequest& request) {
  const Path signature = request.signature.empty() ? signature_beside(request.model) : Path(request.signature);
  CLOISTER_TRY(const model::Tree tree, model::Tree::open(request.model));
  CLOISTER_TRY(crypto::PrivateKey key, read_signing_key(request.key));
  std::vector<crypto::Certificate> chain;
  if (!request.certificates.empty()) {
    CLOISTER_TRY(chain, read_certificates(request.certificates, model::kCertificatesMax));
  }
  const Overwrite overwrite = request.force ? Overwrite::kReplace : Overwrite::kRefuse;
  {
    // Said before the model is read; what is written aside would be one of its files, so it isn't kept.
    CLOISTER_TRY([[maybe_unused]] const FileReplacement early, begin_target(signature, overwrite));
  }
  model::Describe how{{signature_inside(tree, signature), {}}, session.globals().threads};
  if (request.symlinks) how.rules.symlinks = model::Symlinks::kFollow;
  for (const std::string& path : request.ignored) {
    if (!model::is_ignorable(path)) return invalid("--ignore " + path + ": a path inside the model, without wildcards");
    how.rules.ignored.push_back(path);
  }
  CLOISTER_TRY(model::Statement statement, model::describe_model(tree, how, session.progress()));
  crypto::MemorySigner signer(std::move(key));
  CLOISTER_TRY(const model::Bundle bundle, model::sign_statement(statement, signer, chain));
  CLOISTER_TRY(FileReplacement target, begin_target(signature, overwrite));
  CLOISTER_RETURN_IF_ERROR(target.file().write_all(as_bytes(model::serialize_bundle(bundle) + "\n")));
  CLOISTER_RETURN_IF_ERROR(target.commit());
  Outcome outcome;
  outcome.text = signature.string() + ": " + count_text(statement.resources.size(), "file") +
                 " signed, root sha256:" + to_hex(statement.root) + "\n";
  outcome.json = {{"signature", signature.string()},
                  {"method", model::method_name(bundle.method)},
                  {"files", statement.resources.size()},
                  {"root", to_hex(statement.root)},
                  {"ignored", statement.ignored}};
  outcome.terse = true;
  return outcome;
}

Json differences_json(const model::Differences& differences) {
  return {{"changed", differences.changed}, {"missing", differences.missing}, {"not_signed", differences.extra}};
}

Outcome describe(const model::Signed& what, const model::Differences& differences, const std::string& path) {
  Outcome outcome;
  const model::Statement& statement = what.statement;
  for (const auto& [word, names] : {std::pair("changed", &differences.changed),
                                    {"missing", &differences.missing},
                                    {"not signed", &differences.extra}}) {
    for (const std::string& name : *names) outcome.text += std::string(word) + ": " + printable(name) + "\n";
  }
  for (const std::string& warning : what.warnings) outcome.text += "note: " + warning + "\n";
  outcome.text += printable(path) + (differences.none() ? ": signed by " : ": isn't what was signed by ") +
                  printable(what.signer) + (what.identity.empty() ? "" : " (" + printable(what.identity) + ")") + ", " +
                  count_text(statement.resources.size(), statement.shard_size ? "shard" : "file") +
                  ", root sha256:" + to_hex(statement.root) + "\n" + left_out_text(statement);
  outcome.json = {{"signer", what.signer},
                  {"identity", what.identity},
                  {"model", statement.subject},
                  {"root", to_hex(statement.root)},
                  {"files", statement.resources.size()},
                  {"ignored", statement.ignored},
                  {"differences", differences_json(differences)},
                  {"warnings", what.warnings}};
  return outcome;
}

Result<Outcome> verify(Session& session, const VerifyRequest& request) {
  const Path signature = request.signature.empty() ? signature_beside(request.model) : Path(request.signature);
  CLOISTER_TRY(const auto trusted, read_trust(request.trust));
  CLOISTER_TRY(const model::Bundle bundle, read_signature(signature));
  const std::string doing = "verify " + request.model;
  auto what = model::verify_signature(bundle, trusted, system_time());
  if (!what.ok()) return what.error().with_context(doing);
  CLOISTER_RETURN_IF_ERROR(check_against_ledger(request.ledger, trusted, *what).with_context(doing));
  CLOISTER_TRY(const model::Tree tree, model::Tree::open(request.model));
  model::CheckFiles how{.ignored = signature_inside(tree, signature), .threads = session.globals().threads};
  if (request.ignore_unsigned) how.unsigned_files = model::UnsignedFiles::kIgnore;
  if (request.symlinks) how.symlinks = model::Symlinks::kFollow;
  auto differences = model::compare_files(tree, what->statement, how, session.progress());
  if (!differences.ok()) return differences.error().with_context(doing);
  Outcome outcome = describe(*what, *differences, request.model);
  if (!differences->none()) {
    outcome.failure = Error(Code::kCorrupt, doing + ": " + model::to_text(*differences));
  }
  return outcome;
}

void add_signing(CLI::App& group, Run& run) {
  auto request = std::make_shared<SignRequest>();
  CLI::App* verb = add_verb(group, "sign", "sign every file of a model", kManual);
  verb->add_option("MODEL", request->model, "a directory or a file")->required();
  verb->add_option("--key", request->key, "the private key: PKCS #8 in PEM, on P-256 or P-384")->required();
  verb->add_option("--certificates", request->certificates, "of the key: PEM, the leaf first, without the root")
      ->type_name("FILE");
  verb->add_option("--signature", request->signature, "where it goes; else MODEL/model.sig, or FILE.sig")
      ->type_name("FILE");
  verb->add_option("--ignore", request->ignored, "a path inside the model to leave out; the signature says so");
  verb->add_flag("--allow-symlinks", request->symlinks, "follow symbolic links that stay inside the model");
  verb->add_flag("--force", request->force, "replace a signature that is there");
  set_action(verb, run, request, sign);
}

void add_verifying(CLI::App& group, Run& run) {
  auto request = std::make_shared<VerifyRequest>();
  CLI::App* verb = add_verb(group, "verify", "whether a model is what somebody trusted signed", kManual);
  verb->add_option("MODEL", request->model, "a directory or a file")->required();
  verb->add_option("--signature", request->signature, "where it is; else MODEL/model.sig, or FILE.sig")
      ->type_name("FILE");
  add_trust_options(*verb, request->trust);
  add_ledger_options(*verb, request->ledger);
  verb->add_flag("--allow-symlinks", request->symlinks, "follow links, where the signer did too");
  verb->add_flag("--ignore-unsigned-files", request->ignore_unsigned, "files that no signature covers are no finding");
  set_action(verb, run, request, verify);
}

}  // namespace

void add_model(CLI::App& app, Run& run) {
  CLI::App* group = add_verb(app, "model", "signatures on models, made and verified", kManual);
  group->require_subcommand(1);
  add_signing(*group, run);
  add_verifying(*group, run);
  add_model_check(*group, run);
  add_model_ledger(*group, run);
  add_model_open(*group, run);
}

}  // namespace cloister::cli
