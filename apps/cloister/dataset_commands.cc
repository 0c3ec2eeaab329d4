// cloister dataset: datasets, their keys, their recipients, and keyrings that travel.
#include <algorithm>

#include "commands.h"
#include "cost.h"
#include "crypto/hpke.h"
#include "crypto/passphrase.h"
#include "secret_input.h"

namespace cloister::cli {
namespace {

struct DatasetRequest {
  std::string name, file;
  std::uint32_t version = 0;
  std::string recipient, identity, passphrase_file, confirm;
  std::string kem = "xwing";
};

constexpr const char* kManual = R"(EXAMPLES
  cloister dataset create acme/mnist
  cloister dataset rotate-key acme/mnist && cloister rewrap mnist.sealed
  cloister dataset export acme/mnist mnist.keyring --recipient partner.pub
  cloister dataset import mnist.keyring --identity partner.key
  cloister dataset recipient add acme/logs
      prints a public key: writers who have it can append to the dataset's
      logs without being able to read them

NOTES
  A dataset's key wraps the data keys of its objects. After rotate-key new
  objects use the new version; `cloister rewrap` brings old ones to it, then
  the old version can be disabled, and destroyed once nothing needs it:
    dataset destroy-key acme/mnist --version 1 --confirm acme/mnist/1
  The newest can't be: rotate first. An exported keyring can be opened by whom it
  was exported to, and by nobody else; its tenant must exist where it is
  imported.
)";

constexpr std::uint64_t kKeyringMax = 64 << 20;

std::string_view state_name(seal::DatasetKeyState state) {
  switch (state) {
    case seal::DatasetKeyState::kPrimary: return "primary";
    case seal::DatasetKeyState::kEnabled: return "enabled";
    case seal::DatasetKeyState::kDisabled: return "disabled";
    case seal::DatasetKeyState::kDestroyed: return "destroyed";
  }
  return "unknown";
}

std::string full_name(const keys::DatasetRecord& record) {
  return keys::DatasetName{record.tenant, record.environment, record.dataset}.text();
}

Result<seal::KeyringOutline> outline_of(Session& session, const DatasetRequest& request) {
  CLOISTER_TRY(const keys::DatasetName name, keys::parse_dataset_name(request.name));
  CLOISTER_TRY(keys::Store * store, session.store());
  CLOISTER_TRY(const keys::DatasetRecord record, store->dataset(name.tenant, name.environment, name.dataset));
  return seal::parse_keyring(record.keyring).with_context("read the keyring of " + name.text());
}

Result<Outcome> create(Session& session, const DatasetRequest& request) {
  CLOISTER_TRY(const keys::DatasetName name, keys::parse_dataset_name(request.name));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  const CostMeter meter(hierarchy->store());
  CLOISTER_RETURN_IF_ERROR(hierarchy->create_dataset(name, session.caller()));
  Outcome outcome = cost_outcome("created dataset " + name.text() + ", key version 1", meter.stop(1));
  outcome.json["dataset"] = name.text();
  outcome.json["version"] = 1;
  return outcome;
}

Result<Outcome> list(Session& session, const DatasetRequest& request) {
  CLOISTER_TRY(keys::Store * store, session.store());
  std::vector<keys::TenantRecord> tenants;
  if (request.name.empty()) {
    CLOISTER_TRY(tenants, store->tenants());
  } else {
    CLOISTER_TRY(const keys::TenantName name, keys::parse_tenant_name(request.name));
    CLOISTER_TRY(keys::TenantRecord tenant, store->tenant(name.tenant, name.environment));
    tenants.push_back(std::move(tenant));
  }
  Table table({"DATASET", "KEY VERSIONS", "RECIPIENTS", "KEYRING", "CREATED"});
  Json rows = Json::array();
  for (const keys::TenantRecord& tenant : tenants) {
    CLOISTER_TRY(const auto datasets, store->datasets(tenant.tenant, tenant.environment));
    for (const keys::DatasetRecord& record : datasets) {
      CLOISTER_TRY(const auto ring, seal::parse_keyring(record.keyring).with_context("read " + full_name(record)));
      table.row({full_name(record), std::to_string(ring.keys.size()), std::to_string(ring.recipients.size()),
                 to_hex(ring.keyring_id).substr(0, 16), to_rfc3339(record.created)});
      rows.push_back({{"dataset", full_name(record)},
                      {"key_versions", ring.keys.size()},
                      {"recipients", ring.recipients.size()},
                      {"keyring_id", to_hex(ring.keyring_id)},
                      {"created", to_rfc3339(record.created)}});
    }
  }
  Outcome outcome;
  outcome.text = rows.empty() ? "no datasets yet: cloister dataset create TENANT/NAME\n" : table.text();
  outcome.json = {{"datasets", rows}};
  return outcome;
}

Result<Outcome> show(Session& session, const DatasetRequest& request) {
  CLOISTER_TRY(const seal::KeyringOutline ring, outline_of(session, request));
  Outcome outcome;
  outcome.text = "dataset " + request.name + ", keyring " + to_hex(ring.keyring_id) + ", wrapped by KEK version " +
                 std::to_string(ring.ring_key.key_version) + "\n";
  outcome.json = {{"dataset", request.name},
                  {"keyring_id", to_hex(ring.keyring_id)},
                  {"sequence", ring.sequence},
                  {"kek_version", ring.ring_key.key_version},
                  {"signing_public_key", to_hex(ring.signing_public_key)},
                  {"keys", Json::array()},
                  {"recipients", Json::array()}};
  Table table({"  VERSION", "STATE", "CREATED"});
  for (const seal::DatasetKeyEntry& key : ring.keys) {
    table.row({"  " + std::to_string(key.version), std::string(state_name(key.state)), to_rfc3339(key.created)});
    outcome.json["keys"].push_back(
        {{"version", key.version}, {"state", state_name(key.state)}, {"created", to_rfc3339(key.created)}});
  }
  outcome.text += table.text();
  for (const crypto::HpkePublicKey& recipient : ring.recipients) {
    outcome.text += "  recipient " + recipient.key_id() + "\n";
    outcome.json["recipients"].push_back({{"key_id", recipient.key_id()}, {"recipient", recipient.text()}});
  }
  return outcome;
}

Result<Outcome> rotate_key(Session& session, const DatasetRequest& request) {
  CLOISTER_TRY(const keys::DatasetName name, keys::parse_dataset_name(request.name));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(const keys::Cost cost, hierarchy->rotate_dataset_key(name, session.caller()));
  CLOISTER_TRY(const seal::KeyringOutline ring, outline_of(session, request));
  const std::uint32_t version = ring.keys.back().version;
  Outcome outcome = cost_outcome("rotated the key of " + name.text() + " to version " + std::to_string(version) +
                                     "; `cloister rewrap` brings sealed objects to it",
                                 cost);
  outcome.json["dataset"] = name.text();
  outcome.json["version"] = version;
  return outcome;
}

template <seal::DatasetKeyState kState>
Result<Outcome> set_state(Session& session, const DatasetRequest& request) {
  CLOISTER_TRY(const keys::DatasetName name, keys::parse_dataset_name(request.name));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  const CostMeter meter(hierarchy->store());
  CLOISTER_RETURN_IF_ERROR(hierarchy->set_dataset_key_state(name, request.version, kState, session.caller()));
  Outcome outcome = cost_outcome("key version " + std::to_string(request.version) + " of " + name.text() + " is " +
                                     std::string(state_name(kState)),
                                 meter.stop(1));
  outcome.json["dataset"] = name.text();
  outcome.json["version"] = request.version;
  outcome.json["state"] = state_name(kState);
  return outcome;
}

Result<Outcome> destroy_key(Session& session, const DatasetRequest& request) {
  CLOISTER_TRY(const keys::DatasetName name, keys::parse_dataset_name(request.name));
  const std::string exact = name.text() + "/" + std::to_string(request.version);
  if (request.confirm != exact) {
    return invalid("destroying key version " + exact +
                   " can't be undone, and no copy of an object that wasn't rewrapped to a newer version opens by this "
                   "dataset's keys again: repeat its name with --confirm " +
                   exact);
  }
  CLOISTER_TRY(Outcome outcome, set_state<seal::DatasetKeyState::kDestroyed>(session, request));
  outcome.text = "destroyed key version " + exact + ": objects still under it are unreadable for good\n" +
                 outcome.text.substr(outcome.text.find('\n') + 1);
  return outcome;
}

Result<crypto::PassphraseWrapper> passphrase_wrapper(Session& session, const std::string& path) {
  CLOISTER_TRY(crypto::Secret passphrase, read_secret_file(path));
  return crypto::PassphraseWrapper::create(std::move(passphrase), crypto::Argon2Cost{}, session.random());
}

Result<Outcome> export_keyring(Session& session, const DatasetRequest& request) {
  if (request.recipient.empty() == request.passphrase_file.empty()) {
    return invalid("export to whom? either --recipient KEY or --passphrase-file FILE");
  }
  CLOISTER_TRY(const keys::DatasetName name, keys::parse_dataset_name(request.name));
  std::unique_ptr<crypto::KeyWrapper> target;
  if (request.recipient.empty()) {
    CLOISTER_TRY(auto wrapper, passphrase_wrapper(session, request.passphrase_file));
    target = std::make_unique<crypto::PassphraseWrapper>(std::move(wrapper));
  } else {
    CLOISTER_TRY(auto recipient, parse_recipient(request.recipient));
    target = std::make_unique<crypto::HpkeSealer>(std::move(recipient), session.random());
  }
  CLOISTER_TRY(auto file, FileReplacement::begin(request.file, Overwrite::kRefuse, 0600));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  const CostMeter meter(hierarchy->store());
  CLOISTER_TRY(const Bytes bytes, hierarchy->export_keyring(name, *target, session.caller()));
  CLOISTER_RETURN_IF_ERROR(file.file().write_all(bytes));
  CLOISTER_RETURN_IF_ERROR(file.commit());
  Outcome outcome =
      cost_outcome("exported the keyring of " + name.text() + " to " + request.file, meter.stop(1, bytes.size()));
  outcome.json["dataset"] = name.text();
  outcome.json["file"] = request.file;
  outcome.json["bytes"] = bytes.size();
  return outcome;
}

Result<Outcome> import_keyring(Session& session, const DatasetRequest& request) {
  if (request.identity.empty() == request.passphrase_file.empty()) {
    return invalid("opened by what? either --identity FILE or --passphrase-file FILE");
  }
  std::unique_ptr<crypto::KeyWrapper> source;
  if (request.identity.empty()) {
    CLOISTER_TRY(auto wrapper, passphrase_wrapper(session, request.passphrase_file));
    source = std::make_unique<crypto::PassphraseWrapper>(std::move(wrapper));
  } else {
    CLOISTER_TRY(auto identity, read_identity_file(request.identity));
    source = std::make_unique<crypto::HpkeOpener>(std::move(identity), session.random());
  }
  CLOISTER_TRY(const Bytes bytes, read_file(request.file, kKeyringMax));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  const CostMeter meter(hierarchy->store());
  CLOISTER_TRY(const keys::DatasetName name, hierarchy->import_keyring(bytes, *source, session.caller()));
  Outcome outcome = cost_outcome("imported dataset " + name.text(), meter.stop(1));
  outcome.json["dataset"] = name.text();
  return outcome;
}

Result<Outcome> recipient_add(Session& session, const DatasetRequest& request) {
  CLOISTER_TRY(const keys::DatasetName name, keys::parse_dataset_name(request.name));
  const auto kem = request.kem == "xwing" ? crypto::HpkeKem::kXWing : crypto::HpkeKem::kX25519;
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  const CostMeter meter(hierarchy->store());
  CLOISTER_TRY(const crypto::HpkePublicKey key, hierarchy->add_recipient(name, kem, session.caller()));
  Outcome outcome = cost_outcome("", meter.stop(1));
  // The text is the key and nothing else: it goes into a file.
  outcome.terse = false;
  outcome.text = key.text() + "\n";
  outcome.json["dataset"] = name.text();
  outcome.json["key_id"] = key.key_id();
  outcome.json["recipient"] = key.text();
  return outcome;
}

Result<Outcome> recipient_list(Session& session, const DatasetRequest& request) {
  CLOISTER_TRY(const seal::KeyringOutline ring, outline_of(session, request));
  Outcome outcome;
  Json rows = Json::array();
  for (const crypto::HpkePublicKey& recipient : ring.recipients) {
    outcome.text += recipient.text() + "\n";
    rows.push_back({{"key_id", recipient.key_id()}, {"recipient", recipient.text()}});
  }
  outcome.json = {{"dataset", request.name}, {"recipients", rows}};
  return outcome;
}

void add_name(CLI::App* verb, DatasetRequest& request) {
  verb->add_option("DATASET", request.name, "TENANT/NAME or TENANT/ENVIRONMENT/NAME")->required();
}

void add_travel(CLI::App& group, Run& run, const std::shared_ptr<DatasetRequest>& request) {
  CLI::App* exporting = add_verb(group, "export", "a keyring for somebody else, under their key", "");
  add_name(exporting, *request);
  exporting->add_option("FILE", request->file, "where to, NAME.keyring")->required();
  exporting->add_option("--recipient", request->recipient, "whose public key opens it")->type_name("KEY");
  exporting->add_option("--passphrase-file", request->passphrase_file, "the passphrase that opens it")
      ->type_name("FILE");
  set_action(exporting, run, request, export_keyring);
  CLI::App* importing = add_verb(group, "import", "take over an exported keyring", "");
  importing->add_option("FILE", request->file, "the exported keyring")->required();
  importing->add_option("--identity", request->identity, "the private key it was exported to")->type_name("FILE");
  importing->add_option("--passphrase-file", request->passphrase_file, "the passphrase that opens it")
      ->type_name("FILE");
  set_action(importing, run, request, import_keyring);
  CLI::App* recipients = add_verb(group, "recipient", "public keys that write to a dataset", "");
  recipients->require_subcommand(1);
  CLI::App* adding = add_verb(*recipients, "add", "make one; its private half stays in the keyring", "");
  add_name(adding, *request);
  adding->add_option("--kem", request->kem, "xwing resists quantum computers")
      ->check(CLI::IsMember({"x25519", "xwing"}))
      ->capture_default_str();
  set_action(adding, run, request, recipient_add);
  CLI::App* listing = add_verb(*recipients, "list", "list them", "");
  add_name(listing, *request);
  set_action(listing, run, request, recipient_list);
}

}  // namespace

void add_dataset(CLI::App& app, Run& run) {
  CLI::App* group = add_verb(app, "dataset", "make datasets, rotate their keys, hand keyrings on", kManual);
  group->require_subcommand(1);
  auto request = std::make_shared<DatasetRequest>();
  CLI::App* creating = add_verb(*group, "create", "make a dataset with its first key", "");
  add_name(creating, *request);
  set_action(creating, run, request, create);
  CLI::App* listing = add_verb(*group, "list", "list datasets", "");
  listing->add_option("TENANT", request->name, "only this tenant's");
  set_action(listing, run, request, list);
  CLI::App* showing = add_verb(*group, "show", "show one dataset's key versions and recipients", "");
  add_name(showing, *request);
  set_action(showing, run, request, show);
  CLI::App* rotating = add_verb(*group, "rotate-key", "a new version of the dataset key", "");
  add_name(rotating, *request);
  set_action(rotating, run, request, rotate_key);
  const auto on_version = [&](const char* name, const char* about, auto action) {
    CLI::App* verb = add_verb(*group, name, about, "");
    add_name(verb, *request);
    verb->add_option("--version", request->version, "which version")->type_name("N")->required();
    set_action(verb, run, request, action);
    return verb;
  };
  on_version("disable-key", "a version that opens nothing until it is enabled",
             set_state<seal::DatasetKeyState::kDisabled>);
  on_version("enable-key", "enable a disabled version", set_state<seal::DatasetKeyState::kEnabled>);
  on_version("destroy-key", "destroy an old version, for good", destroy_key)
      ->add_option("--confirm", request->confirm, "the version's name again, DATASET/VERSION")
      ->type_name("NAME");
  add_travel(*group, run, request);
}

}  // namespace cloister::cli
