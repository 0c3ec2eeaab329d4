#include "mesh/workload_api/messages.h"

#include <gtest/gtest.h>

#include "net/protobuf.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/fake_grpc_call.h"
#include "tests/support/hex.h"
#include "tests/support/test_identities.h"

namespace cloister::mesh {
namespace {

using net::ProtobufWriter;
using testing::expect_refused;
using testing::field_of;
using testing::fields_of;
using testing::kNow;
using testing::TestIdentities;
using testing::text_of;
using testing::unhex;
using testing::value_of;

net::Buffer jwt_request(const std::vector<std::string>& audience, std::string_view id = {}) {
  net::Buffer message;
  ProtobufWriter writer(message);
  for (const std::string& one : audience) writer.present(1, as_bytes(one));
  writer.text(2, id);
  return message;
}

net::Buffer validate_request(std::string_view audience, std::string_view token) {
  net::Buffer message;
  ProtobufWriter(message).text(1, audience).text(2, token);
  return message;
}

std::shared_ptr<const WorkloadState> state_of(TestIdentities& identities) {
  return value_of(identities.state_of(net::UnixPeer{}));
}

TEST(WorkloadApiMessages, EmptyRequests) {
  EXPECT_TRUE(parse_empty_request({}).ok());
  EXPECT_TRUE(parse_empty_request(unhex("089601")).ok()) << "a field of a newer version";
  expect_refused(parse_empty_request(unhex("0a05")), Code::kInvalid, "ends within");
}

TEST(WorkloadApiMessages, JwtSvidRequest) {
  const auto request =
      value_of(parse_jwt_svid_request(jwt_request({"spiffe://example.org/db", "b"}, "spiffe://example.org/worker")));
  EXPECT_EQ(request.audience, (std::vector<std::string>{"spiffe://example.org/db", "b"}));
  EXPECT_EQ(request.id->uri(), "spiffe://example.org/worker");
  EXPECT_FALSE(value_of(parse_jwt_svid_request(jwt_request({"a"}))).id.has_value());
}

TEST(WorkloadApiMessages, JwtSvidRequestsThatAreRefused) {
  expect_refused(parse_jwt_svid_request({}), Code::kInvalid, "audience must be specified");
  expect_refused(parse_jwt_svid_request(jwt_request({""})), Code::kInvalid, "an audience is empty");
  expect_refused(parse_jwt_svid_request(jwt_request({std::string(513, 'a')})), Code::kInvalid, "audience");
  expect_refused(parse_jwt_svid_request(jwt_request(std::vector<std::string>(17, "a"))), Code::kInvalid, "too many");
  expect_refused(parse_jwt_svid_request(jwt_request({"a"}, "https://example.org/worker")), Code::kInvalid, "");
  expect_refused(parse_jwt_svid_request(jwt_request({"a"}, "spiffe://example.org/a//b")), Code::kInvalid, "");
  expect_refused(parse_jwt_svid_request(unhex("0a01ff")), Code::kInvalid, "audience");
  expect_refused(parse_jwt_svid_request(unhex("0801")), Code::kInvalid, "audience");
}

TEST(WorkloadApiMessages, ValidateRequest) {
  const auto request = value_of(parse_validate_jwt_svid_request(validate_request("db", "a.b.c")));
  EXPECT_EQ(request.audience, "db");
  EXPECT_EQ(request.token, "a.b.c");
  expect_refused(parse_validate_jwt_svid_request(validate_request("", "a.b.c")), Code::kInvalid, "audience must");
  expect_refused(parse_validate_jwt_svid_request(validate_request("db", "")), Code::kInvalid, "svid must");
  expect_refused(parse_validate_jwt_svid_request(validate_request("db", std::string(kTokenSizeMax + 1, 'a'))),
                 Code::kInvalid, "svid");
}

TEST(WorkloadApiMessages, X509SvidsWithTheirKeysAndBundles) {
  TestIdentities identities("example.org", [] { return kNow; });
  TestIdentities other("partner.example", [] { return kNow; });
  identities.federate(other.bundle());
  identities.set_entries({{"/worker", "main", {"partner.example"}}, {"/second", "", {"absent.example"}}});
  const auto state = state_of(identities);
  const net::Buffer message = value_of(write_x509_svids(*state));

  const auto svids = fields_of(message, 1);
  ASSERT_EQ(svids.size(), 2U);
  EXPECT_EQ(text_of(svids[0], 1), "spiffe://example.org/worker");
  EXPECT_EQ(text_of(svids[0], 5), "main");
  EXPECT_EQ(text_of(svids[1], 1), "spiffe://example.org/second");
  EXPECT_TRUE(fields_of(svids[1], 5).empty());
  const auto chain = value_of(crypto::Certificate::parse_all(field_of(svids[0], 2), 10));
  const auto key = value_of(crypto::PrivateKey::from_pkcs8(crypto::Secret::copy_of(field_of(svids[0], 3))));
  EXPECT_EQ(key.public_key(), value_of(chain.front().public_key()));
  EXPECT_EQ(field_of(svids[0], 4), identities.bundle().x509_authorities().front().der());

  const auto federated = fields_of(message, 3);
  ASSERT_EQ(federated.size(), 1U) << "a bundle that isn't there is left out";
  EXPECT_EQ(text_of(federated[0], 1), "spiffe://partner.example");
  EXPECT_EQ(field_of(federated[0], 2), other.bundle().x509_authorities().front().der());
}

TEST(WorkloadApiMessages, NoSvidAndNoBundle) {
  expect_refused(write_x509_svids({}), Code::kDenied, "no SVID");
  TestIdentities identities("example.org", [] { return kNow; });
  identities.set_entries({{}});
  WorkloadState state = *state_of(identities);
  state.bundles = {};
  expect_refused(write_x509_svids(state), Code::kInternal, "no bundle of example.org");
}

TEST(WorkloadApiMessages, BundlesThatTrustNobodyAreLeftOut) {
  TestIdentities identities("example.org", [] { return kNow; });
  const auto empty = value_of(identity::Bundle::create(value_of(identity::TrustDomain::parse("empty.example")), {},
                                                       identity::Conformance::kStrict));
  const auto bundles = identity::BundleSet().with(identities.bundle()).with(empty);
  const net::Buffer x509 = write_x509_bundles(bundles);
  EXPECT_EQ(text_of(field_of(x509, 2), 1), "spiffe://example.org");
  const net::Buffer jwt = write_jwt_bundles(bundles);
  EXPECT_EQ(text_of(field_of(jwt, 1), 1), "spiffe://example.org");
}

TEST(WorkloadApiMessages, JwtBundlesHaveKeysForTokensAlone) {
  TestIdentities identities("example.org", [] { return kNow; });
  const net::Buffer message = write_jwt_bundles(identity::BundleSet().with(identities.bundle()));
  const auto keys = value_of(parse_json(text_of(field_of(message, 1), 2)));
  ASSERT_EQ(keys.find("keys")->array()->size(), 1U);
  EXPECT_EQ(*keys.find("keys")->array()->front().find("use")->string(), "jwt-svid");
}

TEST(WorkloadApiMessages, Tokens) {
  const auto id = value_of(identity::SpiffeId::parse("spiffe://example.org/worker"));
  const net::Buffer message = write_jwt_svids({{id, "a.b.c", "main"}, {id, "d.e.f", ""}});
  const auto svids = fields_of(message, 1);
  ASSERT_EQ(svids.size(), 2U);
  EXPECT_EQ(text_of(svids[0], 1), id.uri());
  EXPECT_EQ(text_of(svids[0], 2), "a.b.c");
  EXPECT_EQ(text_of(svids[0], 3), "main");
}

// Written by Google's protobuf 7.36.2 for Python: json_format.ParseDict() of the claims in the test, serialized with
// deterministic=True.
TEST(WorkloadApiMessages, ClaimsAsAStruct) {
  const auto id = value_of(identity::SpiffeId::parse("spiffe://a/b"));
  const auto claims = [&](std::string_view json) {
    const net::Buffer message = write_validated({id, {}, kNow, value_of(parse_json(json))});
    EXPECT_EQ(text_of(message, 1), "spiffe://a/b");
    return to_hex(field_of(message, 2));
  };
  EXPECT_EQ(claims(R"({})"), "");
  EXPECT_EQ(claims(R"({"exp":1})"), "0a100a03657870120911000000000000f03f");
  EXPECT_EQ(claims(R"({"a":0})"), "0a0e0a01611209110000000000000000");
  EXPECT_EQ(claims(R"({"a":""})"), "0a070a016112021a00");
  EXPECT_EQ(claims(R"({"a":false})"), "0a070a016112022000");
  EXPECT_EQ(claims(R"({"a":true})"), "0a070a016112022001");
  EXPECT_EQ(claims(R"({"a":null})"), "0a070a016112020800");
  EXPECT_EQ(claims(R"({"a":{}})"), "0a070a016112022a00");
  EXPECT_EQ(claims(R"({"a":[]})"), "0a070a016112023200");
  EXPECT_EQ(claims(R"({"a":["x",{"b":-2.5}]})"),
            "0a200a0161121b32190a031a01780a122a100a0e0a016212091100000000000004c0");
}

}  // namespace
}  // namespace cloister::mesh
