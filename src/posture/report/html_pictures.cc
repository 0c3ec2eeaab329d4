// The ladder, the score's interval, coverage, counts and the trend as SVG. Each says in words what it shows.
#include <algorithm>

#include "posture/report/markup.h"

namespace cloister::posture::report {
namespace {

constexpr int kRow = 40, kTop = 30, kName = 196, kStep = 128;
constexpr int kBar = 320;  // pixels for the whole of a bar

std::string number(long value) { return std::to_string(value); }

std::string rect(long x, long y, long width, long height, std::string_view look) {
  return "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(width) + "\" height=\"" +
         number(height) + "\" rx=\"4\" class=\"" + std::string(look) + "\"/>";
}

std::string label(long x, long y, std::string_view look, std::string_view words) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" class=\"" + std::string(look) + "\">" + html(words) +
         "</text>";
}

std::string picture(long width, long height, std::string_view title, const std::string& inside) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 " + number(width) + " " +
         number(height) + "\" width=\"" + number(width) + "\" height=\"" + number(height) + "\"><title>" + html(title) +
         "</title>" + inside + "</svg>\n";
}

int steps_of(Reached reached) { return reached ? static_cast<int>(*reached) + 1 : 0; }

std::string ladder_row(long y, std::string_view title, Reached reached, const Reached* before, std::size_t blockers) {
  std::string text = label(0, y + 20, "t-strong", title);
  const int steps = steps_of(reached);
  for (int i = 0; i < static_cast<int>(kLevelCount); ++i) {
    const long x = kName + i * kStep;
    text += rect(x, y, kStep - 6, 28, i < steps ? "f-accent" : i == steps ? "f-none" : "f-empty");
    if (i + 1 == steps) text += label(x + (kStep - 6) / 2, y + 19, "t-on t-mid", name_of(reached));
    if (i == steps && blockers != 0) {
      text += label(x + (kStep - 6) / 2, y + 19, "t-soft t-mid", number(static_cast<long>(blockers)) + " to go");
    }
  }
  if (steps == 0) text += label(kName + 4 * kStep + 4, y + 19, "t-soft", "Unrated");
  if (before != nullptr) {
    const long x = kName + steps_of(*before) * kStep - 3;
    text += "<path class=\"l-mark\" d=\"M" + number(x) + " " + number(y - 5) + "v38\"/>";
  }
  return text;
}

std::string polyline(const std::vector<std::pair<long, long>>& points) {
  std::string text;
  for (const auto& [x, y] : points) text += (text.empty() ? "M" : "L") + number(x) + " " + number(y);
  return text;
}

}  // namespace

std::string ladder_svg(const Maturity& maturity, const Maturity* before) {
  std::string inside;
  for (std::size_t i = 0; i < kLevelCount; ++i) {
    inside += label(kName + static_cast<long>(i) * kStep + (kStep - 6) / 2, 16, "t-soft t-mid",
                    name_of(static_cast<Level>(i)));
  }
  std::string title = "Levels:";
  long y = kTop;
  for (std::size_t i = 0; i < kDomainCount; ++i) {
    const DomainMaturity& domain = maturity.domains[i];
    inside += ladder_row(y, title_of(domain.domain), domain.reached,
                         before == nullptr ? nullptr : &before->domains[i].reached, domain.blockers.size());
    title += " " + std::string(title_of(domain.domain)) + " " + std::string(name_of(domain.reached)) + ".";
    y += kRow;
  }
  inside += "<path class=\"l-grid\" d=\"M0 " + number(y) + "h" + number(kName + 4 * kStep) + "\"/>";
  y += 12;
  inside += ladder_row(y, "Overall", maturity.overall, before == nullptr ? nullptr : &before->overall, 0);
  title += " Overall " + std::string(name_of(maturity.overall)) + ".";
  return picture(kName + 4 * kStep + 60, y + kRow, title, inside);
}

std::string interval_svg(const Score& score, const Score* before) {
  const auto at = [](std::uint32_t value) { return static_cast<long>(value) * kBar / 10000; };
  const long lower = at(score.lower), upper = at(score.upper);
  std::string inside = rect(0, 8, kBar, 14, "f-empty") + rect(0, 8, std::max(lower, 2L), 14, "f-accent");
  if (upper > lower) inside += rect(lower, 8, upper - lower, 14, "f-open");
  std::string title = "Score " + score_text(score.lower) + " to " + score_text(score.upper);
  if (before != nullptr) {
    inside += "<path class=\"l-mark\" d=\"M" + number(at(before->lower)) + " 3v24\"/>";
    title += ", before " + score_text(before->lower) + " to " + score_text(before->upper);
  }
  return picture(kBar, 30, title, inside);
}

std::string coverage_svg(const Coverage& coverage) {
  const long width = coverage.known == 0 ? 0 : static_cast<long>(coverage.permille()) * kBar / 1000;
  std::string inside = rect(0, 8, kBar, 14, "f-open") + rect(0, 8, std::max(width, 2L), 14, "f-accent");
  for (const long wanted : {500L, 900L, 950L, 980L}) {
    inside += "<path class=\"l-mark\" d=\"M" + number(wanted * kBar / 1000) + " 4v22\"/>";
  }
  return picture(kBar, 30, "Coverage " + coverage_text(coverage) + "; marks at 50, 90, 95 and 98 %", inside);
}

std::string counts_svg(const Counts& counts) {
  std::uint64_t all = 0;
  for (const std::uint64_t one : counts) all += one;
  std::string inside, title = "Controls:";
  std::uint64_t before = 0;
  for (const Status status :
       {Status::kPass, Status::kException, Status::kNotApplicable, Status::kNotAssessed, Status::kFail}) {
    const std::uint64_t count = counts[static_cast<std::size_t>(status)];
    if (count == 0) continue;
    const auto begin = static_cast<long>(before * kBar / all), end = static_cast<long>((before + count) * kBar / all);
    inside += rect(begin + 1, 8, std::max(end - begin - 2, 1L), 14, "f-" + class_of(status));
    title += " " + std::to_string(count) + " " + std::string(status_text(status)) + ".";
    before += count;
  }
  return picture(kBar, 30, title, inside);
}

std::string trend_svg(const std::vector<TrendPoint>& points) {
  constexpr long kWidth = 760, kHeight = 200, kLeft = 40, kRight = 16, kBottom = 34, kHead = 24;
  const std::int64_t first = points.front().at.unix_ms;
  const std::int64_t span = std::max<std::int64_t>(points.back().at.unix_ms - first, 1);
  const auto x = [&](const TrendPoint& point) {
    return kLeft + static_cast<long>((point.at.unix_ms - first) * (kWidth - kLeft - kRight) / span);
  };
  const auto y = [](std::uint32_t score) {
    return kHead + static_cast<long>((10000 - score) * (kHeight - kHead - kBottom) / 10000);
  };
  std::string inside;
  for (const std::uint32_t line : {0U, 2500U, 5000U, 7500U, 10000U}) {
    inside +=
        "<path class=\"l-grid\" d=\"M" + number(kLeft) + " " + number(y(line)) + "H" + number(kWidth - kRight) + "\"/>";
    inside += label(kLeft - 6, y(line) + 4, "t-soft t-end", score_text(line).substr(0, 4));
  }
  std::vector<std::pair<long, long>> band, lower;
  for (const TrendPoint& point : points) band.emplace_back(x(point), y(point.score.upper));
  for (auto point = points.rbegin(); point != points.rend(); ++point)
    band.emplace_back(x(*point), y(point->score.lower));
  for (const TrendPoint& point : points) lower.emplace_back(x(point), y(point.score.lower));
  inside +=
      "<path class=\"f-band\" d=\"" + polyline(band) + "Z\"/><path class=\"l-accent\" d=\"" + polyline(lower) + "\"/>";
  const TrendPoint* named = nullptr;
  for (const TrendPoint& point : points) {
    inside += "<circle class=\"f-accent\" r=\"3.5\" cx=\"" + number(x(point)) + "\" cy=\"" +
              number(y(point.score.lower)) + "\"><title>" + html(minute_text(point.at)) + ": " +
              std::string(name_of(point.overall)) + ", score " + score_text(point.score.lower) + " to " +
              score_text(point.score.upper) + "</title></circle>";
    if (named != nullptr && named->overall == point.overall) continue;
    named = &point;
    inside += label(std::min(x(point), kWidth - kRight - 84), 14, "t-soft", name_of(point.overall)) +
              "<path class=\"l-grid\" d=\"M" + number(x(point)) + " 18V" + number(kHeight - kBottom) + "\"/>";
  }
  inside += label(kLeft, kHeight - 10, "t-soft", date_text(points.front().at));
  inside += label(kWidth - kRight, kHeight - 10, "t-soft t-end", date_text(points.back().at));
  return picture(kWidth, kHeight, "Score over " + std::to_string(points.size()) + " runs", inside);
}

}  // namespace cloister::posture::report
