#include "kms/azure/azure_key_vault.h"

#include <algorithm>

#include "base/base64.h"

namespace cloister::kms {
namespace {

// Azure's own advice for 429, which often comes without retry-after: 1, 2, 4, 8, 16 s.
constexpr RetryRules kRules{6, seconds(1), 2, seconds(16), seconds(10), seconds(60)};
constexpr Duration kNewestServes = seconds(60);
constexpr std::size_t kPagesMax = 64;
constexpr std::size_t kNewestMax = 256;

struct Algorithm {
  std::uint8_t number;
  std::string_view name;
  bool rsa;
};
constexpr Algorithm kAlgorithms[] = {
    {1, "RSA-OAEP-256", true}, {2, "A256KW", false}, {3, "CKM_AES_KEY_WRAP_PAD", false}};

const Algorithm* algorithm_named(std::string_view name) {
  const auto* found = std::ranges::find_if(kAlgorithms, [&](const Algorithm& one) { return one.name == name; });
  return found == std::end(kAlgorithms) ? nullptr : found;
}

const Algorithm* algorithm_numbered(std::uint8_t number) {
  const auto* found = std::ranges::find_if(kAlgorithms, [&](const Algorithm& one) { return one.number == number; });
  return found == std::end(kAlgorithms) ? nullptr : found;
}

// What a key of that type wraps with, as configured.
Result<Algorithm> algorithm_for(std::string_view type, std::string_view configured) {
  const bool rsa = type.starts_with("RSA");
  if (!rsa && !type.starts_with("oct")) {
    return Error(Code::kInvalid, "a key of type " + std::string(type) + " can't wrap: RSA and oct-HSM keys can");
  }
  if (configured.empty()) return *algorithm_named(rsa ? "RSA-OAEP-256" : "CKM_AES_KEY_WRAP_PAD");
  const Algorithm* algorithm = algorithm_named(configured);
  if (algorithm->rsa == rsa) return *algorithm;
  return Error(Code::kInvalid, std::string(configured) + " isn't for keys of type " + std::string(type));
}

// {"alg":…,"value":…}, in a buffer that never grows around the value.
net::Buffer operation_body(std::string_view algorithm, ByteView value) {
  const std::string head = R"({"alg":")" + std::string(algorithm) + R"(","value":")";
  const std::size_t size = base64_encoded_size(value.size(), Base64::kUrl);
  net::Buffer body(head.size() + size + 2);
  std::ranges::copy(head, body.begin());
  encode_base64(value, Base64::kUrl, MutableByteView(body).subspan(head.size(), size));
  body[body.size() - 2] = '"';
  body[body.size() - 1] = '}';
  return body;
}

std::string with_version(std::string_view target, std::string_view api_version) {
  if (target.find("api-version=") != std::string_view::npos) return std::string(target);  // a nextLink has its own
  const char separator = target.find('?') == std::string_view::npos ? '?' : '&';
  return std::string(target) + separator + "api-version=" + std::string(api_version);
}

Status check_options(const AzureKeyVaultOptions& options) {
  if (!options.algorithm.empty() && algorithm_named(options.algorithm) == nullptr) {
    return Error(Code::kInvalid, "algorithm \"" + options.algorithm + "\" isn't one of " +
                                     "RSA-OAEP-256, A256KW, CKM_AES_KEY_WRAP_PAD");
  }
  if (!options.tenant.empty() && !is_azure_tenant(options.tenant)) {
    return Error(Code::kInvalid, "tenant \"" + options.tenant + "\" is no directory's id or domain");
  }
  const bool plain = !options.api_version.empty() && std::ranges::all_of(options.api_version, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
  });
  return plain ? ok_status() : Status(Error(Code::kInvalid, "the API version isn't one"));
}

}  // namespace

AzureKeyVault::AzureKeyVault(AzureKeyVaultOptions options, Endpoint vault, std::unique_ptr<HttpTransport> transport,
                             std::unique_ptr<AzureCredential> credential, std::shared_ptr<EvidenceSink> evidence,
                             Waiting waiting)
    : options_(std::move(options)),
      vault_(std::move(vault)),
      name_("azure-key-vault " + vault_.authority()),
      transport_(std::move(transport)),
      credential_(std::move(credential)),
      evidence_(std::move(evidence)),
      waiting_(std::move(waiting)) {}

Result<std::shared_ptr<AzureKeyVault>> AzureKeyVault::create(AzureKeyVaultOptions options,
                                                             std::shared_ptr<EvidenceSink> evidence, Waiting waiting,
                                                             const Connect& connect) {
  static constexpr std::string_view kDoing = "use an Azure key vault";
  CLOISTER_RETURN_IF_ERROR(check_options(options).with_context(kDoing));
  CLOISTER_TRY(Endpoint vault, parse_azure_vault(options.vault).with_context(kDoing));
  CLOISTER_TRY(auto credential,
               AzureCredential::create(options.credential, options.web, waiting, connect).with_context(kDoing));
  CLOISTER_TRY(auto transport, connect(vault, options.web));
  return std::shared_ptr<AzureKeyVault>(new AzureKeyVault(std::move(options), std::move(vault), std::move(transport),
                                                          std::move(credential), std::move(evidence),
                                                          std::move(waiting)));
}

net::Request AzureKeyVault::request_of(const Ask& ask, const BearerToken* token) const {
  net::Request request;
  request.method = ask.method;
  request.target = with_version(ask.target, options_.api_version);
  request.headers.add("accept", "application/json");
  if (token == nullptr) return request;
  request.headers.add("authorization", authorization(*token));
  if (!ask.body.empty()) request.headers.add("content-type", "application/json");
  request.body = ask.body;
  return request;
}

void AzureKeyVault::keep(const Ask& ask, const net::Response& answer) const {
  if (evidence_ == nullptr) return;
  std::string body = ask.withheld ? std::string() : std::string(as_text(answer.body));
  evidence_->keep({waiting_.now(), name_, ask.operation, ask.key, azure_request_id(answer), answer.status,
                   std::move(body), ask.withheld});
}

Status AzureKeyVault::adopt(const AzureChallenge& challenge) {
  const std::lock_guard lock(mutex_);
  Authority next{options_.resource, options_.tenant};
  if (next.resource.empty()) {
    CLOISTER_RETURN_IF_ERROR(check_azure_resource(vault_, challenge.resource));
    next.resource = challenge.resource;
  } else if (!challenge.resource.empty() && challenge.resource != next.resource) {
    return Error(Code::kDenied, "the vault asks for a token for another resource than the one configured");
  }
  if (next.tenant.empty()) next.tenant = challenge.tenant;
  if (is_azure_tenant_id(challenge.tenant) && is_azure_tenant_id(next.tenant) && challenge.tenant != next.tenant) {
    return Error(Code::kDenied, "the vault belongs to directory " + challenge.tenant + ", not to the one configured");
  }
  authority_ = std::move(next);
  return {};
}

// The vault is asked once, without token and body, whose tokens it takes; not at all where everything is known.
Result<AzureKeyVault::Authority> AzureKeyVault::authority(const Ask& ask) {
  {
    const std::lock_guard lock(mutex_);
    if (authority_) return *authority_;
    auto resource = options_.resource.empty() ? azure_resource_of(vault_) : Result<std::string>(options_.resource);
    if (resource.ok() && (!options_.tenant.empty() || !credential_->needs_tenant())) {
      authority_ = Authority{std::move(resource).value(), options_.tenant};
      return *authority_;
    }
  }
  const RetryingCall call{
      kRules,
      budget_,
      waiting_,
      *transport_,
      [&] { return Result<net::Request>(request_of(ask, nullptr)); },
      [](const net::Response& answer) { return answer.status == 401 ? Verdict{} : judge_azure(answer); }};
  CLOISTER_TRY(const net::Response answer, call.run());
  const std::string* challenge = answer.headers.find("www-authenticate");
  if (answer.status != 401) {
    if (answer.status >= 400) return azure_error(answer);
    return Error(Code::kDenied, "the vault asks for no token: that is no Azure vault");
  }
  if (challenge == nullptr) return Error(Code::kDenied, "the vault doesn't say whose token it takes");
  CLOISTER_TRY(const AzureChallenge parsed, parse_azure_challenge(*challenge));
  CLOISTER_RETURN_IF_ERROR(adopt(parsed));
  const std::lock_guard lock(mutex_);
  return *authority_;
}

Result<TokenCache::Shared> AzureKeyVault::token_for(const Authority& authority, std::string_view claims) {
  return tokens_.get(waiting_.now(), [&]() -> Result<BearerToken> {
    CLOISTER_TRY(std::string wanted, azure_claims(claims));
    return credential_->fetch({authority.resource, authority.tenant, std::move(wanted)});
  });
}

// After a 401: whatever the vault says in its challenge (CAE claims, another tenant) goes into the next token.
Status AzureKeyVault::renew(const net::Response& answer, TokenCache::Shared& token) {
  const std::string* header = answer.headers.find("www-authenticate");
  AzureChallenge challenge;
  if (header != nullptr) {
    CLOISTER_TRY(challenge, parse_azure_challenge(*header));
    if (!challenge.resource.empty()) CLOISTER_RETURN_IF_ERROR(adopt(challenge));
  }
  Authority known;
  {
    const std::lock_guard lock(mutex_);
    known = *authority_;
  }
  tokens_.drop(token);
  CLOISTER_TRY(token, token_for(known, challenge.claims));
  return {};
}

Result<net::Response> AzureKeyVault::run(const Ask& ask, TokenCache::Shared& token) {
  const RetryingCall call{kRules,
                          budget_,
                          waiting_,
                          *transport_,
                          [&] { return Result<net::Request>(request_of(ask, token.get())); },
                          judge_azure,
                          [&](const net::Response& answer) { return renew(answer, token); }};
  return call.run();
}

Result<net::Response> AzureKeyVault::send(const Ask& ask) {
  CLOISTER_TRY(const Authority known, authority(ask));
  CLOISTER_TRY(TokenCache::Shared token, token_for(known, {}));
  CLOISTER_TRY(net::Response answer, run(ask, token));
  keep(ask, answer);
  if (answer.status >= 200 && answer.status < 300) return answer;
  const Error refusal = azure_error(answer);
  return answer.status == 400 ? Error(ask.bad_request, refusal.message()) : refusal;
}

// Every error names the provider and what was asked of it.
Result<net::Response> AzureKeyVault::ask(const Ask& ask) {
  return send(ask).with_context(name_ + ": " + ask.operation);
}

Result<AzureKey> AzureKeyVault::get_key(const AzureKeyId& id) {
  const std::string path = azure_key_path({id.name, ""});
  const std::string operation = "GET " + path;
  CLOISTER_TRY(const net::Response answer, ask({"GET", path, operation, azure_key_url(vault_, {id.name, ""})}));
  CLOISTER_TRY(AzureKey key, parse_azure_key(vault_, answer.body).with_context(name_ + ": " + operation));
  if (key.id.name == id.name && !key.id.version.empty()) return key;
  return Error(Code::kCorrupt, name_ + ": " + operation + ": the answer is about another key");
}

Result<AzureKey> AzureKeyVault::get_deleted(const AzureKeyId& id) {
  const std::string path = "/deletedkeys/" + id.name;
  CLOISTER_TRY(const net::Response answer, ask({"GET", path, "GET " + path, azure_key_url(vault_, {id.name, ""})}));
  CLOISTER_TRY(AzureKey key, parse_azure_key(vault_, answer.body).with_context(name_ + ": GET " + path));
  if (key.id.name == id.name) return key;
  return Error(Code::kCorrupt, name_ + ": GET " + path + ": the answer is about another key");
}

Result<std::vector<AzureKeyItem>> AzureKeyVault::get_versions(const AzureKeyId& id) {
  const std::string path = azure_key_path({id.name, ""}) + "/versions";
  const std::string operation = "GET " + path;
  std::vector<AzureKeyItem> versions;
  std::string target = path + "?maxresults=25";
  for (std::size_t pages = 0; !target.empty(); ++pages) {
    if (pages == kPagesMax) return Error(Code::kUnsupported, name_ + ": " + operation + ": it has too many versions");
    CLOISTER_TRY(const net::Response answer, ask({"GET", target, operation, azure_key_url(vault_, {id.name, ""})}));
    CLOISTER_TRY(AzureKeyPage page, parse_azure_key_page(vault_, answer.body).with_context(name_ + ": " + operation));
    for (AzureKeyItem& item : page.items) {
      if (item.id.name != id.name || item.id.version.empty()) {
        return Error(Code::kCorrupt, name_ + ": " + operation + ": the answer is about another key");
      }
      versions.push_back(std::move(item));
    }
    target = std::move(page.next);
  }
  return versions;
}

Result<AzureRotationPolicy> AzureKeyVault::get_rotation(const AzureKeyId& id) {
  const std::string path = azure_key_path({id.name, ""}) + "/rotationpolicy";
  CLOISTER_TRY(const net::Response answer, ask({"GET", path, "GET " + path, azure_key_url(vault_, {id.name, ""})}));
  return parse_azure_rotation(answer.body).with_context(name_ + ": GET " + path);
}

Result<std::string> AzureKeyVault::resolve(const std::string& key) {
  CLOISTER_TRY(const AzureKeyId id, parse_azure_key_id(vault_, key).with_context(name_));
  CLOISTER_TRY(const Newest version, newest(id.name));
  return azure_key_url(vault_, {version.id.name, ""});
}

Result<AzureKeyVault::Newest> AzureKeyVault::newest(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = newest_.find(name);
    if (found != newest_.end() && waiting_.now() < found->second.until) return found->second;
  }
  CLOISTER_TRY(const AzureKey key, get_key({name, ""}));
  const auto algorithm = algorithm_for(key.type, options_.algorithm);
  if (!algorithm.ok()) return algorithm.error().with_context(name_ + ": " + name);
  Newest version{key.id, key.type, waiting_.now() + kNewestServes};
  const std::lock_guard lock(mutex_);
  if (newest_.size() >= kNewestMax) newest_.clear();
  newest_.insert_or_assign(name, version);
  return version;
}

void AzureKeyVault::forget(const std::string& name) {
  const std::lock_guard lock(mutex_);
  newest_.erase(name);
}

Result<ProviderWrap> AzureKeyVault::wrap_with(const Newest& version, const crypto::Secret& plaintext) {
  const std::string operation = "wrapkey " + version.id.name;
  CLOISTER_TRY(const Algorithm algorithm, algorithm_for(version.type, options_.algorithm).with_context(name_));
  const bool whole_blocks = plaintext.size() >= 16 && plaintext.size() % 8 == 0;
  if (plaintext.empty() || plaintext.size() > kProviderPlaintextMax || (algorithm.number == 2 && !whole_blocks)) {
    return Error(Code::kInvalid, name_ + ": " + operation + ": " + std::to_string(plaintext.size()) +
                                     " bytes can't be wrapped with " + std::string(algorithm.name));
  }
  CLOISTER_TRY(const net::Response answer,
               ask({"POST", azure_key_path(version.id) + "/wrapkey", operation, azure_key_url(vault_, version.id),
                    operation_body(algorithm.name, plaintext.expose()), true}));
  CLOISTER_TRY(AzureWrapped wrapped, parse_azure_wrapped(vault_, answer.body).with_context(name_ + ": " + operation));
  if (wrapped.id != version.id) {
    return Error(Code::kCorrupt, name_ + ": " + operation + ": another key answered than the one asked");
  }
  ProviderWrap out{azure_key_url(vault_, version.id), {algorithm.number}};
  out.ciphertext.insert(out.ciphertext.end(), wrapped.value.begin(), wrapped.value.end());
  return out;
}

Result<ProviderWrap> AzureKeyVault::wrap(const std::string& key, const crypto::Secret& plaintext, const ContextMap&) {
  CLOISTER_TRY(const AzureKeyId id, parse_azure_key_id(vault_, key).with_context(name_));
  CLOISTER_TRY(const Newest version, newest(id.name));
  auto wrapped = wrap_with(version, plaintext);
  if (wrapped.ok() || (wrapped.error().code() != Code::kDenied && wrapped.error().code() != Code::kNotFound)) {
    return wrapped;
  }
  // The version that was the newest may have been disabled since.
  forget(id.name);
  CLOISTER_TRY(const Newest now_newest, newest(id.name));
  if (now_newest.id == version.id) return wrapped;
  return wrap_with(now_newest, plaintext);
}

Result<crypto::Secret> AzureKeyVault::unwrap(const std::string& key, const ProviderWrap& wrapped, const ContextMap&) {
  CLOISTER_TRY(const AzureKeyId id, parse_azure_key_id(vault_, key).with_context(name_));
  const std::string operation = "unwrapkey " + id.name;
  const auto version = parse_azure_key_id(vault_, wrapped.key_version);
  if (!version.ok() || version->version.empty() || version->name != id.name) {
    return Error(Code::kDenied, name_ + ": " + operation + ": the wrap is another key's");
  }
  const Algorithm* algorithm = wrapped.ciphertext.size() < 2 ? nullptr : algorithm_numbered(wrapped.ciphertext[0]);
  if (algorithm == nullptr) return Error(Code::kInvalid, name_ + ": " + operation + ": the wrap is malformed");
  // What is sent is well-formed, so a 400 is the vault's word for a wrap that doesn't open.
  CLOISTER_TRY(const net::Response answer,
               ask({"POST", azure_key_path(*version) + "/unwrapkey", operation, azure_key_url(vault_, *version),
                    operation_body(algorithm->name, ByteView(wrapped.ciphertext).subspan(1)), true, Code::kDenied}));
  CLOISTER_TRY(AzureUnwrapped opened,
               parse_azure_unwrapped(vault_, answer.body).with_context(name_ + ": " + operation));
  if (opened.id == *version) return std::move(opened.value);
  return Error(Code::kCorrupt, name_ + ": " + operation + ": another key answered than the one asked");
}

Result<KeyPosture> AzureKeyVault::describe(const std::string& key) {
  CLOISTER_TRY(const AzureKeyId id, parse_azure_key_id(vault_, key).with_context(name_));
  auto current = get_key(id);
  bool deleted = false;
  if (!current.ok() && current.error().code() == Code::kNotFound) {
    auto gone = get_deleted(id);
    if (!gone.ok()) return gone.error().code() == Code::kUnavailable ? gone.error() : current.error();
    current = std::move(gone);
    deleted = true;
  }
  const Error away(Code::kNotFound, "a deleted key's are not told");
  AzureKeyFacts facts{azure_key_url(vault_, {id.name, ""}), std::move(current), deleted, away, away};
  if (!deleted) {
    facts.versions = get_versions(id);
    facts.rotation = get_rotation(id);
  }
  if (!facts.newest.ok() && !facts.versions.ok() && !facts.rotation.ok()) return facts.newest.error();
  return azure_posture(facts, waiting_.now());
}

Result<KeyPage> AzureKeyVault::list(const std::string& cursor) {
  const std::string target = cursor.empty() ? "/keys?maxresults=25" : cursor;
  CLOISTER_RETURN_IF_ERROR(check_azure_target(target).with_context(name_ + ": list keys"));
  CLOISTER_TRY(const net::Response answer, ask({"GET", target, "GET /keys", ""}));
  CLOISTER_TRY(AzureKeyPage page, parse_azure_key_page(vault_, answer.body).with_context(name_ + ": list keys"));
  KeyPage keys;
  for (const AzureKeyItem& item : page.items) keys.keys.push_back(azure_key_url(vault_, {item.id.name, ""}));
  keys.next = std::move(page.next);
  return keys;
}

Result<ProviderHealth> AzureKeyVault::health() {
  const auto answer = ask({"GET", "/keys?maxresults=1", "GET /keys", ""});
  if (answer.ok()) return ProviderHealth{true, "answers, and takes our token"};
  return ProviderHealth{false, answer.error().message()};
}

}  // namespace cloister::kms
