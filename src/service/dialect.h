// How one protocol's requests become calls of the service, and the service's answers that protocol's. What a client
// speaks differs between listeners; policy, records, quotas and the order of the steps don't.
#pragma once

#include <optional>
#include <string_view>

#include "service/route.h"

namespace cloister::service {

// One path for all of them: find, verify, Route::parse, Parsed::resolve, decide by the policy, act and record, answer.
// Any thread may call; nothing here may wait or look at a store.
class Dialect {
 public:
  virtual ~Dialect() = default;

  // "aws-kms": what records and metrics say the request came by. Empty for the API of our own.
  virtual std::string_view name() const = 0;

  // Which route a request is for, by its head and, where the operation stands there, its body. Null with `instead` set
  // where it is for none. A route and `instead`: it is for that one, and wrong all the same. Neither is on record.
  // What parse needs of it goes into `call.path`; the claimed purpose into `call.purpose`.
  virtual const Route* find(Call& call, std::optional<Problem>& instead) const = 0;

  // Who asks: fills call.caller (a SPIFFE ID) and call.authentication; where a credential says it, call.credential,
  // call.scope and call.purpose too. May set call.request_key where a repeated change is told by its proof. Leaves
  // the caller empty where nobody proves anything: only routes for anyone then go on. A problem is put on record as a
  // refusal; call.credential may name whose it claimed to be.
  virtual std::optional<Problem> verify(Call& call) const = 0;

  // A problem as its clients read it. `call.route` may be null.
  virtual net::Response answer(const Problem& problem, const Call& call) const = 0;

  // What every answer carries, be it a problem or not: the request's id for one.
  virtual void finish(net::Response& response, const Call& call) const = 0;
};

}  // namespace cloister::service
