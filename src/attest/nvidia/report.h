// What a GPU or an NVSwitch signs: the SPDM 1.1 GET_MEASUREMENTS request it was asked with and its answer, as NVIDIA's
// driver hands both out in one piece. DSP0274 1.1; the opaque data is NVIDIA's own.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace cloister::attest::nvidia {

inline constexpr std::size_t kNonceSize = 32;
inline constexpr std::size_t kSignatureSize = 96;
inline constexpr std::size_t kReportSizeMax = 16'384;

enum class Feature : std::uint16_t { kMultiGpu = 0, kSingleGpu = 1, kProtectedPcie = 2 };
std::string_view feature_name(Feature feature);  // "mpt", "spt", "ppcie"

// The fields of the opaque data that are read here; every other is skipped.
struct OpaqueData {
  std::string driver;  // "535.86.09"; empty on a switch
  Bytes vbios;         // as it stands: binary on a GPU, text on a switch
  std::string project, project_sku, chip_sku;
  std::optional<std::uint8_t> nvdec0;  // 0xAA enabled, 0x55 disabled
  std::optional<crypto::Sha384Digest> fwid;
  std::optional<Feature> feature;  // from data version 1 on
  std::vector<Bytes> switch_pdis;  // 8 bytes each: on a GPU of the switches it sees, on a switch its own
};

struct Report {
  std::array<std::uint8_t, kNonceSize> nonce{};           // of the request
  std::map<unsigned, crypto::Sha384Digest> measurements;  // by block index, from 1
  OpaqueData opaque;
  ByteView signed_part;  // request, and response up to its signature
  ByteView signature;    // r and s, big-endian
  bool trailing_zero = false;
};

// A view into `bytes`, which must outlive it. kCorrupt for anything that isn't exactly one signed request and response;
// one zero byte behind the signature is let through, since guests' agents put it there, and said.
Result<Report> parse_report(ByteView bytes);

// "96.00.5E.00.01" from the 8 bytes that a GPU says.
std::optional<std::string> gpu_vbios_version(ByteView vbios);

}  // namespace cloister::attest::nvidia
