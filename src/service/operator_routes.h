// What those ask who run the daemon: is it alive, is it ready, what has it counted.
#pragma once

#include "service/route.h"

namespace cloister::service {

struct Readiness {
  bool store = false;      // it answered lately
  bool policy = false;     // one is loaded, and in force now
  bool authority = false;  // somebody signs, and the own certificate is valid
  bool log = false;        // the audit log takes records
  bool draining = false;
  bool ready() const { return store && policy && authority && log && !draining; }
};

struct OperatorView {
  std::function<Readiness()> readiness;
  std::function<std::string()> metrics;
};

// GET /livez, /readyz for anyone; /metrics on the Unix socket only.
std::vector<Route> operator_routes(OperatorView view);

}  // namespace cloister::service
