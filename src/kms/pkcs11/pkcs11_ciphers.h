// The ways a token's key wraps bytes. Each is tried out before it is relied on: mechanism numbers don't mean the same
// everywhere. Used by the PKCS#11 sources alone.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "crypto/random.h"
#include "crypto/secret.h"
#include "kms/pkcs11/pkcs11_objects.h"
#include "kms/pkcs11/pkcs11_probe.h"

namespace cloister::kms {

// SoftHSM forgets the length of anything else.
inline constexpr std::size_t kKeyWrapUnit = 8;

enum class TokenCipher {
  kAesGcm,         // nonce 12, ciphertext, tag 16; binds the context
  kAesKwp,         // RFC 5649, of multiples of kKeyWrapUnit bytes; takes no context
  kRsaOaepSha256,  // RFC 8017 with SHA-256 and MGF1 of it; takes no context
  kRsaOaepSha1,    // the same with SHA-1, which OAEP isn't weakened by: SoftHSM has no other
};
// "aes-gcm": what a wrap says of itself.
std::string_view token_cipher_name(TokenCipher cipher);
std::optional<TokenCipher> token_cipher_of(std::string_view name);

// What the token offers, and what its numbers mean.
struct TokenCiphers {
  std::vector<CK_MECHANISM_TYPE> mechanisms;
  // The mechanism that is AES-KWP here, by a known answer: 0x210B in NSS, 0x210A in SoftHSM.
  std::optional<CK_MECHANISM_TYPE> key_wrap_with_padding;
};
CK_RV look_at_ciphers(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot, CK_SESSION_HANDLE session,
                      TokenCiphers& ciphers);
// Those that this key could be used with, the best first.
std::vector<TokenCipher> ciphers_for(const TokenKeyFacts& facts, const TokenCiphers& ciphers);

// One use of a key in a session of its own.
struct CipherUse {
  const CK_FUNCTION_LIST& functions;
  CK_SESSION_HANDLE session;
  CK_OBJECT_HANDLE key;          // opens, and wraps where it is symmetric
  CK_OBJECT_HANDLE public_half;  // wraps where it isn't
  TokenCipher cipher;
  GcmLayout layout;
  CK_MECHANISM_TYPE key_wrap_with_padding;
};
CK_RV wrap_bytes(const CipherUse& use, const crypto::Secret& plaintext, ByteView context, crypto::Random& random,
                 Bytes& ciphertext);
CK_RV unwrap_bytes(const CipherUse& use, ByteView ciphertext, ByteView context, crypto::Secret& plaintext);

}  // namespace cloister::kms
