#include "kms/aws/credential_sources.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "kms/aws/credential_chain.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/kms/aws/aws_parts.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kTemporary =
    R"({"AccessKeyId":"ASIATEMPORARY","SecretAccessKey":"very-secret","Token":"a-token",)"
    R"("Expiration":"2026-11-24T19:23:09Z"})";  // six hours behind the test's clock
constexpr std::string_view kStsAnswer =
    "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><SessionToken>t</SessionToken>"
    "<SecretAccessKey>very-secret</SecretAccessKey><Expiration>2026-11-24T14:23:09Z</Expiration>"
    "<AccessKeyId>ASIAWEB</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResult>"
    "</AssumeRoleWithWebIdentityResponse>";

class AwsCredentialSources : public ::testing::Test {
 protected:
  std::string write(const std::string& name, std::string_view text, mode_t mode = 0600) {
    const Path path = folder_.path() / name;
    EXPECT_TRUE(cloister::create_directories(path.parent_path()).ok());
    EXPECT_TRUE(write_file(path, as_bytes(text), Overwrite::kReplace, mode).ok());
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path.string();
  }
  AwsCredentialOptions options(Variables variables) {
    variables.try_emplace("HOME", folder_.path().string());
    variables.try_emplace("AWS_EC2_METADATA_DISABLED", "true");
    AwsCredentialOptions made;
    made.region = "us-east-1";
    made.environment = environment_of(variables);
    made.open_transport = network_.open();
    return made;
  }
  Result<AwsCredentials> fetch(Variables variables) {
    return fetch_aws_credentials(options(variables), waiting_.waiting());
  }

  testing::TempDir folder_;
  Network network_;
  testing::TestWaiting waiting_;
};

TEST_F(AwsCredentialSources, Environment) {
  Variables variables = kKeysInEnvironment;
  variables["AWS_SESSION_TOKEN"] = "a-token";
  const AwsCredentials found = value_of(fetch(variables));
  EXPECT_EQ(found.source, "environment");
  EXPECT_EQ(found.access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(as_text(found.session_token.expose()), "a-token");
  EXPECT_FALSE(found.expires.has_value());
}

// Half of it is a mistake, not a reason to look elsewhere.
TEST_F(AwsCredentialSources, HalfAnEnvironment) {
  write(".aws/credentials", "[default]\naws_access_key_id=A\naws_secret_access_key=B\n");
  expect_refused(fetch({{"AWS_ACCESS_KEY_ID", "AKID"}}), Code::kInvalid, "environment");
  expect_refused(fetch({{"AWS_SECRET_ACCESS_KEY", "very-secret"}}), Code::kInvalid, "environment");
}

TEST_F(AwsCredentialSources, Nothing) { expect_refused(fetch({}), Code::kUnavailable, "no AWS credentials"); }

TEST_F(AwsCredentialSources, DefaultProfile) {
  write(".aws/credentials", "[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = file-secret\n");
  const AwsCredentials found = value_of(fetch({}));
  EXPECT_EQ(found.source, "profile default");
  EXPECT_EQ(found.access_key_id, "AKIDFILE");
}

TEST_F(AwsCredentialSources, NamedProfileInNamedFiles) {
  const std::string credentials = write("c", "[work]\naws_access_key_id=AKIDWORK\naws_secret_access_key=s\n");
  const std::string config = write("f", "[profile conf]\naws_access_key_id=AKIDCONF\naws_secret_access_key=s\n");
  Variables variables{
      {"AWS_SHARED_CREDENTIALS_FILE", credentials}, {"AWS_CONFIG_FILE", config}, {"AWS_PROFILE", "work"}};
  EXPECT_EQ(value_of(fetch(variables)).access_key_id, "AKIDWORK");
  variables["AWS_PROFILE"] = "conf";
  EXPECT_EQ(value_of(fetch(variables)).access_key_id, "AKIDCONF");
  variables["AWS_PROFILE"] = "absent";
  expect_refused(fetch(variables), Code::kNotFound, "a profile");
}

TEST_F(AwsCredentialSources, NamedFileThatIsNotThere) {
  expect_refused(fetch({{"AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"}}), Code::kNotFound, "/nonexistent");
}

TEST_F(AwsCredentialSources, FilesThatOthersCanRead) {
  write(".aws/credentials", "[default]\naws_access_key_id=A\naws_secret_access_key=very-secret\n", 0644);
  expect_refused(fetch({}), Code::kDenied, "credentials");
  write(".aws/credentials", "", 0600);
  const std::string config = "[default]\naws_access_key_id=A\naws_secret_access_key=very-secret\n";
  write(".aws/config", config, 0644);
  expect_refused(fetch({}), Code::kDenied, "config");
  write(".aws/config", config, 0600);
  EXPECT_TRUE(fetch({}).ok());
  // A configuration without secrets may be read by all, but not written.
  write(".aws/config", "[default]\nregion=us-east-1\n", 0644);
  expect_refused(fetch({}), Code::kUnavailable, "no AWS credentials");
  write(".aws/config", "[default]\nregion=us-east-1\n", 0666);
  expect_refused(fetch({}), Code::kDenied, "config");
}

TEST_F(AwsCredentialSources, MalformedProfiles) {
  write(".aws/credentials", "[default]\nvery-secret\n");
  const auto refused = fetch({});
  expect_refused(refused, Code::kInvalid, "line 2");
  EXPECT_EQ(refused.error().message().find("very-secret"), std::string::npos);
  write(".aws/credentials", "[default]\naws_access_key_id=A\n");
  expect_refused(fetch({}), Code::kInvalid, "secret access key");
  for (const char* line : {"credential_process = /bin/x", "sso_session = x", "source_profile = y\nrole_arn = z"}) {
    write(".aws/credentials", "[default]\n" + std::string(line) + "\n");
    expect_refused(fetch({}), Code::kUnsupported, "isn't followed");
  }
}

TEST_F(AwsCredentialSources, WebIdentity) {
  const std::string token = write("token", "eyJ.a+b.c\n", 0644);
  network_.recorded.expect(
      "POST", "/", 200, std::string(kStsAnswer), {},
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx"
      "&RoleSessionName=cloister&WebIdentityToken=eyJ.a%2Bb.c");
  const AwsCredentials found =
      value_of(fetch({{"AWS_WEB_IDENTITY_TOKEN_FILE", token}, {"AWS_ROLE_ARN", "arn:aws:iam::1:role/x"}}));
  EXPECT_EQ(found.source, "web identity arn:aws:iam::1:role/x");
  EXPECT_EQ(found.access_key_id, "ASIAWEB");
  EXPECT_EQ(network_.opened, std::vector<std::string>{"https://sts.us-east-1.amazonaws.com"});
  EXPECT_EQ(network_.recorded.sent().at(0).header("authorization"), "");
}

TEST_F(AwsCredentialSources, WebIdentityOfAProfile) {
  const std::string token = write("token", "eyJ");
  write(".aws/config",
        "[default]\nrole_arn=arn:aws:iam::1:role/x\nrole_session_name=me\nweb_identity_token_file=" + token);
  network_.recorded.expect("POST", "/", 200, std::string(kStsAnswer), {}, "RoleSessionName=me&");
  EXPECT_EQ(value_of(fetch({})).source, "profile default");
}

TEST_F(AwsCredentialSources, RefusedWebIdentities) {
  const std::string token = write("token", "eyJ");
  Variables variables{{"AWS_WEB_IDENTITY_TOKEN_FILE", token}, {"AWS_ROLE_ARN", "arn:aws:iam::1:role/x"}};
  network_.recorded.expect("POST", "/", 400,
                           "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>late</Message></Error>"
                           "</ErrorResponse>");
  const auto refused = fetch(variables);
  expect_refused(refused, Code::kDenied, "ExpiredTokenException: late");
  EXPECT_EQ(refused.error().message().find("eyJ"), std::string::npos);
  network_.recorded.expect("POST", "/", 503, "").expect("POST", "/", 200, std::string(kStsAnswer));
  EXPECT_TRUE(fetch(variables).ok());
  waiting_.now = waiting_.now + hours(2);  // now the answer's end is past
  network_.recorded.expect("POST", "/", 200, std::string(kStsAnswer));
  expect_refused(fetch(variables), Code::kDenied, "expired already");
  expect_refused(fetch({{"AWS_WEB_IDENTITY_TOKEN_FILE", token}}), Code::kInvalid, "needs a role");
  expect_refused(fetch({{"AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent"}, {"AWS_ROLE_ARN", "x"}}), Code::kNotFound,
                 "/nonexistent");
  write("token", "eyJ", 0666);
  expect_refused(fetch(variables), Code::kDenied, "token");
  write("token", "e\x01J");
  expect_refused(fetch(variables), Code::kInvalid, "isn't a token");
  EXPECT_EQ(network_.recorded.left(), 0U);
}

TEST_F(AwsCredentialSources, ContainerByRelativeUri) {
  network_.recorded.expect("GET", "/v2/credentials/id", 200, std::string(kTemporary));
  const AwsCredentials found = value_of(fetch({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/id"}}));
  EXPECT_EQ(found.access_key_id, "ASIATEMPORARY");
  EXPECT_EQ(network_.opened, std::vector<std::string>{"http://169.254.170.2/v2/credentials/id"});
  EXPECT_EQ(network_.recorded.sent().at(0).header("authorization"), "");
}

TEST_F(AwsCredentialSources, ContainerByFullUriAndToken) {
  const std::string token = write("token", "Bearer one\n", 0644);
  Variables variables{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:8080/creds"},
                      {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token},
                      {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "two"}};
  network_.recorded.expect("GET", "/creds", 200, std::string(kTemporary));
  EXPECT_TRUE(fetch(variables).ok());
  variables.erase("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  network_.recorded.expect("GET", "/creds", 200, std::string(kTemporary));
  EXPECT_TRUE(fetch(variables).ok());
  const auto sent = network_.recorded.sent();
  EXPECT_EQ(sent.at(0).header("authorization"), "Bearer one");
  EXPECT_EQ(sent.at(1).header("authorization"), "two");
  EXPECT_EQ(sent.at(0).header("host"), "127.0.0.1:8080");
}

TEST_F(AwsCredentialSources, RefusedContainers) {
  const std::string name = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
  // Plain http over a network would show the credentials to it.
  expect_refused(fetch({{name, "http://192.0.2.7/creds"}}), Code::kInvalid, "plain http");
  expect_refused(fetch({{name, "ftp://x"}}), Code::kInvalid, "container");
  expect_refused(fetch({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example/"}}), Code::kInvalid, "slash");
  expect_refused(fetch({{name, "https://x.example/c"}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nb"}}),
                 Code::kInvalid, "no header");
  network_.recorded.expect("GET", "/c", 403, "");
  expect_refused(fetch({{name, "https://x.example/c"}}), Code::kDenied, "status 403");
  network_.recorded.expect("GET", "/c", 200, "{}");
  expect_refused(fetch({{name, "https://x.example/c"}}), Code::kInvalid, "container");
  for (int i = 0; i < 3; ++i) network_.recorded.expect_failure("GET", "/c", Error(Code::kUnavailable, "gone"));
  expect_refused(fetch({{name, "https://x.example/c"}}), Code::kUnavailable, "gone");
  EXPECT_EQ(network_.recorded.left(), 0U);
}

TEST_F(AwsCredentialSources, InstanceMetadata) {
  const std::string path = "/latest/meta-data/iam/security-credentials/";
  network_.recorded.expect("PUT", "/latest/api/token", 200, "session-token")
      .expect("GET", path, 200, "worker-role\n")
      .expect("GET", path + "worker-role", 200, std::string(kTemporary));
  const AwsCredentials found = value_of(fetch({{"AWS_EC2_METADATA_DISABLED", "false"}}));
  EXPECT_EQ(found.source, "instance role worker-role");
  const auto sent = network_.recorded.sent();
  EXPECT_EQ(sent.at(0).header("x-aws-ec2-metadata-token-ttl-seconds"), "21600");
  EXPECT_EQ(sent.at(1).header("x-aws-ec2-metadata-token"), "session-token");
  EXPECT_EQ(sent.at(2).header("x-aws-ec2-metadata-token"), "session-token");
  EXPECT_EQ(network_.opened, std::vector<std::string>{"http://169.254.169.254"});
}

TEST_F(AwsCredentialSources, RefusedInstanceMetadata) {
  const std::string path = "/latest/meta-data/iam/security-credentials/";
  const Variables variables{{"AWS_EC2_METADATA_DISABLED", ""}};
  // Version 1, which takes no token, isn't fallen back to.
  network_.recorded.expect("PUT", "/latest/api/token", 404, "");
  expect_refused(fetch(variables), Code::kInvalid, "session token: status 404");
  network_.recorded.expect("PUT", "/latest/api/token", 200, "a\r\nb");
  expect_refused(fetch(variables), Code::kInvalid, "session token");
  network_.recorded.expect("PUT", "/latest/api/token", 200, "t").expect("GET", path, 404, "");
  expect_refused(fetch(variables), Code::kDenied, "no role");
  network_.recorded.expect("PUT", "/latest/api/token", 200, "t").expect("GET", path, 200, "../x");
  expect_refused(fetch(variables), Code::kInvalid, "name of the role");
  network_.recorded.expect("PUT", "/latest/api/token", 200, "t")
      .expect("GET", path, 200, "r")
      .expect("GET", path + "r", 200, R"({"Code":"Failed"})");
  expect_refused(fetch(variables), Code::kDenied, "Failed");
  for (int i = 0; i < 3; ++i) {
    network_.recorded.expect_failure("PUT", "/latest/api/token", Error(Code::kUnavailable, "no route"));
  }
  expect_refused(fetch(variables), Code::kUnavailable, "no route");
  EXPECT_EQ(network_.recorded.left(), 0U);
}

TEST_F(AwsCredentialSources, KeptAndRenewedBeforeTheyEnd) {
  const Variables variables{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c"}};
  AwsCredentialChain chain(options(variables), waiting_.waiting());
  network_.recorded.expect("GET", "/c", 200, std::string(kTemporary));
  const auto first = value_of(chain.get());
  EXPECT_EQ(value_of(chain.get()), first);
  waiting_.now = waiting_.now + minutes(356);  // four minutes are left
  for (int i = 0; i < 3; ++i) network_.recorded.expect_failure("GET", "/c", Error(Code::kUnavailable, "gone"));
  EXPECT_EQ(value_of(chain.get()), first) << "what still holds is used when it can't be renewed";
  EXPECT_EQ(value_of(chain.get()), first) << "and it isn't tried again at once";
  EXPECT_EQ(network_.recorded.left(), 0U);
  waiting_.now = waiting_.now + minutes(1);
  std::string later(kTemporary);
  later.replace(later.find("24T19"), 5, "25T01");
  network_.recorded.expect("GET", "/c", 200, later);
  const auto second = value_of(chain.get());
  EXPECT_NE(second, first);
  EXPECT_EQ(value_of(chain.get()), second);
}

TEST_F(AwsCredentialSources, EndedAndNotRenewable) {
  AwsCredentialChain chain(options({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c"}}), waiting_.waiting());
  network_.recorded.expect("GET", "/c", 200, std::string(kTemporary));
  EXPECT_TRUE(chain.get().ok());
  waiting_.now = waiting_.now + hours(6);
  network_.recorded.expect("GET", "/c", 403, "");
  expect_refused(chain.get(), Code::kDenied, "403");
}

TEST_F(AwsCredentialSources, RefusedOnesAreFetchedAnewOnce) {
  AwsCredentialChain chain(options({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c"}}), waiting_.waiting());
  network_.recorded.expect("GET", "/c", 200, std::string(kTemporary)).expect("GET", "/c", 200, std::string(kTemporary));
  const auto first = value_of(chain.get());
  chain.forget(first);
  const auto second = value_of(chain.get());
  chain.forget(first);  // somebody else's late word
  EXPECT_EQ(value_of(chain.get()), second);
  EXPECT_EQ(network_.recorded.left(), 0U);
}

}  // namespace
}  // namespace cloister::kms
