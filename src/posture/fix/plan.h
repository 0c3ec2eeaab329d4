// What to do about plaintext that a content scan found in a local location: which files to seal, and what a person must
// look at instead. Pure: it touches nothing.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "posture/estate.h"
#include "posture/fact.h"

namespace cloister::posture::fix {

struct Step {
  Path source;
  std::string type;  // of its content: "jsonl"
  std::uint64_t bytes = 0;
  Path root = {};                // the location's directory, or that of a location that is one file
  std::string folder = {};       // of the source, relative to it; "" for itself
  std::string sha256_head = {};  // of its first 4096 bytes when it was scanned; empty where that isn't known
  Path target() const { return source.native() + ".sealed"; }
};

struct Plan {
  std::vector<Step> steps;        // by name
  std::vector<std::string> left;  // "NAME: why it isn't sealed by this", escaped for a terminal
  bool complete = true;           // false: something couldn't be looked at, and `left` says what
};

// From the facts of content/1 about this location. What plaintext is allowed in isn't planned; neither are keys, which
// are to be replaced, nor what only may be plaintext. kInvalid for a location that is no path on this machine,
// kNotFound where none of the facts is about it, kUnavailable where its scan couldn't look, or is void.
Result<Plan> plan_for(const Location& location, std::span<const Fact> facts);

// A line each: seal, verify, and only then remove.
std::string commands(const Plan& plan, std::string_view dataset);

}  // namespace cloister::posture::fix
