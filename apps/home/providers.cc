#include "home/providers.h"

#include <charconv>
#include <cstdlib>

#include "kms/aws/aws_kms.h"
#include "kms/azure/azure_key_vault.h"
#include "kms/google/google_kms.h"
#include "kms/kmip/kmip_server.h"
#include "kms/pkcs11/pkcs11_provider.h"
#include "kms/vault/vault_transit.h"

namespace cloister::home {
namespace {

using Opened = Result<std::shared_ptr<kms::Provider>>;

template <typename Provider>
Opened as_provider(Result<std::shared_ptr<Provider>> made) {
  if (!made.ok()) return made.error();
  return std::shared_ptr<kms::Provider>(std::move(*made));
}

void set_if_said(std::string& option, const RootConfig& root, std::string_view name) {
  if (const std::string& said = root.option(name); !said.empty()) option = said;
}

Result<bool> yes_or_no(const RootConfig& root, std::string_view name) {
  const std::string& word = root.option(name);
  if (word.empty() || word == "no") return false;
  if (word == "yes") return true;
  return Error(Code::kInvalid, std::string(name) + " is yes or no");
}

Opened open_pkcs11(const RootConfig& root, ProviderContext context) {
  if (!context.pin) return Error(Code::kInvalid, "a token needs a PIN");
  kms::Pkcs11ProviderOptions options{root.option("module"), root.option("token")};
  options.module_parameters = root.option("parameters");
  return as_provider(
      kms::Pkcs11Provider::create(options, *context.pin, std::move(context.evidence), kms::real_waiting()));
}

Opened open_aws(const RootConfig& root, ProviderContext context) {
  kms::AwsKmsOptions options;
  options.region = root.option("region");
  options.endpoint = root.option("endpoint");
  CLOISTER_TRY(options.fips, yes_or_no(root, "fips"));
  CLOISTER_TRY(options.dual_stack, yes_or_no(root, "dual_stack"));
  options.authorities_file = root.option("authorities_file");
  options.profile = root.option("profile");
  options.sts_endpoint = root.option("sts_endpoint");
  options.metadata_endpoint = root.option("metadata_endpoint");
  options.environment = std::move(context.environment);
  return as_provider(kms::AwsKms::create(std::move(options), std::move(context.evidence), kms::real_waiting()));
}

Opened open_kmip(const RootConfig& root, ProviderContext context) {
  kms::KmipOptions options;
  options.host = root.option("host");
  if (const std::string& port = root.option("port"); !port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
    if (error != std::errc() || end != port.data() + port.size() || options.port == 0) {
      return Error(Code::kInvalid, "port is a number up to 65535");
    }
  }
  options.authorities_file = root.option("authorities_file");
  options.certificate_file = root.option("certificate_file");
  options.key_file = root.option("private_key_file");
  set_if_said(options.cipher, root, "cipher");
  set_if_said(options.newest, root, "newest");
  return as_provider(kms::KmipServer::create(options, std::move(context.evidence), kms::real_waiting()));
}

Opened open_vault(const RootConfig& root, ProviderContext context) {
  kms::VaultOptions options;
  options.address = root.option("address");
  set_if_said(options.mount, root, "mount");
  options.name_space = root.option("namespace");
  options.authorities_file = root.option("authorities_file");
  options.certificate_file = root.option("certificate_file");
  options.key_file = root.option("private_key_file");
  set_if_said(options.auth, root, "auth");
  options.auth_mount = root.option("auth_mount");
  options.role = root.option("role");
  options.secret_file = root.option("secret_file");
  return as_provider(
      kms::VaultTransit::create(options, context.environment, std::move(context.evidence), kms::real_waiting()));
}

// Where the option isn't said, what the word of the options is.
Result<kms::AzureCredentialKind> azure_credential(const std::string& word) {
  if (word.empty() || word == "managed-identity") return kms::AzureCredentialKind::kManagedIdentity;
  if (word == "workload-identity") return kms::AzureCredentialKind::kWorkloadIdentity;
  if (word == "client-secret") return kms::AzureCredentialKind::kClientSecret;
  return Error(Code::kInvalid, "credential is managed-identity, workload-identity or client-secret");
}

Opened open_azure(const RootConfig& root, ProviderContext context) {
  kms::AzureKeyVaultOptions options;
  options.vault = root.option("vault");
  options.tenant = root.option("tenant");
  options.resource = root.option("resource");
  options.algorithm = root.option("algorithm");
  options.web.authorities_file = root.option("authorities_file");
  CLOISTER_TRY(options.credential.kind, azure_credential(root.option("credential")));
  set_if_said(options.credential.login, root, "login");
  set_if_said(options.credential.metadata, root, "metadata_endpoint");
  options.credential.client_id = root.option("client_id");
  options.credential.client_secret_file = root.option("client_secret_file");
  options.credential.federated_token_file = root.option("federated_token_file");
  return as_provider(kms::AzureKeyVault::create(std::move(options), std::move(context.evidence), kms::real_waiting()));
}

Result<kms::GoogleCredentialKind> google_credential(const std::string& word) {
  if (word.empty() || word == "metadata") return kms::GoogleCredentialKind::kMetadata;
  if (word == "service-account") return kms::GoogleCredentialKind::kServiceAccount;
  if (word == "self-signed") return kms::GoogleCredentialKind::kSelfSigned;
  if (word == "external-account") return kms::GoogleCredentialKind::kExternalAccount;
  return Error(Code::kInvalid, "credential is metadata, service-account, self-signed or external-account");
}

Opened open_google(const RootConfig& root, ProviderContext context) {
  kms::GoogleKmsOptions options;
  options.location = root.option("location");
  options.key_ring = root.option("key_ring");
  options.quota_project = root.option("quota_project");
  set_if_said(options.endpoint, root, "endpoint");
  options.web.authorities_file = root.option("authorities_file");
  CLOISTER_TRY(options.credential.kind, google_credential(root.option("credential")));
  options.credential.file = root.option("credential_file");
  set_if_said(options.credential.metadata, root, "metadata_endpoint");
  return as_provider(kms::GoogleKms::create(std::move(options), std::move(context.evidence), kms::real_waiting()));
}

struct Kind {
  std::string_view name;
  Opened (*open)(const RootConfig& root, ProviderContext context);
};
constexpr Kind kKinds[] = {
    {"aws-kms", open_aws},           {"kmip", open_kmip},         {"vault-transit", open_vault},
    {"azure-key-vault", open_azure}, {"google-kms", open_google},
};

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

bool is_provider_kind(std::string_view kind) {
  for (const Kind& one : kKinds) {
    if (one.name == kind) return true;
  }
  return false;
}

Opened open_provider(const RootConfig& root, ProviderContext context) {
  if (root.kind == "pkcs11") return open_pkcs11(root, std::move(context));
  for (const Kind& kind : kKinds) {
    if (kind.name == root.kind) return kind.open(root, std::move(context));
  }
  return Error(Code::kUnsupported, "a root of kind " + root.kind + " has no provider that could be asked");
}

const std::string& provider_key(const RootConfig& root) { return root.option("key"); }

}  // namespace cloister::home
