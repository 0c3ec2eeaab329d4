// What Cloud Storage, Compute Engine and Vertex AI say about the encryption of what they keep. Everything but whose the
// keys are.
#pragma once

#include "base/json.h"
#include "posture/collect/fact_maker.h"

namespace cloister::posture {

// buckets.get: the default of what is written there. kCorrupt for an answer about something else.
Result<StorageView> parse_gcs_bucket(const JsonValue& answer, std::string_view bucket);

struct GcsObject {
  std::string name;
  StorageView view;
};
struct GcsPage {
  std::vector<GcsObject> objects;
  std::string next;  // token; empty: the last page
};
// objects.list, which tells of each object what objects.get does. kCorrupt for what isn't one.
Result<GcsPage> parse_gcs_objects(const JsonValue& answer);

// disks.get, of that name. kCorrupt likewise.
Result<StorageView> parse_gce_disk(const JsonValue& answer, std::string_view name);
// What there is, by the rest of its address: "bucket", "zone/name".
struct FoundAtGoogle {
  std::string name;
  StorageView view;
  std::string raw;  // what the list says of it
};
struct FoundAtGooglePage {
  std::vector<FoundAtGoogle> found;
  std::string next;  // token; empty: the last page
};
// buckets.list. kCorrupt for what isn't one, and for a bucket without a name.
Result<FoundAtGooglePage> parse_gcs_buckets(const JsonValue& answer);
// disks.aggregatedList. kCorrupt likewise; kUnavailable where it says that a zone couldn't be asked.
Result<FoundAtGooglePage> parse_gce_disks(const JsonValue& answer);
// A model, dataset, endpoint, … of Vertex AI, of that name in full. kCorrupt likewise.
Result<StorageView> parse_vertex(const JsonValue& answer, std::string_view name);

// "projects/p/locations/l/keyRings/r/cryptoKeys/k" of that name, or of a version's below it; empty for anything else.
std::string google_key_of(std::string_view name);

}  // namespace cloister::posture
