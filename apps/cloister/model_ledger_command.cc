// cloister model ledger: which versions of a model may be loaded, signed.
#include "crypto/signer.h"
#include "model/sign.h"
#include "model_input.h"
#include "model_verbs.h"
#include "objects.h"

namespace cloister::cli {
namespace {

struct ChangeRequest {
  std::string ledger, seen, key, model, signature, version, reason;
};
struct ShowRequest {
  std::string ledger;
  TrustOptions trust;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister model ledger approve llama.ledger llama/ --version 1.2 --key release.key \
      --seen release.seen
  cloister model ledger withdraw llama.ledger --version 1.1 --reason "poisoned data" --key release.key \
      --seen release.seen
  cloister model verify llama/ --key release.pub --ledger llama.ledger --seen /var/lib/loader/llama.seen

NOTES
  A signature stays right for ever; the ledger says which versions still may be
  loaded. It is signed, and numbered: who verifies keeps the highest number and
  takes no older ledger. --seen is such a memory, of the loader's own, and of
  the signer's own, who would sign an old ledger anew otherwise: where somebody
  else can change it, an old ledger passes.
)";

model::TrustedSigner trusting(const crypto::PrivateKey& key) {
  model::TrustedSigner signer;
  signer.name = "the key given";
  signer.key = key.public_key();
  return signer;
}

// As it is, or a new one of that name where none was ever seen.
Result<model::Ledger> open_ledger(const Path& path, const crypto::PrivateKey& key, const std::string& model_name,
                                  LedgerMemory& memory) {
  const auto bundle = read_signature(path);
  if (!bundle.ok() && bundle.error().code() == Code::kNotFound) {
    if (memory.floor()) {
      return Error(Code::kDenied, "the ledger " + path.string() + " is gone, and number " +
                                      std::to_string(memory.floor()->sequence) + " was seen already");
    }
    if (!model_name.empty()) return model::Ledger{model_name, 0, {}};
  }
  if (!bundle.ok()) return bundle.error();
  const model::TrustedSigner signer = trusting(key);
  auto found = model::verify_ledger(*bundle, {&signer, 1}, system_time());
  const std::string doing = "read the ledger " + path.string();
  if (!found.ok()) return found.error().with_context(doing);
  CLOISTER_RETURN_IF_ERROR(memory.raise(found->ledger, *bundle).with_context(doing));
  return std::move(found->ledger);
}

Json version_json(const model::LedgerVersion& version) {
  Json json{{"version", version.version}, {"root", to_hex(version.root)}};
  if (version.withdrawn) json["withdrawn"] = *version.withdrawn;
  return json;
}

Outcome describe(const model::Ledger& ledger) {
  Outcome outcome;
  outcome.json = {{"model", ledger.model}, {"sequence", ledger.sequence}, {"versions", Json::array()}};
  Table table({"VERSION", "STATE", "ROOT"});
  for (const model::LedgerVersion& version : ledger.versions) {
    outcome.json["versions"].push_back(version_json(version));
    table.row({printable(version.version),
               version.withdrawn ? "withdrawn: " + printable(*version.withdrawn) : "approved", to_hex(version.root)});
  }
  outcome.text = printable(ledger.model) + ", ledger number " + std::to_string(ledger.sequence) + "\n" + table.text();
  return outcome;
}

Result<Outcome> write_ledger(const Path& path, const model::Ledger& ledger, crypto::PrivateKey key,
                             LedgerMemory& memory) {
  crypto::MemorySigner signer(std::move(key));
  CLOISTER_TRY(const model::Bundle bundle, model::sign_ledger(ledger, signer));
  CLOISTER_RETURN_IF_ERROR(write_file(path, as_bytes(model::serialize_bundle(bundle) + "\n"), Overwrite::kReplace));
  CLOISTER_RETURN_IF_ERROR(memory.raise(ledger, bundle));
  return describe(ledger);
}

Result<Outcome> approve(Session&, const ChangeRequest& request) {
  CLOISTER_TRY(crypto::PrivateKey key, read_signing_key(request.key));
  const Path signature = request.signature.empty() ? signature_beside(request.model) : Path(request.signature);
  CLOISTER_TRY(const model::Bundle bundle, read_signature(signature));
  const model::TrustedSigner signer = trusting(key);
  auto what = model::verify_signature(bundle, {&signer, 1}, system_time());
  if (!what.ok()) return what.error().with_context("approve " + request.model);
  CLOISTER_TRY(LedgerMemory memory, LedgerMemory::open(request.seen));
  CLOISTER_TRY(model::Ledger ledger, open_ledger(request.ledger, key, what->statement.subject, memory));
  CLOISTER_RETURN_IF_ERROR(model::approve(ledger, request.version, what->statement.root));
  return write_ledger(request.ledger, ledger, std::move(key), memory);
}

Result<Outcome> withdraw(Session&, const ChangeRequest& request) {
  CLOISTER_TRY(crypto::PrivateKey key, read_signing_key(request.key));
  CLOISTER_TRY(LedgerMemory memory, LedgerMemory::open(request.seen));
  CLOISTER_TRY(model::Ledger ledger, open_ledger(request.ledger, key, "", memory));
  CLOISTER_RETURN_IF_ERROR(model::withdraw(ledger, request.version, request.reason));
  return write_ledger(request.ledger, ledger, std::move(key), memory);
}

Result<Outcome> show(Session&, const ShowRequest& request) {
  CLOISTER_TRY(const auto trusted, read_trust(request.trust));
  CLOISTER_TRY(const model::Bundle bundle, read_signature(request.ledger));
  const auto found = model::verify_ledger(bundle, trusted, system_time());
  if (!found.ok()) return found.error().with_context("read the ledger " + request.ledger);
  return describe(found->ledger);
}

}  // namespace

void add_model_ledger(CLI::App& group, Run& run) {
  CLI::App* ledger = add_verb(group, "ledger", "which versions of a model may be loaded", kManual);
  ledger->require_subcommand(1);
  auto change = std::make_shared<ChangeRequest>();
  const auto changing = [&](const char* name, const char* about) {
    CLI::App* verb = add_verb(*ledger, name, about, "");
    verb->add_option("LEDGER", change->ledger, "its file")->required();
    verb->add_option("--version", change->version, "as people call it")->required();
    verb->add_option("--key", change->key, "the private key that signs model and ledger: PKCS #8 in PEM")
        ->required()
        ->type_name("FILE");
    verb->add_option("--seen", change->seen, "where the signer keeps which ledger was the newest")
        ->required()
        ->type_name("FILE");
    return verb;
  };
  CLI::App* approving = changing("approve", "a signed model becomes a version that may be loaded");
  approving->add_option("MODEL", change->model, "the model, whose signature is read")->required();
  approving->add_option("--signature", change->signature, "where that is")->type_name("FILE");
  set_action(approving, run, change, approve);
  CLI::App* withdrawing = changing("withdraw", "a version isn't loaded any more");
  withdrawing->add_option("--reason", change->reason, "why")->required();
  set_action(withdrawing, run, change, withdraw);
  auto shown = std::make_shared<ShowRequest>();
  CLI::App* showing = add_verb(*ledger, "show", "what a ledger says, verified", "");
  showing->add_option("LEDGER", shown->ledger, "its file")->required();
  add_trust_options(*showing, shown->trust);
  set_action(showing, run, shown, show);
}

}  // namespace cloister::cli
