// AWS Signature Version 4 as pure functions: what a client signs and a server holds against it. The protocol is AWS's
// "Signature Version 4 signing process".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "net/http_message.h"

namespace cloister::net {

// What a signing key is good for: one day, one region, one service.
struct SigV4Scope {
  std::string date;          // "20150830"
  std::string region;        // "us-east-1"
  std::string service;       // "kms"
  std::string text() const;  // "20150830/us-east-1/kms/aws4_request"
};

// An Authorization header taken apart.
struct SigV4Authorization {
  std::string access_key_id;
  SigV4Scope scope;
  std::vector<std::string> signed_headers;  // lower case, ascending, none twice; "host" is among them
  crypto::Sha256Digest signature{};
  std::string serialize() const;
};

// Any order of the three parts, with or without a space behind the commas. kInvalid for everything that isn't exactly
// one of each: 2 KiB, an access key id of 128 characters and 64 header names at most.
Result<SigV4Authorization> parse_sigv4_authorization(std::string_view header);

// "20150830T123600Z", the form of x-amz-date.
std::string sigv4_time(Time time);
// kInvalid for anything else, and for times before 1970.
Result<Time> parse_sigv4_time(std::string_view text);

// Lower case hexadecimal, as x-amz-content-sha256 has it.
std::string sigv4_payload_hash(ByteView body);

// Every service but S3 normalises a path and encodes it once more; to S3 a path is what was sent.
enum class SigV4Path { kEncodedAgain, kAsSent };

// The request as both sides see it, over these headers. kInvalid when the request lacks one of them, or when its query
// has a broken percent-escape.
Result<std::string> sigv4_canonical_request(const Request& request, const std::vector<std::string>& signed_headers,
                                            std::string_view payload_hash, SigV4Path path = SigV4Path::kEncodedAgain);
std::string sigv4_string_to_sign(std::string_view amz_date, const SigV4Scope& scope,
                                 std::string_view canonical_request);
crypto::Secret sigv4_signing_key(const crypto::Secret& secret_access_key, const SigV4Scope& scope);
crypto::Sha256Digest sigv4_signature(const crypto::Secret& signing_key, std::string_view string_to_sign);

// kDenied unless the request was signed with that key, compared in constant time; kInvalid as the canonical request.
// Whose key it is, the scope's fitness, the age of `amz_date` and its day's being the scope's are the caller's to
// judge.
Status verify_sigv4(const Request& request, const SigV4Authorization& authorization, std::string_view amz_date,
                    std::string_view payload_hash, const crypto::Secret& signing_key);

}  // namespace cloister::net
