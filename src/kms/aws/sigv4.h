// Signs a request of ours to AWS.
#pragma once

#include "kms/aws/credentials.h"
#include "net/sigv4.h"

namespace cloister::kms {

struct AwsSigner {
  std::string region;
  std::string service;  // "kms"
  net::SigV4Path path = net::SigV4Path::kEncodedAgain;

  // Adds x-amz-date, x-amz-security-token where there is one, x-amz-content-sha256 where the path is as sent (S3 wants
  // it), and an authorization over all headers that the request has; "host" must be among them. kInvalid as
  // net::sigv4_canonical_request.
  Status sign(net::Request& request, const AwsCredentials& credentials, Time now) const;
};

}  // namespace cloister::kms
