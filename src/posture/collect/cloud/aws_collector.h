// What AWS keeps of an estate: S3, EBS, RDS, SageMaker and Bedrock, and the keys they name.
#pragma once

#include "posture/collect/cloud/s3.h"

namespace cloister::posture {

inline constexpr std::string_view kAwsCollector = "aws/1";

// Locations of these addresses: "s3://bucket/prefix", "ebs:vol-…", "ebs:snap-…", "rds:instance or cluster",
// "sagemaker:training-job/NAME", "sagemaker:endpoint-config/NAME", "bedrock:logging", "bedrock:custom-model/NAME". And
// what nobody declared: every bucket that the caller can list, every volume, snapshot and database of the region. Calls
// nothing but operations that read.
class AwsCollector final : public Collector {
 public:
  AwsCollector(AwsOptions options, kms::Waiting waiting, S3Limits limits = {})
      : options_(std::move(options)), waiting_(std::move(waiting)), limits_(limits) {}

  std::string_view name() const override { return kAwsCollector; }
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  const AwsOptions options_;
  const kms::Waiting waiting_;
  const S3Limits limits_;
};

}  // namespace cloister::posture
