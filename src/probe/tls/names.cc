// TLS's numbers and their names.
#include "probe/tls/names.h"

#include <algorithm>
#include <iterator>

#include "base/bytes.h"

namespace cloister::probe {
namespace {

using enum GroupKind;
// The IANA registry; 0x6399, 0x639a and 0xfe30 to 0xfe31 are drafts of before ML-KEM.
constexpr Group kGroups[] = {
    {0x11ec, "X25519MLKEM768", kHybrid},
    {0x11eb, "SecP256r1MLKEM768", kHybrid},
    {0x11ed, "SecP384r1MLKEM1024", kHybrid},
    {0x11ee, "curveSM2MLKEM768", kHybrid},
    {0x0200, "MLKEM512", kPureMlKem},
    {0x0201, "MLKEM768", kPureMlKem},
    {0x0202, "MLKEM1024", kPureMlKem},
    {0x6399, "X25519Kyber768Draft00", kObsoleteKyber},
    {0x639a, "SecP256r1Kyber768Draft00", kObsoleteKyber},
    {0xfe30, "X25519Kyber512Draft00", kObsoleteKyber},
    {0xfe31, "X25519Kyber768Draft00Old", kObsoleteKyber},
    {0x001d, "x25519"},
    {0x0017, "secp256r1"},
    {0x001e, "x448"},
    {0x0018, "secp384r1"},
    {0x0019, "secp521r1"},
    {0x0100, "ffdhe2048"},
    {0x0101, "ffdhe3072"},
    {0x0102, "ffdhe4096"},
    {0x0103, "ffdhe6144"},
    {0x0104, "ffdhe8192"},
    {0x001f, "brainpoolP256r1tls13"},
    {0x0020, "brainpoolP384r1tls13"},
    {0x0021, "brainpoolP512r1tls13"},
    {0x001a, "brainpoolP256r1"},
    {0x001b, "brainpoolP384r1"},
    {0x001c, "brainpoolP512r1"},
    {0x0016, "secp256k1"},
    {0x0015, "secp224r1"},
    {0x0014, "secp224k1"},
    {0x0013, "secp192r1"},
    {0x0012, "secp192k1"},
    {0x0011, "secp160r2"},
    {0x0010, "secp160r1"},
    {0x000f, "secp160k1"},
    {0x000e, "sect571r1"},
    {0x000d, "sect571k1"},
    {0x000c, "sect409r1"},
    {0x000b, "sect409k1"},
    {0x000a, "sect283r1"},
    {0x0009, "sect283k1"},
    {0x0008, "sect239k1"},
    {0x0007, "sect233r1"},
    {0x0006, "sect233k1"},
    {0x0005, "sect193r2"},
    {0x0004, "sect193r1"},
    {0x0003, "sect163r2"},
    {0x0002, "sect163r1"},
    {0x0001, "sect163k1"},
    {0x0022, "GC256A"},
    {0x0023, "GC256B"},
    {0x0024, "GC256C"},
    {0x0025, "GC256D"},
    {0x0026, "GC512A"},
    {0x0027, "GC512B"},
    {0x0028, "GC512C"},
    {0x0029, "curveSM2"},
};

// RFC 8446 section 4.2.3, RFC 8734, RFC 8998, the drafts of ML-DSA; below them hash and signature as RFC 5246 pairs
// them.
constexpr SignatureScheme kSchemes[] = {
    {0x0403, "ecdsa_secp256r1_sha256"},
    {0x0503, "ecdsa_secp384r1_sha384"},
    {0x0603, "ecdsa_secp521r1_sha512"},
    {0x0807, "ed25519"},
    {0x0808, "ed448"},
    {0x0804, "rsa_pss_rsae_sha256"},
    {0x0805, "rsa_pss_rsae_sha384"},
    {0x0806, "rsa_pss_rsae_sha512"},
    {0x0809, "rsa_pss_pss_sha256"},
    {0x080a, "rsa_pss_pss_sha384"},
    {0x080b, "rsa_pss_pss_sha512"},
    {0x0401, "rsa_pkcs1_sha256"},
    {0x0501, "rsa_pkcs1_sha384"},
    {0x0601, "rsa_pkcs1_sha512"},
    {0x081a, "ecdsa_brainpoolP256r1tls13_sha256"},
    {0x081b, "ecdsa_brainpoolP384r1tls13_sha384"},
    {0x081c, "ecdsa_brainpoolP512r1tls13_sha512"},
    {0x0904, "mldsa44"},
    {0x0905, "mldsa65"},
    {0x0906, "mldsa87"},
    {0x0708, "sm2sig_sm3"},
    {0x0303, "ecdsa_sha224"},
    {0x0301, "rsa_pkcs1_sha224"},
    {0x0302, "dsa_sha224"},
    {0x0402, "dsa_sha256"},
    {0x0502, "dsa_sha384"},
    {0x0602, "dsa_sha512"},
    {0x0203, "ecdsa_sha1"},
    {0x0201, "rsa_pkcs1_sha1"},
    {0x0202, "dsa_sha1"},
    {0x0103, "ecdsa_md5"},
    {0x0101, "rsa_pkcs1_md5"},
    {0x0102, "dsa_md5"},
};

struct Alert {
  std::uint8_t code;
  std::string_view name;
};
constexpr Alert kAlerts[] = {
    {0, "close_notify"},
    {10, "unexpected_message"},
    {20, "bad_record_mac"},
    {21, "decryption_failed"},
    {22, "record_overflow"},
    {30, "decompression_failure"},
    {40, "handshake_failure"},
    {41, "no_certificate"},
    {42, "bad_certificate"},
    {43, "unsupported_certificate"},
    {44, "certificate_revoked"},
    {45, "certificate_expired"},
    {46, "certificate_unknown"},
    {47, "illegal_parameter"},
    {48, "unknown_ca"},
    {49, "access_denied"},
    {50, "decode_error"},
    {51, "decrypt_error"},
    {60, "export_restriction"},
    {70, "protocol_version"},
    {71, "insufficient_security"},
    {80, "internal_error"},
    {86, "inappropriate_fallback"},
    {90, "user_canceled"},
    {100, "no_renegotiation"},
    {109, "missing_extension"},
    {110, "unsupported_extension"},
    {112, "unrecognized_name"},
    {113, "bad_certificate_status_response"},
    {115, "unknown_psk_identity"},
    {116, "certificate_required"},
    {120, "no_application_protocol"},
};

std::string hex_code(std::uint16_t code) {
  const std::uint8_t bytes[] = {static_cast<std::uint8_t>(code >> 8), static_cast<std::uint8_t>(code)};
  return "0x" + to_hex(bytes);
}

template <typename Table>
std::string name_in(const Table& table, std::uint16_t code) {
  for (const auto& entry : table) {
    if (entry.code == code) return std::string(entry.name);
  }
  return hex_code(code);
}

}  // namespace

std::string version_name(std::uint16_t version) {
  switch (version) {
    case kSsl3: return "SSLv3";
    case kTls10: return "TLS 1.0";
    case kTls11: return "TLS 1.1";
    case kTls12: return "TLS 1.2";
    case kTls13: return "TLS 1.3";
    default: return hex_code(version);
  }
}

std::span<const Group> groups() { return kGroups; }
std::string group_name(std::uint16_t code) { return name_in(kGroups, code); }
std::span<const SignatureScheme> signature_schemes() { return kSchemes; }
std::string scheme_name(std::uint16_t code) { return name_in(kSchemes, code); }

std::string alert_name(std::uint8_t description) {
  const auto* const found = std::ranges::find(kAlerts, description, &Alert::code);
  const std::string number = "(" + std::to_string(description) + ")";
  return found == std::end(kAlerts) ? "alert " + number : std::string(found->name) + " " + number;
}

}  // namespace cloister::probe
