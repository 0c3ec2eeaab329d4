// Names of workloads: SPIFFE IDs, to the letter of the SPIFFE-ID standard, section 2.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cloister::identity {

inline constexpr std::size_t kTrustDomainMax = 255;
inline constexpr std::size_t kSpiffeIdMax = 2048;

// "example.org": letters, digits, dots, hyphens and underscores. Upper case is taken and becomes lower case.
class TrustDomain {
 public:
  // kInvalid for anything else: user, port and percent-encoding too.
  static Result<TrustDomain> parse(std::string_view name);

  const std::string& name() const { return name_; }
  std::string uri() const { return "spiffe://" + name_; }

  friend auto operator<=>(const TrustDomain&, const TrustDomain&) = default;

 private:
  explicit TrustDomain(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

// "spiffe://example.org/ns/prod/sa/trainer". The path is case-sensitive; it may be empty, which names the trust domain
// itself.
class SpiffeId {
 public:
  // kInvalid, with the reason, for anything that isn't one: other schemes, empty segments, "." and "..", a slash at the
  // end, percent-encoding, query, fragment, more than kSpiffeIdMax bytes.
  static Result<SpiffeId> parse(std::string_view uri);
  // `path` is empty or begins with a slash.
  static Result<SpiffeId> of(const TrustDomain& trust_domain, std::string_view path);

  const TrustDomain& trust_domain() const { return trust_domain_; }
  const std::string& path() const { return path_; }
  std::string uri() const { return trust_domain_.uri() + path_; }

  friend auto operator<=>(const SpiffeId&, const SpiffeId&) = default;

 private:
  SpiffeId(TrustDomain trust_domain, std::string path)
      : trust_domain_(std::move(trust_domain)), path_(std::move(path)) {}

  TrustDomain trust_domain_;
  std::string path_;
};

}  // namespace cloister::identity
