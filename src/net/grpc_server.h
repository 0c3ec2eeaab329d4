// Calls of gRPC as a server has them: messages of either side at any time, for as long as the call lasts.
#pragma once

#include "base/clock.h"
#include "net/grpc.h"
#include "net/handler.h"

namespace cloister::net {

// Everything a client could have too much of in one call, and how long it may take. A connection's own limits
// (http_limits.h) hold beside these. A call that was answered and lives on has no limit of time: a client that has gone
// silent is asked whether it is still there (Limits::silence_time).
struct GrpcLimits {
  std::size_t message_bytes = 1 << 20;  // of one message from the client
  std::uint32_t messages_burst = 100;   // of one call, as a bucket that refills
  std::uint32_t messages_per_second = 10;
  std::size_t queued_bytes = 8 << 20;  // sent and not yet taken by the client: beyond it the call is cut
  Duration message_time{10'000};       // from a message's first byte to its last; to the first one, from the beginning
  Duration answer_time{60'000};        // from the client's last message to our first

  // kInvalid when a limit is zero.
  Status check() const;
};

// One call. Any thread may use it, also after its connection is gone: then it does nothing.
class GrpcCall {
 public:
  virtual ~GrpcCall() = default;

  // The method's full name is the target ("/SpiffeWorkloadAPI/FetchX509SVID"), its metadata are the headers, and who
  // calls is in the connection, which is always there. There is no body.
  virtual const Request& head() const = 0;
  // One message to the client, after those before. Waits for nothing.
  virtual void send(Buffer message) = 0;
  // Ends the call, after what was sent. The first one counts: net itself ends calls that break a limit.
  virtual void finish(GrpcStatus status) = 0;
  // Finished, cut, or the client has gone.
  virtual bool over() const = 0;
};

// What the service does with a call's messages. Everything runs on the connection's I/O thread and must not wait;
// nothing is called inside GrpcCall's own functions. Destroyed there too.
class GrpcReceiver {
 public:
  virtual ~GrpcReceiver() = default;
  virtual void message(Buffer message) = 0;
  // The client sends no more messages.
  virtual void half_closed() = 0;
  // The call is over, for whatever reason. Always the last, and always called.
  virtual void gone() = 0;
};

class GrpcService {
 public:
  virtual ~GrpcService() = default;
  // On the connection's I/O thread, on several at once: it must not wait. Null, for a method that isn't there, is
  // answered with kUnimplemented.
  virtual std::unique_ptr<GrpcReceiver> begin(std::shared_ptr<GrpcCall> call) = 0;
};

// Serves `service` and nothing else: what isn't gRPC over HTTP/2 is answered in HTTP. kInvalid for limits that make no
// sense.
Result<std::shared_ptr<Handler>> grpc_handler(std::shared_ptr<GrpcService> service, const GrpcLimits& limits);

}  // namespace cloister::net
