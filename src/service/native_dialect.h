// The API of our own, docs/api/: paths under /v1, callers by certificate or by the Unix socket, problem+json.
#pragma once

#include "service/dialect.h"

namespace cloister::service {

class NativeDialect final : public Dialect {
 public:
  explicit NativeDialect(Router router) : router_(std::move(router)) {}

  std::string_view name() const override { return {}; }
  const Route* find(Call& call, std::optional<Problem>& instead) const override;
  std::optional<Problem> verify(Call& call) const override;
  net::Response answer(const Problem& problem, const Call& call) const override;
  void finish(net::Response& response, const Call& call) const override;

  const Router& router() const { return router_; }

 private:
  const Router router_;
};

}  // namespace cloister::service
