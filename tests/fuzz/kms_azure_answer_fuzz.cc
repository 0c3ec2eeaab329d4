// What a vault, or whoever stands in its place, may answer: read or refused. Nothing that is read names another vault,
// and every message is one plain line.
#include <string>
#include <vector>

#include "kms/azure/azure_challenge.h"
#include "kms/azure/azure_posture.h"
#include "kms/bearer_token.h"
#include "tests/support/value_of.h"

using namespace cloister;

namespace {

const kms::Endpoint& vault() {
  static const kms::Endpoint vault = testing::value_of(kms::parse_azure_vault("https://corpus.vault.azure.net"));
  return vault;
}

void check_plain(const std::string& text) {
  for (const char character : text) CLOISTER_CHECK(character >= 0x20 && character < 0x7f);
}

void check_id(const kms::AzureKeyId& id) {
  CLOISTER_CHECK(testing::value_of(kms::parse_azure_key_id(vault(), kms::azure_key_url(vault(), id))) == id);
}

void read_challenge(std::string_view text) {
  const auto challenge = kms::parse_azure_challenge(text);
  if (!challenge.ok()) return;
  CLOISTER_CHECK(challenge->tenant.empty() || kms::is_azure_tenant(challenge->tenant));
  CLOISTER_CHECK(kms::azure_claims(challenge->claims).ok() || !challenge->claims.empty());
  if (kms::check_azure_resource(vault(), challenge->resource).ok()) check_plain(challenge->resource);
}

void read_key(ByteView body) {
  auto key = kms::parse_azure_key(vault(), body);
  auto versions = kms::parse_azure_key_page(vault(), body);
  auto rotation = kms::parse_azure_rotation(body);
  if (key.ok()) check_id(key->id);
  std::vector<kms::AzureKeyItem> items;
  if (versions.ok()) {
    for (const kms::AzureKeyItem& item : versions->items) check_id(item.id);
    CLOISTER_CHECK(versions->next.empty() || kms::check_azure_target(versions->next).ok());
    items = versions->items;
  }
  const kms::AzureKeyFacts facts{"https://corpus.vault.azure.net/keys/kek", std::move(key), false, std::move(items),
                                 std::move(rotation)};
  CLOISTER_CHECK(!kms::to_json(kms::azure_posture(facts, Time{})).empty());
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view text : {
           std::string_view(
               R"({"key":{"kid":"https://corpus.vault.azure.net/keys/kek/0a","kty":"RSA-HSM","key_ops":["wrapKey"]},)"
               R"("attributes":{"enabled":true,"created":1795000000,"recoveryLevel":"Purgeable","exportable":true}})"),
           std::string_view(R"({"value":[{"kid":"https://corpus.vault.azure.net/keys/kek/0a","attributes":{}}],)"
                            R"("nextLink":"https://corpus.vault.azure.net/keys?api-version=7.4&$skiptoken=x"})"),
           std::string_view(
               R"({"lifetimeActions":[{"trigger":{"timeBeforeExpiry":"P30D"},"action":{"type":"Rotate"}}],)"
               R"("attributes":{"expiryTime":"P1Y6M"}})"),
           std::string_view(R"({"kid":"https://corpus.vault.azure.net/keys/kek/0a","value":"AQID"})"),
           std::string_view(R"({"error":{"code":"Forbidden","message":"a\nb","innererror":{"code":"ByRbac"}}})"),
           std::string_view(R"({"access_token":"eyJ","expires_in":"3599","token_type":"Bearer"})"),
           std::string_view(R"({"error":"invalid_client","error_description":"AADSTS1: no\r\nTrace"})"),
           std::string_view(
               R"(Bearer authorization="https://login.windows.net/acme", resource="https://vault.azure.net")"),
           std::string_view(R"(Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ==")"),
           std::string_view("P1Y2M3W4DT5H6M7S"),
       }) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView body(data, size);
  read_key(body);
  if (const auto wrapped = kms::parse_azure_wrapped(vault(), body); wrapped.ok()) check_id(wrapped->id);
  if (const auto opened = kms::parse_azure_unwrapped(vault(), body); opened.ok()) check_id(opened->id);
  read_challenge(as_text(body));
  if (const auto length = kms::parse_iso_duration(as_text(body)); length.ok()) {
    CLOISTER_CHECK(length->length >= Duration{});
  }
  if (const auto token = kms::parse_token_answer(body, Time{}); token.ok()) check_plain(kms::authorization(*token));
  check_plain(kms::parse_token_refusal(401, body).message());
  net::Response response;
  response.status = 403;
  response.body.assign(body.begin(), body.end());
  response.headers.add("x-ms-request-id", std::string(as_text(body)));
  check_plain(kms::azure_error(response).message());
  return 0;
}
