#include "mesh/workload_api/x509_svid_answer.h"

#include <gtest/gtest.h>

#include "mesh/workload_api/messages.h"
#include "net/protobuf.h"
#include "tests/support/certificates.h"
#include "tests/support/test_identities.h"
#include "tests/support/value_of.h"

namespace cloister::mesh {
namespace {

using net::ProtobufWriter;
using testing::kNow;
using testing::TestIdentities;
using testing::value_of;

constexpr auto kStrict = identity::Conformance::kStrict;

class X509SvidAnswer : public ::testing::Test {
 protected:
  X509SvidAnswer() { identities_.set_entries({{"/worker", "main"}, {"/other", "side"}}); }

  std::shared_ptr<const WorkloadState> state() { return value_of(identities_.state_of({})); }

  // The first SVID's fields, to be spoilt.
  struct Fields {
    std::string id;
    Bytes chain, key, bundle;
    std::string hint;
  };
  Fields fields() {
    const auto held = state()->svids.front();
    const auto* bundle = state()->bundles.find(held.svid.id().trust_domain());
    return {held.svid.id().uri(), held.svid.leaf().der(), to_bytes(held.key->to_pkcs8().expose()),
            bundle->x509_authorities().front().der(), held.hint};
  }
  static net::Buffer answer(const std::vector<Fields>& all) {
    net::Buffer message;
    for (const Fields& one : all) {
      net::Buffer svid;
      ProtobufWriter(svid).text(1, one.id).bytes(2, one.chain).bytes(3, one.key).bytes(4, one.bundle).text(5, one.hint);
      ProtobufWriter(message).present(1, svid);
    }
    return message;
  }
  static void expect_refused(ByteView message, std::string_view why, Code code = Code::kInvalid) {
    const auto state = parse_x509_svids(message, kStrict);
    ASSERT_FALSE(state.ok()) << why;
    EXPECT_EQ(state.error().code(), code) << state.error().message();
    EXPECT_NE(state.error().message().find(why), std::string::npos) << state.error().message();
  }

  TestIdentities identities_{"acme.test", [] { return kNow; }};
  TestIdentities rival_{"rival.test", [] { return kNow; }};
};

TEST_F(X509SvidAnswer, WhatTheServerWrites) {
  identities_.federate(rival_.bundle());
  identities_.set_entries({{"/worker", "main", {"rival.test"}}, {"/other", "side"}});
  const auto sent = state();
  const auto state = parse_x509_svids(value_of(write_x509_svids(*sent)), kStrict);
  ASSERT_TRUE(state.ok()) << state.error().message();
  ASSERT_EQ(state->svids.size(), 2U);
  EXPECT_EQ(state->svids[0].svid.id().uri(), "spiffe://acme.test/worker");
  EXPECT_EQ(state->svids[0].hint, "main");
  EXPECT_EQ(state->svids[1].svid.id().uri(), "spiffe://acme.test/other");
  EXPECT_EQ(state->svids[0].key->public_key(), sent->svids[0].key->public_key());
  EXPECT_EQ(state->bundles.all().size(), 2U);
  EXPECT_NE(state->bundles.find(value_of(identity::TrustDomain::parse("rival.test"))), nullptr);
}

TEST_F(X509SvidAnswer, NoSvid) { expect_refused({}, "no SVID", Code::kNotFound); }

TEST_F(X509SvidAnswer, NotProtobuf) { expect_refused(as_bytes("\x0a\x05"), "ends within a field"); }

TEST_F(X509SvidAnswer, IdOfAnother) {
  Fields spoilt = fields();
  spoilt.id = "spiffe://acme.test/other";
  expect_refused(answer({spoilt}), "the certificate is that of spiffe://acme.test/worker");
  spoilt.id = "https://acme.test/worker";
  expect_refused(answer({spoilt}), "the SVID of https://acme.test/worker");
}

TEST_F(X509SvidAnswer, KeyOfAnother) {
  Fields spoilt = fields();
  const auto other = state()->svids[1];
  spoilt.key = to_bytes(other.key->to_pkcs8().expose());
  expect_refused(answer({spoilt}), "the private key isn't the certificate's");
}

TEST_F(X509SvidAnswer, WhatLacks) {
  for (const auto& spoil : std::vector<std::function<void(Fields&)>>{
           [](Fields& one) { one.id.clear(); }, [](Fields& one) { one.chain.clear(); },
           [](Fields& one) { one.key.clear(); }, [](Fields& one) { one.chain.resize(20); },
           [](Fields& one) { one.bundle.resize(20); }, [](Fields& one) { one.hint = std::string(2000, 'x'); }}) {
    Fields spoilt = fields();
    spoil(spoilt);
    EXPECT_FALSE(parse_x509_svids(answer({spoilt}), kStrict).ok());
  }
}

TEST_F(X509SvidAnswer, HintThatIsThereTwice) {
  const Fields one = fields();
  const auto state = parse_x509_svids(answer({one, one}), kStrict);
  ASSERT_TRUE(state.ok()) << state.error().message();
  EXPECT_EQ(state->svids[0].hint, "main");
  EXPECT_EQ(state->svids[1].hint, "");
}

TEST_F(X509SvidAnswer, TooManySvids) {
  expect_refused(answer(std::vector<Fields>(kAnswerSvidsMax + 1, fields())), "too many SVIDs");
}

TEST_F(X509SvidAnswer, FederatedBundleOfTheOwnTrustDomain) {
  net::Buffer message = answer({fields()});
  const auto rival = rival_.bundle();
  const Bytes& certificate = rival.x509_authorities().front().der();
  ProtobufWriter(message).entry(3, "spiffe://acme.test", certificate).entry(3, "spiffe://empty.test", {});
  const auto state = parse_x509_svids(message, kStrict);
  ASSERT_TRUE(state.ok()) << state.error().message();
  ASSERT_EQ(state->bundles.all().size(), 1U);
  EXPECT_NE(state->bundles.all().begin()->second.x509_authorities().front().der(), certificate);
}

TEST_F(X509SvidAnswer, FederatedBundleThatIsNone) {
  net::Buffer message = answer({fields()});
  ProtobufWriter(message).entry(3, "spiffe://rival.test/workload", {});
  expect_refused(message, "named by a workload's id");
  message = answer({fields()});
  ProtobufWriter(message).entry(3, "spiffe://rival.test", as_bytes("no certificate"));
  expect_refused(message, "the bundle of spiffe://rival.test");
}

}  // namespace
}  // namespace cloister::mesh
