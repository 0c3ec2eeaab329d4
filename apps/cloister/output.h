// What a command has to say: text for people, one JSON object for programs, and how numbers read.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"

namespace cloister::cli {

using Json = nlohmann::ordered_json;

// Printed by main when the command is done. `failure` is set where there is something to say and yet it went wrong: a
// verification with findings.
struct Outcome {
  std::string text;  // whole lines
  Json json = Json::object();
  std::optional<Error> failure;
  std::optional<int> exit_status;  // with `failure`, in place of its code's
  bool payload_on_stdout = false;  // then text and JSON go to standard error
  bool terse = false;              // text is a mere summary: --quiet leaves it out
};

// Columns as wide as their widest cell, two blanks apart. The first row is the heading.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) { rows_.push_back(std::move(heading)); }
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string bytes_text(std::uint64_t bytes);                    // "1.4 GiB", "812 B"
std::string rate_text(std::uint64_t bytes, double seconds);     // "2.3 GiB/s"
std::string seconds_text(double seconds);                       // "0.53 s", "4 min 12 s"
std::string count_text(std::uint64_t count, std::string_view);  // "1 object", "3 objects"
std::string days_text(Duration duration);                       // "30 days"
std::string mode_text(std::uint32_t mode);                      // "0644"

// "cost: 3 objects touched, 1.2 KiB written, 0.01 s".
std::string cost_line(std::uint64_t objects, std::uint64_t bytes_written, double seconds);
Json cost_json(std::uint64_t objects, std::uint64_t bytes_written, double seconds);

// Text from outside, safe for a terminal: bytes that are no UTF-8 and control characters, the eight-bit ones too,
// become \xNN; what can't be seen or turns the reading direction becomes \u{202e}.
std::string printable(std::string_view text);

// One line on standard error, with advice on a second where there is something to do about it.
void print_error(const Error& error, bool as_json);

Error invalid(std::string message);

}  // namespace cloister::cli
