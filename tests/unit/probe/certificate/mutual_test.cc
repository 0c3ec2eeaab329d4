// Servers that want a certificate of their clients, and those that only say so.
#include "probe/certificate/mutual.h"

#include <gtest/gtest.h>

#include "net/address.h"
#include "tests/support/certificates.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/expect.h"
#include "tests/support/foreign_server.h"

namespace cloister::probe {
namespace {

using namespace cloister::testing;
using Version = ForeignServerOptions::Version;

class MutualTest : public ::testing::Test {
 protected:
  ForeignServerOptions server(Version newest, bool asks) {
    ForeignServerOptions options;
    options.chain = {authority_.issue()};
    options.newest = newest;
    if (asks) options.clients_pem = authority_.certificate().to_pem();
    return options;
  }
  Facts look(const ForeignServer& server, const MutualOptions& options = {}) {
    const net::TcpAddress address{"127.0.0.1", server.port()};
    Dialer dialer({address, value_of(net::numeric_address(address)), ""}, {});
    DeterministicRandom random(7);
    return probe_mutual(dialer, options, random, kNow);
  }
  static void expect_fact(const Facts& facts, const char* check, const char* subject, Seen seen) {
    const Fact* fact = facts.find(check, subject);
    ASSERT_NE(fact, nullptr) << check << " " << subject;
    EXPECT_EQ(name_of(fact->seen), name_of(seen)) << check << " " << subject << ": " << fact->detail;
  }

  TestAuthority authority_{1};
};

TEST_F(MutualTest, AsksNobody) {
  const ForeignServer open(server(Version::kTls13, false));
  const Facts facts = look(open);
  expect_fact(facts, "M1", "asked", Seen::kNo);
  expect_fact(facts, "M1", "required", Seen::kNo);
}

// The client's handshake is done before the server says no.
TEST_F(MutualTest, RequiresByTls13) {
  const ForeignServer closed(server(Version::kTls13, true));
  const Facts facts = look(closed);
  expect_fact(facts, "M1", "asked", Seen::kYes);
  expect_fact(facts, "M1", "required", Seen::kYes);
  EXPECT_NE(facts.find("M1", "required")->detail.find("116"), std::string::npos);
  expect_fact(facts, "M2", "authorities told", Seen::kNo);
}

TEST_F(MutualTest, RequiresByTls12) {
  const ForeignServer closed(server(Version::kTls12, true));
  const Facts facts = look(closed);
  expect_fact(facts, "M1", "asked", Seen::kYes);
  expect_fact(facts, "M1", "required", Seen::kYes);
}

TEST_F(MutualTest, NegativesAreRefusedAndTheOwnIsLetIn) {
  const ForeignServer closed(server(Version::kTls13, true));
  const crypto::Certificate client = authority_.issue({}, 1001);
  const crypto::Secret key = key_of_seed(1001).to_pkcs8();
  const std::vector<Bytes> chain{client.der()};
  crypto::MemorySigner signer(key_of_seed(1));
  const TrustedIssuer issuer{authority_.certificate(), &signer};
  MutualOptions options;
  options.negative = true;
  options.issuer = &issuer;
  options.own = value_of(net::Credentials::from_der(chain, key));
  const Facts facts = look(closed, options);
  expect_fact(facts, "M1", "own certificate admitted", Seen::kYes);
  for (const char* subject : {"self-signed", "expired", "without clientAuth", "foreign trust domain"}) {
    expect_fact(facts, "M3", subject, Seen::kNo);
  }
  // This server authenticates and authorizes nobody: every id of its authority comes in.
  expect_fact(facts, "M4", "wrong id", Seen::kYes);
}

TEST_F(MutualTest, WithoutAnIssuerTheWrongIdIsUnknown) {
  const ForeignServer closed(server(Version::kTls13, true));
  MutualOptions options;
  options.negative = true;
  const Facts facts = look(closed, options);
  expect_fact(facts, "M3", "self-signed", Seen::kNo);
  expect_fact(facts, "M4", "wrong id", Seen::kUnknown);
}

TEST_F(MutualTest, NobodyThere) {
  std::uint16_t port = 0;
  {
    const ForeignServer gone(server(Version::kTls13, false));
    port = gone.port();
  }
  const net::TcpAddress address{"127.0.0.1", port};
  Dialer dialer({address, value_of(net::numeric_address(address)), ""}, {});
  DeterministicRandom random(7);
  expect_fact(probe_mutual(dialer, {}, random, kNow), "M1", "required", Seen::kUnknown);
}

}  // namespace
}  // namespace cloister::probe
