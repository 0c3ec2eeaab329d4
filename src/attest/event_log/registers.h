// Whether an event log is the one behind a trust domain's registers.
#pragma once

#include <span>

#include "attest/verdict.h"

namespace cloister::attest::event_log {

// Adds the check "event-log": the log, a CCEL or dstack's, must replay to all four of RTMR0 to 3, 48 bytes each.
void check_registers(Verdict& verdict, ByteView log, std::span<const ByteView, 4> registers);

}  // namespace cloister::attest::event_log
