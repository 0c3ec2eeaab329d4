// The messages of the SPIFFE Workload API, as its server sends and takes them: workload.proto of the SPIFFE standards.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "identity/jwt_svid.h"
#include "mesh/workload_identities.h"
#include "net/buffer.h"

namespace cloister::mesh {

// What an authority puts into a token at most.
inline constexpr std::size_t kAudiencesMax = 16;
inline constexpr std::size_t kAudienceSizeMax = 512;
inline constexpr std::size_t kTokenSizeMax = std::size_t{16} << 10;

struct JwtSvidRequest {
  std::vector<std::string> audience;  // at least one, none of them empty
  std::optional<identity::SpiffeId> id;
};
struct ValidateJwtSvidRequest {
  std::string audience;  // not empty
  std::string token;     // not empty
};

// Fields of other numbers are passed over, as protobuf has it. kInvalid for what isn't protobuf, for a known field of
// another kind, for what must be there and isn't, and for anything over the limits.
Status parse_empty_request(ByteView message);
Result<JwtSvidRequest> parse_jwt_svid_request(ByteView message);
Result<ValidateJwtSvidRequest> parse_validate_jwt_svid_request(ByteView message);

// kDenied for a state without SVIDs: the standard has a status instead of an empty answer. kInternal when there is no
// bundle of an SVID's own trust domain. Bundles that an SVID federates with and that aren't there are left out.
Result<net::Buffer> write_x509_svids(const WorkloadState& state);
// By trust domain, each with what it has authorities of that kind for: a bundle without trusts nobody, and so does one
// that isn't there.
net::Buffer write_x509_bundles(const identity::BundleSet& bundles);
net::Buffer write_jwt_bundles(const identity::BundleSet& bundles);
net::Buffer write_jwt_svids(const std::vector<HeldToken>& tokens);
// With the token's claims as google.protobuf.Struct: numbers are doubles there.
net::Buffer write_validated(const identity::JwtSvid& svid);

}  // namespace cloister::mesh
