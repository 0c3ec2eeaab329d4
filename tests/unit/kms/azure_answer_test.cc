#include "kms/azure/azure_answer.h"

#include "kms/azure/azure_challenge.h"
#include "kms/azure/azure_posture.h"
#include "tests/support/expect.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::value_of;

const Endpoint kVault = value_of(parse_azure_vault("https://corpus.vault.azure.net"));
constexpr Time kNow{1'795'526'589'000};

TEST(AzureKeyId, NameOrUrl) {
  EXPECT_EQ(value_of(parse_azure_key_id(kVault, "kek-1")), (AzureKeyId{"kek-1", ""}));
  EXPECT_EQ(value_of(parse_azure_key_id(kVault, "https://corpus.vault.azure.net/keys/kek")), (AzureKeyId{"kek", ""}));
  EXPECT_EQ(value_of(parse_azure_key_id(kVault, "https://CORPUS.vault.azure.net:443/keys/kek/0a/")),
            (AzureKeyId{"kek", "0a"}));
  EXPECT_EQ(azure_key_url(kVault, {"kek", "0a"}), "https://corpus.vault.azure.net/keys/kek/0a");
}

TEST(AzureKeyId, AnotherVaultOrNoKey) {
  for (const std::string_view text :
       {"https://other.vault.azure.net/keys/kek", "http://corpus.vault.azure.net/keys/kek",
        "https://corpus.vault.azure.net:8443/keys/kek", "https://corpus.vault.azure.net.evil.example/keys/kek",
        "https://corpus.vault.azure.net/secrets/kek", "https://corpus.vault.azure.net/keys/kek/1/2",
        "https://corpus.vault.azure.net/keys/", "https://corpus.vault.azure.net/keys/a?b", "a/b", "..", "", "a b"}) {
    expect_refused(parse_azure_key_id(kVault, text), Code::kInvalid, "no key of this vault");
  }
  expect_refused(parse_azure_key_id(kVault, std::string(128, 'a')), Code::kInvalid, "no key");
}

TEST(AzureKeyId, LinkToAnotherHost) {
  const std::string_view good = "https://corpus.vault.azure.net:443/keys?api-version=7.4&$skiptoken=eyJ&maxresults=25";
  EXPECT_EQ(value_of(azure_link_target(kVault, good)), "/keys?api-version=7.4&$skiptoken=eyJ&maxresults=25");
  for (const std::string_view link :
       {"https://evil.example/keys?x", "https://corpus.vault.azure.net@evil.example/keys", "/keys?x",
        "http://corpus.vault.azure.net/keys?x", "https://corpus.vault.azure.net/secrets?x",
        "https://corpus.vault.azure.net/keys/../secrets", "https://corpus.vault.azure.net/keys?a b"}) {
    expect_refused(azure_link_target(kVault, link), Code::kCorrupt, "another place");
  }
}

Result<AzureChallenge> challenge(std::string_view header) { return parse_azure_challenge(header); }

TEST(AzureChallenge, OfAVault) {
  const auto found = value_of(challenge(
      R"(Bearer authorization="https://login.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47", resource="https://vault.azure.net")"));
  EXPECT_EQ(found.tenant, "72f988bf-86f1-41af-91ab-2d7cd011db47");
  EXPECT_EQ(found.resource, "https://vault.azure.net");
  EXPECT_TRUE(found.claims.empty());
}

TEST(AzureChallenge, OfContinuousAccessEvaluation) {
  const auto found = value_of(challenge(
      R"(Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", )"
      R"(error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==")"));
  EXPECT_EQ(found.tenant, "");
  EXPECT_EQ(found.claims, R"({"access_token":{"nbf":{"essential":true}}})");
  EXPECT_EQ(value_of(azure_claims(found.claims)),
            R"({"access_token":{"xms_cc":{"values":["cp1"]},"nbf":{"essential":true}}})");
  EXPECT_EQ(value_of(azure_claims("")), R"({"access_token":{"xms_cc":{"values":["cp1"]}}})");
}

TEST(AzureChallenge, Malformed) {
  for (const std::string_view header :
       {"Basic realm=\"x\"", "Bearer", "Bearer resource", "Bearer resource=\"https://vault.azure.net",
        "Bearer resource=\"a\", resource=\"b\"", "Bearer resource=\"a\\\"b\"", "Bearer =x",
        "Bearer authorization=\"http://login.windows.net/t\"",
        "Bearer authorization=\"https://login.windows.net/a%2e\"", "Bearer claims=\"!\"", "Bearer claims=\"W10=\""}) {
    expect_refused(challenge(header), Code::kInvalid, "malformed");
  }
  expect_refused(challenge("Bearer resource=\"" + std::string(9000, 'a') + "\""), Code::kInvalid, "too long");
  expect_refused(azure_claims("[]"), Code::kInvalid, "object");
  expect_refused(azure_claims(R"({"access_token":1})"), Code::kInvalid, "object");
}

TEST(AzureChallenge, ResourceOfSomebodyElse) {
  EXPECT_TRUE(check_azure_resource(kVault, "https://vault.azure.net").ok());
  for (const std::string_view resource :
       {"https://graph.microsoft.com", "https://ault.azure.net", "https://net", "http://vault.azure.net",
        "https://vault.azure.net/x", "vault.azure.net", "", "https://corpus.vault.azure.net"}) {
    expect_refused(check_azure_resource(kVault, resource), Code::kDenied, "isn't a domain it is in");
  }
  EXPECT_EQ(value_of(azure_resource_of(kVault)), "https://vault.azure.net");
  for (const std::string_view vault : {"https://localhost:8443", "https://127.0.0.1", "https://vault.internal"}) {
    expect_refused(azure_resource_of(value_of(parse_azure_vault(vault))), Code::kInvalid, "must be given");
  }
  expect_refused(parse_azure_vault("https://corpus.vault.azure.net/keys"), Code::kInvalid, "no path");
}

constexpr std::string_view kKey =
    R"({"key":{"kid":"https://corpus.vault.azure.net/keys/kek/0a1b","kty":"RSA-HSM","key_ops":["wrapKey","unwrapKey"],)"
    R"("n":"AQAB","e":"AQAB"},"attributes":{"enabled":true,"created":1795000000,"updated":1795000000,)"
    R"("recoveryLevel":"Recoverable+Purgeable","recoverableDays":90,"exportable":false,"hsmPlatform":"2"},"tags":{}})";

Result<AzureKey> parse_key(std::string_view text) { return parse_azure_key(kVault, as_bytes(text)); }

TEST(AzureAnswer, Key) {
  const AzureKey key = value_of(parse_key(kKey));
  EXPECT_EQ(key.id, (AzureKeyId{"kek", "0a1b"}));
  EXPECT_EQ(key.type, "RSA-HSM");
  EXPECT_EQ(key.attributes.enabled, true);
  EXPECT_EQ(key.attributes.created, Time{1'795'000'000'000});
  EXPECT_FALSE(key.managed);
}

TEST(AzureAnswer, KeyThatIsNone) {
  const auto with = [](std::string_view from, std::string_view to) {
    std::string text(kKey);
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  expect_refused(parse_key(with("corpus.vault", "other.vault")), Code::kCorrupt, "another vault");
  expect_refused(parse_key(with("https://corpus.vault.azure.net/keys/", "")), Code::kCorrupt, "kid");
  expect_refused(parse_key(with("\"RSA-HSM\"", "7")), Code::kCorrupt, "kty");
  expect_refused(parse_key(with("true", "\"yes\"")), Code::kCorrupt, "enabled");
  expect_refused(parse_key(with("1795000000", "\"soon\"")), Code::kCorrupt, "created");
  expect_refused(parse_key(with("1795000000", "99999999999999")), Code::kCorrupt, "created");
  expect_refused(parse_key(with("\"attributes\"", "\"other\"")), Code::kCorrupt, "attributes");
  expect_refused(parse_key("[]"), Code::kCorrupt, "JSON");
}

TEST(AzureAnswer, PageThatGoesOnElsewhere) {
  const std::string_view text = R"({"value":[{"kid":"https://corpus.vault.azure.net/keys/a","attributes":{}}],)"
                                R"("nextLink":"https://evil.example/keys?x=1"})";
  expect_refused(parse_azure_key_page(kVault, as_bytes(text)), Code::kCorrupt, "another place");
  const auto last = value_of(parse_azure_key_page(kVault, as_bytes(R"({"value":[],"nextLink":null})")));
  EXPECT_TRUE(last.items.empty() && last.next.empty());
}

TEST(AzureAnswer, RotationPolicy) {
  const auto parse = [](std::string_view text) { return parse_azure_rotation(as_bytes(text)); };
  const auto policy = value_of(parse(
      R"({"lifetimeActions":[{"trigger":{"timeAfterCreate":"P90D"},"action":{"type":"Rotate"}},)"
      R"({"trigger":{"timeBeforeExpiry":"P30D"},"action":{"type":"Notify"}}],"attributes":{"expiryTime":"P2Y"}})"));
  EXPECT_TRUE(policy.automatic);
  EXPECT_EQ(policy.after_create, days(90));
  EXPECT_FALSE(policy.before_expiry);
  EXPECT_TRUE(policy.calendar);
  EXPECT_FALSE(value_of(parse(R"({"lifetimeActions":[{"trigger":{"timeBeforeExpiry":"P30D"},)"
                              R"("action":{"type":"Notify"}}],"attributes":{}})"))
                   .automatic);
  expect_refused(parse(R"({"lifetimeActions":[{"trigger":{"timeAfterCreate":"90"},"action":{"type":"rotate"}}]})"),
                 Code::kCorrupt, "timeAfterCreate");
  expect_refused(parse(R"({"lifetimeActions":[1]})"), Code::kCorrupt, "lifetimeActions");
}

TEST(AzureAnswer, Durations) {
  EXPECT_EQ(value_of(parse_iso_duration("P1Y6M")).length, days(365 + 180));
  EXPECT_TRUE(value_of(parse_iso_duration("P18M")).calendar);
  EXPECT_EQ(value_of(parse_iso_duration("P1DT2H30M")).length, Duration{days(1).ms + minutes(150).ms});
  EXPECT_EQ(value_of(parse_iso_duration("PT15M")).length, minutes(15));
  for (const std::string_view text : {"", "P", "PT", "90D", "P90", "PD", "P-1D", "P1.5D", "P1D1Y", "P1D1D", "P1H",
                                      "PT1D", "P999999D", "P1DT", "P1 D"}) {
    expect_refused(parse_iso_duration(text), Code::kInvalid, "duration");
  }
}

TEST(AzureAnswer, WrapsOfOtherVaults) {
  const auto body = [](std::string_view host, std::string_view value) {
    return "{\"kid\":\"https://" + std::string(host) + "/keys/kek/0a1b\",\"value\":\"" + std::string(value) + "\"}";
  };
  const std::string good = body("corpus.vault.azure.net", "AQID");
  EXPECT_EQ(value_of(parse_azure_wrapped(kVault, as_bytes(good))).value, (Bytes{1, 2, 3}));
  EXPECT_EQ(value_of(parse_azure_unwrapped(kVault, as_bytes(good))).value.size(), 3U);
  expect_refused(parse_azure_wrapped(kVault, as_bytes(body("evil.example", "AQID"))), Code::kCorrupt, "another vault");
  for (const std::string_view value : {"", "AQ==", "A", "+/+/", "AQ ID"}) {
    const std::string text = body("corpus.vault.azure.net", value);
    expect_refused(parse_azure_wrapped(kVault, as_bytes(text)), Code::kCorrupt, "value");
    expect_refused(parse_azure_unwrapped(kVault, as_bytes(text)), Code::kCorrupt, "value");
  }
  const std::string huge = body("corpus.vault.azure.net", std::string(4096, 'A'));
  expect_refused(parse_azure_wrapped(kVault, as_bytes(huge)), Code::kCorrupt, "value");
}

net::Response answer_of(unsigned status, std::string_view body, net::Headers headers = {}) {
  net::Response answer;
  answer.status = status;
  answer.body = net::to_buffer(body);
  answer.headers = std::move(headers);
  return answer;
}

TEST(AzureAnswer, ErrorTable) {
  const auto code = [](unsigned status) { return azure_error(answer_of(status, "{}")).code(); };
  EXPECT_EQ(code(400), Code::kInvalid);
  EXPECT_EQ(code(401), Code::kDenied);
  EXPECT_EQ(code(403), Code::kDenied);
  EXPECT_EQ(code(404), Code::kNotFound);
  EXPECT_EQ(code(409), Code::kDenied);
  EXPECT_EQ(code(429), Code::kUnavailable);
  EXPECT_EQ(code(500), Code::kUnavailable);
  EXPECT_EQ(code(501), Code::kUnsupported);
  const Error error = azure_error(answer_of(
      403,
      R"({"error":{"code":"Forbidden","message":"Caller is not\nauthorized","innererror":{"code":"ForbiddenByRbac"}}})",
      {{"x-ms-request-id", "5b2c"}, {"x-ms-keyvault-region", "westeurope"}}));
  EXPECT_EQ(error.message(), "it answered 403 Forbidden (ForbiddenByRbac): Caller is not, request 5b2c in westeurope");
}

TEST(AzureAnswer, Verdicts) {
  using Kind = Verdict::Kind;
  const auto kind = [](unsigned status) { return judge_azure(answer_of(status, "")).kind; };
  for (const unsigned status : {200U, 400U, 403U, 404U, 409U, 501U}) EXPECT_EQ(kind(status), Kind::kFinal) << status;
  for (const unsigned status : {408U, 429U, 500U, 502U, 503U, 504U}) EXPECT_EQ(kind(status), Kind::kRetry) << status;
  EXPECT_EQ(kind(401), Kind::kRenew);
  EXPECT_EQ(judge_azure(answer_of(429, "", {{"retry-after", "3"}})).wait, seconds(3));
}

AzureKeyFacts facts_of(Result<AzureKey> key, std::vector<AzureKeyItem> versions, AzureRotationPolicy rotation) {
  return {"https://corpus.vault.azure.net/keys/kek", std::move(key), false, std::move(versions), rotation};
}

AzureKeyItem item(std::string version, std::int64_t created_ms) {
  AzureKeyItem item{{"kek", std::move(version)}, {}};
  item.attributes.enabled = true;
  item.attributes.created = Time{created_ms};
  return item;
}

TEST(AzurePosture, RotatedHsmKey) {
  AzureRotationPolicy rotation;
  rotation.automatic = true;
  rotation.after_create = days(90);
  const auto posture = azure_posture(
      facts_of(parse_key(kKey), {item("old", 1'700'000'000'000), item("0a1b", 1'795'000'000'000)}, rotation), kNow);
  EXPECT_EQ(posture.managed_by.value(), ManagedBy::kCustomer);
  EXPECT_EQ(posture.protection.value(), ProtectionLevel::kHsm);
  EXPECT_EQ(posture.state.value(), ProviderKeyState::kEnabled);
  EXPECT_EQ(posture.created.value(), Time{1'700'000'000'000});
  EXPECT_EQ(posture.last_rotated.value(), Time{1'795'000'000'000});
  EXPECT_EQ(posture.rotation.value().next, Time{1'795'000'000'000} + days(90));
  EXPECT_EQ(posture.exportable.value(), false);
  EXPECT_EQ(posture.policy_findings.value(),
            (std::vector{PolicyFinding::kDecryptUnattested, PolicyFinding::kNoDeletionGuard}));
  EXPECT_FALSE(posture.origin.known());
  EXPECT_FALSE(posture.last_used.known());
  EXPECT_EQ(posture.deletion_scheduled.value(), std::nullopt);
}

TEST(AzurePosture, NeverRotatedAndNobodySaysHow) {
  AzureKeyFacts facts = facts_of(parse_key(kKey), {item("0a1b", 1'795'000'000'000)}, {});
  facts.rotation = Error(Code::kDenied, "403");
  const auto posture = azure_posture(facts, kNow);
  EXPECT_EQ(posture.last_rotated.value(), std::nullopt);
  EXPECT_FALSE(posture.rotation.known());
  EXPECT_EQ(posture.rotation.why_not(), "403");
}

TEST(AzurePosture, PlatformsKeyIsNotTheCustomers) {
  AzureKey key = value_of(parse_key(kKey));
  key.managed = true;
  EXPECT_EQ(azure_posture(facts_of(key, {}, {}), kNow).managed_by.value(), ManagedBy::kProvider);
}

TEST(AzurePosture, StatesThatDoNotWrap) {
  const AzureKey good = value_of(parse_key(kKey));
  const auto state = [](AzureKey key) { return azure_posture(facts_of(std::move(key), {}, {}), kNow).state; };
  AzureKey key = good;
  key.attributes.enabled = false;
  EXPECT_EQ(state(key).value(), ProviderKeyState::kDisabled);
  key = good;
  key.attributes.expires = kNow;
  EXPECT_EQ(state(key).value(), ProviderKeyState::kDisabled);
  key = good;
  key.attributes.not_before = kNow + seconds(1);
  EXPECT_EQ(state(key).value(), ProviderKeyState::kNotReady);
  key = good;
  key.attributes.enabled = std::nullopt;
  EXPECT_FALSE(state(key).known());
}

TEST(AzurePosture, WhatIsNotToldIsNotAssessed) {
  AzureKey key = value_of(parse_key(kKey));
  key.type = "OKP";
  key.operations.clear();
  key.attributes.exportable = std::nullopt;
  key.attributes.recovery_level = "Recoverable";
  const auto posture = azure_posture(facts_of(key, {}, {}), kNow);
  EXPECT_FALSE(posture.protection.known());
  EXPECT_FALSE(posture.exportable.known());
  EXPECT_FALSE(posture.policy_findings.known());
  AzureKeyFacts nothing = facts_of(Error(Code::kDenied, "403 for the key"), {}, {});
  EXPECT_EQ(azure_posture(nothing, kNow).managed_by.why_not(), "403 for the key");
}

TEST(AzurePosture, NextRotationIsNotGuessed) {
  AzureRotationPolicy rotation;
  rotation.automatic = true;
  rotation.before_expiry = days(30);
  rotation.expiry = days(365);
  rotation.calendar = true;
  const auto posture = azure_posture(facts_of(parse_key(kKey), {}, rotation), kNow);
  EXPECT_EQ(posture.rotation.value().period, days(335));
  EXPECT_FALSE(posture.rotation.value().next);
}

}  // namespace
}  // namespace cloister::kms
