// Whose keys those are that AWS's services name: resolved by KMS, never by how a name looks alone.
#pragma once

#include "posture/collect/cloud/aws_access.h"
#include "posture/collect/key_facts.h"

namespace cloister::posture {

// "alias/aws/s3", or the ARN of such an alias: AWS's own in every account.
bool is_aws_default_alias(std::string_view key);

// One thread at a time.
class AwsKeys {
 public:
  AwsKeys(AwsAccess& access, std::set<std::string> own) : access_(access), own_(std::move(own)) {}

  // Fills in the view's key (in full, as far as it is known), its manager, and why that isn't known. An alias is
  // resolved in the caller's account; whoever writes from another account has it resolved in theirs, which is noted.
  void resolve(StorageView& view, const std::string& region);
  // A key that the estate declares: it is reported, whatever names it.
  void look_at(const std::string& arn) { known(arn, {}); }
  // A `key.posture` for every key that was resolved, once.
  void report(const FactMaker& maker, FactSink& sink) const;

 private:
  struct Known {
    Result<kms::KeyPosture> posture;
    std::string manager;
  };
  Result<kms::KeyPosture> describe(const std::string& key, const std::string& region);
  const Known& known(const std::string& key, const std::string& region);

  AwsAccess& access_;
  const std::set<std::string> own_;
  std::map<std::string, Known> known_;  // by region and name as it was given
  int unreachable_ = 0;
};

}  // namespace cloister::posture
