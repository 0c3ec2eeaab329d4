#include "posture/collect/cloud/azure_answers.h"

#include <algorithm>

#include "kms/azure/azure_key_id.h"
#include "kms/plain_line.h"
#include "posture/collect/cloud/xml_rows.h"

namespace cloister::posture {
namespace {

constexpr kms::XmlLimits kListLimits{std::size_t{8} << 20, 8, 400'000};
constexpr std::size_t kMarkerMax = 4096;
constexpr std::string_view kAccountKey = "$account-encryption-key";

std::string text_of(const JsonValue* json, std::string_view name) {
  const JsonValue* member = json == nullptr ? nullptr : json->find(name);
  return member == nullptr || member->string() == nullptr ? std::string() : *member->string();
}

const JsonValue* member_of(const JsonValue* json, std::string_view name) {
  return json == nullptr ? nullptr : json->find(name);
}

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

Error about_else() { return Error(Code::kCorrupt, "the answer isn't about what was asked"); }

// "Microsoft.Storage": the platform's. "Microsoft.Keyvault": the key of that URL.
StorageView sourced_view(const std::string& source, const std::string& key_url) {
  StorageView view = provider_encrypted("azure", "service");
  if (same_word(source, "Microsoft.Storage")) {
    view.key_manager = "platform_default";
  } else if (same_word(source, "Microsoft.Keyvault")) {
    view.key = azure_key_of(key_url);
    if (view.key.empty()) view.notes.emplace_back("the key's URL isn't one of a key vault");
  } else {
    view.notes.push_back("the source of the key isn't known: " + kms::plain_line(source));
  }
  return view;
}

std::string vault_key_url(const JsonValue* properties) {
  std::string vault = text_of(properties, "keyvaulturi");
  while (vault.ends_with('/')) vault.pop_back();
  return vault + "/keys/" + text_of(properties, "keyname");
}

}  // namespace

std::string azure_key_of(std::string_view url) {
  const std::size_t keys = url.find("/keys/");
  const auto vault = kms::parse_azure_vault(url.substr(0, keys));
  if (keys == std::string_view::npos || !vault.ok()) return {};
  const auto id = kms::parse_azure_key_id(*vault, url);
  return id.ok() ? kms::azure_key_url(*vault, {id->name, {}}) : std::string();
}

Result<AzurePage> parse_azure_page(const JsonValue& answer) {
  const JsonValue* value = answer.find("value");
  if (value == nullptr || value->array() == nullptr) return Error(Code::kCorrupt, "the answer is no list");
  return AzurePage{*value->array(), text_of(&answer, "nextLink")};
}

Result<StorageView> parse_azure_account(const JsonValue& account) {
  const JsonValue* properties = account.find("properties");
  const JsonValue* encryption = member_of(properties, "encryption");
  if (encryption == nullptr) return Error(Code::kCorrupt, "the account says nothing of encryption");
  StorageView view =
      sourced_view(text_of(encryption, "keySource"), vault_key_url(member_of(encryption, "keyvaultproperties")));
  const JsonValue* twice = encryption->find("requireInfrastructureEncryption");
  if (twice != nullptr && twice->boolean().value_or(false)) view.notes.emplace_back("encrypted twice");
  const JsonValue* https = member_of(properties, "supportsHttpsTrafficOnly");
  if (https != nullptr && !https->boolean().value_or(true)) view.notes.emplace_back("plain HTTP is allowed");
  return view;
}

Result<StorageView> parse_azure_scope(const JsonValue& answer, std::string_view name) {
  if (text_of(&answer, "name") != name) return about_else();
  const JsonValue* properties = answer.find("properties");
  StorageView view =
      sourced_view(text_of(properties, "source"), text_of(member_of(properties, "keyVaultProperties"), "keyUri"));
  if (text_of(properties, "state") == "Disabled") view.notes.emplace_back("its encryption scope is disabled");
  return view;
}

Result<std::string> parse_azure_container(const JsonValue& answer, std::string_view name) {
  if (text_of(&answer, "name") != name) return about_else();
  std::string scope = text_of(answer.find("properties"), "defaultEncryptionScope");
  return scope == kAccountKey ? std::string() : scope;
}

Result<AzureBlobPage> parse_azure_blobs(std::string_view body) {
  static constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
  CLOISTER_TRY(const auto texts, kms::read_xml(body, kListLimits));
  if (!texts.front().path.starts_with("EnumerationResults"))
    return Error(Code::kCorrupt, "the answer is no list of blobs");
  AzureBlobPage page;
  for (const XmlRow& row : xml_rows(texts, "EnumerationResults/Blobs/Blob")) {
    AzureBlob blob;
    blob.name = text_in(row, "Name");
    if (blob.name.empty()) return Error(Code::kCorrupt, "the list has a blob without a name");
    blob.encrypted = text_in(row, "Properties/ServerEncrypted") == "true";
    blob.scope = text_in(row, "Properties/EncryptionScope");
    if (blob.scope == kAccountKey) blob.scope.clear();
    blob.customer_key = !text_in(row, "Properties/CustomerProvidedKeySha256").empty();
    page.blobs.push_back(std::move(blob));
  }
  page.next = kms::find_text(texts, "EnumerationResults/NextMarker");
  if (page.next.size() > kMarkerMax) return Error(Code::kCorrupt, "the list's marker is too long");
  return page;
}

Result<AzureDisk> parse_azure_disk(const JsonValue& answer, std::string_view id) {
  if (!same_word(text_of(&answer, "id"), id)) return about_else();
  const JsonValue* encryption = member_of(answer.find("properties"), "encryption");
  const std::string type = text_of(encryption, "type");
  AzureDisk disk{provider_encrypted("azure-disk", "block"), {}};
  if (type == "EncryptionAtRestWithPlatformKey") {
    disk.view.key_manager = "platform_default";
  } else if (type == "EncryptionAtRestWithCustomerKey" || type == "EncryptionAtRestWithPlatformAndCustomerKeys") {
    disk.encryption_set = text_of(encryption, "diskEncryptionSetId");
  } else {
    disk.view = {};
    disk.view.level = "block";
    disk.view.notes.push_back("its kind of encryption isn't known: " + kms::plain_line(type));
  }
  return disk;
}

Result<std::string> parse_azure_encryption_set(const JsonValue& answer) {
  std::string key = azure_key_of(text_of(member_of(answer.find("properties"), "activeKey"), "keyUrl"));
  if (key.empty()) return Error(Code::kCorrupt, "the disk encryption set names no key");
  return key;
}

Result<StorageView> parse_azure_workspace(const JsonValue& answer, std::string_view id) {
  if (!same_word(text_of(&answer, "id"), id)) return about_else();
  const JsonValue* encryption = member_of(answer.find("properties"), "encryption");
  StorageView view = provider_encrypted("azure-ml", "service");
  if (encryption == nullptr || encryption->is_null() || text_of(encryption, "status") == "Disabled") {
    view.key_manager = "platform_default";
    return view;
  }
  view.key = azure_key_of(text_of(member_of(encryption, "keyVaultProperties"), "keyIdentifier"));
  if (view.key.empty()) view.notes.emplace_back("the key's URL isn't one of a key vault");
  return view;
}

}  // namespace cloister::posture
