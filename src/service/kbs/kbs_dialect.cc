#include "service/kbs/kbs_dialect.h"

#include "attest/ear.h"
#include "base/base64.h"
#include "service/json_writer.h"
#include "service/kbs/messages.h"

namespace cloister::service {
namespace {

constexpr std::string_view kCookie = "kbs-session-id";
constexpr std::string_view kErrorType = "https://github.com/confidential-containers/kbs/errors/";
constexpr std::string_view kBearer = "Bearer ";

Problem unauthenticated(std::string detail) { return {ProblemCode::kUnauthenticated, std::move(detail)}; }

// The session of the request's cookie. Empty when it shows none.
std::string_view session_of(const net::Request& request) {
  for (const net::Header& header : request.headers.all()) {
    if (header.name != "cookie") continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      if (pair.starts_with(kCookie) && pair.substr(kCookie.size()).starts_with('=')) {
        return pair.substr(kCookie.size() + 1);
      }
    }
  }
  return {};
}

// The first part that is wrong or couldn't be checked, and how; nothing for a sound verdict.
std::optional<std::string> failure_of(const attest::SetVerdict& verdict) {
  std::vector<const attest::Verdict*> parts{&verdict.primary};
  for (const attest::Verdict& device : verdict.devices) parts.push_back(&device);
  for (const attest::Verdict* part : parts) {
    if (part->sound()) continue;
    const std::string kind(attest::kind_name(part->kind));
    const attest::Check* check = part->first_problem();
    if (check == nullptr) return kind + ": nothing of it was checked";
    return kind + ": " + check->name + ": " + std::string(attest::reason_name(*check->reason)) + ": " + check->detail;
  }
  return std::nullopt;
}

// What can be judged again to some purpose. Who only made it up, or found it elsewhere, has nothing kept.
bool is_worth_keeping(const attest::SetVerdict& verdict) {
  if (verdict.sound()) return true;
  const attest::Check* bound = verdict.primary.find("report-data");
  return verdict.assurance() != attest::Assurance::kNone && bound != nullptr &&
         bound->state == attest::CheckState::kPassed;
}

// Nothing that the guest did.
Error failed(const std::string& what, const Error& error) {
  const Code code = error.code() == Code::kUnavailable ? Code::kUnavailable : Code::kInternal;
  return Error(code, what + ": " + error.message());
}

bool is_failure(const Error& error) { return error.code() == Code::kUnavailable || error.code() == Code::kInternal; }

Route route_of(const char* method, const char* path, Access access, Recording recording, Work work) {
  Route route{method, path, access, {}, recording, work, {}};
  return route;
}

}  // namespace

KbsDialect::KbsDialect(KbsOptions options) : options_(std::move(options)), router_(routes()) {}

std::vector<Route> KbsDialect::routes() {
  Route auth = route_of("POST", "/kbs/v0/auth", Access::kAnyone, Recording::kNone, Work::kInline);
  auth.parse = [this](Call&) -> Result<Parsed> {
    return Parsed{{}, [this](Call& call, keys::Hierarchy*) { return begin(call); }};
  };
  Route attest = route_of("POST", "/kbs/v0/attest", Access::kAnyone, Recording::kService, Work::kWorker);
  attest.parse = [this](Call&) -> Result<Parsed> {
    return Parsed{{},
                  [this](Call& call, keys::Hierarchy* hierarchy) { return this->attest(call, hierarchy->store()); }};
  };
  Route resource = route_of("GET", "/kbs/v0/resource/{repository}/{type}/{tag}", Access::kPolicy, Recording::kService,
                            Work::kInline);
  resource.operation = policy::Operation::kRelease;
  resource.parse = [this](Call& call) -> Result<Parsed> {
    const std::array<std::string, 3> path{std::string(call.path.find("repository")),
                                          std::string(call.path.find("type")), std::string(call.path.find("tag"))};
    CLOISTER_TRY(Target target, kbs_target(path[0], path[1]));
    if (!is_kbs_segment(path[2]) || !call.request.query().empty()) {
      return Error(Code::kInvalid, "a resource is <repository>/<type>/<tag>, and nothing behind it");
    }
    return Parsed{std::move(target),
                  [this, path](Call& again, keys::Hierarchy* hierarchy) { return hand_out(again, path, hierarchy); }};
  };
  return {std::move(auth), std::move(attest), std::move(resource)};
}

const Route* KbsDialect::find(Call& call, std::optional<Problem>& instead) const {
  Router::Match match = router_.find(call.request.method, call.request.path());
  call.path = match.parameters;
  if (match.route != nullptr) return match.route;
  if (match.allowed.empty()) {
    instead = Problem{ProblemCode::kNoSuchRoute, "there is nothing at this path"};
  } else {
    call.allowed_methods = std::move(match.allowed);
    instead = Problem{ProblemCode::kMethodNotAllowed, "this path takes " + call.allowed_methods};
  }
  return nullptr;
}

std::shared_ptr<const KbsGuest> KbsDialect::guest_of(const Call& call) const {
  const std::string* authorization = call.request.headers.find("authorization");
  if (authorization != nullptr) {
    if (!authorization->starts_with(kBearer)) return nullptr;
    return options_.sessions->by_token(std::string_view(*authorization).substr(kBearer.size()), call.now);
  }
  return options_.sessions->by_cookie(session_of(call.request), call.now);
}

std::optional<Problem> KbsDialect::verify(Call& call) const {
  if (call.route->recording == Recording::kNone) return std::nullopt;
  call.authentication = "kbs";
  if (call.route->access == Access::kAnyone) {
    const std::string tee = options_.sessions->tee_of(session_of(call.request), call.now);
    // Whoever had one challenge isn't known any better than a stranger once it was answered.
    if (tee.empty()) {
      return unauthenticated(
          "there is no session with this cookie, or its challenge was answered before: ask for a challenge first");
    }
    call.caller = options_.callers + "/" + tee;
    return std::nullopt;
  }
  const auto guest = guest_of(call);
  if (guest == nullptr) return unauthenticated("no evidence was verified for this cookie or token: attest first");
  call.caller = options_.callers + "/" + guest->tee;
  call.credential = to_hex(guest->evidence);
  call.purpose = options_.purpose;
  return std::nullopt;
}

Result<Reply> KbsDialect::begin(const Call& call) const {
  const auto asked = parse_kbs_auth(as_text(call.request.body));
  if (!asked.ok() && asked.error().code() == Code::kUnsupported)
    return Reply::of(unauthenticated(asked.error().message()));
  if (!asked.ok()) return asked.error();
  // One address is one source, whatever the port.
  CLOISTER_TRY(const auto made, options_.sessions->begin(asked->tee, asked->hash, call.source(), call.now));
  Reply reply;
  reply.response.headers.add("content-type", "application/json");
  reply.response.headers.add("set-cookie", std::string(kCookie) + "=" + made.id + "; Path=/kbs; HttpOnly");
  JsonWriter json(reply.response.body);
  json.begin_object().member("nonce", std::string_view(made.challenge.nonce)).name("extra-params").begin_object();
  json.member("selected-hash-algorithm", kbs_hash_name(made.challenge.hash)).end_object().end_object();
  return reply;
}

Result<std::shared_ptr<const KbsGuest>> KbsDialect::examine(const KbsChallenge& challenge, const Call& call,
                                                            keys::Store& store) const {
  CLOISTER_TRY(const KbsAttestation sent, parse_kbs_attestation(as_text(call.request.body)));
  if (sent.nonce != challenge.nonce) return Error(Code::kDenied, "the nonce isn't this session's");
  CLOISTER_TRY(crypto::JweRecipient recipient, crypto::JweRecipient::parse(sent.public_key));
  CLOISTER_TRY(const Bytes report_data, kbs_report_data(challenge.hash, sent));
  CLOISTER_TRY(const Bytes device_nonce, kbs_device_nonce(challenge.hash, sent));
  CLOISTER_TRY(attest::EvidenceSet set, kbs_evidence(challenge.tee, sent));
  KbsEvidence evidence{std::move(set), {report_data, device_nonce, call.now}};
  if (const Status read = options_.refresh(store); !read.ok()) return failed("read the floors", read.error());
  std::uint64_t epoch = options_.epoch();
  KbsJudgement judgement = options_.judge(evidence);
  KeptItems kept;
  if (is_worth_keeping(judgement.verdict)) {
    auto items = options_.keep(evidence, judgement);
    if (!items.ok()) return failed("keep the evidence", items.error());
    kept = std::move(items).value();
  }
  if (const auto failure = failure_of(judgement.verdict)) return Error(Code::kDenied, *failure);
  const auto raised = options_.raise_floors(store, judgement.verdict, epoch, call.as_caller());
  if (!raised.ok()) return failed("raise the floors", raised.error());
  epoch = *raised;
  return std::make_shared<const KbsGuest>(KbsGuest{
      challenge.tee, crypto::sha256(attest::encode(evidence.evidence)), std::move(judgement.verdict),
      std::move(recipient), epoch, std::move(evidence.question), std::move(judgement.floors), std::move(kept)});
}

Result<std::string> KbsDialect::token_of(const KbsGuest& guest, const KbsChallenge& challenge, Time now) const {
  attest::EarRequest request;
  request.form = attest::EarForm::kTrustee;
  request.issuer = options_.callers;
  CLOISTER_TRY(request.nonce, from_base64(challenge.nonce));
  request.issued = now;
  request.lifetime = options_.sessions->life();
  return attest::ear_token(guest.verdict, request, *options_.token_signer);
}

Result<Reply> KbsDialect::attest(const Call& call, keys::Store& store) const {
  const std::string_view session = session_of(call.request);
  const auto challenge = options_.sessions->take(session, call.now);
  if (!challenge.ok()) return Reply::of(unauthenticated(challenge.error().message()));
  const auto guest = examine(*challenge, call, store);
  if (!guest.ok() && is_failure(guest.error())) return guest.error();
  if (!guest.ok()) return Reply::of(unauthenticated(guest.error().message()));
  CLOISTER_TRY(const std::string token, token_of(**guest, *challenge, call.now));
  options_.sessions->admit(session, token, *guest, call.now);
  Reply reply;
  reply.detail = "evidence " + to_hex((*guest)->evidence) + " verified";
  reply.response.headers.add("content-type", "application/json");
  JsonWriter(reply.response.body).begin_object().member("token", std::string_view(token)).end_object();
  return reply;
}

Result<Reply> KbsDialect::hand_out(Call& call, const std::array<std::string, 3>& path,
                                   keys::Hierarchy* hierarchy) const {
  const auto guest = guest_of(call);
  if (guest == nullptr) return Reply::of(unauthenticated("the session is over: attest again"));
  if (hierarchy == nullptr) return Reply::to_worker();
  CLOISTER_RETURN_IF_ERROR(options_.refresh(hierarchy->store()));
  if (guest->epoch != options_.epoch())
    return Reply::of(unauthenticated("what was verified is out of date: attest again"));
  const auto decision = options_.decide(*guest, call.target, call.now);
  if (!decision.ok() && decision.error().code() == Code::kExpired) {
    return Reply::of(unauthenticated(decision.error().message()));
  }
  if (!decision.ok()) return decision.error();
  const std::string kept = decision->kept.empty() ? "" : "; kept as " + decision->kept;
  if (!decision->allowed) {
    Reply refused = Reply::of({ProblemCode::kRefused, decision->reason});
    refused.detail = decision->reason + kept;
    refused.evidence = decision->digest;
    return refused;
  }
  CLOISTER_TRY(const auto keyring, options_.keyrings->get(call, hierarchy));
  const auto secret = open_kbs_secret(options_.resources, path[0], path[1], path[2], *keyring->wrapper);
  if (!secret.ok() && secret.error().code() == Code::kDenied) {
    return Reply::of({ProblemCode::kRefused, secret.error().message()});
  }
  if (!secret.ok()) return secret.error();
  const std::string name = path[0] + "/" + path[1] + "/" + path[2];
  // Which resource it is goes by no name of the protocol's: so it is authenticated with the rest of the header.
  CLOISTER_TRY(const JsonValue::Object sealed,
               crypto::seal_jwe(guest->recipient, *secret, {{"kbs-resource", name}}, options_.keyrings->random()));
  Reply reply;
  reply.detail = "resource " + name + " to evidence " + to_hex(guest->evidence) + kept;
  reply.evidence = decision->digest;
  reply.seen = keyring->seen;
  reply.outdated = options_.keyrings->outdated(call, keyring);
  reply.response.headers.add("content-type", "application/json");
  net::append(reply.response.body, JsonValue(sealed).serialize());
  return reply;
}

net::Response KbsDialect::answer(const Problem& problem, const Call& call) const {
  const ProblemKind& kind = kind_of(problem.code);
  net::Response response;
  response.status = kind.status;
  response.headers.add("content-type", "application/json");
  if (problem.retry_after) {
    response.headers.add("retry-after", std::to_string((problem.retry_after->ms + 999) / 1000));
  }
  if (!call.allowed_methods.empty()) response.headers.add("allow", call.allowed_methods);
  JsonWriter json(response.body);
  json.begin_object().member("type", std::string_view(std::string(kErrorType) + std::string(kind.name)));
  json.member("detail", std::string_view(problem.detail.empty() ? kind.title : std::string_view(problem.detail)));
  json.end_object();
  return response;
}

void KbsDialect::finish(net::Response& response, const Call& call) const {
  response.headers.add("request-id", call.request_id);
  response.headers.add("cache-control", "no-store");
}

}  // namespace cloister::service
