// Where AWS credentials come from, as AWS's own programs look for them: the environment, a profile of the shared files,
// a web identity that STS exchanges, a container's endpoint, an instance's metadata (version 2 alone).
#pragma once

#include "base/file.h"
#include "kms/aws/credentials.h"
#include "kms/http_transport.h"

namespace cloister::kms {

using Environment = std::function<std::optional<std::string>(const std::string& name)>;
using OpenTransport =
    std::function<Result<std::unique_ptr<HttpTransport>>(const Endpoint& endpoint, const WebTransportOptions& options)>;

struct AwsCredentialOptions {
  std::string region;             // whose STS is asked
  std::string profile;            // empty: AWS_PROFILE, or "default"
  std::string sts_endpoint;       // empty: the region's
  std::string metadata_endpoint;  // empty: http://169.254.169.254
  std::string authorities_file;   // for STS and a container's https endpoint
  Environment environment;
  OpenTransport open_transport;
};

// From the first source that is set up. One that is set up and fails is an error; the next isn't tried in its stead.
// kDenied: refused, expired already, or a file that others can read. kInvalid: malformed. kNotFound: a profile or file
// that was named isn't there. kUnsupported: a profile that needs a program or a login. kUnavailable: out of reach, or
// there are none. Messages name the source and never have a secret.
Result<AwsCredentials> fetch_aws_credentials(const AwsCredentialOptions& options, const Waiting& waiting);

// The sources that ask by HTTP; nothing where the environment doesn't set one up.
Result<std::optional<AwsCredentials>> container_credentials(const AwsCredentialOptions& options,
                                                            const Waiting& waiting);
Result<std::optional<AwsCredentials>> instance_credentials(const AwsCredentialOptions& options, const Waiting& waiting);

struct WebIdentity {
  std::string role_arn;
  std::string token_file;
  std::string session_name;
};
Result<AwsCredentials> web_identity_credentials(const WebIdentity& identity, const AwsCredentialOptions& options,
                                                const Waiting& waiting);

// A file of a secret's, into memory that is wiped. Errors of base's files; kDenied as check_guarded.
Result<crypto::Secret> read_guarded_file(const Path& path, Guard guard);
// Empty where it isn't set; our own copy of it is wiped.
crypto::Secret secret_of_environment(const Environment& environment, const std::string& name);

}  // namespace cloister::kms
