#include "service/vault/login.h"

#include <algorithm>
#include <array>

#include "identity/jwt_svid.h"
#include "service/json_scanner.h"
#include "service/vault/vault_answer.h"

namespace cloister::service {
namespace {

constexpr std::string_view kCertLogin = "/v1/auth/cert/login";
constexpr std::string_view kJwtLogin = "/v1/auth/jwt/login";
constexpr std::string_view kKubernetesLogin = "/v1/auth/kubernetes/login";
constexpr std::string_view kApproleLogin = "/v1/auth/approle/login";
constexpr std::array<std::string_view, 4> kLogins = {kCertLogin, kJwtLogin, kKubernetesLogin, kApproleLogin};
constexpr Duration kClockLeeway = seconds(30);

const Problem kNoToken{ProblemCode::kUnauthenticated, "the token is missing, unknown or expired: log in"};
const Problem kNoProof{ProblemCode::kUnauthenticated, "what it shows proves no identity"};

// Views into the body, which holds secrets: nothing of it is copied.
struct LoginBody {
  std::string_view role, name, jwt, role_id, secret_id;
};

Result<LoginBody> parse_login(MutableByteView bytes) {
  LoginBody body;
  if (bytes.empty()) return body;
  const std::array<std::pair<std::string_view, std::string_view*>, 5> fields = {{{"role", &body.role},
                                                                                 {"name", &body.name},
                                                                                 {"jwt", &body.jwt},
                                                                                 {"role_id", &body.role_id},
                                                                                 {"secret_id", &body.secret_id}}};
  JsonScanner scanner(bytes);
  std::string_view name;
  if (scanner.enter_object()) {
    while (scanner.next_member(name)) {
      const auto field = std::ranges::find(fields, name, &std::pair<std::string_view, std::string_view*>::first);
      if (field == fields.end() || !field->second->empty()) {
        return Error(Code::kInvalid, "a login takes role, name, jwt, role_id and secret_id, each once");
      }
      if (!scanner.string(*field->second)) break;
    }
  }
  if (scanner.end(); !scanner.ok()) return scanner.status().error();
  return body;
}

// A role is a purpose of the policy: what the token is for.
std::optional<Problem> take_role(Call& call, std::string_view role) {
  if (role.empty()) return Problem{ProblemCode::kPurposeMissing, "name a role: a purpose, train for example"};
  const auto purpose = policy::parse_purpose(role);
  if (!purpose.ok()) return Problem{ProblemCode::kInvalidRequest, "the role is no known purpose"};
  call.purpose = *purpose;
  return std::nullopt;
}

std::optional<Problem> by_certificate(Call& call) {
  const net::ConnectionInfo* connection = call.request.connection.get();
  if (connection == nullptr || !connection->peer) return kNoProof;
  call.caller = connection->peer->id;
  call.authentication = "mtls";
  return std::nullopt;
}

std::optional<Problem> by_jwt(const VaultLogins& logins, Call& call, std::string_view jwt) {
  const auto snapshot = logins.identity();
  const auto svid = identity::verify_jwt_svid(jwt, snapshot->bundles(), {logins.audience, call.now, kClockLeeway});
  if (!svid.ok()) return kNoProof;
  call.caller = svid->id.uri();
  call.authentication = "jwt-svid";
  return std::nullopt;
}

std::optional<Problem> by_access_key(const VaultLogins& logins, Call& call, const LoginBody& body) {
  if (logins.access_keys == nullptr) return kNoProof;
  const auto entry = logins.access_keys->find(std::string(body.role_id));
  if (entry == nullptr) return kNoProof;
  call.credential = entry->key.id;
  const bool expired = entry->key.expires && *entry->key.expires <= call.now;
  if (expired || !crypto::equal_constant_time(entry->secret.expose(), as_bytes(body.secret_id))) return kNoProof;
  call.caller = entry->key.caller.uri();
  call.authentication = "access-key";
  call.purpose = entry->key.purpose;
  call.scope = entry->key.tenant;
  return std::nullopt;
}

Result<Reply> log_in(const VaultLogins& logins, Call& call) {
  VaultToken token;
  token.caller = call.caller;
  token.how = call.authentication;
  token.purpose = *call.purpose;
  token.scope = call.scope;
  if (call.authentication == "access-key") {
    token.key = call.credential;
    const auto entry = logins.access_keys->find(token.key);
    if (entry != nullptr && entry->key.expires) token.ends = *entry->key.expires;
  }
  // No longer than the certificate that stands behind it.
  if (call.authentication == "mtls") token.ends = call.request.connection->peer->not_after;
  CLOISTER_TRY(const VaultTokens::Made made, logins.tokens->make(std::move(token), call.now));
  Reply reply;
  reply.response = vault_auth(call.request_id, as_text(made.text), made.token, call.now);
  reply.detail = "token " + made.token.accessor + " until " + to_rfc3339(made.token.expires);
  return reply;
}

Result<Reply> look_up(const VaultLogins& logins, Call& call) {
  const std::string_view text = shown_token(call.request);
  const auto token = logins.tokens->find(text, call.now);
  if (!token) return Reply::of(kNoToken);
  Reply reply;
  reply.response = vault_data(call.request_id, [&](JsonWriter& json) {
    const auto seconds_of = [](Duration duration) { return static_cast<std::uint64_t>(duration.ms / 1000); };
    json.begin_object().member("id", text).member("accessor", token->accessor).member("type", "service");
    json.member("display_name", token->caller).member("entity_id", "").member("path", "auth/" + token->how);
    json.member("creation_time", static_cast<std::uint64_t>(token->made.unix_ms / 1000));
    json.member("issue_time", to_rfc3339(token->made)).member("expire_time", to_rfc3339(token->expires));
    json.member("creation_ttl", seconds_of(token->expires - token->made));
    json.member("ttl", seconds_of(token->expires - call.now));
    json.member("explicit_max_ttl", seconds_of(token->ends - token->made));
    json.member("renewable", token->expires < token->ends).member("orphan", true);
    json.member("num_uses", std::uint64_t{0}).name("policies").begin_array().end_array();
    json.name("meta").begin_object().member("spiffe_id", token->caller);
    json.member("role", policy::purpose_name(token->purpose)).end_object().end_object();
  });
  return reply;
}

Result<Reply> renew(const VaultLogins& logins, Call& call) {
  const std::string_view text = shown_token(call.request);
  const auto token = logins.tokens->renew(text, call.now);
  if (!token) return Reply::of(kNoToken);
  Reply reply;
  reply.response = vault_auth(call.request_id, text, *token, call.now);
  reply.detail = "token " + token->accessor + " until " + to_rfc3339(token->expires);
  return reply;
}

Result<Reply> revoke(const VaultLogins& logins, Call& call) {
  logins.tokens->revoke(shown_token(call.request));
  Reply reply;
  reply.response.status = 204;
  reply.detail = "token " + call.credential;
  return reply;
}

}  // namespace

std::string_view shown_token(const net::Request& request) {
  if (const std::string* token = request.headers.find("x-vault-token")) return *token;
  const std::string* authorization = request.headers.find("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  if (authorization == nullptr || !authorization->starts_with(kBearer)) return {};
  return std::string_view(*authorization).substr(kBearer.size());
}

bool is_login(const Route& route) { return std::ranges::find(kLogins, route.path) != kLogins.end(); }

std::optional<Problem> verify_login(const VaultLogins& logins, Call& call) {
  const auto body = parse_login(call.request.body);
  if (!body.ok()) return problem_of(body.error());
  if (call.route->path == kApproleLogin) return by_access_key(logins, call, *body);
  const bool certificate = call.route->path == kCertLogin;
  if (auto problem = certificate ? by_certificate(call) : by_jwt(logins, call, body->jwt)) return problem;
  return take_role(call, certificate && body->role.empty() ? body->name : body->role);
}

std::optional<Problem> verify_token(const VaultLogins& logins, Call& call) {
  const auto token = logins.tokens->find(shown_token(call.request), call.now);
  if (!token) return kNoToken;
  call.credential = token->accessor;
  // A token is worth what it was given for.
  if (!token->key.empty() && (logins.access_keys == nullptr || logins.access_keys->find(token->key) == nullptr)) {
    return kNoToken;
  }
  call.caller = token->caller;
  call.authentication = "vault-token";
  call.purpose = token->purpose;
  call.scope = token->scope;
  const keys::TenantName asked{std::string(call.path.find("tenant")), std::string(call.path.find("environment"))};
  if (token->scope.tenant.empty() || asked.tenant.empty() || asked.text() == token->scope.text()) return std::nullopt;
  return Problem{ProblemCode::kRefused, "the token is of another namespace"};
}

std::vector<Route> login_routes(const VaultLogins& logins) {
  std::vector<Route> routes;
  using Answer = Result<Reply> (*)(const VaultLogins&, Call&);
  const auto add = [&](std::string_view method, std::string_view path, Answer answer) {
    Route route{
        std::string(method), std::string(path), Access::kVerifiedPeer, {}, Recording::kService, Work::kInline, {},
        Malformed::kRecorded};
    route.parse = [logins, answer](Call&) -> Result<Parsed> {
      Parsed parsed;
      parsed.act = [logins, answer](Call& call, keys::Hierarchy*) { return answer(logins, call); };
      return parsed;
    };
    routes.push_back(std::move(route));
  };
  for (const std::string_view path : kLogins) add("POST", path, log_in);
  add("GET", "/v1/auth/token/lookup-self", look_up);
  add("POST", "/v1/auth/token/lookup-self", look_up);
  add("POST", "/v1/auth/token/renew-self", renew);
  add("POST", "/v1/auth/token/revoke-self", revoke);
  return routes;
}

}  // namespace cloister::service
