#include "posture/collect/cloud/azure_keys.h"

#include "kms/azure/azure_key_vault.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kVaultVersion = "2023-07-01";
constexpr std::size_t kKeysMax = 1000;
constexpr int kUnreachableMax = 3;  // then no more keys are asked about: each may cost minutes

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

AzureKeys::Ownership AzureKeys::owner_of(const std::string& key) {
  if (subscriptions_.empty()) {
    return {"unknown", "the estate names no subscription as its own, so no key can be told to be the operator's"};
  }
  if (!read_) read_vaults();
  if (vaults_.contains(vault_of(key))) return {"operator", {}};
  if (unread_.empty()) return {"foreign", "none of the estate's subscriptions has the vault"};
  return {"unknown", "whose vault it is isn't known: " + unread_};
}

void AzureKeys::resolve(StorageView& view) {
  if (view.key.empty()) return;
  const Ownership owner = owner_of(view.key);
  view.key_manager = owner.manager;
  if (!owner.why.empty()) view.notes.push_back(owner.why);
  look_at(view.key);
}

void AzureKeys::look_at(const std::string& key) {
  if (seen_.size() < kKeysMax) seen_.insert(key);
}

// No vault is asked but the estate's own: what an answer names may be anybody's.
void AzureKeys::report(const FactMaker& maker, FactSink& sink) {
  int unreachable = 0;
  for (const std::string& key : seen_) {
    Ownership owner = owner_of(key);
    if (unreachable >= kUnreachableMax) owner = {"unknown", "vaults were out of reach before"};
    if (owner.manager != "operator") {
      sink.add(maker.not_assessed("key.posture", {SubjectKind::kKey, key}, owner.why));
      continue;
    }
    kms::AzureKeyVaultOptions options;
    options.vault = vault_of(key);
    options.tenant = access_.options().tenant;
    options.credential = access_.options().credential;
    options.web = access_.options().web;
    const auto vault = kms::AzureKeyVault::create(std::move(options), nullptr, access_.waiting(), access_.connect());
    const auto posture = vault.ok() ? vault.value()->describe(key) : Result<kms::KeyPosture>(vault.error());
    if (!posture.ok() && posture.error().code() == Code::kUnavailable) ++unreachable;
    sink.add(posture.ok() ? key_posture_fact(maker, *posture, "operator")
                          : maker.not_assessed("key.posture", {SubjectKind::kKey, key}, posture.error().message()));
  }
}

}  // namespace cloister::posture
