// What a verifier says: every check with its outcome, and what the evidence claims. Never one boolean: a check that
// could not be made is listed as that, and never counts as passed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "attest/kind.h"
#include "attest/reason.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/hash.h"

namespace cloister::attest {

enum class CheckState { kPassed, kFailed, kNotEvaluated };
std::string_view check_state_name(CheckState state);  // "passed", "failed", "not-evaluated"

struct Check {
  std::string name;  // stable, in kebab case: "quote-signature"
  CheckState state = CheckState::kNotEvaluated;
  std::optional<Reason> reason;  // set unless passed
  std::string detail;            // for people: what was compared, or why it couldn't be. No secrets, no nonce
  friend bool operator==(const Check&, const Check&) = default;
};

// What stands behind the evidence. Hardware only when every signature up to a vendor's pinned root was verified.
enum class Assurance { kNone, kInsecureSoftware, kHardware };
std::string_view assurance_name(Assurance assurance);  // "none", "insecure_software", "hardware"

using ClaimValue = std::variant<bool, std::uint64_t, std::string, Bytes>;
// By name, so that policies can be written against them and people read them in order. Names that all kinds share, each
// where the kind has it: measurement, debug, report_data, chip_id, product, tcb_status, svn, signer. Others carry their
// kind: "snp.vmpl", "tdx.rtmr0". Claims of evidence whose signature failed aren't listed.
using Claims = std::map<std::string, ClaimValue, std::less<>>;

struct UsedCollateral {
  std::string name;  // CollateralItem::name()
  crypto::Sha256Digest digest{};
  friend bool operator==(const UsedCollateral&, const UsedCollateral&) = default;
};

// Numbers that vendors only ever raise, and times that they signed: by source, "intel/tdx/00806f050000". A verifier
// refuses what is below one it is given, and reports those it saw; who keeps them lets them rise only.
using Floors = std::map<std::string, std::uint64_t, std::less<>>;

struct Verdict {
  Kind kind = Kind::kInsecureSoftware;
  Assurance assurance = Assurance::kNone;
  Time at;
  std::vector<Check> checks;  // in the order they were made
  Claims claims;
  std::vector<std::string> advisories;  // "INTEL-SA-00615"
  std::vector<UsedCollateral> used;
  Floors seen;

  void pass(std::string name, std::string detail = {});
  void fail(std::string name, Reason reason, std::string detail);
  void skip(std::string name, Reason reason, std::string detail);  // not evaluated

  // There are checks, none failed and none was left out.
  bool sound() const;
  bool any_failed() const;
  // Null when there is none of that name.
  const Check* find(std::string_view name) const;
  // The first check that failed, else the first that wasn't evaluated; null for a sound verdict.
  const Check* first_problem() const;

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

// A verdict on evidence that couldn't be read: one failed check "parse".
Verdict unreadable(Kind kind, Time at, Reason reason, std::string detail);

}  // namespace cloister::attest
