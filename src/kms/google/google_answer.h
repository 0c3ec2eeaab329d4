// What Google Cloud KMS answers, read: keys, versions, key rings, IAM policies, ciphertexts with their checksums,
// refusals. REST API v1, proto3's JSON: 64-bit numbers are text, what is absent has its default.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/secret.h"
#include "kms/retry.h"

namespace cloister::kms {

struct GoogleKeyVersion {
  std::string name;
  std::string state;       // "ENABLED"
  std::string protection;  // "SOFTWARE", "HSM", "EXTERNAL", …
  std::string algorithm;
  std::optional<Time> created, generated, destroy_at;
  bool imported = false;
};

struct GoogleKey {
  std::string name;
  std::string purpose;  // "ENCRYPT_DECRYPT"
  std::optional<GoogleKeyVersion> primary;
  std::string protection, algorithm;  // of new versions
  std::optional<Time> created, next_rotation;
  std::optional<Duration> rotation_period, destroy_after;
  bool import_only = false;
};

// kCorrupt, naming the member, for an answer that isn't what the API says, also when it is about another key than
// `key`.
Result<GoogleKey> parse_google_key(ByteView body, std::string_view key);

template <typename Item>
struct GooglePage {
  std::vector<Item> items;
  std::string next;  // token; empty: the last page
};
Result<GooglePage<GoogleKeyVersion>> parse_google_versions(ByteView body, std::string_view key);
// The names alone, below `parent`.
Result<GooglePage<std::string>> parse_google_keys(ByteView body, std::string_view key_ring);
Result<GooglePage<std::string>> parse_google_key_rings(ByteView body, std::string_view location);

struct GoogleBinding {
  std::string role;
  std::vector<std::string> members;
};
Result<std::vector<GoogleBinding>> parse_google_policy(ByteView body);

// What came back, and what about it contradicts itself: a checksum that isn't that of the bytes, or a service that
// didn't verify what we sent. Empty: intact.
struct GoogleEncrypted {
  std::string version;
  Bytes ciphertext;
  std::string doubt;
};
struct GoogleDecrypted {
  crypto::Secret plaintext;
  std::string doubt;
};
Result<GoogleEncrypted> parse_google_encrypted(ByteView body, std::string_view key);
Result<GoogleDecrypted> parse_google_decrypted(ByteView body);

// "7776000s", "3.5s". kInvalid.
Result<Duration> parse_google_duration(std::string_view text);

// The error that a status and a body (google.rpc.Status) stand for. `response` may be anything.
Error google_error(const net::Response& response);
// UNAVAILABLE and DEADLINE_EXCEEDED again, as Google's own clients do; RESOURCE_EXHAUSTED in the next second, whose
// jitter is `random`, since quotas are by the second; 401 with a new token; the rest is final.
Verdict judge_google(const net::Response& response, double random);

}  // namespace cloister::kms
