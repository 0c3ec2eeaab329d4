// Intel's quotes: SGX version 3, TDX version 4 and 5 (and SGX in those), ECDSA P-256. Read within bounds, not verified.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace cloister::attest::intel {

inline constexpr std::size_t kQuoteTrailingMax = 65536;  // pages handed out are padded with zeros

enum class Tee { kSgx, kTdx };

// What an enclave says of itself: 384 bytes. Views into the quote.
struct EnclaveReport {
  ByteView bytes;
  ByteView misc_select;  // 4
  ByteView attributes;   // 16
  ByteView mr_enclave;   // 32
  ByteView mr_signer;    // 32
  ByteView config_id;    // 64
  std::uint16_t product_id = 0;
  std::uint16_t svn = 0;
  std::uint16_t config_svn = 0;
  ByteView report_data;  // 64
};

// What a trust domain is: 584 bytes, or 648 of TDX 1.5.
struct DomainReport {
  ByteView tcb_svn;         // 16: at launch
  ByteView mr_seam;         // 48: the TDX module
  ByteView mr_signer_seam;  // 48
  ByteView seam_attributes;
  ByteView attributes;  // 8
  ByteView xfam;        // 8
  ByteView mr_td;       // 48
  ByteView mr_config_id, mr_owner, mr_owner_config;
  ByteView rtmr[4];
  ByteView report_data;                   // 64
  std::optional<ByteView> tcb_svn_now;    // 16: TDX 1.5
  std::optional<ByteView> mr_service_td;  // 48: TDX 1.5
};

struct Quote {
  std::uint16_t version = 0;
  Tee tee = Tee::kSgx;
  std::optional<EnclaveReport> enclave;  // of SGX
  std::optional<DomainReport> domain;    // of TDX
  ByteView signed_part;                  // header and body
  ByteView signature;                    // r, s
  ByteView attestation_key;              // x, y
  EnclaveReport quoting_enclave;
  ByteView quoting_enclave_signature;
  ByteView authentication_data;
  ByteView certificates;  // certification data of type 5: PEM, or DER one after the other
  std::size_t size = 0;   // what follows behind it is padding

  ByteView report_data() const { return enclave ? enclave->report_data : domain->report_data; }
};

// The bytes must outlive it. kCorrupt for what isn't a quote; kUnsupported for another version, algorithm or quoting
// enclave's vendor, and for certification data without certificates (types 1 to 4, which name the platform to Intel).
Result<Quote> parse_quote(ByteView bytes);

}  // namespace cloister::attest::intel
