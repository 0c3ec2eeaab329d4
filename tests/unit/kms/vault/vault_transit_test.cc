#include "kms/vault/vault_transit.h"

#include "base/file.h"
#include "tests/support/expect.h"
#include "tests/support/recorded_transport.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/kms/provider_contract.h"
#include "tests/unit/kms/vault/transit_stand_in.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::FunctionTransport;
using testing::RecordedTransport;
using testing::TransitStandIn;
using testing::value_of;

const ContextMap kContext{{"purpose", "kek"}, {"tenant", "acme"}};
constexpr const char* kKey =
    R"({"data":{"type":"aes256-gcm96","latest_version":1,"keys":{"1":1795667660},"min_decryption_version":1}})";
constexpr const char* kEncrypted = R"({"data":{"ciphertext":"vault:v1:AAAA","key_version":1},"request_id":"r-1"})";
constexpr const char* kForever = R"({"data":{"ttl":0,"renewable":false}})";
constexpr const char* kDenied = R"({"errors":["permission denied"]})";

std::string login_answer(const char* token, int lease) {
  return std::string(R"({"auth":{"client_token":")") + token + R"(","lease_duration":)" + std::to_string(lease) +
         R"(,"renewable":true}})";
}

class VaultTransitTest : public ::testing::Test {
 protected:
  VaultTransitTest() {
    options_.address = "https://vault.acme.example:8200";
    options_.retry.attempts = 3;
    write("token", "hvs.first\n");
    options_.secret_file = path("token");
  }

  std::string path(const std::string& name) { return folder_.path() / name; }
  void write(const std::string& name, std::string_view text) {
    CLOISTER_CHECK(write_file(path(name), as_bytes(text), Overwrite::kReplace, 0600).ok());
  }

  Result<std::shared_ptr<VaultTransit>> open() {
    auto transport = std::make_unique<RecordedTransport>();
    recorded_ = transport.get();
    return VaultTransit::create_over(std::move(transport), options_, environment_, evidence_, waiting_.waiting());
  }
  VaultTransit& transit() {
    if (transit_ == nullptr) transit_ = value_of(open());
    return *transit_;
  }
  RecordedTransport& recorded() {
    transit();
    return *recorded_;
  }
  // With a token that was looked up, and the key looked at.
  void begin() {
    recorded().expect("GET", "/v1/auth/token/lookup-self", 200, kForever);
    recorded().expect("GET", "/v1/transit/keys/corpus", 200, kKey);
    EXPECT_EQ(value_of(transit().resolve("corpus")), transit().name().empty() ? "" : "transit/corpus");
  }
  void use_approle() {
    options_.auth = "approle";
    options_.role = "role-7";
    write("secret", "secret-7");
    options_.secret_file = path("secret");
  }
  Result<ProviderWrap> wrap() { return transit().wrap("corpus", secret_, kContext); }

  testing::TempDir folder_;
  VaultOptions options_;
  testing::TestWaiting waiting_;
  std::map<std::string, std::string> variables_;
  VaultTransit::Environment environment_ = [this](const std::string& name) -> std::optional<std::string> {
    const auto found = variables_.find(name);
    return found == variables_.end() ? std::nullopt : std::optional(found->second);
  };
  std::shared_ptr<testing::KeptEvidence> evidence_ = std::make_shared<testing::KeptEvidence>();
  RecordedTransport* recorded_ = nullptr;
  std::shared_ptr<VaultTransit> transit_;
  const crypto::Secret secret_ = crypto::Secret::copy_of(Bytes(32, 7));
};

INSTANTIATE_TEST_SUITE_P(Vault, ProviderContract,
                         ::testing::Values(ContractCase{
                             "vault_transit",
                             [] {
                               auto stand_in = std::make_shared<TransitStandIn>();
                               stand_in->add("corpus");
                               stand_in->add("models");
                               VaultOptions options;
                               options.address = "https://vault.acme.example";
                               const auto environment = [](const std::string&) {
                                 return std::optional<std::string>("hvs.t");
                               };
                               auto transport = std::make_unique<FunctionTransport>(
                                   [stand_in](const net::Request& request) { return stand_in->answer(request); });
                               auto made = VaultTransit::create_over(std::move(transport), options, environment,
                                                                     nullptr, real_waiting());
                               return std::optional(ContractSubject{.provider = value_of(std::move(made)),
                                                                    .key = "transit/corpus",
                                                                    .absent = "transit/absent",
                                                                    .another = "transit/models",
                                                                    .alive = stand_in});
                             }}),
                         contract_name);

TEST_F(VaultTransitTest, WrapSaysWhatItBinds) {
  begin();
  recorded().expect("POST", "/v1/transit/encrypt/corpus", 200, kEncrypted);
  const ProviderWrap made = value_of(wrap());
  EXPECT_EQ(made.key_version, "v1");
  EXPECT_EQ(as_text(made.ciphertext), "vault:v1:AAAA");
  const auto sent = recorded().sent().back();
  EXPECT_EQ(sent.header("x-vault-token"), "hvs.first");
  EXPECT_EQ(sent.header("x-vault-request"), "true");
  EXPECT_EQ(sent.header("x-vault-namespace"), "");
  EXPECT_NE(sent.body.find(R"("associated_data":")"), std::string::npos);
  EXPECT_EQ(recorded().left(), 0U);
}

TEST_F(VaultTransitTest, NamespaceMountAndPrefix) {
  options_.address = "https://gateway.acme.example/vault/";
  options_.name_space = "acme/research";
  options_.mount = "keys/transit";
  recorded().expect("GET", "/vault/v1/auth/token/lookup-self", 200, kForever);
  recorded().expect("GET", "/vault/v1/keys/transit/keys/corpus", 200, kKey);
  EXPECT_EQ(value_of(transit().resolve("corpus")), "acme/research/keys/transit/corpus");
  EXPECT_EQ(value_of(transit().resolve("acme/research/keys/transit/corpus")), "acme/research/keys/transit/corpus");
  EXPECT_EQ(recorded().sent().back().header("x-vault-namespace"), "acme/research");
  expect_refused(transit().resolve("keys/transit/corpus"), Code::kInvalid, "in full");
}

TEST_F(VaultTransitTest, NamesThatWouldLeaveTheirPath) {
  for (const char* name : {"", "..", "../sys/seal", "a/b", "a?b", "a%2fb", "a b", ".a", "a#b"}) {
    expect_refused(transit().wrap(name, secret_, kContext), Code::kInvalid, "named");
    expect_refused(transit().describe(name), Code::kInvalid, "named");
  }
  EXPECT_TRUE(recorded().sent().empty());
}

TEST_F(VaultTransitTest, WrongOptions) {
  const VaultOptions good = options_;
  const auto refused = [&](auto change, const char* word) {
    options_ = good;
    change();
    expect_refused(open(), Code::kInvalid, word);
  };
  refused([&] { options_.address = "ftp://x"; }, "https");
  refused([&] { options_.mount = "../sys"; }, "mount");
  refused([&] { options_.mount = "a//b"; }, "mount");
  refused([&] { options_.name_space = "a/"; }, "namespace");
  refused([&] { options_.auth = "ldap"; }, "ldap");
  refused([&] { options_.auth = "approle"; }, "needs a role");
  refused([&] { options_.auth = "kubernetes"; }, "needs a role");
  refused(
      [&] {
        options_.auth = "jwt";
        options_.role = "r";
        options_.secret_file = "";
      },
      "secret_file");
  refused([&] { options_.auth = "cert"; }, "certificate");
  refused(
      [&] {
        options_.auth = "approle";
        options_.role = "a\"b";
      },
      "role");
  refused([&] { options_.secret_file = ""; }, "VAULT_TOKEN");
}

TEST_F(VaultTransitTest, KeyThatIsNotThereIsNotMade) {
  recorded().expect("GET", "/v1/auth/token/lookup-self", 200, kForever);
  recorded().expect("GET", "/v1/transit/keys/corpus", 404, R"({"errors":[]})");
  expect_refused(wrap(), Code::kNotFound, "transit/corpus");
  EXPECT_EQ(recorded().sent().size(), 2U);
}

TEST_F(VaultTransitTest, KeyThatBindsNoContext) {
  recorded().expect("GET", "/v1/auth/token/lookup-self", 200, kForever);
  recorded().expect("GET", "/v1/transit/keys/corpus", 200, R"({"data":{"type":"rsa-4096"}})");
  expect_refused(wrap(), Code::kInvalid, "rsa-4096");
}

TEST_F(VaultTransitTest, UnwrapOfWhatIsNoCiphertext) {
  for (const char* text : {"", "AAAA", "vault:v1:A\"}", "vault:v0:AA"}) {
    expect_refused(transit().unwrap("corpus", {"v1", to_bytes(as_bytes(text))}, kContext), Code::kDenied, "isn't one");
  }
  expect_refused(transit().unwrap("corpus", {"v2", to_bytes(as_bytes("vault:v1:AAAA"))}, kContext), Code::kDenied,
                 "another version");
  EXPECT_TRUE(recorded().sent().empty());
}

TEST_F(VaultTransitTest, WrapThatDoesNotOpen) {
  begin();
  recorded().expect("POST", "/v1/transit/decrypt/corpus", 400,
                    R"({"errors":["cipher: message authentication failed"]})");
  expect_refused(transit().unwrap("corpus", {"v1", to_bytes(as_bytes("vault:v1:AAAA"))}, kContext), Code::kDenied,
                 "message authentication failed");
  EXPECT_TRUE(waiting_.slept.empty());
}

TEST_F(VaultTransitTest, AnswerOfAnotherVersion) {
  begin();
  recorded().expect("POST", "/v1/transit/encrypt/corpus", 200,
                    R"({"data":{"ciphertext":"vault:v1:AAAA","key_version":2}})");
  expect_refused(wrap(), Code::kCorrupt, "another key version");
}

TEST_F(VaultTransitTest, SealedThrottledAndStale) {
  for (const unsigned status : {503U, 429U, 412U, 500U, 502U}) {
    transit_ = nullptr;
    waiting_.slept.clear();
    begin();
    for (int i = 0; i < 3; ++i) {
      recorded().expect("POST", "/v1/transit/encrypt/corpus", status, R"({"errors":["Vault is sealed"]})");
    }
    expect_refused(wrap(), Code::kUnavailable, "Vault is sealed");
    EXPECT_EQ(waiting_.slept.size(), 2U);
  }
}

TEST_F(VaultTransitTest, WaitsAsLongAsItIsTold) {
  begin();
  recorded().expect("POST", "/v1/transit/encrypt/corpus", 429, "{}", {{"retry-after", "7"}});
  recorded().expect("POST", "/v1/transit/encrypt/corpus", 200, kEncrypted);
  EXPECT_TRUE(wrap().ok());
  EXPECT_EQ(waiting_.slept, std::vector{seconds(7)});
}

TEST_F(VaultTransitTest, TokenThatWasGivenIsRefused) {
  begin();
  recorded().expect("POST", "/v1/transit/encrypt/corpus", 403, kDenied);
  recorded().expect("GET", "/v1/auth/token/lookup-self", 403, kDenied);
  expect_refused(wrap(), Code::kDenied, "permission denied");
  EXPECT_EQ(recorded().left(), 0U);
}

TEST_F(VaultTransitTest, TokenFileThatWasReplaced) {
  begin();
  write("token", "hvs.second");
  recorded().expect("POST", "/v1/transit/encrypt/corpus", 403, kDenied);
  recorded().expect("GET", "/v1/auth/token/lookup-self", 200, kForever);
  recorded().expect("POST", "/v1/transit/encrypt/corpus", 200, kEncrypted);
  EXPECT_TRUE(wrap().ok());
  EXPECT_EQ(recorded().sent().back().header("x-vault-token"), "hvs.second");
}

TEST_F(VaultTransitTest, TokenFileThatOthersCanRead) {
  std::filesystem::permissions(path("token"), std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  expect_refused(wrap(), Code::kDenied, "token");
}

TEST_F(VaultTransitTest, TokenFileOfTwoLines) {
  write("token", "hvs.first\nhvs.second\n");
  expect_refused(wrap(), Code::kInvalid, "one line");
}

TEST_F(VaultTransitTest, TokenOfTheEnvironment) {
  options_.secret_file = "";
  variables_["VAULT_TOKEN"] = "hvs.environment";
  begin();
  EXPECT_EQ(recorded().sent().back().header("x-vault-token"), "hvs.environment");
}

TEST_F(VaultTransitTest, TokenIsRenewedAtTwoThirds) {
  recorded().expect("GET", "/v1/auth/token/lookup-self", 200, R"({"data":{"ttl":3600,"renewable":true}})");
  recorded().expect("GET", "/v1/transit/keys/corpus", 200, kKey);
  recorded().expect("POST", "/v1/transit/encrypt/corpus", 200, kEncrypted);
  EXPECT_TRUE(wrap().ok());
  waiting_.now = waiting_.now + seconds(2399);
  recorded().expect("POST", "/v1/transit/encrypt/corpus", 200, kEncrypted);
  EXPECT_TRUE(wrap().ok());
  waiting_.now = waiting_.now + seconds(1);
  recorded().expect("POST", "/v1/auth/token/renew-self", 200, login_answer("hvs.first", 3600));
  recorded().expect("POST", "/v1/transit/encrypt/corpus", 200, kEncrypted);
  EXPECT_TRUE(wrap().ok());
  EXPECT_EQ(recorded().left(), 0U);
}

TEST_F(VaultTransitTest, RenewalThatFailsIsNobodysError) {
  recorded().expect("GET", "/v1/auth/token/lookup-self", 200, R"({"data":{"ttl":3600,"renewable":true}})");
  recorded().expect("GET", "/v1/transit/keys/corpus", 200, kKey);
  EXPECT_TRUE(transit().resolve("corpus").ok());
  waiting_.now = waiting_.now + seconds(2400);
  recorded().expect("POST", "/v1/auth/token/renew-self", 400, R"({"errors":["lease not found"]})");
  recorded().expect("POST", "/v1/transit/encrypt/corpus", 200, kEncrypted);
  EXPECT_TRUE(wrap().ok());
}

TEST_F(VaultTransitTest, AppRole) {
  use_approle();
  recorded().expect("POST", "/v1/auth/approle/login", 200, login_answer("hvs.role", 60), {},
                    R"({"role_id":"role-7","secret_id":"secret-7"})");
  recorded().expect("GET", "/v1/transit/keys/corpus", 200, kKey);
  EXPECT_TRUE(transit().resolve("corpus").ok());
  EXPECT_EQ(recorded().sent().back().header("x-vault-token"), "hvs.role");
  // Past its end a token isn't tried.
  waiting_.now = waiting_.now + seconds(61);
  recorded().expect("POST", "/v1/auth/approle/login", 200, login_answer("hvs.next", 60));
  recorded().expect("POST", "/v1/transit/encrypt/corpus", 200, kEncrypted);
  EXPECT_TRUE(wrap().ok());
  EXPECT_EQ(recorded().sent().back().header("x-vault-token"), "hvs.next");
}

TEST_F(VaultTransitTest, LogsInAgainOnceWhenRefused) {
  use_approle();
  recorded().expect("POST", "/v1/auth/approle/login", 200, login_answer("hvs.one", 3600));
  recorded().expect("GET", "/v1/transit/keys/corpus", 403, kDenied);
  recorded().expect("POST", "/v1/auth/approle/login", 200, login_answer("hvs.two", 3600));
  recorded().expect("GET", "/v1/transit/keys/corpus", 403, kDenied);
  expect_refused(transit().resolve("corpus"), Code::kDenied, "permission denied");
  EXPECT_EQ(recorded().left(), 0U);
}

TEST_F(VaultTransitTest, LoginThatIsRefused) {
  use_approle();
  recorded().expect("POST", "/v1/auth/approle/login", 400, R"({"errors":["invalid role or secret ID"]})");
  expect_refused(wrap(), Code::kDenied, "log in by AppRole: it answered 400: invalid role or secret ID");
}

TEST_F(VaultTransitTest, KubernetesJwtAndCertificate) {
  write("jwt", "eyJ.a-b_c.d\n");
  options_.role = "kms";
  options_.secret_file = path("jwt");
  for (const char* auth : {"kubernetes", "jwt"}) {
    options_.auth = auth;
    options_.auth_mount = std::string(auth) + "-prod";
    transit_ = nullptr;
    recorded().expect("POST", "/v1/auth/" + options_.auth_mount + "/login", 200, login_answer("hvs.j", 60), {},
                      R"({"role":"kms","jwt":"eyJ.a-b_c.d"})");
    recorded().expect("GET", "/v1/transit/keys/corpus", 200, kKey);
    EXPECT_TRUE(transit().resolve("corpus").ok()) << auth;
  }
  options_.auth = "cert";
  options_.auth_mount = "";
  options_.certificate_file = "client.pem";
  transit_ = nullptr;
  recorded().expect("POST", "/v1/auth/cert/login", 200, login_answer("hvs.c", 60), {}, R"({"name":"kms"})");
  recorded().expect("GET", "/v1/transit/keys/corpus", 200, kKey);
  EXPECT_TRUE(transit().resolve("corpus").ok());
}

TEST_F(VaultTransitTest, Health) {
  const std::string health =
      "/v1/sys/health?standbyok=true&perfstandbyok=true&sealedcode=200&uninitcode=200&drsecondarycode=200";
  const auto told = [&](const char* state) {
    recorded().expect("GET", health, 200, state);
    recorded().expect("GET", "/v1/sys/seal-status", 200, R"({"type":"pkcs11","sealed":false})");
    return value_of(transit().health());
  };
  EXPECT_TRUE(told(R"({"initialized":true,"sealed":false,"standby":false,"version":"1.21.4"})").serving);
  EXPECT_EQ(told(R"({"initialized":true,"sealed":false,"version":"1.21.4"})").detail,
            "version 1.21.4, unsealed, seal pkcs11");
  EXPECT_FALSE(told(R"({"initialized":true,"sealed":true,"version":"1.21.4"})").serving);
  EXPECT_FALSE(told(R"({"initialized":false,"sealed":false})").serving);
  recorded().expect("GET", health, 502, "<html>");
  EXPECT_FALSE(value_of(transit().health()).serving);
  recorded().expect_failure("GET", health, Error(Code::kUnavailable, "connection refused"));
  EXPECT_FALSE(value_of(transit().health()).serving);
  EXPECT_EQ(recorded().sent().back().header("x-vault-token"), "");
}

TEST_F(VaultTransitTest, ListWithoutKeys) {
  recorded().expect("GET", "/v1/auth/token/lookup-self", 200, kForever);
  recorded().expect("GET", "/v1/transit/keys?list=true", 404, R"({"errors":[]})");
  EXPECT_TRUE(value_of(transit().list("")).keys.empty());
  recorded().expect("GET", "/v1/transit/keys?list=true", 200, R"({"data":{"keys":["corpus","models"]}})");
  EXPECT_EQ(value_of(transit().list("")).keys, (std::vector<std::string>{"transit/corpus", "transit/models"}));
  expect_refused(transit().list("2"), Code::kInvalid, "one page");
}

TEST_F(VaultTransitTest, EvidenceWithoutKeyMaterial) {
  begin();
  recorded().expect("POST", "/v1/transit/encrypt/corpus", 200, kEncrypted);
  EXPECT_TRUE(wrap().ok());
  recorded().expect("GET", "/v1/transit/keys/corpus", 200, kKey);
  recorded().expect("GET", "/v1/sys/seal-status", 200, R"({"type":"shamir","sealed":false})");
  EXPECT_TRUE(transit().describe("corpus").ok());
  const auto kept = evidence_->all();
  ASSERT_EQ(kept.size(), 4U);
  EXPECT_EQ(kept[0].body, kKey);
  EXPECT_TRUE(kept[1].withheld);
  EXPECT_TRUE(kept[1].body.empty());
  EXPECT_EQ(kept[1].request_id, "r-1");
  EXPECT_EQ(kept[3].operation, "GET sys/seal-status");
}

}  // namespace
}  // namespace cloister::kms
