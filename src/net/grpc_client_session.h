// One call of gRPC on the client's side without its socket: nghttp2 does the framing, the limits are ours. Used by
// GrpcClient, and by tests and fuzzers in its place.
#pragma once

#include <deque>

#include "net/grpc_client.h"
#include "net/grpc_stream.h"

struct nghttp2_session;

namespace cloister::net {

class GrpcClientSession {
 public:
  // What the request names as its scheme ("http", "https") and host.
  struct Origin {
    std::string_view scheme;
    std::string authority;
  };
  GrpcClientSession(const GrpcClientOptions& options, const GrpcRequest& request, const Origin& origin);
  ~GrpcClientSession();
  GrpcClientSession(const GrpcClientSession&) = delete;
  GrpcClientSession& operator=(const GrpcClientSession&) = delete;

  // Bytes from the server. kInvalid when it doesn't speak gRPC or breaks a limit: for good.
  Status feed(Ticks now, ByteView bytes);
  // What is to be sent.
  Buffer output();
  // Asks the server whether it is there; the answer is bytes like others.
  void ping();

  // A message that came, or the end once there are no more.
  std::optional<GrpcEvent> take();

 private:
  using Self = GrpcClientSession;

  void start(const GrpcRequest& request, const Origin& origin);
  void fail(Code code, std::string what);
  void add_header(std::string_view name, std::string_view value);
  void finish_headers(bool ends);
  void add_data(ByteView bytes);
  void end(std::uint32_t error);
  void count_frame();

  const GrpcClientOptions options_;
  nghttp2_session* session_ = nullptr;
  Buffer request_;
  std::size_t sent_ = 0;
  GrpcMessageReader reader_;
  Bucket frames_;
  Ticks now_ = 1;
  Headers block_;  // of headers: these, or the trailers
  std::size_t block_bytes_ = 0;
  std::string status_;  // of HTTP, in this block
  bool headers_done_ = false;
  std::deque<Buffer> messages_;
  std::optional<GrpcStatus> status_of_call_;
  std::optional<GrpcStatus> end_;
  Status failure_;
};

}  // namespace cloister::net
