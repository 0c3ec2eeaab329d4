#include "kms/aws/profile_file.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kFile =
    "# comment\n"
    "[default]\n"
    "AWS_access_key_id = AKID1 ; comment\n"
    "aws_secret_access_key=abc#def==\r\n"
    "s3 =\n"
    "  max_concurrent_requests = 20\n"
    "\n"
    "[profile work]\n"
    "role_arn = arn:aws:iam::1:role/x\n"
    "[default]\n"
    "region=eu-west-1\n"
    "aws_access_key_id = AKID2";

TEST(ProfileFile, SettingsOfOneSection) {
  const auto profile = value_of(parse_aws_profile(kFile, "default"));
  ASSERT_TRUE(profile.has_value());
  const AwsProfile expected{
      {"aws_access_key_id", "AKID2"}, {"aws_secret_access_key", "abc#def=="}, {"region", "eu-west-1"}, {"s3", ""}};
  EXPECT_EQ(*profile, expected);
  EXPECT_EQ(value_of(parse_aws_profile(kFile, "profile work"))->at("role_arn"), "arn:aws:iam::1:role/x");
}

TEST(ProfileFile, SectionThatIsNotThere) {
  EXPECT_FALSE(value_of(parse_aws_profile(kFile, "work")).has_value());
  EXPECT_FALSE(value_of(parse_aws_profile("", "default")).has_value());
}

TEST(ProfileFile, MalformedLines) {
  expect_refused(parse_aws_profile("[default]\nsecret words\n", "default"), Code::kInvalid, "line 2");
  expect_refused(parse_aws_profile("[default]\n= x\n", "default"), Code::kInvalid, "line 2");
  expect_refused(parse_aws_profile("\n[default\n", "default"), Code::kInvalid, "line 2");
  expect_refused(parse_aws_profile(std::string(300 * 1024, '#'), "default"), Code::kInvalid, "too long");
  // Never the line itself: it may be the secret.
  EXPECT_EQ(parse_aws_profile("[default]\nsecret words\n", "default").error().message().find("secret"),
            std::string::npos);
  EXPECT_TRUE(parse_aws_profile("[other]\nnonsense\n", "default").ok());
}

}  // namespace
}  // namespace cloister::kms
