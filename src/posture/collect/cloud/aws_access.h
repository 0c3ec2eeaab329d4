// AWS's services as one caller reaches them: one set of credentials, a client for each service and region.
#pragma once

#include "kms/aws/aws_client.h"
#include "kms/provider.h"

namespace cloister::posture {

struct AwsOptions {
  std::string region;  // where what names no region is; empty: AWS_REGION, AWS_DEFAULT_REGION
  // By what stands first in a service's host name ("s3", "api.sagemaker"); else AWS_ENDPOINT_URL_S3 and the like,
  // AWS_ENDPOINT_URL, the region's own.
  std::map<std::string, std::string, std::less<>> endpoints;
  std::string profile;            // empty: AWS_PROFILE, or "default"
  std::string authorities_file;   // PEM; empty: the system's
  std::string sts_endpoint;       // empty: the region's
  std::string metadata_endpoint;  // empty: http://169.254.169.254
  kms::RetryRules retry;
  kms::Environment environment;  // where credentials begin; unset: it is empty
  kms::OpenTransport open_transport = kms::web_transport;
};

struct AwsServiceName {
  std::string host;      // "api.sagemaker"
  std::string signing;   // "sagemaker"
  std::string variable;  // "SAGEMAKER", of AWS_ENDPOINT_URL_SAGEMAKER
  std::string target_prefix = {};
  net::SigV4Path path = net::SigV4Path::kEncodedAgain;
};
extern const AwsServiceName kS3, kEc2, kRds, kSageMaker, kBedrock;

// An operation of a query service: EC2, RDS.
struct AwsQuery {
  const AwsServiceName& service;
  std::string operation, version;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string about;  // for messages
};

// Any thread may call. What is returned lives as long as this does.
class AwsAccess {
 public:
  AwsAccess(AwsOptions options, kms::Waiting waiting);

  // Empty: nobody says.
  const std::string& region() const { return region_; }
  const kms::Waiting& waiting() const { return waiting_; }
  // kInvalid for what isn't a region or an endpoint.
  Result<kms::AwsClient*> client(const AwsServiceName& service, const std::string& region);
  Result<kms::Provider*> keys(const std::string& region);
  // In this access's region.
  Result<net::Response> query(const AwsQuery& query);

 private:
  Result<kms::Endpoint> endpoint(const AwsServiceName& service, const std::string& region) const;
  std::string configured_endpoint(std::string_view host, const std::string& variable) const;

  AwsOptions options_;
  kms::Waiting waiting_;
  std::string region_;
  std::mutex mutex_;  // of what follows
  std::shared_ptr<kms::AwsCredentialChain> credentials_;
  std::map<std::string, std::unique_ptr<kms::AwsClient>> clients_;
  std::map<std::string, std::shared_ptr<kms::Provider>> keys_;
};

}  // namespace cloister::posture
