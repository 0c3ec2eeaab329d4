// cloister identity and cloister key-file: keys that live in files of their own.
#include "commands.h"
#include "crypto/hpke.h"
#include "kms/software_key.h"
#include "secret_input.h"

namespace cloister::cli {
namespace {

struct IdentityRequest {
  std::string file;
  std::string kem = "xwing";
};

struct KeyFileRequest {
  std::string file, passphrase_file;
  bool ask_passphrase = false;
};

constexpr const char* kIdentityManual = R"(EXAMPLES
  cloister identity new auditor.key > auditor.pub
  cloister seal report.pdf --tenant acme --recipient auditor.pub
  cloister open report.pdf.sealed --identity auditor.key

NOTES
  The file (mode 0600) is the private key; its recipient text is public and
  goes to whoever is to seal for it.
)";

constexpr const char* kKeyFileManual = R"(EXAMPLES
  cloister key-file new backup.key --passphrase
  cloister seal model.bin --dataset acme/models --software-key backup.key

NOTES
  A symmetric key in a file (mode 0600): a second way into what is sealed under
  it. A key file is never replaced.
)";

Result<Outcome> show_recipient(const crypto::HpkePrivateKey& key, const std::string& file) {
  Outcome outcome;
  outcome.text = key.public_key().text() + "\n";
  outcome.json = {{"file", file}, {"key_id", key.public_key().key_id()}, {"recipient", key.public_key().text()}};
  return outcome;
}

Result<Outcome> identity_new(Session& session, const IdentityRequest& request) {
  const auto kem = request.kem == "xwing" ? crypto::HpkeKem::kXWing : crypto::HpkeKem::kX25519;
  const auto key = crypto::HpkePrivateKey::generate(kem, session.random());
  CLOISTER_RETURN_IF_ERROR(write_identity_file(request.file, key));
  return show_recipient(key, request.file);
}

Result<Outcome> identity_show(Session&, const IdentityRequest& request) {
  CLOISTER_TRY(const crypto::HpkePrivateKey key, read_identity_file(request.file));
  return show_recipient(key, request.file);
}

Result<Outcome> key_file_new(Session& session, const KeyFileRequest& request) {
  if (!request.passphrase_file.empty() && request.ask_passphrase) {
    return invalid("--passphrase and --passphrase-file: one or the other");
  }
  std::optional<crypto::Secret> passphrase, again;
  if (!request.passphrase_file.empty()) {
    CLOISTER_TRY(passphrase, read_secret_file(request.passphrase_file));
  } else if (request.ask_passphrase) {
    CLOISTER_TRY(passphrase, ask_new_secret("passphrase of the key file", session.progress()));
  }
  if (passphrase) again = crypto::Secret::copy_of(passphrase->expose());
  CLOISTER_RETURN_IF_ERROR(
      kms::create_key_file(request.file, std::move(passphrase), crypto::Argon2Cost{}, session.random()));
  CLOISTER_TRY(const auto key, kms::SoftwareKey::open(request.file, std::move(again), session.random()));
  Outcome outcome;
  outcome.text = "made key " + key->key_id() + " in " + request.file + "\n";
  outcome.json = {{"file", request.file}, {"key_id", key->key_id()}};
  return outcome;
}

}  // namespace

void add_identity(CLI::App& app, Run& run) {
  auto request = std::make_shared<IdentityRequest>();
  CLI::App* group = add_verb(app, "identity", "make a private key to open with", kIdentityManual);
  group->require_subcommand(1);
  CLI::App* making = add_verb(*group, "new", "write a private key to FILE, print its recipient text", "");
  making->add_option("FILE", request->file, "where to; never replaced")->required();
  making->add_option("--kem", request->kem, "xwing resists quantum computers")
      ->check(CLI::IsMember({"x25519", "xwing"}))
      ->capture_default_str();
  set_action(making, run, request, identity_new);
  CLI::App* showing = add_verb(*group, "show", "print the recipient text of FILE", "");
  showing->add_option("FILE", request->file, "a private key")->required();
  set_action(showing, run, request, identity_show);
}

void add_key_file(CLI::App& app, Run& run) {
  auto request = std::make_shared<KeyFileRequest>();
  CLI::App* group = add_verb(app, "key-file", "make a symmetric key in a file", kKeyFileManual);
  group->require_subcommand(1);
  CLI::App* making = add_verb(*group, "new", "write a new key to FILE", "");
  making->add_option("FILE", request->file, "where to; never replaced")->required();
  making->add_flag("--passphrase", request->ask_passphrase, "under a passphrase, asked for");
  making->add_option("--passphrase-file", request->passphrase_file, "under the passphrase in FILE (0600)")
      ->type_name("FILE");
  set_action(making, run, request, key_file_new);
}

}  // namespace cloister::cli
