// A KMS in memory that speaks AWS's protocol and holds callers to it: signatures are verified, a wrong key or context
// doesn't open, disabled keys refuse.
#pragma once

#include "kms/aws/aws_kms.h"

namespace cloister::kms {

// One thread at a time.
class AwsStandIn {
 public:
  AwsStandIn(std::string access_key_id, std::string_view secret_access_key);

  // Keys that may be used, by ARN.
  std::vector<std::string> keys;
  std::vector<std::string> disabled;
  std::map<std::string, std::string> aliases;  // "alias/corpus": ARN
  Time now{1'795'526'589'000};

  OpenTransport open();
  net::Response answer(const net::Request& request);

 private:
  struct Wrapped {
    std::string key;
    std::string plaintext;  // base64
    JsonValue context;
  };
  Status verify(const net::Request& request) const;
  Result<std::string> find_key(const JsonValue& body) const;
  net::Response act(std::string_view operation, const JsonValue& body);
  net::Response encrypt(const std::string& key, const JsonValue& body);
  net::Response decrypt(const std::string& key, const JsonValue& body) const;

  const std::string access_key_id_;
  const crypto::Secret secret_access_key_;
  std::vector<Wrapped> wrapped_;
};

}  // namespace cloister::kms
