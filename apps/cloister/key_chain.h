// The keys a command works with: those of the home's datasets, and those named on the command line.
#pragma once

#include <CLI/App.hpp>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "brokers.h"
#include "seal/directory.h"
#include "seal/keyring.h"
#include "seal/slots.h"
#include "session.h"

namespace cloister::cli {

// Keys as options of a verb name them.
struct KeyOptions {
  std::string dataset;
  std::string tenant;
  bool no_dataset_key = false;
  std::vector<std::string> recipients;
  std::vector<std::string> identity_files;
  std::vector<std::string> passphrase_files;
  bool ask_passphrase = false;
  std::vector<std::string> software_keys;
  std::string software_key_passphrase_file;
  std::vector<std::string> brokers;  // service files
  unsigned threshold = 0;            // sealing: how many of them are needed
  std::string pkcs11_module, pkcs11_token, pkcs11_key, pkcs11_pin_file, pkcs11_parameters;
};
// An option that may be given several times, with one value each: it takes no positional that follows for its own.
CLI::Option* add_repeatable(CLI::App& verb, const std::string& name, std::vector<std::string>& values,
                            const std::string& about);
void add_sealing_key_options(CLI::App& verb, KeyOptions& options);
// Sealing: --broker and --threshold.
void add_sharing_options(CLI::App& verb, KeyOptions& options);
void add_opening_key_options(CLI::App& verb, KeyOptions& options);

// A dataset's keys, got once for the whole command.
struct DatasetKeys {
  keys::DatasetName name;
  seal::Id keyring_id{};
  crypto::Ed25519PublicKey signing_public_key{};
  std::unique_ptr<crypto::KeyWrapper> wrapper;
  std::optional<seal::Keyring> keyring;  // none where a key service keeps it
};

struct Wrappers {
  std::vector<crypto::KeyWrapper*> list;
  const DatasetKeys* dataset = nullptr;  // whose wrapper comes first, if there is one
  std::string why_no_dataset;            // for the message when nothing opens
};

class KeyChain {
 public:
  // `purpose` goes into the audit row of each key request: "seal", "open", …
  static Result<KeyChain> create(Session& session, const KeyOptions& options, std::string purpose);
  KeyChain(KeyChain&&) = default;

  // kInvalid when the options name no key at all. With brokers, theirs alone: each is to be given a share.
  Result<Wrappers> for_sealing();
  // What the seal goes into the object as: tenant, dataset, keyring.
  Result<seal::PublicContext> context();
  // The keys that may open an object that says it is `preamble`'s. The label only says where to look: it is the wrap
  // that decides. --dataset overrides it.
  Result<Wrappers> for_opening(const seal::Preamble& preamble, const seal::SlotTable& slots);

  // Unlocked at first use.
  Result<const DatasetKeys*> dataset(const keys::DatasetName& name);
  const std::vector<std::unique_ptr<crypto::KeyWrapper>>& named() const { return named_; }

 private:
  KeyChain(Session& session, const KeyOptions& options, std::string purpose)
      : session_(&session), options_(&options), purpose_(std::move(purpose)) {}
  Result<std::unique_ptr<DatasetKeys>> from_home(const keys::DatasetName& name);
  Result<std::unique_ptr<DatasetKeys>> from_service(const keys::DatasetName& name);
  Status add_named();
  Status check_sharing() const;
  Result<std::vector<crypto::KeyWrapper*>> brokers(const keys::DatasetName& name);
  bool passes_over(const Error& missing) const;
  Status add_pkcs11();
  Status add_passphrase(crypto::Secret passphrase);

  Session* session_;
  const KeyOptions* options_;
  std::string purpose_;
  std::vector<std::unique_ptr<crypto::KeyWrapper>> named_;
  std::map<std::string, std::unique_ptr<DatasetKeys>> datasets_;
  std::map<std::string, std::vector<std::unique_ptr<BrokerKey>>> brokers_;  // by dataset
};

// Signing key and all: what the calls on directories take. The chain and `keys` must outlive it.
struct DirectoryKeySet {
  std::vector<crypto::KeyWrapper*> wrappers;
  std::optional<crypto::SigningKey> signing_key;
  seal::DirectoryKeys keys() const;
  crypto::Ed25519PublicKey public_key{};
};
enum class Signing { kYes, kNo };
// kInvalid without a dataset: only a dataset's key signs manifests.
Result<DirectoryKeySet> directory_keys(const Wrappers& wrappers, Signing signing);

// The dataset a preamble says it belongs to; nothing when it names none.
std::optional<keys::DatasetName> dataset_of(const seal::Preamble& preamble);
// "acme/mnist", or "acme" where no dataset is named.
std::string owner_text(const seal::Preamble& preamble);

}  // namespace cloister::cli
