// What guests of the Confidential Containers have going with this server: a challenge, then a verdict on what answered
// it. In memory, bounded; identifiers and tokens are known to nobody but their holder.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <unordered_map>

#include "attest/verifier.h"
#include "base/clock.h"
#include "crypto/jwe.h"
#include "service/attestation/archive.h"

namespace cloister::service {

enum class KbsHash { kSha256, kSha384, kSha512 };
std::string_view kbs_hash_name(KbsHash hash);  // "sha384"

struct KbsChallenge {
  std::string tee;    // as the guest spelt it
  std::string nonce;  // base64 of 32 bytes: compared and hashed as text
  KbsHash hash = KbsHash::kSha384;
};

// Evidence, and what it must carry.
struct KbsEvidence {
  attest::EvidenceSet evidence;
  GuestQuestion question;
};

// What came of it, and what else it was judged by.
struct KbsJudgement {
  attest::SetVerdict verdict;
  attest::Floors floors = {};
  std::shared_ptr<const attest::Collateral> collateral = {};  // null: there was none
};

struct KbsDecision {
  bool allowed = false;
  std::string reason;
  // What is kept of it, for the record: its id in the archive and its digest.
  std::string kept = {};
  std::optional<crypto::Sha256Digest> digest = {};
};

// What was decided about a guest, and why: asking again writes nothing new where it comes to the same.
struct KbsKept {
  static constexpr std::size_t kMax = 64;  // each is a file
  using Grounds = std::tuple<std::string, crypto::Sha256Digest, std::uint64_t, bool, std::string, std::string>;
  std::mutex mutex;
  std::map<Grounds, KbsDecision> decisions;
};

// A guest whose evidence was verified. Immutable, but for what is kept about it.
struct KbsGuest {
  std::string tee;
  // SHA-256 of the evidence as attest::encode() has it, under which it is kept: it is too large to be held here.
  crypto::Sha256Digest evidence{};
  attest::SetVerdict verdict;
  crypto::JweRecipient recipient;
  std::uint64_t epoch = 0;  // from which on it counts
  // What it was judged by, for the record of each decision.
  GuestQuestion question = {};
  attest::Floors floors = {};
  KeptItems collateral = {};
  std::shared_ptr<KbsKept> kept = std::make_shared<KbsKept>();
};

struct KbsLimits {
  Duration life = minutes(5);  // of a challenge, and of what came of it
  std::size_t max = 65'536;
  std::size_t per_source_max = 256;
};

// Any thread may call.
class KbsSessions {
 public:
  // `random` outlives it.
  KbsSessions(KbsLimits limits, crypto::Random& random) : limits_(limits), random_(&random) {}

  struct Made {
    std::string id;  // of the cookie: 32 hexadecimal digits
    KbsChallenge challenge;
  };
  // kUnavailable when there are as many as there may be, of all or of that address.
  Result<Made> begin(const std::string& tee, KbsHash hash, const std::string& source, Time now);
  // Once: whatever comes of it, the challenge is used up. kDenied for one that there isn't or that was answered before;
  // kExpired.
  Result<KbsChallenge> take(std::string_view id, Time now);
  // What answered it. From then on the guest is found by the same cookie and by `token`.
  void admit(std::string_view id, std::string_view token, std::shared_ptr<const KbsGuest> guest, Time now);

  // Null for nobody's, and when it is over.
  std::shared_ptr<const KbsGuest> by_cookie(std::string_view id, Time now) const;
  std::shared_ptr<const KbsGuest> by_token(std::string_view token, Time now) const;
  // What the tee of that cookie is said to be, verified or not. Empty for nobody's, and once its challenge was taken.
  std::string tee_of(std::string_view id, Time now) const;
  std::size_t size() const;
  Duration life() const { return limits_.life; }

 private:
  using Hash = std::string;  // SHA-256 of what the holder knows
  struct Session {
    KbsChallenge challenge;
    std::string source;
    bool taken = false;
    Hash token;
    std::shared_ptr<const KbsGuest> guest;
    Time expires;
  };
  void sweep(Time now);
  const Session* find(std::string_view id, Time now) const;

  const KbsLimits limits_;
  crypto::Random* const random_;
  mutable std::mutex mutex_;
  std::unordered_map<Hash, Session> sessions_;
  std::unordered_map<Hash, Hash> by_token_;
  std::deque<Hash> by_age_;  // all live equally long
  std::map<std::string, std::size_t> of_source_;
};

}  // namespace cloister::service
