#include "service/enrolment.h"

#include "crypto/certificate_request.h"
#include "crypto/pem.h"
#include "service/body_fields.h"
#include "service/denied_ids.h"
#include "service/enrolment_order.h"
#include "service/join_tokens.h"
#include "service/json_writer.h"

namespace cloister::service {
namespace {

constexpr std::string_view kReserved = "cloister";

const Problem kTokenRefused{ProblemCode::kRefused, "the join token isn't known, was used or has expired"};
const Problem kDeniedIdentity{ProblemCode::kRefused, "this identity is denied"};

// Whose tree the record goes into: nobody makes one by naming a tenant that doesn't exist.
keys::AuditEntry entry_of(const Call& call, keys::Store& store, std::string_view action, const identity::SpiffeId& id) {
  audit::Event event;
  event.time = call.now;
  event.actor = call.caller.empty() ? call.source() : call.caller;
  event.action = action;
  event.subject = id.uri();
  const std::string tenant = tenant_of(id);
  if (store.tenant(tenant, "").ok()) event.tenant = tenant;
  return {std::move(event), call.extras()};
}

// What was refused is on record before it is answered.
Result<Reply> refuse(keys::Store& store, keys::AuditEntry entry, const std::string& why, const Problem& problem) {
  entry.event.outcome = audit::Outcome::kRefused;
  entry.event.detail = why;
  CLOISTER_RETURN_IF_ERROR(store.record(entry).with_context("write the audit log"));
  return Reply::of(problem);
}

Route route_of(std::string method, std::string path, Access access,
               std::optional<policy::Operation> operation = std::nullopt) {
  Route route;
  route.method = std::move(method);
  route.path = std::move(path);
  route.access = access;
  route.operation = operation;
  route.recording = Recording::kVerb;
  return route;
}

std::string pem_of(const identity::X509Svid& svid) {
  std::string text;
  for (const crypto::Certificate& certificate : svid.chain()) text += crypto::to_pem(certificate.der(), "CERTIFICATE");
  return text;
}

}  // namespace

std::string tenant_of(const identity::SpiffeId& id) {
  const std::string_view path = id.path();
  if (path.empty()) return {};
  return std::string(path.substr(1, path.find('/', 1) - 1));
}

Enrolment::Enrolment(const Issuer& issuer, AuthenticSettings settings, crypto::Random& random, EnrolmentOptions options)
    : issuer_(issuer),
      settings_(std::move(settings)),
      random_(random),
      options_(std::move(options)),
      workloads_(options_.workloads) {}

void Enrolment::replace_workloads(std::vector<UnixWorkload> workloads) {
  const std::lock_guard lock(mutex_);
  workloads_ = std::move(workloads);
}

std::vector<UnixWorkload> Enrolment::workloads() const {
  const std::lock_guard lock(mutex_);
  return workloads_;
}

Status Enrolment::check_id(const identity::SpiffeId& id) const {
  if (id.trust_domain() != issuer_.trust_domain()) {
    return Error(Code::kInvalid, "identities here are of trust domain " + issuer_.trust_domain().name());
  }
  if (id.path().empty()) return Error(Code::kInvalid, "the id names a trust domain, not a workload");
  if (tenant_of(id) == kReserved || id == options_.own_id) {
    return Error(Code::kInvalid, "names of the service itself are given to nobody");
  }
  return {};
}

Status Enrolment::check_not_denied(const identity::SpiffeId& id, Time now) const {
  const auto list = options_.deny_list ? options_.deny_list() : nullptr;
  return list == nullptr ? Status() : list->check(id, now);
}

Result<Reply> Enrolment::create_join_token(const Call& call, keys::Hierarchy& hierarchy, const Order& order) {
  keys::Store& store = hierarchy.store();
  CLOISTER_TRY(const identity::NewJoinToken made,
               identity::create_join_token(*order.id, call.now, order.lifetime, random_));
  keys::AuditEntry entry = entry_of(call, store, policy::operation_name(*call.route->operation), *order.id);
  entry.event.detail = "join token until " + to_rfc3339(made.stored.expires);
  CLOISTER_RETURN_IF_ERROR(store.change(entry, [&](keys::Store::Change& change) {
    return add_join_token(store, change, settings_, made.stored, call.now);
  }));
  Reply reply;
  reply.response.status = 201;
  reply.response.headers.add("content-type", "application/json");
  JsonWriter json(reply.response.body);
  json.begin_object().member("join_token", as_text(made.text.expose())).member("spiffe_id", order.id->uri());
  json.member("expires", to_rfc3339(made.stored.expires)).end_object();
  return reply;
}

// A token that nobody was ever given leaves no record: everybody may send one.
Result<Reply> Enrolment::redeem(const Call& call, keys::Hierarchy& hierarchy, const Order& order) {
  keys::Store& store = hierarchy.store();
  const auto hash = identity::join_token_hash(*order.token);
  if (!hash.ok()) return Reply::of({ProblemCode::kInvalidRequest, hash.error().message()});
  const auto known = find_join_token(store, settings_, *hash);
  if (!known.ok() && known.error().code() == Code::kNotFound) return Reply::of(kTokenRefused);
  if (!known.ok()) return known.error();

  const keys::AuditEntry entry = entry_of(call, store, "identity.enroll", known->id);
  if (const Status denied = check_not_denied(known->id, call.now); !denied.ok()) {
    return refuse(store, entry, denied.error().message(), kDeniedIdentity);
  }
  Order for_id = order;
  for_id.id = known->id;
  std::optional<Error> refused;
  auto reply = issue(entry, store, for_id, [&](keys::Store::Change& change) -> Status {
    refused.reset();
    CLOISTER_TRY(const identity::StoredJoinToken stored, find_join_token(store, settings_, *hash));
    const auto used = identity::redeem_join_token(stored, *order.token, call.now);
    if (!used.ok()) {
      refused = used.error();
      return used.error();
    }
    return put_join_token(change, settings_, *used);
  });
  if (refused) return refuse(store, entry, refused->message(), kTokenRefused);
  return reply;
}

Result<Reply> Enrolment::issue(const keys::AuditEntry& entry, keys::Store& store, const Order& order,
                               const Also& also) {
  const auto issuing = issuer_.current();
  if (issuing->authority() == nullptr) return Error(Code::kUnavailable, "nobody signs for the trust domain");
  CLOISTER_TRY(const identity::X509Svid svid,
               issuing->authority()->issue_x509_svid(*order.id, *order.request, entry.event.time, random_));
  const crypto::CertificateFacts& facts = svid.leaf().facts();
  keys::AuditEntry recorded = entry;
  recorded.event.detail = "serial " + to_hex(facts.serial) + " until " + to_rfc3339(facts.not_after);
  CLOISTER_RETURN_IF_ERROR(store.change(recorded, [&](keys::Store::Change& change) { return also(change); }));

  CLOISTER_TRY(JsonValue bundle, parse_json(identity::format_bundle(issuing->bundle()), {.size = 4U << 20}));
  const JsonValue answer(JsonValue::Object{{"spiffe_id", order.id->uri()},
                                           {"svid", pem_of(svid)},
                                           {"bundle", std::move(bundle)},
                                           {"trust_domain", issuer_.trust_domain().name()},
                                           {"not_after", to_rfc3339(facts.not_after)},
                                           {"server_id", options_.own_id.uri()}});
  Reply reply;
  reply.response = net::json_response(200, answer.serialize());
  return reply;
}

Result<Reply> Enrolment::issue_token(const Call& call, keys::Hierarchy& hierarchy, const Order& order) {
  keys::Store& store = hierarchy.store();
  keys::AuditEntry entry = entry_of(call, store, "identity.issue-token", *order.id);
  if (const Status denied = check_not_denied(*order.id, call.now); !denied.ok()) {
    return refuse(store, entry, denied.error().message(), kDeniedIdentity);
  }
  const auto issuing = issuer_.current();
  if (issuing->authority() == nullptr) return Error(Code::kUnavailable, "nobody signs for the trust domain");
  CLOISTER_TRY(const std::string token, issuing->authority()->issue_jwt_svid(*order.id, order.audience, call.now));
  const Time expires = call.now + issuer_.rules().jwt_svid_lifetime;
  entry.event.detail =
      "for " + order.audience.front() +
      (order.audience.size() > 1 ? " and " + std::to_string(order.audience.size() - 1) + " more" : "") + " until " +
      to_rfc3339(expires);
  CLOISTER_RETURN_IF_ERROR(store.record(entry).with_context("write the audit log"));
  Reply reply;
  reply.response.headers.add("content-type", "application/json");
  JsonWriter json(reply.response.body);
  json.begin_object().member("token", token).member("spiffe_id", order.id->uri());
  json.member("expires", to_rfc3339(expires)).end_object();
  return reply;
}

Route Enrolment::join_token_route() {
  Route route = route_of("POST", "/v1/identity/join-tokens", Access::kPolicy, policy::Operation::kIdentityEnroll);
  route.parse = [this](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const BodyFields body, BodyFields::parse(call.request, {"id", "lifetime_seconds"}));
    Order order;
    CLOISTER_TRY(order.id, parse_id(body, "id"));
    CLOISTER_RETURN_IF_ERROR(check_id(*order.id));
    CLOISTER_TRY(order.lifetime, parse_seconds(body, "lifetime_seconds", identity::kJoinTokenLifetimeMax));
    return Parsed{{tenant_of(*order.id), "", ""}, [this, order](Call& c, keys::Hierarchy* hierarchy) {
                    return create_join_token(c, *hierarchy, order);
                  }};
  };
  return route;
}

Route Enrolment::enroll_route() {
  Route route = route_of("POST", "/v1/identity/enroll", Access::kAnyone);
  route.parse = [this](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const Order order, parse_enroll_body(call.request.body));
    if (!order.token) return Error(Code::kInvalid, "the body has no join_token");
    if (!order.wanted.empty()) return Error(Code::kInvalid, "whose it is says the token, not the body");
    return Parsed{{}, [this, order](Call& c, keys::Hierarchy* hierarchy) { return redeem(c, *hierarchy, order); }};
  };
  return route;
}

Route Enrolment::enroll_unix_route() {
  Route route = route_of("POST", "/v1/identity/enroll-unix", Access::kAnyone);
  route.parse = [this](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const Order order, parse_enroll_body(call.request.body));
    if (order.token) return Error(Code::kInvalid, "join tokens go to /v1/identity/enroll");
    return Parsed{
        {}, [this, order](Call& c, keys::Hierarchy* hierarchy) -> Result<Reply> {
          const net::ConnectionInfo* connection = c.request.connection.get();
          if (connection == nullptr || !connection->unix_peer) {
            return Reply::of({ProblemCode::kUnauthenticated, "only processes of this machine, by its socket"});
          }
          Order for_id = order;
          const auto id = identify(workloads(), *connection->unix_peer, order.wanted);
          if (!id.ok()) return Reply::of({ProblemCode::kUnauthenticated, id.error().message()});
          for_id.id = *id;
          keys::Store& store = hierarchy->store();
          keys::AuditEntry entry = entry_of(c, store, "identity.enroll", *id);
          entry.event.actor = "uid:" + std::to_string(connection->unix_peer->uid) +
                              " pid:" + std::to_string(connection->unix_peer->pid);
          if (const Status denied = check_not_denied(*id, c.now); !denied.ok()) {
            return refuse(store, entry, denied.error().message(), kDeniedIdentity);
          }
          return issue(entry, store, for_id, [](keys::Store::Change&) { return ok_status(); });
        }};
  };
  return route;
}

Route Enrolment::renew_route() {
  Route route = route_of("POST", "/v1/identity/renew", Access::kVerifiedPeer);
  route.parse = [this](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const Order order, parse_enroll_body(call.request.body));
    if (order.token || !order.wanted.empty()) return Error(Code::kInvalid, "renewal is for the same identity");
    return Parsed{{}, [this, order](Call& c, keys::Hierarchy* hierarchy) -> Result<Reply> {
                    const net::ConnectionInfo* connection = c.request.connection.get();
                    if (connection == nullptr || !connection->peer) {
                      return Reply::of({ProblemCode::kUnauthenticated, "renewal needs the certificate it follows"});
                    }
                    Order for_id = order;
                    CLOISTER_TRY(for_id.id, identity::SpiffeId::parse(c.caller));
                    keys::Store& store = hierarchy->store();
                    const keys::AuditEntry entry = entry_of(c, store, "identity.renew", *for_id.id);
                    if (const Status denied = check_not_denied(*for_id.id, c.now); !denied.ok()) {
                      return refuse(store, entry, denied.error().message(), kDeniedIdentity);
                    }
                    if (const Status good = check_id(*for_id.id); !good.ok()) {
                      return refuse(store, entry, good.error().message(),
                                    {ProblemCode::kRefused, good.error().message()});
                    }
                    return issue(entry, store, for_id, [](keys::Store::Change&) { return ok_status(); });
                  }};
  };
  return route;
}

Route Enrolment::jwt_route() {
  Route route = route_of("POST", "/v1/identity/jwt", Access::kVerifiedPeer);
  route.parse = [this](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const Order order, parse_audience_body(call.request.body));
    return Parsed{{}, [this, order](Call& c, keys::Hierarchy* hierarchy) -> Result<Reply> {
                    Order for_id = order;
                    CLOISTER_TRY(for_id.id, identity::SpiffeId::parse(c.caller));
                    return issue_token(c, *hierarchy, for_id);
                  }};
  };
  return route;
}

Route Enrolment::bundle_route() {
  Route route = route_of("GET", "/v1/identity/bundle", Access::kAnyone);
  route.recording = Recording::kNone;
  route.work = Work::kInline;
  route.parse = [this](Call&) -> Result<Parsed> {
    return Parsed{{}, [this](Call&, keys::Hierarchy*) -> Result<Reply> {
                    Reply reply;
                    reply.response = net::json_response(200, identity::format_bundle(issuer_.current()->bundle()));
                    return reply;
                  }};
  };
  return route;
}

Route Enrolment::deny_route() {
  Route route = route_of("POST", "/v1/identity/deny", Access::kPolicy, policy::Operation::kIdentityDeny);
  route.parse = [this](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const BodyFields body, BodyFields::parse(call.request, {"id", "lifetime_seconds", "reason"}));
    CLOISTER_TRY(const identity::SpiffeId id, parse_id(body, "id"));
    CLOISTER_RETURN_IF_ERROR(check_id(id));
    CLOISTER_TRY(const Duration lifetime, parse_seconds(body, "lifetime_seconds", days(3660)));
    CLOISTER_TRY(const std::string reason, body.text("reason"));
    if (lifetime < issuer_.rules().x509_svid_lifetime) {
      return Error(Code::kInvalid, "an entry that ends before the certificates of its identity do denies nothing");
    }
    const Time until{(call.now + lifetime).unix_ms / 1000 * 1000};
    return Parsed{{tenant_of(id), "", ""},
                  [this, id, until, reason](Call& c, keys::Hierarchy* hierarchy) -> Result<Reply> {
                    keys::Store& store = hierarchy->store();
                    keys::AuditEntry entry = entry_of(c, store, policy::operation_name(*c.route->operation), id);
                    entry.event.detail = "until " + to_rfc3339(until) + ": " + reason;
                    CLOISTER_RETURN_IF_ERROR(store.change(entry, [&](keys::Store::Change& change) {
                      return deny_id(store, change, settings_, {id, until, reason}, c.now);
                    }));
                    if (options_.deny_list_changed) options_.deny_list_changed();
                    Reply reply;
                    reply.response = net::json_response(200, denied_json({id, until, reason}).serialize());
                    return reply;
                  }};
  };
  return route;
}

Route Enrolment::allow_route() {
  Route route = route_of("POST", "/v1/identity/allow", Access::kPolicy, policy::Operation::kIdentityAllow);
  route.parse = [this](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const BodyFields body, BodyFields::parse(call.request, {"id"}));
    CLOISTER_TRY(const identity::SpiffeId id, parse_id(body, "id"));
    CLOISTER_RETURN_IF_ERROR(check_id(id));
    return Parsed{
        {tenant_of(id), "", ""}, [this, id](Call& c, keys::Hierarchy* hierarchy) -> Result<Reply> {
          keys::Store& store = hierarchy->store();
          const keys::AuditEntry entry = entry_of(c, store, policy::operation_name(*c.route->operation), id);
          CLOISTER_RETURN_IF_ERROR(store.change(
              entry, [&](keys::Store::Change& change) { return allow_id(store, change, settings_, id, c.now); }));
          if (options_.deny_list_changed) options_.deny_list_changed();
          Reply reply;
          reply.response = net::json_response(200, JsonValue(JsonValue::Object{{"id", id.uri()}}).serialize());
          return reply;
        }};
  };
  return route;
}

Route Enrolment::denied_route() {
  Route route = route_of("GET", "/v1/identity/denied/{tenant}", Access::kPolicy, policy::Operation::kIdentityList);
  route.recording = Recording::kService;
  route.parse = [this](Call& call) -> Result<Parsed> {
    const Target target = target_of_path(call);
    return Parsed{target, [this, tenant = target.tenant](Call& c, keys::Hierarchy* hierarchy) -> Result<Reply> {
                    CLOISTER_TRY(const identity::DenyList stored, read_deny_list(hierarchy->store(), settings_));
                    const identity::DenyList list = stored.current(c.now);
                    JsonValue::Array all;
                    for (const identity::DeniedId& denied : list.ids()) {
                      if (tenant_of(denied.id) == tenant) all.push_back(denied_json(denied));
                    }
                    Reply reply;
                    reply.response =
                        net::json_response(200, JsonValue(JsonValue::Object{{"denied", std::move(all)}}).serialize());
                    return reply;
                  }};
  };
  return route;
}

std::vector<Route> Enrolment::routes() {
  return {join_token_route(), enroll_route(), enroll_unix_route(), renew_route(), jwt_route(),
          bundle_route(),     deny_route(),   allow_route(),       denied_route()};
}

}  // namespace cloister::service
