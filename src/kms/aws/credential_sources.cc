#include "kms/aws/credential_sources.h"

#include "kms/aws/profile_file.h"

namespace cloister::kms {
namespace {

constexpr std::uint64_t kFileMax = 256 * 1024;
constexpr std::string_view kSessionName = "cloister";

std::string value_or(const AwsCredentialOptions& options, const std::string& name, std::string otherwise) {
  const auto value = options.environment(name);
  return value && !value->empty() ? *value : otherwise;
}

crypto::Secret secret_of(const AwsProfile& profile, const std::string& name) {
  const auto found = profile.find(name);
  return found == profile.end() ? crypto::Secret() : crypto::Secret::copy_of(as_bytes(found->second));
}

std::string text_of(const AwsProfile& profile, const std::string& name) {
  const auto found = profile.find(name);
  return found == profile.end() ? std::string() : std::string(found->second);
}

Result<std::optional<AwsCredentials>> environment_credentials(const AwsCredentialOptions& options) {
  const std::string id = value_or(options, "AWS_ACCESS_KEY_ID", "");
  AwsCredentials credentials{"environment", id, secret_of_environment(options.environment, "AWS_SECRET_ACCESS_KEY"),
                             secret_of_environment(options.environment, "AWS_SESSION_TOKEN"), std::nullopt};
  if (id.empty() && credentials.secret_access_key.empty()) return std::optional<AwsCredentials>();
  CLOISTER_RETURN_IF_ERROR(check_aws_credentials(credentials));
  return std::optional(std::move(credentials));
}

// A shared file that may be absent, unless it was named.
Result<crypto::Secret> shared_file(const AwsCredentialOptions& options, const std::string& variable,
                                   const std::string& usual, Guard guard) {
  const auto named = options.environment(variable);
  const auto home = options.environment("HOME");
  if (!named && !home) return crypto::Secret();
  auto text = read_guarded_file(named ? Path(*named) : Path(*home) / usual, guard);
  if (!text.ok() && text.error().code() == Code::kNotFound && !named) return crypto::Secret();
  return text;
}

std::string_view text_in(const crypto::Secret& file) { return as_text(file.expose()); }

Status check_supported(const AwsProfile& profile) {
  for (const char* name :
       {"credential_process", "source_profile", "credential_source", "sso_session", "sso_start_url"}) {
    if (profile.contains(name)) {
      return Error(Code::kUnsupported, std::string(name) + " isn't followed; keys, or a role with a token file, are");
    }
  }
  return {};
}

// Keys of the credentials file come before those of the configuration, as AWS has it.
Result<std::optional<AwsCredentials>> profile_credentials(const AwsCredentialOptions& options, const Waiting& waiting) {
  const std::string chosen = !options.profile.empty() ? options.profile : value_or(options, "AWS_PROFILE", "");
  const std::string name = chosen.empty() ? "default" : chosen;
  CLOISTER_TRY(const crypto::Secret secrets,
               shared_file(options, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", Guard::kSecret));
  CLOISTER_TRY(const crypto::Secret config, shared_file(options, "AWS_CONFIG_FILE", ".aws/config", Guard::kUnwritten));
  CLOISTER_TRY(const auto in_secrets, parse_aws_profile(text_in(secrets), name));
  CLOISTER_TRY(const auto in_config, parse_aws_profile(text_in(config), name == "default" ? name : "profile " + name));
  if (in_config && in_config->contains("aws_secret_access_key")) {
    CLOISTER_TRY(const crypto::Secret guarded, shared_file(options, "AWS_CONFIG_FILE", ".aws/config", Guard::kSecret));
  }
  if (!in_secrets && !in_config) {
    if (chosen.empty()) return std::optional<AwsCredentials>();
    return Error(Code::kNotFound, "neither the credentials file nor the configuration has it");
  }
  AwsProfile both = in_config.value_or(AwsProfile());
  for (const auto& [key, value] : in_secrets.value_or(AwsProfile())) both[key] = value;
  if (both.contains("aws_access_key_id") || both.contains("aws_secret_access_key")) {
    AwsCredentials credentials{"profile " + name, text_of(both, "aws_access_key_id"),
                               secret_of(both, "aws_secret_access_key"), secret_of(both, "aws_session_token"),
                               std::nullopt};
    CLOISTER_RETURN_IF_ERROR(check_aws_credentials(credentials));
    return std::optional(std::move(credentials));
  }
  CLOISTER_RETURN_IF_ERROR(check_supported(both));
  WebIdentity identity{text_of(both, "role_arn"), text_of(both, "web_identity_token_file"),
                       text_of(both, "role_session_name")};
  if (identity.role_arn.empty() && identity.token_file.empty()) return std::optional<AwsCredentials>();
  CLOISTER_TRY(AwsCredentials credentials, web_identity_credentials(identity, options, waiting));
  credentials.source = "profile " + name;
  return std::optional(std::move(credentials));
}

Result<std::optional<AwsCredentials>> environment_web_identity(const AwsCredentialOptions& options,
                                                               const Waiting& waiting) {
  WebIdentity identity{value_or(options, "AWS_ROLE_ARN", ""), value_or(options, "AWS_WEB_IDENTITY_TOKEN_FILE", ""),
                       value_or(options, "AWS_ROLE_SESSION_NAME", std::string(kSessionName))};
  if (identity.token_file.empty()) return std::optional<AwsCredentials>();
  CLOISTER_TRY(AwsCredentials credentials, web_identity_credentials(identity, options, waiting));
  return std::optional(std::move(credentials));
}

}  // namespace

crypto::Secret secret_of_environment(const Environment& environment, const std::string& name) {
  std::optional<std::string> text = environment(name);
  if (!text) return {};
  crypto::Secret secret = crypto::Secret::copy_of(as_bytes(*text));
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text->data()), text->size()});
  return secret;
}

Result<crypto::Secret> read_guarded_file(const Path& path, Guard guard) {
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, guard));
  CLOISTER_TRY(Bytes bytes, read_rest(file, kFileMax));
  crypto::Secret secret = crypto::Secret::copy_of(bytes);
  crypto::wipe(bytes);
  return secret;
}

Result<AwsCredentials> fetch_aws_credentials(const AwsCredentialOptions& options, const Waiting& waiting) {
  using Found = Result<std::optional<AwsCredentials>>;
  const std::pair<const char*, std::function<Found()>> sources[] = {
      {"the environment", [&] { return environment_credentials(options); }},
      {"a profile", [&] { return profile_credentials(options, waiting); }},
      {"a web identity", [&] { return environment_web_identity(options, waiting); }},
      {"the container's endpoint", [&] { return container_credentials(options, waiting); }},
      {"the instance's metadata", [&] { return instance_credentials(options, waiting); }},
  };
  for (const auto& [name, source] : sources) {
    CLOISTER_TRY(auto found, source().with_context("AWS credentials from " + std::string(name)));
    if (!found) continue;
    if (found->expires && *found->expires <= waiting.now()) {
      return Error(Code::kDenied, "AWS credentials from " + std::string(name) + ": they have expired already");
    }
    return std::move(*found);
  }
  return Error(Code::kUnavailable, "no AWS credentials in the environment, a profile, a web identity, a container");
}

}  // namespace cloister::kms
