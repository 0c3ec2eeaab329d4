// A dataset whose keys a key service holds, as seal takes it: one more place where a wrapping key lives.
#pragma once

#include <memory>
#include <mutex>

#include "crypto/key_wrapper.h"
#include "kms/key_service.h"
#include "kms/lease_cache.h"

namespace cloister::kms {

// The keys of one dataset as seal takes them. Any thread may call.
class ServiceWrapper final : public crypto::KeyWrapper {
 public:
  // Asks the service about the dataset. While keys are taken from `leases` the service is asked again every
  // `check_every` whether their versions still serve; one that is out of reach doesn't end a lease, one that says no
  // does.
  static Result<std::unique_ptr<ServiceWrapper>> open(std::shared_ptr<KeyService> service, ServiceDataset dataset,
                                                      Duration check_every = seconds(5));

  const ServiceDataset& dataset() const { return dataset_; }
  const ServiceKeyring& keyring() const { return keyring_; }
  const LeaseCache& leases() const { return leases_; }

  // kInvalid for a context of another tenant or dataset: the service would bind its own.
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override;
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override;
  Result<crypto::WrappedKey> rewrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override;

 private:
  ServiceWrapper(std::shared_ptr<KeyService> service, ServiceDataset dataset, ServiceKeyring keyring,
                 Duration check_every);
  Status check_context(const crypto::WrapContext& context) const;
  Status check_ours(const crypto::WrappedKey& wrapped) const;
  Status check_revocations();
  crypto::WrappedKey to_wrapped(ServiceSlot slot) const;

  std::shared_ptr<KeyService> service_;
  const ServiceDataset dataset_;
  const ServiceKeyring keyring_;
  const Duration check_every_;
  LeaseCache leases_;
  std::mutex mutex_;
  double checked_at_ = 0;  // monotonic_seconds()
};

}  // namespace cloister::kms
