// One connection on which TLS is spoken by hand.
#pragma once

#include <memory>
#include <string>

#include "probe/dialer.h"
#include "probe/tls/incoming.h"

namespace cloister::probe {

// What the other end did, or why nothing can be said of it.
enum class Came {
  kMessage,
  kAlert,
  kRecord,
  kSslv2,
  kClosed,       // in order or by a reset, without an alert
  kSilent,       // for as long as we waited
  kNotTls,       // something else is spoken there
  kTooMuch,      // beyond the limits of this reader
  kUnreachable,  // no connection
  kOutOfBudget,
};

struct Event {
  Came came = Came::kClosed;
  Incoming incoming{Incoming::Kind::kRecord};
};

// One thread at a time.
class Conversation {
 public:
  // The Came says why there is none.
  struct Opened {
    std::unique_ptr<Conversation> conversation;
    Came came = Came::kMessage;
    std::string reason;
  };
  static Opened open(Dialer& dialer, Duration answer_time, Expect expect = Expect::kTls);

  // Nobody there to take it shows at the next event.
  void send(ByteView bytes);
  // The next thing that comes, no later than the answer time from now. A warning that the server doesn't know the name
  // (unrecognized_name) is passed over and remembered.
  Event next();
  // As next(), and no longer than this.
  Event next_within(Duration patience);
  bool warned_of_name() const { return warned_of_name_; }

 private:
  Conversation(std::unique_ptr<Wire> wire, Duration answer_time, Expect expect);

  std::unique_ptr<Wire> wire_;
  const Duration answer_time_;
  Assembler assembler_;
  bool warned_of_name_ = false;
};

}  // namespace cloister::probe
