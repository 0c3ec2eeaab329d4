// Which checks of which platform the tests of this program have seen passed, failed and not evaluated: written down for
// tools/attest-table, which makes the table of docs/attestation.md of it.
//
// The linker puts the three functions below in place of attest::Verdict's (tests/CMakeLists.txt), so every check that
// any test makes is seen and the library has no door for it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "attest/verdict.h"
#include "base/file.h"

namespace cloister::attest {
namespace {

struct Seen {
  bool passed = false;
  std::set<std::string> failed, not_evaluated;  // reasons
};

class SeenChecks {
 public:
  Seen& of(const Verdict& verdict, const std::string& name) { return checks_[kind_name(verdict.kind)][name]; }
  std::mutex& mutex() { return mutex_; }

  std::string json() const {
    nlohmann::json all = nlohmann::json::object();
    for (const auto& [kind, checks] : checks_) {
      for (const auto& [name, seen] : checks) {
        all[std::string(kind)][name] = {
            {"passed", seen.passed}, {"failed", seen.failed}, {"not_evaluated", seen.not_evaluated}};
      }
    }
    return all.dump(1) + "\n";
  }

 private:
  std::mutex mutex_;
  std::map<std::string_view, std::map<std::string, Seen>> checks_;
};

SeenChecks& seen_checks() {
  static SeenChecks checks;
  return checks;
}

// Only after all tests: some of them say nothing of the whole.
class WriteSeenChecks final : public ::testing::Environment {
 public:
  void TearDown() override {
    const char* build = std::getenv("BUILD_DIR");
    if (build == nullptr || GTEST_FLAG_GET(filter) != "*" || ::testing::UnitTest::GetInstance()->Failed()) return;
    const std::string text = seen_checks().json();
    const Status written = write_file(Path(build) / "attest-checks.json", as_bytes(text), Overwrite::kReplace);
    EXPECT_TRUE(written.ok());
  }
};
[[maybe_unused]] const ::testing::Environment* const kWriter = ::testing::AddGlobalTestEnvironment(new WriteSeenChecks);

// Verdicts of a platform's own tests, in a folder of its own; others make verdicts up.
bool counts() {
  const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
  if (test == nullptr) return false;
  constexpr std::string_view kFolder = "unit/attest/";
  const std::string_view file = test->file();
  const std::size_t at = file.find(kFolder);
  return at != std::string_view::npos && file.find('/', at + kFolder.size()) != std::string_view::npos;
}

// Runs `note` on what was seen of that check so far.
template <typename Note>
void seen(const Verdict& verdict, const std::string& name, Note note) {
  if (!counts()) return;
  const std::lock_guard lock(seen_checks().mutex());
  note(seen_checks().of(verdict, name));
}

}  // namespace
}  // namespace cloister::attest

using cloister::attest::Reason;
using cloister::attest::Verdict;

#define CLOISTER_STRING "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
#define CLOISTER_VERDICT_PASS "_ZN8cloister6attest7Verdict4passE" CLOISTER_STRING "S7_"
#define CLOISTER_VERDICT_FAIL "_ZN8cloister6attest7Verdict4failE" CLOISTER_STRING "NS0_6ReasonES7_"
#define CLOISTER_VERDICT_SKIP "_ZN8cloister6attest7Verdict4skipE" CLOISTER_STRING "NS0_6ReasonES7_"

void real_pass(Verdict* self, std::string name, std::string detail) __asm__("__real_" CLOISTER_VERDICT_PASS);
void seen_pass(Verdict* self, std::string name, std::string detail) __asm__("__wrap_" CLOISTER_VERDICT_PASS);
void real_fail(Verdict* self, std::string name, Reason reason,
               std::string detail) __asm__("__real_" CLOISTER_VERDICT_FAIL);
void seen_fail(Verdict* self, std::string name, Reason reason,
               std::string detail) __asm__("__wrap_" CLOISTER_VERDICT_FAIL);
void real_skip(Verdict* self, std::string name, Reason reason,
               std::string detail) __asm__("__real_" CLOISTER_VERDICT_SKIP);
void seen_skip(Verdict* self, std::string name, Reason reason,
               std::string detail) __asm__("__wrap_" CLOISTER_VERDICT_SKIP);

void seen_pass(Verdict* self, std::string name, std::string detail) {
  cloister::attest::seen(*self, name, [](auto& check) { check.passed = true; });
  real_pass(self, std::move(name), std::move(detail));
}

void seen_fail(Verdict* self, std::string name, Reason reason, std::string detail) {
  cloister::attest::seen(*self, name, [=](auto& check) { check.failed.emplace(reason_name(reason)); });
  real_fail(self, std::move(name), reason, std::move(detail));
}

void seen_skip(Verdict* self, std::string name, Reason reason, std::string detail) {
  cloister::attest::seen(*self, name, [=](auto& check) { check.not_evaluated.emplace(reason_name(reason)); });
  real_skip(self, std::move(name), reason, std::move(detail));
}
