// A trust domain's public keys: what its SVIDs are verified with. SPIFFE Trust Domain and Bundle standard, section 4.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/x509.h"
#include "identity/conformance.h"
#include "identity/spiffe_id.h"

namespace cloister::identity {

inline constexpr std::size_t kBundleSizeMax = std::size_t{4} << 20;

struct JwtAuthority {
  std::string key_id;
  crypto::PublicKey key;
  friend bool operator==(const JwtAuthority&, const JwtAuthority&) = default;
};

struct BundleContents {
  std::vector<crypto::Certificate> x509_authorities;
  std::vector<JwtAuthority> jwt_authorities;
  std::optional<std::uint64_t> sequence;
  std::optional<Duration> refresh_hint;  // whole seconds
  friend bool operator==(const BundleContents&, const BundleContents&) = default;
};

// Immutable. One without authorities trusts nobody.
class Bundle {
 public:
  // kInvalid for an authority that is no signing certificate, a token key that isn't RSA or EC, a key id that is empty
  // or there twice, more than crypto::kAnchorsMax of either. A certificate that is there twice is kept once.
  static Result<Bundle> create(TrustDomain trust_domain, BundleContents contents, Conformance conformance);

  const TrustDomain& trust_domain() const { return trust_domain_; }
  const std::vector<crypto::Certificate>& x509_authorities() const { return contents_.x509_authorities; }
  const std::vector<JwtAuthority>& jwt_authorities() const { return contents_.jwt_authorities; }
  const JwtAuthority* find_jwt_authority(std::string_view key_id) const;
  std::optional<std::uint64_t> sequence() const { return contents_.sequence; }
  std::optional<Duration> refresh_hint() const { return contents_.refresh_hint; }

  friend bool operator==(const Bundle&, const Bundle&) = default;

 private:
  Bundle(TrustDomain trust_domain, BundleContents contents)
      : trust_domain_(std::move(trust_domain)), contents_(std::move(contents)) {}

  TrustDomain trust_domain_;
  BundleContents contents_;
};

// From the JWKS document of that trust domain; the document doesn't say which it is. Passed over, as the standard has
// it: keys whose use or kty isn't known here, x509-svid keys without x5c, certificates of x5c after the first, jwt-svid
// keys without kid, members that aren't known. No keys at all is a bundle that trusts nobody. kInvalid: no keys member,
// a key that is malformed, comes with its private half or isn't that of its certificate, and what Bundle::create()
// refuses.
Result<Bundle> parse_bundle(const TrustDomain& trust_domain, std::string_view text, Conformance conformance);
std::string format_bundle(const Bundle& bundle);

}  // namespace cloister::identity
