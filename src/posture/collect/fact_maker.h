// What all facts of one collector's run have in common, and the shape of the commonest one.
#pragma once

#include "posture/collector.h"

namespace cloister::posture {

// How a location's data is encrypted, as `storage.encryption` of docs/formats/facts.md has it.
struct StorageView {
  std::string encrypted = "unknown";  // "yes", "no", "unknown"
  std::string scheme;                 // "sse-kms", "ebs", …; empty: none
  std::string algorithm;
  std::optional<std::int64_t> key_bits;
  std::string integrity = "unknown";  // "aead", "elsewhere", "none", "unknown"
  std::string key;                    // full name; empty: none
  std::string key_manager = "unknown";
  std::vector<std::string> other_keys;  // that are named beside `key`
  std::string level = "service";
  // Of an object store whose objects were looked at.
  struct Sample {
    std::int64_t objects = 0, sampled = 0, bound_permille = 1000;
  };
  std::optional<Sample> sample;
  std::vector<std::string> notes;  // what a reader of the verdict should know: "the default is an alias"
};

class FactMaker {
 public:
  FactMaker(std::string_view collector, std::string scope, const CollectContext& context);

  Fact storage(Subject subject, const StorageView& view, std::string raw) const;
  // For an answer that says nothing, or none at all.
  Fact not_assessed(std::string_view kind, Subject subject, std::string why) const;
  Fact make(std::string_view kind, Subject subject) const;
  const Estate& estate() const { return *estate_; }

 private:
  const std::string collector_, scope_;
  const Time at_;
  const Estate* const estate_;
};

// Encrypted by a provider with a key whose manager isn't known yet: AES with 256 bits, as all of them say.
StorageView provider_encrypted(std::string scheme, std::string level);

// Raw answers go into facts no longer than this.
inline constexpr std::size_t kRawMax = 4096;
std::string raw_excerpt(std::string_view text);

}  // namespace cloister::posture
