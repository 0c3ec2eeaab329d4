// The goals of the storage audit, on more than a thousand files of which we know what they are: at least 0.99 of what
// anybody can read is found, at most 0.01 of what is protected is cried out for, and nothing readable passes as sealed.
#include <gtest/gtest.h>

#include <cstdio>

#include "posture/collect/content/content_collector.h"
#include "tests/support/content_estate.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/temp_dir.h"

namespace cloister::posture::content {
namespace {

class Facts final : public FactSink {
 public:
  void add(Fact fact) override { facts.push_back(std::move(fact)); }
  std::vector<Fact> facts;
};

struct Score {
  int readable = 0, found = 0;
  int protected_files = 0, cried = 0;
  int sealed = 0, proven = 0;
  int passed_wrongly = 0;
  std::vector<std::string> wrong;
};

Score score(const testing::ContentEstate& estate, const std::map<std::string, std::string>& verdicts) {
  Score out;
  for (const auto& [name, truth] : estate.truth) {
    // What has no fact of its own is sealed, or empty.
    const auto there = verdicts.find(name);
    const std::string verdict = there == verdicts.end() ? "sealed" : there->second;
    const bool called_readable =
        verdict == "plaintext" || verdict == "plaintext_unknown_type" || verdict == "compressed";
    if (truth == testing::Truth::kReadable) {
      ++out.readable;
      out.found += called_readable ? 1 : 0;
      out.passed_wrongly += verdict == "sealed" || verdict == "encrypted" ? 1 : 0;
      if (!called_readable) out.wrong.push_back(name + " is readable, called " + verdict);
    } else if (truth != testing::Truth::kNothing) {
      ++out.protected_files;
      out.cried += called_readable ? 1 : 0;
      if (called_readable) out.wrong.push_back(name + " is protected, called " + verdict);
    }
    if (truth == testing::Truth::kSealed) {
      ++out.sealed;
      out.proven += verdict == "sealed" ? 1 : 0;
    }
  }
  return out;
}

TEST(ContentGoal, PlaintextIsFoundAndCiphertextIsLeftAlone) {
  testing::TempDir folder;
  const testing::ContentEstate truth = testing::make_content_estate(folder.path(), 20, 7);
  ASSERT_GE(truth.truth.size(), 1000U);
  Estate estate;
  estate.locations.emplace_back().name = "corpus";
  estate.locations.back().address = "file:" + folder.path().string();
  testing::DeterministicRandom random(1);
  ContentOptions options;
  options.keys = truth.keys;
  ContentCollector collector(std::move(options), random);
  Facts sink;
  const double started = monotonic_seconds();
  collector.collect({.estate = &estate, .now = Time{}, .progress = nullptr, .threads = 2}, sink);
  const double seconds = monotonic_seconds() - started;

  std::map<std::string, std::string> verdicts;
  std::int64_t sealed = 0;
  for (const Fact& fact : sink.facts) {
    if (fact.kind == "content.scan") {
      EXPECT_EQ(fact.truth("complete"), true) << fact.raw;
      sealed = fact.number("sealed").value_or(0);
    }
    if (fact.kind != "content.object") continue;
    verdicts[fact.subject.id.substr(fact.subject.id.find('#') + 1)] = *fact.text("verdict");
  }
  const Score result = score(truth, verdicts);
  const double detection = static_cast<double>(result.found) / result.readable;
  const double false_alarms = static_cast<double>(result.cried) / result.protected_files;
  std::printf("storage detection on %zu files in %.2f s\n", truth.truth.size(), seconds);
  std::printf("  detection     %.4f (%d of %d readable files; goal at least 0.99)\n", detection, result.found,
              result.readable);
  std::printf("  false alarms  %.4f (%d of %d protected files; goal at most 0.01)\n", false_alarms, result.cried,
              result.protected_files);
  std::printf("  proven sealed %d of %d; readable and passed as sealed or encrypted: %d\n", result.proven,
              result.sealed, result.passed_wrongly);
  for (std::size_t i = 0; i < std::min<std::size_t>(result.wrong.size(), 12); ++i)
    std::printf("  %s\n", result.wrong[i].c_str());
  EXPECT_GE(detection, 0.99);
  EXPECT_LE(false_alarms, 0.01);
  EXPECT_EQ(result.proven, result.sealed);
  EXPECT_EQ(sealed, result.sealed);
  EXPECT_EQ(result.passed_wrongly, 0);
}

}  // namespace
}  // namespace cloister::posture::content
