#include "posture/collect/cloud/aws_service_answers.h"

#include <algorithm>

#include "posture/collect/cloud/xml_rows.h"

namespace cloister::posture {
namespace {

constexpr kms::XmlLimits kLimits{std::size_t{1} << 20, 16, 16'384};
// A page of 1000 volumes, each with its attachments and fifty tags.
constexpr kms::XmlLimits kPageLimits{std::size_t{16} << 20, 16, 400'000};
constexpr std::size_t kTokenMax = 4096;
constexpr std::string_view kInstance = "DescribeDBInstancesResponse/DescribeDBInstancesResult/DBInstances/DBInstance";
constexpr std::string_view kCluster = "DescribeDBClustersResponse/DescribeDBClustersResult/DBClusters/DBCluster";
constexpr std::string_view kVolume = "DescribeVolumesResponse/volumeSet/item";
constexpr std::string_view kSnapshot = "DescribeSnapshotsResponse/snapshotSet/item";

std::string text_of(const JsonValue* json, std::string_view name) {
  const JsonValue* member = json == nullptr ? nullptr : json->find(name);
  return member == nullptr || member->string() == nullptr ? std::string() : *member->string();
}

// "true" and "false", with a key where the first: a service that says neither has said nothing.
StorageView volume_view(std::string scheme, std::string_view encrypted, std::string_view key) {
  StorageView view;
  view.level = "block";
  if (encrypted == "true") {
    view = provider_encrypted(std::move(scheme), "block");
    view.key = key;
    if (key.empty()) view.notes.emplace_back("the service names no key");
  } else if (encrypted == "false") {
    view.encrypted = "no";
    view.key_manager = "none";
  } else {
    view.notes.emplace_back("the service doesn't say whether it is encrypted");
  }
  return view;
}

// Encrypted anyway: with this key, or with the platform's own where none is named.
StorageView keyed_view(std::string scheme, std::string level, std::string key) {
  StorageView view = provider_encrypted(std::move(scheme), std::move(level));
  if (key.empty()) view.key_manager = "platform_default";
  view.key = std::move(key);
  return view;
}

Result<XmlRow> only_row(std::string_view body, std::initializer_list<std::string_view> paths, std::string_view id_name,
                        std::string_view id) {
  CLOISTER_TRY(const auto texts, kms::read_xml(body, kLimits));
  for (const std::string_view path : paths) {
    for (const XmlRow& row : xml_rows(texts, path)) {
      if (text_in(row, id_name) == id) return row;
    }
  }
  return Error(Code::kCorrupt, "the answer isn't about what was asked");
}

// Those members of an object that are texts, or true or false.
JsonValue::Object plain_members(const JsonValue& object, std::initializer_list<std::string_view> names) {
  JsonValue::Object out;
  for (const std::string_view name : names) {
    const JsonValue* member = object.find(name);
    if (member != nullptr && (member->string() != nullptr || member->boolean())) out.emplace_back(name, *member);
  }
  return out;
}

// "s3://bucket/prefix" of an S3Config of Bedrock; empty where it names no bucket.
std::string bucket_address(const JsonValue* config) {
  const std::string bucket = text_of(config, "bucketName");
  const std::string prefix = text_of(config, "keyPrefix");
  if (bucket.empty()) return "";
  return "s3://" + bucket + (prefix.empty() ? "" : "/" + prefix);
}

StorageView ebs_view(const XmlRow& row) {
  StorageView view = volume_view("ebs", text_in(row, "encrypted"), text_in(row, "kmsKeyId"));
  if (view.encrypted == "yes") {
    view.algorithm = "aes-256-xts";
    view.integrity = "none";
  }
  return view;
}

StorageView rds_view(const XmlRow& row) {
  return volume_view("rds", text_in(row, "StorageEncrypted"), text_in(row, "KmsKeyId"));
}

std::string raw_of(const XmlRow& row) {
  std::string raw;
  for (const auto& [name, text] : row) raw += name + ": " + text + "\n";
  return raw_excerpt(raw);
}

// A list of AWS's: its rows, the member that names one, where the next page is said, and what is part of another.
struct ListShape {
  std::string_view rows, name, next;
  std::string_view part_of;  // a row that has this member is left out; empty: none is
  StorageView (*view)(const XmlRow& row);
};

Result<FoundPage> parse_found(std::string_view body, std::initializer_list<ListShape> shapes) {
  CLOISTER_TRY(const auto texts, kms::read_xml(body, kPageLimits));
  const std::string& first = texts.front().path;
  for (const ListShape& shape : shapes) {
    if (!first.starts_with(shape.rows.substr(0, shape.rows.find('/')))) continue;
    FoundPage page;
    for (const XmlRow& row : xml_rows(texts, shape.rows)) {
      if (!shape.part_of.empty() && !text_in(row, shape.part_of).empty()) continue;
      page.found.push_back({std::string(text_in(row, shape.name)), shape.view(row), raw_of(row)});
      if (page.found.back().name.empty()) return Error(Code::kCorrupt, "the list has something without a name");
    }
    page.next = kms::find_text(texts, shape.next);
    if (page.next.size() > kTokenMax) return Error(Code::kCorrupt, "the list's token is too long");
    return page;
  }
  return Error(Code::kCorrupt, "the answer isn't the list that was asked for");
}

Status check_name(const JsonValue& answer, std::string_view member, std::string_view name) {
  if (text_of(&answer, member) == name) return {};
  return Error(Code::kCorrupt, "the answer isn't about what was asked");
}

}  // namespace

Result<StorageView> parse_ebs(std::string_view body, std::string_view id) {
  const bool snapshot = id.starts_with("snap-");
  CLOISTER_TRY(const XmlRow row,
               only_row(body, {snapshot ? kSnapshot : kVolume}, snapshot ? "snapshotId" : "volumeId", id));
  return ebs_view(row);
}

Result<StorageView> parse_rds(std::string_view body, std::string_view name) {
  const bool cluster = body.find("<DescribeDBClustersResponse") != std::string_view::npos;
  CLOISTER_TRY(const XmlRow row, only_row(body, {cluster ? kCluster : kInstance},
                                          cluster ? "DBClusterIdentifier" : "DBInstanceIdentifier", name));
  return rds_view(row);
}

Result<FoundPage> parse_ebs_page(std::string_view body) {
  return parse_found(body, {{kVolume, "volumeId", "DescribeVolumesResponse/nextToken", {}, ebs_view},
                            {kSnapshot, "snapshotId", "DescribeSnapshotsResponse/nextToken", {}, ebs_view}});
}

Result<FoundPage> parse_rds_page(std::string_view body) {
  return parse_found(
      body,
      {{kInstance, "DBInstanceIdentifier", "DescribeDBInstancesResponse/DescribeDBInstancesResult/Marker",
        "DBClusterIdentifier", rds_view},
       {kCluster, "DBClusterIdentifier", "DescribeDBClustersResponse/DescribeDBClustersResult/Marker", {}, rds_view}});
}

Result<std::vector<StoragePart>> parse_training_job(const JsonValue& answer, std::string_view name) {
  CLOISTER_RETURN_IF_ERROR(check_name(answer, "TrainingJobName", name));
  const JsonValue* resources = answer.find("ResourceConfig");
  const JsonValue* output = answer.find("OutputDataConfig");
  if (resources == nullptr || output == nullptr) {
    return Error(Code::kCorrupt, "the answer says nothing of the job's volume or output");
  }
  StorageView volume = keyed_view("sagemaker", "block", text_of(resources, "VolumeKmsKeyId"));
  const JsonValue* between = answer.find("EnableInterContainerTrafficEncryption");
  if (between == nullptr || !between->boolean().value_or(false)) {
    volume.notes.emplace_back("traffic between the job's containers isn't encrypted");
  }
  StorageView model = keyed_view("sse-kms", "object", text_of(output, "KmsKeyId"));
  model.notes.push_back("written to " + text_of(output, "S3OutputPath"));
  return std::vector<StoragePart>{{"volume", std::move(volume)}, {"output", std::move(model)}};
}

Result<std::vector<StoragePart>> parse_endpoint_config(const JsonValue& answer, std::string_view name) {
  CLOISTER_RETURN_IF_ERROR(check_name(answer, "EndpointConfigName", name));
  std::vector<StoragePart> parts{{"volume", keyed_view("sagemaker", "block", text_of(&answer, "KmsKeyId"))}};
  const JsonValue* capture = answer.find("DataCaptureConfig");
  const JsonValue* enabled = capture == nullptr ? nullptr : capture->find("EnableCapture");
  const bool captures = enabled != nullptr && enabled->boolean().value_or(false);
  if (captures || !text_of(capture, "DestinationS3Uri").empty()) {
    StorageView view = keyed_view("sse-kms", "object", text_of(capture, "KmsKeyId"));
    view.notes.push_back("written to " + text_of(capture, "DestinationS3Uri"));
    parts.push_back({"capture", std::move(view)});
  }
  return parts;
}

std::string named_excerpt(const JsonValue& answer) {
  JsonValue::Object out =
      plain_members(answer, {"TrainingJobName", "EndpointConfigName", "KmsKeyId",
                             "EnableInterContainerTrafficEncryption", "modelArn", "modelKmsKeyArn"});
  for (const std::string_view name : {"ResourceConfig", "OutputDataConfig", "DataCaptureConfig"}) {
    const JsonValue* object = answer.find(name);
    if (object == nullptr) continue;
    out.emplace_back(name, plain_members(*object, {"VolumeKmsKeyId", "KmsKeyId", "S3OutputPath", "EnableCapture",
                                                   "DestinationS3Uri"}));
  }
  return raw_excerpt(JsonValue(std::move(out)).serialize());
}

Result<StorageView> parse_custom_model(const JsonValue& answer) {
  if (text_of(&answer, "modelArn").empty()) return Error(Code::kCorrupt, "the answer is about no model");
  return keyed_view("bedrock", "service", text_of(&answer, "modelKmsKeyArn"));
}

Result<InvocationLogging> parse_invocation_logging(const JsonValue& answer) {
  if (answer.object() == nullptr) return Error(Code::kCorrupt, "the answer is no configuration");
  const JsonValue* config = answer.find("loggingConfig");
  if (config == nullptr || config->is_null()) return Error(Code::kNotFound, "model invocations aren't logged");
  InvocationLogging logging;
  logging.bucket = bucket_address(config->find("s3Config"));
  if (const JsonValue* group = config->find("cloudWatchConfig"); group != nullptr && !group->is_null()) {
    logging.to_log_group = true;
    logging.large_data = bucket_address(group->find("largeDataDeliveryS3Config"));
  }
  if (logging.bucket.empty() && !logging.to_log_group) {
    return Error(Code::kUnsupported, "model invocations are logged, and neither to S3 nor to CloudWatch");
  }
  return logging;
}

}  // namespace cloister::posture
