// Azure's services as one caller reads them: Resource Manager and Blob Storage, each with tokens of its own.
#pragma once

#include <set>

#include "base/json.h"
#include "posture/collect/cloud/azure_answers.h"
#include "posture/collect/cloud/azure_collector.h"
#include "posture/collect/cloud/bearer_client.h"

namespace cloister::posture {

class AzureAccess {
 public:
  // kInvalid for options that make no sense.
  static Result<std::unique_ptr<AzureAccess>> create(const AzureOptions& options, const kms::Waiting& waiting,
                                                     const kms::Connect& connect);

  const AzureOptions& options() const { return options_; }
  const kms::Waiting& waiting() const { return waiting_; }
  const kms::Connect& connect() const { return connect_; }

  // GET of a resource; `target` has no api-version.
  Result<JsonValue> resource(const std::string& target, const std::string& api_version);
  // All of a list, page by page. kCorrupt for one that doesn't end.
  Result<std::vector<JsonValue>> list(const std::string& target, const std::string& api_version);
  // One page of a container's blobs.
  Result<AzureBlobPage> blobs(const std::string& account, const std::string& container, const std::string& prefix,
                              const std::string& marker);

 private:
  AzureAccess(AzureOptions options, kms::Waiting waiting, kms::Connect connect)
      : options_(std::move(options)), waiting_(std::move(waiting)), connect_(std::move(connect)) {}
  std::unique_ptr<BearerClient> client_for(std::string resource);

  const AzureOptions options_;
  const kms::Waiting waiting_;
  const kms::Connect connect_;
  kms::Endpoint manager_;
  std::unique_ptr<kms::AzureCredential> credential_;
  std::unique_ptr<BearerClient> manager_client_, blob_client_;
};

// A resource's id that may go into a target: "/subscriptions/…", of plain characters.
bool is_azure_resource_id(std::string_view id);

}  // namespace cloister::posture
