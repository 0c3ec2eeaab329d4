// What a server sends to a client of gRPC, any bytes in pieces: frames, heads, messages, trailers.
#include <vector>

#include "net/grpc_client_session.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  net::GrpcClientOptions options;
  options.message_bytes = 256;
  options.header_bytes = 512;
  options.header_count = 8;
  net::GrpcClientSession session(options, {"/m", {{"a", "b"}}, net::to_buffer("hello")}, {"http", "localhost"});
  ByteView bytes(data + 1, size - 1);
  const std::size_t piece = std::size_t{1} << (data[0] >> 4);
  net::Ticks now = 1000;
  bool ended = false;
  while (!bytes.empty()) {
    const std::size_t count = std::min(piece, bytes.size());
    CLOISTER_CHECK(session.output().size() < 65'536);
    const bool good = session.feed(now, bytes.first(count)).ok();
    bytes = bytes.subspan(count);
    while (const auto event = session.take()) {
      if (const auto* message = std::get_if<net::Buffer>(&*event)) {
        CLOISTER_CHECK(!ended && message->size() <= options.message_bytes);
      } else {
        ended = true;
        break;
      }
    }
    if (!good) {
      CLOISTER_CHECK(!session.feed(now, bytes).ok());
      break;
    }
    if ((data[0] & 1) != 0) session.ping();
    now += 7;
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  using namespace std::string_view_literals;
  const auto settings = "\0\0\0\4\0\0\0\0\0"sv;
  const auto head =
      "\0\0\x14\1\4\0\0\0\1\x88\x0F\x10\x10"
      "application/grpc"sv;
  const auto message = "\0\0\7\0\0\0\0\0\1\0\0\0\0\2hi"sv;
  const auto trailers =
      "\0\0\x0F\1\5\0\0\0\1\0\x0B"
      "grpc-status\x01"
      "0"sv;
  const auto status_alone =
      "\0\0\x23\1\5\0\0\0\1\x88\x0F\x10\x10"
      "application/grpc\0\x0B"
      "grpc-status\x01"
      "7"sv;
  for (const std::uint8_t mode : {0xF0, 0x01}) {
    std::vector<std::uint8_t> seed{mode};
    for (const std::string_view part : {settings, head, message, trailers})
      seed.insert(seed.end(), part.begin(), part.end());
    seeds->push_back(seed);
    seed.resize(1);
    for (const std::string_view part : {settings, status_alone}) seed.insert(seed.end(), part.begin(), part.end());
    seeds->push_back(std::move(seed));
  }
}
