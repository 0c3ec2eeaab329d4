#include "kms/vault/vault_transit.h"

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "kms/vault/key_posture.h"

namespace cloister::kms {
namespace {

using namespace vault;

constexpr std::size_t kPathMax = 256;
constexpr std::string_view kServiceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";
// Every state of a server is an answer, so that its body can be read.
constexpr std::string_view kHealthPath =
    "sys/health?standbyok=true&perfstandbyok=true&sealedcode=200&uninitcode=200&drsecondarycode=200";

struct Method {
  std::string_view name;
  VaultLogin login;
};
constexpr std::array kMethods{Method{"token", VaultLogin::kToken}, Method{"approle", VaultLogin::kAppRole},
                              Method{"kubernetes", VaultLogin::kKubernetes}, Method{"jwt", VaultLogin::kJwt},
                              Method{"cert", VaultLogin::kCertificate}};

// Names between slashes: of a mount, or of a namespace.
bool is_path(std::string_view path) {
  if (path.empty() || path.size() > kPathMax) return false;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (!is_key_name(path.substr(0, slash))) return false;
    if (slash == path.size()) return true;
    path.remove_prefix(slash + 1);
  }
  return false;
}

bool fits_json(std::string_view text) {
  return std::ranges::all_of(text, [](char character) {
    return character > 0x20 && character < 0x7f && character != '"' && character != '\\';
  });
}

Result<SessionOptions> read_session(const VaultOptions& options, const VaultTransit::Environment& environment) {
  const auto* method = std::ranges::find(kMethods, options.auth, &Method::name);
  if (method == kMethods.end()) {
    return Error(Code::kInvalid,
                 "auth '" + options.auth + "' of a Vault is none of token, approle, kubernetes, jwt, cert");
  }
  SessionOptions session;
  session.login = method->login;
  session.mount = options.auth_mount.empty() ? options.auth : options.auth_mount;
  session.role = options.role;
  session.secret_file = options.secret_file;
  if (!is_path(session.mount) || !fits_json(session.role)) {
    return Error(Code::kInvalid, "auth_mount or role of a Vault has characters that it can't have");
  }
  const bool needs_role = method->login != VaultLogin::kToken && method->login != VaultLogin::kCertificate;
  if (needs_role && options.role.empty()) return Error(Code::kInvalid, "auth " + options.auth + " needs a role");
  if (method->login == VaultLogin::kCertificate) {
    if (options.certificate_file.empty()) return Error(Code::kInvalid, "auth cert needs a certificate of ours");
    return session;
  }
  if (!session.secret_file.empty()) return session;
  if (method->login == VaultLogin::kKubernetes) {
    session.secret_file = kServiceAccountToken;
    return session;
  }
  const auto token = method->login == VaultLogin::kToken ? environment("VAULT_TOKEN") : std::nullopt;
  if (!token || token->empty() || !fits_json(*token)) {
    return Error(Code::kInvalid, "auth " + options.auth + " of a Vault needs a secret_file" +
                                     (method->login == VaultLogin::kToken ? ", or VAULT_TOKEN" : ""));
  }
  session.token = wiped(*token);
  return session;
}

// {"NAME":"base64", …}: what is wrapped passes through memory that is wiped.
void append_base64(net::Buffer& body, std::string_view name, ByteView bytes) {
  net::append(body, body.empty() ? "{\"" : ",\"");
  net::append(body, name);
  net::append(body, "\":\"");
  const std::size_t at = body.size();
  body.resize(at + base64_encoded_size(bytes.size()));
  encode_base64(bytes, Base64::kStandard, MutableByteView(body).subspan(at));
  net::append(body, "\"");
}

}  // namespace

Result<VaultTransit::Parts> VaultTransit::read(const VaultOptions& options, const Environment& environment) {
  CLOISTER_TRY(const Endpoint endpoint, parse_endpoint(options.address));
  if (!is_path(options.mount)) return Error(Code::kInvalid, "the mount of a transit engine is malformed");
  if (!options.name_space.empty() && !is_path(options.name_space)) {
    return Error(Code::kInvalid, "the namespace of a Vault is malformed");
  }
  CLOISTER_TRY(SessionOptions session, read_session(options, environment));
  return Parts{endpoint.path, options.mount, options.name_space, "vault-transit " + endpoint.authority(),
               std::move(session)};
}

Result<std::shared_ptr<VaultTransit>> VaultTransit::create(const VaultOptions& options, const Environment& environment,
                                                           std::shared_ptr<EvidenceSink> evidence, Waiting waiting) {
  CLOISTER_TRY(const Endpoint endpoint, parse_endpoint(options.address));
  CLOISTER_TRY(auto transport,
               web_transport(endpoint, {options.authorities_file, options.certificate_file, options.key_file}));
  return create_over(std::move(transport), options, environment, std::move(evidence), std::move(waiting));
}

Result<std::shared_ptr<VaultTransit>> VaultTransit::create_over(std::unique_ptr<HttpTransport> transport,
                                                                const VaultOptions& options,
                                                                const Environment& environment,
                                                                std::shared_ptr<EvidenceSink> evidence,
                                                                Waiting waiting) {
  CLOISTER_TRY(Parts parts, read(options, environment));
  return std::shared_ptr<VaultTransit>(
      new VaultTransit(std::move(transport), std::move(parts), options.retry, std::move(evidence), std::move(waiting)));
}

VaultTransit::VaultTransit(std::unique_ptr<HttpTransport> transport, Parts parts, const RetryRules& retry,
                           std::shared_ptr<EvidenceSink> evidence, Waiting waiting)
    : transport_(std::move(transport)),
      name_(std::move(parts.name)),
      prefix_(std::move(parts.prefix)),
      mount_(std::move(parts.mount)),
      name_space_(std::move(parts.name_space)),
      retry_(retry),
      evidence_(std::move(evidence)),
      waiting_(std::move(waiting)),
      session_(std::move(parts.session), prefix_, name_space_, retry_, budget_, waiting_, *transport_) {}

std::string VaultTransit::full_name(const std::string& name) const {
  return (name_space_.empty() ? "" : name_space_ + "/") + mount_ + "/" + name;
}

Result<std::string> VaultTransit::short_name(const std::string& key) const {
  std::string name = key;
  if (const std::string full = full_name(""); key.starts_with(full)) name = key.substr(full.size());
  if (is_key_name(name)) return name;
  return Error(Code::kInvalid,
               name_ + ": a key is named by letters, digits, '-', '_' and '.', or in full as " + full_name("NAME"));
}

std::string VaultTransit::doing(std::string_view operation, const std::string& key) const {
  return name_ + ": " + std::string(operation) + (key.empty() ? "" : " key " + full_name(key));
}

void VaultTransit::keep_evidence(const net::Response& response, const Question& question) {
  if (evidence_ == nullptr) return;
  const std::string key = question.key.empty() ? "" : full_name(question.key);
  Evidence evidence{waiting_.now(),
                    name_,
                    question.method + " " + question.path,
                    key,
                    request_id(response.body),
                    response.status,
                    {},
                    question.withheld};
  if (!question.withheld) evidence.body = as_text(response.body);
  evidence_->keep(std::move(evidence));
}

Error VaultTransit::refusal(const net::Response& response, const Question& question) const {
  const std::string errors = errors_text(response.body);
  const Asked asked = question.operation == "decrypt" ? Asked::kToDecrypt : Asked::kOther;
  std::string text = doing(question.operation, question.key) + ": it answered " + std::to_string(response.status);
  if (!errors.empty()) text += ": " + errors;
  if (const std::string id = request_id(response.body); !id.empty()) text += " (request " + id + ")";
  return Error(code_of(response.status, errors, asked), text);
}

Result<net::Response> VaultTransit::ask(const Question& question) {
  WipedText token;
  const auto make = [&]() -> Result<net::Request> {
    CLOISTER_TRY(token, session_.token());
    net::Request request = make_request(prefix_, question.method, question.path, name_space_, question.body);
    request.headers.add("x-vault-token", std::string(view(token)));
    return request;
  };
  std::optional<Error> refused;
  const auto renew = [&](const net::Response& response) -> Status {
    const Status replaced = session_.replace(token);
    if (replaced.ok() || replaced.error().code() != Code::kDenied) return replaced;
    // What was refused says more than that there is no other token.
    keep_evidence(response, question);
    refused = refusal(response, question);
    return *refused;
  };
  auto answer = RetryingCall{retry_, budget_, waiting_, *transport_, make, judge, renew}.run();
  if (refused) return *refused;
  if (!answer.ok()) return answer.error().with_context(doing(question.operation, question.key));
  keep_evidence(*answer, question);
  if (answer->status >= 300) return refusal(*answer, question);
  return answer;
}

Result<TransitKey> VaultTransit::read_key(const std::string& name) {
  CLOISTER_TRY(const net::Response answer, ask({"read", "GET", mount_ + "/keys/" + name, name, {}}));
  return parse_key(answer.body).with_context(doing("read", name));
}

Status VaultTransit::check_once(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    if (usable_.contains(name)) return {};
  }
  CLOISTER_TRY(const TransitKey key, read_key(name));
  CLOISTER_RETURN_IF_ERROR(check_usable(key).with_context(doing("use", name)));
  const std::lock_guard lock(mutex_);
  usable_.insert(name);
  return {};
}

Result<std::string> VaultTransit::resolve(const std::string& key) {
  CLOISTER_TRY(const std::string name, short_name(key));
  CLOISTER_RETURN_IF_ERROR(check_once(name));
  return full_name(name);
}

Result<ProviderWrap> VaultTransit::wrap(const std::string& key, const crypto::Secret& plaintext,
                                        const ContextMap& context) {
  CLOISTER_TRY(const std::string name, short_name(key));
  if (plaintext.empty() || plaintext.size() > kProviderPlaintextMax) {
    return Error(Code::kInvalid, doing("encrypt", name) + ": 1 to 128 bytes can be wrapped");
  }
  CLOISTER_RETURN_IF_ERROR(check_once(name));
  net::Buffer body;
  append_base64(body, "plaintext", plaintext.expose());
  append_base64(body, "associated_data", canonical(context));
  net::append(body, "}");
  CLOISTER_TRY(const net::Response answer,
               ask({"encrypt", "POST", mount_ + "/encrypt/" + name, name, std::move(body), true}));
  return parse_encrypted(answer.body).with_context(doing("encrypt", name));
}

Result<crypto::Secret> VaultTransit::unwrap(const std::string& key, const ProviderWrap& wrapped,
                                            const ContextMap& context) {
  CLOISTER_TRY(const std::string name, short_name(key));
  const auto version = version_of(as_text(wrapped.ciphertext));
  if (!version || (!wrapped.key_version.empty() && *version != wrapped.key_version)) {
    return Error(Code::kDenied, doing("decrypt", name) +
                                    ": the wrapped key isn't one that the engine made, or is of "
                                    "another version than it says");
  }
  net::Buffer body = net::to_buffer("{\"ciphertext\":\"");
  net::append(body, wrapped.ciphertext);
  net::append(body, "\"");
  append_base64(body, "associated_data", canonical(context));
  net::append(body, "}");
  CLOISTER_TRY(const net::Response answer,
               ask({"decrypt", "POST", mount_ + "/decrypt/" + name, name, std::move(body), true}));
  return parse_decrypted(answer.body).with_context(doing("decrypt", name));
}

Result<KeyPosture> VaultTransit::describe(const std::string& key) {
  CLOISTER_TRY(const std::string name, short_name(key));
  CLOISTER_TRY(const TransitKey known, read_key(name));
  // What seals the server says nothing of the key itself, but an auditor wants to see it.
  ignore_result(ask_system("sys/seal-status"));
  return posture_of(full_name(name), known);
}

Result<KeyPage> VaultTransit::list(const std::string& cursor) {
  if (!cursor.empty()) return Error(Code::kInvalid, doing("list", "") + ": the list has one page only");
  const auto answer = ask({"list", "GET", mount_ + "/keys?list=true", "", {}});
  if (!answer.ok() && answer.error().code() == Code::kNotFound) return KeyPage{};
  if (!answer.ok()) return answer.error();
  auto names = parse_keys(answer->body);
  if (!names.ok()) return names.error().with_context(doing("list", ""));
  KeyPage page;
  for (const std::string& name : *names) page.keys.push_back(full_name(name));
  return page;
}

Result<net::Response> VaultTransit::ask_system(std::string_view path) {
  const net::Request request = make_request(prefix_, "GET", path, "");
  auto answer = transport_->send(request, retry_.patience);
  if (answer.ok()) keep_evidence(*answer, {"read", "GET", std::string(path), "", {}});
  return answer;
}

Result<ProviderHealth> VaultTransit::health() {
  const auto answer = ask_system(kHealthPath);
  if (!answer.ok()) return ProviderHealth{false, answer.error().with_context(name_).message()};
  const auto state = parse_seal_status(answer->body);
  if (!state.ok()) {
    return ProviderHealth{false, doing("health", "") + ": it answered " + std::to_string(answer->status)};
  }
  std::string detail = state->version.empty() ? "" : "version " + state->version + ", ";
  detail += !state->initialized ? "not initialized" : state->sealed ? "sealed" : "unsealed";
  const auto seal = ask_system("sys/seal-status");
  if (seal.ok()) {
    const auto status = parse_seal_status(seal->body);
    if (status.ok() && !status->type.empty()) detail += ", seal " + status->type;
  }
  return ProviderHealth{state->initialized && !state->sealed, detail};
}

}  // namespace cloister::kms
