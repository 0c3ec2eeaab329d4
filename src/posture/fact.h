// One thing that a collector saw, or could not look at, which is a fact too. Controls are judged from facts and from
// nothing else. docs/formats/facts.md lists the kinds with their values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "posture/subject.h"

namespace cloister::posture {

// Whole numbers only: shares are in thousandths, so that every fact has one spelling.
using FactValue = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;
using FactValues = std::map<std::string, FactValue, std::less<>>;

enum class Method : std::uint8_t {
  kExamine,  // read what is there: configuration, headers, an API's answer
  kTest,     // did something and saw what came of it
  kRecord,   // a person's word, with their name; machine-checked for completeness and date only
};
std::string_view name_of(Method method);  // "examine", "test", "record"

struct Fact {
  std::string kind;  // "storage.encryption"
  Subject subject;
  std::string collector;  // "local-storage/1": who looked, with its version
  std::string scope;      // what it could have seen: "uid 1000, /srv/data, one file system"
  Method method = Method::kExamine;
  Time at;
  Time valid_until;  // after that it proves nothing
  // Why it couldn't look. Set: there are no values, and whatever needed them is not assessed.
  std::optional<std::string> not_assessed;
  FactValues values;
  // What it was read from, without secrets and without content: an API's answer, a header. Kept with the fact.
  std::string raw;
  // Made by a simulation of what it stands for (a software TEE): never satisfies a control about the real one.
  bool simulated = false;

  // Null, or nothing, where there is no such value or it is of another type.
  const std::string* text(std::string_view name) const;
  std::optional<bool> truth(std::string_view name) const;
  std::optional<std::int64_t> number(std::string_view name) const;
  const std::vector<std::string>* list(std::string_view name) const;

  // SHA-256 over the canonical JSON of all of it, in hexadecimal: what findings and bundles name it by.
  std::string id() const;
};

// How long facts of these sorts prove something, unless an estate says less.
inline constexpr Duration kConfigurationValid = hours(24);
inline constexpr Duration kProbeValid = days(7);
inline constexpr Duration kContentScanValid = days(30);
inline constexpr Duration kDrillValid = days(180);
inline constexpr Duration kRecordValid = days(365);

// JSON as docs/formats/facts.md has it, and back; kInvalid for what fact_json() wouldn't have written. Bytes of names
// that are no text are written as \xNN, numbers beyond 2^53 as the largest below.
std::string fact_json(const Fact& fact);
Result<Fact> parse_fact(std::string_view json);

// Where collectors put what they find. One thread at a time unless the sink says more.
class FactSink {
 public:
  virtual ~FactSink() = default;
  virtual void add(Fact fact) = 0;
};

}  // namespace cloister::posture
