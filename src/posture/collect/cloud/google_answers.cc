#include "posture/collect/cloud/google_answers.h"

#include "kms/google/google_name.h"

namespace cloister::posture {
namespace {

constexpr std::size_t kTokenMax = 4096;

std::string text_of(const JsonValue* json, std::string_view name) {
  const JsonValue* member = json == nullptr ? nullptr : json->find(name);
  return member == nullptr || member->string() == nullptr ? std::string() : *member->string();
}

bool has(const JsonValue* json, std::string_view name) {
  const JsonValue* member = json == nullptr ? nullptr : json->find(name);
  return member != nullptr && !member->is_null();
}

// Google encrypts all that it keeps: with this key, with one that the client brought, or with its own.
StorageView keyed_view(std::string scheme, std::string level, const std::string& key, bool of_client) {
  StorageView view = provider_encrypted(std::move(scheme), std::move(level));
  if (of_client) {
    view.notes.emplace_back("the key comes with every request, from the client: no KMS holds it");
  } else if (key.empty()) {
    view.key_manager = "platform_default";
  } else if (view.key = google_key_of(key); view.key.empty()) {
    view.notes.emplace_back("the key's name isn't one of Cloud KMS");
  }
  return view;
}

Error about_else() { return Error(Code::kCorrupt, "the answer isn't about what was asked"); }

}  // namespace

std::string google_key_of(std::string_view name) {
  const std::string_view key = name.substr(0, name.find("/cryptoKeyVersions/"));
  return kms::is_google_key(key) ? std::string(key) : std::string();
}

Result<StorageView> parse_gcs_bucket(const JsonValue& answer, std::string_view bucket) {
  if (text_of(&answer, "name") != bucket) return about_else();
  return keyed_view("gcs", "service", text_of(answer.find("encryption"), "defaultKmsKeyName"), false);
}

Result<GcsPage> parse_gcs_objects(const JsonValue& answer) {
  if (text_of(&answer, "kind") != "storage#objects") return about_else();
  GcsPage page;
  page.next = text_of(&answer, "nextPageToken");
  if (page.next.size() > kTokenMax) return Error(Code::kCorrupt, "the list's token is too long");
  const JsonValue* items = answer.find("items");
  if (items == nullptr) return page;
  if (items->array() == nullptr) return Error(Code::kCorrupt, "the answer is no list of objects");
  for (const JsonValue& item : *items->array()) {
    std::string name = text_of(&item, "name");
    if (name.empty()) return Error(Code::kCorrupt, "the list has an object without a name");
    page.objects.push_back(
        {std::move(name), keyed_view("gcs", "object", text_of(&item, "kmsKeyName"), has(&item, "customerEncryption"))});
  }
  return page;
}

Result<StorageView> parse_gce_disk(const JsonValue& answer, std::string_view name) {
  if (text_of(&answer, "name") != name) return about_else();
  const JsonValue* key = answer.find("diskEncryptionKey");
  return keyed_view("gce-disk", "block", text_of(key, "kmsKeyName"), has(key, "sha256"));
}

Result<StorageView> parse_vertex(const JsonValue& answer, std::string_view name) {
  if (text_of(&answer, "name") != name) return about_else();
  return keyed_view("vertex", "service", text_of(answer.find("encryptionSpec"), "kmsKeyName"), false);
}

}  // namespace cloister::posture
