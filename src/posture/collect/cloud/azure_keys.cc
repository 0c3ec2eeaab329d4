#include "posture/collect/cloud/azure_keys.h"

#include "kms/azure/azure_key_vault.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kVaultVersion = "2023-07-01";
constexpr std::size_t kKeysMax = 1000;

// "https://corpus.vault.azure.net" of a vault's or of a key's URL.
std::string vault_of(std::string_view url) {
  const auto vault = kms::parse_azure_vault(url.substr(0, url.find("/keys/")));
  return vault.ok() ? "https://" + vault->authority() : std::string();
}

}  // namespace

void AzureKeys::read_vaults() {
  read_ = true;
  for (const std::string& subscription : subscriptions_) {
    for (const auto& [kind, member] : {std::pair{"vaults", "vaultUri"}, std::pair{"managedHSMs", "hsmUri"}}) {
      const auto items = access_.list("/subscriptions/" + subscription + "/providers/Microsoft.KeyVault/" + kind,
                                      std::string(kVaultVersion));
      if (!items.ok()) {
        unread_ = items.error().message();
        continue;
      }
      for (const JsonValue& item : *items) {
        const JsonValue* properties = item.find("properties");
        const JsonValue* uri = properties == nullptr ? nullptr : properties->find(member);
        if (uri != nullptr && uri->string() != nullptr) vaults_.insert(vault_of(*uri->string()));
      }
    }
  }
  vaults_.erase("");
}

void AzureKeys::resolve(StorageView& view) {
  if (view.key.empty()) return;
  if (subscriptions_.empty()) {
    view.notes.emplace_back("the estate names no subscription as its own, so no key can be told to be the operator's");
    return;
  }
  if (!read_) read_vaults();
  if (vaults_.contains(vault_of(view.key))) {
    view.key_manager = "operator";
    if (seen_.size() < kKeysMax) seen_.insert(view.key);
  } else if (unread_.empty()) {
    view.key_manager = "foreign";
  } else {
    view.notes.push_back("whose vault it is isn't known: " + unread_);
  }
}

void AzureKeys::report(const FactMaker& maker, FactSink& sink) {
  for (const std::string& key : seen_) {
    kms::AzureKeyVaultOptions options;
    options.vault = vault_of(key);
    options.tenant = access_.options().tenant;
    options.credential = access_.options().credential;
    options.web = access_.options().web;
    const auto vault = kms::AzureKeyVault::create(std::move(options), nullptr, access_.waiting(), access_.connect());
    const auto posture = vault.ok() ? vault.value()->describe(key) : Result<kms::KeyPosture>(vault.error());
    sink.add(posture.ok() ? key_posture_fact(maker, *posture, "operator")
                          : maker.not_assessed("key.posture", {SubjectKind::kKey, key}, posture.error().message()));
  }
}

}  // namespace cloister::posture
