#include "audit/record.h"

#include <algorithm>

#include "base/reader.h"

namespace cloister::audit {
namespace {

constexpr std::uint8_t kVersion = 1;

Result<Outcome> outcome_of(std::uint8_t number) {
  for (const Outcome outcome : {Outcome::kAllowed, Outcome::kRefused, Outcome::kFailed}) {
    if (number == static_cast<std::uint8_t>(outcome)) return outcome;
  }
  return Error(Code::kCorrupt, "a record's outcome is " + std::to_string(number));
}

}  // namespace

LogRecord LogRecord::make(std::uint64_t index, Event event, Extras extras) {
  CLOISTER_CHECK(index <= kNumberMax);
  event = recordable(std::move(event));
  event.time.unix_ms = std::clamp(event.time.unix_ms, std::int64_t{0}, kRecordTimeMax);
  return LogRecord(index, std::move(event), std::move(extras));
}

Result<LogRecord> LogRecord::check(std::uint64_t index, Event event, Extras extras) {
  if (index > kNumberMax) return Error(Code::kCorrupt, "a record's index is above 2^53 - 1");
  if (event.time.unix_ms < 0 || event.time.unix_ms > kRecordTimeMax) {
    return Error(Code::kCorrupt, "a record's time is after the year 9999");
  }
  CLOISTER_RETURN_IF_ERROR(check_recordable(event).with_context("a record"));
  return LogRecord(index, std::move(event), std::move(extras));
}

Result<LogRecord> LogRecord::parse(ByteView bytes) {
  Reader reader(bytes);
  CLOISTER_TRY(const std::uint8_t version, reader.u8("version of a record"));
  if (version != kVersion) {
    return Error(Code::kUnsupported, "a record has version " + std::to_string(version) + ", this program knows 1");
  }
  Event event;
  CLOISTER_TRY(const std::uint64_t index, reader.u64("index of a record"));
  CLOISTER_TRY(const std::uint64_t time, reader.u64("time of a record"));
  CLOISTER_TRY(const std::uint8_t outcome, reader.u8("outcome of a record"));
  CLOISTER_TRY(event.outcome, outcome_of(outcome));
  event.time.unix_ms = static_cast<std::int64_t>(time);
  CLOISTER_TRY(event.actor, reader.text16(kActorMax, "actor of a record"));
  CLOISTER_TRY(event.action, reader.text16(kActionMax, "action of a record"));
  CLOISTER_TRY(event.tenant, reader.text16(kTenantMax, "tenant of a record"));
  CLOISTER_TRY(event.subject, reader.text16(kSubjectMax, "subject of a record"));
  CLOISTER_TRY(event.detail, reader.text16(kDetailMax, "detail of a record"));
  CLOISTER_TRY(const ByteView rest, reader.bytes(reader.remaining(), "extras of a record"));
  CLOISTER_TRY(Extras extras, Extras::parse(rest).with_context("a record"));
  return check(index, std::move(event), std::move(extras));
}

Bytes LogRecord::encode() const {
  Writer writer;
  writer.u8(kVersion).u64(index_).u64(static_cast<std::uint64_t>(event_.time.unix_ms));
  writer.u8(static_cast<std::uint8_t>(event_.outcome));
  writer.text16(event_.actor).text16(event_.action).text16(event_.tenant).text16(event_.subject).text16(event_.detail);
  writer.bytes(extras_.encode());
  return writer.take();
}

}  // namespace cloister::audit
