#include "crypto/rsa_public.h"

#include <openssl/rsa.h>

#include "crypto/openssl_handles.h"

namespace cloister::crypto {
namespace {

using CertificateHandle = std::unique_ptr<X509, Freeing<X509_free>>;
constexpr int kBitsMax = 16384;

}  // namespace

Result<RsaPublic> RsaPublic::of_certificate(ByteView der) {
  const QuietErrors quiet;
  const std::uint8_t* at = der.data();
  const CertificateHandle certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (certificate == nullptr) return Error(Code::kInvalid, "not a certificate");
  std::shared_ptr<EVP_PKEY> key(X509_get_pubkey(certificate.get()), EVP_PKEY_free);
  if (key == nullptr || EVP_PKEY_is_a(key.get(), "RSA") != 1 || EVP_PKEY_get_bits(key.get()) > kBitsMax) {
    return Error(Code::kUnsupported, "the certificate's key isn't an RSA key that is usable here");
  }
  return RsaPublic(std::move(key));
}

std::size_t RsaPublic::size_bytes() const { return static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())); }

Result<Bytes> RsaPublic::insecure_apply_unpadded(ByteView block) const {
  const QuietErrors quiet;
  const Error refusal(Code::kInvalid, "the block doesn't fit the RSA key");
  if (block.size() != size_bytes()) return refusal;
  const PkeyContextHandle context(EVP_PKEY_CTX_new(key_.get(), nullptr));
  const bool ready = context != nullptr && EVP_PKEY_encrypt_init(context.get()) == 1 &&
                     EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) == 1;
  if (!ready) return Error(Code::kInternal, "set up the RSA operation");
  Bytes out(block.size());
  std::size_t size = out.size();
  if (EVP_PKEY_encrypt(context.get(), out.data(), &size, block.data(), block.size()) != 1) return refusal;
  out.resize(size);
  return out;
}

}  // namespace cloister::crypto
