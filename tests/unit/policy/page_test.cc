// docs/formats/policy.md says what is true: its example loads and decides as its table says, its lists are complete.
#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/unit/policy/policy_text.h"

namespace cloister::policy {
namespace {

std::string page() {
  const auto bytes = read_file(Path(CLOISTER_SOURCE_DIR) / "docs/formats/policy.md", 1 << 20);
  EXPECT_TRUE(bytes.ok());
  return bytes.ok() ? std::string(as_text(bytes.value())) : "";
}

std::string example() {
  const std::string text = page();
  const std::size_t begin = text.find("```toml\n"), end = text.find("```\n", begin + 8);
  return begin == std::string::npos ? "" : text.substr(begin + 8, end - begin - 8);
}

TEST(PolicyPage, ItsExample) {
  const Policy policy = policy_of(example());
  EXPECT_EQ(policy.id(), "acme-2027.1");
  const Time now = parse_rfc3339("2027-06-01T00:00:00Z").value();
  const Request trainer{
      "spiffe://acme.example/train/job-7", Operation::kUnwrap, "acme", "production", "images", Purpose::kTrain, 1, now};
  const auto expect_reason = [&policy](const Request& request, bool allowed, std::string_view reason) {
    const Decision decision = decide(policy, request);
    EXPECT_EQ(decision.allowed, allowed);
    EXPECT_EQ(decision.reason, reason);
    EXPECT_NE(page().find("`" + decision.reason + "`"), std::string::npos) << decision.reason;
  };
  expect_reason(trainer, true, "rule \"trainers\" allows it");
  Request request = trainer;
  request.purpose = Purpose::kExport;
  expect_reason(request, false, "rule \"trainers\" allows unwrap for other purposes, not for export");
  request = trainer;
  request.dataset = "voices-7";
  expect_reason(request, false, "rule \"voices are frozen\" denies it");
  request = trainer;
  request.tenant = "globex";
  expect_reason(request, false, "no rule allows this caller unwrap of globex/production/images for train");
  expect_reason({"spiffe://acme.example/ops/eu/anna", Operation::kKekRotate, "acme", "", "", Purpose::kOperate, 1, now},
                true, "rule \"operators\" allows it");
  request = trainer;
  request.keys = 5000;
  expect_reason(request, false, "5000 keys at once are more than the 1000 that tenant acme may ask for");
}

TEST(PolicyPage, ItsLists) {
  const std::string text = page();
  for (const auto names : {operation_names(), purpose_names()}) {
    for (const std::string_view name : names) {
      EXPECT_NE(text.find("`" + std::string(name) + "`"), std::string::npos) << name;
    }
  }
}

}  // namespace
}  // namespace cloister::policy
