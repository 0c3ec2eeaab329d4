#include "attest/floors.h"

#include <gtest/gtest.h>

namespace cloister::attest {
namespace {

TEST(AnswerFloors, RiseOnly) {
  Floors answers;
  EXPECT_TRUE(raise_answers(answers, {{"nvidia/ocsp/0a", 10}}, 4));
  EXPECT_FALSE(raise_answers(answers, {{"nvidia/ocsp/0a", 9}}, 4));
  EXPECT_EQ(answer_floor(answers, "nvidia/ocsp/0a"), 10U);
  EXPECT_TRUE(raise_answers(answers, {{"nvidia/ocsp/0a", 11}}, 4));
  EXPECT_EQ(answer_floor(answers, "nvidia/ocsp/0a"), 11U);
  EXPECT_EQ(answer_floor(answers, "nvidia/ocsp/0b"), 0U);
}

TEST(AnswerFloors, OldestGoesAndNoFloorGetsLower) {
  Floors answers, highest;
  std::uint64_t number = 100;
  for (int round = 0; round < 200; ++round) {
    const std::string name = "nvidia/ocsp/" + std::to_string(round * 7 % 23);
    number += round % 3 == 0 ? 0 : 5;
    const std::uint64_t seen = std::max(number - static_cast<std::uint64_t>(round % 11), answer_floor(answers, name));
    raise_answers(answers, {{name, seen}}, 4);
    highest[name] = std::max(highest[name], seen);
    EXPECT_LE(answers.size(), 5U);
    for (const auto& [each, least] : highest) EXPECT_GE(answer_floor(answers, each), least) << each;
  }
}

TEST(AnswerFloors, OneThatWentIsHeldByTheCommonOne) {
  Floors answers;
  raise_answers(answers, {{"nvidia/ocsp/0a", 10}, {"nvidia/ocsp/0b", 20}}, 2);
  raise_answers(answers, {{"nvidia/ocsp/0c", 30}}, 2);
  EXPECT_EQ(answers, (Floors{{"nvidia/ocsp", 10}, {"nvidia/ocsp/0b", 20}, {"nvidia/ocsp/0c", 30}}));
  EXPECT_EQ(answer_floor(answers, "nvidia/ocsp/0a"), 10U);
  // It says nothing new.
  EXPECT_FALSE(raise_answers(answers, {{"nvidia/ocsp/0a", 10}}, 2));
}

TEST(AnswerFloors, CommonOneAboveItsOwn) {
  const Floors floors{{"nvidia/ocsp", 50}, {"nvidia/ocsp/0a", 10}, {"nvidia/ocsp/0b", 60}};
  EXPECT_EQ(answer_floor(floors, "nvidia/ocsp/0a"), 50U);
  EXPECT_EQ(answer_floor(floors, "nvidia/ocsp/0b"), 60U);
  EXPECT_EQ(floor_of(floors, "nvidia/ocsp/0a"), 50U);
}

TEST(AnswerFloors, CommonOneIsOfNoVendor) {
  const Floors floors{{"amd/crl/Milan/vcek", 3}, {"nvidia/ocsp", 10}};
  EXPECT_EQ(floor_of(floors, "amd/crl/Milan/vcek"), 3U);
  EXPECT_EQ(floor_of(floors, "amd/crl/Genoa/vcek"), 0U);
  EXPECT_EQ(floor_of(floors, "nvidia/ocsp/0a"), 10U);
}

TEST(AnswerFloors, FloorsOfVendorsAreNone) {
  for (const char* name : {"nvidia/ocsp", "nvidia/ocsp/0a"}) EXPECT_TRUE(is_answer_floor(name)) << name;
  for (const char* name : {"nvidia/rim", "intel/tdx/00", "nvidia/ocspx"}) EXPECT_FALSE(is_answer_floor(name)) << name;
}

}  // namespace
}  // namespace cloister::attest
