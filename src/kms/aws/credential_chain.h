// AWS credentials at hand: fetched when first needed, kept, and renewed before they end.
#pragma once

#include <mutex>

#include "kms/aws/credential_sources.h"

namespace cloister::kms {

// Any thread may call; a call waits while there is nothing to hand out. While what is kept still holds, one call renews
// and the others go on with it; when renewing fails they do, too, until it ends.
class AwsCredentialChain {
 public:
  AwsCredentialChain(AwsCredentialOptions options, Waiting waiting);

  // Errors of fetch_aws_credentials.
  Result<std::shared_ptr<const AwsCredentials>> get();
  // AWS refused these: the next get() fetches anew, unless somebody has already.
  void forget(const std::shared_ptr<const AwsCredentials>& refused);

 private:
  enum class Need { kFresh, kUsable };
  std::shared_ptr<const AwsCredentials> kept(Need need);

  const AwsCredentialOptions options_;
  const Waiting waiting_;
  std::mutex renewing_;  // held by the one that fetches; taken before mutex_
  std::mutex mutex_;     // of what follows
  std::shared_ptr<const AwsCredentials> kept_;
  Time next_try_{};
};

}  // namespace cloister::kms
