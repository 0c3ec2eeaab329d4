// Policies for tests: a small one that is right, pieces to build wrong ones from, and requests.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "policy/policy.h"

namespace cloister::policy {

inline constexpr std::string_view kHead = "version = 1\nid = \"test-1\"\nnot_after = \"never\"\n";

inline constexpr std::string_view kTrainers = R"(
[[allow]]
name = "trainers"
caller = "spiffe://acme.example/train/*"
operation = ["generate", "unwrap"]
tenant = "acme"
environment = "production"
dataset = ["images", "voices-*"]
purpose = ["train", "checkpoint"]
)";

inline constexpr std::string_view kQuota = R"(
[[quota]]
tenant = "any"
requests_per_second = 100
burst = 200
keys_per_batch = 1000
)";

inline std::string good_text() { return std::string(kHead) + std::string(kTrainers) + std::string(kQuota); }

// A rule for every request but where a key is given: rule_text("deny", "x", "tenant", "\"acme\"").
inline std::string rule_text(std::string_view table, std::string_view name, std::string_view key = "",
                             std::string_view value = "") {
  std::string text = "[[" + std::string(table) + "]]\nname = \"" + std::string(name) + "\"\n";
  for (const std::string_view each : {"caller", "operation", "tenant", "environment", "dataset", "purpose"}) {
    text += std::string(each) + " = " + (each == key ? std::string(value) : "\"any\"") + "\n";
  }
  return text;
}

// With everything that kTrainers asks for.
inline Request good_request() {
  return {"spiffe://acme.example/train/job-7",
          Operation::kUnwrap,
          "acme",
          "production",
          "images",
          Purpose::kTrain,
          1,
          Time{1'800'000'000'000}};
}

inline Policy policy_of(std::string_view text) {
  auto policy = load_policy(text);
  EXPECT_TRUE(policy.ok()) << policy.error().message() << "\n" << text;
  return policy.ok() ? std::move(policy).value() : Policy();
}

// The code, and words the message must have.
template <typename ResultOrStatus>
void expect_refused(const ResultOrStatus& result, Code code, std::string_view words) {
  ASSERT_FALSE(result.ok()) << "not refused; expected: " << words;
  EXPECT_EQ(code_name(result.error().code()), code_name(code)) << result.error().message();
  EXPECT_NE(result.error().message().find(words), std::string::npos) << result.error().message();
}

inline void expect_denied(const Decision& decision, std::string_view reason, std::string_view rule = "") {
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.reason, reason);
  EXPECT_EQ(decision.rule, rule);
  EXPECT_FALSE(decision.quota);
}

}  // namespace cloister::policy
