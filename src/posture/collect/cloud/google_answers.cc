#include "posture/collect/cloud/google_answers.h"

#include "kms/google/google_name.h"
#include "kms/plain_line.h"

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

// "europe-west1-b" of ".../zones/europe-west1-b", as lists have their parts: "zones/…", "regions/…".
std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

StorageView bucket_view(const JsonValue& bucket) {
  return keyed_view("gcs", "service", text_of(bucket.find("encryption"), "defaultKmsKeyName"), false);
}

StorageView disk_view(const JsonValue& disk) {
  const JsonValue* key = disk.find("diskEncryptionKey");
  return keyed_view("gce-disk", "block", text_of(key, "kmsKeyName"), has(key, "sha256"));
}

Result<std::string> next_of(const JsonValue& answer) {
  std::string next = text_of(&answer, "nextPageToken");
  if (next.size() > kTokenMax) return Error(Code::kCorrupt, "the list's token is too long");
  return next;
}

// The disks of one zone or region, as the aggregated list has them.
Status take_disks(std::string_view place, const JsonValue& part, std::vector<FoundAtGoogle>& found) {
  const std::string code = text_of(part.find("warning"), "code");
  if (!code.empty() && code != "NO_RESULTS_ON_PAGE") {
    return Error(Code::kUnavailable, "the list leaves out " + kms::plain_line(place) + ": " + kms::plain_line(code));
  }
  const JsonValue* disks = part.find("disks");
  if (disks == nullptr) return {};
  if (disks->array() == nullptr) return Error(Code::kCorrupt, "the answer is no list of disks");
  for (const JsonValue& disk : *disks->array()) {
    const std::string name = text_of(&disk, "name");
    if (name.empty()) return Error(Code::kCorrupt, "the list has a disk without a name");
    found.push_back({std::string(last_part(place)) + "/" + name, disk_view(disk), raw_excerpt(disk.serialize())});
  }
  return {};
}

Error about_else() { return Error(Code::kCorrupt, "the answer isn't about what was asked"); }

}  // namespace

std::string google_key_of(std::string_view name) {
  const std::string_view key = name.substr(0, name.find("/cryptoKeyVersions/"));
  return kms::is_google_key(key) ? std::string(key) : std::string();
}

Result<StorageView> parse_gcs_bucket(const JsonValue& answer, std::string_view bucket) {
  if (text_of(&answer, "name") != bucket) return about_else();
  return bucket_view(answer);
}

Result<FoundAtGooglePage> parse_gcs_buckets(const JsonValue& answer) {
  if (text_of(&answer, "kind") != "storage#buckets") return about_else();
  FoundAtGooglePage page;
  CLOISTER_TRY(page.next, next_of(answer));
  const JsonValue* items = answer.find("items");
  if (items == nullptr) return page;
  if (items->array() == nullptr) return Error(Code::kCorrupt, "the answer is no list of buckets");
  for (const JsonValue& item : *items->array()) {
    page.found.push_back({text_of(&item, "name"), bucket_view(item), raw_excerpt(item.serialize())});
    if (page.found.back().name.empty()) return Error(Code::kCorrupt, "the list has a bucket without a name");
  }
  return page;
}

Result<FoundAtGooglePage> parse_gce_disks(const JsonValue& answer) {
  if (text_of(&answer, "kind") != "compute#diskAggregatedList") return about_else();
  FoundAtGooglePage page;
  CLOISTER_TRY(page.next, next_of(answer));
  const JsonValue* unreachable = answer.find("unreachables");
  if (unreachable != nullptr && unreachable->array() != nullptr && !unreachable->array()->empty()) {
    return Error(Code::kUnavailable, "the list leaves out places that couldn't be asked");
  }
  const JsonValue* items = answer.find("items");
  if (items == nullptr) return page;
  if (items->object() == nullptr) return Error(Code::kCorrupt, "the answer is no list of disks");
  for (const auto& [place, part] : *items->object()) CLOISTER_RETURN_IF_ERROR(take_disks(place, part, page.found));
  return page;
}

Result<GcsPage> parse_gcs_objects(const JsonValue& answer) {
  if (text_of(&answer, "kind") != "storage#objects") return about_else();
  GcsPage page;
  CLOISTER_TRY(page.next, next_of(answer));
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
  return disk_view(answer);
}

Result<StorageView> parse_vertex(const JsonValue& answer, std::string_view name) {
  if (text_of(&answer, "name") != name) return about_else();
  return keyed_view("vertex", "service", text_of(answer.find("encryptionSpec"), "kmsKeyName"), false);
}

}  // namespace cloister::posture
