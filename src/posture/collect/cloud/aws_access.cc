#include "posture/collect/cloud/aws_access.h"

#include "kms/aws/aws_kms.h"
#include "kms/aws/endpoints.h"
#include "kms/form_body.h"

namespace cloister::posture {

const AwsServiceName kS3{"s3", "s3", "S3", {}, net::SigV4Path::kAsSent};
const AwsServiceName kEc2{"ec2", "ec2", "EC2"};
const AwsServiceName kRds{"rds", "rds", "RDS"};
const AwsServiceName kSageMaker{"api.sagemaker", "sagemaker", "SAGEMAKER", "SageMaker."};
const AwsServiceName kBedrock{"bedrock", "bedrock", "BEDROCK"};

AwsAccess::AwsAccess(AwsOptions options, kms::Waiting waiting)
    : options_(std::move(options)), waiting_(std::move(waiting)) {
  if (!options_.environment) options_.environment = [](const std::string&) { return std::nullopt; };
  region_ = options_.region;
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (region_.empty()) region_ = options_.environment(name).value_or("");
  }
}

std::string AwsAccess::configured_endpoint(std::string_view host, const std::string& variable) const {
  if (const auto found = options_.endpoints.find(host); found != options_.endpoints.end()) return found->second;
  const auto own = options_.environment("AWS_ENDPOINT_URL_" + variable);
  return own ? *own : options_.environment("AWS_ENDPOINT_URL").value_or("");
}

Result<kms::Endpoint> AwsAccess::endpoint(const AwsServiceName& service, const std::string& region) const {
  const std::string url = configured_endpoint(service.host, service.variable);
  return url.empty() ? kms::aws_endpoint(service.host, {region}) : kms::parse_endpoint(url);
}

Result<kms::AwsClient*> AwsAccess::client(const AwsServiceName& service, const std::string& region) {
  CLOISTER_RETURN_IF_ERROR(kms::check_aws_region(region));
  const std::lock_guard lock(mutex_);
  auto& client = clients_[service.host + " " + region];
  if (client != nullptr) return client.get();
  CLOISTER_TRY(kms::Endpoint endpoint, endpoint(service, region));
  CLOISTER_TRY(auto transport, options_.open_transport(endpoint, {options_.authorities_file, {}, {}}));
  if (credentials_ == nullptr) {
    credentials_ = std::make_shared<kms::AwsCredentialChain>(
        kms::AwsCredentialOptions{region, options_.profile, options_.sts_endpoint, options_.metadata_endpoint,
                                  options_.authorities_file, options_.environment, options_.open_transport},
        waiting_);
  }
  kms::AwsService named{"aws-" + service.signing + " " + region,
                        service.target_prefix,
                        {region, service.signing, service.path},
                        std::move(endpoint),
                        options_.retry};
  client = std::make_unique<kms::AwsClient>(std::move(named), std::move(transport), credentials_, nullptr, waiting_);
  return client.get();
}

Result<net::Response> AwsAccess::query(const AwsQuery& query) {
  CLOISTER_TRY(kms::AwsClient * client, this->client(query.service, region_));
  kms::FormBody body;
  body.add("Action", query.operation).add("Version", query.version);
  for (const auto& [name, value] : query.fields) body.add(name, value);
  return client->call(kms::AwsAsk{query.operation,
                                  query.about,
                                  "POST",
                                  "/",
                                  {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}},
                                  body.take()});
}

Result<kms::Provider*> AwsAccess::keys(const std::string& region) {
  const std::lock_guard lock(mutex_);
  auto& provider = keys_[region];
  if (provider != nullptr) return provider.get();
  kms::AwsKmsOptions options;
  options.region = region;
  options.endpoint = configured_endpoint("kms", "KMS");
  options.authorities_file = options_.authorities_file;
  options.profile = options_.profile;
  options.sts_endpoint = options_.sts_endpoint;
  options.metadata_endpoint = options_.metadata_endpoint;
  options.retry = options_.retry;
  options.environment = options_.environment;
  options.open_transport = options_.open_transport;
  CLOISTER_TRY(provider, kms::AwsKms::create(std::move(options), nullptr, waiting_));
  return provider.get();
}

}  // namespace cloister::posture
