// What there is at AWS and nobody declared: buckets, volumes, snapshots, databases.
#pragma once

#include "posture/collect/cloud/aws_service_answers.h"
#include "posture/collect/cloud/s3.h"

namespace cloister::posture {

// The API versions of EC2 and RDS that answers are read by.
inline constexpr const char* kEc2Version = "2016-11-15";
inline constexpr const char* kRdsVersion = "2014-10-31";

// One thread at a time.
class AwsDiscovery {
 public:
  AwsDiscovery(AwsAccess& access, AwsKeys& keys, S3Examiner& s3, const FactMaker& maker, const CollectContext& context,
               FactSink& sink)
      : access_(access), keys_(keys), s3_(s3), maker_(maker), context_(context), sink_(sink) {}

  // An `inventory.source` for each kind of thing that was looked for, not assessed where not all of it could be listed.
  // For everything that no declared location is: an `inventory.seen`, and what the list says of its encryption; of a
  // bucket, its default.
  void run();

 private:
  struct Kind {
    const AwsServiceName& service;
    std::string what;  // "EBS volumes"
    std::string operation, version;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string token_field;
    std::string scheme;  // of addresses: "ebs:"
    Result<FoundPage> (*parse)(std::string_view body);
  };
  void buckets();
  void list(const Kind& kind);
  Status each_page(const Kind& kind, std::int64_t& entries);
  void report(const std::string& address, FoundStorage found);
  void told(const std::string& what, const Status& listed, std::int64_t entries);
  bool is_stopped() const;

  AwsAccess& access_;
  AwsKeys& keys_;
  S3Examiner& s3_;
  const FactMaker& maker_;
  const CollectContext& context_;
  FactSink& sink_;
};

}  // namespace cloister::posture
