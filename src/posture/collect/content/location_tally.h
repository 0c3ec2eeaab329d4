// What a scan found in one location, added up file by file and joined thread by thread.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "posture/collect/content/known_keys.h"
#include "posture/collect/content/verdict.h"

namespace cloister::posture::content {

// One file that isn't sealed, as facts have it.
struct ObjectFinding {
  std::string name;  // within the location
  Verdict verdict = Verdict::kUnreadable;
  std::string type, reason;
  std::uint64_t bytes = 0;
  std::string sha256_head;  // of the first 4096 bytes, in hexadecimal
};

// Of the headers of sealed objects; what they say of keys is claimed by whoever wrote them.
struct SealTally {
  std::uint64_t objects = 0;
  std::uint64_t active = 0, retired = 0, gone = 0, unresolved = 0;  // by the best of their slots' keys
  std::set<std::string> tenants, keyrings, keks, suites, slot_keys;
  // A wrapped DEK, or salt and commitment, by digest, and the object that has it: in two objects it is a DEK used
  // twice, or a slot that somebody moved.
  std::map<std::string, std::string> wraps;
  std::set<std::string> reused;

  void add(const SealedHeader& header, const KnownKeys& keys);
  void add_wrap(const std::string& wrap, const std::string& object);
};

inline constexpr std::size_t kTallyTextsMax = 1000;  // of problems and places of raw keys that are kept

struct LocationTally {
  std::array<std::uint64_t, kVerdictCount> verdicts{};
  std::uint64_t bytes = 0;
  std::vector<ObjectFinding> objects;  // at most objects_max
  std::uint64_t objects_left_out = 0;
  std::uint64_t raw_keys = 0;
  std::vector<std::string> raw_key_places;  // "name: pem-private-key at 0"
  std::uint64_t special = 0;                // no regular file by the time it was opened
  SealTally seal;

  std::uint64_t count(Verdict verdict) const { return verdicts[static_cast<std::size_t>(verdict)]; }
  std::uint64_t files() const;
  void add(std::string name, std::uint64_t size, const Finding& finding, std::string sha256_head,
           const KnownKeys& keys);
  // Keeps at most `objects_max` objects.
  void join(LocationTally&& other, std::uint64_t objects_max);
};

}  // namespace cloister::posture::content
