#include "service/service.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "service/audit_routes.h"
#include "service/data_keys.h"
#include "service/dataset_routes.h"
#include "service/flow.h"
#include "service/idempotency.h"
#include "service/known_tenants.h"
#include "service/native_dialect.h"
#include "service/openapi.h"
#include "service/policy_routes.h"
#include "service/quota.h"
#include "service/recorder.h"
#include "service/tenant_routes.h"
#include "service/worker_pool.h"

namespace cloister::service {
namespace {

constexpr int kAttemptsMax = 5;
constexpr Duration kBusyFor = seconds(1);
// Refusals of those who proved nothing, on record: enough to see an attack in the log, too few to fill it. All of them
// share the bucket of no tenant.
constexpr policy::Quota kStrangers{20, 200, 0};

const Problem kBusy{ProblemCode::kBusy, "too many requests are waiting: try again", kBusyFor};
const Problem kUnrecorded{ProblemCode::kAuditUnavailable, "nothing was done, since it couldn't be recorded", kBusyFor};

std::vector<Route> all_routes(std::vector<Route> data_keys, crypto::Random& random, std::vector<Route> more) {
  std::vector<Route> all;
  for (std::vector<Route>& routes :
       std::array{std::move(data_keys), tenant_routes(), kek_routes(), dataset_routes(), audit_routes(),
                  policy_routes(random), openapi_routes(), std::move(more)}) {
    std::ranges::move(routes, std::back_inserter(all));
  }
  return all;
}

policy::Decision decision_of(const Call& call) {
  const Target& target = call.target;
  return policy::decide(call.snapshot->policy, {call.caller, *call.route->operation, target.tenant, target.environment,
                                                target.dataset, call.purpose, target.keys, call.now});
}

audit::Outcome outcome_of(const Error& error) {
  const Code code = error.code();
  const bool failed = code == Code::kUnavailable || code == Code::kInternal || code == Code::kCorrupt;
  return failed ? audit::Outcome::kFailed : audit::Outcome::kRefused;
}

// Of this worker's own: what a verb recorded, if it did.
keys::Recorded newest_record(keys::Hierarchy* hierarchy) {
  if (hierarchy == nullptr) return {};
  const auto newest = hierarchy->store().last_recorded();
  return newest.ok() && *newest ? **newest : keys::Recorded{};
}

}  // namespace

struct Service::Impl {
  Impl(ServiceOptions wanted, std::shared_ptr<const Snapshot> first, std::vector<Route> more)
      : options(std::move(wanted)),
        keyrings(std::make_shared<UnlockedKeyrings>(options.cached_keyrings, *options.random)),
        native(Router(all_routes(data_key_routes(keyrings, options.inline_keys), *options.random, std::move(more)))),
        snapshot(std::move(first)) {}

  // The steps. Each either finishes the flow or hands it on; `hierarchy` is null on a connection's thread.
  using FlowPointer = std::shared_ptr<Flow>;
  std::optional<net::Response> serve(const Dialect& dialect, net::Request& request, net::Deferral& later);
  void begin(const FlowPointer& flow, keys::Hierarchy* hierarchy);
  void begin_large(const FlowPointer& flow);
  std::optional<Problem> verify(Call& call) const;
  void refuse_caller(const FlowPointer& flow, const Problem& problem);
  void resolve(const FlowPointer& flow, keys::Hierarchy* hierarchy);
  void decide(const FlowPointer& flow, keys::Hierarchy* hierarchy);
  void act(const FlowPointer& flow, keys::Hierarchy* hierarchy);
  static Result<Reply> perform(Flow& flow, keys::Hierarchy* hierarchy);
  void to_worker(const FlowPointer& flow, void (Impl::*step)(const FlowPointer&, keys::Hierarchy*));
  void record(const FlowPointer& flow, Reply reply);
  void recorded(const FlowPointer& flow, Reply& reply, const Result<std::optional<keys::Recorded>>& outcome);
  void refuse(const FlowPointer& flow, Problem problem);
  void finish(const FlowPointer& flow, net::Response response);
  void fail(const FlowPointer& flow, const Problem& problem);
  void submit(const FlowPointer& flow, keys::Use use, Recorder::Done done);
  keys::Use use_of(const Call& call, audit::Outcome outcome, std::string detail);

  const ServiceOptions options;
  const std::shared_ptr<UnlockedKeyrings> keyrings;
  const NativeDialect native;
  QuotaBuckets quotas;
  KnownTenants tenants;
  std::vector<std::shared_ptr<const Dialect>> dialects;  // of every handler: calls under way refer to them
  std::mutex dialects_mutex;
  mutable std::mutex snapshot_mutex;
  std::shared_ptr<const Snapshot> snapshot;
  std::atomic<std::uint64_t> requests{0}, record_failures{0};
  // In this order: a worker hands to the recorder, and the recorder back to a worker only while there are any.
  std::unique_ptr<Recorder> recorder;
  std::unique_ptr<WorkerPool> workers;
};

std::optional<net::Response> Service::Impl::serve(const Dialect& dialect, net::Request& request, net::Deferral& later) {
  requests.fetch_add(1, std::memory_order_relaxed);
  const auto flow = std::make_shared<Flow>(later);
  Call& call = flow->call;
  call.dialect = &dialect;
  call.request = std::move(request);
  call.request_id = to_hex(crypto::random_array<12>(*options.random));
  call.now = options.clock();
  call.guard = &options.guard;
  {
    const std::lock_guard lock(snapshot_mutex);
    call.snapshot = snapshot;
  }
  std::optional<Problem> instead;
  call.route = dialect.find(call, instead);
  CLOISTER_CHECK(call.route != nullptr || instead);
  if (instead) {
    fail(flow, *instead);
  } else if (call.request.body.size() > options.inline_body_bytes) {
    begin_large(flow);
  } else {
    begin(flow, nullptr);
  }
  return flow->immediate();
}

void Service::Impl::begin(const FlowPointer& flow, keys::Hierarchy* hierarchy) {
  Call& call = flow->call;
  if (call.target.tenant.empty()) call.target = target_of_path(call);
  if (const auto problem = verify(call)) return refuse_caller(flow, *problem);
  auto parsed = call.route->parse(call);
  if (!parsed.ok()) {
    flow->outcome = audit::Outcome::kRefused;
    if (call.route->malformed == Malformed::kRecorded) return refuse(flow, problem_of(parsed.error()));
    return fail(flow, problem_of(parsed.error()));
  }
  flow->parsed = std::move(parsed).value();
  call.target = flow->parsed.target;
  if (flow->parsed.show && !call.request_key) {
    auto key = request_key_of(call);
    if (!key.ok()) return fail(flow, problem_of(key.error()));
    call.request_key = *key;
  }
  resolve(flow, hierarchy);
}

// A body that is long to read is read on a worker; but workers aren't there for whoever may not ask at all. The policy
// is asked by the path alone first, where that says what it is about, and again once the number of keys is known.
void Service::Impl::begin_large(const FlowPointer& flow) {
  Call& call = flow->call;
  if (call.route->access != Access::kPolicy) return to_worker(flow, &Impl::begin);
  call.target = target_of_path(call);
  flow->outcome = audit::Outcome::kRefused;
  if (const auto problem = verify(call)) return refuse_caller(flow, *problem);
  if (call.route->work == Work::kInline && !call.path.find("tenant").empty()) {
    const policy::Decision decision = decision_of(call);
    if (!decision.allowed) return refuse(flow, {ProblemCode::kRefused, decision.reason});
  }
  flow->outcome = audit::Outcome::kAllowed;
  to_worker(flow, &Impl::begin);
}

std::optional<Problem> Service::Impl::verify(Call& call) const {
  if (!call.caller.empty()) return std::nullopt;  // done before a long body was read
  if (auto problem = call.dialect->verify(call)) return problem;
  if (!call.caller.empty() && options.check_caller && !options.check_caller(call.caller, call.now).ok()) {
    return Problem{ProblemCode::kUnauthenticated, "this identity is denied"};
  }
  if (!call.caller.empty() || call.route->access == Access::kAnyone) return std::nullopt;
  return Problem{ProblemCode::kUnauthenticated,
                 "the service knows callers by their certificate, or by a configured user"};
}

// Whoever proves nothing could fill the log, and keep the recorder from those who do.
void Service::Impl::refuse_caller(const FlowPointer& flow, const Problem& problem) {
  flow->outcome = audit::Outcome::kRefused;
  if (flow->call.caller.empty()) {
    if (const auto wait = quotas.take("", kStrangers, flow->call.now)) {
      flow->call.fault = {};
      return fail(flow, {ProblemCode::kQuotaExceeded, "too many requests prove no identity", *wait});
    }
  }
  refuse(flow, problem);
}

void Service::Impl::resolve(const FlowPointer& flow, keys::Hierarchy* hierarchy) {
  Call& call = flow->call;
  if (flow->parsed.resolve) {
    const Result<bool> resolved = flow->parsed.resolve(call, hierarchy);
    if (!resolved.ok()) {
      flow->outcome = outcome_of(resolved.error());
      return refuse(flow, problem_of(resolved.error()));
    }
    if (!*resolved) {
      CLOISTER_CHECK(hierarchy == nullptr);
      return to_worker(flow, &Impl::resolve);
    }
  }
  decide(flow, hierarchy);
}

void Service::Impl::decide(const FlowPointer& flow, keys::Hierarchy* hierarchy) {
  Call& call = flow->call;
  if (call.route->access == Access::kPolicy) {
    const Target& target = call.target;
    call.decision = decision_of(call);
    if (!call.decision.allowed) {
      flow->outcome = audit::Outcome::kRefused;
      return refuse(flow, {ProblemCode::kRefused, call.decision.reason});
    }
    if (options.guard) {
      if (const Status status = options.guard(*call.route->operation, target); !status.ok()) {
        flow->outcome = audit::Outcome::kRefused;
        return refuse(flow, {ProblemCode::kRefused, status.error().message()});
      }
    }
    if (call.decision.quota) {
      if (const auto wait = quotas.take(target.tenant, *call.decision.quota, call.now)) {
        flow->outcome = audit::Outcome::kRefused;
        return fail(flow, {ProblemCode::kQuotaExceeded, "tenant " + target.tenant + " asks too often", *wait});
      }
    }
  }
  if (call.route->work == Work::kWorker && hierarchy == nullptr) return to_worker(flow, &Impl::act);
  act(flow, hierarchy);
}

void Service::Impl::act(const FlowPointer& flow, keys::Hierarchy* hierarchy) {
  Call& call = flow->call;
  const keys::Recorded before = newest_record(hierarchy);
  call.fault = {};
  Result<Reply> result = perform(*flow, hierarchy);
  if (!result.ok()) {
    flow->outcome = outcome_of(result.error());
    result = Reply::of(problem_of(result.error()));
  } else if (result->needs_worker) {
    CLOISTER_CHECK(hierarchy == nullptr);
    return to_worker(flow, &Impl::act);
  } else {
    flow->outcome = result->problem ? audit::Outcome::kRefused : audit::Outcome::kAllowed;
  }
  if (call.route->recording == Recording::kService || flow->replayed) return record(flow, std::move(*result));
  if (call.route->recording == Recording::kVerb) {
    const keys::Recorded newest = newest_record(hierarchy);
    if (newest.origin != before.origin || newest.index != before.index) flow->recorded = newest;
    if (flow->outcome == audit::Outcome::kAllowed) tenants.add(call.target.tenant);
  }
  if (result->problem) return fail(flow, *result->problem);
  finish(flow, std::move(result->response));
}

Result<Reply> Service::Impl::perform(Flow& flow, keys::Hierarchy* hierarchy) {
  Call& call = flow.call;
  if (!call.request_key || hierarchy == nullptr) return flow.parsed.act(call, hierarchy);
  CLOISTER_TRY(auto before, hierarchy->store().find_request(call.request_key->key));
  if (!before || before->expires <= call.now) {
    Result<Reply> result = flow.parsed.act(call, hierarchy);
    if (result.ok() || !is_repeated_request(result.error())) return result;
    // Somebody sent the same at the same time and was first.
    CLOISTER_TRY(before, hierarchy->store().find_request(call.request_key->key));
    if (!before) return result;
  }
  flow.replayed = true;
  if (before->digest != call.request_key->digest) {
    return Reply::of({ProblemCode::kIdempotencyKeyReused, "use another idempotency-key for another request"});
  }
  CLOISTER_TRY(Reply reply, flow.parsed.show(call, hierarchy));
  reply.response.headers.add("idempotency-replayed", "true");
  reply.detail = "replayed: done before";
  return reply;
}

void Service::Impl::to_worker(const FlowPointer& flow, void (Impl::*step)(const FlowPointer&, keys::Hierarchy*)) {
  flow->defer();
  const bool taken =
      workers->submit([this, flow, step](keys::Hierarchy& hierarchy) { (this->*step)(flow, &hierarchy); });
  if (taken) return;
  flow->outcome = audit::Outcome::kFailed;
  fail(flow, kBusy);
}

keys::Use Service::Impl::use_of(const Call& call, audit::Outcome outcome, std::string detail) {
  keys::Use use{call.event(outcome, std::move(detail)), call.extras(), {}};
  const std::string& tenant = call.target.tenant;
  if (tenant.empty() || tenants.has(tenant)) return use;
  if (outcome == audit::Outcome::kAllowed) {
    tenants.add(tenant);
    return use;
  }
  // Whoever asks for names that don't exist must not make trees of them; the subject says what was asked for.
  use.event.tenant.clear();
  if (tenants.refresh_due(call.now)) {
    workers->submit([this](keys::Hierarchy& hierarchy) { ignore_result(tenants.refresh(hierarchy.store())); });
  }
  return use;
}

void Service::Impl::record(const FlowPointer& flow, Reply reply) {
  std::string detail = reply.detail;
  if (reply.problem && detail.empty()) detail = reply.problem->detail;
  keys::Use use = use_of(flow->call, flow->outcome, std::move(detail));
  if (reply.key_version) use.extras.set_number(audit::Extra::kKeyVersion, *reply.key_version);
  if (reply.evidence) use.extras.set_digest(audit::Extra::kEvidenceDigest, *reply.evidence);
  use.seen = reply.seen;
  const auto kept = std::make_shared<Reply>(std::move(reply));
  submit(flow, std::move(use),
         [this, flow, kept](const Result<std::optional<keys::Recorded>>& outcome) { recorded(flow, *kept, outcome); });
}

void Service::Impl::submit(const FlowPointer& flow, keys::Use use, Recorder::Done done) {
  flow->defer();
  if (recorder->submit(std::move(use), std::move(done))) return;
  flow->outcome = audit::Outcome::kFailed;
  fail(flow, kBusy);
}

void Service::Impl::recorded(const FlowPointer& flow, Reply& reply,
                             const Result<std::optional<keys::Recorded>>& outcome) {
  if (!outcome.ok()) {
    record_failures.fetch_add(1, std::memory_order_relaxed);
    flow->outcome = audit::Outcome::kFailed;
    return fail(flow, kUnrecorded);
  }
  if (!*outcome) {
    if (reply.outdated) reply.outdated();
    if (++flow->attempts < kAttemptsMax) return to_worker(flow, &Impl::act);
    flow->outcome = audit::Outcome::kFailed;
    return refuse(flow,
                  {ProblemCode::kChangedMeanwhile, "the keys are changed faster than they can be used: try again"});
  }
  flow->recorded = **outcome;
  if (reply.problem) return fail(flow, *reply.problem);
  finish(flow, std::move(reply.response));
}

// What isn't allowed is recorded before it is answered. The answer doesn't say where: that would tell which tenants
// there are.
void Service::Impl::refuse(const FlowPointer& flow, Problem problem) {
  keys::Use use = use_of(flow->call, flow->outcome, problem.detail);
  submit(flow, std::move(use), [this, flow, problem](const Result<std::optional<keys::Recorded>>& outcome) {
    if (outcome.ok()) return fail(flow, problem);
    record_failures.fetch_add(1, std::memory_order_relaxed);
    fail(flow, kUnrecorded);
  });
}

void Service::Impl::fail(const FlowPointer& flow, const Problem& problem) {
  flow->problem = kind_of(problem.code).name;
  if (flow->outcome == audit::Outcome::kAllowed) flow->outcome = audit::Outcome::kRefused;
  finish(flow, flow->call.dialect->answer(problem, flow->call));
}

void Service::Impl::finish(const FlowPointer& flow, net::Response response) {
  flow->call.dialect->finish(response, flow->call);
  if (!flow->recorded.origin.empty()) {
    response.headers.add("audit-index", flow->recorded.origin + "#" + std::to_string(flow->recorded.index));
  }
  if (options.on_decision) options.on_decision(flow->decision_event(response.status));
  flow->answer(std::move(response));
}

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

// First the workers: what they still do is recorded.
Service::~Service() {
  impl_->workers->stop();
  impl_->recorder.reset();
}

Result<std::shared_ptr<Service>> Service::create(ServiceOptions options, Backend backend,
                                                 std::shared_ptr<const Snapshot> snapshot, std::vector<Route> more) {
  if (!options.clock || options.random == nullptr || snapshot == nullptr || options.workers == 0) {
    return Error(Code::kInvalid, "a service needs a clock, randomness, a snapshot and a worker");
  }
  auto impl = std::make_unique<Impl>(std::move(options), std::move(snapshot), std::move(more));
  CLOISTER_RETURN_IF_ERROR(impl->tenants.load(backend.open_store));
  CLOISTER_TRY(impl->recorder,
               Recorder::start(backend.open_store, {impl->options.records, impl->options.records_at_once}));
  CLOISTER_TRY(impl->workers, WorkerPool::start(impl->options.workers, impl->options.queue, backend.open_hierarchy));
  return std::shared_ptr<Service>(new Service(std::move(impl)));
}

std::optional<net::Response> Service::handle(net::Request& request, net::Deferral& later) {
  return impl_->serve(impl_->native, request, later);
}

std::shared_ptr<net::Handler> Service::handler(std::shared_ptr<const Dialect> dialect) {
  class Speaking final : public net::Handler {
   public:
    Speaking(std::shared_ptr<Service> service, std::shared_ptr<const Dialect> dialect)
        : service_(std::move(service)), dialect_(std::move(dialect)) {}
    std::optional<net::Response> handle(net::Request& request, net::Deferral& later) override {
      return service_->impl_->serve(*dialect_, request, later);
    }

   private:
    const std::shared_ptr<Service> service_;
    const std::shared_ptr<const Dialect> dialect_;
  };
  const std::lock_guard lock(impl_->dialects_mutex);
  impl_->dialects.push_back(dialect);
  return std::make_shared<Speaking>(shared_from_this(), std::move(dialect));
}

std::shared_ptr<UnlockedKeyrings> Service::keyrings() const { return impl_->keyrings; }

void Service::reload(std::shared_ptr<const Snapshot> snapshot) {
  CLOISTER_CHECK(snapshot != nullptr);
  const std::lock_guard lock(impl_->snapshot_mutex);
  impl_->snapshot = std::move(snapshot);
}

std::shared_ptr<const Snapshot> Service::snapshot() const {
  const std::lock_guard lock(impl_->snapshot_mutex);
  return impl_->snapshot;
}

const std::vector<Route>& Service::routes() const { return impl_->native.router().routes(); }

ServiceCounters Service::counters() const {
  ServiceCounters counters;
  counters.requests = impl_->requests.load(std::memory_order_relaxed);
  counters.waiting_for_workers = impl_->workers->waiting();
  counters.waiting_for_recorder = impl_->recorder->waiting();
  counters.commits = impl_->recorder->commits();
  counters.records = impl_->recorder->records();
  counters.record_failures = impl_->record_failures.load(std::memory_order_relaxed);
  counters.cached_keyrings = impl_->keyrings->size();
  return counters;
}

}  // namespace cloister::service
