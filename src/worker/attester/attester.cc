#include "worker/attester/attester.h"

namespace cloister::worker {

Result<attest::EvidenceSet> collect_evidence(const LockedDown& locked, Attester& machine,
                                             std::span<Attester* const> devices, attest::Binding binding) {
  if (devices.size() > attest::kDevicesMax) {
    return Error(Code::kInvalid, "collect evidence: " + std::to_string(devices.size()) + " devices are too many");
  }
  attest::EvidenceSet set;
  const Bytes nonce = attest::device_nonce(binding);
  for (Attester* device : devices) {
    auto evidence = device->collect(locked, nonce);
    if (!evidence.ok()) return evidence.error().with_context("collect a device's evidence");
    set.devices.push_back(std::move(evidence).value());
  }
  binding.devices = attest::devices_digest(set);
  auto evidence = machine.collect(locked, attest::report_data(binding));
  if (!evidence.ok()) return evidence.error().with_context("collect evidence");
  set.primary = std::move(evidence).value();
  return set;
}

}  // namespace cloister::worker
