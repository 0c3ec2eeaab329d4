// One stream of HTTP/2 whose bytes are taken and sent as they come: what lies between a session and gRPC.
#pragma once

#include <deque>
#include <optional>

#include "net/http_message.h"
#include "net/ticks.h"

namespace cloister::net {

// Takes what the peer sends. Called on the connection's thread; nothing of it may call the session. Destroyed when the
// stream is gone.
class StreamInput {
 public:
  virtual ~StreamInput() = default;
  virtual void bytes(Ticks now, ByteView bytes) = 0;
  // The peer sends no more.
  virtual void ended(Ticks now) = 0;
  // So many of the bytes that were pushed are on their way to the peer.
  virtual void taken(Ticks now, std::size_t bytes) = 0;
  // The connection is about to end.
  virtual void drain(Ticks now) = 0;
  // When expire() has something to do.
  virtual Ticks deadline() const = 0;
  virtual void expire(Ticks now) = 0;
};

// What is to be sent on such a stream, or of a body over HTTP/1, whose trailers are empty.
struct Push {
  Buffer bytes;
  std::optional<Headers> trailers;  // these end it
  bool cut = false;                 // ends it at once, and shows that it isn't whole
};

// What waits to be sent on it.
class StreamOutput {
 public:
  // Nothing follows trailers: false when they were there before.
  bool add(Push push);
  std::size_t read(MutableByteView out);
  bool empty() const { return waiting_.empty(); }
  const std::optional<Headers>& trailers() const { return trailers_; }

 private:
  std::deque<Buffer> waiting_;
  std::size_t read_ = 0;  // of the first
  std::optional<Headers> trailers_;
};

}  // namespace cloister::net
