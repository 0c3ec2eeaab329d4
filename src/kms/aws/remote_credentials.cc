// The sources of AWS credentials that are asked by HTTP.
#include <algorithm>

#include "kms/aws/aws_answer.h"
#include "kms/aws/credential_sources.h"
#include "kms/aws/endpoints.h"

namespace cloister::kms {
namespace {

constexpr std::string_view kContainerHost = "http://169.254.170.2";
constexpr std::string_view kMetadataHost = "http://169.254.169.254";
constexpr std::string_view kTokenPath = "/latest/api/token";
constexpr std::string_view kRolePath = "/latest/meta-data/iam/security-credentials/";
constexpr std::size_t kSmallAnswerMax = 4096;
constexpr RetryRules kLocalRules{3, Duration{100}, 2, Duration{1'000}, Duration{2'000}, Duration{8'000}};
constexpr RetryRules kStsRules{3, Duration{200}, 2, Duration{5'000}, Duration{10'000}, Duration{25'000}};

// Percent-encoded, and nowhere else: it may be a token.
void append_encoded(net::Buffer& buffer, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    if (!plain) net::append(buffer, "%");
    const char spelt[] = {plain ? c : kDigits[byte >> 4], kDigits[byte & 15]};
    net::append(buffer, std::string_view(spelt, plain ? 1 : 2));
  }
}

// What goes into a header or a path: no control characters, no spaces.
bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

// One server, asked a few times with its own rules.
class Asker {
 public:
  Asker(std::unique_ptr<HttpTransport> transport, Endpoint endpoint, const RetryRules& rules, const Waiting& waiting)
      : transport_(std::move(transport)), endpoint_(std::move(endpoint)), rules_(rules), waiting_(waiting) {}

  Result<net::Response> ask(std::string_view method, std::string_view target, const net::Headers& headers,
                            const net::Buffer& body = {}) {
    const auto make = [&]() -> Result<net::Request> {
      net::Request request{std::string(method), std::string(target), {{"host", endpoint_.authority()}}, body, nullptr};
      for (const net::Header& header : headers.all()) request.headers.add(header.name, header.value);
      return request;
    };
    return RetryingCall{rules_, budget_, waiting_, *transport_, make, judge_aws}.run();
  }

 private:
  std::unique_ptr<HttpTransport> transport_;
  const Endpoint endpoint_;
  const RetryRules& rules_;
  const Waiting& waiting_;
  RetryBudget budget_;
};

Error refused(const net::Response& response) {
  return Error(aws_error_code("", response.status), "status " + std::to_string(response.status));
}

// What the container's endpoint wants to see; empty: nothing.
Result<crypto::Secret> container_token(const Environment& environment) {
  if (const auto path = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); path && !path->empty()) {
    return read_guarded_file(*path, Guard::kUnwritten);
  }
  return secret_of_environment(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
}

}  // namespace

Result<AwsCredentials> web_identity_credentials(const WebIdentity& identity, const AwsCredentialOptions& options,
                                                const Waiting& waiting) {
  if (identity.role_arn.empty() || identity.token_file.empty()) {
    return Error(Code::kInvalid, "a web identity needs a role and a token file");
  }
  // Read anew each time: whoever issues the token replaces it before it ends.
  CLOISTER_TRY(const crypto::Secret token, read_guarded_file(identity.token_file, Guard::kUnwritten));
  const std::string_view token_text = trimmed(as_text(token.expose()));
  if (token_text.empty() || !is_visible(token_text)) {
    return Error(Code::kInvalid, identity.token_file + " isn't a token");
  }
  CLOISTER_TRY(const Endpoint endpoint, options.sts_endpoint.empty() ? aws_endpoint("sts", {options.region})
                                                                     : parse_endpoint(options.sts_endpoint));
  CLOISTER_TRY(auto transport, options.open_transport(endpoint, {options.authorities_file, {}, {}}));
  net::Buffer body = net::to_buffer("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=");
  append_encoded(body, identity.role_arn);
  net::append(body, "&RoleSessionName=");
  append_encoded(body, identity.session_name.empty() ? "cloister" : identity.session_name);
  net::append(body, "&WebIdentityToken=");
  append_encoded(body, token_text);
  Asker sts(std::move(transport), endpoint, kStsRules, waiting);
  CLOISTER_TRY(const net::Response answer,
               sts.ask("POST", endpoint.path + "/", {{"content-type", "application/x-www-form-urlencoded"}}, body));
  CLOISTER_TRY(AwsCredentials credentials,
               parse_sts_answer(answer).with_context("AssumeRoleWithWebIdentity " + identity.role_arn));
  credentials.source = "web identity " + identity.role_arn;
  return credentials;
}

Result<std::optional<AwsCredentials>> container_credentials(const AwsCredentialOptions& options,
                                                            const Waiting& waiting) {
  const auto relative = options.environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const auto full = options.environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (!relative && !full) return std::optional<AwsCredentials>();
  if (relative && !relative->starts_with('/')) return Error(Code::kInvalid, "the relative URI begins with a slash");
  CLOISTER_TRY(const Endpoint endpoint, parse_endpoint(relative ? std::string(kContainerHost) + *relative : *full));
  CLOISTER_TRY(const crypto::Secret token, container_token(options.environment));
  net::Headers headers{{"accept", "application/json"}};
  const std::string_view token_text = trimmed(as_text(token.expose()));
  // As it is, with its scheme ("Basic …") where it has one.
  if (!std::ranges::all_of(token_text, [](char c) { return c >= 0x20 && c < 0x7f; })) {
    return Error(Code::kInvalid, "the authorization token has characters that no header may have");
  }
  if (!token_text.empty()) headers.add("authorization", std::string(token_text));
  CLOISTER_TRY(auto transport, options.open_transport(endpoint, {options.authorities_file, {}, {}}));
  Asker container(std::move(transport), endpoint, kLocalRules, waiting);
  CLOISTER_TRY(const net::Response answer, container.ask("GET", endpoint.path.empty() ? "/" : endpoint.path, headers));
  if (answer.status != 200) return refused(answer);
  CLOISTER_TRY(AwsCredentials credentials, parse_metadata_credentials(answer.body));
  credentials.source = "container " + endpoint.authority();
  return std::optional(std::move(credentials));
}

Result<std::optional<AwsCredentials>> instance_credentials(const AwsCredentialOptions& options,
                                                           const Waiting& waiting) {
  if (options.environment("AWS_EC2_METADATA_DISABLED").value_or("") == "true") return std::optional<AwsCredentials>();
  const bool usual = options.metadata_endpoint.empty();
  CLOISTER_TRY(const Endpoint endpoint, parse_endpoint(usual ? std::string(kMetadataHost) : options.metadata_endpoint));
  CLOISTER_TRY(auto transport, options.open_transport(endpoint, {options.authorities_file, {}, {}}));
  Asker metadata(std::move(transport), endpoint, kLocalRules, waiting);
  CLOISTER_TRY(const net::Response token, metadata.ask("PUT", endpoint.path + std::string(kTokenPath),
                                                       {{"x-aws-ec2-metadata-token-ttl-seconds", "21600"}}));
  if (token.status != 200) return refused(token).with_context("session token");
  const std::string token_text(trimmed(as_text(token.body)));
  if (token_text.empty() || token_text.size() > kSmallAnswerMax || !is_visible(token_text)) {
    return Error(Code::kInvalid, "the session token isn't one");
  }
  const net::Headers headers{{"x-aws-ec2-metadata-token", token_text}};
  const std::string path = endpoint.path + std::string(kRolePath);
  CLOISTER_TRY(const net::Response roles, metadata.ask("GET", path, headers));
  if (roles.status == 404) return Error(Code::kDenied, "the instance has no role");
  if (roles.status != 200) return refused(roles).with_context("name of the role");
  const std::string_view text = as_text(roles.body);
  const std::string role(trimmed(text.substr(0, text.find('\n'))));
  if (role.empty() || role.size() > 128 || !is_visible(role) || role.find_first_of("/?#%") != role.npos) {
    return Error(Code::kInvalid, "the name of the role isn't one");
  }
  CLOISTER_TRY(const net::Response answer, metadata.ask("GET", path + role, headers));
  if (answer.status != 200) return refused(answer).with_context("role " + role);
  CLOISTER_TRY(AwsCredentials credentials, parse_metadata_credentials(answer.body).with_context("role " + role));
  credentials.source = "instance role " + role;
  return std::optional(std::move(credentials));
}

}  // namespace cloister::kms
