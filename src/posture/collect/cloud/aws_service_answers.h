// What EC2, RDS, SageMaker and Bedrock say about the encryption of what they keep. Everything but whose the keys are.
#pragma once

#include "base/json.h"
#include "posture/collect/fact_maker.h"

namespace cloister::posture {

// DescribeVolumes or DescribeSnapshots, of that id ("vol-…", "snap-…"). kCorrupt for an answer that isn't about it.
Result<StorageView> parse_ebs(std::string_view body, std::string_view id);
// DescribeDBInstances or DescribeDBClusters, of that name. kCorrupt likewise.
Result<StorageView> parse_rds(std::string_view body, std::string_view name);

// One page of all that there is, by the id or name that its address has.
struct FoundStorage {
  std::string name;
  StorageView view;
  std::string raw;  // what the list says of it
};
struct FoundPage {
  std::vector<FoundStorage> found;
  std::string next;  // token or marker; empty: the last page
};
// DescribeVolumes or DescribeSnapshots of all. kCorrupt for what is neither, and for one without an id.
Result<FoundPage> parse_ebs_page(std::string_view body);
// DescribeDBInstances or DescribeDBClusters of all; instances of a cluster are left out, since the cluster has the
// storage. kCorrupt likewise.
Result<FoundPage> parse_rds_page(std::string_view body);

// What a job or an endpoint keeps, by name: "volume", "output", "capture".
struct StoragePart {
  std::string name;
  StorageView view;
};
// DescribeTrainingJob: the volume and, apart from it, the output, which has the model. kCorrupt likewise.
Result<std::vector<StoragePart>> parse_training_job(const JsonValue& answer, std::string_view name);
// DescribeEndpointConfig: the volume, and what is captured of requests and answers where something is.
Result<std::vector<StoragePart>> parse_endpoint_config(const JsonValue& answer, std::string_view name);

// Of an answer about a job, an endpoint or a model what the verdict rests on, as JSON: names, keys and places. The rest
// may hold secrets, in a job's environment and hyperparameters first of all.
std::string named_excerpt(const JsonValue& answer);

// GetCustomModel.
Result<StorageView> parse_custom_model(const JsonValue& answer);
// Where a model's invocations are logged to.
struct InvocationLogging {
  std::string bucket;  // "s3://bucket/prefix"; empty: to none
  bool to_log_group = false;
  std::string large_data;  // what is too large for the log group: as `bucket`
};
// GetModelInvocationLoggingConfiguration. kNotFound where they aren't logged, kUnsupported where they go to something
// else than these.
Result<InvocationLogging> parse_invocation_logging(const JsonValue& answer);

}  // namespace cloister::posture
