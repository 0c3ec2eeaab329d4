// A LockedDown as lock_down() would make it, for tests that mustn't lock themselves down.
#pragma once

#include "worker/locked_down.h"

namespace cloister::worker {

struct LockedDownForTests {
  static LockedDown make(std::vector<attest::LockdownMeasure> measures = {}, bool debug = false) {
    LockedDown locked;
    locked.measures_ = std::move(measures);
    locked.debug_ = debug;
    return locked;
  }
};

}  // namespace cloister::worker
