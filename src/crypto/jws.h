// Signed tokens in compact form, RFC 7515 3.1, with the signatures of RFC 7518 3.3 to 3.5. Nothing else: no shared keys
// (HS*), no "none", no JSON serialisation, no extensions that must be understood.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "crypto/signer.h"

namespace cloister::crypto {

inline constexpr std::size_t kJwsSizeMax = 16384;

enum class JwsAlgorithm { kRs256, kRs384, kRs512, kEs256, kEs384, kEs512, kPs256, kPs384, kPs512 };
std::string_view jws_algorithm_name(JwsAlgorithm algorithm);

struct JwsHeader {
  JwsAlgorithm algorithm = JwsAlgorithm::kEs256;
  std::optional<std::string> key_id;  // kid
  std::optional<std::string> type;    // typ
};

// Immutable.
class Jws {
 public:
  // kInvalid for anything but three base64url parts of at most `size_max` characters whose first is a JSON object with
  // an algorithm of the list above. Keys that the token carries itself (jwk, x5c, jku, x5u) are never looked at.
  static Result<Jws> parse(std::string_view token, std::size_t size_max = kJwsSizeMax);

  const JwsHeader& header() const { return header_; }
  // What anybody may have written: to find out whose key to verify with.
  const Bytes& unverified_payload() const { return payload_; }
  // kCorrupt when the signature isn't this key's over this token; kInvalid when keys of this type, or on this curve,
  // don't sign with the header's algorithm.
  Result<Bytes> verified_payload(const PublicKey& key) const;

 private:
  Jws() = default;

  JwsHeader header_;
  Bytes payload_;
  Bytes signature_;
  std::string signed_part_;
};

// ES256 by a key on P-256, ES384 by one on P-384, RS256 by an RSA key (crypto/rsa_signer.h): kInvalid for every other
// pair, and for a token that would be longer than `size_max`.
Result<std::string> sign_jws(const JwsHeader& header, ByteView payload, Signer& signer,
                             std::size_t size_max = kJwsSizeMax);

}  // namespace cloister::crypto
