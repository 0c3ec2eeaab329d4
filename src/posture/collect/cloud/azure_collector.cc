#include "posture/collect/cloud/azure_collector.h"

#include <algorithm>

#include "kms/azure/azure_challenge.h"
#include "posture/collect/cloud/azure_keys.h"
#include "posture/collect/cloud/object_views.h"
#include "posture/inventory.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kBlobPrefix = "azure-blob://", kDiskPrefix = "azure-disk:", kWorkspacePrefix = "azure-ml:";
constexpr const char* kStorageApi = "2023-05-01";
constexpr const char* kDiskApi = "2023-10-02";
constexpr const char* kWorkspaceApi = "2024-04-01";
constexpr std::size_t kPagesMax = 1000;
constexpr std::int64_t kFoundMax = 20'000;  // of one kind in a subscription

// Own accounts that are subscriptions: an estate's others are other clouds'.
std::set<std::string> own_subscriptions(const Estate& estate) {
  std::set<std::string> own = own_accounts(estate);
  std::erase_if(own, [](const std::string& account) { return !kms::is_azure_tenant_id(account); });
  return own;
}

bool is_account(std::string_view name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 24 && std::ranges::all_of(name, fits);
}

bool is_container(std::string_view name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '$'; };
  return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, fits);
}

bool is_scope(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, fits);
}

std::string text_of(const JsonValue& object, std::string_view name) {
  const JsonValue* found = object.find(name);
  return found == nullptr || found->string() == nullptr ? std::string() : *found->string();
}

// Resource Manager tells ids in whatever case somebody once wrote them.
std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

struct BlobPlace {
  std::string account, container, prefix;
};

class Round {
 public:
  Round(AzureAccess& access, const CollectContext& context, const FactMaker& maker, FactSink& sink)
      : access_(access),
        context_(context),
        sink_(sink),
        maker_(maker),
        subscriptions_(own_subscriptions(*context.estate)),
        keys_(access, subscriptions_) {}

  void examine(const std::string& address, const Subject& subject) {
    if (address.starts_with(kBlobPrefix)) {
      examine_blobs(address.substr(kBlobPrefix.size()), subject);
    } else if (address.starts_with(kDiskPrefix)) {
      examine_disk(address.substr(kDiskPrefix.size()), subject);
    } else {
      examine_workspace(address.substr(kWorkspacePrefix.size()), subject);
    }
  }
  // What is in the operator's subscriptions and nobody declared.
  void discover() {
    for (const Location& location : context_.estate->locations) declared_.insert(lower(location.address));
    if (subscriptions_.empty()) {
      sink_.add(
          unread_source_fact(kAzureCollector, "Azure", "the estate names no subscription of its own", context_.now));
    }
    for (const std::string& subscription : subscriptions_) {
      const std::string at = "/subscriptions/" + subscription + "/providers/";
      discover_resources("disks", at + "Microsoft.Compute/disks", kDiskApi, subscription, &Round::found_disk);
      discover_resources("workspaces", at + "Microsoft.MachineLearningServices/workspaces", kWorkspaceApi, subscription,
                         &Round::found_workspace);
      discover_resources("storage accounts", at + "Microsoft.Storage/storageAccounts", kStorageApi, subscription,
                         &Round::found_account);
    }
  }
  void report_keys() {
    for (const DeclaredKey& key : context_.estate->keys) {
      if (const std::string url = azure_key_of(key.name); !url.empty()) keys_.look_at(url);
    }
    keys_.report(maker_, sink_);
  }

 private:
  using Found = Status (Round::*)(const JsonValue& resource);

  void discover_resources(const std::string& what, const std::string& target, const char* api,
                          const std::string& subscription, Found found) {
    const std::string scope = what + " of Azure subscription " + subscription;
    Status read;
    std::int64_t entries = 0;
    const auto resources = access_.list(target, api);
    if (!resources.ok()) read = resources.error();
    for (std::size_t i = 0; resources.ok() && i < resources->size(); ++i) {
      Status one;
      if (++entries > kFoundMax) one = Error(Code::kUnsupported, "there are more than are looked at");
      if (is_stopped()) one = Error(Code::kUnavailable, "it was stopped");
      const bool ends = !one.ok();
      if (!ends) one = (this->*found)((*resources)[i]);
      // One that can't be read doesn't hide those behind it.
      if (read.ok()) read = one;
      if (ends) break;
    }
    sink_.add(read.ok() ? source_fact(kAzureCollector, scope, what, entries, context_.now)
                        : unread_source_fact(kAzureCollector, scope, read.error().message(), context_.now));
  }

  bool is_stopped() const { return context_.progress != nullptr && context_.progress->stop_requested(); }

  // The subject of something that nobody declared; nothing for what somebody did.
  std::optional<Subject> undeclared(const std::string& address) {
    if (declared_.contains(lower(address))) return std::nullopt;
    Subject subject{SubjectKind::kLocation, address};
    sink_.add(seen_fact(kAzureCollector, "Azure, by the credential's roles", subject, address, context_.now));
    return subject;
  }

  Status found_disk(const JsonValue& disk) {
    const std::string id = text_of(disk, "id");
    if (!is_azure_resource_id(id)) return Error(Code::kCorrupt, "the list has a disk without a proper id");
    if (const auto subject = undeclared(std::string(kDiskPrefix) + id)) report_disk(disk, id, *subject);
    return {};
  }

  Status found_workspace(const JsonValue& workspace) {
    const std::string id = text_of(workspace, "id");
    if (!is_azure_resource_id(id)) return Error(Code::kCorrupt, "the list has a workspace without a proper id");
    if (const auto subject = undeclared(std::string(kWorkspacePrefix) + id)) {
      report(*subject, parse_azure_workspace(workspace, id), workspace);
    }
    return {};
  }

  // Containers that nobody declared any part of, with their default.
  Status found_account(const JsonValue& account) {
    const std::string id = text_of(account, "id"), name = text_of(account, "name");
    if (!is_azure_resource_id(id) || !is_account(name)) {
      return Error(Code::kCorrupt, "the list has a storage account without a proper id");
    }
    auto by_account = parse_azure_account(account);
    if (by_account.ok()) keys_.resolve(*by_account);
    CLOISTER_TRY(const auto containers, access_.list(id + "/blobServices/default/containers", kStorageApi));
    for (const JsonValue& container : containers) {
      if (is_stopped()) return Error(Code::kUnavailable, "it was stopped");
      const std::string within = text_of(container, "name");
      if (!is_container(within)) return Error(Code::kCorrupt, "the list has a container without a proper name");
      const std::string address = std::string(kBlobPrefix) + name + "/" + within;
      // A declared part of it speaks for the whole, as with buckets.
      const auto part = declared_.lower_bound(address + "/");
      if (part != declared_.end() && part->starts_with(address + "/")) continue;
      const auto subject = undeclared(address);
      if (!subject) continue;
      const auto scope = parse_azure_container(container, within);
      const auto view = scope.ok() ? view_of_scope(id, by_account, *scope) : scope.error();
      if (!view.ok()) refuse(*subject, view.error().message());
      if (view.ok()) sink_.add(maker_.storage(*subject, *view, raw_excerpt(container.serialize())));
    }
    return {};
  }

  void refuse(const Subject& subject, std::string why) {
    sink_.add(maker_.not_assessed("storage.encryption", subject, std::move(why)));
  }

  void report(const Subject& subject, Result<StorageView> view, const JsonValue& raw) {
    if (!view.ok()) return refuse(subject, view.error().message());
    keys_.resolve(*view);
    sink_.add(maker_.storage(subject, *view, raw_excerpt(raw.serialize())));
  }

  void examine_disk(const std::string& id, const Subject& subject) {
    if (!is_azure_resource_id(id)) return refuse(subject, "it isn't a resource's id, /subscriptions/…");
    const auto json = access_.resource(id, kDiskApi);
    if (!json.ok()) return refuse(subject, json.error().message());
    report_disk(*json, id, subject);
  }

  void report_disk(const JsonValue& json, const std::string& id, const Subject& subject) {
    auto disk = parse_azure_disk(json, id);
    if (!disk.ok()) return refuse(subject, disk.error().message());
    if (!disk->encryption_set.empty()) {
      const bool fits = is_azure_resource_id(disk->encryption_set);
      const auto set = fits ? access_.resource(disk->encryption_set, kDiskApi)
                            : Result<JsonValue>(Error(Code::kCorrupt, "its disk encryption set has no proper id"));
      const auto key = set.ok() ? parse_azure_encryption_set(*set) : set.error();
      if (key.ok()) disk->view.key = *key;
      if (!key.ok()) disk->view.notes.push_back(key.error().message());
    }
    report(subject, std::move(disk->view), json);
  }

  void examine_workspace(const std::string& id, const Subject& subject) {
    if (!is_azure_resource_id(id)) return refuse(subject, "it isn't a resource's id, /subscriptions/…");
    const auto json = access_.resource(id, kWorkspaceApi);
    if (!json.ok()) return refuse(subject, json.error().message());
    report(subject, parse_azure_workspace(*json, id), *json);
  }

  // The account of that name in the operator's subscriptions.
  Result<JsonValue> find_account(const std::string& name) {
    std::string unread;
    for (const std::string& subscription : subscriptions_) {
      const auto accounts =
          access_.list("/subscriptions/" + subscription + "/providers/Microsoft.Storage/storageAccounts", kStorageApi);
      if (!accounts.ok()) {
        unread = accounts.error().message();
        continue;
      }
      for (const JsonValue& account : *accounts) {
        const JsonValue* found = account.find("name");
        if (found != nullptr && found->string() != nullptr && *found->string() == name) return account;
      }
    }
    if (!unread.empty()) return Error(Code::kDenied, unread);
    return Error(Code::kNotFound, "none of the estate's own subscriptions has storage account " + name);
  }

  // How what goes by that scope is encrypted; by none: as the account has it.
  Result<StorageView> view_of_scope(const std::string& account_id, const Result<StorageView>& account,
                                    const std::string& scope) {
    if (scope.empty()) return account;
    if (const auto found = scopes_.find(account_id + " " + scope); found != scopes_.end()) return found->second;
    Result<StorageView> view = Error(Code::kCorrupt, "an encryption scope has no proper name");
    if (is_scope(scope)) {
      const auto json = access_.resource(account_id + "/encryptionScopes/" + scope, kStorageApi);
      view = json.ok() ? parse_azure_scope(*json, scope) : json.error();
    }
    if (view.ok()) keys_.resolve(*view);
    scopes_.emplace(account_id + " " + scope, view);
    return view;
  }

  void list(const BlobPlace& place, const std::string& account_id, const Result<StorageView>& account,
            ObjectViews& objects) {
    std::string marker;
    for (std::size_t pages = 0; pages < kPagesMax && objects.size() < access_.options().blobs_max; ++pages) {
      if (is_stopped()) return objects.miss("it was stopped");
      auto page = access_.blobs(place.account, place.container, place.prefix, marker);
      if (!page.ok()) return objects.miss(page.error().message());
      if (!page->next.empty() && page->next == marker) return objects.miss("the list goes on without coming further");
      for (const AzureBlob& blob : page->blobs) add(blob, view_of_scope(account_id, account, blob.scope), objects);
      marker = std::move(page->next);
      if (marker.empty()) return;
    }
    objects.leave_out();
  }

  static void add(const AzureBlob& blob, const Result<StorageView>& scope, ObjectViews& objects) {
    StorageView view;
    if (!blob.encrypted) {
      view.encrypted = "no";
      view.key_manager = "none";
    } else if (blob.customer_key) {
      view = provider_encrypted("azure", "object");
      view.notes.emplace_back("the key comes with every request, from the client: no KMS holds it");
    } else if (scope.ok()) {
      view = *scope;
    } else {
      return objects.miss(scope.error().message());
    }
    view.level = "object";
    objects.add(blob.name, std::move(view));
  }

  void examine_blobs(const std::string& address, const Subject& subject) {
    const std::size_t slash = std::min(address.find('/'), address.size());
    const std::string behind = address.substr(std::min(slash + 1, address.size()));
    const std::size_t second = std::min(behind.find('/'), behind.size());
    const BlobPlace place{address.substr(0, slash), behind.substr(0, second),
                          behind.substr(std::min(second + 1, behind.size()))};
    if (!is_account(place.account) || !is_container(place.container)) {
      return refuse(subject, "it isn't azure-blob://account/container");
    }
    const auto account = find_account(place.account);
    const JsonValue* id = account.ok() ? account->find("id") : nullptr;
    if (id == nullptr || id->string() == nullptr || !is_azure_resource_id(*id->string())) {
      return refuse(subject, account.ok() ? "the account has no proper id" : account.error().message());
    }
    auto by_account = parse_azure_account(*account);
    if (by_account.ok()) keys_.resolve(*by_account);
    const auto json =
        access_.resource(*id->string() + "/blobServices/default/containers/" + place.container, kStorageApi);
    const auto scope = json.ok() ? parse_azure_container(*json, place.container) : json.error();
    const auto by_default = scope.ok() ? view_of_scope(*id->string(), by_account, *scope) : scope.error();
    ObjectViews objects(maker_, subject, sink_);
    list(place, *id->string(), by_account, objects);
    objects.report(by_default, raw_excerpt(account->serialize()));
  }

  AzureAccess& access_;
  const CollectContext& context_;
  FactSink& sink_;
  const FactMaker& maker_;
  const std::set<std::string> subscriptions_;
  AzureKeys keys_;
  std::map<std::string, Result<StorageView>> scopes_;
  std::set<std::string> declared_;  // addresses, in lower case
};

}  // namespace

void AzureCollector::collect(const CollectContext& context, FactSink& sink) {
  const FactMaker maker(name(), "Azure, by the credential's roles", context);
  auto access = AzureAccess::create(options_, waiting_, connect_);
  std::unique_ptr<Round> round;
  if (access.ok()) round = std::make_unique<Round>(**access, context, maker, sink);
  for (const Location& location : context.estate->locations) {
    const auto is = [&location](std::string_view prefix) { return location.address.starts_with(prefix); };
    if (!is(kBlobPrefix) && !is(kDiskPrefix) && !is(kWorkspacePrefix)) continue;
    const Subject subject{SubjectKind::kLocation, location.name};
    if (!access.ok()) {
      sink.add(maker.not_assessed("storage.encryption", subject, access.error().message()));
    } else if (context.progress != nullptr && context.progress->stop_requested()) {
      sink.add(maker.not_assessed("storage.encryption", subject, "it was stopped"));
    } else {
      round->examine(location.address, subject);
    }
  }
  if (round == nullptr) return;
  round->discover();
  round->report_keys();
}

}  // namespace cloister::posture
