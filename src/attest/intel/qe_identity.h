// Intel's identity of the quoting enclave: whose report may stand behind an attestation key. PCS's JSON, version 2.
#pragma once

#include "attest/intel/tcb_info.h"

namespace cloister::attest::intel {

struct QeIdentity {
  Tee tee = Tee::kSgx;  // "QE" makes quotes of SGX, "TD_QE" of TDX
  Time issued, next_update;
  std::uint64_t evaluation_number = 0;
  Bytes misc_select, misc_select_mask;  // 4
  Bytes attributes, attributes_mask;    // 16
  Bytes mr_signer;                      // 32
  std::uint16_t product_id = 0;
  std::vector<SvnLevel> levels;  // newest first
};

// kInvalid for a member that is missing or malformed; kUnsupported for another version or enclave.
Result<QeIdentity> read_qe_identity(const JsonValue& value);
// Whether that enclave is the one: all but its security version.
bool matches(const QeIdentity& identity, const EnclaveReport& report);

// Whether `value` is `expected` wherever `mask` has ones; all three are of one size.
bool equal_under(ByteView value, ByteView expected, ByteView mask);

}  // namespace cloister::attest::intel
