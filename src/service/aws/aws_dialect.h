// The API of AWS KMS (JSON 1.1), for clients that speak it already: SigV4 by access keys of our own, operations on
// datasets as keys. docs/api/aws-kms.md says what is there, what isn't, and how that answers.
#pragma once

#include <map>

#include "service/access_keys.h"
#include "service/dialect.h"
#include "service/managed_keys.h"

namespace cloister::service::aws {

struct AwsDialectParts {
  std::string region;  // "eu-central-1": what clients sign for
  std::shared_ptr<UnlockedKeyrings> keyrings;
  std::shared_ptr<ManagedKeys> keys;
  const AccessKeys* access_keys = nullptr;  // outlives the dialect
};

class AwsDialect final : public Dialect {
 public:
  explicit AwsDialect(AwsDialectParts parts);

  std::string_view name() const override { return "aws-kms"; }
  const Route* find(Call& call, std::optional<Problem>& instead) const override;
  std::optional<Problem> verify(Call& call) const override;
  net::Response answer(const Problem& problem, const Call& call) const override;
  void finish(net::Response& response, const Call& call) const override;

 private:
  const AwsDialectParts parts_;
  std::map<std::string, Route, std::less<>> routes_;  // by operation
};

}  // namespace cloister::service::aws
