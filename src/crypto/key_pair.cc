#include "crypto/key_pair.h"

#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "crypto/openssl_handles.h"

namespace cloister::crypto {
namespace {

using Pkcs8Handle = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Freeing<PKCS8_PRIV_KEY_INFO_free>>;

Error failed(std::string_view what) {
  return Error(Code::kInternal, "the cryptographic library can't " + std::string(what));
}

EVP_PKEY* generate(PairKind kind) {
  switch (kind) {
    case PairKind::kP256: return EVP_EC_gen("P-256");
    case PairKind::kP384: return EVP_EC_gen("P-384");
    case PairKind::kEd25519: return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    case PairKind::kRsa2048: return EVP_RSA_gen(2048);
    case PairKind::kRsa3072: return EVP_RSA_gen(3072);
    case PairKind::kRsa4096: return EVP_RSA_gen(4096);
  }
  return nullptr;
}

struct Scheme {
  const char* digest;  // null for Ed25519
  int padding;         // of RSA; 0 for others
  int key_type;
};

Scheme scheme_of(SignatureAlgorithm algorithm) {
  using enum SignatureAlgorithm;
  switch (algorithm) {
    case kEcdsaSha256: return {"SHA256", 0, EVP_PKEY_EC};
    case kEcdsaSha384: return {"SHA384", 0, EVP_PKEY_EC};
    case kEcdsaSha512: return {"SHA512", 0, EVP_PKEY_EC};
    case kEd25519: return {nullptr, 0, EVP_PKEY_ED25519};
    case kRsaPkcs1Sha256: return {"SHA256", RSA_PKCS1_PADDING, EVP_PKEY_RSA};
    case kRsaPkcs1Sha384: return {"SHA384", RSA_PKCS1_PADDING, EVP_PKEY_RSA};
    case kRsaPkcs1Sha512: return {"SHA512", RSA_PKCS1_PADDING, EVP_PKEY_RSA};
    case kRsaPssSha256: return {"SHA256", RSA_PKCS1_PSS_PADDING, EVP_PKEY_RSA};
    case kRsaPssSha384: return {"SHA384", RSA_PKCS1_PSS_PADDING, EVP_PKEY_RSA};
    case kRsaPssSha512: return {"SHA512", RSA_PKCS1_PSS_PADDING, EVP_PKEY_RSA};
  }
  return {nullptr, 0, 0};
}

Status check(const EVP_PKEY* key, const Scheme& scheme, Signed what) {
  if (EVP_PKEY_get_base_id(key) != scheme.key_type) {
    return Error(Code::kInvalid, "keys of this kind don't sign with that algorithm");
  }
  if (what == Signed::kDigest && scheme.digest == nullptr) {
    return Error(Code::kInvalid, "Ed25519 signs messages, not digests");
  }
  return {};
}

bool set_padding(EVP_PKEY_CTX* context, const Scheme& scheme) {
  if (scheme.padding == 0) return true;
  if (EVP_PKEY_CTX_set_rsa_padding(context, scheme.padding) != 1) return false;
  return scheme.padding != RSA_PKCS1_PSS_PADDING ||
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

// A context for signing (or verifying) a digest that is there already. Null with an Error for a wrong length.
Result<PkeyContextHandle> digest_context(EVP_PKEY* key, const Scheme& scheme, ByteView digest,
                                         int (*init)(EVP_PKEY_CTX*)) {
  const EVP_MD* hash = EVP_get_digestbyname(scheme.digest);
  if (hash == nullptr) return failed("hash");
  if (digest.size() != static_cast<std::size_t>(EVP_MD_get_size(hash))) {
    return Error(Code::kInvalid, "the digest isn't as long as that algorithm's");
  }
  PkeyContextHandle context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (context == nullptr || init(context.get()) != 1 || !set_padding(context.get(), scheme) ||
      EVP_PKEY_CTX_set_signature_md(context.get(), hash) != 1) {
    return failed("use the key");
  }
  return context;
}

Result<Bytes> sign_digest(EVP_PKEY* key, const Scheme& scheme, ByteView digest) {
  CLOISTER_TRY(const PkeyContextHandle context, digest_context(key, scheme, digest, EVP_PKEY_sign_init));
  std::size_t size = 0;
  if (EVP_PKEY_sign(context.get(), nullptr, &size, digest.data(), digest.size()) != 1) return failed("sign");
  Bytes signature(size);
  if (EVP_PKEY_sign(context.get(), signature.data(), &size, digest.data(), digest.size()) != 1) return failed("sign");
  signature.resize(size);
  return signature;
}

Result<Bytes> sign_message(EVP_PKEY* key, const Scheme& scheme, ByteView message) {
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* inner = nullptr;
  if (context == nullptr ||
      EVP_DigestSignInit_ex(context.get(), &inner, scheme.digest, nullptr, nullptr, key, nullptr) != 1 ||
      !set_padding(inner, scheme)) {
    return failed("use the key");
  }
  std::size_t size = 0;
  if (EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) != 1) return failed("sign");
  Bytes signature(size);
  if (EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1) {
    return failed("sign");
  }
  signature.resize(size);
  return signature;
}

}  // namespace

Result<MadePair> generate_key_pair(PairKind kind) {
  const QuietErrors quiet;
  const PkeyHandle key(generate(kind));
  if (key == nullptr) return failed("make a key pair");
  const Pkcs8Handle info(EVP_PKEY2PKCS8(key.get()));
  if (info == nullptr) return failed("write a private key");
  const int private_size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr);
  const int public_size = i2d_PUBKEY(key.get(), nullptr);
  if (private_size <= 0 || public_size <= 0) return failed("write a key pair");
  MadePair pair{Secret(static_cast<std::size_t>(private_size)), Bytes(static_cast<std::size_t>(public_size))};
  std::uint8_t* to = pair.private_key.expose_mutable().data();
  std::uint8_t* to_public = pair.public_key.data();
  if (i2d_PKCS8_PRIV_KEY_INFO(info.get(), &to) != private_size || i2d_PUBKEY(key.get(), &to_public) != public_size) {
    return failed("write a key pair");
  }
  return pair;
}

Result<Bytes> sign_with(const Secret& private_key, SignatureAlgorithm algorithm, Signed what, ByteView bytes) {
  const QuietErrors quiet;
  const std::uint8_t* from = private_key.expose().data();
  const Pkcs8Handle info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &from, static_cast<long>(private_key.size())));
  const PkeyHandle key(info == nullptr ? nullptr : EVP_PKCS82PKEY(info.get()));
  if (key == nullptr) return Error(Code::kInvalid, "this is no private key");
  const Scheme scheme = scheme_of(algorithm);
  CLOISTER_RETURN_IF_ERROR(check(key.get(), scheme, what));
  return what == Signed::kDigest ? sign_digest(key.get(), scheme, bytes) : sign_message(key.get(), scheme, bytes);
}

Status verify_with(ByteView public_key, SignatureAlgorithm algorithm, Signed what, ByteView bytes, ByteView signature) {
  const QuietErrors quiet;
  const std::uint8_t* from = public_key.data();
  const PkeyHandle key(d2i_PUBKEY(nullptr, &from, static_cast<long>(public_key.size())));
  if (key == nullptr) return Error(Code::kInvalid, "this is no public key");
  const Scheme scheme = scheme_of(algorithm);
  CLOISTER_RETURN_IF_ERROR(check(key.get(), scheme, what));
  int verified = 0;
  if (what == Signed::kDigest) {
    CLOISTER_TRY(const PkeyContextHandle context, digest_context(key.get(), scheme, bytes, EVP_PKEY_verify_init));
    verified = EVP_PKEY_verify(context.get(), signature.data(), signature.size(), bytes.data(), bytes.size());
  } else {
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* inner = nullptr;
    if (context == nullptr ||
        EVP_DigestVerifyInit_ex(context.get(), &inner, scheme.digest, nullptr, nullptr, key.get(), nullptr) != 1 ||
        !set_padding(inner, scheme)) {
      return failed("use the key");
    }
    verified = EVP_DigestVerify(context.get(), signature.data(), signature.size(), bytes.data(), bytes.size());
  }
  if (verified == 1) return {};
  return Error(Code::kCorrupt, "the signature isn't this key's over it");
}

Bytes hmac_sha2(unsigned bits, const Secret& key, ByteView bytes) {
  const char* name = bits == 256 ? "SHA256" : bits == 384 ? "SHA384" : "SHA512";
  Bytes mac(bits / 8);
  std::size_t size = 0;
  CLOISTER_CHECK(EVP_Q_mac(nullptr, "HMAC", nullptr, name, nullptr, key.expose().data(), key.size(), bytes.data(),
                           bytes.size(), mac.data(), mac.size(), &size) != nullptr);
  CLOISTER_CHECK(size == mac.size());
  return mac;
}

}  // namespace cloister::crypto
