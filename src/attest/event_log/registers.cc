#include "attest/event_log/registers.h"

#include "attest/event_log/dstack_log.h"

namespace cloister::attest::event_log {
namespace {

constexpr const char* kCheck = "event-log";

}  // namespace

void check_registers(Verdict& verdict, ByteView log, std::span<const ByteView, 4> registers) {
  // A CCEL begins with the number of a register, dstack's with a bracket.
  const bool is_json = !log.empty() && log[0] == '[';
  const auto events = is_json ? parse_dstack_log(log) : parse_tcg_log(log);
  if (!events.ok()) return verdict.fail(kCheck, Reason::kMalformed, events.error().message());
  for (std::uint32_t i = 0; i < registers.size(); ++i) {
    const auto value = replay(*events, i + 1, DigestAlgorithm::kSha384);
    if (!value.ok()) return verdict.fail(kCheck, Reason::kMalformed, value.error().message());
    if (!equal(*value, registers[i])) {
      return verdict.fail(kCheck, Reason::kMeasurementMismatch, "the log doesn't replay to RTMR" + std::to_string(i));
    }
  }
  verdict.pass(kCheck, std::to_string(events->size()) + " events replay to the registers");
}

}  // namespace cloister::attest::event_log
