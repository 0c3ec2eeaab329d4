#include "worker/release_answer.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "tests/support/expect.h"

namespace cloister::worker {
namespace {

using testing::expect_refused;
using testing::value_of;

std::string key_json(std::size_t encapsulated = 32, std::size_t ciphertext = 48) {
  return R"({"encapsulated":")" + to_base64(Bytes(encapsulated, 1)) + R"(","ciphertext":")" +
         to_base64(Bytes(ciphertext, 2)) + R"("})";
}

std::string answer_json(const std::string& keys, const std::string& expires = "2026-11-26T12:00:00Z") {
  return R"({"release":"ab12","lease":{"expires":")" + expires + R"("},"verdict":{},"keys":[)" + keys + "]}";
}

TEST(ReleaseAnswer, KeysAndRefusals) {
  const auto answer = value_of(parse_release_answer(
      as_bytes(answer_json(key_json() + R"(,{"error":{"code":"x","detail":"no such version"}})")), 2));
  EXPECT_EQ(answer.release, "ab12");
  EXPECT_EQ(answer.lease_end, value_of(parse_rfc3339("2026-11-26T12:00:00Z")));
  EXPECT_EQ(std::get<crypto::HpkeSealed>(answer.keys[0]).ciphertext, Bytes(48, 2));
  EXPECT_EQ(std::get<Error>(answer.keys[1]).message(), "the key service: no such version");
}

TEST(ReleaseAnswer, NamesItsPolicyOrNone) {
  const auto with_policy = [](const std::string& policy) {
    return R"({"release":"ab12","lease":{"expires":"2026-11-26T12:00:00Z"},"policy":)" + policy + R"(,"keys":[]})";
  };
  EXPECT_EQ(value_of(parse_release_answer(as_bytes(with_policy(R"({"id":"acme-2027.1","sha256":"ab"})")), 0)).policy,
            "acme-2027.1");
  EXPECT_EQ(value_of(parse_release_answer(as_bytes(answer_json("")), 0)).policy, "");
  for (const char* wrong : {"1", "{}", R"({"id":1})"}) {
    expect_refused(parse_release_answer(as_bytes(with_policy(wrong)), 0), Code::kInvalid, "id");
  }
  for (const std::string& id :
       {std::string(), std::string("two words"), std::string("tab\\t"), std::string(129, 'x')}) {
    expect_refused(parse_release_answer(as_bytes(with_policy(R"({"id":")" + id + R"("})")), 0), Code::kInvalid,
                   "policy");
  }
}

TEST(ReleaseAnswer, OtherNumberOfKeys) {
  expect_refused(parse_release_answer(as_bytes(answer_json(key_json())), 2), Code::kInvalid, "keys");
  expect_refused(parse_release_answer(as_bytes(answer_json("")), 1), Code::kInvalid, "keys");
}

TEST(ReleaseAnswer, SizesThatNoKeyHas) {
  expect_refused(parse_release_answer(as_bytes(answer_json(key_json(31))), 1), Code::kInvalid, "encapsulated");
  expect_refused(parse_release_answer(as_bytes(answer_json(key_json(32, 49))), 1), Code::kInvalid, "ciphertext");
}

TEST(ReleaseAnswer, Malformed) {
  expect_refused(parse_release_answer(as_bytes("{"), 1), Code::kInvalid, "JSON");
  expect_refused(parse_release_answer(as_bytes("{}"), 1), Code::kInvalid, "release");
  expect_refused(parse_release_answer(as_bytes(R"({"release":"a"})"), 1), Code::kInvalid, "lease");
  expect_refused(parse_release_answer(as_bytes(answer_json(key_json(), "soon")), 1), Code::kInvalid, "expires");
  expect_refused(parse_release_answer(as_bytes(answer_json("1")), 1), Code::kInvalid, "encapsulated");
}

TEST(ReleaseAnswer, Challenge) {
  const std::string text = to_base64(Bytes(32, 1), Base64::kUrl);
  EXPECT_EQ(value_of(parse_challenge_answer(as_bytes(R"({"challenge":")" + text + R"("})"))), Bytes(32, 1));
  expect_refused(parse_challenge_answer(as_bytes(R"({"challenge":"AAAA"})")), Code::kInvalid, "challenge");
  expect_refused(parse_challenge_answer(as_bytes(R"({"challenge":1})")), Code::kInvalid, "challenge");
}

TEST(ReleaseAnswer, RefusalsSayTheServicesSentence) {
  const Error refused = refusal_of(net::problem(403, "the lease has ended"));
  EXPECT_EQ(refused.code(), Code::kDenied);
  EXPECT_EQ(refused.message(), "the key service: the lease has ended");
  net::Response garbled;
  garbled.status = 503;
  garbled.body = net::to_buffer("not JSON");
  EXPECT_EQ(refusal_of(garbled).code(), Code::kUnavailable);
  EXPECT_EQ(refusal_of(garbled).message(), "the key service: status 503");
  EXPECT_EQ(refusal_of(net::problem(404)).code(), Code::kNotFound);
  EXPECT_EQ(refusal_of(net::problem(500)).code(), Code::kInternal);
  EXPECT_EQ(refusal_of(net::problem(400)).code(), Code::kInvalid);
}

}  // namespace
}  // namespace cloister::worker
