#include "crypto/xaes.h"

#include <openssl/evp.h>

#include <limits>

namespace cloister::crypto {
namespace {

using Block = std::array<std::uint8_t, 16>;

const EVP_CIPHER* ecb() {
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr);
  CLOISTER_CHECK(cipher != nullptr);
  return cipher;
}

const EVP_CIPHER* gcm() {
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  CLOISTER_CHECK(cipher != nullptr);
  return cipher;
}

constexpr std::size_t kMessageMax = std::numeric_limits<int>::max();  // EVP counts in int

}  // namespace

struct Xaes::State {
  EVP_CIPHER_CTX* block_cipher = EVP_CIPHER_CTX_new();  // AES-256(K, .)
  EVP_CIPHER_CTX* sealing = EVP_CIPHER_CTX_new();       // re-keyed for each message
  EVP_CIPHER_CTX* opening = EVP_CIPHER_CTX_new();
  Block subkey{};  // K1
  State() { CLOISTER_CHECK(block_cipher != nullptr && sealing != nullptr && opening != nullptr); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    EVP_CIPHER_CTX_free(block_cipher);
    EVP_CIPHER_CTX_free(sealing);
    EVP_CIPHER_CTX_free(opening);
    wipe(subkey);
  }

  // Kx: the key of the message with this nonce.
  void message_key(ByteView nonce, std::array<std::uint8_t, 32>& key) {
    std::array<std::uint8_t, 32> blocks{};
    for (std::size_t half = 0; half < 2; ++half) {
      std::uint8_t* block = blocks.data() + 16 * half;
      block[1] = static_cast<std::uint8_t>(half + 1);
      block[2] = 0x58;
      std::memcpy(block + 4, nonce.data(), 12);
      for (std::size_t i = 0; i < 16; ++i) block[i] ^= subkey[i];
    }
    int size = 0;
    CLOISTER_CHECK(EVP_EncryptUpdate(block_cipher, key.data(), &size, blocks.data(), 32) == 1 && size == 32);
    wipe(blocks);
  }
};

Xaes::Xaes(const Secret& key) : state_(std::make_unique<State>()) {
  CLOISTER_CHECK(key.size() == kKeySize);
  CLOISTER_CHECK(EVP_EncryptInit_ex2(state_->block_cipher, ecb(), key.expose().data(), nullptr, nullptr) == 1);
  CLOISTER_CHECK(EVP_CIPHER_CTX_set_padding(state_->block_cipher, 0) == 1);
  Block zero{};
  Block l{};
  int size = 0;
  CLOISTER_CHECK(EVP_EncryptUpdate(state_->block_cipher, l.data(), &size, zero.data(), 16) == 1 && size == 16);
  for (std::size_t i = 0; i < 16; ++i) {
    const unsigned carry = i + 1 < 16 ? l[i + 1] >> 7 : 0;
    state_->subkey[i] = static_cast<std::uint8_t>((l[i] << 1) | carry);
  }
  state_->subkey[15] ^= static_cast<std::uint8_t>((l[0] >> 7) * 0x87);
  wipe(l);
  CLOISTER_CHECK(EVP_EncryptInit_ex2(state_->sealing, gcm(), nullptr, nullptr, nullptr) == 1);
  CLOISTER_CHECK(EVP_DecryptInit_ex2(state_->opening, gcm(), nullptr, nullptr, nullptr) == 1);
}

Xaes::Xaes(Xaes&&) noexcept = default;
Xaes& Xaes::operator=(Xaes&&) noexcept = default;
Xaes::~Xaes() = default;

Bytes Xaes::seal(ByteView nonce, ByteView aad, const Secret& plaintext) {
  CLOISTER_CHECK(nonce.size() == kXaesNonceSize && aad.size() <= kMessageMax && plaintext.size() <= kMessageMax);
  std::array<std::uint8_t, 32> key;
  state_->message_key(nonce, key);
  EVP_CIPHER_CTX* context = state_->sealing;
  int size = 0;
  Bytes out(plaintext.size() + 16);
  CLOISTER_CHECK(EVP_EncryptInit_ex2(context, nullptr, key.data(), nonce.data() + 12, nullptr) == 1);
  wipe(key);
  if (!aad.empty()) {
    CLOISTER_CHECK(EVP_EncryptUpdate(context, nullptr, &size, aad.data(), static_cast<int>(aad.size())) == 1);
  }
  const ByteView raw = plaintext.expose();
  if (!raw.empty()) {
    CLOISTER_CHECK(EVP_EncryptUpdate(context, out.data(), &size, raw.data(), static_cast<int>(raw.size())) == 1);
  }
  std::uint8_t nothing[16];
  CLOISTER_CHECK(EVP_EncryptFinal_ex(context, nothing, &size) == 1);
  CLOISTER_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, out.data() + plaintext.size()) == 1);
  return out;
}

Result<Secret> Xaes::open(ByteView nonce, ByteView aad, ByteView ciphertext_and_tag) {
  CLOISTER_CHECK(nonce.size() == kXaesNonceSize && aad.size() <= kMessageMax);
  if (ciphertext_and_tag.size() < 16) return Error(Code::kDenied, "wrapped bytes are too short");
  if (ciphertext_and_tag.size() > kMessageMax) return Error(Code::kDenied, "wrapped bytes are too long");
  std::array<std::uint8_t, 32> key;
  state_->message_key(nonce, key);
  EVP_CIPHER_CTX* context = state_->opening;
  int size = 0;
  CLOISTER_CHECK(EVP_DecryptInit_ex2(context, nullptr, key.data(), nonce.data() + 12, nullptr) == 1);
  wipe(key);
  if (!aad.empty()) {
    CLOISTER_CHECK(EVP_DecryptUpdate(context, nullptr, &size, aad.data(), static_cast<int>(aad.size())) == 1);
  }
  const ByteView ciphertext = ciphertext_and_tag.first(ciphertext_and_tag.size() - 16);
  Secret plaintext(ciphertext.size());
  if (!ciphertext.empty()) {
    CLOISTER_CHECK(EVP_DecryptUpdate(context, plaintext.expose_mutable().data(), &size, ciphertext.data(),
                                     static_cast<int>(ciphertext.size())) == 1);
  }
  auto* tag = const_cast<std::uint8_t*>(ciphertext_and_tag.data() + ciphertext.size());
  CLOISTER_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1);
  std::uint8_t nothing[16];
  if (EVP_DecryptFinal_ex(context, nothing, &size) != 1) {
    return Error(Code::kDenied, "the wrap doesn't open with this key in this context");
  }
  return plaintext;
}

Bytes local_wrap(Xaes& wrapping_key, Random& random, ByteView context, const KeyMaterial& key) {
  const auto nonce = random_array<kXaesNonceSize>(random);
  const Bytes sealed = wrapping_key.seal(nonce, context, key.secret());
  Bytes wrapped;
  wrapped.reserve(kLocalWrapSize);
  wrapped.insert(wrapped.end(), nonce.begin(), nonce.end());
  wrapped.insert(wrapped.end(), sealed.begin(), sealed.end());
  return wrapped;
}

Result<KeyMaterial> local_unwrap(Xaes& wrapping_key, ByteView context, ByteView wrapped) {
  if (wrapped.size() != kLocalWrapSize) {
    return Error(Code::kCorrupt, "a wrapped key is 72 bytes, this one has " + std::to_string(wrapped.size()));
  }
  CLOISTER_TRY(auto secret, wrapping_key.open(wrapped.first(kXaesNonceSize), context, wrapped.subspan(kXaesNonceSize)));
  return KeyMaterial::from_secret(std::move(secret));
}

}  // namespace cloister::crypto
