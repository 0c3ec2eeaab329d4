#include "kms/aws/credential_chain.h"

namespace cloister::kms {
namespace {

constexpr Duration kRenewBefore = minutes(5);
constexpr Duration kUnusableBefore = seconds(5);  // a request takes time, and clocks differ
constexpr Duration kRetryAfter = seconds(30);

}  // namespace

AwsCredentialChain::AwsCredentialChain(AwsCredentialOptions options, Waiting waiting)
    : options_(std::move(options)), waiting_(std::move(waiting)) {}

std::shared_ptr<const AwsCredentials> AwsCredentialChain::kept(Need need) {
  const Time now = waiting_.now();
  const std::lock_guard lock(mutex_);
  if (kept_ == nullptr || !kept_->expires) return kept_;
  const Duration left = *kept_->expires - now;
  if (left <= kUnusableBefore) return nullptr;
  const bool fresh = left > kRenewBefore || now < next_try_;
  return need == Need::kUsable || fresh ? kept_ : nullptr;
}

Result<std::shared_ptr<const AwsCredentials>> AwsCredentialChain::get() {
  if (auto fresh = kept(Need::kFresh)) return fresh;
  const auto usable = kept(Need::kUsable);
  std::unique_lock renewal(renewing_, std::defer_lock);
  if (usable == nullptr) {
    renewal.lock();
  } else if (!renewal.try_lock()) {
    return usable;
  }
  if (auto fresh = kept(Need::kFresh)) return fresh;  // fetched while we waited
  auto fetched = fetch_aws_credentials(options_, waiting_);
  const std::lock_guard lock(mutex_);
  if (!fetched.ok()) {
    if (usable == nullptr) return fetched.error();
    next_try_ = waiting_.now() + kRetryAfter;
    return usable;
  }
  kept_ = std::make_shared<const AwsCredentials>(std::move(*fetched));
  // Those that come with less time than that aren't fetched anew for every call.
  next_try_ = waiting_.now() + kRetryAfter;
  return kept_;
}

void AwsCredentialChain::forget(const std::shared_ptr<const AwsCredentials>& refused) {
  const std::lock_guard lock(mutex_);
  if (kept_ == refused) kept_ = nullptr;
}

}  // namespace cloister::kms
