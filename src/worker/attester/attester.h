// Where evidence comes from: the machine, or a device in it. An attester decides nothing and falls back to nothing.
#pragma once

#include <memory>
#include <span>

#include "attest/binding.h"
#include "attest/evidence.h"
#include "worker/locked_down.h"

namespace cloister::worker {

// One thread at a time.
class Attester {
 public:
  virtual ~Attester() = default;

  virtual attest::Kind kind() const = 0;
  // Evidence over `report_data`: 64 bytes for a machine, 32 for a device. kInvalid when it is longer than there is
  // room; kNotFound: this isn't such a machine. kUnavailable: somebody else asked at the same time, or the device is
  // busy: ask again. kDenied: it refuses.
  virtual Result<attest::Evidence> collect(const LockedDown& locked, ByteView report_data) = 0;
};

// The devices first, then the machine over their evidence: `binding.devices` is filled in here.
Result<attest::EvidenceSet> collect_evidence(const LockedDown& locked, Attester& machine,
                                             std::span<Attester* const> devices, attest::Binding binding);

}  // namespace cloister::worker
