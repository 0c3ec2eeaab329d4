#include "crypto/signature.h"

#include <openssl/evp.h>

#include <memory>

namespace cloister::crypto {
namespace {

struct PkeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct ContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Pkey = std::unique_ptr<EVP_PKEY, PkeyFree>;
using Context = std::unique_ptr<EVP_MD_CTX, ContextFree>;

Pkey private_key(const KeyMaterial& seed) {
  const ByteView raw = seed.secret().expose();
  Pkey key(EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, raw.data(), raw.size()));
  CLOISTER_CHECK(key != nullptr);
  return key;
}

}  // namespace

SigningKey SigningKey::generate(Random& random) { return from_seed(KeyMaterial::random(random)); }

SigningKey SigningKey::from_seed(KeyMaterial seed) {
  const Pkey key = private_key(seed);
  Ed25519PublicKey public_key;
  std::size_t size = public_key.size();
  CLOISTER_CHECK(EVP_PKEY_get_raw_public_key(key.get(), public_key.data(), &size) == 1 && size == public_key.size());
  return SigningKey(std::move(seed), public_key);
}

Ed25519Signature SigningKey::sign(ByteView message) const {
  const Pkey key = private_key(seed_);
  const Context context(EVP_MD_CTX_new());
  Ed25519Signature signature;
  std::size_t size = signature.size();
  CLOISTER_CHECK(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  CLOISTER_CHECK(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
  return signature;
}

Status verify_ed25519(const Ed25519PublicKey& key, ByteView message, ByteView signature) {
  const Pkey pkey(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, key.data(), key.size()));
  const Context context(EVP_MD_CTX_new());
  if (pkey != nullptr && signature.size() == sizeof(Ed25519Signature) &&
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1) {
    return {};
  }
  return Error(Code::kCorrupt, "the signature isn't this key's over these bytes");
}

}  // namespace cloister::crypto
