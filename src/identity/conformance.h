// How closely certificates of others are held to the SPIFFE standards.
#pragma once

namespace cloister::identity {

enum class Conformance {
  kStrict,    // every MUST: keyUsage critical, extended key usage for both sides if present, RFC 5280 paths strictly
  kGoSpiffe,  // what go-spiffe 2.7 and later checks, for peers whose issuer is careless
};

}  // namespace cloister::identity
