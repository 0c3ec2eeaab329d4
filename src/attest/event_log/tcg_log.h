// Event logs: what firmware and boot loaders measured, in the order in which they extended a register with it. TCG PC
// Client Platform Firmware Profile, crypto-agile form; "CCEL" is the same for the registers of a trust domain.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace cloister::attest::event_log {

inline constexpr std::size_t kEventsMax = 16384;
inline constexpr std::uint32_t kNoAction = 3;  // an event of this type isn't extended

enum class DigestAlgorithm : std::uint16_t { kSha1 = 0x4, kSha256 = 0xB, kSha384 = 0xC, kSha512 = 0xD };

struct EventDigest {
  DigestAlgorithm algorithm = DigestAlgorithm::kSha384;
  Bytes value;
};

struct Event {
  std::uint32_t index = 0;  // of the register, in the log's own numbers
  std::uint32_t type = 0;
  std::vector<EventDigest> digests;
  Bytes data;            // an account of what was measured: true only where `vouched` says so
  bool vouched = false;  // the digest is that of the data itself

  // Null when it has none of that algorithm.
  const Bytes* digest(DigestAlgorithm algorithm) const;
};

// The events behind the first, which says what the log is. A log ends with the bytes, or with eight bytes of FF or 00;
// what follows those is ignored. kCorrupt for anything else: a length beyond the bytes, an algorithm that is unknown or
// that the first event doesn't name.
Result<std::vector<Event>> parse_tcg_log(ByteView bytes);

// A register of that algorithm after the events of this index. kCorrupt when one of them has no such digest.
Result<Bytes> replay(const std::vector<Event>& events, std::uint32_t index, DigestAlgorithm algorithm);

}  // namespace cloister::attest::event_log
