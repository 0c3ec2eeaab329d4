// What several devices' evidence says together: that they are different devices, and in protected PCIe, where GPUs talk
// through switches that read along, that every switch a GPU sees has shown evidence too, and no other.
#pragma once

#include <span>

#include "attest/verdict.h"

namespace cloister::attest::nvidia {

// Adds the check "composition" to each of the verdicts, which are those of all of NVIDIA's devices in one set. Not
// evaluated for a device whose own report couldn't be relied on, and for all when a switch is missing.
void check_composition(std::span<Verdict* const> verdicts);

}  // namespace cloister::attest::nvidia
