#include "attest/event_log/dstack_log.h"

#include "base/json.h"
#include "crypto/hash.h"

namespace cloister::attest::event_log {
namespace {

constexpr JsonLimits kLimits{1 << 20, 4, 65536};
constexpr std::uint64_t kRegisters = 4;
constexpr std::size_t kSha384Size = 48;

Error malformed() { return Error(Code::kInvalid, "the event log isn't dstack's"); }

Bytes joined(std::initializer_list<ByteView> parts) {
  Bytes bytes;
  for (const ByteView part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
  return bytes;
}

Result<Event> read_event(const JsonValue& object) {
  const JsonValue* index = object.find("imr");
  const JsonValue* type = object.find("event_type");
  const JsonValue* digest = object.find("digest");
  const JsonValue* name = object.find("event");
  const JsonValue* payload = object.find("event_payload");
  if (index == nullptr || type == nullptr || digest == nullptr || name == nullptr || payload == nullptr ||
      !index->unsigned_integer() || !type->unsigned_integer() || digest->string() == nullptr ||
      name->string() == nullptr || payload->string() == nullptr) {
    return malformed();
  }
  auto value = from_hex(*digest->string());
  const auto content = from_hex(*payload->string());
  if (!value.ok() || value->size() != kSha384Size || !content.ok() || *index->unsigned_integer() >= kRegisters ||
      *type->unsigned_integer() > UINT32_MAX) {
    return malformed();
  }
  Event event;
  event.index = static_cast<std::uint32_t>(*index->unsigned_integer()) + 1;
  event.type = static_cast<std::uint32_t>(*type->unsigned_integer());
  event.data = joined({as_bytes(*name->string()), as_bytes(":"), *content});
  std::uint8_t type_bytes[4];
  store_le(type_bytes, event.type);
  event.vouched = event.type == kDstackRuntimeEvent &&
                  equal(*value, crypto::sha384(joined({type_bytes, as_bytes(":"), event.data})));
  event.digests.push_back({DigestAlgorithm::kSha384, std::move(*value)});
  return event;
}

}  // namespace

Result<std::vector<Event>> parse_dstack_log(ByteView bytes) {
  CLOISTER_TRY(const JsonValue value, parse_json(as_text(bytes), kLimits));
  if (value.array() == nullptr || value.array()->size() > kEventsMax) return malformed();
  std::vector<Event> events;
  for (const JsonValue& item : *value.array()) {
    CLOISTER_TRY(Event event, read_event(item));
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace cloister::attest::event_log
