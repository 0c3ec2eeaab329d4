// How a TPM's attestation key is enrolled: the identity that a machine shows, the challenge that an operator makes of
// it, and the answer that only that TPM can give. docs/formats/tpm-enrolment.md.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "attest/tpm/credential.h"
#include "crypto/x509.h"

namespace cloister::attest {

inline constexpr std::size_t kTpmEnrolmentFileSizeMax = 65536;
inline constexpr std::size_t kTpmAuthoritiesMax = 256;

struct TpmIdentity {
  TpmPublic endorsement, attestation;
  Bytes certificate;  // DER, of the endorsement key; empty where the TPM has none
};

using TpmChallengeId = std::array<std::uint8_t, 16>;

struct TpmChallenge {
  TpmChallengeId id{};
  Time expires;
  Bytes attestation_name;  // of the key that the credential opens beside
  crypto::SealedTpmCredential credential;
};

// A quote by the key in question over what only the credential's secret leads to: it was opened, and the key is there.
struct TpmAnswer {
  TpmChallengeId id{};
  Evidence evidence;  // of kind tpm: quote, signature, pcrs, ak
};

// kInvalid for a text that isn't exactly one of those; kUnsupported for a newer version, and as parse_tpm_public().
Result<TpmIdentity> parse_tpm_identity(std::string_view text);
Result<TpmChallenge> parse_tpm_challenge(std::string_view text);
Result<TpmAnswer> parse_tpm_answer(std::string_view text);
std::string write_tpm_identity(const TpmIdentity& identity);
std::string write_tpm_challenge(const TpmChallenge& challenge);
std::string write_tpm_answer(const TpmAnswer& answer);

// What an answer's quote is asked with.
crypto::Sha256Digest tpm_answer_proof(const TpmChallengeId& id, const crypto::Secret& secret);

// How the operator names an endorsement key: SHA-256 of its SPKI.
crypto::Sha256Digest tpm_fingerprint(const TpmPublic& key);

// That the endorsement key is a TPM's, by its certificate: one for endorsement keys, of this key, valid at `now`, by
// one of the authorities; each of these is trusted as it stands. kDenied, kExpired; kNotFound where there is no
// certificate. Revocation isn't looked at.
Status check_endorsement_certificate(const TpmIdentity& identity, std::span<const crypto::Certificate> authorities,
                                     Time now);

}  // namespace cloister::attest
