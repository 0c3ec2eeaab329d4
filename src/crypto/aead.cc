#include "crypto/aead.h"

#include <openssl/evp.h>

#include <limits>

namespace cloister::crypto {
namespace {

const EVP_CIPHER* cipher_of(AeadAlgorithm algorithm) {
  static EVP_CIPHER* const aes = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  static EVP_CIPHER* const short_aes = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
  static EVP_CIPHER* const chacha = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  const EVP_CIPHER* cipher = algorithm == AeadAlgorithm::kAes256Gcm   ? aes
                             : algorithm == AeadAlgorithm::kAes128Gcm ? short_aes
                                                                      : chacha;
  CLOISTER_CHECK(cipher != nullptr);
  return cipher;
}

constexpr std::size_t kMessageMax = std::numeric_limits<int>::max();  // EVP counts in int

}  // namespace

std::size_t aead_key_size(AeadAlgorithm algorithm) {
  return algorithm == AeadAlgorithm::kAes128Gcm ? kKeySize / 2 : kKeySize;
}

struct Aead::State {
  EVP_CIPHER_CTX* sealing = EVP_CIPHER_CTX_new();
  EVP_CIPHER_CTX* opening = EVP_CIPHER_CTX_new();
  State() { CLOISTER_CHECK(sealing != nullptr && opening != nullptr); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    EVP_CIPHER_CTX_free(sealing);  // clears the key schedule
    EVP_CIPHER_CTX_free(opening);
  }
};

Aead::Aead(AeadAlgorithm algorithm, const Secret& key) : state_(std::make_unique<State>()) {
  CLOISTER_CHECK(key.size() == aead_key_size(algorithm));
  const EVP_CIPHER* cipher = cipher_of(algorithm);
  const std::uint8_t* raw = key.expose().data();
  CLOISTER_CHECK(EVP_EncryptInit_ex2(state_->sealing, cipher, raw, nullptr, nullptr) == 1);
  CLOISTER_CHECK(EVP_DecryptInit_ex2(state_->opening, cipher, raw, nullptr, nullptr) == 1);
}

Aead::Aead(Aead&&) noexcept = default;
Aead& Aead::operator=(Aead&&) noexcept = default;
Aead::~Aead() = default;

void Aead::seal(const Nonce& nonce, ByteView aad, ByteView plaintext, MutableByteView out, Tag& tag) {
  CLOISTER_CHECK(plaintext.size() == out.size() && plaintext.size() <= kMessageMax && aad.size() <= kMessageMax);
  EVP_CIPHER_CTX* context = state_->sealing;
  int size = 0;
  CLOISTER_CHECK(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1);
  if (!aad.empty()) {
    CLOISTER_CHECK(EVP_EncryptUpdate(context, nullptr, &size, aad.data(), static_cast<int>(aad.size())) == 1);
  }
  if (!plaintext.empty()) {
    CLOISTER_CHECK(
        EVP_EncryptUpdate(context, out.data(), &size, plaintext.data(), static_cast<int>(plaintext.size())) == 1);
  }
  std::uint8_t nothing[16];
  CLOISTER_CHECK(EVP_EncryptFinal_ex(context, nothing, &size) == 1);
  CLOISTER_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagSize, tag.data()) == 1);
}

Status Aead::open(const Nonce& nonce, ByteView aad, ByteView ciphertext, ByteView tag, MutableByteView out) {
  CLOISTER_CHECK(ciphertext.size() == out.size() && ciphertext.size() <= kMessageMax && aad.size() <= kMessageMax);
  CLOISTER_CHECK(tag.size() == kTagSize);
  EVP_CIPHER_CTX* context = state_->opening;
  int size = 0;
  CLOISTER_CHECK(EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1);
  if (!aad.empty()) {
    CLOISTER_CHECK(EVP_DecryptUpdate(context, nullptr, &size, aad.data(), static_cast<int>(aad.size())) == 1);
  }
  if (!ciphertext.empty()) {
    CLOISTER_CHECK(
        EVP_DecryptUpdate(context, out.data(), &size, ciphertext.data(), static_cast<int>(ciphertext.size())) == 1);
  }
  CLOISTER_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagSize, const_cast<std::uint8_t*>(tag.data())) ==
                 1);
  std::uint8_t nothing[16];
  if (EVP_DecryptFinal_ex(context, nothing, &size) == 1) return {};
  wipe(out);
  return Error(Code::kCorrupt, "authentication tag doesn't fit");
}

}  // namespace cloister::crypto
