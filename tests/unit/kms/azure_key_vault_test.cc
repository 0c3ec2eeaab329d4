#include "kms/azure/azure_key_vault.h"

#include <map>

#include "base/base64.h"
#include "base/json.h"
#include "tests/support/expect.h"
#include "tests/support/recorded_hosts.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/kms/provider_contract.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::value_of;

const std::string kHost = "corpus.vault.azure.net";
const std::string kLogin = "login.microsoftonline.com/acme/oauth2/v2.0/token";
const std::string kVersioned = "/keys/kek/0a1b";
const std::string kQuery = "?api-version=7.4";
const std::string kKey =
    R"({"key":{"kid":"https://corpus.vault.azure.net/keys/kek/0a1b","kty":"RSA","key_ops":["wrapKey","unwrapKey"]},)"
    R"("attributes":{"enabled":true,"created":1795000000}})";
const std::string kChallenge =
    R"(Bearer authorization="https://login.windows.net/acme", resource="https://vault.azure.net")";

std::string token_answer(std::string_view token) {
  return R"({"token_type":"Bearer","expires_in":3599,"access_token":")" + std::string(token) + "\"}";
}
std::string operation_answer(std::string_view version, std::string_view value) {
  return "{\"kid\":\"https://corpus.vault.azure.net/keys/kek/" + std::string(version) + "\",\"value\":\"" +
         std::string(value) + "\"}";
}

class AzureVault : public ::testing::Test {
 protected:
  AzureVault() {
    value_written("secret", "s3cr&t\n");
    options_.vault = "https://" + kHost;
    options_.tenant = "acme";
    options_.credential.kind = AzureCredentialKind::kClientSecret;
    options_.credential.client_id = "app";
    options_.credential.client_secret_file = folder_ / "secret";
  }
  void TearDown() override { EXPECT_EQ(script_.left(), 0U); }

  void value_written(std::string_view name, std::string_view text) {
    ASSERT_TRUE(write_file(folder_ / name, as_bytes(text), Overwrite::kReplace, 0600).ok());
  }
  std::shared_ptr<AzureKeyVault> vault() {
    return value_of(AzureKeyVault::create(options_, evidence_, time_.waiting(), testing::connect_to(script_)));
  }
  void expect_token(std::string_view token = "t1") { script_.expect("POST", kLogin, 200, token_answer(token)); }
  void expect_key(unsigned status = 200, const std::string& body = kKey) {
    script_.expect("GET", kHost + "/keys/kek" + kQuery, status, body, {{"x-ms-request-id", "r-1"}});
  }
  void expect_wrap(unsigned status, const std::string& body, net::Headers headers = {}) {
    script_.expect("POST", kHost + kVersioned + "/wrapkey" + kQuery, status, body, std::move(headers));
  }
  void expect_unwrap(unsigned status, const std::string& body) {
    script_.expect("POST", kHost + kVersioned + "/unwrapkey" + kQuery, status, body);
  }
  static crypto::Secret plaintext(std::size_t size = 32) { return crypto::Secret(size); }
  Result<ProviderWrap> wrap(AzureKeyVault& vault) { return vault.wrap("kek", plaintext(), {}); }
  static ProviderWrap wrapped() { return {"https://corpus.vault.azure.net" + kVersioned, {1, 9, 9}}; }

  testing::TempDir folder_;
  testing::RecordedTransport script_;
  testing::TestWaiting time_;
  std::shared_ptr<testing::KeptEvidence> evidence_ = std::make_shared<testing::KeptEvidence>();
  AzureKeyVaultOptions options_;
};

TEST_F(AzureVault, KnownTenantSavesTheChallenge) {
  expect_token();
  expect_key();
  expect_wrap(200, operation_answer("0a1b", "CQk"));
  expect_wrap(200, operation_answer("0a1b", "CQg"));
  const auto vault = this->vault();
  const auto first = value_of(wrap(*vault));
  EXPECT_EQ(first.key_version, "https://corpus.vault.azure.net/keys/kek/0a1b");
  EXPECT_EQ(first.ciphertext, (Bytes{1, 9, 9}));
  EXPECT_TRUE(wrap(*vault).ok());  // token and newest version are kept
  const auto sent = script_.sent();
  EXPECT_EQ(sent[0].body,
            "grant_type=client_credentials&client_id=app&scope=https%3A%2F%2Fvault.azure.net%2F.default&"
            "claims=%7B%22access_token%22%3A%7B%22xms_cc%22%3A%7B%22values%22%3A%5B%22cp1%22%5D%7D%7D%7D&"
            "client_secret=s3cr%26t");
  EXPECT_EQ(sent[2].header("authorization"), "Bearer t1");
  EXPECT_EQ(sent[2].header("content-type"), "application/json");
  EXPECT_EQ(sent[2].body, R"({"alg":"RSA-OAEP-256","value":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})");
}

TEST_F(AzureVault, ChallengeIsAskedForWithoutTokenAndBody) {
  options_.tenant.clear();
  script_.expect("GET", kHost + "/keys/kek" + kQuery, 401, "{}", {{"www-authenticate", kChallenge}});
  expect_token();
  expect_key();
  EXPECT_EQ(value_of(vault()->resolve("kek")), "https://corpus.vault.azure.net/keys/kek");
  EXPECT_EQ(script_.sent()[0].header("authorization"), "");
  EXPECT_TRUE(script_.sent()[0].body.empty());
}

TEST_F(AzureVault, ChallengeForSomebodyElsesResource) {
  options_.tenant.clear();
  script_.expect(
      "GET", kHost + "/keys/kek" + kQuery, 401, "{}",
      {{"www-authenticate",
        R"(Bearer authorization="https://login.windows.net/acme", resource="https://graph.microsoft.com")"}});
  expect_refused(vault()->resolve("kek"), Code::kDenied, "graph.microsoft.com");
}

TEST_F(AzureVault, ServerThatAsksForNoToken) {
  options_.tenant.clear();
  expect_key();
  expect_refused(vault()->resolve("kek"), Code::kDenied, "no token");
}

TEST_F(AzureVault, ChallengeWithoutADirectory) {
  options_.tenant.clear();
  script_.expect("GET", kHost + "/keys/kek" + kQuery, 401, "{}",
                 {{"www-authenticate", R"(Bearer resource="https://vault.azure.net")"}});
  expect_refused(vault()->resolve("kek"), Code::kInvalid, "tenant");
}

TEST_F(AzureVault, VaultOfAnotherDirectory) {
  options_.tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
  const std::string other = "00000000-86f1-41af-91ab-2d7cd011db47";
  script_.expect("POST", "login.microsoftonline.com/" + options_.tenant + "/oauth2/v2.0/token", 200,
                 token_answer("t1"));
  script_.expect("GET", kHost + "/keys/kek" + kQuery, 401, "{}",
                 {{"www-authenticate", R"(Bearer authorization="https://login.windows.net/)" + other +
                                           R"(", resource="https://vault.azure.net")"}});
  expect_refused(vault()->resolve("kek"), Code::kDenied, other);
}

TEST_F(AzureVault, DirectoryByItsDomainAndByItsId) {
  expect_token("t1");
  script_.expect(
      "GET", kHost + "/keys/kek" + kQuery, 401, "{}",
      {{"www-authenticate", R"(Bearer authorization="https://login.windows.net/)"
                            R"(72f988bf-86f1-41af-91ab-2d7cd011db47", resource="https://vault.azure.net")"}});
  expect_token("t2");
  expect_key();
  EXPECT_TRUE(vault()->resolve("kek").ok());
}

TEST_F(AzureVault, ClaimsOfContinuousAccessEvaluation) {
  expect_token("t1");
  script_.expect(
      "GET", kHost + "/keys/kek" + kQuery, 401, "{}",
      {{"www-authenticate",
        R"(Bearer authorization_uri="https://login.microsoftonline.com/common", error="insufficient_claims", )"
        R"(claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ")"}});
  script_.expect("POST", kLogin, 200, token_answer("t2"), {}, "%22nbf%22%3A%7B%22essential%22%3Atrue%7D");
  expect_key();
  EXPECT_TRUE(vault()->resolve("kek").ok());
  EXPECT_EQ(script_.sent()[3].header("authorization"), "Bearer t2");
}

TEST_F(AzureVault, RefusedTokenIsRenewedOnce) {
  expect_token("t1");
  expect_key(401, "{}");
  expect_token("t2");
  expect_key(401, R"({"error":{"code":"Unauthorized","message":"AKV10032"}})");
  expect_refused(vault()->resolve("kek"), Code::kDenied, "AKV10032");
}

TEST_F(AzureVault, SecretThatEntraRefuses) {
  script_.expect("POST", kLogin, 401, R"({"error":"invalid_client","error_description":"AADSTS7000215"})");
  const auto refused = vault()->resolve("kek");
  expect_refused(refused, Code::kDenied, "AADSTS7000215");
  EXPECT_EQ(refused.error().message().find("s3cr"), std::string::npos);
}

TEST_F(AzureVault, SecretThatOthersCanRead) {
  std::filesystem::permissions(folder_ / "secret", std::filesystem::perms(0644));
  expect_refused(vault()->resolve("kek"), Code::kDenied, "secret");
}

TEST_F(AzureVault, WorkloadIdentity) {
  options_.credential.kind = AzureCredentialKind::kWorkloadIdentity;
  options_.credential.federated_token_file = folder_ / "federated";
  value_written("federated", "eyJ.first\n");
  script_.expect("POST", kLogin, 200, token_answer("t1"), {},
                 "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&"
                 "client_assertion=eyJ.first");
  expect_key();
  const auto vault = this->vault();
  EXPECT_TRUE(vault->resolve("kek").ok());
  // An hour later the file has another token.
  value_written("federated", "eyJ.second\n");
  time_.now = time_.now + hours(1);
  script_.expect("POST", kLogin, 200, token_answer("t2"), {}, "client_assertion=eyJ.second");
  expect_key();
  EXPECT_TRUE(vault->resolve("kek").ok());
}

class AzureMachine : public AzureVault {
 protected:
  AzureMachine() {
    options_.tenant.clear();
    options_.credential = {};
  }
  void expect_metadata(unsigned status, const std::string& body) {
    script_.expect("GET",
                   "169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource="
                   "https%3A%2F%2Fvault.azure.net",
                   status, body);
  }
};

TEST_F(AzureMachine, ManagedIdentity) {
  expect_metadata(200, R"({"access_token":"t1","expires_in":"86399","expires_on":"1","token_type":"Bearer"})");
  expect_key();
  EXPECT_TRUE(vault()->resolve("kek").ok());
  EXPECT_EQ(script_.sent()[0].header("metadata"), "true");
}

TEST_F(AzureMachine, MetadataServiceThatStartsUp) {
  for (int i = 0; i < 4; ++i) expect_metadata(i == 2 ? 429 : 404, "{}");
  expect_metadata(200, token_answer("t1"));
  expect_key();
  EXPECT_TRUE(vault()->resolve("kek").ok());
  EXPECT_EQ(time_.slept, (std::vector{Duration{800}, Duration{1600}, Duration{3200}, Duration{6400}}));
}

TEST_F(AzureMachine, MetadataServiceThatIsDown) {
  for (int i = 0; i < 5; ++i) expect_metadata(500, "{}");
  expect_refused(vault()->resolve("kek"), Code::kUnavailable, "500");
}

TEST_F(AzureMachine, MetadataServiceBeingUpdatedIsWaitedFor) {
  for (int i = 0; i < 6; ++i) expect_metadata(410, "{}");
  EXPECT_FALSE(vault()->resolve("kek").ok());
  std::int64_t waited = 0;
  for (const Duration wait : time_.slept) waited += wait.ms;
  EXPECT_GE(waited, 70'000);
  EXPECT_EQ(time_.slept.front(), seconds(3));
}

TEST_F(AzureMachine, IdentityThatIsNone) {
  expect_metadata(400, R"({"error":"invalid_request","error_description":"Identity not found"})");
  expect_refused(vault()->resolve("kek"), Code::kDenied, "Identity not found");
}

TEST_F(AzureVault, ThrottledWithoutRetryAfter) {
  time_.random = 1;
  expect_token();
  for (int i = 0; i < 5; ++i)
    expect_key(429, R"({"error":{"code":"Throttled","message":"VaultRequestTypeLimitReached"}})");
  expect_key();
  EXPECT_TRUE(vault()->resolve("kek").ok());
  EXPECT_EQ(time_.slept, (std::vector{seconds(1), seconds(2), seconds(4), seconds(8), seconds(16)}));
}

TEST_F(AzureVault, AnotherVersionAnswers) {
  expect_token();
  expect_key();
  expect_wrap(200, operation_answer("ffff", "CQk"));
  const auto vault = this->vault();
  expect_refused(wrap(*vault), Code::kCorrupt, "another key");
  expect_unwrap(200, operation_answer("ffff", "CQk"));
  expect_refused(vault->unwrap("kek", wrapped(), {}), Code::kCorrupt, "another key");
}

TEST_F(AzureVault, WrapOfAnotherKeyIsNeverSent) {
  const auto vault = this->vault();
  ProviderWrap other = wrapped();
  other.key_version = "https://corpus.vault.azure.net/keys/other/0a1b";
  expect_refused(vault->unwrap("kek", other, {}), Code::kDenied, "another key's");
  other.key_version = "https://evil.example/keys/kek/0a1b";
  expect_refused(vault->unwrap("kek", other, {}), Code::kDenied, "another key's");
  other.key_version = "https://corpus.vault.azure.net/keys/kek";
  expect_refused(vault->unwrap("kek", other, {}), Code::kDenied, "another key's");
}

TEST_F(AzureVault, WrapThatIsNone) {
  const auto vault = this->vault();
  for (const Bytes& bytes : {Bytes{}, Bytes{1}, Bytes{0, 1, 2}, Bytes{4, 1, 2}}) {
    expect_refused(vault->unwrap("kek", {wrapped().key_version, bytes}, {}), Code::kInvalid, "malformed");
  }
}

TEST_F(AzureVault, WrapThatDoesNotOpenIsDenied) {
  expect_token();
  expect_unwrap(400, R"({"error":{"code":"BadParameter","message":"The parameter is incorrect."}})");
  expect_refused(vault()->unwrap("kek", wrapped(), {}), Code::kDenied, "BadParameter");
}

TEST_F(AzureVault, NewestVersionDisabledSinceIsReplaced) {
  expect_token();
  expect_key();
  expect_wrap(403, R"({"error":{"code":"Forbidden","innererror":{"code":"KeyDisabled"}}})");
  std::string next = kKey;
  next.replace(next.find("0a1b"), 4, "2c3d");
  expect_key(200, next);
  script_.expect("POST", kHost + "/keys/kek/2c3d/wrapkey" + kQuery, 200, operation_answer("2c3d", "CQk"));
  EXPECT_EQ(value_of(wrap(*vault())).key_version, "https://corpus.vault.azure.net/keys/kek/2c3d");
}

TEST_F(AzureVault, DisabledKeyIsDenied) {
  expect_token();
  expect_key();
  expect_wrap(403, R"({"error":{"code":"Forbidden","innererror":{"code":"KeyDisabled"}}})");
  expect_key();
  expect_refused(wrap(*vault()), Code::kDenied, "KeyDisabled");
}

TEST_F(AzureVault, AlgorithmsOfManagedHsm) {
  std::string oct = kKey;
  oct.replace(oct.find("\"RSA\""), 5, "\"oct-HSM\"");
  options_.algorithm = "A256KW";
  expect_token();
  expect_key(200, oct);
  expect_wrap(200, operation_answer("0a1b", "CQk"), {});
  const auto vault = this->vault();
  EXPECT_EQ(value_of(wrap(*vault)).ciphertext.front(), 2);
  expect_refused(vault->wrap("kek", plaintext(33), {}), Code::kInvalid, "A256KW");
}

TEST_F(AzureVault, AlgorithmThatTheKeyCannot) {
  options_.algorithm = "CKM_AES_KEY_WRAP_PAD";
  expect_token();
  expect_key();
  expect_refused(vault()->resolve("kek"), Code::kInvalid, "CKM_AES_KEY_WRAP_PAD");
}

TEST_F(AzureVault, KeyThatCannotWrap) {
  std::string curve = kKey;
  curve.replace(curve.find("\"RSA\""), 5, "\"EC\"");
  expect_token();
  expect_key(200, curve);
  expect_refused(vault()->resolve("kek"), Code::kInvalid, "type EC");
}

TEST_F(AzureVault, OptionsThatMakeNoSense) {
  const auto refused = [&](auto change) {
    AzureKeyVaultOptions options = options_;
    change(options);
    return AzureKeyVault::create(options, nullptr, time_.waiting(), testing::connect_to(script_));
  };
  expect_refused(refused([](auto& o) { o.vault = "corpus"; }), Code::kInvalid, "corpus");
  expect_refused(refused([](auto& o) { o.algorithm = "RSA1_5"; }), Code::kInvalid, "RSA1_5");
  expect_refused(refused([](auto& o) { o.tenant = "a/b"; }), Code::kInvalid, "a/b");
  expect_refused(refused([](auto& o) { o.api_version = "7.4&x"; }), Code::kInvalid, "API version");
  expect_refused(refused([](auto& o) { o.credential.client_id.clear(); }), Code::kInvalid, "client id");
  expect_refused(refused([](auto& o) { o.credential.client_secret_file.clear(); }), Code::kInvalid, "client secret");
}

TEST_F(AzureVault, DeletedKeyIsDescribedAsPendingDeletion) {
  expect_token();
  expect_key(404, R"({"error":{"code":"KeyNotFound"}})");
  std::string deleted = kKey;
  deleted.insert(deleted.size() - 1, R"(,"scheduledPurgeDate":1803000000,"deletedDate":1795300000)");
  script_.expect("GET", kHost + "/deletedkeys/kek" + kQuery, 200, deleted);
  const auto posture = value_of(vault()->describe("kek"));
  EXPECT_EQ(posture.state.value(), ProviderKeyState::kPendingDeletion);
  EXPECT_EQ(posture.deletion_scheduled.value(), Time{1'803'000'000'000});
  EXPECT_FALSE(posture.versions.known());
}

TEST_F(AzureVault, DescribesWhatItMaySee) {
  expect_token();
  expect_key();
  script_.expect("GET", kHost + "/keys/kek/versions?maxresults=25&api-version=7.4", 200,
                 R"({"value":[{"kid":"https://corpus.vault.azure.net/keys/kek/0a1b","attributes":{"enabled":true}}],)"
                 R"("nextLink":"https://corpus.vault.azure.net/keys/kek/versions?api-version=7.4&$skiptoken=x"})");
  script_.expect("GET", kHost + "/keys/kek/versions?api-version=7.4&$skiptoken=x", 200, R"({"value":[]})");
  script_.expect("GET", kHost + "/keys/kek/rotationpolicy" + kQuery, 403,
                 R"({"error":{"code":"Forbidden","message":"no keys/getrotationpolicy"}})");
  const auto posture = value_of(vault()->describe("kek"));
  EXPECT_EQ(posture.versions.value().size(), 1U);
  EXPECT_NE(posture.rotation.why_not().find("getrotationpolicy"), std::string::npos);
  const auto kept = evidence_->all();
  ASSERT_EQ(kept.size(), 4U);
  EXPECT_EQ(kept[0].request_id, "r-1");
  EXPECT_EQ(kept[0].body, kKey);
  EXPECT_EQ(kept[3].status, 403U);
}

TEST_F(AzureVault, KeyThatMayOnlyBeListed) {
  const std::string no = R"({"error":{"code":"Forbidden","message":"no keys/get"}})";
  expect_token();
  expect_key(403, no);
  script_.expect("GET", kHost + "/keys/kek/versions?maxresults=25&api-version=7.4", 200, R"({"value":[]})");
  script_.expect("GET", kHost + "/keys/kek/rotationpolicy" + kQuery, 403, no);
  const auto posture = value_of(vault()->describe("kek"));
  EXPECT_TRUE(posture.versions.known());
  EXPECT_NE(posture.state.why_not().find("keys/get"), std::string::npos);
}

TEST_F(AzureVault, UnknownKeyWhereDeletedOnesMayNotBeSeen) {
  expect_token();
  expect_key(404, R"({"error":{"code":"KeyNotFound"}})");
  script_.expect("GET", kHost + "/deletedkeys/kek" + kQuery, 403, R"({"error":{"code":"Forbidden"}})");
  expect_refused(vault()->describe("kek"), Code::kNotFound, "KeyNotFound");
}

TEST_F(AzureVault, EvidenceOfAWrapHasNoBody) {
  expect_token();
  expect_unwrap(200, operation_answer("0a1b", "CQk"));
  EXPECT_TRUE(vault()->unwrap("kek", wrapped(), {}).ok());
  const auto kept = evidence_->all();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_TRUE(kept[0].withheld && kept[0].body.empty());
}

TEST_F(AzureVault, CursorOfSomebodyElse) {
  const auto vault = this->vault();
  expect_refused(vault->list("/secrets?x"), Code::kInvalid, "goes on");
  expect_refused(vault->list("https://evil.example/keys"), Code::kInvalid, "goes on");
}

TEST_F(AzureVault, HealthSaysWhyNot) {
  expect_token();
  script_.expect("GET", kHost + "/keys?maxresults=1&api-version=7.4", 403,
                 R"({"error":{"code":"Forbidden","innererror":{"code":"ForbiddenByFirewall"}}})");
  const auto health = value_of(vault()->health());
  EXPECT_FALSE(health.serving);
  EXPECT_NE(health.detail.find("ForbiddenByFirewall"), std::string::npos);
}

// A vault that lives in the test: two keys of one version; what it wraps it keeps.
struct StandInVault {
  std::map<std::string, std::string> wraps;  // algorithm and value -> plaintext

  Result<net::Response> operator()(const net::Request& request) {
    const std::string target = request.target.substr(request.target.find('/'));
    if (request.target.find("/oauth2/") != std::string::npos) return net::json_response(200, token_answer("t"));
    const std::string path = target.substr(0, target.find('?'));
    const std::string first = R"({"kid":"https://corpus.vault.azure.net/keys/first","attributes":{"enabled":true}})";
    const std::string second = R"({"kid":"https://corpus.vault.azure.net/keys/second","attributes":{"enabled":true}})";
    const std::string link = R"(,"nextLink":"https://corpus.vault.azure.net/keys?api-version=7.4&$skiptoken=2")";
    if (path == "/keys") {
      const bool more = target.find("skiptoken") != std::string::npos;
      return net::json_response(200, more ? "{\"value\":[" + second + "]}" : "{\"value\":[" + first + "]" + link + "}");
    }
    for (const std::string name : {"first", "second"}) {
      if (path.starts_with("/keys/" + name)) return answer(name, path.substr(6 + name.size()), request);
    }
    return net::json_response(404, R"({"error":{"code":"KeyNotFound"}})");
  }

  Result<net::Response> answer(const std::string& name, std::string_view rest, const net::Request& request) {
    const std::string kid = "https://corpus.vault.azure.net/keys/" + name + "/v1";
    if (rest.empty()) {
      return net::json_response(200,
                                R"({"key":{"kid":")" + kid + R"(","kty":"oct-HSM"},"attributes":{"enabled":true}})");
    }
    if (rest == "/versions") {
      return net::json_response(200, R"({"value":[{"kid":")" + kid + R"(","attributes":{"enabled":true}}]})");
    }
    if (rest == "/rotationpolicy") return net::json_response(200, R"({"lifetimeActions":[]})");
    const auto body = parse_json(as_text(request.body));
    const std::string value = *body->find("value")->string();
    if (rest == "/v1/wrapkey") {
      const std::string wrapped = to_base64(as_bytes(name + std::to_string(wraps.size())), Base64::kUrl);
      wraps[*body->find("alg")->string() + wrapped] = value;
      return net::json_response(200, R"({"kid":")" + kid + R"(","value":")" + wrapped + "\"}");
    }
    const auto found = wraps.find(*body->find("alg")->string() + value);
    if (rest != "/v1/unwrapkey" || found == wraps.end()) {
      return net::json_response(400, R"({"error":{"code":"BadParameter"}})");
    }
    return net::json_response(200, R"({"kid":")" + kid + R"(","value":")" + found->second + "\"}");
  }
};

std::optional<ContractSubject> stand_in() {
  struct Alive {
    testing::TempDir folder;
    testing::TestWaiting time;
    testing::FunctionTransport transport{StandInVault()};
  };
  auto alive = std::make_shared<Alive>();
  CLOISTER_CHECK(write_file(alive->folder / "secret", as_bytes("s"), Overwrite::kRefuse, 0600).ok());
  AzureKeyVaultOptions options;
  options.vault = "https://" + kHost;
  options.tenant = "acme";
  options.credential.kind = AzureCredentialKind::kClientSecret;
  options.credential.client_id = "app";
  options.credential.client_secret_file = alive->folder / "secret";
  auto vault =
      value_of(AzureKeyVault::create(options, nullptr, alive->time.waiting(), testing::connect_to(alive->transport)));
  return ContractSubject{vault, "first", "absent", "second", ContractSubject::Context::kNotTaken, alive};
}

INSTANTIATE_TEST_SUITE_P(Azure, ProviderContract, ::testing::Values(ContractCase{"azure", stand_in}), contract_name);

}  // namespace
}  // namespace cloister::kms
