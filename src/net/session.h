// One connection's HTTP without its socket: bytes in, requests out, answers in, bytes out. Time is a parameter, so the
// whole protocol runs in memory, under tests and fuzzers too. Used by Connection alone.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "net/http_limits.h"
#include "net/http_message.h"
#include "net/refusal.h"
#include "net/stream.h"
#include "net/ticks.h"

namespace cloister::net {

// What is read and thrown away of a peer that sends on after it was answered.
inline constexpr std::size_t kLingerBytes = 8 << 20;

// Numbers a request on its connection.
using RequestId = std::int32_t;

// Bytes of request bodies held by all connections together. Any thread.
class BodyBudget {
 public:
  explicit BodyBudget(std::uint64_t bytes) : free_(static_cast<std::int64_t>(bytes)) {}
  bool take(std::size_t bytes);
  void give_back(std::size_t bytes) { free_.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> free_;
};

// What a session needs of its surroundings.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  // Answers at once, or later by Session::answer with the same id. Called inside feed() and answer().
  virtual std::optional<Response> handle(RequestId id, Request& request) = 0;
  // HTTP/2 only: takes a request by its head, and then its bytes as they come. Null: it is collected for handle().
  virtual std::unique_ptr<StreamInput> take_stream(RequestId, Request&) { return nullptr; }
  virtual void refused(Refusal why) = 0;
  // "Tue, 24 Nov 2026 13:23:09 GMT"
  virtual std::string_view date() const = 0;
};

struct SessionSettings {
  const Limits* limits;
  BodyBudget* bodies;
  SessionHost* host;
};

// Every call may append to `out` what is to be sent. One thread at a time. All that is pointed to outlives it.
class Session {
 public:
  virtual ~Session() = default;

  // Bytes from the peer, all of them taken. Not to be called while wants_input() is false.
  virtual void feed(Ticks now, ByteView bytes, Buffer& out) = 0;
  // Goes on with what waited for room in `out`: called when everything before was sent.
  virtual void resume(Ticks now, Buffer& out) = 0;
  virtual void answer(Ticks now, RequestId id, Response response, Buffer& out) = 0;
  // In place of answer(): the head of a response whose body is pushed. False: it is too late, or can't be sent so, and
  // nothing may be pushed. HTTP/1 only.
  virtual bool begin_body(Ticks, RequestId, Response, Buffer&) { return false; }
  // On a stream that take_stream() took, or for a body that was begun; what comes for one that is gone is dropped.
  virtual void push(Ticks, RequestId, Push, Buffer&) {}
  // The peer sends no more.
  virtual void input_ended(Ticks now, Buffer& out) = 0;
  // Finish what was begun, take nothing new.
  virtual void drain(Ticks now, Buffer& out) = 0;

  // When expire() has something to do.
  virtual Ticks deadline() const = 0;
  virtual void expire(Ticks now, Buffer& out) = 0;

  virtual bool wants_input() const = 0;
  // Nothing will follow what is in `out`: send it and close.
  enum class End {
    kNot,
    kQuiet,      // the peer has nothing under way
    kLingering,  // it may still be sending: read on for a moment, or the last answer may be lost on its way
  };
  virtual End end() const = 0;
};

// A session of that protocol, beginning at `now`.
std::unique_ptr<Session> new_http1_session(const SessionSettings& settings, Ticks now);
std::unique_ptr<Session> new_http2_session(const SessionSettings& settings, Ticks now, Buffer& out);

// Which protocol a plain connection speaks, by its first bytes: HTTP/2's preface can't begin an HTTP/1.1 request.
// Nothing while they are too few to tell. RFC 9113 3.3.
std::optional<Protocol> protocol_of(ByteView first_bytes);

// A path with its query, or "*" with OPTIONS, in visible ASCII.
bool is_origin_form(std::string_view method, std::string_view target);
// No control characters but the tab.
bool is_clean_value(std::string_view value);
// Digits only, and no more than a content-length can be.
std::optional<std::uint64_t> parse_length(std::string_view value);

// False for a header that would break the message it is put into, or that isn't the handler's to set.
bool is_sendable(const Header& header);
// The response, or a 500 in its place when it couldn't be sent as it is.
Response sendable(Response response);

// Refills over time; empty means too often.
class Bucket {
 public:
  Bucket(std::uint32_t burst, std::uint32_t per_second) : burst_(burst), per_second_(per_second), tokens_(burst) {}
  bool take(Ticks now);
  void credit(double tokens);

 private:
  double burst_, per_second_, tokens_;
  Ticks last_ = 0;
};

}  // namespace cloister::net
