// Intel's TCB Info: which security versions of a family of platforms have which status. PCS's JSON, versions 2 and 3.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "attest/intel/quote.h"
#include "attest/intel/signed_json.h"
#include "attest/intel/tcb_status.h"

namespace cloister::attest::intel {

using Components = std::array<std::uint16_t, 16>;

struct PlatformLevel {
  Components sgx{};
  std::uint16_t pce_svn = 0;
  Components tdx{};  // zero where the list isn't of TDX
  TcbStatus status = TcbStatus::kRevoked;
  Time date;
  std::vector<std::string> advisories;
};

// Of a TDX module or a quoting enclave.
struct SvnLevel {
  std::uint16_t svn = 0;
  TcbStatus status = TcbStatus::kRevoked;
  Time date;
  std::vector<std::string> advisories;
};

struct TdxModule {
  Bytes mr_signer;        // 48
  Bytes attributes;       // 8
  Bytes attributes_mask;  // 8
};

struct TdxModuleIdentity {
  std::string id;  // "TDX_01"
  TdxModule module;
  std::vector<SvnLevel> levels;  // newest first
};

struct TcbInfo {
  Tee tee = Tee::kSgx;
  Time issued, next_update;
  Bytes fmspc;   // 6
  Bytes pce_id;  // 2
  std::uint64_t evaluation_number = 0;
  std::vector<PlatformLevel> levels;  // newest first
  std::optional<TdxModule> module;    // of the first versions of the TDX module
  std::vector<TdxModuleIdentity> modules;
};

// kInvalid for a member that is missing, unknown in its value or out of its limits; kUnsupported for another version.
Result<TcbInfo> read_tcb_info(const JsonValue& value);
// A list of levels with "isvsvn".
Result<std::vector<SvnLevel>> read_svn_levels(const JsonValue& object);

}  // namespace cloister::attest::intel
