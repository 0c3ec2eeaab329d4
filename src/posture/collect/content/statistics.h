// Whether bytes look like ciphertext, by how often each value occurs and whether blocks repeat. It can prove that they
// don't; that they do proves nothing: xz looks the same.
#pragma once

#include "posture/collect/content/sample.h"

namespace cloister::posture::content {

struct WindowStatistics {
  std::size_t size = 0;
  // Pearson's statistic against 256 equally frequent values: 255 +- 22.6 for ciphertext of any size. An entropy under
  // 7.9 bits a byte of a whole window is a statistic beyond 9,000, so entropy isn't asked for by itself.
  double chi_square = 0;
  bool zeros = false;    // nothing else
  bool repeats = false;  // 16-byte blocks, as ECB leaves them; looked for only where the statistic says nothing
};
enum class Repeats : std::uint8_t { kLook, kSkip };
WindowStatistics measure(ByteView window, Repeats repeats = Repeats::kLook);

enum class Looks : std::uint8_t {
  kEmpty,     // zeros, all of it
  kTooSmall,  // fewer than 64 bytes
  kPlain,
  kRandom,
};
// What speaks for ciphertext before anything was measured: a header that parsed and names a key that is known does.
enum class Prior : std::uint8_t { kNone, kKnownKey };

// Of several windows of one file.
class WindowTally {
 public:
  void add(const WindowStatistics& window);
  // Repeats are looked for in the first windows, and then in every fourth: it costs as much as the statistic.
  Repeats next() const { return windows_ < 16 || windows_ % 4 == 0 ? Repeats::kLook : Repeats::kSkip; }
  Looks looks(Prior prior = Prior::kNone) const;
  std::uint64_t windows() const { return windows_; }

 private:
  std::uint64_t windows_ = 0;  // that are large enough and hold more than zeros
  std::uint64_t small_ = 0, zeros_ = 0;
  std::uint64_t suspicious_ = 0;  // one in a thousand of ciphertext
  std::uint64_t plain_ = 0;       // fewer than one in a million of ciphertext
};

// The bytes from `begin` to `end`: all of them where they are at most `budget`, else windows at even distances, first
// and last among them. Holes are passed over. `budget` 0 is no bound.
struct Region {
  std::uint64_t begin = 0, end = 0;
};
Result<Looks> look_at_region(const Sample& sample, Region region, std::uint64_t budget, MutableByteView buffer,
                             Prior prior = Prior::kNone);

}  // namespace cloister::posture::content
