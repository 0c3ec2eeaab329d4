// When a request is sent again: back-off with full jitter, under a budget that keeps a dead provider from being asked
// more often than a living one.
#pragma once

#include <mutex>

#include "kms/evidence.h"
#include "kms/http_transport.h"

namespace cloister::kms {

struct RetryRules {
  unsigned attempts = 4;  // all of them
  Duration base{100};     // the first wait is random within this
  double factor = 2;      // each next is so much longer at most
  Duration longest{20'000};
  Duration patience{10'000};  // of one attempt
  Duration in_all{60'000};    // no attempt begins later than this after the first
};

// Of one provider, shared by all its calls: an attempt after the first costs, a success gives back. (The token bucket
// of AWS's "standard" retry mode.) Any thread may call.
class RetryBudget {
 public:
  explicit RetryBudget(double tokens = 500) : most_(tokens), tokens_(tokens) {}
  bool take(double cost = 5);
  void give(double back = 1);

 private:
  std::mutex mutex_;
  const double most_;
  double tokens_;
};

// What an answer means for the next attempt. Each provider's own table.
struct Verdict {
  enum class Kind {
    kFinal,  // an answer: a success or a refusal
    kRetry,  // throttled or failing
    kRenew,  // the credential or the clock: once more, after `renew` below
  } kind = Kind::kFinal;
  std::optional<Duration> wait;  // the provider's word (retry-after)
};

// One logical call: makes a request (signed anew for each attempt), sends it, and repeats as the rules allow. What
// can't be reached counts as kRetry. Returns the last answer, whatever it says; an error when there was none.
struct RetryingCall {
  const RetryRules& rules;
  RetryBudget& budget;
  const Waiting& waiting;
  HttpTransport& transport;

  std::function<Result<net::Request>()> make;
  std::function<Verdict(const net::Response&)> judge;
  std::function<Status(const net::Response&)> renew = {};  // called at most once

  Result<net::Response> run() const;
};

}  // namespace cloister::kms
