// Files that are handed in with an audit, of any bytes: manifests, plans, states, templates, results of scans and of
// audits of meshes, answers of monitors, reports of S3 Inventory. Each becomes facts that can be written down, and
// never an encrypted location that isn't in the file.
#include <string_view>
#include <vector>

#include "posture/collect/cbom/cbom_collector.h"
#include "posture/collect/cloud/s3_inventory.h"
#include "posture/collect/iac/iac_collector.h"
#include "posture/collect/kubernetes/kubernetes_collector.h"
#include "posture/collect/mesh/mesh_collector.h"
#include "posture/collect/tls/ct_collector.h"
#include "posture/collect/tls/scan_collector.h"

using namespace cloister;

namespace {

class Sink final : public posture::FactSink {
 public:
  void add(posture::Fact fact) override {
    CLOISTER_CHECK(!fact.kind.empty() && !fact.collector.empty());
    CLOISTER_CHECK(!fact.not_assessed || fact.values.empty());
    CLOISTER_CHECK(!posture::fact_json(fact).empty());
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(as_text({data, size}));
  posture::Estate estate;
  estate.endpoints.push_back({"api", "a.example:443", {}, 1});
  estate.workloads.emplace_back().name = "w";
  estate.graph.components.emplace_back().name = "w";
  estate.graph.components.back().workloads = {"n/w"};
  posture::CollectContext context;
  context.estate = &estate;
  context.now = Time{1'795'000'000'000};
  Sink sink;
  posture::KubernetesCollector({{"f", text}}).collect(context, sink);
  posture::IacCollector({{"f", text}}).collect(context, sink);
  posture::ScanCollector({{"f", text}}).collect(context, sink);
  posture::MeshCollector({{"f", text}}, {{"f", text}}).collect(context, sink);
  posture::TransparencyCollector({{"f", text, context.now}}, {}).collect(context, sink);
  posture::CbomCollector({{"f", text}}).collect(context, sink);
  ignore_result(posture::parse_s3_manifest(text));
  if (const auto fields = posture::parse_csv_line(text); fields.ok()) CLOISTER_CHECK(!fields->empty());
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view text : {
           "kind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  - aescbc: {keys: "
           "[{secret: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}]}\n  - identity: {}\n",
           R"({"kvs":[{"key":"L3NlY3JldHMv","value":"azhzOmVuYzprbXM6djI6eDo="}]})",
           R"({"cluster":{"name":"a","arn":":eks:","version":"1.30"}})",
           "kind: StorageClass\nmetadata: {name: a}\nprovisioner: ebs.csi.aws.com\n---\nkind: "
           "PersistentVolumeClaim\nmetadata: {name: b}\nspec: {storageClassName: a}\n",
           R"({"format_version":"1","planned_values":{"root_module":{"resources":[{"address":"a","type":)"
           R"("aws_db_instance","values":{"identifier":"b","storage_encrypted":true}}]}},"resource_changes":)"
           R"([{"address":"a","change":{"after_unknown":{"kms_key_id":true}}}]})",
           R"({"terraform_version":"1","resources":[{"type":"google_compute_disk","instances":)"
           R"([{"attributes":{"id":"projects/p/zones/z/disks/d"},"sensitive_attributes":[1]}]}]})",
           "Resources:\n  A: {Type: 'AWS::S3::Bucket', Properties: {BucketName: !Ref B}}\n",
           R"({"format":"cloister-scan/1","targets":[{"target":"a:1","time":"2026-11-18T10:00:00Z","address":)"
           R"("1.2.3.4:1","profile":"x","grade":"A","facts":[{"check":"P6","subject":"","seen":"yes"}]}]})",
           R"({"format":"cloister-mesh-audit/1","time":"2026-11-18T10:00:00Z","findings":[],"unread":[],)"
           R"("workloads":[{"namespace":"n","name":"w","service_account":"s","mode":"strict","ports":{"1":"none"}}]})",
           R"({"head":"2026-11-18T09:00:00Z","unreadable":0,"domains":["example"],"sightings":[{"known":false,)"
           R"("names":["a.example"],"serial":"01","not_after":"2027-01-01T00:00:00Z"}]})",
           R"([{"serial_number":"1","name_value":"a.example\n*.example","not_after":"2027-02-15T19:12:41"}])",
           R"({"sourceBucket":"b","creationTimestamp":"1","fileFormat":"CSV","fileSchema":"Key, EncryptionStatus",)"
           R"("files":[{"key":"a/b","size":1}]})",
           R"("a,b","c""d",e,)",
           R"({"bomFormat":"CycloneDX","metadata":{"timestamp":"2026-11-18T10:00:00Z"},"components":)"
           R"([{"type":"cryptographic-asset","name":"MD5","cryptoProperties":{"assetType":"algorithm"}}]})",
       }) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
