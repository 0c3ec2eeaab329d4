// What is asked of a KMIP server, and what it answers: the payloads of operations, where 1.4 and 2.x differ too.
#pragma once

#include <optional>
#include <vector>

#include "crypto/secret.h"
#include "kms/kmip/message.h"

namespace cloister::kms::kmip {

inline constexpr std::size_t kIdentifierMax = 512;
inline constexpr std::size_t kLocatedMax = 1024;
inline constexpr std::size_t kGcmTagSize = 16;

PayloadWriter discover_versions(std::span<const ProtocolVersion> offered);
PayloadWriter query_server();
// Symmetric keys, `count` of them from the one numbered `offset`.
PayloadWriter locate_keys(ProtocolVersion version, std::uint32_t offset, std::uint32_t count);
PayloadWriter locate_name(ProtocolVersion version, const std::string& name);
// Of one object: Activate, and GetAttributes with all of them.
PayloadWriter of_object(const std::string& identifier);

enum class Cipher : std::uint8_t {
  kGcm = 1,      // AES-GCM with a 16-byte tag
  kKeyWrap = 2,  // NIST key wrap, RFC 3394
};

struct Encrypted {
  Bytes nonce, tag;  // empty with kKeyWrap
  Bytes ciphertext;
};

PayloadWriter encrypt(const std::string& key, Cipher cipher, const crypto::Secret& plaintext, ByteView nonce,
                      ByteView additional);
PayloadWriter decrypt(const std::string& key, Cipher cipher, const Encrypted& encrypted, ByteView additional);

// The payloads of successes. kCorrupt, saying what, when something is missing, has another type or is out of bounds, or
// is about another object than was asked.
Result<std::vector<ProtocolVersion>> parse_versions(const Answer& answer);
Result<std::string> parse_vendor(const Answer& answer);
Result<std::vector<std::string>> parse_located(const Answer& answer);
Status parse_object(const Answer& answer, const std::string& identifier);
// The nonce is the server's, when it chose another one than it was given.
Result<Encrypted> parse_encrypted(const Answer& answer, const std::string& key, Cipher cipher, ByteView nonce);
Result<crypto::Secret> parse_decrypted(const Answer& answer, const std::string& key);

}  // namespace cloister::kms::kmip
