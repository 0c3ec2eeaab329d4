// Whose report it is: the chain from the firmware that signs to NVIDIA's root, and what the first certificate says.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attest/reason.h"
#include "attest/roots.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/verification_cache.h"
#include "crypto/x509.h"

namespace cloister::attest::nvidia {

// Firmware, boot ROM, provisioner, chip family, root.
inline constexpr std::size_t kDeviceChainSize = 5;

struct Refusal {
  Reason reason = Reason::kBadChain;
  std::string detail;
};

// Nothing when the certificates are one path, in this order and with none left over, to a root that is trusted, and all
// of them are valid at that time.
std::optional<Refusal> check_path(std::span<const crypto::Certificate> path, Root root, const Anchors& anchors,
                                  Time now, crypto::VerificationCache* cache = nullptr);
// Nothing when none of their keys has been published.
std::optional<Refusal> check_published(std::span<const crypto::Certificate> path);

struct Device {
  std::string product;  // "GH100", "GB100", "LS_10"
  Bytes serial;
  std::optional<crypto::Sha384Digest> fwid;  // of the firmware that the key was made for
};

// From the TCG DICE extensions of the firmware's certificate. kInvalid when it doesn't say which chip it is of, or says
// it in a form that isn't known.
Result<Device> read_device(const crypto::Certificate& firmware);

}  // namespace cloister::attest::nvidia
