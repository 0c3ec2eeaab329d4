#include "audit/anomaly/rate_series.h"

#include <algorithm>
#include <cmath>

#include "audit/anomaly/tail_probability.h"

namespace cloister::audit::anomaly {
namespace {

constexpr std::int64_t kMinuteMs = 60'000, kHourMs = 3'600'000, kHoursPerDay = 24;
constexpr double kMinutesToHalfRecent = 20, kMinutesToHalfPeak = 14 * 1440;
constexpr double kHourSoft = 10;        // DEKs added to both sides of a ratio
constexpr double kSpreadUnknown = 0.8;  // of an hour's residual, before enough of them are known
constexpr std::uint32_t kMinutesKnownMin = 60, kHoursKnownMin = 12;
constexpr std::uint32_t kMinutesKept = 4000, kHoursKept = 600;
constexpr double kDaySpreadGuess = 0.5;  // of an hour's spread, for the first day
constexpr double kTaughtPeaks = 3;       // what comes near the largest minute known has been seen before
constexpr double kRetest = 1.25;         // a count is looked at again when it has grown this much

// The variance of a lognormal factor of this spread, as a negative binomial's dispersion.
double dispersion_of(double spread) { return std::expm1(spread * spread); }

}  // namespace

RateVerdict RateSeries::add(Time now, double deks, std::uint64_t audit_index, double ceiling,
                            const Thresholds& thresholds) {
  const std::int64_t minute = now.unix_ms / kMinuteMs, hour = now.unix_ms / kHourMs;
  if (first_ms_ < 0) {
    first_ms_ = now.unix_ms;
    profile_.start(hour);
  }
  RateVerdict verdict;
  if (minute != minute_.number) {
    close_minute(minute);
    minute_.first_index = audit_index;
  }
  if (hour != hour_.number) {
    verdict.tests = hour_.count > 0 ? 1 : 0;
    close_hour(hour, thresholds);
    hour_.first_index = audit_index;
    verdict.drip = judge_drip(thresholds);
  }
  if (drip_.first_index == 0) drip_.first_index = audit_index;
  minute_.count += deks;
  hour_.count += deks;
  verdict.surge = judge_hour(now, ceiling, thresholds);
  const bool mature = now - Time{first_ms_} >= thresholds.learning;
  if (!verdict.surge && mature) verdict.surge = judge_minute(thresholds);
  return verdict;
}

void RateSeries::close_minute(std::int64_t next) {
  if (minute_.number >= 0) {
    const auto gap = static_cast<double>(next - minute_.number);
    minute_.counts.add(std::log1p(minute_.count), kMinutesKept);
    const double keep = std::exp2(-1 / kMinutesToHalfRecent);
    minute_.recent =
        (minute_.recent * keep + minute_.count * (1 - keep)) * std::exp2(-(gap - 1) / kMinutesToHalfRecent);
    const double taught = minute_.alarmed
                              ? std::max(minute_.count / 2, std::min(minute_.count, kTaughtPeaks * minute_.peak))
                              : minute_.count;
    minute_.peak = std::max(minute_.peak, taught) * std::exp2(-gap / kMinutesToHalfPeak);
  }
  minute_.number = next;
  minute_.count = minute_.tested = 0;
  minute_.alarmed = false;
}

void RateSeries::close_hour(std::int64_t next, const Thresholds& thresholds) {
  if (hour_.number >= 0) {
    if (hour_.usual >= 0) {
      hour_.residuals.add(std::log((hour_.count + kHourSoft) / (hour_.usual + kHourSoft)), kHoursKept);
    }
    const std::int64_t today = next - next % kHoursPerDay;
    walk_drip(hour_.number, std::min(next, hour_.number + 2 * kHoursPerDay), thresholds);
    if (next > hour_.number + 2 * kHoursPerDay) {
      drip_ = Drip{.mean = drip_.mean, .spread = drip_.spread, .days = drip_.days};
      walk_drip(std::max(today, hour_.number + 2 * kHoursPerDay), next, thresholds);
    }
    profile_.close(hour_.number, hour_.count);
  }
  hour_.number = next;
  hour_.count = hour_.tested = 0;
  hour_.usual = profile_.usual_around(next).value_or(-1);
}

// Hours [from, to) are over; only hour_.number among them wasn't empty.
void RateSeries::walk_drip(std::int64_t from, std::int64_t to, const Thresholds& thresholds) {
  for (std::int64_t hour = from; hour < to; ++hour) {
    if (hour / kHoursPerDay != drip_.day) {
      close_day(thresholds);
      drip_.day = hour / kHoursPerDay;
    }
    const auto typical = profile_.typical(hour);
    if (!typical) continue;
    drip_.expected += *typical;
    if (hour == hour_.number) drip_.count += hour_.count;
    ++drip_.hours;
  }
}

double RateSeries::hour_spread(const Thresholds& thresholds) const {
  return std::max(hour_.residuals.spread(), thresholds.surge_spread_min);
}

double RateSeries::day_deviation(const Thresholds& thresholds) const {
  const double soft = thresholds.drip_day_deks_soft;
  const double logarithm = std::log((drip_.count + soft) / (drip_.expected + soft));
  const double spread = std::hypot(std::max(drip_.spread, thresholds.drip_day_spread_min),
                                   hour_spread(thresholds) / std::sqrt(std::max(1.0, double(drip_.hours))));
  return std::clamp((logarithm - drip_.mean) / spread, -thresholds.drip_day_clip, thresholds.drip_day_clip);
}

void RateSeries::close_day(const Thresholds& thresholds) {
  const double soft = thresholds.drip_day_deks_soft;
  const bool quiet = drip_.count < 1 && drip_.expected < soft / 5;  // says nothing about how much days differ
  if (drip_.days == 0) drip_.spread = kDaySpreadGuess * hour_spread(thresholds);
  if (drip_.hours > 0) {
    drip_.sum = std::clamp(drip_.sum + (quiet ? 0 : day_deviation(thresholds)) - thresholds.drip_slack, 0.0,
                           2 * thresholds.drip_limit);
    drip_.excess += drip_.count - drip_.expected;
    if (drip_.sum <= 0) drip_.excess = 0;
    if (drip_.sum <= 0) drip_.first_index = 0;
  }
  if (drip_.hours >= kHoursPerDay / 2 && !quiet) learn_day(thresholds);
  drip_.count = drip_.expected = 0;
  drip_.hours = 0;
}

// What may be the beginning of a drip doesn't move the mean; one that was told of moves it fast, for it is the new
// habit or is being looked into.
void RateSeries::learn_day(const Thresholds& thresholds) {
  constexpr double kMeanDeviationToSpread = 1.2533;
  const double soft = thresholds.drip_day_deks_soft;
  const double off = std::log((drip_.count + soft) / (drip_.expected + soft)) - drip_.mean;
  const double clipped = std::clamp(off, -3 * drip_.spread, 3 * drip_.spread);
  if (drip_.sum >= thresholds.drip_limit) {
    drip_.mean += off / 4;
  } else if (drip_.sum < thresholds.drip_limit / 3) {
    drip_.mean += std::max(1.0 / (drip_.days + 3), 0.05) * clipped;
  }
  drip_.spread += std::max(1.0 / (drip_.days + 4), 0.05) * (kMeanDeviationToSpread * std::fabs(clipped) - drip_.spread);
  drip_.spread = std::max(drip_.spread, thresholds.drip_day_spread_min / 2);
  ++drip_.days;
}

std::optional<RateAlarm> RateSeries::judge_drip(const Thresholds& thresholds) const {
  if (drip_.hours == 0) return std::nullopt;
  const double sum = drip_.sum + day_deviation(thresholds) - thresholds.drip_slack;
  const double excess = drip_.excess + drip_.count - drip_.expected;
  if (sum < thresholds.drip_limit || excess < thresholds.drip_deks_min) return std::nullopt;
  return RateAlarm{RateAlarm::Scale::kDrip, excess, 0, sum, 0, drip_.first_index};
}

std::optional<RateAlarm> RateSeries::judge_minute(const Thresholds& thresholds) {
  const double count = minute_.count;
  if (count < thresholds.surge_minute_deks_min || count < kRetest * minute_.tested) return std::nullopt;
  minute_.tested = count;
  if (minute_.counts.total() < kMinutesKnownMin) return std::nullopt;
  const double usual = std::max(minute_.recent, hour_.usual / 60);
  if (count < thresholds.surge_minute_peak_ratio * std::max(minute_.peak, usual)) return std::nullopt;
  const double spread = std::max(minute_.counts.spread(), thresholds.surge_spread_min);
  const double median = minute_.counts.median();
  const double z = (std::log1p(count) - median) / spread;
  if (z < thresholds.surge_z) return std::nullopt;
  minute_.alarmed = true;
  const double mean = std::max(1.0, std::expm1(median));
  return RateAlarm{RateAlarm::Scale::kMinute,
                   count,
                   std::max(mean, usual),
                   z,
                   negative_binomial_tail(count, mean, dispersion_of(spread)),
                   minute_.first_index};
}

std::optional<RateAlarm> RateSeries::judge_hour(Time now, double ceiling, const Thresholds& thresholds) {
  const double count = hour_.count;
  if (count < kRetest * hour_.tested) return std::nullopt;
  hour_.tested = count;
  if (now - Time{first_ms_} < thresholds.learning || hour_.usual < 0) {
    if (count <= ceiling) return std::nullopt;
    return RateAlarm{RateAlarm::Scale::kYoung, count, ceiling, count / ceiling, 0, hour_.first_index};
  }
  const double usual = hour_.usual;
  if (count < usual + thresholds.surge_hour_deks_min) return std::nullopt;
  if (count < thresholds.surge_hour_ratio * usual) return std::nullopt;
  const bool known = hour_.residuals.total() >= kHoursKnownMin;
  const double median = known ? std::max(0.0, hour_.residuals.median()) : 0;
  const double spread = known ? std::max(hour_.residuals.spread(), thresholds.surge_spread_min) : kSpreadUnknown;
  const double z = (std::log((count + kHourSoft) / (usual + kHourSoft)) - median) / spread;
  if (z < thresholds.surge_z) return std::nullopt;
  const double mean = (usual + kHourSoft) * std::exp(median);
  return RateAlarm{RateAlarm::Scale::kHour, count, usual, z, negative_binomial_tail(count, mean, dispersion_of(spread)),
                   hour_.first_index};
}

}  // namespace cloister::audit::anomaly
