#include "crypto/key_agreement.h"

namespace cloister::crypto {
Error agreement_failed() { return Error(Code::kDenied, "no key can be agreed on with the recipient's"); }

PkeyHandle public_handle(const PublicKey& key) {
  const unsigned char* at = key.spki().data();
  PkeyHandle handle(d2i_PUBKEY(nullptr, &at, static_cast<long>(key.spki().size())));
  CLOISTER_CHECK(handle != nullptr);
  return handle;
}

Result<EphemeralKey> ephemeral_on(KeyType curve, Random& random) {
  if (curve == KeyType::kEcP521) {  // not among the private keys that are kept here
    PkeyHandle handle(EVP_EC_gen("P-521"));
    unsigned char* spki = nullptr;
    const int size = handle == nullptr ? -1 : i2d_PUBKEY(handle.get(), &spki);
    if (size <= 0) return Error(Code::kInternal, "a key on P-521 can't be made");
    auto key = PublicKey::from_spki({spki, static_cast<std::size_t>(size)});
    OPENSSL_free(spki);
    CLOISTER_TRY(PublicKey public_key, std::move(key));
    return EphemeralKey{std::move(handle), std::move(public_key)};
  }
  CLOISTER_TRY(const PrivateKey key, PrivateKey::generate(curve, random));
  const Secret der = key.to_pkcs8();
  const unsigned char* at = der.expose().data();
  PkeyHandle handle(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
  CLOISTER_CHECK(handle != nullptr);
  return EphemeralKey{std::move(handle), key.public_key()};
}

Result<Secret> agree_on_secret(EVP_PKEY* own, const PublicKey& peer) {
  const PkeyHandle other = public_handle(peer);
  const PkeyContextHandle context(EVP_PKEY_CTX_new(own, nullptr));
  Secret shared(ec_coordinate_size(peer.type()));
  std::size_t size = shared.size();
  if (context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), other.get()) != 1 ||
      EVP_PKEY_derive(context.get(), shared.expose_mutable().data(), &size) != 1 || size != shared.size()) {
    return agreement_failed();
  }
  return shared;
}

}  // namespace cloister::crypto
