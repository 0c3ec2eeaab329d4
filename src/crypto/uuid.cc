// Version 5 of RFC 9562; the only place that computes SHA-1 for itself.
#include "crypto/uuid.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

namespace cloister::crypto {
namespace {

constexpr std::size_t kSha1Size = 20;

const EVP_MD* sha1() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  CLOISTER_CHECK(algorithm != nullptr);
  return algorithm;
}

}  // namespace

Uuid name_uuid(const Uuid& name_space, std::string_view name) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::array<std::uint8_t, kSha1Size> digest{};
  CLOISTER_CHECK(context != nullptr && EVP_DigestInit_ex2(context.get(), sha1(), nullptr) == 1 &&
                 EVP_DigestUpdate(context.get(), name_space.data(), name_space.size()) == 1 &&
                 EVP_DigestUpdate(context.get(), name.data(), name.size()) == 1 &&
                 EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  Uuid uuid;
  std::copy_n(digest.begin(), uuid.size(), uuid.begin());
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0F) | 0x50);
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3F) | 0x80);
  return uuid;
}

std::string uuid_text(const Uuid& uuid) {
  std::string text = to_hex(uuid);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) text.insert(at, 1, '-');
  return text;
}

}  // namespace cloister::crypto
