#include "attest/binding.h"

#include "base/cbor.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kDevicesLabel = "cloister attestation devices 1";
constexpr std::string_view kDeviceLabel = "cloister attestation device nonce 1";
constexpr std::string_view kReportLabel = "cloister attestation report data 1";

// Everything but the devices, so that their own evidence can be asked for first.
CborWriter parts_of(const Binding& binding, std::string_view label, std::uint64_t further) {
  CborWriter writer;
  writer.array(7 + further).text(label).text(binding.role).bytes(binding.nonce).bytes(binding.recipient);
  writer.bytes(binding.manifest).bytes(binding.exporter ? ByteView(*binding.exporter) : ByteView());
  writer.bytes(binding.peer_key ? ByteView(*binding.peer_key) : ByteView());
  return writer;
}

}  // namespace

Bytes device_nonce(const Binding& binding) {
  return to_bytes(crypto::sha256(parts_of(binding, kDeviceLabel, 0).take()));
}

crypto::Sha256Digest devices_digest(const EvidenceSet& set) {
  if (set.devices.empty()) return {};
  CborWriter writer;
  writer.array(1 + set.devices.size()).text(kDevicesLabel);
  for (const Evidence& device : set.devices) writer.bytes(encode(EvidenceSet{device, {}}));
  return crypto::sha256(writer.take());
}

Bytes report_data(const Binding& binding) {
  return to_bytes(crypto::sha512(parts_of(binding, kReportLabel, 1).bytes(binding.devices).take()));
}

}  // namespace cloister::attest
