// The keys that requests are sealed to: each lives for an hour at most, has evidence of its own, remembers what was
// asked with it, and is gone afterwards. A recorded request can't be opened later by anybody.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "attest/worker_bundle.h"
#include "crypto/random.h"
#include "net/ohttp.h"

namespace cloister::worker {

inline constexpr Duration kKeyLifeMax = hours(1);

// One key and what was made for it. Immutable but for what it remembers; any thread.
class KeyEpoch {
 public:
  const net::OhttpKey& key() const { return key_; }
  const crypto::HpkePrivateKey& private_key() const { return private_key_; }
  const Bytes& bundle() const { return encoded_; }
  const crypto::Sha256Digest& evidence_id() const { return evidence_id_; }
  Time not_after() const { return not_after_; }

  // Right before the engine is asked, when nothing else refuses the request. kExists: it was asked before.
  // kUnavailable: it remembers as many as it can, and no more are asked.
  Status remember(ByteView encapsulated);

 private:
  friend class KeyEpochs;
  KeyEpoch(net::OhttpKey key, crypto::HpkePrivateKey private_key)
      : key_(std::move(key)), private_key_(std::move(private_key)) {}

  net::OhttpKey key_;
  crypto::HpkePrivateKey private_key_;
  Bytes encoded_;
  crypto::Sha256Digest evidence_id_{};
  Time made_, not_after_;
  std::size_t remembered_max_ = 0;
  std::mutex mutex_;
  std::unordered_set<std::string> seen_;
};

// Evidence for what a bundle is bound to: the attester's. May wait.
using CollectEvidence = std::function<Result<attest::EvidenceSet>(const attest::Binding& binding)>;

struct EpochOptions {
  std::string role = "infer";
  Bytes manifest;  // the workload manifest's bytes
  crypto::Ed25519PublicKey receipt_key{};
  Duration life = kKeyLifeMax;             // of one key; a new one is made after half of it
  std::size_t remembered_max = 1'000'000;  // questions that are asked with one key
};

// Any thread; refresh() one at a time.
class KeyEpochs {
 public:
  // kInvalid: a life of no time, or longer than kKeyLifeMax.
  static Result<std::unique_ptr<KeyEpochs>> create(EpochOptions options, CollectEvidence collect);

  // Drops keys whose time is over, and makes a new one when the newest is half through its life or has opened too many.
  // When that fails the others go on as long as they may. Cheap when there is nothing to do.
  Status refresh(Time now, crypto::Random& random);

  // The newest that is valid; null when there is none.
  std::shared_ptr<KeyEpoch> newest(Time now) const;
  // Null: unknown, or its time is over.
  std::shared_ptr<KeyEpoch> find(std::uint8_t id, Time now) const;

 private:
  KeyEpochs(EpochOptions options, CollectEvidence collect)
      : options_(std::move(options)), collect_(std::move(collect)) {}
  Result<std::shared_ptr<KeyEpoch>> make(Time now, crypto::Random& random) const;

  const EpochOptions options_;
  const CollectEvidence collect_;
  std::uint8_t next_id_ = 1;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<KeyEpoch>> epochs_;  // oldest first
};

}  // namespace cloister::worker
