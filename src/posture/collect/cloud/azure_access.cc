#include "posture/collect/cloud/azure_access.h"

#include <algorithm>

#include "kms/azure/azure_answer.h"
#include "kms/form_body.h"

namespace cloister::posture {
namespace {

constexpr std::size_t kPagesMax = 200;
constexpr std::string_view kStorageVersion = "2023-11-03";
constexpr JsonLimits kJsonLimits{std::size_t{8} << 20, 24, 1 << 19};

}  // namespace

bool is_azure_resource_id(std::string_view id) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '/' || c == '(' || c == ')';
  };
  return id.starts_with("/subscriptions/") && id.size() <= 2048 && std::ranges::all_of(id, fits) &&
         id.find("..") == std::string_view::npos;
}

std::unique_ptr<BearerClient> AzureAccess::client_for(std::string resource) {
  BearerService service{"azure", [this, resource] { return credential_->fetch({resource, options_.tenant, {}}); },
                        kms::judge_azure, kms::azure_error};
  return std::make_unique<BearerClient>(std::move(service), options_.web, waiting_, connect_);
}

Result<std::unique_ptr<AzureAccess>> AzureAccess::create(const AzureOptions& options, const kms::Waiting& waiting,
                                                         const kms::Connect& connect) {
  std::unique_ptr<AzureAccess> access(new AzureAccess(options, waiting, connect));
  CLOISTER_TRY(access->manager_, kms::parse_endpoint(options.manager_endpoint));
  CLOISTER_TRY(access->credential_, kms::AzureCredential::create(options.credential, options.web, waiting, connect));
  access->manager_client_ = access->client_for("https://management.azure.com");
  access->blob_client_ = access->client_for("https://storage.azure.com");
  return access;
}

Result<JsonValue> AzureAccess::resource(const std::string& target, const std::string& api_version) {
  CLOISTER_TRY(const net::Response answer,
               manager_client_->get(manager_, target + "?api-version=" + api_version, "get " + target));
  return parse_json(as_text(answer.body), kJsonLimits);
}

Result<std::vector<JsonValue>> AzureAccess::list(const std::string& target, const std::string& api_version) {
  std::vector<JsonValue> all;
  std::string next = target + "?api-version=" + api_version;
  for (std::size_t pages = 0; pages < kPagesMax; ++pages) {
    CLOISTER_TRY(const net::Response answer, manager_client_->get(manager_, next, "list " + target));
    CLOISTER_TRY(const JsonValue json, parse_json(as_text(answer.body), kJsonLimits));
    CLOISTER_TRY(AzurePage page, parse_azure_page(json));
    std::ranges::move(page.items, std::back_inserter(all));
    if (page.next.empty()) return all;
    CLOISTER_TRY(std::string following, BearerClient::target_of_link(manager_, page.next));
    if (following == next) break;
    next = std::move(following);
  }
  return Error(Code::kCorrupt, "azure: list " + target + ": the list doesn't end");
}

Result<AzureBlobPage> AzureAccess::blobs(const std::string& account, const std::string& container,
                                         const std::string& prefix, const std::string& marker) {
  CLOISTER_TRY(const kms::Endpoint endpoint, kms::parse_endpoint("https://" + account + "." + options_.blob_domain));
  std::string target = "/" + container + "?restype=container&comp=list";
  if (!prefix.empty()) target += "&prefix=" + kms::percent_encode(prefix);
  if (!marker.empty()) target += "&marker=" + kms::percent_encode(marker);
  CLOISTER_TRY(const net::Response answer,
               blob_client_->get(endpoint, target, "list blobs of " + account + "/" + container,
                                 {{"x-ms-version", std::string(kStorageVersion)}}));
  return parse_azure_blobs(as_text(answer.body));
}

}  // namespace cloister::posture
