// What signs requests to AWS, and the answers that bring it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "crypto/secret.h"
#include "net/http_message.h"

namespace cloister::kms {

struct AwsCredentials {
  std::string source;  // for messages: "environment", "profile work"
  std::string access_key_id;
  crypto::Secret secret_access_key;
  crypto::Secret session_token;  // empty: long-lived credentials have none
  std::optional<Time> expires;
};

// kInvalid unless each part is there, not too long and of visible ASCII, so that it can go into a header.
Status check_aws_credentials(const AwsCredentials& credentials);

// The JSON of a container's endpoint and of an instance's metadata. kDenied where it says that there are none, kInvalid
// for what isn't understood: temporary credentials have a token and an end.
Result<AwsCredentials> parse_metadata_credentials(ByteView body);
// The XML of STS to AssumeRoleWithWebIdentity: kDenied, kUnavailable or kInvalid with STS's own word for a refusal.
Result<AwsCredentials> parse_sts_answer(const net::Response& response);

}  // namespace cloister::kms
