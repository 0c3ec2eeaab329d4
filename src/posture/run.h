// One audit from end to end: collectors look, what they found is judged, and what comes of it is a Posture. Everything
// after the looking is pure, and is done again by whoever verifies a bundle.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "posture/collector.h"
#include "posture/posture.h"

namespace cloister::posture {

inline constexpr std::size_t kRunFactsMax = 2'000'000;

// All that a run is computed from. The same materials give the same Posture, whoever computes it, and when.
struct Materials {
  std::string catalogue;    // the file's text
  std::string estate_name;  // "estate.toml": says how to read the next
  std::string estate;       // the file's text
  std::string exceptions;   // the file's text; empty: none
  std::vector<Fact> facts;
  Time at;
  std::string program;                         // "cloister 0.1.0"
  std::map<std::string, std::string> context;  // as Posture has it
};

// Asks each in turn, and says of each by a fact of kind `collector.run` how much it found and could not look at; one
// that wasn't asked, because a stop was, is not assessed. Facts come back as they will be kept: in the spelling of
// fact_json(), redacted (evidence/redaction.h), each once, by id.
std::vector<Fact> collect(std::span<const std::unique_ptr<Collector>> collectors, const CollectContext& context);

// The same for facts that came another way. What can't be written as a fact becomes one that says so.
std::vector<Fact> settled(std::vector<Fact> facts);

// By how much another machine's clock may be ahead.
inline constexpr Duration kClockTolerance = minutes(5);

// Why a run of that time can't have such a fact: it is from after the run, or says it is valid for over a year; empty:
// it can. No bundle with one is taken.
std::string problem_of_dates(const Fact& fact, Time run);

// Facts that a run of that time can keep: one with such a problem becomes one of the run's time that says so.
std::vector<Fact> dated(std::vector<Fact> facts, Time run);

// Without trend and changes: those need what was before. kInvalid for a catalogue, estate or exceptions that can't be
// read.
Result<Posture> posture_of(const Materials& materials);

// What names a run: of its materials' digests, 32 hexadecimal digits.
std::string run_id(const Materials& materials);

}  // namespace cloister::posture
