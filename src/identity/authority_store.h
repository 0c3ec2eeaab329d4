// The authorities of a trust domain as bytes to keep: authenticated under a root, so that nobody who can write to the
// store can slip an authority of their own into the bundle. docs/formats/identity.md, ID-31 and on.
#pragma once

#include <string>
#include <vector>

#include "crypto/key_wrapper.h"
#include "crypto/random.h"
#include "identity/rotation.h"

namespace cloister::identity {

// The root's codes. The bytes hold no secret.
Result<Bytes> serialize_rotation(const Rotation& rotation, const std::string& tenant, crypto::KeyWrapper& root,
                                 crypto::Random& random);

// kCorrupt: damaged, changed, or of another trust domain or tenant. The root's codes otherwise. An older copy put back
// is not noticed here: keep rotation.sequence() in the audit and compare.
Result<Rotation> parse_rotation(ByteView bytes, const TrustDomain& trust_domain, const std::string& tenant,
                                const AuthorityRules& rules, crypto::KeyWrapper& root);

// Ids of the keys that the wraps in those bytes name, each once. kCorrupt. Nothing is authenticated.
Result<std::vector<std::string>> rotation_roots(ByteView bytes);
// The same authorities, every wrap in them opened by `source` and made by `target`; each new wrap was opened again.
// kCorrupt as above; the codes of both.
Result<Bytes> rewrap_rotation(ByteView bytes, crypto::KeyWrapper& source, crypto::KeyWrapper& target,
                              crypto::Random& random);

}  // namespace cloister::identity
