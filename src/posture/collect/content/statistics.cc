// Histograms, repeats, and what they add up to.
#include "posture/collect/content/statistics.h"

#include <algorithm>
#include <array>
#include <bit>

namespace cloister::posture::content {
namespace {

constexpr std::size_t kTellingMin = 64;  // of a window: below, every value is rare
constexpr std::size_t kBroadMin = 4096;  // of a window whose statistic is distributed as the textbook has it
constexpr double kSuspiciousBroad = 330.5, kSuspiciousNarrow = 345;  // one in a thousand
constexpr double kSuspiciousLow = 190;
constexpr double kPlainHigh = 420, kPlainLow = 140;
constexpr std::size_t kBlock = 16;

// Eight tables, one for each byte of a word: equal neighbours don't wait for each other. A table's counts fit 16 bits,
// since it sees an eighth of a window.
using Histogram = std::array<std::uint32_t, 256>;

void count_piece(ByteView piece, Histogram& histogram) {
  std::array<std::array<std::uint16_t, 256>, 8> tables{};
  std::size_t i = 0;
  for (; i + 8 <= piece.size(); i += 8) {
    const auto word = load_le<std::uint64_t>(piece.data() + i);
    ++tables[0][word & 255];
    ++tables[1][word >> 8 & 255];
    ++tables[2][word >> 16 & 255];
    ++tables[3][word >> 24 & 255];
    ++tables[4][word >> 32 & 255];
    ++tables[5][word >> 40 & 255];
    ++tables[6][word >> 48 & 255];
    ++tables[7][word >> 56];
  }
  for (; i < piece.size(); ++i) ++tables[0][piece[i]];
  for (const auto& table : tables) {
    for (std::size_t value = 0; value < 256; ++value) histogram[value] += table[value];
  }
}

Histogram count_values(ByteView window) {
  Histogram histogram{};
  for (; !window.empty(); window = window.subspan(std::min(window.size(), kWindow))) {
    count_piece(window.first(std::min(window.size(), kWindow)), histogram);
  }
  return histogram;
}

// Two equal pairs of 16-byte blocks: no ciphertext of any size that is looked at has them. Blocks are known by 32 bits
// of a hash besides their place in the table; that two pairs agree by chance happens once in some 10^13 windows.
bool has_repeats(ByteView window) {
  constexpr std::size_t kSlots = 8192;  // twice the blocks of a window
  std::array<std::uint32_t, kSlots> marks;
  const std::size_t blocks = std::min(window.size(), kWindow) / kBlock;
  const std::size_t mask = std::bit_ceil(2 * blocks) - 1;
  std::fill_n(marks.begin(), mask + 1, 0U);
  std::size_t repeats = 0;
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::uint8_t* block = window.data() + i * kBlock;
    const std::uint64_t mixed = load_le<std::uint64_t>(block) ^ load_le<std::uint64_t>(block + 8) * 0x9E3779B97F4A7C15;
    const std::uint64_t hash = mixed * 0xBF58476D1CE4E5B9;
    const auto mark = static_cast<std::uint32_t>(hash >> 32) | 1U;
    std::size_t slot = (hash ^ hash >> 29) & mask;
    while (marks[slot] != 0 && marks[slot] != mark) slot = (slot + 1) & mask;
    if (marks[slot] == mark && ++repeats == 2) return true;
    marks[slot] = mark;
  }
  return false;
}

bool is_plain(const WindowStatistics& window) {
  return window.repeats || window.chi_square > kPlainHigh || window.chi_square < kPlainLow;
}

bool is_suspicious(const WindowStatistics& window) {
  const double high = window.size >= kBroadMin ? kSuspiciousBroad : kSuspiciousNarrow;
  return window.chi_square > high || (window.size >= kBroadMin && window.chi_square < kSuspiciousLow);
}

}  // namespace

WindowStatistics measure(ByteView window, Repeats repeats) {
  WindowStatistics out{.size = window.size()};
  if (window.empty()) return out;
  const Histogram histogram = count_values(window);
  out.zeros = histogram[0] == window.size();
  double squares = 0;
  for (const std::uint32_t count : histogram) squares += static_cast<double>(count) * static_cast<double>(count);
  const auto size = static_cast<double>(window.size());
  out.chi_square = 256 / size * squares - size;
  const bool unsure = window.size() >= kTellingMin && !is_plain(out);
  if (unsure && repeats == Repeats::kLook) out.repeats = has_repeats(window);
  return out;
}

void WindowTally::add(const WindowStatistics& window) {
  if (window.size == 0) return;
  if (window.zeros) {
    ++zeros_;
  } else if (window.size < kTellingMin) {
    ++small_;
  } else {
    ++windows_;
    plain_ += is_plain(window) ? 1 : 0;
    suspicious_ += is_suspicious(window) ? 1 : 0;
  }
}

Looks WindowTally::looks(Prior prior) const {
  if (windows_ == 0) return small_ != 0 ? Looks::kTooSmall : Looks::kEmpty;
  // Of so many windows of ciphertext, two in a thousand each, more than this are suspicious once in some thousands of
  // files; one window alone is only ever plain by the far bounds. Where its key is known, once in a hundred thousand.
  const std::uint64_t allowed = prior == Prior::kKnownKey ? 2 + windows_ / 20 : 1 + windows_ / 50;
  return plain_ != 0 || suspicious_ > allowed ? Looks::kPlain : Looks::kRandom;
}

namespace {

// Where the window with this number begins, of `count` at even distances.
std::uint64_t window_start(Region region, std::uint64_t window, std::uint64_t count) {
  const std::uint64_t span = region.end - region.begin - kWindow;
  return region.begin + span / (count - 1) * window + span % (count - 1) * window / (count - 1);
}

Status measure_at(const Sample& sample, std::uint64_t offset, std::uint64_t end, MutableByteView buffer,
                  WindowTally& tally) {
  const MutableByteView out = buffer.first(std::min<std::uint64_t>(kWindow, end - offset));
  if (offset + out.size() <= sample.head.size()) {
    tally.add(measure(sample.head.subspan(offset, out.size()), tally.next()));
    return {};
  }
  CLOISTER_RETURN_IF_ERROR(sample.read_at(offset, out));
  tally.add(measure(out, tally.next()));
  return {};
}

}  // namespace

Result<Looks> look_at_region(const Sample& sample, Region region, std::uint64_t budget, MutableByteView buffer,
                             Prior prior) {
  WindowTally tally;
  region.end = std::min(region.end, sample.size);
  if (region.begin >= region.end) return Looks::kEmpty;
  const std::uint64_t size = region.end - region.begin;
  if (budget == 0 || size <= std::max<std::uint64_t>(budget, 2 * kWindow)) {
    for (std::uint64_t at = sample.next_data(region.begin); at < region.end; at = sample.next_data(at + kWindow)) {
      CLOISTER_RETURN_IF_ERROR(measure_at(sample, at, region.end, buffer, tally));
    }
    return tally.looks(prior);
  }
  const std::uint64_t count = std::max<std::uint64_t>(budget / kWindow, 2);
  std::uint64_t next = region.begin;  // a long hole between is passed over once
  for (std::uint64_t window = 0; window < count; ++window) {
    const std::uint64_t at = sample.next_data(std::max(next, window_start(region, window, count)));
    if (at >= region.end) break;
    CLOISTER_RETURN_IF_ERROR(measure_at(sample, at, region.end, buffer, tally));
    next = at + 1;
  }
  // Zeros where it was looked say nothing of what lies between.
  const Looks looks = tally.looks(prior);
  return looks == Looks::kEmpty && sample.next_data(region.begin) < region.end ? Looks::kPlain : looks;
}

}  // namespace cloister::posture::content
