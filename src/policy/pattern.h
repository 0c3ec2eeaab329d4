// Who and what a rule is about: SPIFFE ids in pieces, patterns over them, and patterns over names. Compiled once, so
// that a match is a handful of comparisons.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cloister::policy {

inline constexpr std::size_t kCallerSizeMax = 2048;  // SPIFFE-ID 2.3
inline constexpr std::size_t kTrustDomainSizeMax = 255;
inline constexpr std::size_t kCallerPartsMax = 32;  // the trust domain and 31 segments
inline constexpr std::size_t kNameSizeMax = 63;

// A SPIFFE id that is one: part 0 is the trust domain, then the segments of its path. A view: the text outlives it.
class CallerId {
 public:
  // kInvalid for anything that isn't a SPIFFE id (SPIFFE-ID 2), or has more parts than kCallerPartsMax.
  static Result<CallerId> parse(std::string_view text);

  std::string_view text() const { return text_; }
  std::size_t parts() const { return parts_; }
  std::string_view part(std::size_t i) const;
  // The id up to and with its first `parts` parts: "spiffe://acme.example/train" for 2.
  std::string_view prefix(std::size_t parts) const { return text_.substr(0, ends_[parts - 1]); }

 private:
  std::string_view text_;
  std::size_t parts_ = 0;
  std::array<std::uint16_t, kCallerPartsMax> ends_;
};

// Text with at most one `*`, which stands for any characters, none as well.
class Glob {
 public:
  // kInvalid for a second `*`.
  static Result<Glob> parse(std::string_view text);
  bool matches(std::string_view text) const;
  bool literal() const { return !star_; }
  friend bool operator==(const Glob&, const Glob&) = default;

 private:
  std::string before_, after_;
  bool star_ = false;
};

// "spiffe://acme.example/train/*", "spiffe://acme.example/ns/*-eval/**", or the word any. The trust domain is always
// written out; `/**` at the end stands for one segment or more.
class CallerPattern {
 public:
  static Result<CallerPattern> parse(std::string_view text);

  bool matches(const CallerId& caller) const;
  const std::string& text() const { return text_; }
  bool any() const { return any_; }
  // How many parts from the first on are written out, and the text of that many of them; 0 and "" for any.
  std::size_t literal_parts() const;
  std::string_view literal_prefix(std::size_t parts) const;

 private:
  CallerPattern() = default;
  std::string text_;
  std::vector<Glob> globs_;
  bool any_ = false;
  bool rest_ = false;
};

// A tenant, an environment or a dataset: "acme", "customer-*", the word any; for an environment also none, which is
// the tenant without one.
class NamePattern {
 public:
  enum class None { kRefuse, kAccept };
  static Result<NamePattern> parse(std::string_view text, None none);

  // `name` is empty where there is no environment.
  bool matches(std::string_view name) const;
  const std::string& text() const { return text_; }
  bool any() const { return kind_ == Kind::kAny; }
  // One name and no other.
  bool literal() const { return kind_ == Kind::kName; }

 private:
  enum class Kind : std::uint8_t { kAny, kNone, kName, kGlob };
  NamePattern() = default;
  std::string text_;
  Kind kind_ = Kind::kName;
  Glob glob_;
};

// 1 to 63 of a-z 0-9 . _ -, starting with a letter or digit, and neither of the words any and none.
bool is_name(std::string_view text);

}  // namespace cloister::policy
