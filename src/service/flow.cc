#include "service/flow.h"

#include "base/clock.h"

namespace cloister::service {

void Flow::defer() {
  if (later_ == nullptr) return;
  answer_.emplace(later_->take());
  later_ = nullptr;
}

void Flow::answer(net::Response response) {
  if (later_ != nullptr) {
    immediate_ = std::move(response);
  } else {
    answer_->send(std::move(response));
  }
}

std::optional<net::Response> Flow::immediate() { return later_ == nullptr ? std::nullopt : std::move(immediate_); }

DecisionEvent Flow::decision_event(unsigned status) const {
  DecisionEvent event;
  event.time = call.now;
  event.request_id = call.request_id;
  event.tenant = call.target.tenant;
  event.environment = call.target.environment;
  event.dataset = call.target.dataset;
  event.caller = call.caller;
  if (call.route != nullptr) {
    event.operation =
        call.route->operation ? policy::operation_name(*call.route->operation) : std::string_view(call.route->path);
  }
  if (call.purpose) event.purpose = policy::purpose_name(*call.purpose);
  if (call.request.connection) event.remote = call.request.connection->remote;
  event.problem = problem;
  if (call.dialect != nullptr) event.dialect = call.dialect->name();
  event.keys = call.target.keys;
  event.outcome = outcome;
  event.status = status;
  event.seconds = monotonic_seconds() - started_;
  return event;
}

}  // namespace cloister::service
