// What holds for every provider, in tests: provider_contract_test.cc has them, and each provider's own test names
// itself by
//   INSTANTIATE_TEST_SUITE_P(Aws, ProviderContract, ::testing::Values(ContractCase{"stand_in", make}), contract_name);
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kms/provider.h"

namespace cloister::kms {

struct ContractSubject {
  std::shared_ptr<Provider> provider;
  std::string key;     // may wrap and unwrap
  std::string absent;  // well-formed, and no such key
  // Another key that may wrap and unwrap; empty: the place has one only.
  std::string another = {};
  // Whether the provider itself refuses another context (ProviderKey does in any case).
  enum class Context { kBound, kNotTaken } context = Context::kBound;
  std::shared_ptr<void> alive = {};  // what must not go away: a server, a token
  std::size_t unit = 1;              // sizes of plaintexts are multiples of it
};

struct ContractCase {
  std::string name;
  // Nothing where the counterpart isn't installed: the test is skipped.
  std::function<std::optional<ContractSubject>()> make;
};

inline void PrintTo(const ContractCase& one, std::ostream* out) { *out << one.name; }
inline std::string contract_name(const ::testing::TestParamInfo<ContractCase>& info) { return info.param.name; }

class ProviderContract : public ::testing::TestWithParam<ContractCase> {
 protected:
  void SetUp() override {
    subject_ = GetParam().make();
    if (!subject_) GTEST_SKIP() << "not installed here";
  }
  Provider& provider() { return *subject_->provider; }
  const std::string& key() const { return subject_->key; }

  std::optional<ContractSubject> subject_;
};

}  // namespace cloister::kms
