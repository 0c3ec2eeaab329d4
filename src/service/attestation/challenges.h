// Challenges that evidence must answer: each for one caller and role, once, and not for long. In memory: whoever asked
// this process answers to this process.
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "crypto/random.h"

namespace cloister::service {

using Challenge = std::array<std::uint8_t, 32>;

struct ChallengeLimits {
  Duration life = minutes(5);
  std::size_t max = 65'536;
  std::size_t per_caller = 256;
};

// Any thread may call.
class Challenges {
 public:
  explicit Challenges(ChallengeLimits limits = {}) : limits_(limits) {}

  struct Made {
    Challenge challenge;
    Time expires;
  };
  // kUnavailable when there are too many that nobody has answered: of this caller, or of all.
  Result<Made> make(const std::string& caller, const std::string& role, Time now, crypto::Random& random);
  // Whatever comes of it, it can't be taken again by the one it is for; others don't use it up. kDenied for one that
  // isn't there, that is another's or for another role; kExpired.
  Status take(const Challenge& challenge, const std::string& caller, const std::string& role, Time now);
  std::size_t size() const;

 private:
  struct Entry {
    std::string caller, role;
    Time expires;
  };
  void forget(std::map<Challenge, Entry>::iterator entry);
  void sweep(Time now);

  const ChallengeLimits limits_;
  mutable std::mutex mutex_;
  std::map<Challenge, Entry> open_;
  std::map<std::string, std::size_t> per_caller_;
};

}  // namespace cloister::service
