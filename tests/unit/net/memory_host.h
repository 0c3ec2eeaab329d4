// A session's surroundings in memory: requests are kept, answers come from a function or later.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "net/session.h"

namespace cloister::net {

struct MemoryHost final : SessionHost {
  struct Seen {
    RequestId id;
    std::string method, target, body;
    Headers headers;
  };

  std::optional<Response> handle(RequestId id, Request& request) override {
    seen.push_back({id, request.method, request.target, std::string(as_text(request.body)), request.headers});
    return respond(request);
  }
  void refused(Refusal why) override { refusals.push_back(why); }
  std::string_view date() const override { return "Mon, 21 Sep 2026 14:13:20 GMT"; }

  bool was_refused(Refusal why) const { return std::ranges::find(refusals, why) != refusals.end(); }

  std::function<std::optional<Response>(Request&)> respond = [](Request& request) {
    return std::optional(json_response(200, "{\"path\":\"" + std::string(request.path()) + "\"}"));
  };
  std::vector<Seen> seen;
  std::vector<Refusal> refusals;
};

inline std::optional<Response> later(Request&) { return std::nullopt; }

}  // namespace cloister::net
