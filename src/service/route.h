// The table of routes: what there is to ask for, who decides about it, and what then happens. Dispatch, 404, 405 and
// the test of the OpenAPI description go by it. Other files give theirs as `std::vector<Route> xxx_routes(...)`.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "service/call.h"

namespace cloister::service {

enum class Access {
  kAnyone,        // also who shows no certificate; no purpose is asked for
  kVerifiedPeer,  // somebody with a SPIFFE ID: by mutual TLS, or by the Unix socket's table
  kPolicy,        // the same, and the policy allows `operation` for the header cloister-purpose
};

// Who writes the record of a request. Refusals of the policy are always the service's.
enum class Recording {
  kService,  // one record, after the act and before the answer leaves: Reply says what of
  kVerb,     // the act itself: a verb of keys::Hierarchy, in the transaction of the change
  kNone,     // nothing is decided: descriptions, health
};

enum class Work {
  kInline,  // on the connection's thread, without a store; Reply::to_worker() asks to be called again with one
  kWorker,  // on the pool, with a store
};

// What of a request that can't be read.
enum class Malformed {
  kAnswered,  // that is all
  kRecorded,  // a refusal: who sent it has proven who they are
};

// What came of an act.
struct Reply {
  net::Response response;
  std::optional<Problem> problem = {};  // instead of the response
  // For Recording::kService.
  std::string detail = {};
  std::optional<std::uint64_t> key_version = {};
  std::optional<crypto::Sha256Digest> evidence = {};  // of what the decision went by, as it is kept
  std::vector<keys::RowVersion> seen = {};            // rows that the act relied on
  std::function<void()> outdated = {};  // called when one of them was changed before the record was written; then the
                                        // act is done again
  bool needs_worker = false;

  static Reply to_worker();
  static Reply of(Problem problem);
};

// Acts, and answers. An Error is answered as problem_of() says. `hierarchy` is null on the connection's thread.
// May be called again with the same call: when a row was changed meanwhile, or for want of a store.
using Act = std::function<Result<Reply>(Call& call, keys::Hierarchy* hierarchy)>;

struct Parsed {
  Target target;
  Act act;
  // Where the request names its key in another way than by its dataset: finds out, before the policy is asked, and sets
  // call.target. False: that takes a store, and `hierarchy` is null. An Error is a refusal, and on record.
  std::function<Result<bool>(Call& call, keys::Hierarchy* hierarchy)> resolve = {};
  // Of what changes state: the resource as it is now, for a repeated request with the same idempotency-key. A route
  // without it doesn't look at that header. For a request_key that the dialect set, what is answered instead.
  Act show = {};
};

// The rest of step 1, once it is known who asks: body, query and path into what the policy is asked about and what is
// to be done. kInvalid for what is wrong with them. Must not look at anything but the call.
using Parse = std::function<Result<Parsed>(Call& call)>;

struct Route {
  std::string method;
  std::string path;  // "/v1/tenants/{tenant}/kek"
  Access access = Access::kPolicy;
  std::optional<policy::Operation> operation = {};  // with kPolicy
  Recording recording = Recording::kService;
  Work work = Work::kWorker;
  Parse parse;
  Malformed malformed = Malformed::kAnswered;
};

// Finds routes by method and path. Any thread may ask.
class Router {
 public:
  // Two routes of one method and path, and one with kPolicy but no operation, are mistakes of ours.
  explicit Router(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;  // null: no route takes this method
    std::string allowed;           // then "GET, POST": what the path takes; empty when there is nothing at it
    PathParameters parameters;     // views into `path`
  };
  // An exact segment goes before a {parameter}. A parameter is one segment and not empty.
  Match find(std::string_view method, std::string_view path) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Node;
  std::vector<Route> routes_;
  std::shared_ptr<const Node> root_;
};

// The same route of a tenant and of a tenant's environment: `suffix` is what follows /v1/tenants/{tenant} and
// /v1/tenants/{tenant}/environments/{environment}.
void add_of_tenant(std::vector<Route>& routes, std::string_view suffix, const Route& route);

// The target that a path names: its {tenant}, {environment} and {dataset}.
Target target_of_path(const Call& call);

}  // namespace cloister::service
