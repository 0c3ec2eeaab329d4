// What Azure Resource Manager and Blob Storage say about the encryption of what is kept there. Everything but whose the
// keys are: a view's key is the key's URL without a version.
#pragma once

#include "base/json.h"
#include "posture/collect/fact_maker.h"

namespace cloister::posture {

// {"value": […], "nextLink": …}, of any list of Resource Manager's. kCorrupt.
struct AzurePage {
  std::vector<JsonValue> items;
  std::string next;  // link; empty: the last page
};
Result<AzurePage> parse_azure_page(const JsonValue& answer);

// A storage account: what encrypts its blobs unless a scope does. kCorrupt for what isn't one.
Result<StorageView> parse_azure_account(const JsonValue& account);
// An encryption scope, of that name. kCorrupt for another.
Result<StorageView> parse_azure_scope(const JsonValue& answer, std::string_view name);
// A container: its default scope; empty where that is the account's key. kCorrupt likewise.
Result<std::string> parse_azure_container(const JsonValue& answer, std::string_view name);

struct AzureBlob {
  std::string name;
  bool encrypted = false;
  std::string scope;          // empty: the account's key
  bool customer_key = false;  // the client brings the key with every request
};
struct AzureBlobPage {
  std::vector<AzureBlob> blobs;
  std::string next;  // marker; empty: the last page
};
// List Blobs. kCorrupt for what isn't one.
Result<AzureBlobPage> parse_azure_blobs(std::string_view body);

// A managed disk: its view, and the id of its disk encryption set where that has the key. kCorrupt.
struct AzureDisk {
  StorageView view;
  std::string encryption_set;
};
Result<AzureDisk> parse_azure_disk(const JsonValue& answer, std::string_view id);
// The URL of a disk encryption set's key, without its version. kCorrupt.
Result<std::string> parse_azure_encryption_set(const JsonValue& answer);
// A workspace of Azure Machine Learning. kCorrupt.
Result<StorageView> parse_azure_workspace(const JsonValue& answer, std::string_view id);

// "https://corpus.vault.azure.net/keys/k" of a key's URL with or without its version; empty for anything else.
std::string azure_key_of(std::string_view url);

}  // namespace cloister::posture
