// A connection of gRPC, any bytes in any pieces: frames, heads, messages. The first byte says how the input is cut and
// how the service behaves.
#include <string>
#include <vector>

#include "net/grpc_stream.h"

using namespace cloister;

namespace {

net::GrpcLimits call_limits() {
  net::GrpcLimits limits;
  limits.message_bytes = 256;
  limits.messages_burst = 8;
  limits.queued_bytes = 1024;
  return limits;
}

// Answers each message with itself, and ends the call with the client.
class Echo final : public net::GrpcReceiver {
 public:
  explicit Echo(std::shared_ptr<net::GrpcCall> call) : call_(std::move(call)) {}
  void message(net::Buffer message) override {
    CLOISTER_CHECK(!gone_ && !closed_ && message.size() <= call_limits().message_bytes);
    call_->send(std::move(message));
  }
  void half_closed() override {
    CLOISTER_CHECK(!gone_ && !closed_);
    closed_ = true;
    call_->finish({});
  }
  void gone() override {
    CLOISTER_CHECK(!gone_ && call_->over());
    gone_ = true;
  }

 private:
  const std::shared_ptr<net::GrpcCall> call_;
  bool closed_ = false;
  bool gone_ = false;
};

class EchoService final : public net::GrpcService {
 public:
  std::unique_ptr<net::GrpcReceiver> begin(std::shared_ptr<net::GrpcCall> call) override {
    if (call->head().target == "/n") return nullptr;
    if (keep) held.push_back(call);
    return std::make_unique<Echo>(std::move(call));
  }
  bool keep = false;
  std::vector<std::shared_ptr<net::GrpcCall>> held;
};

struct Host final : net::SessionHost {
  std::optional<net::Response> handle(net::RequestId, net::Request&) override { return net::problem(415); }
  std::unique_ptr<net::StreamInput> take_stream(net::RequestId id, net::Request& head) override {
    if (net::grpc_head(head) != net::GrpcHead::kFine) return nullptr;
    auto outlet = [this, id](net::Push push) { pushed.emplace_back(id, std::move(push)); };
    return net::begin_grpc_stream({service, call_limits()}, std::move(head), now,
                                  {bodies, this, std::move(outlet), calls, limits.streams});
  }
  void refused(net::Refusal) override {}
  std::string_view date() const override { return "Mon, 21 Sep 2026 14:13:20 GMT"; }

  net::Limits limits;
  net::BodyBudget* bodies = nullptr;
  net::Ticks now = 1000;
  std::shared_ptr<EchoService> service = std::make_shared<EchoService>();
  std::shared_ptr<std::atomic<std::uint32_t>> calls = std::make_shared<std::atomic<std::uint32_t>>(0);
  std::vector<std::pair<net::RequestId, net::Push>> pushed;
};

void push_all(net::Session& session, Host& host, net::Buffer& out) {
  auto pushed = std::exchange(host.pushed, {});
  for (auto& [id, push] : pushed) session.push(host.now, id, std::move(push), out);
}

void run(std::uint8_t mode, ByteView bytes) {
  Host host;
  host.limits.uri_bytes = 64;
  host.limits.header_bytes = 512;
  host.limits.body_bytes = 256;
  host.limits.body_bytes_in_flight = 1024;
  host.limits.streams = 4;
  host.limits.control_burst = 64;
  host.limits.output_bytes = 4096;
  host.service->keep = (mode & 1) != 0;
  net::BodyBudget bodies(host.limits.body_bytes_in_flight);
  host.bodies = &bodies;
  {
    net::Buffer out;
    const auto session = net::new_http2_session({&host.limits, &bodies, &host}, host.now, out);
    const std::size_t piece = std::size_t{1} << (mode >> 4);
    while (!bytes.empty() && session->wants_input()) {
      const std::size_t size = std::min(piece, bytes.size());
      session->feed(host.now, bytes.first(size), out);
      bytes = bytes.subspan(size);
      if ((mode & 2) == 0) push_all(*session, host, out);
      CLOISTER_CHECK(out.size() < 64 * host.limits.output_bytes);
      out.clear();
      session->resume(host.now, out);
      host.now += 7;
    }
    if ((mode & 4) != 0) session->drain(host.now, out);
    if ((mode & 8) != 0) session->input_ended(host.now, out);
    push_all(*session, host, out);
    for (int i = 0; i < 16 && session->deadline() != net::kNever; ++i) {
      session->expire(host.now = session->deadline(), out);
      push_all(*session, host, out);
    }
  }
  host.service->held.clear();
  host.pushed.clear();
  // Whatever happened, nothing is left of it.
  CLOISTER_CHECK(bodies.take(host.limits.body_bytes_in_flight) && *host.calls == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) run(data[0], {data + 1, size - 1});
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  using namespace std::string_view_literals;
  const auto opening = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"sv;
  const auto head =
      "\0\0\x29\1\4\0\0\0\1\x83\x86\x44\2/m\x41\1h\0\2te\x08trailers\x0F\x10\x10"
      "application/grpc"sv;
  const auto message = "\0\0\7\0\0\0\0\0\1\0\0\0\0\2hi"sv;
  const auto split = "\0\0\3\0\0\0\0\0\1\0\0\0\0\0\3\0\1\0\0\0\1\0\1x"sv;
  const auto reset = "\0\0\4\3\0\0\0\0\1\0\0\0\x08"sv;
  for (const std::uint8_t mode : {0xF0, 0xF1, 0x32, 0x0C}) {
    for (const std::string_view end : {split, reset}) {
      std::vector<std::uint8_t> seed{mode};
      for (const std::string_view part : {opening, head, message, end})
        seed.insert(seed.end(), part.begin(), part.end());
      seeds->push_back(std::move(seed));
    }
  }
}
