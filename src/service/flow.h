// A call that is being served, and how its answer gets back: at once, while the connection's thread still waits in
// Service::handle, or later from another thread.
#pragma once

#include "service/recorder.h"
#include "service/service.h"

namespace cloister::service {

// Handed from thread to thread, used by one at a time.
class Flow {
 public:
  explicit Flow(net::Deferral& later) : started_(monotonic_seconds()), later_(&later) {}

  // Before it is handed to another thread: from then on the answer is sent, and handle() returns without it.
  void defer();
  void answer(net::Response response);
  // What handle() returns. On its thread, at its end.
  std::optional<net::Response> immediate();
  DecisionEvent decision_event(unsigned status) const;

  Call call;
  Parsed parsed;
  audit::Outcome outcome = audit::Outcome::kAllowed;
  std::string_view problem;  // the code of the one that is answered
  keys::Recorded recorded;
  bool replayed = false;  // the change was made before, by a request with the same idempotency-key
  int attempts = 0;

 private:
  const double started_;
  net::Deferral* later_;  // null once it was used
  std::optional<net::Answer> answer_;
  std::optional<net::Response> immediate_;
};

}  // namespace cloister::service
