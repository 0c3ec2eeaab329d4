#include "kms/bearer_token.h"

#include "kms/retry_after.h"
#include "kms/secret_text.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr Time kNow{1'795'526'589'000};

Result<BearerToken> parse(std::string_view text) { return parse_token_answer(as_bytes(text), kNow); }

TEST(BearerToken, AnswerOfATokenEndpoint) {
  const auto token = value_of(parse(R"({"token_type":"Bearer","expires_in":3599,"access_token":"eyJ.a-b_c.d=="})"));
  EXPECT_EQ(authorization(token), "Bearer eyJ.a-b_c.d==");
  EXPECT_EQ(token.expires, kNow + seconds(3599));
  // Azure's metadata service writes numbers as text.
  EXPECT_TRUE(parse(R"({"access_token":"a","expires_in":"86399","token_type":"bearer"})").ok());
}

TEST(BearerToken, AnswerWithoutAPart) {
  expect_refused(parse(R"({"token_type":"Bearer","expires_in":3599})"), Code::kInvalid, "access_token");
  expect_refused(parse(R"({"token_type":"Bearer","access_token":"a"})"), Code::kInvalid, "expires_in");
  expect_refused(parse(R"({"expires_in":3599,"access_token":"a"})"), Code::kInvalid, "token_type");
  expect_refused(parse(R"({"token_type":"mac","expires_in":3599,"access_token":"a"})"), Code::kInvalid, "token_type");
  expect_refused(parse("<html>"), Code::kInvalid, "JSON");
}

TEST(BearerToken, LifeThatNoTokenHas) {
  for (const std::string_view life : {"0", "-1", "604801", "\"\"", "\"1h\"", "1.5", "null", "18446744073709551615"}) {
    const std::string text = R"({"token_type":"Bearer","access_token":"a","expires_in":)" + std::string(life) + "}";
    expect_refused(parse(text), Code::kInvalid, "expires_in");
  }
}

TEST(BearerToken, CharactersThatWouldBeAnotherHeader) {
  for (const std::string_view text : {"a\\r\\nx: y", "a b", "a,b", "", "=", "\\u00e9"}) {
    expect_refused(parse(R"({"token_type":"Bearer","expires_in":9,"access_token":")" + std::string(text) + "\"}"),
                   Code::kInvalid, "access_token");
  }
  expect_refused(make_token(std::string(16385, 'a'), kNow), Code::kInvalid, "too long");
}

TEST(BearerToken, RefusalOfATokenEndpoint) {
  const Error error = parse_token_refusal(
      401, as_bytes(R"({"error":"invalid_client","error_description":"AADSTS7000215: Invalid.\r\nTrace ID: 1"})"));
  EXPECT_EQ(error.code(), Code::kDenied);
  EXPECT_EQ(error.message(), "the token endpoint answered 401, invalid_client: AADSTS7000215: Invalid.");
  EXPECT_EQ(parse_token_refusal(503, as_bytes("<html>")).code(), Code::kUnavailable);
  EXPECT_EQ(parse_token_refusal(429, {}).code(), Code::kUnavailable);
}

class TokenCaching : public ::testing::Test {
 protected:
  TokenCache::Shared get(Time now) {
    auto token = cache_.get(now, [&]() -> Result<BearerToken> {
      ++fetched_;
      if (error_) return *error_;
      return make_token("t" + std::to_string(fetched_), now + life_);
    });
    if (!token.ok()) return nullptr;
    return token.value();
  }
  TokenCache cache_;
  Duration life_ = hours(1);
  std::optional<Error> error_;
  int fetched_ = 0;
};

TEST_F(TokenCaching, FetchedOnceAndRenewedBeforeItsEnd) {
  const auto first = get(kNow);
  EXPECT_EQ(get(kNow + minutes(54)), first);
  EXPECT_EQ(fetched_, 1);
  get(kNow + minutes(56));
  EXPECT_EQ(fetched_, 2);
}

TEST_F(TokenCaching, ShortLivesHaveShortMargins) {
  life_ = minutes(4);
  get(kNow);
  get(kNow + minutes(2));
  EXPECT_EQ(fetched_, 1);
  get(kNow + seconds(181));
  EXPECT_EQ(fetched_, 2);
}

TEST_F(TokenCaching, OldOneServesWhileItsSourceIsAway) {
  const auto first = get(kNow);
  error_ = Error(Code::kUnavailable, "away");
  EXPECT_EQ(get(kNow + minutes(56)), first);
  EXPECT_EQ(get(kNow + minutes(56)), first);
  EXPECT_EQ(fetched_, 2) << "asked again at once";
  EXPECT_EQ(get(kNow + minutes(61)), nullptr);
}

TEST_F(TokenCaching, RefusedRenewalIsNotPassedOver) {
  get(kNow);
  error_ = Error(Code::kDenied, "the secret was revoked");
  EXPECT_EQ(get(kNow + minutes(56)), nullptr);
}

TEST_F(TokenCaching, DroppedOneIsNotUsedAgainAndANewerOneStays) {
  const auto first = get(kNow);
  cache_.drop(first);
  const auto second = get(kNow);
  EXPECT_NE(first, second);
  cache_.drop(first);  // another thread, late
  EXPECT_EQ(get(kNow), second);
}

TEST(RetryAfter, SecondsAndMilliseconds) {
  net::Response answer;
  EXPECT_FALSE(retry_after(answer));
  answer.headers.add("retry-after", "7");
  EXPECT_EQ(retry_after(answer), seconds(7));
  answer.headers.add("x-ms-retry-after-ms", "250");
  EXPECT_EQ(retry_after(answer), Duration{250});
}

TEST(RetryAfter, MoreThanAMinuteOrADate) {
  net::Response answer;
  answer.headers.add("retry-after", "4294967295");
  EXPECT_EQ(retry_after(answer), seconds(60));
  for (const std::string_view text : {"Tue, 24 Nov 2026 13:23:09 GMT", "-1", "", "1.5", "99999999999"}) {
    net::Response other;
    other.headers.add("retry-after", std::string(text));
    EXPECT_FALSE(retry_after(other)) << text;
  }
}

TEST(SecretText, FileThatOthersCanRead) {
  const testing::TempDir folder;
  const Path path = folder / "secret";
  ASSERT_TRUE(write_file(path, as_bytes("s3cret\r\n"), Overwrite::kRefuse, 0600).ok());
  EXPECT_EQ(as_text(value_of(read_secret_text(path, Guard::kSecret)).expose()), "s3cret");
  std::filesystem::permissions(path, std::filesystem::perms(0640));
  expect_refused(read_secret_text(path, Guard::kSecret), Code::kDenied, "secret");
  EXPECT_TRUE(read_secret_text(path, Guard::kUnwritten).ok());
}

TEST(SecretText, EmptyOrHuge) {
  const testing::TempDir folder;
  ASSERT_TRUE(write_file(folder / "empty", as_bytes("\n"), Overwrite::kRefuse, 0600).ok());
  expect_refused(read_secret_text(folder / "empty", Guard::kSecret), Code::kInvalid, "empty");
  ASSERT_TRUE(write_file(folder / "huge", Bytes(kSecretTextMax + 1, 'a'), Overwrite::kRefuse, 0600).ok());
  expect_refused(read_secret_text(folder / "huge", Guard::kSecret), Code::kInvalid, "more than");
  expect_refused(read_secret_text(folder / "none", Guard::kSecret), Code::kNotFound, "none");
}

}  // namespace
}  // namespace cloister::kms
