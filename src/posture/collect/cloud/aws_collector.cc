#include "posture/collect/cloud/aws_collector.h"

#include "kms/form_body.h"
#include "posture/collect/cloud/aws_discovery.h"
#include "posture/collect/cloud/aws_service_answers.h"
#include "posture/collect/cloud/worst.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kPrefixes[] = {"s3://", "ebs:", "rds:", "sagemaker:", "bedrock:"};

bool is_of_aws(std::string_view address) {
  for (const std::string_view prefix : kPrefixes) {
    if (address.starts_with(prefix)) return true;
  }
  return false;
}

// What stands behind `prefix`; empty where it doesn't begin so.
std::string behind(std::string_view address, std::string_view prefix) {
  return address.starts_with(prefix) ? std::string(address.substr(prefix.size())) : std::string();
}

class Round {
 public:
  Round(AwsAccess& access, const CollectContext& context, const S3Limits& limits, FactSink& sink)
      : access_(access),
        context_(context),
        sink_(sink),
        maker_(kAwsCollector, "AWS region " + access.region(), context),
        keys_(access, own_accounts(*context.estate)),
        s3_(access, keys_, maker_, limits) {}

  void run() {
    for (const Location& location : context_.estate->locations) {
      if (!is_of_aws(location.address)) continue;
      const Subject subject{SubjectKind::kLocation, location.name};
      if (context_.progress != nullptr && context_.progress->stop_requested()) {
        refuse(subject, "it was stopped");
      } else if (access_.region().empty()) {
        refuse(subject, "no AWS region is set");
      } else {
        examine(location.address, subject);
      }
    }
    if (!access_.region().empty()) AwsDiscovery(access_, keys_, s3_, maker_, context_, sink_).run();
    for (const DeclaredKey& key : context_.estate->keys) {
      if (key.name.starts_with("arn:aws") && key.name.find(":kms:") != std::string::npos) keys_.look_at(key.name);
    }
    keys_.report(maker_, sink_);
  }

 private:
  void refuse(const Subject& subject, std::string why) {
    sink_.add(maker_.not_assessed("storage.encryption", subject, std::move(why)));
  }

  void report(const Subject& subject, Result<StorageView> view, std::string raw) {
    if (!view.ok()) return refuse(subject, view.error().message());
    keys_.resolve(*view, access_.region());
    sink_.add(maker_.storage(subject, *view, std::move(raw)));
  }

  void report_parts(const Subject& subject, Result<std::vector<StoragePart>> parts, const std::string& raw) {
    if (!parts.ok()) return refuse(subject, parts.error().message());
    std::vector<StorageView> views;
    for (StoragePart& part : *parts) {
      keys_.resolve(part.view, access_.region());
      sink_.add(maker_.storage({SubjectKind::kObject, subject.id + "#" + part.name}, part.view, raw));
      views.push_back(part.view);
    }
    sink_.add(maker_.storage(subject, worst_of(views), raw));
  }

  Result<JsonValue> json_of(const Result<net::Response>& answer) {
    if (!answer.ok()) return answer.error();
    return parse_json(as_text(answer->body));
  }

  Result<net::Response> sagemaker(std::string_view operation, const std::string& name, const std::string& value) {
    CLOISTER_TRY(kms::AwsClient * client, access_.client(kSageMaker, access_.region()));
    const kms::WipedText body = kms::wiped(JsonValue(JsonValue::Object{{name, value}}).serialize());
    return client->call(kms::AwsCall{operation, value, body});
  }

  Result<net::Response> bedrock(const std::string& operation, const std::string& target) {
    CLOISTER_TRY(kms::AwsClient * client, access_.client(kBedrock, access_.region()));
    return client->call(kms::AwsAsk{operation, "", "GET", target});
  }

  void examine(const std::string& address, const Subject& subject) {
    if (address.starts_with("s3://")) {
      examine_bucket(subject, address, {});
    } else if (const std::string volume = behind(address, "ebs:"); !volume.empty()) {
      examine_ebs(subject, volume);
    } else if (const std::string database = behind(address, "rds:"); !database.empty()) {
      examine_rds(subject, database);
    } else if (const std::string job = behind(address, "sagemaker:training-job/"); !job.empty()) {
      const auto json = json_of(sagemaker("DescribeTrainingJob", "TrainingJobName", job));
      report_parts(subject, json.ok() ? parse_training_job(*json, job) : json.error(), excerpt(json));
    } else if (const std::string config = behind(address, "sagemaker:endpoint-config/"); !config.empty()) {
      const auto json = json_of(sagemaker("DescribeEndpointConfig", "EndpointConfigName", config));
      report_parts(subject, json.ok() ? parse_endpoint_config(*json, config) : json.error(), excerpt(json));
    } else if (address == "bedrock:logging") {
      examine_logging(subject);
    } else if (const std::string model = behind(address, "bedrock:custom-model/"); !model.empty()) {
      const auto json = json_of(bedrock("GetCustomModel", "/custom-models/" + kms::percent_encode(model)));
      report(subject, json.ok() ? parse_custom_model(*json) : json.error(), excerpt(json));
    } else {
      refuse(subject, "nothing is known of AWS addresses of that form");
    }
  }

  void examine_ebs(const Subject& subject, const std::string& id) {
    const bool snapshot = id.starts_with("snap-");
    const auto answer = access_.query({kEc2,
                                       snapshot ? "DescribeSnapshots" : "DescribeVolumes",
                                       kEc2Version,
                                       {{snapshot ? "SnapshotId.1" : "VolumeId.1", id}},
                                       id});
    report(subject, answer.ok() ? parse_ebs(as_text(answer->body), id) : answer.error(), raw(answer));
  }

  void examine_rds(const Subject& subject, const std::string& name) {
    auto answer = access_.query({kRds, "DescribeDBInstances", kRdsVersion, {{"DBInstanceIdentifier", name}}, name});
    if (!answer.ok() && answer.error().code() == Code::kNotFound) {
      answer = access_.query({kRds, "DescribeDBClusters", kRdsVersion, {{"DBClusterIdentifier", name}}, name});
    }
    report(subject, answer.ok() ? parse_rds(as_text(answer->body), name) : answer.error(), raw(answer));
  }

  // Prompts and answers of models are kept in buckets, which are looked at, and in a log group, which isn't.
  void examine_logging(const Subject& subject) {
    const auto json = json_of(bedrock("GetModelInvocationLoggingConfiguration", "/logging/modelinvocations"));
    const auto logging = json.ok() ? parse_invocation_logging(*json) : json.error();
    if (!logging.ok()) return refuse(subject, logging.error().message());
    std::string unseen;
    if (logging->to_log_group) {
      unseen = "invocations are logged to CloudWatch: whose key its log group is under isn't looked at";
      StorageView group;
      group.notes = {unseen};
      sink_.add(maker_.storage({SubjectKind::kObject, subject.id + "#cloudwatch"}, group, {}));
    }
    if (!logging->large_data.empty()) {
      examine_bucket({SubjectKind::kObject, subject.id + "#large-data"}, logging->large_data, {});
    }
    if (logging->bucket.empty()) return refuse(subject, unseen);
    examine_bucket(subject, logging->bucket, unseen);
  }

  void examine_bucket(const Subject& subject, const std::string& address, const std::string& unseen) {
    const auto location = parse_s3_address(address);
    if (!location.ok()) return refuse(subject, location.error().message());
    s3_.examine(*location, subject, context_, sink_, unseen);
  }

  static std::string excerpt(const Result<JsonValue>& answer) {
    return answer.ok() ? named_excerpt(*answer) : std::string();
  }

  static std::string raw(const Result<net::Response>& answer) {
    return answer.ok() ? raw_excerpt(as_text(answer->body)) : std::string();
  }

  AwsAccess& access_;
  const CollectContext& context_;
  FactSink& sink_;
  const FactMaker maker_;
  AwsKeys keys_;
  S3Examiner s3_;
};

}  // namespace

void AwsCollector::collect(const CollectContext& context, FactSink& sink) {
  AwsAccess access(options_, waiting_);
  Round(access, context, limits_, sink).run();
}

}  // namespace cloister::posture
