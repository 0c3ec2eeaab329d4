// Whose keys those are that Azure's services name: by the vault, which is looked for in the operator's subscriptions.
#pragma once

#include "kms/provider.h"
#include "posture/collect/cloud/azure_access.h"
#include "posture/collect/key_facts.h"

namespace cloister::posture {

// One thread at a time.
class AzureKeys {
 public:
  // `subscriptions`: the operator's own.
  AzureKeys(AzureAccess& access, std::set<std::string> subscriptions)
      : access_(access), subscriptions_(std::move(subscriptions)) {}

  // Fills in the manager of the view's key, and why it isn't known. A vault that none of the subscriptions has is
  // foreign, once all of them have been read.
  void resolve(StorageView& view);
  // A key that the estate declares: it is reported, whatever names it.
  void look_at(const std::string& key);
  // A `key.posture` for every key that was resolved; of a vault that isn't the operator's, that it can't be assessed.
  void report(const FactMaker& maker, FactSink& sink);

 private:
  struct Ownership {
    std::string manager, why;
  };
  void read_vaults();
  Ownership owner_of(const std::string& key);

  AzureAccess& access_;
  const std::set<std::string> subscriptions_;
  bool read_ = false;
  std::set<std::string> vaults_;  // "https://corpus.vault.azure.net"
  std::string unread_;            // why not all of them are known; empty: they are
  std::set<std::string> seen_;    // keys
};

}  // namespace cloister::posture
