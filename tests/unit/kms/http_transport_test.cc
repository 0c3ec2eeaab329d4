#include "kms/http_transport.h"

#include "kms/provider.h"
#include "tests/support/expect.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;

TEST(EndpointUrl, Parts) {
  const auto aws = parse_endpoint("https://KMS.eu-west-1.amazonaws.com").value();
  EXPECT_TRUE(aws.tls);
  EXPECT_EQ(aws.host, "kms.eu-west-1.amazonaws.com");
  EXPECT_EQ(aws.port, 443);
  EXPECT_EQ(aws.path, "");
  EXPECT_EQ(aws.authority(), "kms.eu-west-1.amazonaws.com");
  const auto vault = parse_endpoint("https://vault.acme.example:8200/v1/").value();
  EXPECT_EQ(vault.port, 8200);
  EXPECT_EQ(vault.path, "/v1");
  EXPECT_EQ(vault.authority(), "vault.acme.example:8200");
  const auto six = parse_endpoint("https://[2001:DB8::1]:8443/").value();
  EXPECT_EQ(six.host, "2001:db8::1");
  EXPECT_EQ(six.authority(), "[2001:db8::1]:8443");
  EXPECT_EQ(parse_endpoint("https://[::1]")->authority(), "[::1]");
}

TEST(EndpointUrl, PlainHttpIsForThisMachineAndItsHost) {
  for (const char* url : {"http://127.0.0.1:5000", "http://127.8.9.1", "http://[::1]:80", "http://169.254.169.254",
                          "http://[fe80::1]", "http://[fd00:ec2::254]", "http://metadata.google.internal/x"}) {
    const auto endpoint = parse_endpoint(url);
    ASSERT_TRUE(endpoint.ok()) << url << ": " << endpoint.error().message();
    EXPECT_FALSE(endpoint->tls);
  }
  EXPECT_EQ(parse_endpoint("http://127.0.0.1")->authority(), "127.0.0.1");
  for (const char* url : {"http://10.0.0.1", "http://128.0.0.1", "http://169.255.0.1", "http://[2001:db8::1]",
                          "http://[fd00:ec2::1]", "http://0.0.0.0", "http://kms.example"}) {
    expect_refused(parse_endpoint(url), Code::kInvalid, "plain http");
  }
}

TEST(EndpointUrl, Malformed) {
  for (const char* url : {"",
                          "kms.example",
                          "ftp://kms.example",
                          "https:/kms.example",
                          "https://",
                          "https:///path",
                          "https://user@host",
                          "https://user:pass@host",
                          "https://host?query",
                          "https://host/a?query",
                          "https://host/a#part",
                          "https://host/a b",
                          "https://host:0",
                          "https://host:65536",
                          "https://host:",
                          "https://host:12x",
                          "https://[::1",
                          "https://::1",
                          "https://ho st",
                          "HTTPS://host",
                          "https://host\\a"}) {
    expect_refused(parse_endpoint(url), Code::kInvalid, "read endpoint");
  }
  expect_refused(parse_endpoint("https://host/" + std::string(3000, 'a')), Code::kInvalid, "2048");
}

TEST(EndpointUrl, PlainHttpToANameThatIsElsewhere) {
  // A name is looked up when it is called; 0.0.0.0 stands for one that doesn't lead to this machine.
  Endpoint endpoint;
  endpoint.tls = false;
  endpoint.host = "192.0.2.1";
  endpoint.port = 80;
  const auto transport = web_transport(endpoint, {}).value();
  net::Request request;
  request.method = "GET";
  request.target = "/";
  expect_refused(transport->send(request, seconds(5)), Code::kDenied, "plain http");
}

TEST(WebTransport, HalfACertificate) {
  const Endpoint endpoint = parse_endpoint("https://127.0.0.1").value();
  expect_refused(web_transport(endpoint, {.certificate_file = "a.pem", .key_file = ""}), Code::kInvalid, "its key");
  expect_refused(web_transport(endpoint, {.certificate_file = "", .key_file = "k.pem"}), Code::kInvalid,
                 "its certificate");
}

TEST(WebTransport, AuthoritiesThatAreNotThere) {
  const Endpoint endpoint = parse_endpoint("https://127.0.0.1").value();
  expect_refused(web_transport(endpoint, {.authorities_file = "/nonexistent/ca.pem"}), Code::kNotFound, "ca.pem");
}

TEST(CanonicalContext, CannotBeReadTwoWays) {
  EXPECT_NE(canonical({{"ab", "c"}}), canonical({{"a", "bc"}}));
  EXPECT_NE(canonical({{"a", "b"}, {"c", "d"}}), canonical({{"a", "bcd"}}));
  EXPECT_EQ(canonical({}), Bytes());
  EXPECT_EQ(to_hex(canonical({{"b", ""}, {"a", "xy"}})),
            "010000006102000000787901000000620000"
            "0000");
}

TEST(RealWaiting, RandomIsWithinItsBounds) {
  const Waiting waiting = real_waiting();
  for (int i = 0; i < 1000; ++i) {
    const double value = waiting.random();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
  }
}

}  // namespace
}  // namespace cloister::kms
