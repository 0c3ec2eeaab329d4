// A response's body that is sent while it is being made: whoever makes it waits when the peer is slow, and is told when
// the peer has gone.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "net/http_message.h"
#include "net/stream.h"

namespace cloister::net {

// Of one body, handed over and not yet sent: whoever writes more waits.
inline constexpr std::size_t kBodyWindow = 64 << 10;

// What writer and connection share. Any thread.
class BodyFlow {
 public:
  // Takes what is to be sent to the connection; false when there is none any more. Any thread; may outlive the
  // connection.
  using Outlet = std::function<bool(Push push)>;
  explicit BodyFlow(Outlet outlet) : outlet_(std::move(outlet)) {}

  // The writer's side. Waits until there is room. False: the peer has gone.
  bool write(Buffer piece);
  // The last: the body is whole, or cut short.
  void end(Push push);
  bool gone() const;

  // The connection's side: so many bytes are on their way to the peer.
  void taken(std::size_t bytes);
  // The peer has gone, or takes no more.
  void close();

 private:
  const Outlet outlet_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::size_t waiting_ = 0;
  bool gone_ = false;
};

// The right to write one body. One thread at a time. Destroyed before finish(), the peer sees that the body is cut,
// unless it speaks HTTP/1.0, where every body of unknown length ends with the connection.
class BodyWriter {
 public:
  explicit BodyWriter(std::shared_ptr<BodyFlow> flow) : flow_(std::move(flow)) {}
  BodyWriter(BodyWriter&&) noexcept = default;
  BodyWriter& operator=(BodyWriter&&) = delete;
  ~BodyWriter();

  // Waits while kBodyWindow or more is unsent. False: the peer has gone, and nothing more is sent.
  bool write(Buffer piece) { return flow_->write(std::move(piece)); }
  // Doesn't wait.
  bool gone() const { return flow_->gone(); }
  // Everything was written. Nothing may be written afterwards.
  void finish();

 private:
  std::shared_ptr<BodyFlow> flow_;
};

// Takes a body as it comes: a client's side, and an engine's. Called on the thread that asked; an error of any function
// ends the exchange with it.
class BodySink {
 public:
  virtual ~BodySink() = default;
  // Once, first: status and headers.
  virtual Status begin(const Response& head) = 0;
  // The next bytes, at least one. May wait: nothing more is read meanwhile.
  virtual Status take(ByteView piece) = 0;
  // Nothing came for a moment. Called several times a second.
  virtual Status wait() { return {}; }
};

}  // namespace cloister::net
