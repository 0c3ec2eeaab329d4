// Names as keyed 64-bit hashes: the detectors' state holds no name, and nobody outside can choose two that collide.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cloister::audit::anomaly {

// What a hash is of: the same text as a key and as a dataset are two things.
enum class NameKind : std::uint64_t {
  kTenant = 1,
  kPrincipal,
  kFamily,
  kParent,
  kKey,
  kDataset,
  kSource,
  kSourceGroup,
  kRegion,
  kMeasurement,
  kJob,
  kRoot,
};

// Keyed, not cryptographic: the seed is drawn at random by the program and kept as secret as the audit log.
class Names {
 public:
  explicit Names(std::uint64_t seed) : seed_(seed) {}
  std::uint64_t seed() const { return seed_; }

  // 0 for empty text and for nothing else. Of a longer text the first kNameMax bytes and the length count.
  std::uint64_t of(NameKind kind, std::string_view text) const;
  // Of two hashes in this order; never 0.
  std::uint64_t of(std::uint64_t first, std::uint64_t second) const;

 private:
  std::uint64_t seed_;
};

inline constexpr std::size_t kNameMax = 512;

// The workload behind a SPIFFE id, whatever its version, replica or pod: digits become '#', and so do words of five or
// more hexadecimal digits with at least one decimal digit among them. ".../llm-serve-v41" -> ".../llm-serve-v#".
std::string family_of(std::string_view principal);
// Up to the last '/': the namespace its workloads share.
std::string_view parent_of(std::string_view principal);
// The neighbourhood of a source: the /24 of an IPv4 address, the /48 of an IPv6 address, a host name's family.
std::string source_group_of(std::string_view source);

}  // namespace cloister::audit::anomaly
