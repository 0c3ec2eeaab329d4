#include "probe/path/capture.h"

#include <gtest/gtest.h>

#include "probe/path/classifier.h"
#include "probe/path/record_walk.h"
#include "probe/tls/client_hello.h"
#include "tests/support/expect.h"
#include "tests/unit/probe/path/packets.h"

namespace cloister::probe::path {
namespace {

using testing::expect_refused;
using testing::unhex;
using testing::value_of;

Bytes client_hello() {
  ClientHello hello;
  hello.suites = {0x1301, 0xc02b};
  hello.set(kExtServerName, server_name_body("serving.example"));
  return hello.records();
}

// A ServerHello of TLS 1.2 with that suite; of TLS 1.3, where `version` says so, with X25519.
Bytes server_hello(std::uint16_t version, std::uint16_t suite) {
  Bytes body = {3, 3};
  body = joined(body, Bytes(32, 7));
  body.push_back(0);
  put16(body, suite);
  body.push_back(0);
  if (version == 0x0304) {
    Bytes extensions = unhex("002b0002030400330024001d0020");
    extensions = joined(extensions, Bytes(32, 9));
    put16(body, extensions.size());
    body = joined(body, extensions);
  }
  Bytes message = {2, 0};
  put16(message, body.size());
  return joined(message, body);
}

Bytes certificate_message(std::size_t size) {
  Bytes message = {11, 0};
  put16(message, 3 + size);
  message = joined(message, Bytes{0, 0, static_cast<std::uint8_t>(size)});
  return joined(message, Bytes(size, 1));
}

Bytes sealed(std::size_t size = 40) { return record_of(23, Bytes(size, 0xaa)); }

Talk tls13() {
  Talk talk;
  talk.client(client_hello()).server(record_of(22, server_hello(0x0304, 0x1301)));
  talk.server(joined(record_of(20, Bytes{1}), sealed())).client(joined(record_of(20, Bytes{1}), sealed()));
  return talk;
}

Talk tls12(std::uint16_t suite, bool client_certificate) {
  Talk talk;
  talk.client(client_hello());
  talk.server(record_of(22, joined(server_hello(0x0303, suite), certificate_message(40))));
  if (client_certificate) talk.client(record_of(22, joined(certificate_message(40), unhex("0f000004aabbccdd"))));
  talk.client(joined(record_of(20, Bytes{1}), record_of(22, Bytes(40, 0xbb))));
  talk.server(joined(record_of(20, Bytes{1}), record_of(22, Bytes(40, 0xbb))));
  talk.client(sealed()).server(sealed());
  return talk;
}

Capture captured(Talk talk) { return value_of(read_capture(pcap_of(talk.packets()))); }
FlowTraits only(const Capture& capture) {
  CLOISTER_CHECK(capture.flows.size() == 1);
  return capture.flows.front().traits;
}

TEST(PathCaptureTest, Tls13HidesTheClient) {
  const Capture capture = captured(tls13());
  const FlowTraits traits = only(capture);
  EXPECT_EQ(traits.kind, FlowKind::kEncrypted);
  EXPECT_EQ(traits.tls_version, 0x0304);
  EXPECT_EQ(traits.suite, 0x1301);
  EXPECT_EQ(traits.group, 0x001d);
  EXPECT_EQ(traits.server_name, "serving.example");
  EXPECT_EQ(traits.client_proof, ClientProof::kUnknown);
  EXPECT_EQ(traits.server.to_string(), "10.0.0.2");
  EXPECT_EQ(traits.server_port, 8443);
  const auto statements = statements_of(capture);
  ASSERT_EQ(statements.size(), 1U);
  EXPECT_EQ(statements.front().protection, Protection::kTls);
}

TEST(PathCaptureTest, Tls12ShowsWhetherTheClientProvesItself) {
  EXPECT_EQ(only(captured(tls12(0xc02b, true))).client_proof, ClientProof::kShown);
  const Capture without = captured(tls12(0xc02b, false));
  EXPECT_EQ(only(without).client_proof, ClientProof::kNotShown);
  const auto statements = statements_of(without);
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_EQ(statements.back().claim, Claim::kClientNotProven);
}

TEST(PathCaptureTest, SuiteWithoutEncryptionIsPlaintext) {
  EXPECT_EQ(only(captured(tls12(0x0002, true))).kind, FlowKind::kPlaintext);
}

TEST(PathCaptureTest, BytesThatAreNoTlsAfterTheHandshake) {
  Talk talk = tls13();
  talk.client(as_bytes("GET /secret HTTP/1.1\r\n\r\n"));
  const Capture capture = captured(talk);
  EXPECT_EQ(only(capture).kind, FlowKind::kUnrecognised);
  EXPECT_EQ(statements_of(capture).front().claim, Claim::kUnrecognised);
}

TEST(PathCaptureTest, HandshakeThatFailedProvesNothing) {
  Talk talk;
  talk.client(client_hello()).server(unhex("15030300020228")).end(Way::kToClient);
  const Capture capture = captured(talk);
  EXPECT_EQ(only(capture).kind, FlowKind::kIncomplete);
  EXPECT_EQ(statements_of(capture).front().claim, Claim::kConnected);
}

TEST(PathCaptureTest, PlaintextAnswered) {
  Talk talk;
  talk.client(as_bytes("POST /v1/chat HTTP/1.1\r\n\r\n")).server(as_bytes("HTTP/1.1 200 OK\r\n\r\n"));
  EXPECT_EQ(only(captured(talk)).kind, FlowKind::kPlaintext);
}

TEST(PathCaptureTest, PlaintextRefusedByAnAlertOrAnEnd) {
  Talk alert;
  alert.client(as_bytes("GET / HTTP/1.1\r\n\r\n")).server(unhex("1503030002020a"));
  EXPECT_EQ(only(captured(alert)).kind, FlowKind::kRefused);
  Talk ended;
  ended.client(as_bytes("GET / HTTP/1.1\r\n\r\n")).end(Way::kToClient);
  EXPECT_EQ(only(captured(ended)).kind, FlowKind::kRefused);
}

TEST(PathCaptureTest, PlaintextThatIsTakenWithoutAWordIsNotRefused) {
  Talk talk;
  talk.client(as_bytes("POST / HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(only(captured(talk)).kind, FlowKind::kPlaintext);
}

TEST(PathCaptureTest, SegmentsOutOfOrderAndTwice) {
  Talk talk = tls13();
  auto& packets = talk.packets();
  packets.push_back(packets[2]);
  std::swap(packets[2], packets[5]);
  EXPECT_EQ(only(captured(talk)).kind, FlowKind::kEncrypted);
}

TEST(PathCaptureTest, MiddleOfAConnection) {
  Talk talk = tls13();
  talk.client(joined(sealed(), sealed())).server(joined(sealed(), sealed()));
  std::vector<Bytes> late(talk.packets().end() - 2, talk.packets().end());
  const FlowTraits traits = only(value_of(read_capture(pcap_of(late))));
  EXPECT_EQ(traits.kind, FlowKind::kEncrypted);
  EXPECT_EQ(traits.tls_version, 0);
  EXPECT_EQ(traits.server_port, 8443);
}

TEST(PathCaptureTest, OneDirectionAloneIsNotRecognised) {
  Talk talk = tls13();
  talk.client(joined(sealed(), sealed()));
  const std::vector<Bytes> late = {talk.packets().back()};
  EXPECT_NE(only(value_of(read_capture(pcap_of(late)))).kind, FlowKind::kEncrypted);
}

TEST(PathCaptureTest, CaptureThatEndsInTheMiddle) {
  Bytes file = pcap_of(tls13().packets());
  file.resize(file.size() - 3);
  const Capture capture = value_of(read_capture(file));
  EXPECT_TRUE(capture.cut_short);
  EXPECT_EQ(capture.packets, tls13().packets().size() - 1);
}

TEST(PathCaptureTest, NoCaptureAndUnknownLink) {
  expect_refused(read_capture(as_bytes("GET / HTTP/1.1\r\n")), Code::kInvalid, "no capture");
  Bytes file = pcap_of({});
  file[20] = 200;
  expect_refused(read_capture(file), Code::kUnsupported, "link");
}

TEST(PathCaptureTest, FlowsSurviveTheirJson) {
  const Capture capture = captured(tls12(0xc02b, true));
  const std::string json = format_flows(capture);
  const Capture again = value_of(parse_flows(json));
  EXPECT_EQ(format_flows(again), json);
  EXPECT_EQ(again.flows.front().traits, capture.flows.front().traits);
}

TEST(PathCaptureTest, FlowsThatAreNone) {
  expect_refused(parse_flows("{}"), Code::kInvalid, "format");
  expect_refused(parse_flows(R"({"format":"cloister-paths-flows/1","x":1})"), Code::kInvalid, "no field x");
  std::string json = format_flows(captured(tls13()));
  json.replace(json.find("10.0.0.2"), 8, "10.0.0.x");
  expect_refused(parse_flows(json), Code::kInvalid, "flow 1");
}

TEST(PathCaptureTest, DatagramsOfManyKinds) {
  const auto kind_of_udp = [](std::uint16_t port, const Bytes& payload) {
    const Capture capture = value_of(read_capture(pcap_of({udp_packet(port, payload)})));
    return std::pair(only(capture).kind, only(capture).protocol);
  };
  Bytes wireguard(148, 3);
  std::ranges::copy(Bytes{1, 0, 0, 0}, wireguard.begin());
  EXPECT_EQ(kind_of_udp(51820, wireguard), std::pair(FlowKind::kEncrypted, std::string("wireguard")));
  wireguard.push_back(0);
  EXPECT_EQ(kind_of_udp(51820, wireguard).first, FlowKind::kUnrecognised);
  EXPECT_EQ(kind_of_udp(443, joined(unhex("c300000001"), Bytes(40, 1))).second, "quic");
  EXPECT_EQ(kind_of_udp(5684, unhex("16fefd00000000000000000000")).second, "dtls");
  EXPECT_EQ(kind_of_udp(4791, Bytes(40, 0)), std::pair(FlowKind::kPlaintext, std::string("roce-v2")));
  EXPECT_EQ(kind_of_udp(9999, Bytes(40, 5)).first, FlowKind::kUnrecognised);
}

struct Start {
  std::string_view client, server;
  WireKind kind;
  std::string_view protocol;
};

TEST(PathClassifierTest, FirstBytes) {
  using std::string_view_literals::operator""sv;
  const Start starts[] = {
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", WireKind::kPlaintext, "h2c"},
      {"*1\r\n$4\r\nPING\r\n", "", WireKind::kPlaintext, "redis"},
      {"", "INFO {\"server_id\":1}", WireKind::kPlaintext, "nats"},
      {"", "SSH-2.0-OpenSSH_9\r\n", WireKind::kEncrypted, "ssh"},
      {"\0\0\0\x10\0\3\0\0user\0x\0\0"sv, "", WireKind::kPlaintext, "postgresql"},
      {"\0\0\0\x08\x04\xd2\x16\x2f\0\0\0\x10\0\3\0\0user\0x\0\0"sv, "N", WireKind::kPlaintext, "postgresql"},
      {"\0\0\0\x08\x04\xd2\x16\x30"sv, "G", WireKind::kEncrypted, "postgresql-gss"},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n", "", WireKind::kPlaintext, "http/1"},
  };
  for (const Start& start : starts) {
    const auto spoken = classify_stream(as_bytes(start.client), as_bytes(start.server), Last::kNo);
    ASSERT_TRUE(spoken.has_value()) << start.protocol;
    EXPECT_EQ(spoken->kind, start.kind) << start.protocol;
    EXPECT_EQ(spoken->protocol, start.protocol);
  }
}

TEST(PathClassifierTest, ZmtpByItsMechanism) {
  const auto greeting = [](std::string_view mechanism) {
    Bytes bytes = unhex("ff00000000000000007f0300");
    bytes = joined(bytes, as_bytes(mechanism));
    bytes.resize(64);
    return bytes;
  };
  EXPECT_EQ(classify_stream(greeting("CURVE"), {}, Last::kNo)->kind, WireKind::kEncrypted);
  EXPECT_EQ(classify_stream(greeting("NULL"), {}, Last::kNo)->kind, WireKind::kPlaintext);
  EXPECT_EQ(classify_stream(greeting("PLAIN"), {}, Last::kNo)->protocol, "zmtp-plain");
}

TEST(PathClassifierTest, TooLittleIsWaitedForAndThenUnrecognised) {
  EXPECT_FALSE(classify_stream(as_bytes("\x16\x03"), {}, Last::kNo).has_value());
  EXPECT_EQ(classify_stream(as_bytes("\x16\x03"), {}, Last::kYes)->kind, WireKind::kUnrecognised);
  EXPECT_EQ(classify_stream({}, {}, Last::kYes)->kind, WireKind::kUnrecognised);
}

TEST(PathRecordWalkTest, LossIsRecoveredFromOnlyWhereRecordsFollowEachOther) {
  RecordWalk walk;
  walk.add(sealed());
  walk.lose();
  walk.add(Bytes(100, 0x17));
  EXPECT_EQ(walk.application_records(), 1U);
  walk.add(joined(Bytes(7, 0x55), joined(sealed(), sealed())));
  EXPECT_EQ(walk.application_records(), 3U);
  EXPECT_FALSE(walk.broken());
}

TEST(PathRecordWalkTest, RecordThatIsTooLong) {
  RecordWalk walk;
  walk.add(unhex("1703034801"));
  EXPECT_TRUE(walk.broken());
}

}  // namespace
}  // namespace cloister::probe::path
