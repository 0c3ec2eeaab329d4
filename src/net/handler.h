// What a server does with a request: answer at once, or take it along and answer later.
#pragma once

#include <functional>
#include <optional>

#include "net/body_stream.h"
#include "net/http_message.h"

namespace cloister::net {

// The right to answer one request, once, from any thread. Destroyed without an answer, it answers 500: no client waits
// for nothing. May outlive the server.
class Answer {
 public:
  using Deliver = std::function<void(Response response)>;
  using Begin = std::function<std::shared_ptr<BodyFlow>(Response head)>;
  // `begin`: where an answer may also be sent piece by piece.
  explicit Answer(Deliver deliver, Begin begin = nullptr) : deliver_(std::move(deliver)), begin_(std::move(begin)) {}
  Answer(Answer&& other) noexcept
      : deliver_(std::exchange(other.deliver_, nullptr)), begin_(std::exchange(other.begin_, nullptr)) {}
  Answer& operator=(Answer&&) = delete;
  ~Answer() {
    if (deliver_) deliver_(problem(500));
  }

  // A second call is a mistake of ours and stops the process.
  void send(Response response) {
    CLOISTER_CHECK(deliver_ != nullptr);
    std::exchange(deliver_, nullptr)(std::move(response));
  }

  // Whether stream() may be called: over HTTP/1 alone.
  bool can_stream() const { return deliver_ != nullptr && begin_ != nullptr; }
  // In place of send(): the head now, without a body of its own, and the body as the writer gets it.
  BodyWriter stream(Response head) {
    CLOISTER_CHECK(can_stream());
    deliver_ = nullptr;
    return BodyWriter(std::exchange(begin_, nullptr)(std::move(head)));
  }

 private:
  Deliver deliver_;
  Begin begin_;
};

// Lets a handler answer later. Costs nothing unless it is used.
class Deferral {
 public:
  virtual ~Deferral() = default;
  // At most once.
  virtual Answer take() = 0;
};

struct GrpcServing;

class Handler {
 public:
  virtual ~Handler() = default;
  // Runs on the connection's I/O thread, on several at once: it must not wait. Returns the response; or calls
  // later.take(), keeps the Answer and returns nothing. `request` may be moved from and is gone afterwards.
  // Neither answered nor taken is answered with 500.
  virtual std::optional<Response> handle(Request& request, Deferral& later) = 0;
  // Null unless it serves gRPC (grpc_server.h): then every call over HTTP/2 goes there.
  virtual const GrpcServing* grpc() const { return nullptr; }
};

}  // namespace cloister::net
