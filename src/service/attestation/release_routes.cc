// The routes of attested release, and what they show: challenges, leases, the policy.
#include "base/base64.h"
#include "service/attestation/attested_release.h"
#include "service/body_fields.h"
#include "service/verbs.h"

namespace cloister::service {
namespace {

Reply json_reply(unsigned status = 200) {
  Reply reply;
  reply.response.status = status;
  reply.response.headers.add("content-type", "application/json");
  return reply;
}

}  // namespace

Result<Reply> AttestedRelease::make_challenge(const Call& call, const std::string& role) {
  const auto made = challenges_.make(call.caller, role, call.now, random_);
  if (!made.ok()) return Reply::of({ProblemCode::kBusy, made.error().message(), seconds(1)});
  Reply reply = json_reply(201);
  JsonWriter json(reply.response.body);
  json.begin_object().member("challenge", to_base64(made->challenge, Base64::kUrl));
  json.member("expires", to_rfc3339(made->expires)).end_object();
  return reply;
}

Result<Reply> AttestedRelease::show_lease(const Call& call, keys::Store& store) {
  const auto lease = leases_.find(std::string(call.path.find("lease")), call.now);
  if (!lease || lease->caller != call.caller) return Error(Code::kNotFound, "no such lease of this caller holds");
  CLOISTER_RETURN_IF_ERROR(refresh(store));
  Reply reply = json_reply();
  JsonWriter json(reply.response.body);
  json.begin_object().member("release", lease->id).member("expires", to_rfc3339(lease->expires));
  json.member("holds", state()->epoch == lease->epoch).end_object();
  return reply;
}

Result<Reply> AttestedRelease::show_policy(keys::Store& store) {
  CLOISTER_RETURN_IF_ERROR(refresh(store));
  const auto state = this->state();
  if (state->policy_text.empty()) return Error(Code::kNotFound, "no attestation policy was set: nothing is released");
  Reply reply = json_reply();
  JsonWriter json(reply.response.body);
  json.begin_object().member("id", state->policy.id()).member("sha256", to_hex(state->policy_digest));
  json.member("epoch", state->epoch).member("rules", std::uint64_t{state->policy.rules().size()});
  json.member("document", state->policy_text).end_object();
  return reply;
}

Result<Reply> AttestedRelease::set_policy(const Call& call, keys::Store& store, const std::string& text,
                                          const std::optional<std::string>& replaces) {
  CLOISTER_TRY(const policy::AttestationPolicy policy, policy::load_attestation_policy(text));
  const std::string digest = to_hex(crypto::sha256(as_bytes(text)));
  keys::AuditEntry entry{
      call.event(audit::Outcome::kAllowed, "attestation policy " + policy.id() + " sha256:" + digest), call.extras()};
  entry.event.subject = "attestation-policy";
  CLOISTER_RETURN_IF_ERROR(change_recorded(store, entry, [&](keys::Store::Change& change) -> Status {
    CLOISTER_TRY(const auto before, settings_.load(store, state()));
    const std::string found = before->policy_text.empty() ? "none" : to_hex(before->policy_digest);
    if (replaces && *replaces != found) return Error(Code::kDenied, "the policy in force is another: look again");
    return settings_.put_policy(store, change, text);
  }));
  return show_policy(store);
}

std::vector<Route> AttestedRelease::routes() {
  const auto simple = [](std::string method, std::string path, Recording recording, Work work, Parse parse) {
    return Route{std::move(method), std::move(path), Access::kVerifiedPeer, {}, recording, work, std::move(parse)};
  };
  std::vector<Route> routes{
      simple("POST", "/v1/attestation/challenges", Recording::kNone, Work::kInline,
             [this](Call& call) -> Result<Parsed> {
               CLOISTER_TRY(const auto fields, BodyFields::parse(call.request, {"role"}));
               CLOISTER_TRY(const std::string role, fields.text("role"));
               if (!is_role(role)) return Error(Code::kInvalid, "role isn't a role");
               return Parsed{{}, [this, role](Call& same, keys::Hierarchy*) { return make_challenge(same, role); }};
             }),
      simple("GET", "/v1/attestation/leases/{lease}", Recording::kNone, Work::kWorker,
             [this](Call& call) -> Result<Parsed> {
               CLOISTER_RETURN_IF_ERROR(expect_bare(call));
               return Parsed{
                   {}, [this](Call& same, keys::Hierarchy* hierarchy) { return show_lease(same, hierarchy->store()); }};
             }),
      simple("GET", "/v1/attestation/result-keys", Recording::kNone, Work::kInline,
             [this](Call& call) -> Result<Parsed> {
               CLOISTER_RETURN_IF_ERROR(expect_bare(call));
               return Parsed{{}, [this](Call&, keys::Hierarchy*) -> Result<Reply> {
                               Reply reply = json_reply();
                               net::append(reply.response.body, tokens_.jwks());
                               return reply;
                             }};
             }),
      {"GET", "/v1/attestation/policy", Access::kPolicy, policy::Operation::kPolicyRead, Recording::kService,
       Work::kWorker,
       [this](Call& call) -> Result<Parsed> {
         CLOISTER_RETURN_IF_ERROR(expect_bare(call));
         return Parsed{{}, [this](Call&, keys::Hierarchy* hierarchy) { return show_policy(hierarchy->store()); }};
       }},
      {"PUT", "/v1/attestation/policy", Access::kPolicy, policy::Operation::kPolicySet, Recording::kVerb, Work::kWorker,
       [this](Call& call) -> Result<Parsed> {
         CLOISTER_TRY(const auto fields, BodyFields::parse(call.request, {"document", "replaces"}));
         CLOISTER_TRY(const std::string text, fields.text("document"));
         CLOISTER_TRY(const auto replaces, fields.optional_text("replaces"));
         return Parsed{{}, [this, text, replaces](Call& same, keys::Hierarchy* hierarchy) {
                         return set_policy(same, hierarchy->store(), text, replaces);
                       }};
       }}};
  const Route releasing{"POST",
                        "",
                        Access::kPolicy,
                        policy::Operation::kRelease,
                        Recording::kVerb,
                        Work::kWorker,
                        [this](Call& call) -> Result<Parsed> {
                          CLOISTER_TRY(ReleaseOrder read, parse_release_order(as_text(call.request.body)));
                          const auto order = std::make_shared<const ReleaseOrder>(std::move(read));
                          Parsed parsed;
                          parsed.target = target_of_path(call);
                          parsed.target.keys = static_cast<std::uint32_t>(order->keys.size());
                          parsed.act = [this, order](Call& same, keys::Hierarchy* hierarchy) {
                            return release(*order, same, *hierarchy);
                          };
                          return parsed;
                        }};
  add_of_tenant(routes, "/datasets/{dataset}/release", releasing);
  return routes;
}

}  // namespace cloister::service
