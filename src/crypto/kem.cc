#include "crypto/kem.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <memory>

#include "crypto/hash.h"

namespace cloister::crypto {
namespace {

constexpr std::size_t kX25519Size = 32;
constexpr std::size_t kMlKemPublicSize = 1184;
constexpr std::size_t kMlKemCiphertextSize = 1088;
constexpr std::size_t kMlKemSeedSize = 64;

struct PkeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct ContextFree {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
struct DigestFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Pkey = std::unique_ptr<EVP_PKEY, PkeyFree>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, ContextFree>;

Error bad_public_key() { return Error(Code::kInvalid, "the recipient's public key is not valid"); }

Secret joined(std::initializer_list<ByteView> parts) {
  std::size_t size = 0;
  for (const ByteView part : parts) size += part.size();
  Secret out(size);
  std::uint8_t* to = out.expose_mutable().data();
  for (const ByteView part : parts) to = std::ranges::copy(part, to).out;
  return out;
}

Bytes joined_public(ByteView a, ByteView b) {
  Bytes out = to_bytes(a);
  out.insert(out.end(), b.begin(), b.end());
  return out;
}

Pkey x25519_private(ByteView scalar) {
  Pkey key(EVP_PKEY_new_raw_private_key_ex(nullptr, "X25519", nullptr, scalar.data(), scalar.size()));
  CLOISTER_CHECK(key != nullptr);
  return key;
}

Bytes x25519_public(EVP_PKEY* key) {
  Bytes out(kX25519Size);
  std::size_t size = out.size();
  CLOISTER_CHECK(EVP_PKEY_get_raw_public_key(key, out.data(), &size) == 1 && size == kX25519Size);
  return out;
}

// kInvalid when the result is zero, as it is for points of low order. RFC 7748 6.1.
Result<Secret> x25519(EVP_PKEY* own, ByteView peer) {
  const Pkey peer_key(EVP_PKEY_new_raw_public_key_ex(nullptr, "X25519", nullptr, peer.data(), peer.size()));
  if (peer_key == nullptr) return bad_public_key();
  const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, own, nullptr));
  Secret shared(kX25519Size);
  std::size_t size = shared.size();
  if (EVP_PKEY_derive_init(context.get()) != 1 || EVP_PKEY_derive_set_peer(context.get(), peer_key.get()) != 1 ||
      EVP_PKEY_derive(context.get(), shared.expose_mutable().data(), &size) != 1 || all_zero(shared.expose())) {
    return bad_public_key();
  }
  return shared;
}

Pkey mlkem_from_seed(ByteView seed) {
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "ML-KEM-768", nullptr));
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_KEM_SEED, const_cast<std::uint8_t*>(seed.data()),
                                        seed.size()),
      OSSL_PARAM_construct_end(),
  };
  EVP_PKEY* key = nullptr;
  CLOISTER_CHECK(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1);
  CLOISTER_CHECK(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, const_cast<OSSL_PARAM*>(parameters)) == 1);
  return Pkey(key);
}

Pkey mlkem_public(ByteView bytes) {
  return Pkey(EVP_PKEY_new_raw_public_key_ex(nullptr, "ML-KEM-768", nullptr, bytes.data(), bytes.size()));
}

Result<Encapsulation> mlkem_encapsulate(ByteView public_key, ByteView entropy) {
  const Pkey key = mlkem_public(public_key);
  if (key == nullptr) return bad_public_key();
  const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_KEM_PARAM_IKME, const_cast<std::uint8_t*>(entropy.data()), entropy.size()),
      OSSL_PARAM_construct_end(),
  };
  Encapsulation out{Secret(32), Bytes(kMlKemCiphertextSize)};
  std::size_t ciphertext_size = out.encapsulated.size();
  std::size_t secret_size = 32;
  if (EVP_PKEY_encapsulate_init(context.get(), parameters) != 1 ||
      EVP_PKEY_encapsulate(context.get(), out.encapsulated.data(), &ciphertext_size,
                           out.shared_secret.expose_mutable().data(), &secret_size) != 1) {
    return bad_public_key();
  }
  return out;
}

Result<Secret> mlkem_decapsulate(EVP_PKEY* key, ByteView ciphertext) {
  const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  Secret shared(32);
  std::size_t size = shared.size();
  if (EVP_PKEY_decapsulate_init(context.get(), nullptr) != 1 ||
      EVP_PKEY_decapsulate(context.get(), shared.expose_mutable().data(), &size, ciphertext.data(),
                           ciphertext.size()) != 1) {
    return Error(Code::kDenied, "the encapsulated key doesn't open");
  }
  return shared;
}

// X-Wing's seed becomes the ML-KEM seed (64 bytes) and the X25519 scalar (32).
Secret xwing_expand(const KeyMaterial& seed) {
  Secret out(kMlKemSeedSize + kX25519Size);
  const std::unique_ptr<EVP_MD_CTX, DigestFree> context(EVP_MD_CTX_new());
  const ByteView raw = seed.secret().expose();
  CLOISTER_CHECK(EVP_DigestInit_ex2(context.get(), EVP_shake256(), nullptr) == 1 &&
                 EVP_DigestUpdate(context.get(), raw.data(), raw.size()) == 1 &&
                 EVP_DigestFinalXOF(context.get(), out.expose_mutable().data(), out.size()) == 1);
  return out;
}

Secret xwing_combine(const Secret& mlkem, const Secret& x25519_secret, ByteView ciphertext, ByteView public_key) {
  static constexpr std::uint8_t kLabel[] = {0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c};
  const Secret input = joined({mlkem.expose(), x25519_secret.expose(), ciphertext, public_key, kLabel});
  Secret out(32);
  unsigned size = 0;
  CLOISTER_CHECK(EVP_Digest(input.expose().data(), input.size(), out.expose_mutable().data(), &size, EVP_sha3_256(),
                            nullptr) == 1);
  return out;
}

Secret dhkem_shared_secret(const Secret& dh, ByteView encapsulated, ByteView public_key) {
  static constexpr std::uint8_t kSuite[] = {'K', 'E', 'M', 0x00, 0x20};
  const Secret extracted = labeled_extract({}, kSuite, "eae_prk", dh.expose());
  return labeled_expand(extracted, kSuite, "shared_secret", joined_public(encapsulated, public_key), 32);
}

}  // namespace

Secret labeled_extract(ByteView salt, ByteView suite_id, std::string_view label, ByteView input) {
  const Secret labeled = joined({as_bytes("HPKE-v1"), suite_id, as_bytes(label), input});
  auto digest = hmac_sha256(Secret::copy_of(salt), labeled.expose());
  Secret out = Secret::copy_of(digest);
  wipe(digest);
  return out;
}

Secret labeled_expand(const Secret& key, ByteView suite_id, std::string_view label, ByteView info, std::size_t size) {
  CLOISTER_CHECK(size <= 32);
  const std::uint8_t length[] = {static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
  static constexpr std::uint8_t kFirstBlock[] = {1};
  const Secret labeled = joined({length, as_bytes("HPKE-v1"), suite_id, as_bytes(label), info, kFirstBlock});
  auto digest = hmac_sha256(key, labeled.expose());
  Secret out = Secret::copy_of(ByteView(digest).first(size));
  wipe(digest);
  return out;
}

Result<Bytes> kem_public_key(HpkeKem kem, const KeyMaterial& seed) {
  if (kem == HpkeKem::kX25519) return x25519_public(x25519_private(seed.secret().expose()).get());
  const Secret expanded = xwing_expand(seed);
  const Pkey mlkem = mlkem_from_seed(expanded.expose().first(kMlKemSeedSize));
  Bytes public_key(kMlKemPublicSize);
  std::size_t size = public_key.size();
  CLOISTER_CHECK(EVP_PKEY_get_raw_public_key(mlkem.get(), public_key.data(), &size) == 1 && size == kMlKemPublicSize);
  return joined_public(public_key, x25519_public(x25519_private(expanded.expose().subspan(kMlKemSeedSize)).get()));
}

Status kem_check_public_key(HpkeKem kem, ByteView public_key) {
  if (public_key.size() != hpke_public_key_size(kem)) return bad_public_key();
  if (kem == HpkeKem::kXWing && mlkem_public(public_key.first(kMlKemPublicSize)) == nullptr) return bad_public_key();
  // Any scalar shows a point of low order.
  Secret scalar(kX25519Size);
  scalar.expose_mutable()[0] = 0x40;
  const auto shared = x25519(x25519_private(scalar.expose()).get(), public_key.last(kX25519Size));
  if (!shared.ok()) return shared.error();
  return {};
}

Result<Encapsulation> kem_encapsulate(HpkeKem kem, ByteView public_key, Random& random) {
  if (kem == HpkeKem::kX25519) {
    Secret scalar(kX25519Size);
    random.fill(scalar.expose_mutable());
    const Pkey ephemeral = x25519_private(scalar.expose());
    Bytes encapsulated = x25519_public(ephemeral.get());
    CLOISTER_TRY(const Secret dh, x25519(ephemeral.get(), public_key));
    Secret shared = dhkem_shared_secret(dh, encapsulated, public_key);
    return Encapsulation{std::move(shared), std::move(encapsulated)};
  }
  Secret entropy(64);
  random.fill(entropy.expose_mutable());
  CLOISTER_TRY(Encapsulation mlkem, mlkem_encapsulate(public_key.first(kMlKemPublicSize), entropy.expose().first(32)));
  const ByteView peer = public_key.subspan(kMlKemPublicSize);
  const Pkey ephemeral = x25519_private(entropy.expose().subspan(32));
  const Bytes x25519_encapsulated = x25519_public(ephemeral.get());
  CLOISTER_TRY(const Secret dh, x25519(ephemeral.get(), peer));
  Secret shared = xwing_combine(mlkem.shared_secret, dh, x25519_encapsulated, peer);
  return Encapsulation{std::move(shared), joined_public(mlkem.encapsulated, x25519_encapsulated)};
}

Result<Secret> kem_decapsulate(HpkeKem kem, const KeyMaterial& seed, ByteView public_key, ByteView encapsulated) {
  if (encapsulated.size() != hpke_encapsulated_size(kem)) {
    return Error(Code::kDenied, "the encapsulated key has the wrong size");
  }
  if (kem == HpkeKem::kX25519) {
    CLOISTER_TRY(const Secret dh, x25519(x25519_private(seed.secret().expose()).get(), encapsulated));
    return dhkem_shared_secret(dh, encapsulated, public_key);
  }
  const Secret expanded = xwing_expand(seed);
  const Pkey mlkem = mlkem_from_seed(expanded.expose().first(kMlKemSeedSize));
  CLOISTER_TRY(const Secret mlkem_secret, mlkem_decapsulate(mlkem.get(), encapsulated.first(kMlKemCiphertextSize)));
  const ByteView x25519_encapsulated = encapsulated.subspan(kMlKemCiphertextSize);
  const Pkey own = x25519_private(expanded.expose().subspan(kMlKemSeedSize));
  CLOISTER_TRY(const Secret dh, x25519(own.get(), x25519_encapsulated));
  return xwing_combine(mlkem_secret, dh, x25519_encapsulated, public_key.subspan(kMlKemPublicSize));
}

}  // namespace cloister::crypto
