// GPUs and switches made by tests: reports, certificates and manifests of NVIDIA's shapes, under roots of the test's
// own.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attest/nvidia/report.h"
#include "attest/verifier.h"
#include "crypto/certificate_writer.h"
#include "tests/support/ocsp_maker.h"

namespace cloister::testing {

inline constexpr Time kNvidiaNow{1'795'526'589'000};  // 2026-11-24T13:23:09Z

// A path of certificates, first to last, and the keys that they are of.
struct SimulatedPath {
  std::vector<crypto::Certificate> certificates;
  std::vector<crypto::PrivateKey> keys;
  std::string pem() const;
};

// Of keys from `seed` on: P-384 for the first, `authorities` for those above it, which NVIDIA has on P-384 too and
// tests on a faster curve. `first_extensions` come into the first certificate.
SimulatedPath make_path(std::uint64_t seed, const std::vector<std::string>& names, std::vector<Bytes> first_extensions,
                        Time not_before = kNvidiaNow + days(-30), Time not_after = kNvidiaNow + days(300),
                        crypto::KeyType authorities = crypto::KeyType::kEcP256);

// What the firmware's certificate says.
struct SimulatedDevice {
  std::string name = "NVIDIA:GH100:48B02D7A7CD27FC3";
  std::optional<Bytes> fwid = Bytes(48, 0xF1);
  bool tcb_info = false;  // in Blackwell's form
  std::uint64_t seed = 3000;
};
std::vector<Bytes> device_extensions(const SimulatedDevice& device, const crypto::PublicKey& key);
SimulatedPath make_device_path(const SimulatedDevice& device = {},
                               crypto::KeyType authorities = crypto::KeyType::kEcP256);

// What a report says. Fields whose text is empty are left out.
struct SimulatedReport {
  Bytes nonce = Bytes(32, 0x4E);
  std::map<unsigned, Bytes> measurements = {};  // by block index; those that aren't named follow from the index
  unsigned blocks = 64;
  std::string driver = "550.90.07", project = "1010", project_sku = "0200", chip_sku = "882";
  Bytes vbios = {0x00, 0x9F, 0x00, 0x96, 0x01, 0x00, 0x00, 0x00};  // 96.00.9F.00.01
  std::optional<Bytes> fwid = Bytes(48, 0xF1);
  std::optional<std::uint8_t> nvdec0 = 0x55;
  std::optional<std::uint16_t> opaque_version = 1, feature = 1;
  Bytes switch_pdis = {};
  Bytes more = {};  // behind the opaque data's fields
};
Bytes measurement_of(unsigned block);
Bytes report_to_sign(const SimulatedReport& report);
// r and s, big-endian.
Bytes raw_signature(const crypto::PrivateKey& key, ByteView message);
Bytes signed_report(const SimulatedReport& report, const crypto::PrivateKey& key);

// What a manifest says.
struct SimulatedRim {
  std::string product = "GH100", edition = "GPU", version = "550.90.07";
  std::map<unsigned, std::vector<Bytes>> measurements = {};  // by manifest index; all active
  std::string payload_more = {};                             // XML behind the resources
  std::string root_more = {};                                // XML behind the payload
  std::string reference = R"(<ds:Reference URI="">)";
};
SimulatedPath make_rim_path(std::uint64_t seed = 4000, crypto::KeyType authorities = crypto::KeyType::kEcP256);
Bytes signed_rim(const SimulatedRim& rim, const SimulatedPath& signer);

// Answers for every certificate of the path from `first` on but the last. State: 80 good, A1 revoked, 82 unknown.
void add_answers(const SimulatedPath& path, std::size_t first, attest::Collateral& collateral,
                 std::uint8_t state = 0x80, Time this_update = kNvidiaNow + hours(-1),
                 std::optional<Time> next_update = kNvidiaNow + hours(12));
void add_rim(std::string id, Bytes body, attest::Collateral& collateral);

// All of it, good: each test breaks one thing.
struct SimulatedGpu {
  explicit SimulatedGpu(crypto::KeyType authorities = crypto::KeyType::kEcP256);

  SimulatedPath device, signer;
  SimulatedReport report;
  SimulatedRim driver, vbios;
  attest::Anchors anchors;
  attest::Collateral collateral;

  attest::Evidence evidence() const;
  attest::Question question() const;
};
struct SimulatedSwitch {
  SimulatedSwitch();

  SimulatedPath device;
  SimulatedPath signer = make_rim_path();
  SimulatedReport report;
  SimulatedRim bios;
  attest::Anchors anchors;
  attest::Collateral collateral;

  attest::Evidence evidence() const;
  attest::Question question() const;
};
inline const std::string kSimulatedDriverRim = "NV_GPU_DRIVER_GH100_550.90.07";
inline const std::string kSimulatedVbiosRim = "NV_GPU_VBIOS_1010_0200_882_96009F0001";
inline const std::string kSimulatedSwitchRim = "NV_SWITCH_BIOS_5612_0002_890_9610550001";

}  // namespace cloister::testing
