// The whole prober against OpenSSL's servers, good and bad, and against hosts that are worse than that.
#include "probe/tls/probe_tls.h"

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <algorithm>
#include <atomic>

#include "probe/tls/bytes.h"
#include "probe/tls/handshake.h"
#include "probe/tls/incoming.h"
#include "probe/tls/names.h"
#include "tests/support/expect.h"
#include "tests/support/tls_target.h"

namespace cloister::probe {
namespace {

using testing::expect_refused;
using testing::TcpServer;
using testing::TlsTarget;
using testing::TlsTargetOptions;
using testing::value_of;

Endpoint endpoint_of(std::uint16_t port, const std::string& name = "target.test") {
  return {{"127.0.0.1", port}, net::numeric_address({"127.0.0.1", port}).value(), name};
}

constexpr Politeness kQuick{.connections_per_second = 1000};

Result<TlsFindings> probe(std::uint16_t port, TlsProbeOptions options = {}, Politeness politeness = kQuick) {
  Dialer dialer(endpoint_of(port), politeness);
  crypto::SystemRandom random;
  return probe_tls(dialer, options, random);
}

Facts facts_of(const TlsTargetOptions& options, const TlsProbeOptions& probing = {}) {
  TlsTarget target(options);
  return value_of(probe(target.port(), probing)).facts;
}

void expect_seen(const Facts& facts, Seen seen, std::string_view check, std::string_view subject = {}) {
  const Fact* fact = facts.find(check, subject);
  EXPECT_EQ(name_of(facts.seen(check, subject)), name_of(seen))
      << check << " " << subject << ": " << (fact == nullptr ? "not looked at" : fact->detail);
}

TEST(ProbeTls, ServerOfToday) {
  TlsTarget target({.protocols = {"h2", "http/1.1"}, .server_name = "target.test"});
  const TlsFindings found = value_of(probe(target.port()));
  const Facts& facts = found.facts;
  using enum Seen;
  for (const auto* check : {"P1", "P2", "P3", "P4"}) expect_seen(facts, kNo, check);
  for (const auto* check : {"P0", "P5", "P6", "P8", "P10", "H1"}) expect_seen(facts, kYes, check);
  expect_seen(facts, kYes, "P9", "TLS 1.2");
  expect_seen(facts, kNo, "P6", "drafts");
  expect_seen(facts, kYes, "P7", "GREASE");
  expect_seen(facts, kYes, "P7", "later version");
  expect_seen(facts, kYes, "C1", "TLS 1.3 TLS_AES_256_GCM_SHA384");
  expect_seen(facts, kYes, "C1", "TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  expect_seen(facts, kNo, "C2", "NULL");
  expect_seen(facts, kYes, "G1", "x25519");
  expect_seen(facts, kYes, "G2", "X25519MLKEM768");
  expect_seen(facts, kYes, "G2");
  expect_seen(facts, kNo, "G2", "MLKEM512");
  for (const auto* way : {"two segments", "two records", "1800 bytes"}) expect_seen(facts, kYes, "G4", way);
  expect_seen(facts, kYes, "S1", "TLS 1.3 ecdsa_secp256r1_sha256");
  expect_seen(facts, kNo, "S1", "TLS 1.3 SHA-1");
  expect_seen(facts, kNo, "H2");
  expect_seen(facts, kNo, "H3");
  expect_seen(facts, kNotApplicable, "H4", "Heartbleed");
  expect_seen(facts, kNo, "H5");
  expect_seen(facts, kNotApplicable, "H6");
  expect_seen(facts, kNo, "H7");
  expect_seen(facts, kYes, "H8", "extended master secret");
  expect_seen(facts, kYes, "H9", "TLS 1.2 ticket");
  expect_seen(facts, kYes, "H9", "TLS 1.3 ticket");
  expect_seen(facts, kYes, "H9", "session id");
  expect_seen(facts, kYes, "H10", "TLS 1.2 ticket key name");
  expect_seen(facts, kNo, "H12");
  expect_seen(facts, kYes, "H14", "h2");
  expect_seen(facts, kNo, "H14", "acme-tls/1");
  expect_seen(facts, kYes, "H14", "mismatch refused");
  expect_seen(facts, kYes, "H15", "unknown name refused");
  ASSERT_EQ(found.chains.size(), 1U);
  EXPECT_EQ(found.chains.front().size(), 1U);
}

TEST(ProbeTls, PostQuantumAlone) {
  const Facts facts = facts_of({.oldest = 0x0304, .groups = "X25519MLKEM768"});
  expect_seen(facts, Seen::kYes, "P6");
  expect_seen(facts, Seen::kNo, "P5");
  expect_seen(facts, Seen::kYes, "G1", "X25519MLKEM768");
  expect_seen(facts, Seen::kUnknown, "G1", "x25519");  // not looked at: it isn't among those that are taken
  expect_seen(facts, Seen::kNotApplicable, "G3");
  expect_seen(facts, Seen::kYes, "S1", "TLS 1.3 ecdsa_secp256r1_sha256");
  expect_seen(facts, Seen::kYes, "H9", "TLS 1.3 ticket");
  expect_seen(facts, Seen::kNotApplicable, "H6");
}

TEST(ProbeTls, PreferenceForPostQuantum) {
  expect_seen(facts_of({.oldest = 0x0304, .groups = "X25519MLKEM768/X25519"}), Seen::kYes, "G3");
  expect_seen(facts_of({.oldest = 0x0304, .groups = "X25519:X25519MLKEM768"}), Seen::kNo, "G3");
}

TEST(ProbeTls, OldAndWeak) {
  const Facts facts = facts_of({.key = TlsTargetOptions::Key::kRsa,
                                .oldest = 0x0301,
                                .newest = 0x0303,
                                .ciphers = "ALL:COMPLEMENTOFALL:@SECLEVEL=0",
                                .server_prefers = true,
                                .renegotiation = true});
  using enum Seen;
  for (const auto* check : {"P3", "P4", "P5"}) expect_seen(facts, kYes, check);
  expect_seen(facts, kNo, "P6");
  expect_seen(facts, kYes, "C2", "NULL");
  expect_seen(facts, kYes, "C2", "anonymous");
  expect_seen(facts, kYes, "C3", "static RSA");
  expect_seen(facts, kYes, "C3", "CBC");
  expect_seen(facts, kYes, "C4", "TLS 1.2");
  expect_seen(facts, kNo, "C5");
  expect_seen(facts, kYes, "C6", "bits");
  expect_seen(facts, kYes, "H2");
  expect_seen(facts, kNo, "H6");
  expect_seen(facts, kYes, "H8", "encrypt-then-MAC");
  expect_seen(facts, kYes, "H19", "BEAST");
  expect_seen(facts, kNo, "H19", "POODLE");
  expect_seen(facts, kNo, "H19", "DROWN");
  expect_seen(facts, kYes, "P9", "TLS 1.1");
}

TEST(ProbeTls, ClientDecides) {
  const Facts facts = facts_of({.newest = 0x0303, .ciphers = "ECDHE+AESGCM:@SECLEVEL=0"});
  expect_seen(facts, Seen::kNo, "C4", "TLS 1.2");
  expect_seen(facts, Seen::kYes, "C5");
  expect_seen(facts, Seen::kNotApplicable, "P8");
}

TEST(ProbeTls, EarlyDataAndItsReplay) {
  const TlsTargetOptions early{.oldest = 0x0304, .early_data = 4096};
  const Facts facts = facts_of(early);
  expect_seen(facts, Seen::kYes, "H12");
  EXPECT_EQ(facts.find("H12", "")->detail, "4096 bytes");
  EXPECT_EQ(facts.find("H13", ""), nullptr);  // nobody asked for it
  expect_seen(facts_of(early, {.replay = EarlyDataReplay::kYes}), Seen::kYes, "H13");
}

TEST(ProbeTls, ClientsNeedACertificate) {
  const Facts facts = facts_of({.asks_clients = true});
  expect_seen(facts, Seen::kYes, "P6");
  expect_seen(facts, Seen::kYes, "C1", "TLS 1.3 TLS_AES_128_GCM_SHA256");
  expect_seen(facts, Seen::kUnknown, "H9", "session id");
  expect_seen(facts, Seen::kUnknown, "H2");
}

TEST(ProbeTls, SessionsAcrossHosts) {
  TlsTarget first({});
  TlsTarget second({});
  Dialer one(endpoint_of(first.port()), kQuick);
  Dialer other(endpoint_of(second.port()), kQuick);
  const Facts same = probe_shared_sessions(one, one, {});
  expect_seen(same, Seen::kYes, "H10", "TLS 1.2 across hosts");
  expect_seen(same, Seen::kYes, "H10", "TLS 1.3 across hosts");
  const Facts apart = probe_shared_sessions(one, other, {});
  expect_seen(apart, Seen::kNo, "H10", "TLS 1.2 across hosts");
  expect_seen(apart, Seen::kNo, "H10", "TLS 1.3 across hosts");
}

TEST(ProbeTls, BudgetThatEndsOnTheWay) {
  TlsTarget target({});
  const TlsFindings found = value_of(probe(target.port(), {}, {.connections = 20, .connections_per_second = 1000}));
  EXPECT_EQ(target.connections(), 20U);
  expect_seen(found.facts, Seen::kYes, "P6");
  expect_seen(found.facts, Seen::kUnknown, "P0");
  for (const Fact& fact : found.facts.all()) EXPECT_NE(fact.seen, Seen::kNo) << fact.check << " " << fact.subject;
}

TEST(ProbeTls, NobodyThere) {
  std::uint16_t port = 0;
  {
    port = TcpServer([](int) {}).port();
  }
  expect_refused(probe(port), Code::kUnavailable, "connect");
}

// What isn't TLS at all.
class NotTls : public ::testing::TestWithParam<std::string> {};

TEST_P(NotTls, IsSaidSo) {
  const std::string greeting = GetParam();
  TcpServer server([greeting](int socket) {
    testing::receive_some(socket);
    testing::send_all(socket, as_bytes(greeting));
  });
  expect_refused(probe(server.port()), Code::kUnavailable, "doesn't speak TLS");
}

INSTANTIATE_TEST_SUITE_P(Greetings, NotTls,
                         ::testing::Values("SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", ""));

TlsProbeOptions impatient() { return {.answer_time = Duration{50}, .at_once = 8}; }

TEST(ProbeTls, SilentHost) {
  TcpServer server([](int socket) {
    while (!testing::receive_some(socket).empty()) continue;
  });
  expect_refused(probe(server.port(), impatient()), Code::kUnavailable, "no answer in time");
}

// Hosts that answer, and never with anything right: the scan ends, and no check finds them good.
void expect_nothing_found(const TcpServer::Serve& serve) {
  TcpServer server(serve);
  const auto found = probe(server.port(), impatient());
  if (!found.ok()) return;
  for (const Fact& fact : found->facts.all()) EXPECT_NE(fact.seen, Seen::kYes) << fact.check << " " << fact.subject;
  EXPECT_EQ(found->facts.seen("P5"), Seen::kUnknown);
}

TEST(ProbeTls, EndlessEmptyRecords) {
  expect_nothing_found([](int socket) {
    testing::receive_record(socket);
    while (testing::send_all(socket, record(RecordType::kHandshake, kTls12, {}))) continue;
  });
}

TEST(ProbeTls, EndlessMessage) {
  expect_nothing_found([](int socket) {
    testing::receive_record(socket);
    testing::send_all(socket, record(RecordType::kHandshake, kTls12, Bytes{2, 0xff, 0xff, 0xff}));
    while (testing::send_all(socket, record(RecordType::kHandshake, kTls12, Bytes(16000, 0)))) continue;
  });
}

TEST(ProbeTls, RecordThatIsTooLong) {
  expect_nothing_found([](int socket) {
    testing::receive_record(socket);
    testing::send_all(socket, record(RecordType::kHandshake, kTls12, Bytes(40000, 2)));
  });
}

TEST(ProbeTls, LengthsThatLie) {
  expect_nothing_found([](int socket) {
    testing::receive_record(socket);
    const Bytes body = TlsWriter().u16(kTls12).bytes(Bytes(32, 1)).u8(32).bytes(Bytes(3, 1)).take();
    testing::send_all(socket, record(RecordType::kHandshake, kTls12, TlsWriter().u8(2).vector24(body).view()));
  });
}

// A server that is made up: it takes one suite of one version, and a test decides the rest.
struct Hello {
  std::uint16_t version = 0;
  std::vector<std::uint16_t> suites;
  Bytes session_id;
  Bytes compression;
  std::vector<std::uint16_t> extensions;
  bool has(std::uint16_t type) const { return std::ranges::find(extensions, type) != extensions.end(); }
};

std::optional<Hello> read_hello(int socket) {
  Bytes whole;
  do {
    const Bytes raw = testing::receive_record(socket);
    if (raw.size() < 9 || raw[0] != 22 || (whole.empty() && raw[5] != 1)) return std::nullopt;
    whole.insert(whole.end(), raw.begin() + 5, raw.end());
  } while (whole.size() < 4U + (std::size_t{whole[2]} << 8 | whole[3]));
  TlsReader reader(ByteView(whole).subspan(4));
  Hello hello;
  hello.version = reader.u16().value();
  CLOISTER_CHECK(reader.bytes(32).ok());
  hello.session_id = to_bytes(reader.vector8().value());
  TlsReader suites(reader.vector16().value());
  while (!suites.at_end()) hello.suites.push_back(suites.u16().value());
  hello.compression = to_bytes(reader.vector8().value());
  TlsReader extensions(reader.at_end() ? ByteView() : reader.vector16().value());
  while (!extensions.at_end()) {
    hello.extensions.push_back(extensions.u16().value());
    CLOISTER_CHECK(extensions.vector16().ok());
  }
  return hello;
}

struct MadeUp {
  std::uint16_t suite = 0x002f;  // TLS_RSA_WITH_AES_128_CBC_SHA
  std::uint8_t compression = 0;
  Bytes extensions = {};
  std::function<void(int)> after_flight = {};
};

Bytes refusal(std::uint8_t description) { return record(RecordType::kAlert, kTls12, Bytes{2, description}); }

// TLS 1.2 and nothing else.
TcpServer::Serve made_up(const MadeUp& server) {
  return [server](int socket) {
    const auto hello = read_hello(socket);
    if (!hello) return;
    const bool right_version = hello->version == kTls12 && !hello->has(kExtSupportedVersions);
    if (!right_version || std::ranges::find(hello->suites, server.suite) == hello->suites.end()) {
      testing::send_all(socket, refusal(right_version ? 40 : 70));
      return;
    }
    TlsWriter body;
    body.u16(kTls12).bytes(Bytes(32, 1)).vector8(Bytes(32, 9)).u16(server.suite);
    body.u8(hello->compression.size() > 1 ? server.compression : 0).vector16(server.extensions);
    const Bytes certificate = testing::target_certificate(TlsTargetOptions::Key::kRsa);
    const Bytes chain = TlsWriter().vector24(TlsWriter().vector24(certificate).view()).take();
    TlsWriter flight;
    flight.u8(2).vector24(body.view()).u8(11).vector24(chain).u8(14).vector24({});
    testing::send_all(socket, record(RecordType::kHandshake, kTls12, flight.view()));
    if (server.after_flight) server.after_flight(socket);
    while (!testing::receive_some(socket).empty()) continue;
  };
}

Facts facts_of_made_up(const MadeUp& made) {
  TcpServer server(made_up(made));
  return value_of(probe(server.port(), {.answer_time = Duration{400}})).facts;
}

TEST(ProbeTls, CompressionAndHeartbeats) {
  const auto bleed = [](int socket) {
    const Bytes request = testing::receive_record(socket);
    if (request.empty() || request[0] != 24) return;
    Bytes answer(3 + 64 + 16, 'S');
    answer[0] = 2;
    testing::send_all(socket, record(RecordType::kHeartbeat, kTls12, answer));
  };
  const Facts facts = facts_of_made_up({.compression = 1, .extensions = Bytes{0, 15, 0, 1, 1}, .after_flight = bleed});
  expect_seen(facts, Seen::kYes, "H3");
  expect_seen(facts, Seen::kYes, "H19", "CRIME");
  expect_seen(facts, Seen::kYes, "H4", "extension");
  expect_seen(facts, Seen::kYes, "H4", "Heartbleed");
  expect_seen(facts, Seen::kNo, "H1");
}

TEST(ProbeTls, HeartbeatsThatDontBleed) {
  const Facts facts = facts_of_made_up({.extensions = Bytes{0, 15, 0, 1, 1}});
  expect_seen(facts, Seen::kYes, "H4", "extension");
  expect_seen(facts, Seen::kNo, "H4", "Heartbleed");
}

TEST(ProbeTls, EarlyChangeCipherSpec) {
  const auto answer_with = [](std::uint8_t alert) {
    return [alert](int socket) {
      const Bytes came = testing::receive_record(socket);
      if (!came.empty() && came[0] == 20) testing::send_all(socket, refusal(alert));
    };
  };
  expect_seen(facts_of_made_up({.after_flight = answer_with(20)}), Seen::kYes, "H5");
  expect_seen(facts_of_made_up({.after_flight = answer_with(10)}), Seen::kNo, "H5");
}

// Decrypts nothing: tells blocks apart by how often it was asked, as an oracle would by their padding.
TEST(ProbeTls, PaddingOracle) {
  std::atomic<int> exchanges{0};
  const auto oracle = [&exchanges](int socket) {
    const Bytes came = testing::receive_record(socket);
    if (came.empty() || came[0] != 22 || came[5] != 16) return;
    testing::send_all(socket, refusal(exchanges++ % 5 == 1 ? 51 : 20));
    ::shutdown(socket, SHUT_RDWR);
  };
  expect_seen(facts_of_made_up({.after_flight = oracle}), Seen::kYes, "H6");

  const auto same = [](int socket) {
    const Bytes came = testing::receive_record(socket);
    if (came.empty() || came[0] != 22 || came[5] != 16) return;
    testing::send_all(socket, refusal(20));
    ::shutdown(socket, SHUT_RDWR);
  };
  expect_seen(facts_of_made_up({.after_flight = same}), Seen::kNo, "H6");

  std::atomic<int> calls{0};
  const auto fickle = [&calls](int socket) {
    const Bytes came = testing::receive_record(socket);
    if (came.empty() || came[0] != 22 || came[5] != 16) return;
    testing::send_all(socket, refusal(calls++ == 1 ? 51 : 20));
    ::shutdown(socket, SHUT_RDWR);
  };
  expect_seen(facts_of_made_up({.after_flight = fickle}), Seen::kUnknown, "H6");
}

TEST(ProbeTls, SuiteThatWasNotOffered) {
  TcpServer server([](int socket) {
    if (!read_hello(socket)) return;
    const Bytes body = TlsWriter().u16(kTls12).bytes(Bytes(32, 1)).u8(0).u16(0x4242).u8(0).take();
    testing::send_all(socket, record(RecordType::kHandshake, kTls12, TlsWriter().u8(2).vector24(body).view()));
  });
  const auto found = probe(server.port(), {.answer_time = Duration{200}});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->facts.find("C1", "TLS 1.2 0x4242"), nullptr);
  expect_seen(found->facts, Seen::kUnknown, "C1", "TLS 1.2");
  expect_seen(found->facts, Seen::kUnknown, "C2", "NULL");
}

TEST(ProbeTls, Sslv2) {
  TcpServer server([](int socket) {
    const Bytes hello = testing::receive_some(socket);
    if (hello.size() < 5 || (hello[0] & 0x80) == 0 || hello[4] != 2) return;
    TlsWriter body;
    body.u8(4)
        .u8(0)
        .u8(1)
        .u16(2)
        .u16(3)
        .u16(3)
        .u16(16)
        .bytes(Bytes{1, 2, 3})
        .bytes(Bytes{2, 0, 0x80})
        .bytes(Bytes(16, 1));
    testing::send_all(
        socket, TlsWriter().u16(static_cast<std::uint16_t>(0x8000 | body.view().size())).bytes(body.view()).view());
  });
  const auto found = probe(server.port(), {.answer_time = Duration{400}});
  ASSERT_TRUE(found.ok()) << found.error().message();
  expect_seen(found->facts, Seen::kYes, "P1");
  expect_seen(found->facts, Seen::kYes, "C1", "SSLv2 SSL_CK_RC4_128_EXPORT40_WITH_MD5");
  expect_seen(found->facts, Seen::kYes, "H19", "DROWN");
}

}  // namespace
}  // namespace cloister::probe
