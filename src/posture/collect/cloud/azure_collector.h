// What Azure keeps of an estate: blobs, managed disks, workspaces of Machine Learning, and the keys they name.
#pragma once

#include "kms/azure/azure_credential.h"
#include "posture/collector.h"

namespace cloister::posture {

struct AzureOptions {
  kms::AzureCredentialOptions credential;
  std::string tenant;  // the directory that gives tokens; nothing to a machine's identity
  std::string manager_endpoint = "https://management.azure.com";
  std::string blob_domain = "blob.core.windows.net";
  kms::WebTransportOptions web;
  std::size_t blobs_max = 1'000'000;  // a location with more isn't assessed
};

inline constexpr std::string_view kAzureCollector = "azure/1";

// Locations of these addresses: "azure-blob://account/container/prefix", "azure-disk:" and "azure-ml:" with the
// resource's id ("/subscriptions/…"). The operator's own accounts are subscriptions by their id: a storage account is
// looked for there, and so is the vault of each key. So is what nobody declared: containers, disks and workspaces of
// those subscriptions. Calls nothing but what reads.
class AzureCollector final : public Collector {
 public:
  AzureCollector(AzureOptions options, kms::Waiting waiting, kms::Connect connect = kms::web_transport)
      : options_(std::move(options)), waiting_(std::move(waiting)), connect_(std::move(connect)) {}

  std::string_view name() const override { return kAzureCollector; }
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  const AzureOptions options_;
  const kms::Waiting waiting_;
  const kms::Connect connect_;
};

}  // namespace cloister::posture
