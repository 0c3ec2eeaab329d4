#include "kms/google/google_account.h"

#include <algorithm>

#include "base/json.h"
#include "crypto/jws.h"
#include "kms/wiped_json.h"

namespace cloister::kms {
namespace {

constexpr std::size_t kTextMax = 2048;
constexpr std::size_t kAccountMax = 65536;
constexpr std::uint64_t kLifeSeconds = 3600;

Error bad(std::string_view what) {
  return Error(Code::kInvalid, "the credentials file has no proper " + std::string(what));
}

const WipedText* text_at(const WipedJson& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || !found->is_string() ? nullptr : &found->get_ref<const WipedText&>();
}

// Not a secret: bounded, printable.
Result<std::string> plain_text(const WipedJson& object, const char* name) {
  const WipedText* text = text_at(object, name);
  const bool fits = text != nullptr && !text->empty() && text->size() <= kTextMax &&
                    std::ranges::all_of(*text, [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!fits) return bad(name);
  return std::string(view(*text));
}

Result<WipedJson> parse_account(ByteView text, std::string_view type) {
  if (text.size() > kAccountMax) return bad("size");
  auto json = parse_wiped(text);
  if (!json.ok()) return bad("JSON");
  const WipedText* given = text_at(*json, "type");
  if (given != nullptr && view(*given) == type) return json;
  return Error(Code::kInvalid, "the credentials file isn't of type " + std::string(type));
}

Result<std::string> sign(const GoogleServiceAccount& account, JsonValue::Object claims, Time now) {
  const auto issued = static_cast<std::uint64_t>(now.unix_ms / 1000);
  claims.emplace_back("iat", issued);
  claims.emplace_back("exp", issued + kLifeSeconds);
  const crypto::JwsHeader header{crypto::JwsAlgorithm::kRs256, account.key_id, "JWT"};
  return crypto::sign_jws(header, as_bytes(JsonValue(std::move(claims)).serialize()), *account.signer);
}

}  // namespace

Result<GoogleServiceAccount> parse_google_service_account(const crypto::Secret& text) {
  CLOISTER_TRY(const WipedJson json, parse_account(text.expose(), "service_account"));
  GoogleServiceAccount account;
  CLOISTER_TRY(account.email, plain_text(json, "client_email"));
  CLOISTER_TRY(account.key_id, plain_text(json, "private_key_id"));
  CLOISTER_TRY(account.token_url, plain_text(json, "token_uri"));
  const WipedText* key = text_at(json, "private_key");
  if (key == nullptr) return bad("private_key");
  CLOISTER_TRY(account.signer, crypto::RsaSigner::from_pkcs8_pem(crypto::Secret::copy_of(as_bytes(view(*key)))));
  return account;
}

Result<GoogleExternalAccount> parse_google_external_account(ByteView text) {
  CLOISTER_TRY(const WipedJson json, parse_account(text, "external_account"));
  GoogleExternalAccount account;
  CLOISTER_TRY(account.audience, plain_text(json, "audience"));
  CLOISTER_TRY(account.subject_token_type, plain_text(json, "subject_token_type"));
  CLOISTER_TRY(account.token_url, plain_text(json, "token_url"));
  if (json.contains("service_account_impersonation_url")) {
    CLOISTER_TRY(account.impersonation_url, plain_text(json, "service_account_impersonation_url"));
  }
  const auto source = json.find("credential_source");
  if (source == json.end() || !source->is_object()) return bad("credential_source");
  if (!source->contains("file")) {
    return Error(Code::kUnsupported, "the credentials file's token doesn't come from a file");
  }
  CLOISTER_TRY(account.subject_token_file, plain_text(*source, "file"));
  const auto format = source->find("format");
  if (format == source->end()) return account;
  if (!format->is_object()) return bad("format");
  CLOISTER_TRY(const std::string kind, plain_text(*format, "type"));
  if (kind == "text") return account;
  if (kind != "json") return bad("format");
  CLOISTER_TRY(account.subject_token_field, plain_text(*format, "subject_token_field_name"));
  return account;
}

Result<crypto::Secret> google_subject_token(const GoogleExternalAccount& account, const crypto::Secret& file) {
  if (account.subject_token_field.empty()) return crypto::Secret::copy_of(file.expose());
  const auto json = parse_wiped(file.expose());
  const WipedText* token = json.ok() ? text_at(*json, account.subject_token_field.c_str()) : nullptr;
  if (token == nullptr || token->empty()) {
    return Error(Code::kInvalid, "the token's file is no JSON with a member " + account.subject_token_field);
  }
  return crypto::Secret::copy_of(as_bytes(view(*token)));
}

Result<std::string> google_assertion(const GoogleServiceAccount& account, Time now, std::string_view scope) {
  return sign(account, {{"iss", account.email}, {"scope", std::string(scope)}, {"aud", account.token_url}}, now);
}

Result<std::string> google_self_signed(const GoogleServiceAccount& account, std::string_view audience, Time now) {
  return sign(account, {{"iss", account.email}, {"sub", account.email}, {"aud", std::string(audience)}}, now);
}

}  // namespace cloister::kms
