#include "probe/path/graph.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/unit/probe/path/graphs.h"

namespace cloister::probe::path {
namespace {

using testing::expect_refused;

// One component and whatever comes after it.
std::string with(std::string_view rest, std::string_view top = "version = 1\nid = \"g\"\n") {
  return std::string(top) + "[[component]]\nname = \"a\"\naddress = \"10.0.0.1\"\n" + std::string(rest);
}

TEST(PathGraphTest, ReadsWhatIsDeclared) {
  const Graph graph = graph_of(kThree);
  EXPECT_EQ(graph.id, "inference");
  EXPECT_EQ(graph.evidence_age_max, days(7));
  ASSERT_EQ(graph.components.size(), 3U);
  EXPECT_EQ(graph.components[2].spiffe_ids.size(), 2U);
  EXPECT_EQ(graph.components[2].inside_ports, (std::vector<std::uint16_t>{9000}));
  ASSERT_EQ(graph.edges.size(), 3U);
  EXPECT_EQ(graph.edges[0].requires_at_least, Protection::kMutualTls);
  EXPECT_EQ(graph.edges[0].tls_min, 0x0304);
  EXPECT_EQ(graph.edges[1].requires_at_least, Protection::kTls);
  EXPECT_EQ(graph.edges[1].tls_min, 0x0303);
  EXPECT_EQ(graph.edges[2].port_last, 30099);
}

TEST(PathGraphTest, NewerVersion) {
  expect_refused(parse_graph("version = 2\nid = \"g\"\n"), Code::kUnsupported, "newer");
}

TEST(PathGraphTest, UnknownTableAndKey) {
  expect_refused(parse_graph(with("[[edges]]\n")), Code::kInvalid, "did you mean edge");
  expect_refused(parse_graph(with("addresses = \"10.0.0.1\"\n")), Code::kInvalid, "address");
}

TEST(PathGraphTest, ComponentThatNothingRecognises) {
  expect_refused(parse_graph("version = 1\nid = \"g\"\n[[component]]\nname = \"a\"\n"), Code::kInvalid, "recognised");
}

TEST(PathGraphTest, TwoComponentsOfOneName) {
  expect_refused(parse_graph(with("[[component]]\nname = \"a\"\naddress = \"10.0.0.2\"\n")), Code::kInvalid,
                 "two components");
}

TEST(PathGraphTest, NameThatCouldBeMarkup) {
  expect_refused(parse_graph("version = 1\nid = \"g\"\n[[component]]\nname = \"<b>\"\naddress = \"10.0.0.1\"\n"),
                 Code::kInvalid, "name");
}

TEST(PathGraphTest, EdgeToNobody) {
  expect_refused(parse_graph(with("[[edge]]\nfrom = \"a\"\nto = \"b\"\nport = 1\n")), Code::kInvalid, "no component");
}

TEST(PathGraphTest, EdgeTwiceEvenInPart) {
  const std::string first = "[[edge]]\nfrom = \"a\"\nto = \"a\"\nport = 10\nport_last = 20\n";
  expect_refused(parse_graph(with(first + "[[edge]]\nfrom = \"a\"\nto = \"a\"\nport = 20\n")), Code::kInvalid,
                 "already");
  EXPECT_TRUE(parse_graph(with(first + "[[edge]]\nfrom = \"a\"\nto = \"a\"\nport = 21\n")).ok());
}

TEST(PathGraphTest, RdmaWithAPort) {
  expect_refused(parse_graph(with("[[edge]]\nfrom = \"a\"\nto = \"a\"\ntransport = \"rdma\"\nport = 1\n")),
                 Code::kInvalid, "RDMA");
}

TEST(PathGraphTest, RangeThatEndsBeforeItBegins) {
  expect_refused(parse_graph(with("[[edge]]\nfrom = \"a\"\nto = \"a\"\nport = 20\nport_last = 19\n")), Code::kInvalid,
                 "port_last");
}

TEST(PathGraphTest, ExceptionWithoutOwnerOrEnd) {
  const std::string edge = "[[edge]]\nfrom = \"a\"\nto = \"a\"\nport = 1\nexception = \"old\"\n";
  expect_refused(parse_graph(with(edge)), Code::kInvalid, "exception_owner");
  expect_refused(parse_graph(with(edge + "exception_owner = \"ops\"\n")), Code::kInvalid, "exception_until");
  expect_refused(parse_graph(with("[[edge]]\nfrom = \"a\"\nto = \"a\"\nport = 1\nexception_owner = \"ops\"\n")),
                 Code::kInvalid, "reason");
}

TEST(PathGraphTest, ZoneWithoutRegionAndRegionWithoutCloud) {
  expect_refused(parse_graph(with("region = \"eu\"\n")), Code::kInvalid, "cloud");
  expect_refused(parse_graph(with("cloud = \"aws\"\nzone = \"a\"\n")), Code::kInvalid, "region");
}

TEST(PathNetworkTest, ContainsWhatItSays) {
  const Network network = testing::value_of(Network::parse("10.1.2.0/23"));
  EXPECT_TRUE(network.contains(testing::value_of(IpAddress::parse("10.1.3.255"))));
  EXPECT_FALSE(network.contains(testing::value_of(IpAddress::parse("10.1.4.0"))));
  EXPECT_EQ(network.to_string(), "10.1.2.0/23");
  const Network everything = testing::value_of(Network::parse("::/0"));
  EXPECT_TRUE(everything.contains(testing::value_of(IpAddress::parse("2001:db8::1"))));
  EXPECT_FALSE(everything.contains(testing::value_of(IpAddress::parse("10.1.4.0"))));
  EXPECT_TRUE(testing::value_of(Network::parse("::1")).contains(testing::value_of(IpAddress::parse("::1"))));
}

TEST(PathNetworkTest, BitsBehindThePrefix) { expect_refused(Network::parse("10.1.2.3/23"), Code::kInvalid, "behind"); }

TEST(PathNetworkTest, LengthsThatAreNone) {
  for (const char* text : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.0/-1", "::/129", "host/8", ""}) {
    EXPECT_FALSE(Network::parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace cloister::probe::path
