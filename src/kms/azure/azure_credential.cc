#include "kms/azure/azure_credential.h"

#include <algorithm>

#include "kms/azure/azure_challenge.h"
#include "kms/form_body.h"
#include "kms/retry_after.h"
#include "kms/secret_text.h"

namespace cloister::kms {
namespace {

using Kind = AzureCredentialKind;

constexpr std::string_view kAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
// Six for 410, whose waits of 3, 6, 12, 24 and 48 s are 93 s; everything else ends after five.
constexpr RetryRules kMetadataRules{6, Duration{800}, 2, seconds(60), seconds(10), seconds(180)};
constexpr unsigned kMetadataAttempts = 5;
constexpr std::int64_t kMetadataBaseMs = 800;
constexpr std::int64_t kUpdatingBaseMs = 3000;

Verdict judge_login(const net::Response& answer) {
  if (answer.status == 429 || answer.status >= 500) return {Verdict::Kind::kRetry, retry_after(answer)};
  return {};
}

Verdict judge_metadata(const net::Response& answer, unsigned attempt) {
  const auto doubled = [attempt](std::int64_t base_ms) { return Duration{base_ms << (attempt - 1)}; };
  if (answer.status == 410) return {Verdict::Kind::kRetry, doubled(kUpdatingBaseMs)};
  const bool passing = answer.status == 404 || answer.status == 429 || answer.status >= 500;
  if (!passing || attempt >= kMetadataAttempts) return {};
  return {Verdict::Kind::kRetry, doubled(kMetadataBaseMs)};
}

Status check_parts(const AzureCredentialOptions& options) {
  const auto need = [](bool there, std::string_view what) {
    return there ? ok_status() : Status(Error(Code::kInvalid, "this credential needs " + std::string(what)));
  };
  if (options.kind == Kind::kManagedIdentity) return {};
  CLOISTER_RETURN_IF_ERROR(need(!options.client_id.empty(), "a client id"));
  if (options.kind == Kind::kClientSecret) return need(!options.client_secret_file.empty(), "a client secret's file");
  return need(!options.federated_token_file.empty(), "a federated token's file");
}

}  // namespace

Result<std::unique_ptr<AzureCredential>> AzureCredential::create(AzureCredentialOptions options,
                                                                 const WebTransportOptions& web, const Waiting& waiting,
                                                                 const Connect& connect) {
  CLOISTER_RETURN_IF_ERROR(check_parts(options));
  const bool machine = options.kind == Kind::kManagedIdentity;
  CLOISTER_TRY(Endpoint endpoint, parse_endpoint(machine ? options.metadata : options.login));
  CLOISTER_TRY(auto transport, connect(endpoint, web));
  return std::unique_ptr<AzureCredential>(
      new AzureCredential(std::move(options), std::move(endpoint), std::move(transport), waiting));
}

Result<net::Request> AzureCredential::login_request(const AzureTokenWish& wish) const {
  if (!is_azure_tenant(wish.tenant)) return Error(Code::kInvalid, "no directory (tenant) is known to ask for a token");
  net::Request request;
  request.method = "POST";
  request.target = endpoint_.path + "/" + wish.tenant + "/oauth2/v2.0/token";
  request.headers.add("content-type", "application/x-www-form-urlencoded");
  request.headers.add("accept", "application/json");
  FormBody form;
  form.add("grant_type", "client_credentials").add("client_id", options_.client_id);
  form.add("scope", wish.resource + "/.default").add("claims", wish.claims);
  if (options_.kind == Kind::kClientSecret) {
    CLOISTER_TRY(const crypto::Secret secret, read_secret_text(options_.client_secret_file, Guard::kSecret));
    form.add("client_secret", as_text(secret.expose()));
  } else {
    CLOISTER_TRY(const crypto::Secret token, read_secret_text(options_.federated_token_file, Guard::kUnwritten));
    form.add("client_assertion_type", kAssertionType).add("client_assertion", as_text(token.expose()));
  }
  request.body = form.take();
  return request;
}

net::Request AzureCredential::metadata_request(const AzureTokenWish& wish) const {
  net::Request request;
  request.method = "GET";
  request.target = endpoint_.path +
                   "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" + percent_encode(wish.resource);
  if (!options_.client_id.empty()) request.target += "&client_id=" + percent_encode(options_.client_id);
  request.headers.add("metadata", "true");
  request.headers.add("accept", "application/json");
  return request;
}

Result<BearerToken> AzureCredential::fetch(const AzureTokenWish& wish) {
  static constexpr RetryRules kLoginRules{};
  const bool machine = options_.kind == Kind::kManagedIdentity;
  unsigned attempt = 0;
  const RetryingCall call{
      machine ? kMetadataRules : kLoginRules,
      budget_,
      waiting_,
      *transport_,
      [&]() -> Result<net::Request> {
        ++attempt;
        return machine ? metadata_request(wish) : login_request(wish);
      },
      [&](const net::Response& answer) { return machine ? judge_metadata(answer, attempt) : judge_login(answer); }};
  const std::string doing = "get a token from " + endpoint_.authority();
  CLOISTER_TRY(const net::Response answer, call.run().with_context(doing));
  if (answer.status != 200) return parse_token_refusal(answer.status, answer.body).with_context(doing);
  return parse_token_answer(answer.body, waiting_.now()).with_context(doing);
}

}  // namespace cloister::kms
