#include "mesh/workload_api/workload_endpoint.h"

#include <gtest/gtest.h>

namespace cloister::mesh {
namespace {

std::string refusal_of(std::string_view text) {
  const auto endpoint = parse_workload_endpoint(text);
  if (endpoint.ok()) return "none: " + endpoint->to_string();
  EXPECT_EQ(endpoint.error().code(), Code::kInvalid);
  return endpoint.error().message();
}
bool says(std::string_view text, std::string_view what) { return refusal_of(text).find(what) != std::string::npos; }

TEST(WorkloadEndpoint, PathsAndAddresses) {
  for (const char* text : {"unix:///run/workload.sock", "tcp://127.0.0.1:8081", "tcp://[::1]:8081"}) {
    const auto endpoint = parse_workload_endpoint(text);
    ASSERT_TRUE(endpoint.ok()) << endpoint.error().message();
    EXPECT_EQ(endpoint->to_string(), text);
  }
  EXPECT_EQ(parse_workload_endpoint("unix:/run/workload.sock")->to_string(), "unix:///run/workload.sock");
}

TEST(WorkloadEndpoint, UnixWithAnAuthority) {
  EXPECT_TRUE(says("unix://run/workload.sock", "names a host"));
  EXPECT_TRUE(says("unix://localhost/run/workload.sock", "names a host"));
}

TEST(WorkloadEndpoint, UnixWithoutAnAbsolutePath) {
  EXPECT_TRUE(says("unix:run/workload.sock", "no absolute path"));
  EXPECT_TRUE(says("unix:", "no absolute path"));
  EXPECT_TRUE(says("unix:///", "no path"));
  EXPECT_TRUE(says("unix:///run/a?b", "more than a path"));
  EXPECT_TRUE(says("unix:///" + std::string(200, 'a'), "the workload endpoint"));
}

TEST(WorkloadEndpoint, TcpWithAHostName) {
  EXPECT_TRUE(says("tcp://localhost:8081", "names a host"));
  EXPECT_TRUE(says("tcp://agent.acme.example:8081", "names a host"));
}

TEST(WorkloadEndpoint, TcpWithMoreThanAnAddress) {
  for (const char* text :
       {"tcp://127.0.0.1:8081/", "tcp://127.0.0.1:8081/path", "tcp://127.0.0.1:8081?a", "tcp://user@127.0.0.1:8081"}) {
    EXPECT_TRUE(says(text, "more than an address")) << text;
  }
}

TEST(WorkloadEndpoint, TcpWithoutAPort) {
  for (const char* text :
       {"tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:0", "tcp://127.0.0.1:99999", "tcp://"}) {
    EXPECT_TRUE(says(text, "no address and port")) << text;
  }
}

TEST(WorkloadEndpoint, WhatIsNeither) {
  EXPECT_TRUE(says("", "is empty"));
  EXPECT_TRUE(says("/run/workload.sock", "is neither"));
  EXPECT_TRUE(says("https://127.0.0.1:8081", "is neither"));
  EXPECT_TRUE(says("UNIX:///run/workload.sock", "is neither"));
  EXPECT_TRUE(says("unix:///run/work load.sock", "plain text"));
}

}  // namespace
}  // namespace cloister::mesh
