// An authority of the red team's own, which signs whatever it is told to: identities that nobody may take, and those of
// its canary servers.
#pragma once

#include "crypto/certificate_writer.h"
#include "net/tls.h"
#include "redteam/exercise.h"

namespace cloister::redteam {

inline constexpr std::string_view kCanaryDomain = "redteam.example";
inline constexpr std::string_view kCanaryWorkload = "spiffe://redteam.example/workload";

// What a certificate says; a field that is empty leaves its extension out.
struct LeafParts {
  std::string uri{kCanaryWorkload};
  Bytes basic = crypto::extension_leaf();
  Bytes usage = crypto::extension_leaf_key_usage();
  Bytes extended = crypto::extension_server_and_client();
  Time not_before, not_after;
};
LeafParts valid_leaf(Time now);

struct IssuerParts {
  std::string name;
  std::string permitted_host{kCanaryDomain};  // empty: no constraint
  bool authority = true;                      // false: it signs all the same
};

struct Issued {
  crypto::Certificate certificate;
  crypto::PrivateKey key;
};

// One thread at a time.
class Issuer {
 public:
  // Signed by itself where nobody is above it.
  static Result<std::unique_ptr<Issuer>> make(const Field& field, const IssuerParts& parts, Issuer* above = nullptr);

  Result<Issued> issue(const Field& field, const LeafParts& parts);
  // The same as TLS shows it.
  Result<std::shared_ptr<const net::Credentials>> credentials(const Field& field, const LeafParts& parts);
  const crypto::Certificate& certificate() const { return *certificate_; }

 private:
  Issuer(crypto::PrivateKey key, const std::string& name) : signer_(std::move(key)), name_(crypto::common_name(name)) {}

  crypto::MemorySigner signer_;
  const Bytes name_;
  std::optional<crypto::Certificate> certificate_;
  std::uint8_t serial_ = 1;
};

}  // namespace cloister::redteam
