// dstack's event log of a trust domain: JSON, with the digests that the registers were extended by.
#pragma once

#include "attest/event_log/tcg_log.h"

namespace cloister::attest::event_log {

inline constexpr std::uint32_t kDstackRuntimeEvent = 0x0800'0001;

// [{"imr": 0, "event_type": …, "digest": "<hex>", "event": "<name>", "event_payload": "<hex>"}]. An event's data is its
// name, a colon and its payload; only runtime events are ever vouched for. Registers count from 1, as in a CCEL.
// kInvalid for anything else.
Result<std::vector<Event>> parse_dstack_log(ByteView bytes);

}  // namespace cloister::attest::event_log
