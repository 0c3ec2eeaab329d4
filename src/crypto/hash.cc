#include "crypto/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace cloister::crypto {
namespace {

// Resolved once per process: fetching by name for each digest costs more than a short digest itself.
const EVP_MD* sha256_method() {
  static EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  CLOISTER_CHECK(method != nullptr);
  return method;
}

const EVP_MD* sha384_method() {
  static EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA384", nullptr);
  CLOISTER_CHECK(method != nullptr);
  return method;
}

const EVP_MD* sha512_method() {
  static EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA512", nullptr);
  CLOISTER_CHECK(method != nullptr);
  return method;
}

}  // namespace

Sha256Digest sha256(ByteView bytes) {
  Sha256Digest digest;
  unsigned size = 0;
  CLOISTER_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, sha256_method(), nullptr) == 1);
  return digest;
}

Sha384Digest sha384(ByteView bytes) {
  Sha384Digest digest;
  unsigned size = 0;
  CLOISTER_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, sha384_method(), nullptr) == 1);
  return digest;
}

Sha512Digest sha512(ByteView bytes) {
  Sha512Digest digest;
  unsigned size = 0;
  CLOISTER_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, sha512_method(), nullptr) == 1);
  return digest;
}

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() { CLOISTER_CHECK(context != nullptr && EVP_DigestInit_ex2(context, sha256_method(), nullptr) == 1); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(ByteView bytes) {
  CLOISTER_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

Sha256Digest Sha256::finish() {
  Sha256Digest digest;
  unsigned size = 0;
  CLOISTER_CHECK(EVP_DigestFinal_ex(state_->context, digest.data(), &size) == 1);
  CLOISTER_CHECK(EVP_DigestInit_ex2(state_->context, sha256_method(), nullptr) == 1);
  return digest;
}

Sha256Digest hmac_sha256(const Secret& key, ByteView bytes) {
  static constexpr std::uint8_t kNothing = 0;  // HMAC() takes a null pointer for a mistake, even with size 0
  Sha256Digest digest;
  unsigned size = 0;
  const ByteView raw = key.expose();
  CLOISTER_CHECK(HMAC(sha256_method(), raw.empty() ? &kNothing : raw.data(), static_cast<int>(raw.size()),
                      bytes.empty() ? &kNothing : bytes.data(), bytes.size(), digest.data(), &size) != nullptr);
  return digest;
}

}  // namespace cloister::crypto
