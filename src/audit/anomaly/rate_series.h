// How fast one workload unwraps under one key, and whether that is unheard of: by the minute, by the hour against the
// same hour of the last weeks, and as a slow drip over days.
#pragma once

#include <cstdint>
#include <optional>

#include "audit/anomaly/hour_profile.h"
#include "audit/anomaly/sketch.h"
#include "audit/anomaly/thresholds.h"

namespace cloister::audit::anomaly {

struct RateAlarm {
  enum class Scale { kMinute, kHour, kYoung, kDrip };
  Scale scale{};
  double observed = 0;
  double expected = 0;
  double z = 0;
  double p = 0;  // of a negative binomial; 0 for a drip and for a series too young to have one
  std::uint64_t first_index = 0;
};

// What add() has to say. `tests`: hours closed, each of them a test that a budget of false discoveries pays for.
struct RateVerdict {
  std::optional<RateAlarm> surge;
  std::optional<RateAlarm> drip;
  std::uint32_t tests = 0;
};

// One (family, key). Times never go back; see Detector.
class RateSeries {
 public:
  std::uint64_t id = 0;

  // `deks` more were unwrapped at `now`. `ceiling` is what a tenant of its class does in an hour at most: it judges
  // while the series is younger than the learning time. Amortised constant time: each hour that passes is walked once,
  // and at most three days of them.
  RateVerdict add(Time now, double deks, std::uint64_t audit_index, double ceiling, const Thresholds& thresholds);

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(id, first_ms_, profile_, minute_, hour_, drip_);
  }
  bool valid() const { return id != 0 && first_ms_ >= 0; }

 private:
  struct Minute {
    std::int64_t number = -1;
    double count = 0;
    double tested = 0;     // the count when it was last looked at
    double recent = 0;     // EWMA of counts per minute, half-life 20 minutes
    double peak = 0;       // the largest minute, fading by half in two weeks
    bool alarmed = false;  // this one was out of all proportion: the first time it teaches only half
    std::uint64_t first_index = 0;
    FadingHistogram counts;  // log(1 + count) of minutes that weren't empty

    template <typename Archive>
    void transfer(Archive& archive) {
      archive(number, count, tested, recent, peak, alarmed, first_index, counts);
    }
    bool valid() const { return count >= 0 && peak >= 0 && recent >= 0; }
  };
  struct Hour {
    std::int64_t number = -1;
    double count = 0;
    double tested = 0;
    double usual = -1;  // of this hour of the week and its neighbours; -1: not known yet
    std::uint64_t first_index = 0;
    FadingHistogram residuals;  // log((count + soft) / (usual + soft)) of hours that weren't empty

    template <typename Archive>
    void transfer(Archive& archive) {
      archive(number, count, tested, usual, first_index, residuals);
    }
    bool valid() const { return count >= 0 && usual >= -1; }
  };
  struct Drip {
    std::int64_t day = -1;
    double count = 0, expected = 0;  // of the hours of this day that are over
    std::uint32_t hours = 0;         // how many that are
    double excess = 0;               // DEKs over the expectation on the days that are over, since the sum was zero
    double sum = 0;                  // CUSUM of the days that are over
    double mean = 0, spread = 0.15;  // EWMA of log(count / expected) a day, and of its deviation
    std::uint32_t days = 0;
    std::uint64_t first_index = 0;  // of the first event since the sum last was zero

    template <typename Archive>
    void transfer(Archive& archive) {
      archive(day, count, expected, hours, excess, sum, mean, spread, days, first_index);
    }
    bool valid() const { return count >= 0 && expected >= 0 && sum >= 0 && spread > 0; }
  };

  void close_minute(std::int64_t next);
  void close_hour(std::int64_t next, const Thresholds& thresholds);
  void walk_drip(std::int64_t from, std::int64_t to, const Thresholds& thresholds);
  void learn_day(const Thresholds& thresholds);
  void close_day(const Thresholds& thresholds);
  double hour_spread(const Thresholds& thresholds) const;
  double day_deviation(const Thresholds& thresholds) const;
  std::optional<RateAlarm> judge_minute(const Thresholds& thresholds);
  std::optional<RateAlarm> judge_hour(Time now, double ceiling, const Thresholds& thresholds);
  std::optional<RateAlarm> judge_drip(const Thresholds& thresholds) const;

  std::int64_t first_ms_ = -1;
  HourProfile profile_;
  Minute minute_;
  Hour hour_;
  Drip drip_;
};

}  // namespace cloister::audit::anomaly
