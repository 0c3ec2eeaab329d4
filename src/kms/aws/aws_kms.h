// AWS KMS: Encrypt and Decrypt by a key that stays there, and all that it tells of its keys. docs/providers/aws-kms.md.
#pragma once

#include "kms/aws/aws_client.h"
#include "kms/provider.h"

namespace cloister::kms {

struct AwsKmsOptions {
  std::string region;    // "eu-west-1"
  std::string endpoint;  // empty: the region's
  bool fips = false;     // which of the region's
  bool dual_stack = false;
  std::string authorities_file;   // PEM; empty: the system's
  std::string profile;            // empty: AWS_PROFILE, or "default"
  std::string sts_endpoint;       // empty: the region's
  std::string metadata_endpoint;  // empty: http://169.254.169.254
  RetryRules retry;
  Environment environment;                       // where credentials begin; unset: it is empty
  OpenTransport open_transport = web_transport;  // to KMS, STS and the metadata services
};

// Keys are named by ARN, id, or alias ("alias/corpus", or its ARN); wraps are by ARN. The context is KMS's encryption
// context: bound, and in clear in CloudTrail. An AWS key's version is its key material id, where AWS tells it.
class AwsKms final : public Provider {
 public:
  // Asks for nothing yet. kInvalid for a region or endpoint that isn't one, kUnsupported for a region whose endpoint
  // must be given. `evidence` may be null.
  static Result<std::shared_ptr<AwsKms>> create(AwsKmsOptions options, std::shared_ptr<EvidenceSink> evidence,
                                                Waiting waiting);

  crypto::WrapType type() const override { return crypto::WrapType::kAwsKms; }
  const std::string& name() const override { return client_->service().name; }
  Result<std::string> resolve(const std::string& key) override;
  Result<ProviderWrap> wrap(const std::string& key, const crypto::Secret& plaintext,
                            const ContextMap& context) override;
  Result<crypto::Secret> unwrap(const std::string& key, const ProviderWrap& wrapped,
                                const ContextMap& context) override;
  Result<KeyPosture> describe(const std::string& key) override;
  Result<KeyPage> list(const std::string& cursor) override;
  Result<ProviderHealth> health() override;

 private:
  explicit AwsKms(std::unique_ptr<AwsClient> client) : client_(std::move(client)) {}
  Result<JsonValue> ask(std::string_view operation, const std::string& key, JsonValue::Object members);
  Result<std::string> full_name(const std::string& key);
  Status describe_rotation(KeyPosture& posture);
  Status describe_policy(KeyPosture& posture);
  Result<std::vector<PolicyFinding>> findings_of_grants(const std::string& key, std::string_view account);
  Status describe_usage(KeyPosture& posture);

  const std::unique_ptr<AwsClient> client_;
  std::mutex usage_mutex_;
  Time usage_next_{};  // when GetKeyLastUsage may be asked again
};

}  // namespace cloister::kms
