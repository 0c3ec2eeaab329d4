// HPKE against RFC 9180's own vectors, and against files made by age for its hybrid recipients (X-Wing).
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <sstream>

#include "crypto/hpke.h"
#include "crypto/hpke_context.h"
#include "crypto/kem.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/hex.h"
#include "tests/support/vectors.h"

namespace cloister::crypto {
namespace {

using cloister::testing::key_of;
using cloister::testing::load_json;
using cloister::testing::ScriptedRandom;
using cloister::testing::unhex;
using Json = nlohmann::json;

Bytes field(const Json& json, const char* name) { return unhex(json.at(name).get<std::string>()); }
bool is_ours(const Json& suite) {
  return suite.at("mode") == 0 && suite.at("kem_id") == 0x20 && suite.at("kdf_id") == 1;
}

TEST(HpkeVectors, SealAndOpen) {
  CLOISTER_VECTORS_OR_SKIP(path, "hpke/rfc9180-consecutive.json");
  int count = 0;
  for (const Json& suite : load_json(path)) {
    if (!is_ours(suite) || suite.at("aead_id") != 2) continue;
    const auto key = HpkePrivateKey::from_seed(HpkeKem::kX25519, key_of(field(suite, "skRm")));
    ASSERT_TRUE(key.ok());
    EXPECT_EQ(to_hex(key->public_key().bytes()), suite.at("pkRm").get<std::string>());
    const Json& first = suite.at("encryptions").at(0);
    const Bytes info = field(suite, "info");
    const Bytes aad = field(first, "aad");

    ScriptedRandom random(field(suite, "sender_seed"));
    const auto sealed = hpke_seal(key->public_key(), random, info, aad, Secret::copy_of(field(first, "pt")));
    ASSERT_TRUE(sealed.ok());
    EXPECT_EQ(to_hex(sealed->encapsulated), suite.at("enc").get<std::string>());
    EXPECT_EQ(to_hex(sealed->ciphertext), first.at("ct").get<std::string>());

    const auto opened = hpke_open(*key, info, aad, HpkeSealed{field(suite, "enc"), field(first, "ct")});
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(to_hex(opened->expose()), first.at("pt").get<std::string>());
    const Json& second = suite.at("encryptions").at(1);
    const HpkeSealed later{field(suite, "enc"), field(second, "ct")};
    EXPECT_EQ(hpke_open(*key, info, field(second, "aad"), later).error().code(), Code::kDenied)
        << "only the first message of a context is ours to open";
    ++count;
  }
  EXPECT_EQ(count, 1);
}

// A sender's and a receiver's context through every message and export of one entry.
void run_sequence(const Json& suite, const char* ephemeral) {
  const auto aead = static_cast<HpkeAead>(suite.at("aead_id").get<int>());
  const auto key = HpkePrivateKey::from_seed(HpkeKem::kX25519, key_of(field(suite, "skRm")));
  ASSERT_TRUE(key.ok());
  const Bytes info = field(suite, "info");
  ScriptedRandom random(field(suite, ephemeral));
  auto sender = HpkeSender::create(key->public_key(), random, info, aead);
  auto receiver = HpkeReceiver::create(*key, info, field(suite, "enc"), aead);
  ASSERT_TRUE(sender.ok() && receiver.ok());
  EXPECT_EQ(to_hex(sender->encapsulated()), suite.at("enc").get<std::string>());

  for (const Json& message : suite.at("encryptions")) {
    const Bytes aad = field(message, "aad");
    const Bytes plaintext = field(message, "pt");
    const Bytes ciphertext = field(message, "ct");
    Bytes sealed(plaintext.size() + kTagSize);
    sender->seal(aad, plaintext, sealed);
    EXPECT_EQ(to_hex(sealed), to_hex(ciphertext));
    Bytes opened(plaintext.size());
    ASSERT_TRUE(receiver->open(aad, ciphertext, opened).ok());
    EXPECT_EQ(to_hex(opened), to_hex(plaintext));
    EXPECT_EQ(receiver->open(aad, ciphertext, opened).error().code(), Code::kDenied) << "the same message twice";
  }
  for (const Json& entry : suite.at("exports")) {
    const Bytes context = field(entry, "exporter_context");
    const auto size = entry.at("L").get<std::size_t>();
    const std::string expected = entry.at("exported_value").get<std::string>();
    EXPECT_EQ(to_hex(sender->export_secret(context, size).expose()), expected);
    EXPECT_EQ(to_hex(receiver->export_secret(context, size).expose()), expected);
  }
}

TEST(HpkeVectors, ConsecutiveMessagesAndExports) {
  CLOISTER_VECTORS_OR_SKIP(path, "hpke/rfc9180-consecutive.json");
  int count = 0;
  for (const Json& suite : load_json(path)) {
    if (!is_ours(suite)) continue;
    run_sequence(suite, "sender_seed");
    ++count;
  }
  EXPECT_EQ(count, 2);
}

TEST(HpkeVectors, KeyScheduleOfAppendixA) {
  CLOISTER_VECTORS_OR_SKIP(path, "hpke/rfc9180-appendix-a.json");
  int count = 0;
  for (const Json& suite : load_json(path)) {
    if (!is_ours(suite)) continue;
    const Bytes public_key = field(suite, "pkRm");
    ScriptedRandom random(field(suite, "skEm"));
    const auto sent = kem_encapsulate(HpkeKem::kX25519, public_key, random);
    ASSERT_TRUE(sent.ok());
    EXPECT_EQ(to_hex(sent->encapsulated), suite.at("enc").get<std::string>());
    EXPECT_EQ(to_hex(sent->shared_secret.expose()), suite.at("shared_secret").get<std::string>());
    const auto received =
        kem_decapsulate(HpkeKem::kX25519, key_of(field(suite, "skRm")), public_key, field(suite, "enc"));
    ASSERT_TRUE(received.ok());
    EXPECT_EQ(to_hex(received->expose()), suite.at("shared_secret").get<std::string>());

    const std::uint8_t suite_id[] = {'H', 'P', 'K', 'E', 0, 0x20, 0, 1, 0, suite.at("aead_id").get<std::uint8_t>()};
    const Bytes context = field(suite, "key_schedule_context");
    const Secret psk_id_hash = labeled_extract({}, suite_id, "psk_id_hash", {});
    const Secret info_hash = labeled_extract({}, suite_id, "info_hash", field(suite, "info"));
    EXPECT_EQ(to_hex(context), "00" + to_hex(psk_id_hash.expose()) + to_hex(info_hash.expose()));
    const Secret secret = labeled_extract(received->expose(), suite_id, "secret", {});
    EXPECT_EQ(to_hex(secret.expose()), suite.at("secret").get<std::string>());
    EXPECT_EQ(to_hex(labeled_expand(secret, suite_id, "key", context, 16).expose()),
              suite.at("key").get<std::string>());
    EXPECT_EQ(to_hex(labeled_expand(secret, suite_id, "base_nonce", context, 12).expose()),
              suite.at("base_nonce").get<std::string>());
    EXPECT_EQ(to_hex(labeled_expand(secret, suite_id, "exp", context, 32).expose()),
              suite.at("exporter_secret").get<std::string>());
    ++count;
  }
  EXPECT_EQ(count, 1);
}

Bytes unbase64(std::string text) {
  const std::size_t pad = (4 - text.size() % 4) % 4;
  text.append(pad, '=');
  Bytes out(text.size() / 4 * 3);
  const int size = EVP_DecodeBlock(out.data(), as_bytes(text).data(), static_cast<int>(text.size()));
  CLOISTER_CHECK(size >= 0);
  out.resize(static_cast<std::size_t>(size) - pad);
  return out;
}

// Bech32's data part without its checksum: these are published test keys, a typing error shows in the test itself.
Bytes unbech32(std::string_view text) {
  static constexpr std::string_view kAlphabet = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
  text = text.substr(text.rfind('1') + 1);
  text.remove_suffix(6);
  Bytes out;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    held = held << 5 | static_cast<unsigned>(kAlphabet.find(c));
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<std::uint8_t>(held >> bits));
  }
  return out;
}

struct AgeFile {
  Bytes file_key;
  Bytes identity;
  std::vector<HpkeSealed> stanzas;  // the hybrid ones
};

AgeFile load_age_file(const Path& path) {
  const auto bytes = read_file(path, 1 << 20);
  CLOISTER_CHECK(bytes.ok());
  std::istringstream lines{std::string(as_text(*bytes))};
  AgeFile file;
  for (std::string line; std::getline(lines, line) && !line.starts_with("---");) {
    if (line.starts_with("file key: ")) file.file_key = unhex(line.substr(10));
    if (line.starts_with("identity: AGE-SECRET-KEY-PQ-")) file.identity = unbech32(line.substr(10));
    if (!line.starts_with("-> mlkem768x25519 ")) continue;
    std::string body;
    CLOISTER_CHECK(std::getline(lines, body));
    file.stanzas.push_back({unbase64(line.substr(18)), unbase64(body)});
  }
  return file;
}

// The file key, if one of the stanzas opens with the file's identity.
Result<Secret> open_age_file(const AgeFile& file) {
  constexpr std::string_view kInfo = "age-encryption.org/mlkem768x25519";
  CLOISTER_TRY(const auto key, HpkePrivateKey::from_seed(HpkeKem::kXWing, key_of(file.identity)));
  for (const HpkeSealed& stanza : file.stanzas) {
    auto opened = hpke_open(key, as_bytes(kInfo), {}, stanza, HpkeAead::kChaCha20Poly1305);
    if (opened.ok()) return opened;
    EXPECT_EQ(opened.error().code(), Code::kDenied);
  }
  return Error(Code::kNotFound, "no match");
}

TEST(AgeVectors, HybridFilesOpen) {
  for (const std::string_view name : {"hybrid", "hybrid_and_x25519", "hybrid_grease"}) {
    CLOISTER_VECTORS_OR_SKIP(path, "c2sp/age/" + std::string(name));
    const AgeFile file = load_age_file(path);
    ASSERT_GE(file.stanzas.size(), 1U) << name;
    const auto opened = open_age_file(file);
    ASSERT_TRUE(opened.ok()) << name;
    EXPECT_EQ(to_hex(opened->expose()), to_hex(file.file_key));
  }
}

TEST(AgeVectors, DamagedHybridFilesDoNot) {
  for (const std::string_view name :
       {"hybrid_bad_tag", "hybrid_currupted_enc_mlkem", "hybrid_currupted_enc_x25519", "hybrid_identity",
        "hybrid_low_order", "hybrid_long_share", "hybrid_short_share", "hybrid_no_match"}) {
    CLOISTER_VECTORS_OR_SKIP(path, "c2sp/age/" + std::string(name));
    const AgeFile file = load_age_file(path);
    ASSERT_GE(file.stanzas.size(), 1U) << name;
    EXPECT_FALSE(open_age_file(file).ok()) << name;
  }
}

}  // namespace
}  // namespace cloister::crypto
