#include "service/vault/vault_dialect.h"

#include "service/own_identity.h"
#include "tests/support/expect.h"
#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

using testing::value_of;

constexpr const char* kServer = "spiffe://acme.test/cloister/keys";

identity::SpiffeId id_of(std::string_view text) { return value_of(identity::SpiffeId::parse(text)); }

struct Told {
  std::string method = "POST";
  std::string path = {};
  Json body = {};
  std::string token = {};
  std::string in = "acme";  // the namespace; empty: no header
  std::string peer = {};    // whose certificate; empty: none
};

class Vault : public ::testing::Test {
 protected:
  Vault() {
    keys::Store& store = harness_.keys->store();
    const keys::Caller caller = Harness::caller();
    for (const char* tenant : {"acme", "rival"}) {
      EXPECT_TRUE(harness_.keys->create_tenant({tenant, ""}, std::nullopt, caller).ok());
      EXPECT_TRUE(harness_.keys->create_dataset({tenant, "", "data"}, caller).ok());
    }
    issuer_ = value_of(Issuer::open(store, *harness_.root, harness_.random,
                                    {value_of(identity::TrustDomain::parse("acme.test")), {}}, caller));
    own_ = value_of(OwnIdentity::create(*issuer_, id_of(kServer), store, harness_.random, caller));
    harness_.options.check_caller = [this](std::string_view asking, Time) {
      return asking == denied_ ? Status(Error(Code::kDenied, "denied")) : Status();
    };
    const AuthenticSettings settings =
        value_of(AuthenticSettings::open(store, *harness_.root, harness_.random, caller));
    access_keys_ = std::make_unique<AccessKeys>(settings, harness_.random);
    harness_.start(access_keys_->routes());
    VaultOptions options;
    options.version = "1.2.3";
    options.logins.tokens = std::make_shared<VaultTokens>(VaultTokenOptions{}, harness_.random);
    options.logins.identity = [this] { return own_->source()->current(); };
    options.logins.audience = kServer;
    options.logins.access_keys = access_keys_.get();
    options.keys.keyrings = harness_.service->keyrings();
    options.keys.managed = std::make_shared<ManagedKeys>(settings, options.keys.keyrings);
    handler_ = harness_.service->handler(std::make_shared<VaultDialect>(options));
    token_ = log_in(kAdmin);
  }

  Answered send(const Told& told) {
    net::Request request;
    request.method = told.method;
    request.target = "/v1/" + told.path;
    request.headers.add("host", "vault.test");
    if (!told.token.empty()) request.headers.add("x-vault-token", told.token);
    if (!told.in.empty()) request.headers.add("x-vault-namespace", told.in);
    if (!told.body.is_null())
      request.body = net::to_buffer(told.body.is_string() ? told.body.get<std::string>() : told.body.dump());
    auto connection = std::make_shared<net::ConnectionInfo>();
    connection->remote = "192.0.2.7:51820";
    if (!told.peer.empty()) connection->peer = net::Peer{told.peer, kStart + hours(2)};
    request.connection = std::move(connection);
    Waiting waiting;
    auto response = handler_->handle(request, waiting);
    if (!response) response = waiting.wait();
    return {std::move(*response)};
  }
  Answered post(const std::string& path, const Json& body, const std::string& in = "acme") {
    return send({.path = path, .body = body, .token = token_, .in = in});
  }
  Answered get(const std::string& path) { return send({.method = "GET", .path = path, .token = token_}); }

  std::string log_in(const std::string& id, const std::string& role = "operate") {
    const Answered answered = send({.path = "auth/cert/login", .body = {{"name", role}}, .in = "", .peer = id});
    EXPECT_EQ(answered.status(), 200U) << answered.body();
    return answered.status() == 200 ? answered.json()["auth"]["client_token"].get<std::string>() : "";
  }
  std::string jwt(const std::string& id, const std::string& audience = kServer) {
    return value_of(issuer_->current()->authority()->issue_jwt_svid(id_of(id), {audience}, kStart));
  }
  std::string encrypt(std::string_view text, const std::string& in = "acme") {
    const Answered answered = post("transit/encrypt/data", {{"plaintext", base64_of(text)}}, in);
    EXPECT_EQ(answered.status(), 200U) << answered.body();
    return answered.json()["data"]["ciphertext"].get<std::string>();
  }
  void expect_refused(const Answered& answered, unsigned status, std::string_view words) {
    EXPECT_EQ(answered.status(), status) << answered.body();
    const Json json = answered.json();
    ASSERT_TRUE(json["errors"].is_array()) << answered.body();
    EXPECT_NE(json["errors"].dump().find(words), std::string::npos) << answered.body();
  }
  // And that it is on record.
  void expect_recorded(const Answered& answered, unsigned status, std::string_view words) {
    expect_refused(answered, status, words);
    EXPECT_EQ(harness_.last_event().outcome, audit::Outcome::kRefused);
  }

  Harness harness_;
  std::unique_ptr<Issuer> issuer_;
  std::unique_ptr<OwnIdentity> own_;
  std::unique_ptr<AccessKeys> access_keys_;
  std::string denied_;
  std::shared_ptr<net::Handler> handler_;
  std::string token_;
};

TEST_F(Vault, EncryptAndDecrypt) {
  const std::string sealed = encrypt("a secret");
  EXPECT_TRUE(sealed.starts_with("vault:v1:"));
  const Answered opened = post("transit/decrypt/data", {{"ciphertext", sealed}});
  ASSERT_EQ(opened.status(), 200U) << opened.body();
  EXPECT_EQ(opened.json()["data"]["plaintext"], base64_of("a secret"));
  EXPECT_FALSE(opened.header("audit-index").empty());
  EXPECT_EQ(opened.header("cache-control"), "no-store");
  const audit::Event event = harness_.last_event();
  EXPECT_EQ(event.action, "unwrap");
  EXPECT_EQ(event.actor, kAdmin);
  EXPECT_EQ(event.subject, "acme/data");
  EXPECT_EQ(event.detail, "decrypt, 1 item");
}

TEST_F(Vault, PutAndEmptyPlaintext) {
  const Answered sealed =
      send({.method = "PUT", .path = "transit/encrypt/data", .body = {{"plaintext", ""}}, .token = token_});
  ASSERT_EQ(sealed.status(), 200U) << sealed.body();
  EXPECT_EQ(
      post("transit/decrypt/data", {{"ciphertext", sealed.json()["data"]["ciphertext"]}}).json()["data"]["plaintext"],
      "");
}

TEST_F(Vault, AssociatedDataIsBound) {
  const Answered sealed = post("transit/encrypt/data", {{"plaintext", "YQ=="}, {"associated_data", "Yg=="}});
  ASSERT_EQ(sealed.status(), 200U);
  const Json text = sealed.json()["data"]["ciphertext"];
  EXPECT_EQ(post("transit/decrypt/data", {{"ciphertext", text}, {"associated_data", "Yg=="}}).status(), 200U);
  expect_recorded(post("transit/decrypt/data", {{"ciphertext", text}}), 400, "cipher: message authentication failed");
  expect_recorded(post("transit/decrypt/data", {{"ciphertext", text}, {"associated_data", "Yw=="}}), 400, "cipher");
}

TEST_F(Vault, CiphertextOfAnotherTenant) {
  const std::string foreign = encrypt("of rival", "rival");
  expect_recorded(post("transit/decrypt/data", {{"ciphertext", foreign}}), 400,
                  "cipher: message authentication failed");
  EXPECT_EQ(harness_.last_event().tenant, "acme");
}

TEST_F(Vault, WrongNamespace) {
  const std::string trainer = log_in(kTrainer, "train");
  const Answered refused =
      send({.path = "transit/encrypt/data", .body = {{"plaintext", "YQ=="}}, .token = trainer, .in = "rival"});
  expect_recorded(refused, 403, "permission denied");
  EXPECT_EQ(send({.path = "transit/encrypt/data", .body = {{"plaintext", "YQ=="}}, .token = trainer, .in = "/acme/"})
                .status(),
            200U);
  for (const char* in : {"a/b/c", "ACME", "..", "any"}) {
    expect_recorded(send({.path = "transit/encrypt/data", .body = {{"plaintext", "YQ=="}}, .token = token_, .in = in}),
                    403, "permission denied");
  }
  expect_recorded(post("transit/encrypt/data", {{"plaintext", "YQ=="}}, ""), 400, "X-Vault-Namespace");
}

TEST_F(Vault, TruncatedMalformedAndOversized) {
  const std::string sealed = encrypt("a secret");
  expect_recorded(post("transit/decrypt/data", {{"ciphertext", sealed.substr(0, 60)}}), 400, "invalid ciphertext");
  expect_recorded(post("transit/decrypt/data", {{"ciphertext", "vault:v1:!!!"}}), 400, "could not decode base64");
  expect_recorded(post("transit/decrypt/data", {{"ciphertext", sealed.substr(9)}}), 400, "no prefix");
  expect_recorded(post("transit/decrypt/data", {{"ciphertext", "vault:v2:" + sealed.substr(9)}}), 400, "cipher");
  expect_recorded(post("transit/decrypt/data", Json::object()), 400, "missing ciphertext");
  expect_recorded(post("transit/encrypt/data", {{"plaintext", "not base64"}}), 400, "failed to base64-decode");
  expect_recorded(post("transit/encrypt/data", {{"plaintext", base64_of(std::string((64 << 10) + 1, 'x'))}}), 400,
                  "64 KiB");
  expect_recorded(post("transit/encrypt/data", Json("{\"plaintext\":")), 400, "is no text");
  expect_recorded(post("transit/encrypt/data", {{"plaintext", "YQ=="}, {"context", "YQ=="}}), 400, "derived");
  std::string changed = sealed;
  changed[changed.size() - 6] = changed[changed.size() - 6] == 'A' ? 'B' : 'A';
  expect_recorded(post("transit/decrypt/data", {{"ciphertext", changed}}), 400,
                  "cipher: message authentication failed");
}

TEST_F(Vault, BatchesFailItemByItem) {
  const std::string sealed = encrypt("a secret");
  const Json items = {{{"ciphertext", sealed}, {"reference", "good"}},
                      {{"ciphertext", "vault:v1:"}, {"reference", "bad"}}};
  const Answered partly = post("transit/decrypt/data", {{"batch_input", items}});
  EXPECT_EQ(partly.status(), 400U);
  const Json results = partly.json()["data"]["batch_results"];
  ASSERT_EQ(results.size(), 2U) << partly.body();
  EXPECT_EQ(results[0]["plaintext"], base64_of("a secret"));
  EXPECT_EQ(results[0]["reference"], "good");
  EXPECT_FALSE(results[1].contains("plaintext"));
  EXPECT_EQ(results[1]["reference"], "bad");
  EXPECT_TRUE(results[1]["error"].is_string());
  EXPECT_NE(harness_.last_event().detail.find("2 items, 1 refused"), std::string::npos);
  EXPECT_EQ(post("transit/decrypt/data", {{"batch_input", items}, {"partial_failure_response_code", 207}}).status(),
            207U);
  expect_recorded(post("transit/decrypt/data", {{"batch_input", Json::array({Json({{"ciphertext", "x"}})})}}), 400,
                  "no prefix");
}

TEST_F(Vault, LargeBatch) {
  Json items = Json::array();
  for (int i = 0; i < 200; ++i) items.push_back({{"plaintext", base64_of(std::string(100, 'x'))}});
  const Answered sealed = post("transit/encrypt/data", {{"batch_input", items}});
  ASSERT_EQ(sealed.status(), 200U) << sealed.body();
  EXPECT_EQ(sealed.json()["data"]["batch_results"].size(), 200U);
  for (int i = 0; i < 2000; ++i) items.push_back({{"plaintext", ""}});
  EXPECT_EQ(post("transit/encrypt/data", {{"batch_input", items}}).status(), 403U);  // the quota's keys_per_batch
}

TEST_F(Vault, RotateAndRewrap) {
  const std::string sealed = encrypt("a secret");
  const Answered rotated = post("transit/keys/data/rotate", Json::object());
  ASSERT_EQ(rotated.status(), 200U) << rotated.body();
  EXPECT_EQ(rotated.json()["data"]["latest_version"], 2);
  const Answered rewrapped = post("transit/rewrap/data", {{"ciphertext", sealed}});
  ASSERT_EQ(rewrapped.status(), 200U) << rewrapped.body();
  const std::string newer = rewrapped.json()["data"]["ciphertext"].get<std::string>();
  EXPECT_TRUE(newer.starts_with("vault:v2:"));
  EXPECT_EQ(rewrapped.json()["data"]["key_version"], 2);
  EXPECT_FALSE(rewrapped.json()["data"].contains("plaintext"));
  EXPECT_EQ(post("transit/decrypt/data", {{"ciphertext", newer}}).json()["data"]["plaintext"], base64_of("a secret"));
  expect_recorded(post("transit/encrypt/data", {{"plaintext", "YQ=="}, {"key_version", 1}}), 400, "newest version");
  EXPECT_EQ(post("transit/encrypt/data", {{"plaintext", "YQ=="}, {"key_version", 2}}).status(), 200U);
}

TEST_F(Vault, MinDecryptionVersion) {
  const std::string sealed = encrypt("a secret");
  ASSERT_EQ(post("transit/keys/data/rotate", Json::object()).status(), 200U);
  expect_refused(post("transit/keys/data/config", {{"min_decryption_version", 3}}), 400, "greater than the latest");
  const Answered set = post("transit/keys/data/config", {{"min_decryption_version", 2}});
  ASSERT_EQ(set.status(), 200U) << set.body();
  EXPECT_EQ(set.json()["data"]["min_decryption_version"], 2);
  expect_recorded(post("transit/decrypt/data", {{"ciphertext", sealed}}), 400, "version 1 of acme/data is disabled");
  expect_refused(post("transit/keys/data/config", {{"min_decryption_version", 1}}), 400, "isn't enabled");
  expect_refused(post("transit/keys/data/config", {{"deletion_allowed", true}}), 400, "deletion_allowed");
  expect_refused(post("transit/keys/data/config", {{"auto_rotate_period", "24h"}}), 400, "auto_rotate_period");
  expect_refused(post("transit/keys/data/config", {{"min_encryption_version", 2}}), 400, "min_encryption_version");
}

TEST_F(Vault, DataKeys) {
  for (const int bits : {128, 256, 512}) {
    const Answered made = post("transit/datakey/plaintext/data", {{"bits", bits}});
    ASSERT_EQ(made.status(), 200U) << made.body();
    const Json data = made.json()["data"];
    EXPECT_EQ(from_base64(data["plaintext"].get<std::string>())->size(), static_cast<std::size_t>(bits / 8));
    EXPECT_EQ(post("transit/decrypt/data", {{"ciphertext", data["ciphertext"]}}).json()["data"]["plaintext"],
              data["plaintext"]);
  }
  const Answered wrapped = post("transit/datakey/wrapped/data", Json::object());
  ASSERT_EQ(wrapped.status(), 200U);
  EXPECT_FALSE(wrapped.json()["data"].contains("plaintext"));
  expect_recorded(post("transit/datakey/plaintext/data", {{"bits", 192}}), 400, "128, 256 or 512");
}

TEST_F(Vault, KeysAreDatasets) {
  const Answered made = post("transit/keys/orders", {{"type", "aes256-gcm96"}, {"derived", false}});
  ASSERT_EQ(made.status(), 200U) << made.body();
  EXPECT_EQ(made.json()["data"]["type"], "aes256-gcm96");
  EXPECT_EQ(post("transit/keys/orders", Json::object()).status(), 200U);  // there already
  EXPECT_EQ(get("transit/keys/orders").json()["data"]["keys"].size(), 1U);
  for (const char* method : {"LIST", "GET"}) {
    const std::string path = std::string("transit/keys") + (std::string(method) == "GET" ? "?list=true" : "");
    const Answered listed = send({.method = method, .path = path, .token = token_});
    EXPECT_EQ(listed.json()["data"]["keys"], Json({"data", "orders"})) << listed.body();
  }
  EXPECT_EQ(harness_.send("GET", "/v1/tenants/acme/datasets/orders", "", {.id = kAdmin}).status(), 200U);
  expect_refused(post("transit/keys/derived", {{"derived", true}}), 400, "derived");
  expect_refused(post("transit/keys/open", {{"exportable", true}}), 400, "exportable");
  expect_refused(post("transit/keys/chacha", {{"type", "chacha20-poly1305"}}), 400, "type");
  expect_recorded(post("transit/keys/BAD", Json::object()), 403, "permission denied");
}

TEST_F(Vault, KeyThatIsNotThere) {
  expect_recorded(post("transit/encrypt/absent", {{"plaintext", "YQ=="}}), 400, "encryption key not found");
  EXPECT_EQ(get("transit/keys/absent").status(), 404U);
}

TEST_F(Vault, Random) {
  EXPECT_EQ(post("transit/random", Json::object()).status(), 200U);
  EXPECT_EQ(post("transit/random/16", {{"format", "hex"}}).json()["data"]["random_bytes"].get<std::string>().size(),
            32U);
  EXPECT_EQ(post("transit/random/platform/8", Json::object()).status(), 200U);
  expect_recorded(post("transit/random/seal/8", Json::object()), 400, "platform");
  expect_recorded(post("transit/random/0", Json::object()), 400, "1 to 1024");
  expect_recorded(post("transit/random/99999", Json::object()), 400, "1 to 1024");
}

TEST_F(Vault, LoginByJwt) {
  for (const char* way : {"jwt", "kubernetes"}) {
    const std::string path = std::string("auth/") + way + "/login";
    const Answered answered = send({.path = path, .body = {{"role", "train"}, {"jwt", jwt(kTrainer)}}});
    ASSERT_EQ(answered.status(), 200U) << answered.body();
    const Json auth = answered.json()["auth"];
    EXPECT_EQ(auth["metadata"]["spiffe_id"], kTrainer);
    EXPECT_EQ(auth["lease_duration"], 3600);
    EXPECT_EQ(send({.path = "transit/encrypt/data",
                    .body = {{"plaintext", "YQ=="}},
                    .token = auth["client_token"].get<std::string>()})
                  .status(),
              200U);
  }
  EXPECT_EQ(harness_.last_event().actor, kTrainer);
}

TEST_F(Vault, LoginsThatProveNothing) {
  const std::string path = "auth/jwt/login";
  expect_recorded(send({.path = path, .body = {{"role", "train"}, {"jwt", jwt(kTrainer, "spiffe://acme.test/other")}}}),
                  403, "proves");
  std::string forged = jwt(kTrainer);
  forged[forged.size() - 10] = forged[forged.size() - 10] == 'A' ? 'B' : 'A';
  expect_recorded(send({.path = path, .body = {{"role", "train"}, {"jwt", forged}}}), 403, "proves");
  expect_recorded(send({.path = path, .body = {{"role", "train"}}}), 403, "proves");
  expect_recorded(send({.path = path, .body = {{"role", "reign"}, {"jwt", jwt(kTrainer)}}}), 400, "no known purpose");
  expect_recorded(send({.path = path, .body = {{"jwt", jwt(kTrainer)}}}), 400, "name a role");
  expect_recorded(send({.path = path, .body = {{"role", "train"}, {"user", "x"}}}), 400, "a login takes");
  expect_recorded(send({.path = "auth/cert/login", .body = {{"name", "train"}}}), 403, "proves");
  expect_recorded(send({.path = "auth/approle/login", .body = {{"role_id", "a"}, {"secret_id", "b"}}}), 403, "proves");
  harness_.now = kStart + hours(1);
  expect_recorded(send({.path = path, .body = {{"role", "train"}, {"jwt", jwt(kTrainer)}}}), 403, "proves");
}

TEST_F(Vault, LoginByAccessKey) {
  constexpr const char* kApp = "spiffe://acme.test/acme/app";
  harness_.service->reload(Harness::snapshot_of(std::string(kPolicy) + R"([[allow]]
name = "apps"
caller = "spiffe://acme.test/acme/*"
operation = "any"
tenant = "any"
environment = "any"
dataset = "any"
purpose = "any"
)"));
  const Answered made = harness_.send_unchecked("POST", "/v1/tenants/acme/access-keys", {kAdmin, "operate"},
                                                Json({{"caller", kApp}, {"purpose", "train"}}).dump());
  ASSERT_EQ(made.status(), 201U) << made.body();
  const std::string id = made.json()["access_key_id"].get<std::string>();
  const std::string secret = made.json()["secret_access_key"].get<std::string>();
  const std::string path = "auth/approle/login";
  const Answered answered = send({.path = path, .body = {{"role_id", id}, {"secret_id", secret}}});
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  const std::string token = answered.json()["auth"]["client_token"].get<std::string>();
  const Json body = {{"plaintext", "YQ=="}};
  EXPECT_EQ(send({.path = "transit/encrypt/data", .body = body, .token = token}).status(), 200U);
  EXPECT_EQ(harness_.last_event().actor, kApp);
  expect_recorded(send({.path = "transit/encrypt/data", .body = body, .token = token, .in = "rival"}), 403,
                  "namespace");
  expect_recorded(send({.path = path, .body = {{"role_id", id}, {"secret_id", secret + "x"}}}), 403, "proves");
  expect_recorded(send({.path = path, .body = {{"role_id", id}}}), 403, "proves");
  // With the key its tokens go.
  EXPECT_EQ(harness_.send_unchecked("DELETE", "/v1/tenants/acme/access-keys/" + id, {kAdmin, "operate"}).status(),
            200U);
  expect_recorded(send({.path = "transit/encrypt/data", .body = body, .token = token}), 403, "permission denied");
  expect_recorded(send({.path = path, .body = {{"role_id", id}, {"secret_id", secret}}}), 403, "proves");
}

TEST_F(Vault, Hmac) {
  ASSERT_EQ(post("transit/keys/mac", {{"type", "hmac"}}).json()["data"]["type"], "hmac");
  const Answered made = post("transit/hmac/mac", {{"input", "YQ=="}});
  ASSERT_EQ(made.status(), 200U) << made.body();
  const Json mac = made.json()["data"]["hmac"];
  EXPECT_EQ(harness_.last_event().action, "mac.generate");
  EXPECT_EQ(post("transit/verify/mac", {{"input", "YQ=="}, {"hmac", mac}}).json()["data"]["valid"], true);
  EXPECT_EQ(harness_.last_event().action, "mac.verify");
  EXPECT_EQ(post("transit/verify/mac", {{"input", "Yg=="}, {"hmac", mac}}).json()["data"]["valid"], false);
  EXPECT_EQ(post("transit/verify/mac/sha2-512", {{"input", "YQ=="}, {"hmac", mac}}).json()["data"]["valid"], false);
  const Answered longer = post("transit/hmac/mac/sha2-512", {{"input", "YQ=="}});
  EXPECT_EQ(longer.json()["data"]["hmac"].get<std::string>().size(), 9U + 88U);
  expect_recorded(post("transit/hmac/mac/md5", {{"input", "YQ=="}}), 400, "hash_algorithm");
  expect_recorded(post("transit/hmac/mac", {{"input", "!"}}), 400, "base64");
  expect_recorded(post("transit/hmac/mac", Json::object()), 400, "missing input");
  expect_recorded(post("transit/verify/mac", {{"input", "YQ=="}, {"hmac", "YQ=="}}), 400, "no prefix");
  expect_recorded(post("transit/encrypt/mac", {{"plaintext", "YQ=="}}), 400, "don't encrypt");
  expect_recorded(post("transit/hmac/data", {{"input", "YQ=="}}), 400, "don't hmac");
  expect_refused(post("transit/keys/mac/rotate", Json::object()), 400, "one version");
}

TEST_F(Vault, Sign) {
  for (const char* type : {"ed25519", "ecdsa-p256", "ecdsa-p384", "rsa-2048"}) {
    const std::string name = std::string("sign-") + type;
    const Answered key = post("transit/keys/" + name, {{"type", type}});
    ASSERT_EQ(key.status(), 200U) << key.body();
    EXPECT_EQ(key.json()["data"]["supports_signing"], true);
    EXPECT_TRUE(key.json()["data"]["keys"]["1"]["public_key"].get<std::string>().starts_with("-----BEGIN PUBLIC KEY"));
    const Answered signature = post("transit/sign/" + name, {{"input", "YQ=="}});
    ASSERT_EQ(signature.status(), 200U) << signature.body();
    EXPECT_EQ(harness_.last_event().action, "sign");
    const Json text = signature.json()["data"]["signature"];
    EXPECT_EQ(post("transit/verify/" + name, {{"input", "YQ=="}, {"signature", text}}).json()["data"]["valid"], true)
        << type;
    EXPECT_EQ(post("transit/verify/" + name, {{"input", "Yg=="}, {"signature", text}}).json()["data"]["valid"], false);
  }
  expect_recorded(post("transit/sign/sign-ecdsa-p256/sha2-512", {{"input", "YQ=="}}), 400, "sha2-256 only");
  expect_recorded(post("transit/sign/sign-rsa-2048", {{"input", "YQ=="}, {"prehashed", true}}), 400, "");
  expect_recorded(post("transit/sign/sign-rsa-2048", {{"input", "YQ=="}, {"signature_algorithm", "raw"}}), 400, "pss");
  expect_recorded(post("transit/sign/data", {{"input", "YQ=="}}), 400, "don't sign");
  const Json both = {{"input", "YQ=="}, {"signature", "vault:v1:YQ=="}, {"hmac", "vault:v1:YQ=="}};
  EXPECT_EQ(post("transit/verify/sign-ed25519", both).status(), 400U);
}

TEST_F(Vault, TokensExpireAreRenewedAndRevoked) {
  const Answered looked = get("auth/token/lookup-self");
  ASSERT_EQ(looked.status(), 200U) << looked.body();
  EXPECT_EQ(looked.json()["data"]["id"], token_);
  EXPECT_EQ(looked.json()["data"]["ttl"], 3600);
  harness_.now = kStart + minutes(30);
  const Answered renewed = post("auth/token/renew-self", Json::object());
  ASSERT_EQ(renewed.status(), 200U) << renewed.body();
  EXPECT_EQ(renewed.json()["auth"]["client_token"], token_);
  EXPECT_EQ(renewed.json()["auth"]["lease_duration"], 3600);
  harness_.now = kStart + minutes(80);
  EXPECT_EQ(encrypt("x").substr(0, 9), "vault:v1:");
  harness_.now = kStart + minutes(91);
  expect_recorded(post("transit/encrypt/data", {{"plaintext", "YQ=="}}), 403, "permission denied");
  token_ = log_in(kAdmin);
  EXPECT_EQ(post("auth/token/revoke-self", Json::object()).status(), 204U);
  expect_recorded(get("auth/token/lookup-self"), 403, "permission denied");
}

// A certificate's token ends with it: after two hours here.
TEST_F(Vault, TokenDoesNotOutliveItsCertificate) {
  for (const int passed : {50, 100}) {
    harness_.now = kStart + minutes(passed);
    ASSERT_EQ(post("auth/token/renew-self", Json::object()).status(), 200U);
  }
  EXPECT_EQ(get("auth/token/lookup-self").json()["data"]["ttl"], 20 * 60);
  harness_.now = kStart + minutes(121);
  expect_recorded(get("auth/token/lookup-self"), 403, "permission denied");
}

TEST_F(Vault, DeniedIdentity) {
  const std::string trainer = log_in(kTrainer, "train");
  denied_ = kTrainer;
  expect_recorded(send({.path = "transit/encrypt/data", .body = {{"plaintext", "YQ=="}}, .token = trainer}), 403,
                  "denied");
  expect_recorded(send({.path = "auth/jwt/login", .body = {{"role", "train"}, {"jwt", jwt(kTrainer)}}}), 403, "denied");
}

TEST_F(Vault, NoTokenOrAnother) {
  expect_recorded(send({.path = "transit/encrypt/data", .body = {{"plaintext", "YQ=="}}}), 403, "permission denied");
  expect_recorded(send({.path = "transit/encrypt/data", .body = {{"plaintext", "YQ=="}}, .token = "hvs.guess"}), 403,
                  "permission denied");
  // A certificate alone is no token.
  expect_recorded(send({.path = "transit/encrypt/data", .body = {{"plaintext", "YQ=="}}, .peer = kAdmin}), 403,
                  "permission denied");
}

TEST_F(Vault, UnknownPathAndWrongVerb) {
  expect_refused(get("secret/data/x"), 404, "no handler");
  expect_refused(post("transit/export/encryption-key/data", Json::object()), 404, "no handler");
  const Answered wrong = send({.method = "DELETE", .path = "transit/keys/data", .token = token_});
  expect_refused(wrong, 405, "unsupported operation");
  EXPECT_EQ(wrong.header("allow"), "GET, POST");
}

TEST_F(Vault, WhatClientsAskAServer) {
  const Answered health = send({.method = "GET", .path = "sys/health", .in = ""});
  EXPECT_EQ(health.status(), 200U);
  EXPECT_EQ(health.json()["initialized"], true);
  EXPECT_EQ(health.json()["version"], "1.2.3");
  EXPECT_EQ(send({.method = "HEAD", .path = "sys/health", .in = ""}).status(), 200U);
  EXPECT_EQ(send({.method = "GET", .path = "sys/seal-status", .in = ""}).json()["sealed"], false);
  EXPECT_EQ(get("sys/internal/ui/mounts").json()["data"]["secret"]["transit/"]["type"], "transit");
  expect_refused(send({.method = "GET", .path = "sys/internal/ui/mounts"}), 403, "permission denied");
}

}  // namespace
}  // namespace cloister::service
