// What Key Vault and Managed HSM answer, read: keys, their versions and rotation policies, wraps, refusals. REST API
// "Key Vault keys", 7.4 to 2025-07-01. Everything is checked; nothing is believed that names another vault.
#pragma once

#include <optional>

#include "crypto/secret.h"
#include "kms/azure/azure_key_id.h"
#include "kms/retry.h"

namespace cloister::kms {

struct AzureKeyAttributes {
  std::optional<bool> enabled;
  std::optional<Time> not_before, expires, created;
  std::string recovery_level;  // "Recoverable+Purgeable"; empty when it isn't told
  std::optional<bool> exportable;
};

struct AzureKey {
  AzureKeyId id;
  std::string type;   // kty: "RSA", "RSA-HSM", "EC", "EC-HSM", "oct", "oct-HSM"
  std::string curve;  // crv
  std::vector<std::string> operations;
  AzureKeyAttributes attributes;
  bool managed = false;                 // by the vault, for a certificate
  std::optional<Time> purge_scheduled;  // of a deleted key
};

struct AzureKeyItem {
  AzureKeyId id;
  AzureKeyAttributes attributes;
};
struct AzureKeyPage {
  std::vector<AzureKeyItem> items;
  std::string next;  // target; empty: the last page
};

struct AzureRotationPolicy {
  bool automatic = false;
  std::optional<Duration> after_create, before_expiry, expiry;
  bool calendar = false;  // a duration has years or months, so it isn't so many days exactly
};

// kCorrupt, naming the member, for an answer that isn't what the API says.
Result<AzureKey> parse_azure_key(const Endpoint& vault, ByteView body);
Result<AzureKeyPage> parse_azure_key_page(const Endpoint& vault, ByteView body);
Result<AzureRotationPolicy> parse_azure_rotation(ByteView body);

struct AzureWrapped {
  AzureKeyId id;
  Bytes value;
};
struct AzureUnwrapped {
  AzureKeyId id;
  crypto::Secret value;
};
Result<AzureWrapped> parse_azure_wrapped(const Endpoint& vault, ByteView body);
Result<AzureUnwrapped> parse_azure_unwrapped(const Endpoint& vault, ByteView body);

// "P90D", "P1Y6M", "PT2H": ISO 8601 without fractions and weeks mixed with others. A year is 365 days, a month 30:
// `calendar` tells. kInvalid.
struct IsoDuration {
  Duration length;
  bool calendar = false;
};
Result<IsoDuration> parse_iso_duration(std::string_view text);

// The error that a status and a body ({"error":{"code","message","innererror"}}) stand for, with the request's id and
// the region. `response` may be anything.
Error azure_error(const net::Response& response);
// 429, 408 and 5xx but 501 again; 401 with a new token; the rest is final.
Verdict judge_azure(const net::Response& response);
// "x-ms-request-id", printable; empty when there is none.
std::string azure_request_id(const net::Response& response);

}  // namespace cloister::kms
