// Words as reports show them. What comes from outside (names of files, buckets, keys) is hostile: it may try to be
// markup, a terminal's command, or another name.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "posture/assessment.h"
#include "posture/maturity.h"

namespace cloister::posture::report {

// Well-formed UTF-8 in one line. Bytes that are none and control characters become \xNN; characters that can't be seen,
// spaces other than ' ' among them, or that turn the reading direction become \u{202e}.
std::string plain(std::string_view text);
// The same, safe as text and within quoted attributes of HTML and SVG.
void append_html(std::string& out, std::string_view text);
std::string html(std::string_view text);

// "2026-11-26 16:00 UTC"; "2026-11-26".
std::string minute_text(Time time);
std::string date_text(Time time);
// "8 min", "3 h", "12 d": whole units, rounded down; "0 min" for what hasn't passed.
std::string age_text(Duration age);
std::string permille_text(std::uint32_t permille);               // "97.1 %"
std::string score_text(std::uint32_t ten_thousandths);           // "0.9895"
std::string count_text(std::uint64_t count);                     // "100,000"
std::string counted(std::uint64_t count, std::string_view one);  // "1 location", "3 locations", "2 keys"
std::string_view effort_text(std::uint32_t effort);              // "hours", "days", "weeks", "months"
std::string coverage_text(const Coverage& coverage);             // "97.1 % (68 of 70)"; without any: "nothing is known"
std::string_view status_text(Status status);                     // "pass", "not assessed", …

std::string value_text(const FactValue& value);  // "yes", "256", "a, b"
// The end of a long name, which tells keys and buckets apart: "…key/3f1c2b9e". Made plain.
std::string tail_text(std::string_view name, std::size_t size_max);

}  // namespace cloister::posture::report
