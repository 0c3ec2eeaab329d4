#include "posture/collect/cloud/aws_discovery.h"

#include "posture/collect/cloud/aws_collector.h"
#include "posture/inventory.h"

namespace cloister::posture {
namespace {

constexpr std::int64_t kEntriesMax = 20'000;
constexpr std::size_t kPagesMax = 1000;

}  // namespace

bool AwsDiscovery::is_stopped() const { return context_.progress != nullptr && context_.progress->stop_requested(); }

void AwsDiscovery::told(const std::string& what, const Status& listed, std::int64_t entries) {
  const std::string scope = what + ", AWS region " + access_.region();
  sink_.add(listed.ok() ? source_fact(kAwsCollector, scope, what, entries, context_.now)
                        : unread_source_fact(kAwsCollector, scope, listed.error().message(), context_.now));
}

void AwsDiscovery::report(const std::string& address, FoundStorage found) {
  if (location_of(*context_.estate, address) != nullptr) return;
  const Subject subject{SubjectKind::kLocation, address};
  sink_.add(seen_fact(kAwsCollector, "AWS region " + access_.region(), subject, address, context_.now));
  keys_.resolve(found.view, access_.region());
  sink_.add(maker_.storage(subject, found.view, std::move(found.raw)));
}

Status AwsDiscovery::each_page(const Kind& kind, std::int64_t& entries) {
  std::string token;
  for (std::size_t pages = 0; pages < kPagesMax; ++pages) {
    if (is_stopped()) return Error(Code::kUnavailable, "it was stopped");
    auto fields = kind.fields;
    if (!token.empty()) fields.emplace_back(kind.token_field, token);
    CLOISTER_TRY(const net::Response answer,
                 access_.query({kind.service, kind.operation, kind.version, std::move(fields), kind.what}));
    CLOISTER_TRY(FoundPage page, kind.parse(as_text(answer.body)).with_context(kind.operation));
    if (!page.next.empty() && page.next == token) break;
    for (FoundStorage& found : page.found) {
      if (++entries > kEntriesMax) return Error(Code::kUnsupported, "there are more than are looked at");
      const std::string address = kind.scheme + found.name;
      report(address, std::move(found));
    }
    token = std::move(page.next);
    if (token.empty()) return {};
  }
  return Error(Code::kCorrupt, kind.operation + ": the list doesn't end");
}

void AwsDiscovery::list(const Kind& kind) {
  std::int64_t entries = 0;
  const Status listed = each_page(kind, entries);
  told(kind.what, listed, entries);
}

void AwsDiscovery::buckets() {
  static const std::string kWhat = "S3 buckets";
  const auto buckets = s3_.buckets();
  if (!buckets.ok()) return told(kWhat, buckets.error(), 0);
  std::set<std::string> declared;
  for (const Location& location : context_.estate->locations) {
    const auto address = parse_s3_address(location.address);
    if (address.ok()) declared.insert(address->bucket);
  }
  for (const std::string& bucket : *buckets) {
    if (declared.contains(bucket)) continue;
    if (is_stopped()) return told(kWhat, Error(Code::kUnavailable, "it was stopped"), 0);
    const Subject subject{SubjectKind::kLocation, "s3://" + bucket};
    sink_.add(seen_fact(kAwsCollector, "S3 buckets of the caller's account", subject, subject.id, context_.now));
    s3_.examine_default({bucket, ""}, subject, sink_);
  }
  told(kWhat, {}, static_cast<std::int64_t>(buckets->size()));
}

void AwsDiscovery::run() {
  buckets();
  list({kEc2,
        "EBS volumes",
        "DescribeVolumes",
        kEc2Version,
        {{"MaxResults", "500"}},
        "NextToken",
        "ebs:",
        parse_ebs_page});
  list({kEc2,
        "EBS snapshots",
        "DescribeSnapshots",
        kEc2Version,
        {{"Owner.1", "self"}, {"MaxResults", "1000"}},
        "NextToken",
        "ebs:",
        parse_ebs_page});
  list({kRds,
        "RDS instances",
        "DescribeDBInstances",
        kRdsVersion,
        {{"MaxRecords", "100"}},
        "Marker",
        "rds:",
        parse_rds_page});
  list({kRds,
        "RDS clusters",
        "DescribeDBClusters",
        kRdsVersion,
        {{"MaxRecords", "100"}},
        "Marker",
        "rds:",
        parse_rds_page});
}

}  // namespace cloister::posture
