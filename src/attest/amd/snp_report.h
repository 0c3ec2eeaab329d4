// The attestation report of AMD SEV-SNP, ABI specification 56860 7.3, versions 2, 3 and 5.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace cloister::attest {

inline constexpr std::size_t kSnpReportSize = 1184;

// Generations that have roots of their own. Siena and Bergamo are Genoa's.
enum class SnpProduct { kMilan, kGenoa, kTurin };
std::string_view snp_product_name(SnpProduct product);  // "Milan", as AMD's KDS writes it
std::optional<SnpProduct> snp_product_of(std::string_view name);

// Security version numbers, by component. Turin has its bytes in another order, and the first of these.
struct SnpTcb {
  std::uint8_t fmc = 0;
  std::uint8_t bootloader = 0;
  std::uint8_t tee = 0;
  std::uint8_t snp = 0;
  std::uint8_t microcode = 0;
  friend bool operator==(const SnpTcb&, const SnpTcb&) = default;
  std::string text() const;  // "bootloader 4, tee 0, snp 24, microcode 219"
};

enum class SnpTcbField { kCurrent, kReported, kCommitted, kLaunch };
enum class SnpSigningKey { kVcek, kVlek, kNone, kReserved };

struct SnpFirmware {
  std::uint8_t build = 0, minor = 0, major = 0;
  std::string text() const;  // "1.55.29"
};
struct SnpCpuid {
  std::uint8_t family = 0, model = 0, stepping = 0;
};

class SnpReport {
 public:
  // kInvalid for another length, version, signature algorithm or a policy that can't be, and for bytes behind the
  // signature that aren't zero.
  static Result<SnpReport> parse(ByteView bytes);

  std::uint32_t version() const { return u32(0x000); }
  std::uint32_t guest_svn() const { return u32(0x004); }
  std::uint64_t policy() const { return u64(0x008); }
  ByteView family_id() const { return field(0x010, 16); }
  ByteView image_id() const { return field(0x020, 16); }
  std::uint32_t vmpl() const { return u32(0x030); }
  std::uint64_t platform_info() const { return u64(0x040); }
  bool author_key_enabled() const { return (u32(0x048) & 1) != 0; }
  bool chip_id_masked() const { return (u32(0x048) & 2) != 0; }
  SnpSigningKey signing_key() const;
  ByteView report_data() const { return field(0x050, 64); }
  ByteView measurement() const { return field(0x090, 48); }
  ByteView host_data() const { return field(0x0C0, 32); }
  ByteView id_key_digest() const { return field(0x0E0, 48); }
  ByteView author_key_digest() const { return field(0x110, 48); }
  ByteView report_id() const { return field(0x140, 32); }
  ByteView report_id_ma() const { return field(0x160, 32); }
  std::optional<SnpCpuid> cpuid() const;  // from version 3 on
  ByteView chip_id() const { return field(0x1A0, 64); }
  SnpFirmware current_firmware() const { return {raw_[0x1E8], raw_[0x1E9], raw_[0x1EA]}; }
  SnpFirmware committed_firmware() const { return {raw_[0x1EC], raw_[0x1ED], raw_[0x1EE]}; }
  std::uint64_t launch_mitigations() const { return u64(0x1F8); }  // from version 5 on
  std::uint64_t current_mitigations() const { return u64(0x200); }

  // The eight bytes as they stand, and what they mean on that product.
  ByteView tcb_bytes(SnpTcbField which) const;
  SnpTcb tcb(SnpTcbField which, SnpProduct product) const;
  // The product that the CPUID fields say; nothing in version 2 and for processors not known here.
  std::optional<SnpProduct> product() const;

  ByteView raw() const { return raw_; }
  ByteView signed_part() const { return field(0, 0x2A0); }
  ByteView signature_r() const { return field(0x2A0, 72); }  // little endian
  ByteView signature_s() const { return field(0x2E8, 72); }

  // Bits of policy().
  bool smt_allowed() const { return bit(policy(), 16); }
  bool migration_allowed() const { return bit(policy(), 18); }
  bool debug_allowed() const { return bit(policy(), 19); }
  bool single_socket() const { return bit(policy(), 20); }
  // Bits of platform_info().
  bool smt_enabled() const { return bit(platform_info(), 0); }
  bool tsme_enabled() const { return bit(platform_info(), 1); }
  bool ecc_enabled() const { return bit(platform_info(), 2); }
  bool rapl_disabled() const { return bit(platform_info(), 3); }
  bool ciphertext_hiding() const { return bit(platform_info(), 4); }
  bool alias_check_complete() const { return bit(platform_info(), 5); }

 private:
  static bool bit(std::uint64_t value, unsigned number) { return (value >> number & 1) != 0; }
  ByteView field(std::size_t offset, std::size_t size) const { return ByteView(raw_).subspan(offset, size); }
  std::uint32_t u32(std::size_t offset) const { return load_le<std::uint32_t>(&raw_[offset]); }
  std::uint64_t u64(std::size_t offset) const { return load_le<std::uint64_t>(&raw_[offset]); }

  std::array<std::uint8_t, kSnpReportSize> raw_{};
};

}  // namespace cloister::attest
