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
// A model, dataset, endpoint, … of Vertex AI, of that name in full. kCorrupt likewise.
Result<StorageView> parse_vertex(const JsonValue& answer, std::string_view name);

// "projects/p/locations/l/keyRings/r/cryptoKeys/k" of that name, or of a version's below it; empty for anything else.
std::string google_key_of(std::string_view name);

}  // namespace cloister::posture
