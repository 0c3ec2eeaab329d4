// What facts and verdicts are about: one place, key, edge or program, named the same in every run, so that runs can be
// compared.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cloister::posture {

enum class SubjectKind : std::uint8_t {
  kPlatform,  // the estate as a whole
  kLocation,  // where data persists: a directory, bucket, volume, database
  kObject,    // one file or object of a location
  kKey,       // a key-encryption key or a key that a provider holds
  kTenant,
  kWorkload,  // a component that runs: trains, infers, federates, serves keys
  kEndpoint,  // a port that clients from outside reach
  kEdge,      // one component to another
  kModel,     // a model artefact, as it is published
  kHost,      // a machine: its swap, its dumps
  kSite,      // where machines stand
};
std::string_view name_of(SubjectKind kind);  // "platform", "location", …
Result<SubjectKind> parse_subject_kind(std::string_view text);

struct Subject {
  SubjectKind kind = SubjectKind::kPlatform;
  // Of a location, workload, tenant: its name in the estate; where it was only seen, its address ("file:/srv/x",
  // "s3://bucket/prefix", "db:postgresql://host/name"). Of an object "LOCATION#name within". Of a key the provider's
  // full name. Of an edge "from>to/tcp/443". Of the platform empty.
  std::string id;

  std::string text() const;  // "location:corpus"
  friend auto operator<=>(const Subject&, const Subject&) = default;
};

}  // namespace cloister::posture
