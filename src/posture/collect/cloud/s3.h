// One bucket, or the part of it below a prefix: its default encryption, and how a sample of its objects is encrypted.
#pragma once

#include "posture/collect/cloud/aws_keys.h"
#include "posture/collect/cloud/object_views.h"
#include "posture/collect/cloud/s3_answers.h"

namespace cloister::posture {

struct S3Location {
  std::string bucket, prefix;
};
// "s3://bucket/prefix". kInvalid for what is no bucket's name.
Result<S3Location> parse_s3_address(std::string_view address);

struct S3Limits {
  std::size_t sample = 299;
  std::size_t listed = 1'000'000;  // objects: a location with more isn't assessed
};

// One thread at a time; asks by as many as the context has.
class S3Examiner {
 public:
  S3Examiner(AwsAccess& access, AwsKeys& keys, const FactMaker& maker, const S3Limits& limits)
      : access_(access), keys_(keys), maker_(maker), limits_(limits) {}

  // One `storage.encryption` of the subject, the worst of the default and the sampled objects, older versions among
  // them (level "object", or "service" for a bucket without any), and one for each object, up to a hundred, whose key
  // isn't known to be the operator's. What is bad stays bad though other parts couldn't be looked at; else the whole is
  // not assessed. `unseen`: why another part of the location couldn't; empty: there is none.
  void examine(const S3Location& location, const Subject& subject, const CollectContext& context, FactSink& sink,
               const std::string& unseen);
  // Only the default.
  void examine_default(const S3Location& location, const Subject& subject, FactSink& sink);
  // The names of the caller's buckets.
  Result<std::vector<std::string>> buckets();

 private:
  struct Default {
    Result<StorageView> view;
    std::string raw;
    std::string region;  // the bucket's
  };
  struct Listed {
    std::vector<S3Object> objects;
    bool whole = true;
  };
  struct Looked {
    S3Object object;
    std::optional<StorageView> view;  // nothing: gone since, or why it couldn't be looked at
    std::string why_not;
  };
  Result<net::Response> ask(const kms::AwsAsk& ask, std::string& region);
  Default default_of(const S3Location& location);
  Result<bool> keeps_versions(const S3Location& location, std::string& region);
  Result<Listed> list(const S3Location& location, std::string& region, bool versions, Progress* progress);
  Result<S3Page> page(const S3Location& location, std::string& region, bool versions, const S3Page& before);
  Result<std::vector<Looked>> look(const S3Location& location, const std::string& region,
                                   const std::vector<S3Object>& objects, const CollectContext& context);
  Status sample(const S3Location& location, std::string& region, const CollectContext& context, ObjectViews& objects);

  AwsAccess& access_;
  AwsKeys& keys_;
  const FactMaker& maker_;
  const S3Limits limits_;
};

}  // namespace cloister::posture
