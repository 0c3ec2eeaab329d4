#include "key_chain.h"

#include <unistd.h>

#include <algorithm>

#include "crypto/hpke.h"
#include "crypto/passphrase.h"
#include "kms/pkcs11/pkcs11_key.h"
#include "kms/service_wrapper.h"
#include "kms/software_key.h"
#include "secret_input.h"

namespace cloister::cli {
namespace {

void add_stored_key_options(CLI::App& verb, KeyOptions& options) {
  add_repeatable(verb, "--passphrase-file", options.passphrase_files, "a passphrase, read from FILE (0600)")
      ->type_name("FILE");
  verb.add_flag("--passphrase", options.ask_passphrase, "a passphrase, asked for on the terminal");
  add_repeatable(verb, "--software-key", options.software_keys, "a key file made by `cloister key-file new`")
      ->type_name("FILE");
  verb.add_option("--software-key-passphrase-file", options.software_key_passphrase_file,
                  "the passphrase of those key files; asked for without it")
      ->type_name("FILE");
  verb.add_option("--pkcs11-module", options.pkcs11_module, "a token's key: the PKCS#11 library")->type_name("FILE");
  verb.add_option("--pkcs11-token", options.pkcs11_token, "label of the token")->type_name("LABEL");
  verb.add_option("--pkcs11-key", options.pkcs11_key, "label of the AES key in it")->type_name("LABEL");
  verb.add_option("--pkcs11-pin-file", options.pkcs11_pin_file, "the PIN, read from FILE; asked for without it")
      ->type_name("FILE");
  verb.add_option("--pkcs11-parameters", options.pkcs11_parameters, "text for modules that take some at start (NSS)")
      ->type_name("TEXT");
}

// What the service is told where the verb alone says what for; empty: the user must.
std::string_view service_purpose(std::string_view verb) {
  if (verb == "seal" || verb == "append") return "ingest";
  if (verb == "rewrap" || verb == "rekey") return "rewrap";
  return "";
}

constexpr std::string_view kNoKey =
    "no key was named: give --dataset TENANT/DATASET, or --tenant NAME with --recipient or --passphrase-file";

}  // namespace

CLI::Option* add_repeatable(CLI::App& verb, const std::string& name, std::vector<std::string>& values,
                            const std::string& about) {
  return verb.add_option(name, values, about)->allow_extra_args(false);
}

void add_sealing_key_options(CLI::App& verb, KeyOptions& options) {
  verb.add_option("--dataset", options.dataset, "seal as part of this dataset, under its key")
      ->type_name("TENANT[/ENV]/NAME");
  verb.add_option("--tenant", options.tenant, "without --dataset: the tenant it belongs to")->type_name("TENANT[/ENV]");
  verb.add_flag("--no-dataset-key", options.no_dataset_key,
                "name the dataset, but seal to the other keys only: needs no home");
  add_repeatable(verb, "--recipient", options.recipients, "a public key (text or file) that can open it too")
      ->type_name("KEY");
  add_stored_key_options(verb, options);
}

void add_sharing_options(CLI::App& verb, KeyOptions& options) {
  add_repeatable(verb, "--broker", options.brokers, "a service file: this key service is given a share of the key")
      ->type_name("FILE");
  verb.add_option("--threshold", options.threshold, "how many of the brokers are needed to open it")->type_name("K");
}

void add_opening_key_options(CLI::App& verb, KeyOptions& options) {
  verb.add_option("--dataset", options.dataset, "use this dataset's keys, whatever the object's label says")
      ->type_name("TENANT[/ENV]/NAME");
  add_repeatable(verb, "--identity", options.identity_files, "a private key made by `cloister identity new`")
      ->type_name("FILE");
  add_repeatable(verb, "--broker", options.brokers, "a service file: this key service is asked, in place of the home")
      ->type_name("FILE");
  add_stored_key_options(verb, options);
}

Result<KeyChain> KeyChain::create(Session& session, const KeyOptions& options, std::string purpose) {
  KeyChain chain(session, options, std::move(purpose));
  CLOISTER_RETURN_IF_ERROR(chain.check_sharing());
  CLOISTER_RETURN_IF_ERROR(chain.add_named());
  return chain;
}

Status KeyChain::add_named() {
  for (const std::string& text : options_->recipients) {
    CLOISTER_TRY(auto recipient, parse_recipient(text).with_context("--recipient"));
    named_.push_back(std::make_unique<crypto::HpkeSealer>(std::move(recipient), session_->random()));
  }
  for (const std::string& path : options_->identity_files) {
    CLOISTER_TRY(auto identity, read_identity_file(path));
    named_.push_back(std::make_unique<crypto::HpkeOpener>(std::move(identity), session_->random()));
  }
  for (const std::string& path : options_->software_keys) {
    std::optional<crypto::Secret> passphrase;
    if (!options_->software_key_passphrase_file.empty()) {
      CLOISTER_TRY(passphrase, read_secret_file(options_->software_key_passphrase_file));
    } else {
      CLOISTER_TRY(const bool locked, kms::needs_passphrase(path));
      if (locked) {
        CLOISTER_TRY(passphrase, ask_secret("passphrase of " + printable(path), session_->progress()));
      }
    }
    CLOISTER_TRY(auto key, kms::SoftwareKey::open(path, std::move(passphrase), session_->random()));
    named_.push_back(std::move(key));
  }
  CLOISTER_RETURN_IF_ERROR(add_pkcs11());
  // Last: one try of a passphrase costs 256 MiB and most of a second.
  for (const std::string& path : options_->passphrase_files) {
    CLOISTER_TRY(crypto::Secret passphrase, read_secret_file(path));
    CLOISTER_RETURN_IF_ERROR(add_passphrase(std::move(passphrase)));
  }
  if (!options_->ask_passphrase) return {};
  const bool sealing = purpose_ == "seal" || purpose_ == "append";
  CLOISTER_TRY(crypto::Secret passphrase, sealing ? ask_new_secret("passphrase", session_->progress())
                                                  : ask_secret("passphrase", session_->progress()));
  return add_passphrase(std::move(passphrase));
}

Status KeyChain::add_pkcs11() {
  const KeyOptions& o = *options_;
  if (o.pkcs11_module.empty() && o.pkcs11_token.empty() && o.pkcs11_key.empty() && o.pkcs11_parameters.empty() &&
      o.pkcs11_pin_file.empty()) {
    return {};
  }
  if (o.pkcs11_module.empty() || o.pkcs11_token.empty() || o.pkcs11_key.empty()) {
    return invalid("--pkcs11-module, --pkcs11-token and --pkcs11-key belong together");
  }
  CLOISTER_TRY(const crypto::Secret pin, o.pkcs11_pin_file.empty()
                                             ? ask_secret("PIN of token " + o.pkcs11_token, session_->progress())
                                             : read_secret_file(o.pkcs11_pin_file));
  CLOISTER_TRY(auto key, kms::Pkcs11Key::open({o.pkcs11_module, o.pkcs11_token, o.pkcs11_key, o.pkcs11_parameters}, pin,
                                              kms::Pkcs11Key::IfAbsent::kRefuse, session_->random()));
  named_.push_back(std::move(key));
  return {};
}

Status KeyChain::add_passphrase(crypto::Secret passphrase) {
  CLOISTER_TRY(auto wrapper,
               crypto::PassphraseWrapper::create(std::move(passphrase), crypto::Argon2Cost{}, session_->random()));
  named_.push_back(std::make_unique<crypto::PassphraseWrapper>(std::move(wrapper)));
  return {};
}

Result<std::unique_ptr<DatasetKeys>> KeyChain::from_home(const keys::DatasetName& name) {
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session_->hierarchy());
  CLOISTER_TRY(seal::Keyring keyring, hierarchy->unlock_keyring(name, purpose_, session_->caller()));
  CLOISTER_TRY(auto wrapper, seal::KeyringWrapper::create(keyring, session_->random()));
  const seal::KeyringOutline& outline = keyring.outline();
  return std::unique_ptr<DatasetKeys>(
      new DatasetKeys{name, outline.keyring_id, outline.signing_public_key, std::move(wrapper), std::move(keyring)});
}

Result<std::unique_ptr<DatasetKeys>> KeyChain::from_service(const keys::DatasetName& name) {
  CLOISTER_TRY(auto service, session_->key_service(service_purpose(purpose_)));
  CLOISTER_TRY(auto wrapper, kms::ServiceWrapper::open(service, {name.tenant, name.environment, name.dataset}));
  const kms::ServiceKeyring& keyring = wrapper->keyring();
  return std::unique_ptr<DatasetKeys>(
      new DatasetKeys{name, keyring.id, keyring.signing_public_key, std::move(wrapper), std::nullopt});
}

Status KeyChain::check_sharing() const {
  const KeyOptions& o = *options_;
  if (o.brokers.empty()) {
    return o.threshold == 0 ? ok_status() : Status(invalid("--threshold says how many of the --broker are needed"));
  }
  if (!session_->globals().service.empty()) return invalid("--broker takes the place of --service: give one of them");
  if (purpose_ == "rekey") {
    return invalid("--broker would give each of them the whole new key: open the object and seal it again");
  }
  if (purpose_ != "seal") return {};
  if (o.dataset.empty()) return invalid("--broker needs --dataset, by which each service finds its key");
  if (o.threshold == 0) return invalid("--broker needs --threshold, how many of them open it");
  const bool others = !o.recipients.empty() || !o.passphrase_files.empty() || o.ask_passphrase ||
                      !o.software_keys.empty() || !o.pkcs11_module.empty() || o.no_dataset_key;
  if (!others) return {};
  return invalid("with --broker no other key is named: it would open the object alone (`cloister rewrap` can add one)");
}

// Sealing needs all of them, and rewrapping ends at one that can't be asked.
bool KeyChain::passes_over(const Error& missing) const {
  const bool refused = missing.code() == Code::kDenied || missing.code() == Code::kNotFound;
  return purpose_ != "seal" && (purpose_ != "rewrap" || refused);
}

Result<std::vector<crypto::KeyWrapper*>> KeyChain::brokers(const keys::DatasetName& name) {
  auto& opened = brokers_[name.text()];
  if (opened.empty()) {
    std::vector<std::unique_ptr<BrokerKey>> all;
    for (const std::string& file : options_->brokers) {
      auto service = session_->broker(file, service_purpose(purpose_));
      // A command line or a file that is wrong is no service that is away; a wrong answer is as good as none.
      if (!service.ok() && service.error().code() == Code::kInvalid) return service.error();
      auto wrapper = [&]() -> Result<std::unique_ptr<kms::ServiceWrapper>> {
        if (!service.ok()) return service.error();
        return kms::ServiceWrapper::open(std::move(*service), {name.tenant, name.environment, name.dataset});
      }();
      all.push_back(std::make_unique<BrokerKey>(file, std::move(wrapper)));
      const Error* missing = all.back()->missing();
      if (missing != nullptr && passes_over(*missing) && !session_->globals().json) {
        std::fprintf(stderr, "broker %s is passed over: %s\n", printable(file).c_str(),
                     printable(missing->message()).c_str());
      }
    }
    opened = std::move(all);
  }
  std::vector<crypto::KeyWrapper*> list;
  for (const auto& broker : opened) list.push_back(broker.get());
  return list;
}

Result<const DatasetKeys*> KeyChain::dataset(const keys::DatasetName& name) {
  const auto found = datasets_.find(name.text());
  if (found != datasets_.end()) return found->second.get();
  CLOISTER_TRY(auto keys, session_->service_file().empty() ? from_home(name) : from_service(name));
  return datasets_.emplace(name.text(), std::move(keys)).first->second.get();
}

Result<seal::PublicContext> KeyChain::context() {
  seal::PublicContext context;
  if (options_->dataset.empty()) {
    if (options_->tenant.empty()) return invalid(std::string(kNoKey));
    CLOISTER_TRY(const keys::TenantName tenant, keys::parse_tenant_name(options_->tenant));
    context.tenant = tenant.text();
    return context;
  }
  if (!options_->tenant.empty()) return invalid("--dataset names the tenant already: leave --tenant out");
  CLOISTER_TRY(const keys::DatasetName name, keys::parse_dataset_name(options_->dataset));
  context.tenant = keys::TenantName{name.tenant, name.environment}.text();
  context.dataset = name.dataset;
  if (options_->no_dataset_key || !options_->brokers.empty()) return context;
  CLOISTER_TRY(const DatasetKeys* keys, dataset(name));
  context.keyring_id = keys->keyring_id;
  return context;
}

Result<Wrappers> KeyChain::for_sealing() {
  Wrappers wrappers;
  if (!options_->brokers.empty()) {
    CLOISTER_TRY(const keys::DatasetName name, keys::parse_dataset_name(options_->dataset));
    CLOISTER_TRY(wrappers.list, brokers(name));
    return wrappers;
  }
  if (!options_->dataset.empty() && !options_->no_dataset_key) {
    CLOISTER_TRY(const keys::DatasetName name, keys::parse_dataset_name(options_->dataset));
    CLOISTER_TRY(wrappers.dataset, dataset(name));
    wrappers.list.push_back(wrappers.dataset->wrapper.get());
  }
  for (const auto& wrapper : named_) wrappers.list.push_back(wrapper.get());
  if (wrappers.list.empty()) return invalid(std::string(kNoKey));
  return wrappers;
}

Result<Wrappers> KeyChain::for_opening(const seal::Preamble& preamble, const seal::SlotTable& slots) {
  Wrappers wrappers;
  std::optional<keys::DatasetName> name = dataset_of(preamble);
  const bool insisted = !options_->dataset.empty();
  if (insisted) {
    CLOISTER_TRY(name, keys::parse_dataset_name(options_->dataset));
  }
  CLOISTER_TRY(const bool has_home, session_->has_home());
  const bool has_service = !session_->service_file().empty();
  const bool by_brokers = !options_->brokers.empty();
  if (name && by_brokers) {
    CLOISTER_TRY(wrappers.list, brokers(*name));
  } else if (name && (insisted || has_home || has_service)) {
    // A home that can't be opened is no missing key: it is said as what it is.
    if (!has_service) {
      const auto hierarchy = session_->hierarchy();
      if (!hierarchy.ok() && (insisted || named_.empty())) return hierarchy.error();
    }
    auto keys = dataset(*name);
    if (keys.ok()) {
      wrappers.dataset = *keys;
      wrappers.list.push_back((*keys)->wrapper.get());
    } else if (insisted || named_.empty()) {
      // A label that names nobody here is no key, and that is a refusal.
      if (insisted || keys.error().code() != Code::kNotFound) return keys.error();
      wrappers.why_no_dataset = keys.error().message();
    }
  }
  for (const auto& wrapper : named_) wrappers.list.push_back(wrapper.get());
  const bool has_passphrase_slot = std::ranges::any_of(
      slots.slots, [](const seal::Slot& slot) { return slot.wrapped.type == crypto::WrapType::kPassphrase; });
  if (wrappers.list.empty() && has_passphrase_slot && ::isatty(STDERR_FILENO) == 1) {
    CLOISTER_TRY(crypto::Secret passphrase, ask_secret("passphrase", session_->progress()));
    CLOISTER_RETURN_IF_ERROR(add_passphrase(std::move(passphrase)));
    wrappers.list.push_back(named_.back().get());
  }
  if (!wrappers.list.empty()) return wrappers;
  std::string why = "no key here opens it: it belongs to " + owner_text(preamble) + " and has the slots " +
                    seal::describe_slots(slots);
  if (!wrappers.why_no_dataset.empty()) {
    why += "; " + wrappers.why_no_dataset;
  } else if (!has_home && !has_service) {
    why += "; there is no home at " + session_->home().string();
  }
  return Error(Code::kDenied, why + "; --identity, --passphrase-file, --software-key or --pkcs11-… name others");
}

seal::DirectoryKeys DirectoryKeySet::keys() const {
  return {wrappers, signing_key ? &*signing_key : nullptr, public_key};
}

Result<DirectoryKeySet> directory_keys(const Wrappers& wrappers, Signing signing) {
  if (wrappers.dataset == nullptr) {
    return invalid("a directory needs its dataset's key, which signs the manifest: give --dataset, in its home");
  }
  DirectoryKeySet set;
  set.wrappers = wrappers.list;
  set.public_key = wrappers.dataset->signing_public_key;
  if (signing == Signing::kYes) {
    if (!wrappers.dataset->keyring) {
      return Error(
          Code::kUnsupported,
          "a directory's manifest is signed with its dataset's key, which a key service keeps: seal and change "
          "directories in the home, or seal files one by one");
    }
    CLOISTER_TRY(set.signing_key, wrappers.dataset->keyring->signing_key());
  }
  return set;
}

std::optional<keys::DatasetName> dataset_of(const seal::Preamble& preamble) {
  const auto tenant = keys::parse_tenant_name(preamble.context.tenant);
  if (preamble.context.dataset.empty() || !tenant.ok()) return std::nullopt;
  return keys::DatasetName{tenant->tenant, tenant->environment, preamble.context.dataset};
}

std::string owner_text(const seal::Preamble& preamble) {
  if (preamble.context.dataset.empty()) return preamble.context.tenant;
  return preamble.context.tenant + "/" + preamble.context.dataset;
}

}  // namespace cloister::cli
