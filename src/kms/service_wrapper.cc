#include "kms/service_wrapper.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/clock.h"

namespace cloister::kms {
namespace {

constexpr std::string_view kDekPurpose = "dek";

ServiceSlot slot_of(const crypto::WrapContext& context) { return {context.object, context.commitment, 0, {}}; }

ServiceSlot slot_of(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) {
  return {context.object, context.commitment, wrapped.key_version, wrapped.ciphertext};
}

LeaseCache::Name name_of(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) {
  crypto::Sha256 hash;
  hash.update(context.canonical(wrapped.type, wrapped.key_id, wrapped.key_version));
  hash.update(wrapped.ciphertext);
  return hash.finish();
}

}  // namespace

ServiceWrapper::ServiceWrapper(std::shared_ptr<KeyService> service, ServiceDataset dataset, ServiceKeyring keyring,
                               Duration check_every)
    : service_(std::move(service)),
      dataset_(std::move(dataset)),
      keyring_(std::move(keyring)),
      check_every_(check_every),
      checked_at_(monotonic_seconds()) {}

Result<std::unique_ptr<ServiceWrapper>> ServiceWrapper::open(std::shared_ptr<KeyService> service,
                                                             ServiceDataset dataset, Duration check_every) {
  CLOISTER_TRY(ServiceKeyring keyring, service->describe(dataset));
  return std::unique_ptr<ServiceWrapper>(
      new ServiceWrapper(std::move(service), std::move(dataset), std::move(keyring), check_every));
}

Status ServiceWrapper::check_context(const crypto::WrapContext& context) const {
  if (context.tenant == dataset_.tenant_name() && context.dataset == dataset_.dataset &&
      context.purpose == kDekPurpose) {
    return {};
  }
  return Error(Code::kDenied, "dataset " + dataset_.text() + " of a key service wraps its own objects' keys only");
}

Status ServiceWrapper::check_ours(const crypto::WrappedKey& wrapped) const {
  if (wrapped.type == crypto::WrapType::kDatasetKey && wrapped.key_id == to_hex(keyring_.id)) return {};
  return Error(Code::kNotFound, "wrapped by another key than dataset " + dataset_.text() + "'s");
}

crypto::WrappedKey ServiceWrapper::to_wrapped(ServiceSlot slot) const {
  return {crypto::WrapType::kDatasetKey, to_hex(keyring_.id), slot.version, {}, std::move(slot.wrapped)};
}

Result<crypto::WrappedKey> ServiceWrapper::wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) {
  CLOISTER_RETURN_IF_ERROR(check_context(context));
  CLOISTER_TRY(ServiceSlot slot, service_->wrap(dataset_, slot_of(context), key));
  return to_wrapped(std::move(slot));
}

Status ServiceWrapper::check_revocations() {
  {
    const std::lock_guard lock(mutex_);
    const double now = monotonic_seconds();
    if ((now - checked_at_) * 1000 < static_cast<double>(check_every_.ms)) return {};
    checked_at_ = now;
  }
  const auto keyring = service_->describe(dataset_);
  if (!keyring.ok()) {
    if (keyring.error().code() == Code::kUnavailable) return {};
    leases_.clear();
    return keyring.error();
  }
  leases_.keep_if([&keyring](std::uint32_t version) {
    return std::ranges::any_of(keyring->versions, [version](const ServiceKeyVersion& known) {
      return known.version == version && known.usable;
    });
  });
  return {};
}

Result<crypto::KeyMaterial> ServiceWrapper::unwrap(const crypto::WrappedKey& wrapped,
                                                   const crypto::WrapContext& context) {
  CLOISTER_RETURN_IF_ERROR(check_ours(wrapped));
  CLOISTER_RETURN_IF_ERROR(check_context(context));
  const LeaseCache::Name name = name_of(wrapped, context);
  if (leases_.size() > 0) CLOISTER_RETURN_IF_ERROR(check_revocations());
  if (auto leased = leases_.find(name)) return std::move(*leased);
  CLOISTER_TRY(LeasedKey answer, service_->unwrap(dataset_, slot_of(wrapped, context)));
  leases_.put(name, wrapped.key_version, answer.key.duplicate(), answer.lease);
  return std::move(answer.key);
}

Result<crypto::WrappedKey> ServiceWrapper::rewrap(const crypto::WrappedKey& wrapped,
                                                  const crypto::WrapContext& context) {
  CLOISTER_RETURN_IF_ERROR(check_ours(wrapped));
  CLOISTER_RETURN_IF_ERROR(check_context(context));
  CLOISTER_TRY(ServiceSlot slot, service_->rewrap(dataset_, slot_of(wrapped, context)));
  return to_wrapped(std::move(slot));
}

}  // namespace cloister::kms
