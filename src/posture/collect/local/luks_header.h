// Headers of LUKS volumes, versions 1 and 2, without any of their keys. LUKS1 On-Disk Format 1.2.3; LUKS2 On-Disk
// Format 1.1.1.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace cloister::posture {

inline constexpr std::size_t kLuksHeaderMax = std::size_t{4} << 20;

struct LuksHeader {
  unsigned version = 2;
  std::string uuid;                 // with its dashes
  std::string cipher;               // "aes-xts-plain64"
  unsigned key_bytes = 0;           // of the volume key
  std::string integrity;            // "hmac(sha256)", "aead", "crc32c"; empty: none
  bool has_plain_segments = false;  // a part of the volume isn't encrypted, or by the null cipher
  bool reencrypting = false;        // a change of keys or ciphers is under way
  bool by_drive = false;            // the drive encrypts (OPAL), alone or below this
  std::size_t keyslots = 0;
  std::vector<std::string> tokens;  // what may open a slot besides a passphrase: "systemd-tpm2", "clevis:tang"
};

// True for bytes that begin as either version does.
bool looks_like_luks(ByteView head);
// How much of the volume's beginning parse_luks() has to see; kCorrupt for a size that no header has.
Result<std::size_t> luks_header_size(ByteView head);
// kInvalid for what is no LUKS header, kUnsupported for a version that isn't known, kCorrupt for one whose checksum
// doesn't fit or that isn't complete.
Result<LuksHeader> parse_luks(ByteView head);

// The cipher in words of docs/formats/facts.md.
struct CipherWords {
  std::string algorithm;  // "aes-256-xts"
  unsigned key_bits = 0;  // its strength: half of an XTS key
  bool is_null = false;   // encrypts nothing
  bool is_aead = false;
};
CipherWords cipher_words(const std::string& cipher, unsigned key_bytes, const std::string& integrity);

}  // namespace cloister::posture
