#include "kms/google/google_kms.h"

#include <map>

#include "base/base64.h"
#include "base/json.h"
#include "crypto/jws.h"
#include "kms/form_body.h"
#include "tests/support/expect.h"
#include "tests/support/recorded_hosts.h"
#include "tests/support/rsa_key.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/kms/provider_contract.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::value_of;

const std::string kLocation = "projects/acme/locations/europe-west3";
const std::string kRing = kLocation + "/keyRings/ring";
const std::string kKey = kRing + "/cryptoKeys/kek";
const std::string kVersion = kKey + "/cryptoKeyVersions/1";
const std::string kHost = "cloudkms.googleapis.com/v1/";
const std::string kMetadata = "169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token";
const net::Headers kFlavor{{"metadata-flavor", "Google"}};
const ContextMap kContext{{"tenant", "acme"}};

std::string token_answer(std::string_view token) {
  return R"({"token_type":"Bearer","expires_in":3599,"access_token":")" + std::string(token) + "\"}";
}
std::string checksum(ByteView bytes) { return "\"" + std::to_string(crc32c(bytes)) + "\""; }
std::string encrypted(std::string_view ciphertext, std::string_view verified = "true") {
  return R"({"name":")" + kVersion + R"(","ciphertext":")" + to_base64(as_bytes(ciphertext)) +
         R"(","ciphertextCrc32c":)" + checksum(as_bytes(ciphertext)) + R"(,"verifiedPlaintextCrc32c":)" +
         std::string(verified) + R"(,"verifiedAdditionalAuthenticatedDataCrc32c":true,"protectionLevel":"SOFTWARE"})";
}
std::string key_answer(std::string_view purpose = "ENCRYPT_DECRYPT") {
  return R"({"name":")" + kKey + R"(","purpose":")" + std::string(purpose) + R"("})";
}
std::string refusal(unsigned code, std::string_view status) {
  return R"({"error":{"code":)" + std::to_string(code) + R"(,"message":"no","status":")" + std::string(status) + "\"}}";
}

class Google : public ::testing::Test {
 protected:
  Google() {
    options_.location = kLocation;
    options_.key_ring = "ring";
  }
  void TearDown() override { EXPECT_EQ(script_.left(), 0U); }

  std::shared_ptr<GoogleKms> kms() { return value_of(create()); }
  Result<std::shared_ptr<GoogleKms>> create() {
    return GoogleKms::create(options_, evidence_, time_.waiting(), testing::connect_to(script_));
  }
  void expect_token(std::string_view token = "t1") {
    script_.expect("GET", kMetadata, 200, token_answer(token), kFlavor);
  }
  void expect_key(unsigned status = 200, const std::string& body = key_answer()) {
    script_.expect("GET", kHost + kKey, status, body);
  }
  void expect_encrypt(unsigned status, const std::string& body) {
    script_.expect("POST", kHost + kKey + ":encrypt", status, body);
  }
  void expect_decrypt(unsigned status, const std::string& body) {
    script_.expect("POST", kHost + kKey + ":decrypt", status, body);
  }
  // A credentials file of that content.
  void use_file(GoogleCredentialKind kind, std::string_view text) {
    options_.credential.kind = kind;
    options_.credential.file = folder_ / "credentials.json";
    ASSERT_TRUE(write_file(options_.credential.file, as_bytes(text), Overwrite::kReplace, 0600).ok());
  }
  static std::string service_account() {
    return JsonValue(JsonValue::Object{{"type", "service_account"},
                                       {"private_key_id", "k1"},
                                       {"private_key", testing::rsa_key_pem()},
                                       {"client_email", "w@acme.iam.gserviceaccount.com"},
                                       {"token_uri", "https://oauth2.googleapis.com/token"}})
        .serialize();
  }
  std::string external_account(std::string_view more = "", std::string_view format = "") {
    return R"({"type":"external_account","audience":"//iam.googleapis.com/projects/1/locations/global/)"
           R"(workloadIdentityPools/p/providers/q","subject_token_type":"urn:ietf:params:oauth:token-type:jwt",)"
           R"("token_url":"https://sts.googleapis.com/v1/token",)" +
           std::string(more) + R"("credential_source":{"file":")" + (folder_ / "subject").string() + "\"" +
           std::string(format) + "}}";
  }

  testing::TempDir folder_;
  testing::RecordedTransport script_;
  testing::TestWaiting time_;
  std::shared_ptr<testing::KeptEvidence> evidence_ = std::make_shared<testing::KeptEvidence>();
  GoogleKmsOptions options_;
};

TEST_F(Google, ChecksumsGoAlongBothWays) {
  expect_token();
  expect_encrypt(200, encrypted("wrapped"));
  options_.quota_project = "billing";
  const auto kms = this->kms();
  const auto wrapped = value_of(kms->wrap("kek", crypto::Secret::copy_of(as_bytes("123456789")), kContext));
  EXPECT_EQ(wrapped.key_version, kVersion);
  EXPECT_EQ(as_text(wrapped.ciphertext), "wrapped");
  const auto sent = script_.sent().back();
  const auto body = value_of(parse_json(sent.body));
  EXPECT_EQ(*body.find("plaintext")->string(), "MTIzNDU2Nzg5");
  EXPECT_EQ(*body.find("plaintextCrc32c")->string(), "3808858755");  // the check value of CRC-32C's catalogue entry
  const Bytes bound = canonical(kContext);
  EXPECT_EQ(*body.find("additionalAuthenticatedData")->string(), to_base64(bound));
  EXPECT_EQ(*body.find("additionalAuthenticatedDataCrc32c")->string(), std::to_string(crc32c(bound)));
  EXPECT_EQ(sent.header("authorization"), "Bearer t1");
  EXPECT_EQ(sent.header("x-goog-request-params"), "name=" + percent_encode(kKey));
  EXPECT_EQ(sent.header("x-goog-user-project"), "billing");
  EXPECT_EQ(sent.header("content-type"), "application/json");
}

TEST_F(Google, DecryptsWithTheKeyAndNotTheVersion) {
  expect_token();
  expect_decrypt(200, R"({"plaintext":"MTIzNDU2Nzg5","plaintextCrc32c":"3808858755","usedPrimary":true})");
  const auto opened = value_of(kms()->unwrap(kKey, {kVersion, {1, 2, 3}}, kContext));
  EXPECT_EQ(as_text(opened.expose()), "123456789");
  const auto body = value_of(parse_json(script_.sent().back().body));
  EXPECT_EQ(*body.find("ciphertext")->string(), "AQID");
  EXPECT_EQ(*body.find("ciphertextCrc32c")->string(), std::to_string(crc32c(Bytes{1, 2, 3})));
  EXPECT_EQ(*body.find("additionalAuthenticatedDataCrc32c")->string(), std::to_string(crc32c(canonical(kContext))));
}

TEST_F(Google, ServerThatVerifiesNothing) {
  expect_token();
  for (int i = 0; i < 2; ++i) expect_encrypt(200, encrypted("wrapped", "false"));
  expect_refused(kms()->wrap("kek", crypto::Secret(32), kContext), Code::kCorrupt, "twice");
}

TEST_F(Google, ServerThatSendsNoChecksum) {
  expect_token();
  for (int i = 0; i < 2; ++i) expect_encrypt(200, R"({"name":")" + kVersion + R"(","ciphertext":"AQID"})");
  for (int i = 0; i < 2; ++i) expect_decrypt(200, R"({"plaintext":"AQID"})");
  const auto kms = this->kms();
  expect_refused(kms->wrap("kek", crypto::Secret(32), kContext), Code::kCorrupt, "verify");
  expect_refused(kms->unwrap("kek", {kVersion, {1}}, kContext), Code::kCorrupt, "checksum");
}

TEST_F(Google, OneBadAnswerIsAskedForAgain) {
  expect_token();
  expect_encrypt(200, encrypted("wrapped", "false"));
  expect_encrypt(200, encrypted("wrapped"));
  expect_decrypt(200, R"({"plaintext":"MTIzNDU2Nzg5","plaintextCrc32c":"1"})");
  expect_decrypt(200, R"({"plaintext":"MTIzNDU2Nzg5","plaintextCrc32c":"3808858755"})");
  const auto kms = this->kms();
  EXPECT_TRUE(kms->wrap("kek", crypto::Secret(32), kContext).ok());
  EXPECT_TRUE(kms->unwrap("kek", {kVersion, {1}}, kContext).ok());
}

TEST_F(Google, AnotherKeyAnswers) {
  expect_token();
  std::string other = encrypted("wrapped");
  other.replace(other.find("/kek/"), 5, "/key/");
  expect_encrypt(200, other);
  expect_refused(kms()->wrap("kek", crypto::Secret(32), kContext), Code::kCorrupt, "another key");
}

TEST_F(Google, WrapOfAnotherKeyIsNeverSent) {
  const auto kms = this->kms();
  for (const std::string& version :
       {std::string(), kKey, kRing + "/cryptoKeys/other/cryptoKeyVersions/1", kVersion + "/x"}) {
    expect_refused(kms->unwrap("kek", {version, {1}}, kContext), Code::kDenied, "another key's");
  }
}

TEST_F(Google, WrapThatDoesNotOpenIsDenied) {
  expect_token();
  expect_decrypt(400, refusal(400, "INVALID_ARGUMENT"));
  expect_refused(kms()->unwrap("kek", {kVersion, {1}}, kContext), Code::kDenied, "INVALID_ARGUMENT");
}

TEST_F(Google, DisabledKeyIsDeniedAtOnce) {
  expect_token();
  expect_encrypt(400, refusal(400, "FAILED_PRECONDITION"));
  expect_refused(kms()->wrap("kek", crypto::Secret(32), kContext), Code::kDenied, "FAILED_PRECONDITION");
  EXPECT_TRUE(time_.slept.empty());
}

TEST_F(Google, QuotaBySecond) {
  expect_token();
  expect_encrypt(429, refusal(429, "RESOURCE_EXHAUSTED"));
  expect_encrypt(503, refusal(503, "UNAVAILABLE"));
  expect_encrypt(200, encrypted("wrapped"));
  EXPECT_TRUE(kms()->wrap("kek", crypto::Secret(32), kContext).ok());
  ASSERT_EQ(time_.slept.size(), 2U);
  EXPECT_EQ(time_.slept[0], Duration{1500});
  EXPECT_LE(time_.slept[1], Duration{130});
}

TEST_F(Google, RefusedTokenIsRenewedOnce) {
  expect_token("t1");
  expect_key(401, refusal(401, "UNAUTHENTICATED"));
  expect_token("t2");
  expect_key();
  expect_key(401, refusal(401, "UNAUTHENTICATED"));
  expect_token("t3");
  expect_key(401, refusal(401, "UNAUTHENTICATED"));
  const auto kms = this->kms();
  EXPECT_EQ(value_of(kms->resolve("kek")), kKey);
  EXPECT_EQ(script_.sent()[3].header("authorization"), "Bearer t2");
  expect_refused(kms->resolve("kek"), Code::kDenied, "UNAUTHENTICATED");
}

TEST_F(Google, KeyForSomethingElse) {
  expect_token();
  expect_key(200, key_answer("ASYMMETRIC_SIGN"));
  expect_refused(kms()->resolve("kek"), Code::kInvalid, "ASYMMETRIC_SIGN");
}

TEST_F(Google, MetadataServerThatIsNone) {
  script_.expect("GET", kMetadata, 200, token_answer("t1"));
  expect_refused(kms()->resolve("kek"), Code::kDenied, "isn't Google's");
  EXPECT_EQ(script_.sent()[0].header("metadata-flavor"), "Google");
}

TEST_F(Google, MachineWithoutAnAccount) {
  script_.expect("GET", kMetadata, 404, "no such account", kFlavor);
  expect_refused(kms()->resolve("kek"), Code::kDenied, "404");
}

TEST_F(Google, ServiceAccountsAssertion) {
  use_file(GoogleCredentialKind::kServiceAccount, service_account());
  script_.expect("POST", "oauth2.googleapis.com/token", 200, token_answer("t1"), {},
                 "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=");
  expect_key();
  EXPECT_TRUE(kms()->resolve("kek").ok());
  const std::string form = script_.sent()[0].body;
  const auto token = value_of(crypto::Jws::parse(form.substr(form.find("assertion=") + 10)));
  const auto signer = value_of(crypto::RsaSigner::from_pkcs8(testing::rsa_key_der()));
  EXPECT_EQ(token.header().algorithm, crypto::JwsAlgorithm::kRs256);
  EXPECT_EQ(token.header().key_id, "k1");
  const auto claims = value_of(parse_json(as_text(value_of(token.verified_payload(signer->public_key())))));
  EXPECT_EQ(*claims.find("iss")->string(), "w@acme.iam.gserviceaccount.com");
  EXPECT_EQ(*claims.find("aud")->string(), "https://oauth2.googleapis.com/token");
  EXPECT_EQ(*claims.find("scope")->string(), kGoogleKmsScope);
  EXPECT_EQ(*claims.find("iat")->unsigned_integer(), 1'795'526'589U);
  EXPECT_EQ(*claims.find("exp")->unsigned_integer(), 1'795'526'589U + 3600);
}

TEST_F(Google, SelfSignedTokenAsksNobody) {
  use_file(GoogleCredentialKind::kSelfSigned, service_account());
  expect_key();
  EXPECT_TRUE(kms()->resolve("kek").ok());
  const std::string token = script_.sent()[0].header("authorization").substr(7);
  const auto claims = value_of(parse_json(as_text(value_of(crypto::Jws::parse(token)).unverified_payload())));
  EXPECT_EQ(*claims.find("aud")->string(), "https://cloudkms.googleapis.com/");
  EXPECT_EQ(*claims.find("sub")->string(), "w@acme.iam.gserviceaccount.com");
  EXPECT_EQ(claims.find("scope"), nullptr);
}

TEST_F(Google, RevokedServiceAccount) {
  use_file(GoogleCredentialKind::kServiceAccount, service_account());
  script_.expect("POST", "oauth2.googleapis.com/token", 400,
                 R"({"error":"invalid_grant","error_description":"Invalid JWT Signature."})");
  expect_refused(kms()->resolve("kek"), Code::kDenied, "Invalid JWT Signature");
}

TEST_F(Google, CredentialsFileThatOthersCanRead) {
  use_file(GoogleCredentialKind::kServiceAccount, service_account());
  std::filesystem::permissions(options_.credential.file, std::filesystem::perms(0644));
  expect_refused(create(), Code::kDenied, "credentials.json");
}

TEST_F(Google, CredentialsFileThatIsNone) {
  for (const std::string_view text :
       {"{}", "[]", "x", R"({"type":"service_account","client_email":"a"})", R"({"type":"authorized_user"})"}) {
    use_file(GoogleCredentialKind::kServiceAccount, text);
    expect_refused(create(), Code::kInvalid, "credentials file");
  }
  use_file(GoogleCredentialKind::kServiceAccount, external_account());
  expect_refused(create(), Code::kInvalid, "service_account");
  options_.credential.file.clear();
  expect_refused(create(), Code::kInvalid, "credentials file");
}

TEST_F(Google, ExternalAccount) {
  use_file(GoogleCredentialKind::kExternalAccount, external_account());
  ASSERT_TRUE(write_file(folder_ / "subject", as_bytes("eyJ.subject\n"), Overwrite::kReplace, 0600).ok());
  script_.expect("POST", "sts.googleapis.com/v1/token", 200, token_answer("t1"), {}, "&subject_token=eyJ.subject&");
  expect_key();
  EXPECT_TRUE(kms()->resolve("kek").ok());
  const std::string body = script_.sent()[0].body;
  EXPECT_EQ(body.find("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&audience=%2F%2Fiam."), 0U);
  EXPECT_NE(body.find("auth%2Fcloudkms&requested_token_type="), std::string::npos);
}

TEST_F(Google, ExternalAccountThatImpersonates) {
  use_file(
      GoogleCredentialKind::kExternalAccount,
      external_account(R"("service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/projects/-/)"
                       R"(serviceAccounts/w@acme.iam.gserviceaccount.com:generateAccessToken",)",
                       R"(,"format":{"type":"json","subject_token_field_name":"id_token"})"));
  ASSERT_TRUE(write_file(folder_ / "subject", as_bytes(R"({"id_token":"eyJ.s"})"), Overwrite::kReplace, 0600).ok());
  script_.expect("POST", "sts.googleapis.com/v1/token", 200, token_answer("federated"), {}, "&subject_token=eyJ.s&");
  script_.expect("POST",
                 "iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
                 "w@acme.iam.gserviceaccount.com:generateAccessToken",
                 200, R"({"accessToken":"t1","expireTime":"2026-11-24T14:23:09Z"})");
  expect_key();
  EXPECT_TRUE(kms()->resolve("kek").ok());
  EXPECT_EQ(script_.sent()[1].header("authorization"), "Bearer federated");
  EXPECT_EQ(script_.sent()[2].header("authorization"), "Bearer t1");
}

TEST_F(Google, ExternalAccountOfAnotherKind) {
  use_file(
      GoogleCredentialKind::kExternalAccount,
      R"({"type":"external_account","audience":"a","subject_token_type":"t","token_url":"https://sts.googleapis.com/v1/token",)"
      R"("credential_source":{"environment_id":"aws1"}})");
  expect_refused(create(), Code::kUnsupported, "file");
  use_file(GoogleCredentialKind::kExternalAccount, external_account("", R"(,"format":{"type":"xml"})"));
  expect_refused(create(), Code::kInvalid, "format");
}

TEST_F(Google, OptionsThatMakeNoSense) {
  options_.location = "projects/acme";
  expect_refused(create(), Code::kInvalid, "location");
  options_.location = kLocation;
  options_.key_ring = "a/b";
  expect_refused(create(), Code::kInvalid, "key ring");
  options_.key_ring.clear();
  options_.quota_project = "a\r\nx: y";
  expect_refused(create(), Code::kInvalid, "quota project");
  options_.quota_project.clear();
  options_.endpoint = "http://192.0.2.1";
  expect_refused(create(), Code::kInvalid, "plain http");
}

TEST_F(Google, ImpersonationThatHasExpired) {
  const Time now = time_.now;
  EXPECT_TRUE(
      parse_google_impersonated(as_bytes(R"({"accessToken":"a","expireTime":"2026-11-24T14:00:00Z"})"), now).ok());
  for (const std::string_view text : {R"({"accessToken":"a","expireTime":"2026-11-24T13:00:00Z"})",
                                      R"({"accessToken":"a"})", R"({"expireTime":"2026-11-24T14:00:00Z"})", "x"}) {
    expect_refused(parse_google_impersonated(as_bytes(text), now), Code::kInvalid, "expireTime");
  }
}

TEST_F(Google, ListGoesOverAllKeyRings) {
  options_.key_ring.clear();
  expect_token();
  const std::string rings = kHost + kLocation + "/keyRings?pageSize=100";
  const std::string other = kLocation + "/keyRings/other";
  const auto ring_page = [](const std::string& name, std::string_view more) {
    return R"({"keyRings":[{"name":")" + name + R"("}])" + std::string(more) + "}";
  };
  script_.expect("GET", rings, 200, ring_page(kRing, R"(,"nextPageToken":"r/2")"));
  script_.expect("GET", kHost + kRing + "/cryptoKeys?pageSize=100", 200,
                 R"({"cryptoKeys":[{"name":")" + kKey + R"("}],"nextPageToken":"k2"})");
  script_.expect("GET", rings, 200, ring_page(kRing, R"(,"nextPageToken":"r/2")"));
  script_.expect("GET", kHost + kRing + "/cryptoKeys?pageSize=100&pageToken=k2", 200, "{}");
  script_.expect("GET", rings + "&pageToken=r%2F2", 200, ring_page(other, ""));
  script_.expect("GET", kHost + other + "/cryptoKeys?pageSize=100", 200,
                 R"({"cryptoKeys":[{"name":")" + other + R"(/cryptoKeys/last"}]})");
  const auto kms = this->kms();
  std::vector<std::string> all;
  std::string cursor;
  do {
    const auto page = value_of(kms->list(cursor));
    all.insert(all.end(), page.keys.begin(), page.keys.end());
    cursor = page.next;
  } while (!cursor.empty() && all.size() < 9);
  EXPECT_EQ(all, (std::vector{kKey, other + "/cryptoKeys/last"}));
  expect_refused(kms->list("[1,2]"), Code::kInvalid, "goes on");
}

TEST_F(Google, DescribesWhatItMaySee) {
  expect_token();
  expect_key();
  script_.expect("GET", kHost + kKey + "/cryptoKeyVersions?pageSize=100", 403, refusal(403, "PERMISSION_DENIED"));
  script_.expect("GET", kHost + kKey + ":getIamPolicy?options.requestedPolicyVersion=3", 200, "{}");
  const auto posture = value_of(kms()->describe("kek"));
  EXPECT_EQ(posture.managed_by.value(), ManagedBy::kCustomer);
  EXPECT_NE(posture.versions.why_not().find("PERMISSION_DENIED"), std::string::npos);
  EXPECT_TRUE(posture.policy_findings.value().empty());
  ASSERT_EQ(evidence_->all().size(), 3U);
  EXPECT_EQ(evidence_->all()[0].body, key_answer());
}

TEST_F(Google, EvidenceOfACryptoCallHasNoBody) {
  expect_token();
  expect_decrypt(200, R"({"plaintext":"MTIzNDU2Nzg5","plaintextCrc32c":"3808858755"})");
  EXPECT_TRUE(kms()->unwrap("kek", {kVersion, {1}}, kContext).ok());
  ASSERT_EQ(evidence_->all().size(), 1U);
  EXPECT_TRUE(evidence_->all()[0].withheld && evidence_->all()[0].body.empty());
}

TEST_F(Google, HealthSaysWhyNot) {
  expect_token();
  script_.expect("GET", kHost + kRing + "/cryptoKeys?pageSize=1", 403, refusal(403, "PERMISSION_DENIED"));
  const auto health = value_of(kms()->health());
  EXPECT_FALSE(health.serving);
  EXPECT_NE(health.detail.find("PERMISSION_DENIED"), std::string::npos);
}

// A key ring that lives in the test: two keys of one version; what it wraps it keeps, with its context.
struct StandInRing {
  std::map<std::string, std::string> wraps;  // ciphertext and context -> plaintext

  Result<net::Response> operator()(const net::Request& request) {
    if (request.target.starts_with("169.254.169.254")) {
      net::Response answer = net::json_response(200, token_answer("t"));
      answer.headers.add("metadata-flavor", "Google");
      return answer;
    }
    const std::string target = request.target.substr(kHost.size());
    if (target.starts_with(kRing + "/cryptoKeys?")) {
      const bool more = target.find("pageToken=2") != std::string::npos;
      return net::json_response(200, R"({"cryptoKeys":[{"name":")" + kRing + "/cryptoKeys/" +
                                         (more ? R"(second"}]})" : R"(first"}],"nextPageToken":"2"})"));
    }
    for (const std::string name : {"first", "second"}) {
      const std::string key = kRing + "/cryptoKeys/" + name;
      if (target.starts_with(key)) return answer(key, target.substr(key.size()), request);
    }
    return net::json_response(404, refusal(404, "NOT_FOUND"));
  }

  Result<net::Response> answer(const std::string& key, std::string_view verb, const net::Request& request) {
    const std::string version =
        R"({"name":")" + key + R"(/cryptoKeyVersions/1","state":"ENABLED","protectionLevel":"SOFTWARE"})";
    if (verb.empty()) {
      return net::json_response(200,
                                R"({"name":")" + key + R"(","purpose":"ENCRYPT_DECRYPT","primary":)" + version + "}");
    }
    if (verb.starts_with("/cryptoKeyVersions")) {
      return net::json_response(200, R"({"cryptoKeyVersions":[)" + version + "]}");
    }
    if (verb.starts_with(":getIamPolicy")) return net::json_response(200, "{}");
    const auto body = value_of(parse_json(as_text(request.body)));
    const std::string context = *body.find("additionalAuthenticatedData")->string();
    if (verb == ":encrypt") {
      const std::string ciphertext = key + std::to_string(wraps.size());
      wraps[to_base64(as_bytes(ciphertext)) + " " + context] = *body.find("plaintext")->string();
      std::string answer = encrypted(ciphertext);
      answer.replace(answer.find(kVersion), kVersion.size(), key + "/cryptoKeyVersions/1");
      return net::json_response(200, answer);
    }
    const auto found = wraps.find(*body.find("ciphertext")->string() + " " + context);
    if (found == wraps.end()) return net::json_response(400, refusal(400, "INVALID_ARGUMENT"));
    return net::json_response(200, R"({"plaintext":")" + found->second + R"(","plaintextCrc32c":)" +
                                       checksum(value_of(from_base64(found->second))) + "}");
  }
};

std::optional<ContractSubject> stand_in() {
  struct Alive {
    testing::TestWaiting time;
    testing::FunctionTransport transport{StandInRing()};
  };
  auto alive = std::make_shared<Alive>();
  GoogleKmsOptions options;
  options.location = kLocation;
  options.key_ring = "ring";
  auto kms =
      value_of(GoogleKms::create(options, nullptr, alive->time.waiting(), testing::connect_to(alive->transport)));
  return ContractSubject{kms, "first", "absent", "second", ContractSubject::Context::kBound, alive};
}

INSTANTIATE_TEST_SUITE_P(Google, ProviderContract, ::testing::Values(ContractCase{"google", stand_in}), contract_name);

}  // namespace
}  // namespace cloister::kms
