#include "worker/inference/key_epochs.h"

#include <algorithm>
#include <ranges>

namespace cloister::worker {
namespace {

constexpr Duration kClockSkew = minutes(5);  // of a client whose clock is behind

}  // namespace

Status KeyEpoch::remember(ByteView encapsulated) {
  const std::lock_guard lock(mutex_);
  std::string key(as_text(encapsulated));
  if (seen_.contains(key)) return Error(Code::kExists, "this request was answered before");
  if (seen_.size() >= remembered_max_) return Error(Code::kUnavailable, "this key has opened all that it may");
  seen_.insert(std::move(key));
  return {};
}

Result<std::unique_ptr<KeyEpochs>> KeyEpochs::create(EpochOptions options, CollectEvidence collect) {
  if (options.life.ms < 2 || options.life > kKeyLifeMax) {
    return Error(Code::kInvalid, "a worker's key lives for an hour at most");
  }
  return std::unique_ptr<KeyEpochs>(new KeyEpochs(std::move(options), std::move(collect)));
}

Result<std::shared_ptr<KeyEpoch>> KeyEpochs::make(Time now, crypto::Random& random) const {
  auto private_key = crypto::HpkePrivateKey::generate(crypto::HpkeKem::kX25519, random);
  net::OhttpKey key{next_id_,
                    private_key.public_key(),
                    {crypto::HpkeAead::kAes128Gcm, crypto::HpkeAead::kAes256Gcm, crypto::HpkeAead::kChaCha20Poly1305}};
  attest::WorkerBundle bundle;
  bundle.role = options_.role;
  bundle.not_before = Time{now.unix_ms - kClockSkew.ms};
  bundle.not_after = now + options_.life;
  bundle.key_configuration = net::encode_ohttp_key(key);
  bundle.receipt_key = options_.receipt_key;
  bundle.manifest = options_.manifest;
  CLOISTER_TRY(const attest::Binding binding, attest::bundle_binding(bundle));
  CLOISTER_TRY(bundle.evidence, collect_(binding));

  std::shared_ptr<KeyEpoch> epoch(new KeyEpoch(std::move(key), std::move(private_key)));
  epoch->encoded_ = attest::encode(bundle);
  epoch->evidence_id_ = attest::evidence_id(bundle.evidence);
  epoch->made_ = now;
  epoch->not_after_ = bundle.not_after;
  epoch->remembered_max_ = options_.remembered_max;
  return epoch;
}

Status KeyEpochs::refresh(Time now, crypto::Random& random) {
  std::shared_ptr<KeyEpoch> newest;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(epochs_, [&](const auto& epoch) { return now >= epoch->not_after_; });
    if (!epochs_.empty()) newest = epochs_.back();
  }
  if (newest != nullptr) {
    const std::lock_guard lock(newest->mutex_);
    const bool young = now < newest->made_ + Duration{options_.life.ms / 2};
    if (young && newest->seen_.size() < options_.remembered_max / 2) return {};
  }
  CLOISTER_TRY(auto epoch, make(now, random).with_context("make a new key for requests"));
  ++next_id_;
  const std::lock_guard lock(mutex_);
  epochs_.push_back(std::move(epoch));
  return {};
}

std::shared_ptr<KeyEpoch> KeyEpochs::newest(Time now) const {
  const std::lock_guard lock(mutex_);
  if (epochs_.empty() || now >= epochs_.back()->not_after_) return nullptr;
  return epochs_.back();
}

std::shared_ptr<KeyEpoch> KeyEpochs::find(std::uint8_t id, Time now) const {
  const std::lock_guard lock(mutex_);
  for (const auto& epoch : epochs_ | std::views::reverse) {
    if (epoch->key_.id == id) return now < epoch->not_after_ ? epoch : nullptr;
  }
  return nullptr;
}

}  // namespace cloister::worker
