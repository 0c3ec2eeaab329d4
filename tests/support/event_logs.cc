#include "tests/support/event_logs.h"

#include "base/reader.h"
#include "crypto/hash.h"
#include "tests/support/hex.h"

namespace cloister::testing {
namespace {

constexpr std::uint32_t kRuntimeEvent = 134217729;
constexpr std::uint16_t kSha384 = 0xC;

}  // namespace

Bytes make_tcg_log(const std::vector<MadeEvent>& events) {
  Writer first;
  first.bytes(as_bytes(std::string_view("Spec ID Event03\0", 16))).u32(0).u8(0).u8(2).u8(0).u8(2);
  first.u32(1).u16(kSha384).u16(48).u8(0);
  Writer log;
  log.u32(1).u32(3).zeros(20).u32(static_cast<std::uint32_t>(first.size())).bytes(first.view());
  for (const MadeEvent& event : events) {
    log.u32(event.index).u32(event.type).u32(1).u16(kSha384).bytes(crypto::sha384(as_bytes(event.data)));
    log.u32(static_cast<std::uint32_t>(event.data.size())).bytes(as_bytes(event.data));
  }
  return log.take();
}

std::string make_dstack_log(const std::vector<MadeDstackEvent>& events) {
  std::string text = "[";
  for (const MadeDstackEvent& event : events) {
    Writer measured;
    measured.u32(kRuntimeEvent).bytes(as_bytes(":" + event.name + ":")).bytes(unhex(event.payload_hex));
    const std::uint32_t type = event.index == 3 ? kRuntimeEvent : 11;
    text += (text.size() == 1 ? "" : ",") + ("{\"imr\":" + std::to_string(event.index)) +
            ",\"event_type\":" + std::to_string(type) + ",\"digest\":\"" + to_hex(crypto::sha384(measured.view())) +
            "\",\"event\":\"" + event.name + "\",\"event_payload\":\"" + event.payload_hex + "\"}";
  }
  return text + "]";
}

}  // namespace cloister::testing
