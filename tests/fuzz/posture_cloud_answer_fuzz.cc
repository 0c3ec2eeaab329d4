// What clouds, and Ceph's tools, say of encryption, of any bytes: read or refused, and never the operator's key without
// a key that is named.
#include <string>
#include <vector>

#include "posture/collect/cloud/aws_service_answers.h"
#include "posture/collect/cloud/azure_answers.h"
#include "posture/collect/cloud/google_answers.h"
#include "posture/collect/cloud/s3_answers.h"
#include "posture/collect/database/ceph_collector.h"

using namespace cloister;

namespace {

// Whose a key is isn't in these answers: nothing but "unknown" may be said of a key with a name.
void check(const Result<posture::StorageView>& view) {
  if (!view.ok()) return;
  CLOISTER_CHECK(view->key_manager != "operator" && view->key_manager != "foreign");
  CLOISTER_CHECK(view->key.empty() || view->key_manager == "unknown" || view->key_manager == "platform_default");
}

void check(const Result<std::vector<posture::StoragePart>>& parts) {
  if (!parts.ok()) return;
  for (const posture::StoragePart& part : *parts) check(Result<posture::StorageView>(part.view));
}

template <typename Page>
void check_found(const Result<Page>& page) {
  if (!page.ok()) return;
  for (const auto& found : page->found) {
    CLOISTER_CHECK(!found.name.empty());
    check(Result<posture::StorageView>(found.view));
  }
}

void read_json_answers(const JsonValue& json) {
  check(posture::parse_training_job(json, "n"));
  check(posture::parse_endpoint_config(json, "n"));
  check(posture::parse_custom_model(json));
  ignore_result(posture::parse_invocation_logging(json));
  check(posture::parse_gcs_bucket(json, "n"));
  if (const auto page = posture::parse_gcs_objects(json); page.ok()) {
    for (const posture::GcsObject& object : page->objects) {
      CLOISTER_CHECK(!object.name.empty());
      check(Result<posture::StorageView>(object.view));
    }
  }
  check(posture::parse_gce_disk(json, "n"));
  check(posture::parse_vertex(json, "n"));
  check_found(posture::parse_gcs_buckets(json));
  check_found(posture::parse_gce_disks(json));
  ignore_result(posture::parse_azure_page(json));
  check(posture::parse_azure_account(json));
  check(posture::parse_azure_scope(json, "n"));
  ignore_result(posture::parse_azure_container(json, "n"));
  ignore_result(posture::parse_azure_disk(json, "n"));
  ignore_result(posture::parse_azure_encryption_set(json));
  check(posture::parse_azure_workspace(json, "n"));
  ignore_result(posture::parse_ceph_osds(json));
  ignore_result(posture::parse_ceph_volumes(json));
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view text :
       {"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms"
        "</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule>"
        "</ServerSideEncryptionConfiguration>",
        "<ListBucketResult><Name>n</Name><Contents><Key>a%20b</Key><LastModified>2026-01-01T00:00:00Z</LastModified>"
        "</Contents><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>",
        "<ListAllMyBucketsResult><Buckets><Bucket><Name>n</Name></Bucket></Buckets></ListAllMyBucketsResult>",
        "<DescribeVolumesResponse><volumeSet><item><volumeId>vol-1</volumeId><encrypted>true</encrypted><kmsKeyId>k"
        "</kmsKeyId></item></volumeSet></DescribeVolumesResponse>",
        "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance><DBInstanceIdentifier>n"
        "</DBInstanceIdentifier><StorageEncrypted>true</StorageEncrypted></DBInstance></DBInstances>"
        "</DescribeDBInstancesResult></DescribeDBInstancesResponse>",
        "<EnumerationResults><Blobs><Blob><Name>n</Name><Properties><ServerEncrypted>true</ServerEncrypted>"
        "<EncryptionScope>s</EncryptionScope></Properties></Blob></Blobs><NextMarker>m</NextMarker>"
        "</EnumerationResults>",
        "<ListVersionsResult><Name>n</Name><Version><Key>a</Key><VersionId>v</VersionId><IsLatest>false</IsLatest>"
        "<LastModified>2026-01-01T00:00:00Z</LastModified></Version><IsTruncated>true</IsTruncated><NextKeyMarker>a"
        "</NextKeyMarker></ListVersionsResult>",
        "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
        R"({"kind":"storage#buckets","items":[{"name":"a","encryption":{"defaultKmsKeyName":"k"}}]})",
        R"({"kind":"compute#diskAggregatedList","items":{"zones/z":{"disks":[{"name":"d"}]}}})",
        R"({"TrainingJobName":"n","ResourceConfig":{"VolumeKmsKeyId":"k"},"OutputDataConfig":{"KmsKeyId":"k"}})",
        R"({"EndpointConfigName":"n","KmsKeyId":"k","DataCaptureConfig":{"KmsKeyId":"k"}})",
        R"({"modelArn":"m","modelKmsKeyArn":"k","loggingConfig":{"s3Config":{"bucketName":"b"}}})",
        R"({"name":"n","encryption":{"defaultKmsKeyName":"projects/p/locations/l/keyRings/r/cryptoKeys/k"}})",
        R"({"kind":"storage#objects","items":[{"name":"a","kmsKeyName":"k"}],"nextPageToken":"t"})",
        R"({"name":"n","diskEncryptionKey":{"sha256":"x"},"encryptionSpec":{"kmsKeyName":"k"}})",
        R"({"value":[],"nextLink":"https://x/","properties":{"encryption":{"keySource":"Microsoft.Keyvault",)"
        R"("keyvaultproperties":{"keyvaulturi":"https://a.vault.azure.net/","keyname":"k"}}}})",
        R"({"id":"n","properties":{"encryption":{"type":"EncryptionAtRestWithPlatformKey"}}})",
        R"({"osds":[{"osd":0}],"0":[{"tags":{"ceph.encrypted":"1"}}]})"}) {
    seeds->emplace_back(text.begin(), text.end());
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto encryption = posture::parse_bucket_encryption(text); encryption.ok()) {
    for (const auto place : {posture::S3Place::kDefault, posture::S3Place::kObject}) {
      check(Result<posture::StorageView>(posture::s3_view(*encryption, place)));
    }
  }
  if (const auto page = posture::parse_object_list(text); page.ok()) {
    for (const posture::S3Object& object : page->objects) CLOISTER_CHECK(!object.key.empty());
  }
  if (const auto page = posture::parse_version_list(text); page.ok()) {
    for (const posture::S3Object& object : page->objects) CLOISTER_CHECK(!object.key.empty());
  }
  ignore_result(posture::parse_versioning(text));
  ignore_result(posture::parse_bucket_list(text));
  check_found(posture::parse_ebs_page(text));
  check_found(posture::parse_rds_page(text));
  check(posture::parse_ebs(text, "vol-1"));
  check(posture::parse_ebs(text, "snap-1"));
  check(posture::parse_rds(text, "n"));
  ignore_result(posture::parse_azure_blobs(text));
  ignore_result(posture::azure_key_of(text));
  if (const std::string key = posture::google_key_of(text); !key.empty()) CLOISTER_CHECK(text.starts_with(key));
  if (const auto json = parse_json(text); json.ok()) read_json_answers(*json);
  return 0;
}
