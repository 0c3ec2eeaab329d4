// A KMIP server that lives in a test: keys in memory, AES-GCM for real, 1.x and 2.x, and every way to misbehave that a
// test needs.
#pragma once

#include <map>
#include <mutex>
#include <optional>

#include "crypto/random.h"
#include "kms/kmip/connections.h"
#include "kms/kmip/message.h"

namespace cloister::testing {

struct KmipStandInKey {
  std::string name = {};
  kms::kmip::State state = kms::kmip::State::kActive;
  std::int64_t initial = 1'790'000'000;  // seconds
  std::optional<bool> extractable = {};
  std::string replaced = {}, replacement = {};
  std::optional<std::uint32_t> rotate_interval = {}, storage_mask = {};
  std::optional<std::int32_t> rotate_generation = {};
  std::optional<std::int64_t> rotate_date = {};
  crypto::Secret material = {};
};

// Any thread may call, though not while a test changes it. Outlives the channels that it gives.
class KmipStandIn {
 public:
  enum class Fault {
    kNone,
    kClosesAtOnce,
    kClosesAfterOne,  // the connection, after one answer
    kTruncates,       // half an answer, then closes
    kLengthBomb,      // a header that says 4 GiB
    kAnotherObject,   // an answer about another key
    kAnotherOperation,
    kNoTag,
    kShortCiphertext,
    kNoOffsets,  // every page is the first
    kTwoItems,   // two batch items
    kGarbage,
  };

  std::vector<kms::kmip::ProtocolVersion> versions{kms::kmip::kVersion14, kms::kmip::kVersion20, kms::kmip::kVersion21};
  std::map<std::string, KmipStandInKey> keys;
  Fault fault = Fault::kNone;
  std::uint32_t fail_with = 0;     // a result reason for every request but DiscoverVersions
  unsigned fail_times = 0;         // as often
  std::optional<Bytes> own_nonce;  // used in the given one's place
  bool gcm = true;

  std::size_t dialled = 0;
  std::vector<kms::kmip::Operation> asked;

  void add(const std::string& identifier, KmipStandInKey key);
  kms::KmipDial dial();
  net::Buffer answer(ByteView request);

 private:
  std::mutex mutex_;
};

}  // namespace cloister::testing
