// What the name of a cipher suite says.
#include "probe/tls/cipher_suites.h"

#include <algorithm>
#include <iterator>

#include "base/bytes.h"

namespace cloister::probe {
namespace {

struct Sslv2Suite {
  std::uint32_t code;
  std::string_view name;
};
constexpr Sslv2Suite kSslv2[] = {
    {0x010080, "SSL_CK_RC4_128_WITH_MD5"},         {0x020080, "SSL_CK_RC4_128_EXPORT40_WITH_MD5"},
    {0x030080, "SSL_CK_RC2_128_CBC_WITH_MD5"},     {0x040080, "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5"},
    {0x050080, "SSL_CK_IDEA_128_CBC_WITH_MD5"},    {0x060040, "SSL_CK_DES_64_CBC_WITH_MD5"},
    {0x0700c0, "SSL_CK_DES_192_EDE3_CBC_WITH_MD5"}};
constexpr std::uint32_t kSslv2Codes[] = {0x010080, 0x020080, 0x030080, 0x040080, 0x050080, 0x060040, 0x0700c0};

}  // namespace

std::string suite_name(std::uint16_t code) {
  const auto all = cipher_suites();
  const auto found = std::ranges::lower_bound(all, code, {}, &CipherSuite::code);
  if (found != all.end() && found->code == code) return std::string(found->name);
  const std::uint8_t bytes[] = {static_cast<std::uint8_t>(code >> 8), static_cast<std::uint8_t>(code)};
  return "0x" + to_hex(bytes);
}

SuiteTraits traits_of(std::string_view name) {
  const auto has = [name](std::string_view word) { return name.find(word) != std::string_view::npos; };
  SuiteTraits traits;
  traits.tls13 =
      name.starts_with("TLS_AES_") || name.starts_with("TLS_CHACHA20_") || name.starts_with("TLS_SM4_") || has("_MGM_");
  traits.null = has("WITH_NULL");
  traits.anonymous = has("_anon_");
  traits.exported = has("EXPORT");
  traits.rc4 = has("RC4_");
  traits.rc2 = has("RC2_");
  traits.triple_des = has("3DES");
  traits.des = !traits.triple_des && has("_DES");
  traits.idea = has("IDEA");
  traits.cbc = has("_CBC");
  traits.chacha = has("CHACHA20");
  traits.aead = has("_GCM") || has("_CCM") || has("_OCB") || has("_MGM") || traits.chacha;
  traits.short_tag = has("_CCM_8");
  traits.md5 = name.ends_with("_MD5");
  traits.sha2_mac = !traits.aead && (name.ends_with("_SHA256") || name.ends_with("_SHA384"));
  traits.shared_key = has("PSK") || has("SRP") || has("KRB5") || has("ECCPWD");
  traits.static_rsa = name.starts_with("TLS_RSA_") || name.starts_with("SSL_RSA_");
  traits.static_dh = name.starts_with("TLS_DH_RSA") || name.starts_with("TLS_DH_DSS") ||
                     name.starts_with("TLS_ECDH_RSA") || name.starts_with("TLS_ECDH_ECDSA");
  traits.ecdhe = has("ECDHE") || has("ECDH_anon");
  traits.dhe = !traits.ecdhe && (has("DHE_") || has("DH_anon"));
  traits.ecdsa = has("ECDSA");
  return traits;
}

SuiteTraits traits_of(std::uint16_t code) { return traits_of(suite_name(code)); }

std::span<const std::uint32_t> sslv2_suites() { return kSslv2Codes; }

std::string sslv2_suite_name(std::uint32_t code) {
  const auto* const found = std::ranges::find(kSslv2, code, &Sslv2Suite::code);
  if (found != std::end(kSslv2)) return std::string(found->name);
  const std::uint8_t bytes[] = {static_cast<std::uint8_t>(code >> 16), static_cast<std::uint8_t>(code >> 8),
                                static_cast<std::uint8_t>(code)};
  return "0x" + to_hex(bytes);
}

}  // namespace cloister::probe
