#include "crypto/hkdf.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <memory>

namespace cloister::crypto {
namespace {

struct ContextFree {
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }  // clears its copies of key and info
};
using Context = std::unique_ptr<EVP_KDF_CTX, ContextFree>;

EVP_KDF_CTX* make_template() {
  EVP_KDF* const method = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  CLOISTER_CHECK(method != nullptr);
  EVP_KDF_CTX* const context = EVP_KDF_CTX_new(method);
  EVP_KDF_free(method);
  CLOISTER_CHECK(context != nullptr);
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  char digest[] = "SHA512";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  CLOISTER_CHECK(EVP_KDF_CTX_set_params(context, parameters) == 1);
  return context;
}

// A copy of a context that has its digest costs a third less than one that looks the digest up by name.
Context expand_context() {
  static const EVP_KDF_CTX* const prepared = make_template();
  Context context(EVP_KDF_CTX_dup(prepared));
  CLOISTER_CHECK(context != nullptr);
  return context;
}

}  // namespace

Secret hkdf_expand_sha512(const Secret& key, ByteView info, std::size_t size) {
  CLOISTER_CHECK(size > 0 && size <= 255 * 64);
  const Context context = expand_context();
  const ByteView raw = key.expose();
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<std::uint8_t*>(raw.data()), raw.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<std::uint8_t*>(info.data()), info.size()),
      OSSL_PARAM_construct_end(),
  };
  Secret out(size);
  CLOISTER_CHECK(EVP_KDF_derive(context.get(), out.expose_mutable().data(), size, parameters) == 1);
  return out;
}

Info::Info(std::string_view label) {
  bytes_.reserve(256);  // most are shorter: one allocation
  field(as_bytes(label));
}

Info& Info::field(ByteView bytes) {
  CLOISTER_CHECK(bytes.size() <= 0xFFFF);
  std::uint8_t size[2];
  store_le(size, static_cast<std::uint16_t>(bytes.size()));
  bytes_.insert(bytes_.end(), size, size + 2);
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

Info& Info::field_u16(std::uint16_t value) {
  std::uint8_t raw[sizeof value];
  store_le(raw, value);
  return field(raw);
}

Info& Info::field_u64(std::uint64_t value) {
  std::uint8_t raw[sizeof value];
  store_le(raw, value);
  return field(raw);
}

}  // namespace cloister::crypto
