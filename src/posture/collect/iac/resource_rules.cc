#include "posture/collect/iac/resource_rules.h"

#include <algorithm>
#include <array>

#include "posture/collect/named_key.h"

namespace cloister::posture {
namespace {

using mesh::YamlValue;
using Kind = Attribute::Kind;

struct Rule {
  std::string_view type;
  std::string_view scheme;
  std::string_view prefix;    // of the location's address
  std::string_view name;      // the attribute that names it
  std::string_view switched;  // the attribute that turns encryption on; empty: it is always on
  std::string_view key;       // the attribute that names the key
};

// Sorted by type. What isn't switched is encrypted by the platform's own key where none is named.
constexpr std::array<Rule, 33> kRules = {{
    {"AWS::DynamoDB::Table", "dynamodb", "dynamodb:", "TableName", "", "SSESpecification.KMSMasterKeyId"},
    {"AWS::EC2::Volume", "ebs", "ebs:", "", "Encrypted", "KmsKeyId"},
    {"AWS::EFS::FileSystem", "efs", "efs:", "", "Encrypted", "KmsKeyId"},
    {"AWS::Logs::LogGroup", "cloudwatch", "cloudwatch:", "LogGroupName", "", "KmsKeyId"},
    {"AWS::OpenSearchService::Domain", "opensearch", "opensearch:", "DomainName", "EncryptionAtRestOptions.Enabled",
     "EncryptionAtRestOptions.KmsKeyId"},
    {"AWS::RDS::DBCluster", "rds", "rds:", "DBClusterIdentifier", "StorageEncrypted", "KmsKeyId"},
    {"AWS::RDS::DBInstance", "rds", "rds:", "DBInstanceIdentifier", "StorageEncrypted", "KmsKeyId"},
    {"AWS::SageMaker::EndpointConfig", "sagemaker", "sagemaker:endpoint-config/", "EndpointConfigName", "", "KmsKeyId"},
    {"AWS::SageMaker::NotebookInstance", "sagemaker", "sagemaker:notebook-instance/", "NotebookInstanceName", "",
     "KmsKeyId"},
    {"aws_cloudwatch_log_group", "cloudwatch", "cloudwatch:", "name", "", "kms_key_id"},
    {"aws_db_instance", "rds", "rds:", "identifier", "storage_encrypted", "kms_key_id"},
    {"aws_docdb_cluster", "rds", "rds:", "cluster_identifier", "storage_encrypted", "kms_key_id"},
    {"aws_dynamodb_table", "dynamodb", "dynamodb:", "name", "", "server_side_encryption.kms_key_arn"},
    {"aws_ebs_volume", "ebs", "ebs:", "id", "encrypted", "kms_key_id"},
    {"aws_efs_file_system", "efs", "efs:", "id", "encrypted", "kms_key_id"},
    {"aws_fsx_lustre_file_system", "fsx", "fsx:", "id", "", "kms_key_id"},
    {"aws_neptune_cluster", "rds", "rds:", "cluster_identifier", "storage_encrypted", "kms_key_arn"},
    {"aws_opensearch_domain", "opensearch", "opensearch:", "domain_name", "encrypt_at_rest.enabled",
     "encrypt_at_rest.kms_key_id"},
    {"aws_rds_cluster", "rds", "rds:", "cluster_identifier", "storage_encrypted", "kms_key_id"},
    {"aws_redshift_cluster", "redshift", "redshift:", "cluster_identifier", "encrypted", "kms_key_id"},
    {"aws_sagemaker_endpoint_configuration", "sagemaker", "sagemaker:endpoint-config/", "name", "", "kms_key_arn"},
    {"aws_sagemaker_notebook_instance", "sagemaker", "sagemaker:notebook-instance/", "name", "", "kms_key_id"},
    {"azurerm_cosmosdb_account", "azure", "cosmosdb:", "name", "", "key_vault_key_id"},
    {"azurerm_machine_learning_workspace", "azure-ml", "azure-ml:", "id", "", "encryption.key_id"},
    {"azurerm_managed_disk", "azure-disk", "azure-disk:", "id", "", "disk_encryption_set_id"},
    {"azurerm_storage_account", "azure", "azure-blob://", "name", "", "customer_managed_key.key_vault_key_id"},
    {"google_bigquery_dataset", "bigquery", "bigquery:", "dataset_id", "",
     "default_encryption_configuration.kms_key_name"},
    {"google_compute_disk", "gce-disk", "gce-disk:", "id", "", "disk_encryption_key.kms_key_self_link"},
    {"google_filestore_instance", "filestore", "filestore:", "name", "", "kms_key_name"},
    {"google_sql_database_instance", "cloudsql", "cloudsql:", "name", "", "encryption_key_name"},
    {"google_storage_bucket", "gcs", "gs://", "name", "", "encryption.default_kms_key_name"},
    {"google_vertex_ai_endpoint", "vertex", "vertex:", "id", "", "encryption_spec.kms_key_name"},
    {"google_vertex_ai_featurestore", "vertex", "vertex:", "id", "", "encryption_spec.kms_key_name"},
}};

// A bucket's default, in the two spellings.
struct BucketWords {
  std::string_view name, algorithm, key;
};
constexpr BucketWords kTerraformBucket = {"bucket", "rule.apply_server_side_encryption_by_default.sse_algorithm",
                                          "rule.apply_server_side_encryption_by_default.kms_master_key_id"};
constexpr BucketWords kInlineBucket = {
    "bucket", "server_side_encryption_configuration.rule.apply_server_side_encryption_by_default.sse_algorithm",
    "server_side_encryption_configuration.rule.apply_server_side_encryption_by_default.kms_master_key_id"};
constexpr BucketWords kTemplateBucket = {
    "BucketName", "BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault.SSEAlgorithm",
    "BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault.KMSMasterKeyID"};

// "projects/P/zones/Z/disks/N" is "P/Z/N", as locations are written.
std::string disk_name(const std::string& id) {
  std::string out;
  std::size_t position = 0;
  for (std::size_t begin = 0; begin < id.size(); ++position) {
    const std::size_t end = std::min(id.find('/', begin), id.size());
    if (position % 2 == 1) out += (out.empty() ? "" : "/") + id.substr(begin, end - begin);
    begin = end + 1;
  }
  return position == 6 ? out : id;
}

void set_key(const Estate& estate, const Attribute& key, const std::set<std::string>& customer_keys,
             StorageView& view) {
  switch (key.kind) {
    case Kind::kAbsent: view.key_manager = "platform_default"; return;
    case Kind::kUnknown:
      view.key_manager = "unknown";
      view.notes.push_back("which key it will be isn't known before it is applied");
      return;
    case Kind::kText: break;
  }
  view.key = key.text;
  view.key_manager = manager_of_named_key(estate, key.text);
  // Keys that are declared beside it are a customer's; whose account that is the ARN says.
  const bool own_account_or_unsaid = view.key_manager == "unknown";
  if (own_account_or_unsaid && customer_keys.contains(key.text)) view.key_manager = "operator";
}

StorageView switched_view(const Rule& rule, const DeclaredResource& resource) {
  StorageView view = provider_encrypted(std::string(rule.scheme), "service");
  if (rule.switched.empty()) return view;
  const Attribute on = attribute_of(resource, rule.switched);
  if (on.kind == Kind::kUnknown) {
    view.encrypted = "unknown";
  } else if (on.text != "true" && on.text != "1") {
    // Left out is off, or the account's default for volumes, which isn't in the file.
    const bool may_be_default = on.kind == Kind::kAbsent && rule.scheme == "ebs";
    view.encrypted = may_be_default ? "unknown" : "no";
    if (!may_be_default) view.scheme = "none";
  }
  return view;
}

std::string location_of_resource(const Rule& rule, const DeclaredResource& resource) {
  const Attribute name = rule.name.empty() ? Attribute{Kind::kUnknown, ""} : attribute_of(resource, rule.name);
  if (name.kind != Kind::kText) return "";
  return std::string(rule.prefix) + (rule.scheme == "gce-disk" ? disk_name(name.text) : name.text);
}

ResourceView bucket_view(const Estate& estate, const DeclaredResource& resource, const BucketWords& words,
                         const std::set<std::string>& customer_keys) {
  ResourceView out;
  const Attribute name = attribute_of(resource, words.name);
  if (name.kind == Kind::kText) out.location = "s3://" + name.text;
  const Attribute algorithm = attribute_of(resource, words.algorithm);
  if (algorithm.kind == Kind::kUnknown) {
    out.view.notes = {"how it will be encrypted isn't known before it is applied"};
    return out;
  }
  const bool by_kms = algorithm.text == "aws:kms" || algorithm.text == "aws:kms:dsse";
  if (!by_kms && algorithm.kind == Kind::kText && algorithm.text != "AES256") {
    out.view.notes = {"an algorithm that isn't known: " + algorithm.text};
    return out;
  }
  out.view = provider_encrypted(by_kms ? "sse-kms" : "sse-s3", "service");
  out.view.key_manager = "platform_default";
  if (by_kms) set_key(estate, attribute_of(resource, words.key), customer_keys, out.view);
  return out;
}

// A block is a list of one map in Terraform.
const YamlValue& block_of(const YamlValue& value) {
  return value.is_list() && !value.items.empty() && value.items.front().is_map() ? value.items.front() : value;
}

// What CloudFormation will make of it depends on parameters and conditions: !If, which is a list by its tag, and
// functions in JSON.
bool is_function(const YamlValue& value) {
  if (value.is_list()) return !value.items.empty();
  if (value.members.size() != 1) return false;
  return value.members.front().name == "Ref" || value.members.front().name.starts_with("Fn::");
}

// Of a block that isn't known before it is applied nothing in it is.
bool is_unknown(const YamlValue& unknown, std::string_view path) {
  const YamlValue* at = &block_of(unknown);
  while (at->truth() != std::optional(true)) {
    if (path.empty()) return false;
    const std::size_t dot = std::min(path.find('.'), path.size());
    at = &block_of(at->at(path.substr(0, dot)));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return true;
}

bool is_made_later(const std::string& text) {
  return text.find("${") != std::string::npos || text.find("{{") != std::string::npos;
}

}  // namespace

Attribute attribute_of(const DeclaredResource& resource, std::string_view path) {
  if (resource.unknown != nullptr && is_unknown(*resource.unknown, path)) return {Kind::kUnknown, ""};
  const YamlValue* at = &block_of(*resource.values);
  for (std::string_view rest = path; !rest.empty();) {
    if (is_function(*at)) return {Kind::kUnknown, ""};
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    at = &block_of(at->at(rest.substr(0, dot)));
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  if (is_function(*at) || !at->members.empty()) return {Kind::kUnknown, ""};
  if (!at->is_text() || at->text.empty() || at->text == "AWS::NoValue") return {};
  if (is_made_later(at->text)) return {Kind::kUnknown, ""};
  return {Kind::kText, at->text};
}

std::optional<ResourceView> view_of_resource(const Estate& estate, const DeclaredResource& resource,
                                             const std::set<std::string>& customer_keys) {
  if (resource.type == "aws_s3_bucket_server_side_encryption_configuration") {
    return bucket_view(estate, resource, kTerraformBucket, customer_keys);
  }
  if (resource.type == "aws_s3_bucket") return bucket_view(estate, resource, kInlineBucket, customer_keys);
  if (resource.type == "AWS::S3::Bucket") return bucket_view(estate, resource, kTemplateBucket, customer_keys);
  const auto rule = std::ranges::find(kRules, resource.type, &Rule::type);
  if (rule == kRules.end()) return std::nullopt;
  ResourceView out;
  out.location = location_of_resource(*rule, resource);
  out.view = switched_view(*rule, resource);
  if (out.view.encrypted == "no") {
    out.view.key_manager = "none";
  } else {
    set_key(estate, attribute_of(resource, rule->key), customer_keys, out.view);
  }
  return out;
}

}  // namespace cloister::posture
