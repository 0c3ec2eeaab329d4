#include "crypto/tpm_credential.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "crypto/key_agreement.h"

namespace cloister::crypto {
namespace {

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Freeing<EVP_CIPHER_CTX_free>>;

// With the zero at its end, which TPMs count.
constexpr std::string_view kIdentity{"IDENTITY", 9};
constexpr std::string_view kStorage{"STORAGE", 8};
constexpr std::string_view kIntegrity{"INTEGRITY", 10};

const EVP_MD* digest_of(TpmNameHash hash) {
  return hash == TpmNameHash::kSha256 ? EVP_sha256() : hash == TpmNameHash::kSha384 ? EVP_sha384() : EVP_sha512();
}

std::size_t digest_size(TpmNameHash hash) { return static_cast<std::size_t>(EVP_MD_get_size(digest_of(hash))); }

void put32(Bytes& to, std::size_t value) {
  for (int i = 3; i >= 0; --i) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
void put16(Bytes& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}
void put(Bytes& to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

Secret hmac(TpmNameHash hash, const Secret& key, ByteView bytes) {
  Secret out(digest_size(hash));
  unsigned size = 0;
  CLOISTER_CHECK(HMAC(digest_of(hash), key.expose().data(), static_cast<int>(key.size()), bytes.data(), bytes.size(),
                      out.expose_mutable().data(), &size) != nullptr);
  return out;
}

// KDFa, one round: every key here is at most one digest long. Part 1: 11.4.10.2.
Secret kdfa(TpmNameHash hash, const Secret& key, std::string_view label, ByteView context, std::size_t size) {
  Bytes input;
  put32(input, 1);
  put(input, as_bytes(label));
  put(input, context);
  put32(input, 8 * size);
  const Secret block = hmac(hash, key, input);
  CLOISTER_CHECK(size <= block.size());
  return Secret::copy_of(block.expose().first(size));
}

// KDFe, one round. Part 1: 11.4.10.3.
Secret kdfe(TpmNameHash hash, const Secret& shared, ByteView ephemeral_x, ByteView endorsement_x) {
  Secret input(4 + shared.size() + kIdentity.size() + ephemeral_x.size() + endorsement_x.size());
  std::uint8_t* to = input.expose_mutable().data();
  static constexpr std::array<std::uint8_t, 4> kRound{0, 0, 0, 1};
  to = std::ranges::copy(kRound, to).out;
  to = std::ranges::copy(shared.expose(), to).out;
  to = std::ranges::copy(as_bytes(kIdentity), to).out;
  to = std::ranges::copy(ephemeral_x, to).out;
  std::ranges::copy(endorsement_x, to);
  Secret seed(digest_size(hash));
  CLOISTER_CHECK(EVP_Digest(input.expose().data(), input.size(), seed.expose_mutable().data(), nullptr, digest_of(hash),
                            nullptr) == 1);
  return seed;
}

Bytes encrypt_cfb(const Secret& key, ByteView plaintext) {
  static constexpr std::array<std::uint8_t, 16> kZero{};
  const CipherContext context(EVP_CIPHER_CTX_new());
  const EVP_CIPHER* cipher = key.size() == 16 ? EVP_aes_128_cfb128() : EVP_aes_256_cfb128();
  Bytes out(plaintext.size());
  int size = 0;
  CLOISTER_CHECK(
      EVP_EncryptInit_ex2(context.get(), cipher, key.expose().data(), kZero.data(), nullptr) == 1 &&
      EVP_EncryptUpdate(context.get(), out.data(), &size, plaintext.data(), static_cast<int>(plaintext.size())) == 1);
  return out;
}

struct SharedSeed {
  Secret seed;
  Bytes sealed;  // to the endorsement key
};

Result<SharedSeed> seal_by_rsa(const PublicKey& endorsement, TpmNameHash hash, Random& random) {
  SharedSeed shared{Secret(digest_size(hash)), {}};
  random.fill(shared.seed.expose_mutable());
  const PkeyHandle handle = public_handle(endorsement);
  const PkeyContextHandle context(EVP_PKEY_CTX_new(handle.get(), nullptr));
  shared.sealed.resize(static_cast<std::size_t>(EVP_PKEY_get_size(handle.get())));
  std::size_t size = shared.sealed.size();
  void* label = OPENSSL_memdup(kIdentity.data(), kIdentity.size());
  // The label is the context's once it was set.
  const bool begun = context != nullptr && EVP_PKEY_encrypt_init(context.get()) == 1 &&
                     EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
                     EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), digest_of(hash)) == 1 &&
                     EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), digest_of(hash)) == 1;
  if (!begun || EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), label, static_cast<int>(kIdentity.size())) != 1) {
    OPENSSL_free(label);
    return agreement_failed();
  }
  if (EVP_PKEY_encrypt(context.get(), shared.sealed.data(), &size, shared.seed.expose().data(), shared.seed.size()) !=
      1) {
    return agreement_failed();
  }
  return shared;
}

Result<SharedSeed> seal_by_curve(const PublicKey& endorsement, TpmNameHash hash, Random& random) {
  CLOISTER_TRY(const EphemeralKey ephemeral, ephemeral_on(endorsement.type(), random));
  CLOISTER_TRY(const Secret point, agree_on_secret(ephemeral.handle.get(), endorsement));
  const std::size_t size = ec_coordinate_size(endorsement.type());
  const ByteView x = ephemeral.public_key.raw().subspan(1, size);
  SharedSeed shared{kdfe(hash, point, x, endorsement.raw().subspan(1, size)), {}};
  put16(shared.sealed, size);
  put(shared.sealed, x);
  put16(shared.sealed, size);
  put(shared.sealed, ephemeral.public_key.raw().last(size));
  return shared;
}

}  // namespace

Result<SealedTpmCredential> seal_tpm_credential(const PublicKey& endorsement, const TpmProtection& protection,
                                                ByteView key_name, const Secret& credential, Random& random) {
  const TpmNameHash hash = protection.hash;
  if (credential.empty() || credential.size() > digest_size(hash)) {
    return Error(Code::kInvalid, "a TPM's credential is 1 to " + std::to_string(digest_size(hash)) + " bytes long");
  }
  if (endorsement.type() == KeyType::kEd25519 || (protection.aes_bits != 128 && protection.aes_bits != 256)) {
    return Error(Code::kInvalid, "credentials aren't sealed to keys of this kind");
  }
  const QuietErrors quiet;
  CLOISTER_TRY(const SharedSeed shared, endorsement.type() == KeyType::kRsa ? seal_by_rsa(endorsement, hash, random)
                                                                            : seal_by_curve(endorsement, hash, random));
  Secret sized(2 + credential.size());
  sized.expose_mutable()[1] = static_cast<std::uint8_t>(credential.size());
  std::ranges::copy(credential.expose(), sized.expose_mutable().data() + 2);
  const Bytes identity =
      encrypt_cfb(kdfa(hash, shared.seed, kStorage, key_name, protection.aes_bits / 8), sized.expose());
  Bytes covered = identity;
  put(covered, key_name);
  const Secret integrity = hmac(hash, kdfa(hash, shared.seed, kIntegrity, {}, digest_size(hash)), covered);
  SealedTpmCredential sealed{{}, shared.sealed};
  put16(sealed.object, integrity.size());
  put(sealed.object, integrity.expose());
  put(sealed.object, identity);
  return sealed;
}

}  // namespace cloister::crypto
