// Proof that this process was locked down, with what that achieved. Whoever collects evidence or asks for a key takes
// one as an argument, so neither can come first.
#pragma once

#include <optional>
#include <vector>

#include "attest/software/statement.h"
#include "crypto/hash.h"

namespace cloister::worker {

// Made by lock_down() alone.
class LockedDown {
 public:
  LockedDown(LockedDown&&) = default;
  LockedDown& operator=(LockedDown&&) = default;

  const std::vector<attest::LockdownMeasure>& measures() const { return measures_; }
  // Whether this process may be traced or leaves core dumps.
  bool debug() const { return debug_; }
  // SHA-256 of the seccomp filter it runs under; unset when it runs under none.
  const std::optional<crypto::Sha256Digest>& seccomp() const { return seccomp_; }

 private:
  LockedDown() = default;
  friend class Lockdown;
  friend struct LockedDownForTests;

  std::vector<attest::LockdownMeasure> measures_;
  bool debug_ = false;
  std::optional<crypto::Sha256Digest> seccomp_;
};

}  // namespace cloister::worker
