#include "mesh/workload_api/sds_messages.h"

#include <gtest/gtest.h>

#include "net/protobuf.h"
#include "tests/support/certificates.h"
#include "tests/support/fake_grpc_call.h"
#include "tests/support/test_identities.h"

namespace cloister::mesh {
namespace {

using net::Buffer;
using net::ProtobufWriter;
using testing::field_of;
using testing::fields_of;
using testing::kNow;
using testing::TestIdentities;
using testing::text_of;
using testing::value_of;

// A node that says its version, and perhaps something in its metadata.
Buffer node(std::uint64_t major, std::uint64_t minor, ByteView disabled = {}) {
  Buffer semantic, build, metadata, out;
  ProtobufWriter(semantic).number(1, major).number(2, minor);
  ProtobufWriter(build).present(1, semantic);
  if (!disabled.empty()) ProtobufWriter(metadata).entry(1, "disable_spiffe_cert_validation", disabled);
  ProtobufWriter(out).text(1, "node-1").present(3, metadata).present(8, build);
  return out;
}
std::optional<Validation> validation_with(ByteView bytes) {
  Buffer request;
  ProtobufWriter(request).present(2, bytes);
  return value_of(parse_secret_request(request)).validation;
}
Buffer value(std::uint32_t kind, std::string_view text, std::uint64_t number = 0) {
  Buffer out;
  kind == 3 ? ProtobufWriter(out).text(3, text) : ProtobufWriter(out).number(kind, number);
  return out;
}

TEST(SecretRequest, AllOfIt) {
  Buffer status, message;
  ProtobufWriter(status).number(1, 3).text(2, "bad\nkey");
  ProtobufWriter(message)
      .text(1, "7")
      .text(3, "default")
      .text(3, "spiffe://acme.test")
      .text(4, kSecretType)
      .text(5, "n-1")
      .present(6, status)
      .text(99, "newer");
  const auto request = value_of(parse_secret_request(message));
  EXPECT_EQ(request.version, "7");
  EXPECT_EQ(request.names, (std::vector<std::string>{"default", "spiffe://acme.test"}));
  EXPECT_EQ(request.type, kSecretType);
  EXPECT_EQ(request.nonce, "n-1");
  EXPECT_EQ(request.rejected, "bad key");
  EXPECT_FALSE(request.validation.has_value());
}

TEST(SecretRequest, WhichEnvoysHaveAValidator) {
  EXPECT_EQ(validation_with(node(1, 40)), Validation::kSpiffe);
  EXPECT_EQ(validation_with(node(1, 18)), Validation::kSpiffe);
  EXPECT_EQ(validation_with(node(2, 0)), Validation::kSpiffe);
  EXPECT_EQ(validation_with(node(1, 17)), Validation::kPlain);
  EXPECT_EQ(validation_with(node(0, 40)), Validation::kPlain);
  EXPECT_EQ(validation_with({}), Validation::kPlain);
  EXPECT_EQ(validation_with(node(1, 40, value(4, "", 1))), Validation::kPlain);
  EXPECT_EQ(validation_with(node(1, 40, value(3, "true"))), Validation::kPlain);
  EXPECT_EQ(validation_with(node(1, 40, value(3, "false"))), Validation::kSpiffe);
  EXPECT_EQ(validation_with(node(1, 40, value(4, "", 0))), Validation::kSpiffe);
}

TEST(SecretRequest, WhatIsNone) {
  const auto refused = [](const Buffer& message) {
    return parse_secret_request(message).error().code() == Code::kInvalid;
  };
  EXPECT_TRUE(refused(net::to_buffer("\x0a\x05")));
  Buffer another_kind, many, long_name, control;
  ProtobufWriter(another_kind).number(3, 1);
  EXPECT_TRUE(refused(another_kind));
  for (std::size_t i = 0; i <= kSecretNamesMax; ++i) ProtobufWriter(many).text(3, "a");
  EXPECT_TRUE(refused(many));
  ProtobufWriter(long_name).text(3, std::string(3000, 'a'));
  EXPECT_TRUE(refused(long_name));
  ProtobufWriter(control).text(3, "a\nb");
  EXPECT_TRUE(refused(control));
  Buffer broken_node;
  ProtobufWriter(broken_node).text(2, "\x1a\x7f");
  EXPECT_TRUE(refused(broken_node));
}

class SecretAnswers : public ::testing::Test {
 protected:
  SecretAnswers() {
    identities_.federate(partner_.bundle());
    identities_.set_entries({{"/worker"}, {"/other"}});
  }

  std::shared_ptr<const WorkloadState> state() { return value_of(identities_.state_of({})); }
  // Secrets by their names, as they are within Any.
  std::map<std::string, Bytes> secrets(const std::vector<std::string>& names,
                                       Validation validation = Validation::kSpiffe) {
    std::map<std::string, Bytes> all;
    const Buffer written = value_of(write_secrets(*state(), names, validation));
    for (const Bytes& any : fields_of(written, 2)) {
      EXPECT_EQ(text_of(any, 1), kSecretType);
      Bytes secret = field_of(any, 2);
      all.emplace(text_of(secret, 1), std::move(secret));
    }
    return all;
  }
  static std::vector<std::string> trust_domains_of(ByteView secret) {
    const Bytes extension = field_of(field_of(secret, 4), 12);
    EXPECT_EQ(text_of(extension, 1), "envoy.tls.cert_validator.spiffe");
    std::vector<std::string> names;
    for (const Bytes& one : fields_of(field_of(field_of(extension, 2), 2), 1)) {
      names.push_back(text_of(one, 1));
      EXPECT_TRUE(text_of(field_of(one, 2), 2).starts_with("-----BEGIN CERTIFICATE-----"));
    }
    return names;
  }

  TestIdentities identities_{"acme.test", [] { return kNow; }};
  TestIdentities partner_{"partner.test", [] { return kNow; }};
};

TEST_F(SecretAnswers, AnSvid) {
  const auto all = secrets({"default"});
  ASSERT_EQ(all.size(), 1U);
  const Bytes certificate = field_of(all.at("default"), 2);
  EXPECT_EQ(text_of(field_of(certificate, 1), 2), state()->svids[0].svid.leaf().to_pem());
  EXPECT_TRUE(text_of(field_of(certificate, 2), 2).starts_with("-----BEGIN PRIVATE KEY-----"));
  const auto other = secrets({"spiffe://acme.test/other"});
  EXPECT_EQ(text_of(field_of(field_of(other.begin()->second, 2), 1), 2), state()->svids[1].svid.leaf().to_pem());
}

TEST_F(SecretAnswers, Everything) {
  std::vector<std::string> names;
  for (const auto& [name, secret] : secrets({})) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"spiffe://acme.test", "spiffe://acme.test/other",
                                             "spiffe://acme.test/worker", "spiffe://partner.test"}));
}

TEST_F(SecretAnswers, BundlesForTheSpiffeValidator) {
  EXPECT_EQ(trust_domains_of(secrets({"ROOTCA"}).at("ROOTCA")), std::vector<std::string>{"acme.test"});
  EXPECT_EQ(trust_domains_of(secrets({"ALL"}).at("ALL")), (std::vector<std::string>{"acme.test", "partner.test"}));
  EXPECT_EQ(trust_domains_of(secrets({"spiffe://partner.test"}).begin()->second),
            std::vector<std::string>{"partner.test"});
}

TEST_F(SecretAnswers, BundlesWithoutTheValidator) {
  const auto all = secrets({"ROOTCA"}, Validation::kPlain);
  EXPECT_TRUE(text_of(field_of(field_of(all.at("ROOTCA"), 4), 1), 2).starts_with("-----BEGIN CERTIFICATE-----"));
  // Pooled, any of them could vouch for anybody.
  const auto pooled = write_secrets(*state(), {"ALL"}, Validation::kPlain);
  ASSERT_FALSE(pooled.ok());
  EXPECT_EQ(pooled.error().code(), Code::kInvalid);
}

TEST_F(SecretAnswers, NamesOfOthers) {
  const auto refused =
      write_secrets(*state(), {"default", "spiffe://acme.test/third", "spiffe://rival.test"}, Validation::kSpiffe);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::kNotFound);
  EXPECT_EQ(refused.error().message(),
            "workload is not authorized for the requested identities "
            "[\"spiffe://acme.test/third\" \"spiffe://rival.test\"]");
}

TEST(SecretAnswer, Envelope) {
  const Buffer answer = write_secret_answer("v1", {}, "n1");
  EXPECT_EQ(text_of(answer, 1), "v1");
  EXPECT_EQ(text_of(answer, 4), kSecretType);
  EXPECT_EQ(text_of(answer, 5), "n1");
}

}  // namespace
}  // namespace cloister::mesh
