#include "net/http_limits.h"

#include <string>

namespace cloister::net {

Status Limits::check() const {
  const struct {
    const char* name;
    std::uint64_t value, least, most;
  } bounds[] = {
      {"connections", connections, 1, 10'000'000},
      {"connections_per_address", connections_per_address, 1, 10'000'000},
      {"connections_per_peer", connections_per_peer, 1, 10'000'000},
      {"handshakes", handshakes, 1, 10'000'000},
      {"requests_per_connection", requests_per_connection, 1, INT32_MAX},
      {"uri_bytes", uri_bytes, 1, 1 << 20},
      {"header_bytes", header_bytes, 64, 1 << 20},
      {"header_count", header_count, 1, 10'000},
      {"body_bytes", body_bytes, 0, std::uint64_t{1} << 32},
      {"body_bytes_in_flight", body_bytes_in_flight, body_bytes, UINT64_MAX},
      {"streams", streams, 1, 10'000},
      {"resets_burst", resets_burst, 1, UINT32_MAX},
      {"control_burst", control_burst, 1, UINT32_MAX},
      {"continuations", continuations, 1, 1'000},
      {"output_bytes", output_bytes, 1, std::uint64_t{1} << 32},
  };
  for (const auto& bound : bounds) {
    if (bound.value >= bound.least && bound.value <= bound.most) continue;
    return Error(Code::kInvalid, "the limit " + std::string(bound.name) + " can't be " + std::to_string(bound.value));
  }
  for (const Duration time :
       {handshake_time, header_time, body_time, answer_time, write_time, idle_time, silence_time, connection_time}) {
    if (time.ms <= 0) return Error(Code::kInvalid, "a time limit must be more than nothing");
  }
  return {};
}

}  // namespace cloister::net
