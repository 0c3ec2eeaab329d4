// Speaks TLS by hand.
#include "probe/tls/conversation.h"

#include <array>

#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

constexpr std::uint8_t kWarning = 1;

Came came_of(Incoming::Kind kind) {
  switch (kind) {
    case Incoming::Kind::kMessage: return Came::kMessage;
    case Incoming::Kind::kAlert: return Came::kAlert;
    case Incoming::Kind::kRecord: return Came::kRecord;
    case Incoming::Kind::kSslv2: return Came::kSslv2;
    case Incoming::Kind::kNotTls: return Came::kNotTls;
    case Incoming::Kind::kTooMuch: break;
  }
  return Came::kTooMuch;
}

}  // namespace

Conversation::Conversation(std::unique_ptr<Wire> wire, Duration answer_time, Expect expect)
    : wire_(std::move(wire)), answer_time_(answer_time), assembler_(expect) {}

Conversation::Opened Conversation::open(Dialer& dialer, Duration answer_time, Expect expect) {
  auto wire = dialer.connect();
  if (!wire.ok()) {
    const Came came = wire.error().code() == Code::kDenied ? Came::kOutOfBudget : Came::kUnreachable;
    return {nullptr, came, wire.error().message()};
  }
  Opened opened;
  opened.conversation.reset(new Conversation(std::move(wire).value(), answer_time, expect));
  return opened;
}

void Conversation::send(ByteView bytes) {
  wire_->set_patience(answer_time_);
  ignore_result(wire_->write(bytes));
}

Event Conversation::next() { return next_within(answer_time_); }

Event Conversation::next_within(Duration patience) {
  wire_->set_patience(patience);
  for (;;) {
    if (auto incoming = assembler_.next()) {
      const bool about_name = incoming->kind == Incoming::Kind::kAlert && incoming->level == kWarning &&
                              incoming->description == kAlertUnrecognizedName;
      if (!about_name) return {came_of(incoming->kind), std::move(*incoming)};
      warned_of_name_ = true;
      continue;
    }
    std::array<std::uint8_t, 16384> room;
    const auto count = wire_->read(room);
    if (!count.ok()) return {wire_->timed_out() ? Came::kSilent : Came::kClosed};
    if (*count == 0) return {Came::kClosed};
    assembler_.feed(ByteView(room).first(*count));
  }
}

}  // namespace cloister::probe
