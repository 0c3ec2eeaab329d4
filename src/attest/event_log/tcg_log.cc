#include "attest/event_log/tcg_log.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/hash.h"

namespace cloister::attest::event_log {
namespace {

constexpr std::string_view kSignature("Spec ID Event03\0", 16);
constexpr std::size_t kSha1Size = 20;
constexpr std::uint32_t kDigestsMax = 8;
constexpr std::size_t kEndMarkSize = 8;

std::optional<std::size_t> digest_size(std::uint16_t algorithm) {
  switch (static_cast<DigestAlgorithm>(algorithm)) {
    case DigestAlgorithm::kSha1: return kSha1Size;
    case DigestAlgorithm::kSha256: return 32;
    case DigestAlgorithm::kSha384: return 48;
    case DigestAlgorithm::kSha512: return 64;
  }
  return std::nullopt;
}

Bytes hash(DigestAlgorithm algorithm, ByteView bytes) {
  switch (algorithm) {
    case DigestAlgorithm::kSha256: return to_bytes(crypto::sha256(bytes));
    case DigestAlgorithm::kSha384: return to_bytes(crypto::sha384(bytes));
    case DigestAlgorithm::kSha512: return to_bytes(crypto::sha512(bytes));
    case DigestAlgorithm::kSha1: break;
  }
  return {};
}

// The first event has the form of TCG 1.2, and names the algorithms of the others.
Result<std::vector<std::uint16_t>> read_first(Reader& reader) {
  CLOISTER_RETURN_IF_ERROR(reader.u32("register of the first event"));
  CLOISTER_TRY(const std::uint32_t type, reader.u32("type of the first event"));
  CLOISTER_RETURN_IF_ERROR(reader.zeros(kSha1Size, "digest of the first event"));
  CLOISTER_TRY(const std::uint32_t size, reader.u32("size of the first event"));
  CLOISTER_TRY(const ByteView data, reader.bytes(size, "the first event"));
  Reader fields(data);
  CLOISTER_TRY(const ByteView signature, fields.bytes(kSignature.size(), "signature of the first event"));
  if (type != kNoAction || as_text(signature) != kSignature) {
    return Error(Code::kCorrupt, "these bytes aren't a crypto-agile event log");
  }
  CLOISTER_RETURN_IF_ERROR(fields.bytes(8, "version of the log"));
  CLOISTER_TRY(const std::uint32_t count, fields.u32("number of algorithms"));
  if (count == 0 || count > kDigestsMax) return Error(Code::kCorrupt, "the log has no or too many algorithms");
  std::vector<std::uint16_t> algorithms;
  for (std::uint32_t i = 0; i < count; ++i) {
    CLOISTER_TRY(const std::uint16_t algorithm, fields.u16("algorithm"));
    CLOISTER_TRY(const std::uint16_t digest, fields.u16("size of a digest"));
    const auto known = digest_size(algorithm);
    if (!known || *known != digest) return Error(Code::kCorrupt, "the log has an unknown algorithm");
    algorithms.push_back(algorithm);
  }
  CLOISTER_TRY(const std::uint8_t vendor_size, fields.u8("size of the vendor's part"));
  CLOISTER_RETURN_IF_ERROR(fields.bytes(vendor_size, "the vendor's part"));
  CLOISTER_RETURN_IF_ERROR(fields.expect_end("the first event"));
  return algorithms;
}

Result<Event> read_event(Reader& reader, const std::vector<std::uint16_t>& algorithms) {
  Event event;
  CLOISTER_TRY(event.index, reader.u32("register of an event"));
  CLOISTER_TRY(event.type, reader.u32("type of an event"));
  CLOISTER_TRY(const std::uint32_t count, reader.u32("number of digests"));
  if (count > algorithms.size()) return Error(Code::kCorrupt, "an event has too many digests");
  for (std::uint32_t i = 0; i < count; ++i) {
    CLOISTER_TRY(const std::uint16_t algorithm, reader.u16("algorithm of a digest"));
    if (std::ranges::find(algorithms, algorithm) == algorithms.end()) {
      return Error(Code::kCorrupt, "an event has a digest of an algorithm that the log doesn't name");
    }
    const auto named = static_cast<DigestAlgorithm>(algorithm);
    if (event.digest(named) != nullptr) return Error(Code::kCorrupt, "an event has two digests of one algorithm");
    CLOISTER_TRY(const ByteView value, reader.bytes(*digest_size(algorithm), "digest"));
    event.digests.push_back({named, to_bytes(value)});
  }
  CLOISTER_TRY(const std::uint32_t size, reader.u32("size of an event"));
  CLOISTER_TRY(const ByteView data, reader.bytes(size, "an event's data"));
  event.data = to_bytes(data);
  event.vouched = !event.digests.empty() && std::ranges::all_of(event.digests, [&](const EventDigest& digest) {
    return digest.value == hash(digest.algorithm, data);
  });
  return event;
}

bool is_end(ByteView rest) {
  rest = rest.first(std::min(rest.size(), kEndMarkSize));
  return all_zero(rest) || std::ranges::all_of(rest, [](std::uint8_t byte) { return byte == 0xFF; });
}

}  // namespace

const Bytes* Event::digest(DigestAlgorithm algorithm) const {
  const auto found = std::ranges::find(digests, algorithm, &EventDigest::algorithm);
  return found == digests.end() ? nullptr : &found->value;
}

Result<std::vector<Event>> parse_tcg_log(ByteView bytes) {
  Reader reader(bytes);
  CLOISTER_TRY(const std::vector<std::uint16_t> algorithms, read_first(reader));
  std::vector<Event> events;
  while (!is_end(bytes.subspan(reader.offset()))) {
    if (events.size() == kEventsMax) return Error(Code::kCorrupt, "the log has too many events");
    CLOISTER_TRY(Event event, read_event(reader, algorithms));
    events.push_back(std::move(event));
  }
  return events;
}

Result<Bytes> replay(const std::vector<Event>& events, std::uint32_t index, DigestAlgorithm algorithm) {
  const auto size = digest_size(static_cast<std::uint16_t>(algorithm));
  if (!size || algorithm == DigestAlgorithm::kSha1) {
    return Error(Code::kUnsupported, "registers of this algorithm aren't replayed");
  }
  Bytes value(*size, 0);
  for (const Event& event : events) {
    if (event.index != index || event.type == kNoAction) continue;
    const Bytes* digest = event.digest(algorithm);
    if (digest == nullptr) return Error(Code::kCorrupt, "an event has no digest of the register's algorithm");
    value.insert(value.end(), digest->begin(), digest->end());
    value = hash(algorithm, value);
  }
  return value;
}

}  // namespace cloister::attest::event_log
