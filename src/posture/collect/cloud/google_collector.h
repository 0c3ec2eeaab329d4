// What Google Cloud keeps of an estate: Cloud Storage, disks of Compute Engine, resources of Vertex AI, and the keys
// they name.
#pragma once

#include "kms/connect.h"
#include "kms/google/google_credential.h"
#include "posture/collector.h"

namespace cloister::posture {

struct GoogleOptions {
  kms::GoogleCredentialOptions credential;
  std::string storage_endpoint = "https://storage.googleapis.com";
  std::string compute_endpoint = "https://compute.googleapis.com";
  std::string vertex_endpoint;  // empty: https://REGION-aiplatform.googleapis.com
  std::string kms_endpoint = "https://cloudkms.googleapis.com";
  kms::WebTransportOptions web;
  std::size_t objects_max = 1'000'000;  // a location with more isn't assessed
};

inline constexpr std::string_view kGoogleCollector = "google/1";

// Locations of these addresses: "gs://bucket/prefix", "gce-disk:PROJECT/ZONE/NAME" (or a region's),
// "vertex:projects/…/locations/…/…". The operator's own accounts are projects by their id, as key names have it;
// buckets and disks of those that nobody declared are reported too. Calls nothing but what reads.
class GoogleCollector final : public Collector {
 public:
  GoogleCollector(GoogleOptions options, kms::Waiting waiting, kms::Connect connect = kms::web_transport);

  std::string_view name() const override { return kGoogleCollector; }
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  const GoogleOptions options_;
  const kms::Waiting waiting_;
  const kms::Connect connect_;
};

}  // namespace cloister::posture
