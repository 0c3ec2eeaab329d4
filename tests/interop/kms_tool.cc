// A provider from the outside, for scripts that run it against a stand-in of the real one:
//   kms_tool KIND OPTIONS.json VERB [ARGUMENT...]
//     resolve KEY | describe KEY | list [CURSOR] | health
//     wrap KEY PLAINTEXT_HEX [NAME=VALUE...]            prints {"key_version", "ciphertext"}, ciphertext in hexadecimal
//     unwrap KEY CIPHERTEXT_HEX KEY_VERSION [NAME=VALUE...]
//     root KEY                                          opens it as a root: probes it, wraps and unwraps
//     activate KEY                                      of a KMIP server
// Prints one JSON object: the answer, or {"error", "message"} with the exit status of that code. Where OPTIONS.json has
// "evidence_file", what the provider answered is appended there, one JSON object a line.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "crypto/random.h"
#include "kms/aws/aws_kms.h"
#include "kms/azure/azure_key_vault.h"
#include "kms/evidence.h"
#include "kms/google/google_kms.h"
#include "kms/kmip/kmip_server.h"
#include "kms/pkcs11/pkcs11_provider.h"
#include "kms/provider_key.h"
#include "kms/vault/vault_transit.h"
#include "tests/support/fake_provider.h"

namespace cloister {
namespace {

using Json = nlohmann::ordered_json;
using kms::Provider;

// For options' members that are text; the fallback where there is none.
std::string text(const Json& options, const char* name, const std::string& fallback = {}) {
  const auto member = options.find(name);
  return member == options.end() ? fallback : member->get<std::string>();
}

class EvidenceFile final : public kms::EvidenceSink {
 public:
  explicit EvidenceFile(const std::string& path) : out_(path, std::ios::app) {}
  void keep(kms::Evidence evidence) override {
    const std::scoped_lock lock(mutex_);
    out_ << Json{{"received", to_rfc3339(evidence.received)},
                 {"provider", evidence.provider},
                 {"operation", evidence.operation},
                 {"key", evidence.key},
                 {"request_id", evidence.request_id},
                 {"status", evidence.status},
                 {"body", evidence.body},
                 {"withheld", evidence.withheld}}
                .dump(-1, ' ', false, Json::error_handler_t::replace)
         << "\n"
         << std::flush;
  }

 private:
  std::mutex mutex_;
  std::ofstream out_;
};

using Opened = Result<std::shared_ptr<Provider>>;
using Open = Opened (*)(const Json& options, std::shared_ptr<kms::EvidenceSink> evidence);

Opened open_fake(const Json&, std::shared_ptr<kms::EvidenceSink>) {
  return std::shared_ptr<Provider>(std::make_shared<testing::FakeProvider>());
}

Opened open_kmip(const Json& options, std::shared_ptr<kms::EvidenceSink> evidence) {
  kms::KmipOptions kmip;
  kmip.host = text(options, "host");
  kmip.port = options.value("port", kmip.port);
  kmip.authorities_file = text(options, "authorities");
  kmip.certificate_file = text(options, "certificate");
  kmip.key_file = text(options, "key");
  kmip.cipher = text(options, "cipher", kmip.cipher);
  kmip.newest = text(options, "newest", kmip.newest);
  CLOISTER_TRY(auto server, kms::KmipServer::create(kmip, std::move(evidence), kms::real_waiting()));
  return std::shared_ptr<Provider>(std::move(server));
}

Opened open_vault(const Json& options, std::shared_ptr<kms::EvidenceSink> evidence) {
  kms::VaultOptions vault;
  vault.address = text(options, "address");
  vault.mount = text(options, "mount", vault.mount);
  vault.name_space = text(options, "namespace");
  vault.authorities_file = text(options, "authorities");
  vault.certificate_file = text(options, "certificate");
  vault.key_file = text(options, "key");
  vault.auth = text(options, "auth", vault.auth);
  vault.auth_mount = text(options, "auth_mount");
  vault.role = text(options, "role");
  vault.secret_file = text(options, "secret_file");
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  CLOISTER_TRY(auto transit, kms::VaultTransit::create(vault, environment, std::move(evidence), kms::real_waiting()));
  return std::shared_ptr<Provider>(std::move(transit));
}

// "module", "token", "pin_file"; "serial" and "module_parameters" where they are needed.
Opened open_pkcs11(const Json& options, std::shared_ptr<kms::EvidenceSink> evidence) {
  const kms::Pkcs11ProviderOptions chosen{text(options, "module"), text(options, "token"), text(options, "serial"),
                                          text(options, "module_parameters")};
  CLOISTER_TRY(const Bytes pin, read_file(text(options, "pin_file"), 1024));
  CLOISTER_TRY(auto provider, kms::Pkcs11Provider::create(chosen, crypto::Secret::copy_of(pin), std::move(evidence),
                                                          kms::real_waiting()));
  return std::shared_ptr<Provider>(std::move(provider));
}

// "region", "endpoint"; "authorities_file", "profile" and "sts_endpoint" where they are needed. Credentials come from
// the environment of this program.
Opened open_aws(const Json& options, std::shared_ptr<kms::EvidenceSink> evidence) {
  kms::AwsKmsOptions chosen;
  chosen.region = text(options, "region");
  chosen.endpoint = text(options, "endpoint");
  chosen.authorities_file = text(options, "authorities_file");
  chosen.profile = text(options, "profile");
  chosen.sts_endpoint = text(options, "sts_endpoint");
  chosen.environment = [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  CLOISTER_TRY(auto provider, kms::AwsKms::create(std::move(chosen), std::move(evidence), kms::real_waiting()));
  return std::shared_ptr<Provider>(std::move(provider));
}

kms::WebTransportOptions web_of(const Json& options) {
  kms::WebTransportOptions web;
  web.authorities_file = text(options, "authorities_file");
  return web;
}

// "vault"; "credential" is client-secret, workload-identity or managed-identity, with the members it needs.
Opened open_azure(const Json& options, std::shared_ptr<kms::EvidenceSink> evidence) {
  using Kind = kms::AzureCredentialKind;
  static const std::map<std::string, Kind> kCredentials = {{"client-secret", Kind::kClientSecret},
                                                           {"workload-identity", Kind::kWorkloadIdentity},
                                                           {"managed-identity", Kind::kManagedIdentity}};
  kms::AzureKeyVaultOptions chosen;
  chosen.vault = text(options, "vault");
  chosen.tenant = text(options, "tenant");
  chosen.resource = text(options, "resource");
  chosen.algorithm = text(options, "algorithm");
  chosen.api_version = text(options, "api_version", chosen.api_version);
  chosen.credential.kind = kCredentials.at(text(options, "credential"));
  chosen.credential.login = text(options, "login", chosen.credential.login);
  chosen.credential.metadata = text(options, "metadata", chosen.credential.metadata);
  chosen.credential.client_id = text(options, "client_id");
  chosen.credential.client_secret_file = text(options, "client_secret_file");
  chosen.credential.federated_token_file = text(options, "federated_token_file");
  chosen.web = web_of(options);
  CLOISTER_TRY(auto provider, kms::AzureKeyVault::create(chosen, std::move(evidence), kms::real_waiting()));
  return std::shared_ptr<Provider>(std::move(provider));
}

// "location", "key_ring"; "credential" is service-account, self-signed, metadata or external-account.
Opened open_google(const Json& options, std::shared_ptr<kms::EvidenceSink> evidence) {
  using Kind = kms::GoogleCredentialKind;
  static const std::map<std::string, Kind> kCredentials = {{"service-account", Kind::kServiceAccount},
                                                           {"self-signed", Kind::kSelfSigned},
                                                           {"metadata", Kind::kMetadata},
                                                           {"external-account", Kind::kExternalAccount}};
  kms::GoogleKmsOptions chosen;
  chosen.endpoint = text(options, "endpoint", chosen.endpoint);
  chosen.location = text(options, "location");
  chosen.key_ring = text(options, "key_ring");
  chosen.quota_project = text(options, "quota_project");
  chosen.credential.kind = kCredentials.at(text(options, "credential"));
  chosen.credential.file = text(options, "credentials_file");
  chosen.credential.metadata = text(options, "metadata", chosen.credential.metadata);
  chosen.web = web_of(options);
  CLOISTER_TRY(auto provider, kms::GoogleKms::create(chosen, std::move(evidence), kms::real_waiting()));
  return std::shared_ptr<Provider>(std::move(provider));
}

// One line a kind of provider.
const std::map<std::string, Open> kKinds = {
    {"aws-kms", open_aws}, {"azure-key-vault", open_azure}, {"fake", open_fake},           {"google-kms", open_google},
    {"kmip", open_kmip},   {"pkcs11", open_pkcs11},         {"vault-transit", open_vault},
};

Result<kms::ContextMap> read_context(const std::vector<std::string>& arguments, std::size_t from) {
  kms::ContextMap context;
  for (std::size_t i = from; i < arguments.size(); ++i) {
    const std::size_t equals = arguments[i].find('=');
    if (equals == std::string::npos) return Error(Code::kInvalid, "a context is written NAME=VALUE");
    context[arguments[i].substr(0, equals)] = arguments[i].substr(equals + 1);
  }
  return context;
}

Result<Json> wrap(Provider& provider, const std::vector<std::string>& arguments) {
  CLOISTER_TRY(const Bytes plaintext, from_hex(arguments.at(1)));
  CLOISTER_TRY(const kms::ContextMap context, read_context(arguments, 2));
  CLOISTER_TRY(const auto wrapped, provider.wrap(arguments[0], crypto::Secret::copy_of(plaintext), context));
  return Json{{"key_version", wrapped.key_version}, {"ciphertext", to_hex(wrapped.ciphertext)}};
}

Result<Json> unwrap(Provider& provider, const std::vector<std::string>& arguments) {
  CLOISTER_TRY(Bytes ciphertext, from_hex(arguments.at(1)));
  CLOISTER_TRY(const kms::ContextMap context, read_context(arguments, 3));
  CLOISTER_TRY(const auto opened, provider.unwrap(arguments[0], {arguments.at(2), std::move(ciphertext)}, context));
  return Json{{"plaintext", to_hex(opened.expose())}};
}

Result<Json> list(Provider& provider, const std::string& cursor) {
  CLOISTER_TRY(const auto page, provider.list(cursor));
  return Json{{"keys", page.keys}, {"next", page.next}};
}

Result<Json> try_root(const std::shared_ptr<Provider>& provider, const std::string& key) {
  crypto::SystemRandom random;
  CLOISTER_TRY(const auto root, kms::ProviderKey::open(provider, key, random));
  crypto::WrapContext context;
  context.tenant = "acme";
  context.purpose = "kek";
  const auto kek = crypto::KeyMaterial::random(random);
  CLOISTER_TRY(const auto wrapped, root->wrap(kek, context));
  CLOISTER_TRY(const auto opened, root->unwrap(wrapped, context));
  const bool same = crypto::equal_constant_time(opened.secret().expose(), kek.secret().expose());
  context.tenant = "other";
  const auto elsewhere = root->unwrap(wrapped, context);
  return Json{{"key_id", root->key_id()},
              {"opens", same},
              {"in_another_context", elsewhere.ok() ? "opens" : std::string(code_name(elsewhere.error().code()))},
              {"parameters", std::string(as_text(wrapped.parameters))},
              {"ciphertext_bytes", wrapped.ciphertext.size()}};
}

Result<Json> answer(const std::shared_ptr<Provider>& provider, const std::string& verb,
                    const std::vector<std::string>& arguments) {
  const std::string first = arguments.empty() ? "" : arguments[0];
  if (verb == "wrap") return wrap(*provider, arguments);
  if (verb == "unwrap") return unwrap(*provider, arguments);
  if (verb == "list") return list(*provider, first);
  if (verb == "root") return try_root(provider, first);
  if (verb == "resolve") {
    CLOISTER_TRY(const std::string key, provider->resolve(first));
    return Json{{"key", key}};
  }
  if (verb == "describe") {
    CLOISTER_TRY(const auto posture, provider->describe(first));
    return Json::parse(to_json(posture));
  }
  if (verb == "health") {
    CLOISTER_TRY(const auto health, provider->health());
    return Json{{"serving", health.serving}, {"detail", health.detail}};
  }
  if (verb == "activate") {
    const auto kmip = std::dynamic_pointer_cast<kms::KmipServer>(provider);
    if (kmip == nullptr) return Error(Code::kUnsupported, "only keys of a KMIP server are activated");
    CLOISTER_RETURN_IF_ERROR(kmip->activate(first));
    return Json{{"activated", first}};
  }
  return Error(Code::kInvalid, "no such verb: " + verb);
}

Result<Json> run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 3) return Error(Code::kInvalid, "kms_tool KIND OPTIONS.json VERB [ARGUMENT...]");
  const auto kind = kKinds.find(arguments[0]);
  if (kind == kKinds.end()) return Error(Code::kInvalid, "no such kind: " + arguments[0]);
  std::ifstream file(arguments[1]);
  const Json options = Json::parse(file);
  const std::string evidence_file = text(options, "evidence_file");
  std::shared_ptr<kms::EvidenceSink> evidence;
  if (!evidence_file.empty()) evidence = std::make_shared<EvidenceFile>(evidence_file);
  CLOISTER_TRY(const auto provider, kind->second(options, evidence));
  return answer(provider, arguments[2], {arguments.begin() + 3, arguments.end()});
}

}  // namespace
}  // namespace cloister

int main(int count, char** values) {
  using namespace cloister;
  const auto result = run({values + 1, values + count});
  const Json json = result.ok()
                        ? result.value()
                        : Json{{"error", code_name(result.error().code())}, {"message", result.error().message()}};
  std::puts(json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  return result.ok() ? 0 : exit_status(result.error().code());
}
