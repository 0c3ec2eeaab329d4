// What the names of suites say, and what a hello looks like on the wire.
#include "probe/tls/cipher_suites.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "probe/tls/bytes.h"
#include "probe/tls/client_hello.h"
#include "probe/tls/known_primes.h"
#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

TEST(CipherSuites, AreSortedAndUnique) {
  const auto all = cipher_suites();
  EXPECT_TRUE(std::ranges::is_sorted(all, {}, &CipherSuite::code));
  EXPECT_EQ(std::ranges::adjacent_find(all, {}, &CipherSuite::code), all.end());
  EXPECT_EQ(
      std::ranges::count_if(
          all, [](const CipherSuite& suite) { return traits_of(suite.name).static_rsa && traits_of(suite.name).dhe; }),
      0);
}

TEST(CipherSuites, SignalsAreNoSuites) {
  EXPECT_EQ(suite_name(kScsvFallback), "0x5600");
  EXPECT_EQ(suite_name(kScsvRenegotiation), "0x00ff");
  EXPECT_EQ(suite_name(0xc02f), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
}

TEST(CipherSuites, Traits) {
  EXPECT_TRUE(traits_of(0x1301).tls13);
  EXPECT_TRUE(traits_of(0x1301).forward_secret());
  EXPECT_TRUE(traits_of(0x1301).aead);
  const SuiteTraits old = traits_of(0x000a);  // TLS_RSA_WITH_3DES_EDE_CBC_SHA
  EXPECT_TRUE(old.triple_des && old.cbc && old.static_rsa);
  EXPECT_FALSE(old.des || old.forward_secret() || old.aead);
  const SuiteTraits exported = traits_of(0x0014);  // TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA
  EXPECT_TRUE(exported.exported && exported.dhe && exported.des);
  const SuiteTraits anonymous = traits_of(0x0018);  // TLS_DH_anon_WITH_RC4_128_MD5
  EXPECT_TRUE(anonymous.anonymous && anonymous.rc4 && anonymous.md5 && anonymous.dhe);
  EXPECT_TRUE(traits_of(0xc004).static_dh);  // TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA
  EXPECT_TRUE(traits_of(0xc0a2).short_tag);  // TLS_DHE_RSA_WITH_AES_128_CCM_8
  EXPECT_TRUE(traits_of(0x003b).null);       // TLS_RSA_WITH_NULL_SHA256
  EXPECT_TRUE(traits_of(0x0007).idea);
}

TEST(CipherSuites, NamesOfNumbers) {
  EXPECT_EQ(version_name(kTls12), "TLS 1.2");
  EXPECT_EQ(version_name(0x7f1c), "0x7f1c");
  EXPECT_EQ(group_name(0x11ec), "X25519MLKEM768");
  EXPECT_EQ(scheme_name(0x0904), "mldsa44");
  EXPECT_EQ(alert_name(86), "inappropriate_fallback (86)");
  EXPECT_EQ(alert_name(201), "alert (201)");
  EXPECT_EQ(sslv2_suite_name(0x0700c0), "SSL_CK_DES_192_EDE3_CBC_WITH_MD5");
}

TEST(CipherSuites, APrimeThatManyShare) {
  // RFC 2409 section 6.2.
  const auto prime = from_hex(
      "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd"
      "ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
      "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff");
  EXPECT_EQ(owner_of_prime(prime.value()), "RFC 2409 group 2");
  Bytes other = prime.value();
  other[70] ^= 1;
  EXPECT_EQ(owner_of_prime(other), "");
}

TEST(ClientHelloBytes, WhatIsWrittenIsWhatWasSaid) {
  ClientHello hello;
  hello.suites = {0x1301, 0xc02f};
  hello.set(kExtServerName, server_name_body("a.test"));
  hello.set(0xfafa, Bytes{1});
  hello.set(0xfafa, Bytes{2, 3});
  hello.remove(0x1234);
  const Bytes message = hello.message();
  EXPECT_EQ(message[0], 1);
  TlsReader reader(ByteView(message).subspan(4));
  EXPECT_EQ(reader.u16().value(), 0x0303);
  EXPECT_TRUE(reader.bytes(32).ok());
  EXPECT_EQ(reader.vector8()->size(), 0U);
  EXPECT_EQ(to_hex(reader.vector16().value()), "1301c02f");
  EXPECT_EQ(to_hex(reader.vector8().value()), "00");
  EXPECT_EQ(to_hex(reader.vector16().value()), "0000000b0009000006612e74657374fafa00020203");
  EXPECT_TRUE(reader.at_end());
  const Bytes crumbs = hello.records(10);
  EXPECT_EQ(crumbs.size(), message.size() + 5 * ((message.size() + 9) / 10));
}

TEST(ClientHelloBytes, SharesAreAsLongAsTheirGroupsSay) {
  const Bytes random(32, 5);
  EXPECT_EQ(plausible_share(0x11ec, random).size(), 1216U);
  EXPECT_EQ(plausible_share(0x11eb, random).size(), 65U + 1184U);
  EXPECT_EQ(plausible_share(0x11ed, random).size(), 97U + 1568U);
  EXPECT_EQ(plausible_share(0x0019, random).size(), 133U);
  EXPECT_TRUE(plausible_share(0x6399, random).empty());
}

}  // namespace
}  // namespace cloister::probe
