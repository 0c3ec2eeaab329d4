// Cipher suites by code and name, and what a name says of one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cloister::probe {

struct CipherSuite {
  std::uint16_t code;
  std::string_view name;  // as IANA has it
};

// All that are asked for, by code; those that are signals and no suites aren't among them.
std::span<const CipherSuite> cipher_suites();
// "0x1399" for one that isn't there.
std::string suite_name(std::uint16_t code);

struct SuiteTraits {
  bool tls13 = false;
  bool null = false;
  bool anonymous = false;
  bool exported = false;
  bool rc4 = false, rc2 = false, des = false, triple_des = false, idea = false;
  bool cbc = false;
  bool aead = false;
  bool chacha = false;
  bool short_tag = false;           // CCM_8
  bool md5 = false;                 // as its MAC
  bool sha2_mac = false;            // SHA-256 or SHA-384: TLS 1.2 alone has them
  bool static_rsa = false;          // the key exchange encrypts to the certificate's key
  bool static_dh = false;           // the certificate holds the (EC)DH key
  bool dhe = false, ecdhe = false;  // ephemeral, anonymous ones among them
  bool ecdsa = false;
  bool shared_key = false;  // PSK, SRP or Kerberos take part
  bool forward_secret() const { return tls13 || dhe || ecdhe; }
};
SuiteTraits traits_of(std::string_view name);
SuiteTraits traits_of(std::uint16_t code);

// SSLv2's, three bytes each. "0x123456" for one that isn't there.
std::string sslv2_suite_name(std::uint32_t code);
std::span<const std::uint32_t> sslv2_suites();

}  // namespace cloister::probe
