#include "kms/google/google_credential.h"

#include "base/json.h"
#include "kms/form_body.h"
#include "kms/retry_after.h"
#include "kms/secret_text.h"
#include "kms/wiped_json.h"

namespace cloister::kms {
namespace {

using Kind = GoogleCredentialKind;

constexpr std::string_view kAssertionGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
constexpr std::string_view kExchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange";
constexpr std::string_view kAccessToken = "urn:ietf:params:oauth:token-type:access_token";
constexpr std::string_view kPlatformScope = "https://www.googleapis.com/auth/cloud-platform";
constexpr std::string_view kMetadataPath = "/computeMetadata/v1/instance/service-accounts/default/token";
constexpr RetryRules kRules{};

net::Request form_request(const Endpoint& endpoint, FormBody form) {
  net::Request request;
  request.method = "POST";
  request.target = endpoint.path.empty() ? "/" : endpoint.path;
  request.headers.add("content-type", "application/x-www-form-urlencoded");
  request.headers.add("accept", "application/json");
  request.body = form.take();
  return request;
}

Verdict judge(const net::Response& answer) {
  if (answer.status == 429 || answer.status >= 500) return {Verdict::Kind::kRetry, retry_after(answer)};
  return {};
}

}  // namespace

Result<BearerToken> parse_google_metadata_token(const net::Response& answer, Time now) {
  // Whoever else listens at that address doesn't say this.
  const std::string* flavor = answer.headers.find("metadata-flavor");
  if (flavor == nullptr || *flavor != "Google") {
    return Error(Code::kDenied, "what answers isn't Google's metadata server");
  }
  if (answer.status != 200) return parse_token_refusal(answer.status, answer.body);
  return parse_token_answer(answer.body, now);
}

Result<BearerToken> parse_google_impersonated(ByteView body, Time now) {
  const auto json = parse_wiped(body);
  const auto text = [&](const char* name) {
    const auto found = json.ok() ? json->find(name) : WipedJson::const_iterator();
    if (!json.ok() || found == json->end() || !found->is_string()) return std::string_view();
    return view(found->get_ref<const WipedText&>());
  };
  const auto expires = parse_rfc3339(text("expireTime"));
  if (!expires.ok() || *expires <= now || text("accessToken").empty()) {
    return Error(Code::kInvalid, "the answer has no proper accessToken and expireTime");
  }
  return make_token(text("accessToken"), *expires);
}

Result<GoogleCredential::Server> GoogleCredential::reach(std::string_view url, const WebTransportOptions& web,
                                                         const Connect& connect) {
  CLOISTER_TRY(Endpoint endpoint, parse_endpoint(url));
  CLOISTER_TRY(auto transport, connect(endpoint, web));
  return Server{std::move(endpoint), std::move(transport)};
}

Result<std::unique_ptr<GoogleCredential>> GoogleCredential::create(const GoogleCredentialOptions& options,
                                                                   const WebTransportOptions& web,
                                                                   const Waiting& waiting, const Connect& connect) {
  std::unique_ptr<GoogleCredential> credential(new GoogleCredential(options, waiting));
  if (options.kind == Kind::kMetadata) {
    CLOISTER_TRY(credential->tokens_, reach(options.metadata, web, connect));
    return credential;
  }
  if (options.file.empty()) return Error(Code::kInvalid, "this credential needs a credentials file");
  const std::string doing = "read " + options.file.string();
  if (options.kind == Kind::kExternalAccount) {
    CLOISTER_TRY(const crypto::Secret text, read_secret_text(options.file, Guard::kUnwritten));
    CLOISTER_TRY(credential->external_, parse_google_external_account(text.expose()).with_context(doing));
    CLOISTER_TRY(credential->tokens_, reach(credential->external_.token_url, web, connect));
    if (!credential->external_.impersonation_url.empty()) {
      CLOISTER_TRY(credential->impersonation_, reach(credential->external_.impersonation_url, web, connect));
    }
    return credential;
  }
  CLOISTER_TRY(const crypto::Secret text, read_secret_text(options.file, Guard::kSecret));
  CLOISTER_TRY(credential->account_, parse_google_service_account(text).with_context(doing));
  if (options.kind == Kind::kServiceAccount) {
    CLOISTER_TRY(credential->tokens_, reach(credential->account_.token_url, web, connect));
  }
  return credential;
}

Result<net::Response> GoogleCredential::ask(const Server& server, const std::function<Result<net::Request>()>& make) {
  const RetryingCall call{kRules, budget_, waiting_, *server.transport, make, judge};
  return call.run().with_context("get a token from " + server.endpoint.authority());
}

Result<BearerToken> GoogleCredential::exchange_assertion() {
  CLOISTER_TRY(const net::Response answer, ask(tokens_, [&]() -> Result<net::Request> {
                 CLOISTER_TRY(const std::string assertion, google_assertion(account_, waiting_.now(), options_.scope));
                 return form_request(tokens_.endpoint,
                                     FormBody().add("grant_type", kAssertionGrant).add("assertion", assertion));
               }));
  if (answer.status != 200) return parse_token_refusal(answer.status, answer.body);
  return parse_token_answer(answer.body, waiting_.now());
}

Result<BearerToken> GoogleCredential::exchange_external() {
  const bool direct = external_.impersonation_url.empty();
  CLOISTER_TRY(const net::Response answer, ask(tokens_, [&]() -> Result<net::Request> {
                 CLOISTER_TRY(const crypto::Secret file,
                              read_secret_text(external_.subject_token_file, Guard::kUnwritten));
                 CLOISTER_TRY(const crypto::Secret subject, google_subject_token(external_, file));
                 FormBody form;
                 form.add("grant_type", kExchangeGrant).add("audience", external_.audience);
                 form.add("scope", direct ? std::string_view(options_.scope) : kPlatformScope)
                     .add("requested_token_type", kAccessToken);
                 form.add("subject_token", as_text(subject.expose()));
                 form.add("subject_token_type", external_.subject_token_type);
                 return form_request(tokens_.endpoint, std::move(form));
               }));
  if (answer.status != 200) return parse_token_refusal(answer.status, answer.body);
  CLOISTER_TRY(BearerToken token, parse_token_answer(answer.body, waiting_.now()));
  if (direct) return token;
  return impersonate(token);
}

Result<BearerToken> GoogleCredential::impersonate(const BearerToken& token) {
  CLOISTER_TRY(const net::Response answer, ask(impersonation_, [&]() -> Result<net::Request> {
                 net::Request request;
                 request.method = "POST";
                 request.target = impersonation_.endpoint.path;
                 request.headers.add("content-type", "application/json");
                 request.headers.add("authorization", authorization(token));
                 request.body = net::to_buffer(R"({"scope":[")" + options_.scope + R"("]})");
                 return request;
               }));
  if (answer.status != 200) return parse_token_refusal(answer.status, answer.body);
  return parse_google_impersonated(answer.body, waiting_.now());
}

Result<BearerToken> GoogleCredential::ask_metadata() {
  CLOISTER_TRY(const net::Response answer, ask(tokens_, [&]() -> Result<net::Request> {
                 net::Request request;
                 request.method = "GET";
                 request.target = tokens_.endpoint.path + std::string(kMetadataPath);
                 request.headers.add("metadata-flavor", "Google");
                 return request;
               }));
  return parse_google_metadata_token(answer, waiting_.now());
}

Result<BearerToken> GoogleCredential::fetch() {
  switch (options_.kind) {
    case Kind::kServiceAccount: return exchange_assertion();
    case Kind::kMetadata: return ask_metadata();
    case Kind::kExternalAccount: return exchange_external();
    case Kind::kSelfSigned: break;
  }
  const Time now = waiting_.now();
  CLOISTER_TRY(const std::string token, google_self_signed(account_, options_.audience, now));
  return make_token(token, now + hours(1));
}

}  // namespace cloister::kms
