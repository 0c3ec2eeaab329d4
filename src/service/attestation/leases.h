// What was released and for how long: while a lease holds, further keys of the same dataset go to the same attested key
// without new evidence. In memory: whoever was given one by this process answers to this process.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/hpke.h"

namespace cloister::service {

struct Lease {
  std::string id;      // of the release
  std::string caller;  // whose it is
  std::string target;  // "acme/production/models-7"
  std::string purpose;
  std::string role;
  Bytes recipient;  // the attested public key
  std::string rule;
  std::string tee;  // what the records say of it: "tdx hardware"
  std::uint64_t epoch = 0;
  crypto::Sha256Digest evidence{};  // of what was kept
  Time expires;
};

// Any thread may call.
class Leases {
 public:
  static constexpr std::size_t kMax = 65'536;

  // The one that ends first makes room.
  void add(Lease lease, Time now);
  // Nothing for one that isn't there or has expired.
  std::optional<Lease> find(const std::string& id, Time now) const;
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Lease> by_id_;
  std::multimap<Time, std::string> by_end_;
};

}  // namespace cloister::service
