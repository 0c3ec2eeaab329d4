// What Azure's paravisor leaves in a confidential machine's virtual TPM (NV index 0x01400001): the hardware's report
// and the JSON that it carries the digest of, which names the virtual TPM's key.
#pragma once

#include <optional>
#include <string>

#include "crypto/asymmetric_key.h"
#include "crypto/hash.h"

namespace cloister::attest {

inline constexpr std::size_t kHclReportSizeMax = 65536;
inline constexpr std::size_t kHclHardwareReportSize = 1184;

struct HclReport {
  enum class Type { kSnp, kTdx };
  Type type = Type::kSnp;
  Bytes hardware_report;                  // 1184 bytes: an SNP report, or a TDREPORT with zeros behind it
  crypto::Sha256Digest runtime_digest{};  // of the JSON as it stands
  std::optional<crypto::PublicKey> key;   // HCLAkPub; always there after parsing
  std::optional<std::string> machine_id;
  std::optional<bool> secure_boot, console, persisted;
  std::optional<Bytes> user_data;

  // The 64 bytes that the hardware's report carries for the worker.
  Bytes report_data() const;
};

// kInvalid for anything but one whole blob with zeros behind it at most, its JSON with an RSA key HCLAkPub for signing;
// kUnsupported for other types of report, hash or request.
Result<HclReport> parse_hcl_report(ByteView bytes);

}  // namespace cloister::attest
