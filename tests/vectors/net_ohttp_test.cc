// Oblivious HTTP against the examples of RFC 9458 and of the draft for chunks, both ways and changed.
#include <gtest/gtest.h>

#include "net/binary_http.h"
#include "net/ohttp.h"
#include "net/varint.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/hex.h"
#include "tests/support/vectors.h"

namespace cloister::net {
namespace {

using cloister::testing::key_of;
using cloister::testing::load_json;
using cloister::testing::ScriptedRandom;
using cloister::testing::unhex;
using Json = nlohmann::json;

Bytes field(const Json& json, const char* name) { return unhex(json.at(name).get<std::string>()); }

struct Example {
  explicit Example(const Path& path)
      : json(load_json(path)),
        key(parse_ohttp_key(field(json, "key_configuration")).value()),
        private_key(
            crypto::HpkePrivateKey::from_seed(crypto::HpkeKem::kX25519, key_of(field(json, "gateway_secret_key")))
                .value()) {}

  OhttpSender sender(OhttpForm form) const {
    ScriptedRandom random(field(json, "client_ephemeral_secret_key"));
    return OhttpSender::create(key, form, random).value();
  }
  // The request as these chunks, behind the header: a final chunk is one whose length is written as zero.
  Result<OhttpOpened> open(ByteView request) const {
    auto receiver = OhttpReceiver::create(key, private_key, OhttpForm::kChunked, request);
    if (!receiver.ok()) return receiver.error();
    return receiver->open(1000);
  }

  Json json;
  OhttpKey key;
  crypto::HpkePrivateKey private_key;
};

TEST(OhttpVectors, ExampleOfRfc9458) {
  CLOISTER_VECTORS_OR_SKIP(path, "ohttp/rfc9458-appendix-a.json");
  const Example example(path);
  EXPECT_EQ(to_hex(example.private_key.public_key().bytes()), to_hex(field(example.json, "gateway_public_key")));
  EXPECT_EQ(to_hex(encode_ohttp_key(example.key)), to_hex(field(example.json, "key_configuration")));

  OhttpSender sender = example.sender(OhttpForm::kWhole);
  Buffer request;
  const Bytes plaintext = field(example.json, "request_plaintext");
  sender.seal(plaintext, Last::kYes, request);
  EXPECT_EQ(to_hex(request), to_hex(field(example.json, "encapsulated_request")));

  auto receiver = OhttpReceiver::create(example.key, example.private_key, OhttpForm::kWhole, request);
  ASSERT_TRUE(receiver.ok());
  const auto opened = receiver->open(1000);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(to_hex(opened->plaintext), to_hex(plaintext));
  const auto inner = parse_binary_request(opened->plaintext, {});
  ASSERT_TRUE(inner.ok());
  EXPECT_EQ(inner->authority, "example.com");

  ScriptedRandom nonce(field(example.json, "response_nonce"));
  Buffer response;
  receiver->respond(nonce).seal(field(example.json, "response_plaintext"), Last::kYes, response);
  EXPECT_EQ(to_hex(response), to_hex(field(example.json, "encapsulated_response")));
  const auto answer = sender.open(response, 1000);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(parse_binary_response(answer->plaintext, {}).value().status, 200U);
}

TEST(OhttpVectors, ExampleInChunks) {
  CLOISTER_VECTORS_OR_SKIP(path, "ohttp/chunked-ohttp-example.json");
  const Example example(path);
  OhttpSender sender = example.sender(OhttpForm::kChunked);
  Buffer request;
  for (const Json& chunk : example.json.at("request_chunks")) {
    sender.seal(field(chunk, "plaintext"), chunk.at("final").get<bool>() ? Last::kYes : Last::kNo, request);
  }
  EXPECT_EQ(to_hex(request), to_hex(field(example.json, "encapsulated_request")));

  auto receiver = OhttpReceiver::create(example.key, example.private_key, OhttpForm::kChunked, request);
  ASSERT_TRUE(receiver.ok());
  const auto opened = receiver->open(1000);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(to_hex(opened->plaintext), to_hex(field(example.json, "request_plaintext")));

  ScriptedRandom nonce(field(example.json, "response_nonce"));
  OhttpResponder responder = receiver->respond(nonce);
  Buffer response;
  for (const Json& chunk : example.json.at("response_chunks")) {
    responder.seal(field(chunk, "plaintext"), chunk.at("final").get<bool>() ? Last::kYes : Last::kNo, response);
  }
  EXPECT_EQ(to_hex(response), to_hex(field(example.json, "encapsulated_response")));
  const auto answer = sender.open(response, 1000);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(to_hex(answer->plaintext), to_hex(field(example.json, "response_plaintext")));
}

TEST(OhttpVectors, ChunksDroppedSwappedRepeatedOrEndedEarly) {
  CLOISTER_VECTORS_OR_SKIP(path, "ohttp/chunked-ohttp-example.json");
  const Example example(path);
  const Bytes head = field(example.json, "encapsulated_request_header");
  const Json& chunks = example.json.at("request_chunks");
  const auto request = [&](std::initializer_list<std::size_t> order, bool end = true) {
    Bytes out = head;
    for (const std::size_t index : order) {
      for (const char* part : {"length_prefix", "ciphertext"}) {
        const Bytes bytes = field(chunks.at(index), part);
        out.insert(out.end(), bytes.begin(), bytes.end());
      }
    }
    if (end) {
      const Bytes last = field(chunks.at(2), "ciphertext");
      out.push_back(0);
      out.insert(out.end(), last.begin(), last.end());
    }
    return out;
  };
  EXPECT_TRUE(example.open(request({0, 1})).ok());
  EXPECT_EQ(example.open(request({0, 1}, false)).error().code(), Code::kDenied) << "no last chunk";
  EXPECT_EQ(example.open(request({1, 0})).error().code(), Code::kDenied) << "swapped";
  EXPECT_EQ(example.open(request({0, 1, 1})).error().code(), Code::kDenied) << "repeated";
  EXPECT_EQ(example.open(request({0})).error().code(), Code::kDenied) << "dropped";
  EXPECT_EQ(example.open(request({})).error().code(), Code::kDenied) << "all dropped";

  Bytes early = head;
  early.push_back(0);
  const Bytes first = field(chunks.at(0), "ciphertext");
  early.insert(early.end(), first.begin(), first.end());
  EXPECT_EQ(example.open(early).error().code(), Code::kDenied) << "a first chunk in the last one's place";
}

TEST(OhttpVectors, AnotherFormOfTheSameLength) {
  CLOISTER_VECTORS_OR_SKIP(path, "ohttp/chunked-ohttp-example.json");
  const Example example(path);
  Bytes request = field(example.json, "encapsulated_request_header");
  for (const Json& chunk : example.json.at("request_chunks")) {
    const Bytes ciphertext = field(chunk, "ciphertext");
    const bool last = chunk.at("final").get<bool>();
    request.push_back(0x40);  // two bytes for what fits one
    request.push_back(last ? 0 : static_cast<std::uint8_t>(ciphertext.size()));
    request.insert(request.end(), ciphertext.begin(), ciphertext.end());
  }
  const auto opened = example.open(request);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(to_hex(opened->plaintext), to_hex(field(example.json, "request_plaintext")));
}

}  // namespace
}  // namespace cloister::net
