#include "probe/path/draft.h"

#include <gtest/gtest.h>

#include "tests/unit/probe/path/graphs.h"

namespace cloister::probe::path {
namespace {

Party program_at(std::string executable, std::string_view address) {
  Party party = address_of(address);
  party.executable = std::move(executable);
  return party;
}

TEST(PathDraftTest, DraftIsAGraphWithWhoWasSeen) {
  const std::vector<Statement> seen = {
      statement(Source::kSockets, Claim::kConnected, program_at("/usr/bin/Gate way", "10.0.1.1"),
                address_of("10.0.3.7"), 8443),
      statement(Source::kCapture, Claim::kPlaintextSeen, address_of("10.0.1.1"), address_of("10.0.3.7"), 80)};
  const Graph graph = graph_of(draft_graph(seen));
  ASSERT_EQ(graph.components.size(), 2U);
  EXPECT_EQ(graph.components[1].name, "gate-way");
  EXPECT_EQ(graph.components[1].executables.front(), "/usr/bin/Gate way");
  EXPECT_EQ(graph.edges.size(), 2U);
}

TEST(PathDraftTest, WhatIsConfiguredWasNotSeen) {
  const std::string draft =
      draft_graph({statement(Source::kConfiguration, Claim::kEnforced, {}, workload_of("prod/serving"), 0)});
  EXPECT_EQ(draft.find("[[component]]"), std::string::npos);
}

TEST(PathDraftTest, NamesCannotBreakOutOfTheText) {
  const std::string draft = draft_graph({statement(
      Source::kSockets, Claim::kConnected, program_at("/a\"\n[[edge]]", "10.0.1.1"), address_of("10.0.3.7"), 1)});
  EXPECT_EQ(graph_of(draft).edges.size(), 1U);
}

}  // namespace
}  // namespace cloister::probe::path
