#include "attest/nvidia/composition.h"

#include <optional>
#include <set>
#include <string>

namespace cloister::attest::nvidia {
namespace {

constexpr std::string_view kCheck = "composition";
constexpr std::size_t kPdiSize = 8;

template <typename Value>
const Value* claim(const Verdict& verdict, std::string_view name) {
  const auto found = verdict.claims.find(name);
  return found == verdict.claims.end() ? nullptr : std::get_if<Value>(&found->second);
}

// A link that leads nowhere is all zero.
std::set<Bytes> switches_of(const Verdict& verdict) {
  std::set<Bytes> found;
  const Bytes* all = claim<Bytes>(verdict, "nvidia.switches");
  for (std::size_t at = 0; all != nullptr && at + kPdiSize <= all->size(); at += kPdiSize) {
    const ByteView one = ByteView(*all).subspan(at, kPdiSize);
    if (!all_zero(one)) found.insert(to_bytes(one));
  }
  return found;
}

struct Inventory {
  std::set<Bytes> switches;       // whose evidence is here
  std::set<Bytes> seen;           // by GPUs in protected PCIe
  std::multiset<Bytes> chip_ids;  // of all
  bool protected_pcie = false;
  bool mixed = false;  // protected PCIe isn't every GPU's mode
};

Inventory inventory_of(std::span<Verdict* const> verdicts) {
  Inventory found;
  std::size_t gpus = 0, in_protected = 0;
  for (const Verdict* verdict : verdicts) {
    if (const Bytes* id = claim<Bytes>(*verdict, "chip_id")) found.chip_ids.insert(*id);
    if (verdict->kind == Kind::kNvidiaSwitch) {
      found.switches.merge(switches_of(*verdict));
      continue;
    }
    if (verdict->claims.empty()) continue;
    ++gpus;
    const std::string* mode = claim<std::string>(*verdict, "nvidia.mode");
    if (mode == nullptr || *mode != "ppcie") continue;
    ++in_protected;
    found.seen.merge(switches_of(*verdict));
  }
  found.protected_pcie = in_protected > 0;
  found.mixed = in_protected > 0 && in_protected < gpus;
  return found;
}

struct Problem {
  CheckState state = CheckState::kFailed;
  Reason reason = Reason::kBindingMismatch;
  std::string detail;
};

std::optional<Problem> problem_of(const Inventory& all) {
  for (const Bytes& id : all.chip_ids) {
    if (all.chip_ids.count(id) > 1)
      return Problem{CheckState::kFailed, Reason::kBindingMismatch, "a device is here twice"};
  }
  if (!all.protected_pcie) return std::nullopt;
  if (all.mixed) {
    return Problem{CheckState::kFailed, Reason::kBindingMismatch, "only some of the GPUs are in protected PCIe"};
  }
  for (const Bytes& one : all.seen) {
    if (all.switches.contains(one)) continue;
    return Problem{CheckState::kNotEvaluated, Reason::kReferenceMissing,
                   "a switch that GPUs see has shown no evidence"};
  }
  if (all.seen.empty() || all.seen != all.switches) {
    return Problem{CheckState::kFailed, Reason::kBindingMismatch, "the switches aren't those that the GPUs see"};
  }
  return std::nullopt;
}

}  // namespace

void check_composition(std::span<Verdict* const> verdicts) {
  const Inventory all = inventory_of(verdicts);
  const auto problem = problem_of(all);
  for (Verdict* verdict : verdicts) {
    if (verdict->claims.empty()) {
      verdict->skip(std::string(kCheck), Reason::kReferenceMissing, "the report couldn't be relied on");
    } else if (!problem) {
      verdict->pass(std::string(kCheck), all.protected_pcie ? "protected PCIe, all switches are here" : "");
    } else if (problem->state == CheckState::kFailed) {
      verdict->fail(std::string(kCheck), problem->reason, problem->detail);
    } else {
      verdict->skip(std::string(kCheck), problem->reason, problem->detail);
    }
  }
}

}  // namespace cloister::attest::nvidia
