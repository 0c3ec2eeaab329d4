// What each hour of the week looked like in the last four weeks: the baseline of a series.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace cloister::audit::anomaly {

// Hours are counted from 1970, so the week starts on a Thursday, which doesn't matter. Counts are kept as logarithms in
// a byte each, within 3.5 %. The value taken as usual is the second largest of the last weeks known (the median of
// three, the larger of two): one attack, one holiday or one outage moves it little, and what happened twice is a habit.
class HourProfile {
 public:
  static constexpr std::int64_t kWeek = 168;

  void start(std::int64_t hour) { first_hour_ = hour; }
  std::int64_t first_hour() const { return first_hour_; }
  // `hour` is over and had this count. Hours that are never closed count as zero. Hours come in ascending order.
  void close(std::int64_t hour, double count);
  // nullopt before this hour of the week has been seen once.
  std::optional<double> usual(std::int64_t hour) const;
  // The mean of the last weeks known: what sums over many hours are held against.
  // nullopt before two weeks are known.
  std::optional<double> typical(std::int64_t hour) const;
  // The largest `usual` of the hour and its two neighbours: what starts a little early or late is no news.
  std::optional<double> usual_around(std::int64_t hour) const;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(first_hour_, history_, week_);
  }
  bool valid() const { return true; }

 private:
  static constexpr std::size_t kWeeks = 4;
  using History = std::array<std::uint8_t, kWeeks>;  // the newest first

  struct Known {
    History values{};  // ascending, the first `weeks` of them
    std::size_t weeks = 0;
  };

  std::uint16_t week_of(std::int64_t hour) const;
  Known known_before(std::int64_t hour) const;
  History history_before(std::int64_t hour) const;

  std::int64_t first_hour_ = 0;
  std::array<History, kWeek> history_{};
  std::array<std::uint16_t, kWeek> week_{};  // of the newest value; 0: none yet
};

}  // namespace cloister::audit::anomaly
