// Path validation on other people's certificates: an extract of C2SP/x509-limbo, and NIST's PKITS for URI name
// constraints. Where the verdict differs from the published one, the case is listed with the reason.
#include <gtest/gtest.h>

#include <map>

#include "crypto/x509.h"
#include "tests/support/expect.h"
#include "tests/support/vectors.h"

namespace cloister::crypto {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::load_json;
using cloister::testing::value_of;
using Json = nlohmann::json;

// 2023-11-14: cases without a time of their own hold from 1970 to 2969.
constexpr Time kAnyTime{1'700'000'000'000};

const std::map<std::string, std::string>& known_differences() {
  static const std::map<std::string, std::string> differences = {
      {"crl::revoked-certificate-with-crl", "revocation lists aren't read"},
      {"crl::issuer-missing-crlsign", "revocation lists aren't read"},
      {"webpki::eku::ee-anyeku", "a rule of the Web PKI alone"},
      {"webpki::eku::root-has-eku", "a rule of the Web PKI alone"},
      {"webpki::cn::not-in-san", "a rule of the Web PKI alone"},
      {"rfc5280::validity::notafter-exact", "the last second counts as expired: the safe side"},
      {"pathlen::validation-ignores-pathlen-in-leaf", "the leaf is an authority: the safe side"},
      {"rfc5280::nc::nc-forbids-alternate-chain-ica", "names of authorities that aren't used count: the safe side"},
      {"rfc5280::nc::nc-forbids-same-chain-ica", "names of authorities that aren't used count: the safe side"},
  };
  return differences;
}

Result<std::vector<Certificate>> parse_each(const Json& texts) {
  std::vector<Certificate> certificates;
  for (const Json& text : texts) {
    CLOISTER_TRY(const auto parsed, Certificate::parse_pem(text.get<std::string>(), 1));
    certificates.push_back(parsed[0]);
  }
  return certificates;
}

Time time_of(const Json& test) {
  const Json& at = test.at("validation_time");
  if (at.is_null()) return kAnyTime;
  return value_of(parse_rfc3339(at.get<std::string>().substr(0, 19) + "Z"));
}

Purpose purpose_of(const Json& test) {
  const Json& uses = test.at("extended_key_usage");
  if (!uses.empty()) return uses[0] == "clientAuth" ? Purpose::kClient : Purpose::kServer;
  return test.at("validation_kind") == "CLIENT" ? Purpose::kClient : Purpose::kServer;
}

// What a relying party does: parse, verify, compare the name.
Status judge(const Json& test, Purpose purpose) {
  CLOISTER_TRY(const auto leaf, Certificate::parse_pem(test.at("peer_certificate").get<std::string>(), 1));
  CLOISTER_TRY(const auto intermediates, parse_each(test.at("untrusted_intermediates")));
  CLOISTER_TRY(const auto anchors, parse_each(test.at("trusted_certs")));
  const auto path = verify_chain(leaf[0], {intermediates, anchors, purpose, time_of(test)});
  if (!path.ok()) return path.error();
  const Json& name = test.at("expected_peer_name");
  if (!name.is_null() && !names_host(leaf[0], name.at("value").get<std::string>())) {
    return Error(Code::kDenied, "another host's certificate");
  }
  for (const Json& address : test.at("expected_peer_names")) {
    const auto& emails = leaf[0].facts().names.emails;
    if (std::ranges::find(emails, address.at("value").get<std::string>()) == emails.end()) {
      return Error(Code::kDenied, "another mailbox's certificate");
    }
  }
  return {};
}

TEST(X509Vectors, Limbo) {
  CLOISTER_VECTORS_OR_SKIP(path, "x509/limbo-extract.json");
  const Json file = load_json(path);
  std::size_t agreed = 0, differed = 0;
  for (const Json& test : file.at("testcases")) {
    const std::string id = test.at("id");
    const Status verdict = judge(test, purpose_of(test));
    const bool expected = test.at("expected_result") == "SUCCESS";
    const bool agrees = verdict.ok() == expected;
    EXPECT_NE(agrees, known_differences().contains(id))
        << id << ": " << (verdict.ok() ? "accepted" : verdict.error().message());
    ++(agrees ? agreed : differed);
  }
  EXPECT_EQ(agreed, 84U);
  EXPECT_EQ(differed, known_differences().size());
}

TEST(X509Vectors, ServersCertificateForAClient) {
  CLOISTER_VECTORS_OR_SKIP(path, "x509/limbo-extract.json");
  const Json file = load_json(path);
  std::size_t refused = 0;
  for (const Json& test : file.at("testcases")) {
    if (test.at("validation_kind") != "SERVER" || test.at("expected_result") != "SUCCESS") continue;
    const auto leaf = Certificate::parse_pem(test.at("peer_certificate").get<std::string>(), 1);
    const auto& use = value_of(leaf)[0].facts().extended_key_usage;
    if (!use || !use->server || use->client) continue;
    EXPECT_FALSE(judge(test, Purpose::kClient).ok()) << test.at("id");
    EXPECT_FALSE(judge(test, Purpose::kServerAndClient).ok()) << test.at("id");
    ++refused;
  }
  EXPECT_GT(refused, 20U);
  for (const Json& test : file.at("testcases")) {
    if (test.at("id") != "rfc5280::eku::ee-wrong-eku") continue;
    EXPECT_TRUE(judge(test, Purpose::kClient).ok());
    EXPECT_FALSE(judge(test, Purpose::kServer).ok());
    EXPECT_FALSE(judge(test, Purpose::kServerAndClient).ok());
    EXPECT_TRUE(judge(test, Purpose::kAny).ok());
  }
}

TEST(X509Vectors, PkitsUriNameConstraints) {
  CLOISTER_VECTORS_OR_SKIP(folder, "x509/pkits-uri-nc");
  const auto load = [&](const char* name) {
    return value_of(Certificate::parse(value_of(read_file(folder / name, kCertificateSizeMax))));
  };
  const std::vector<Certificate> anchors = {load("TrustAnchorRootCertificate.crt")};
  const auto verdict = [&](const char* leaf, const char* issuer) {
    const std::vector<Certificate> intermediates = {load(issuer)};
    return verify_chain(load(leaf), {intermediates, anchors, Purpose::kAny, Time{1'577'836'800'000}});
  };
  EXPECT_EQ(value_of(verdict("ValidURInameConstraintsTest34EE.crt", "nameConstraintsURI1CACert.crt")).size(), 3U);
  EXPECT_EQ(value_of(verdict("ValidURInameConstraintsTest36EE.crt", "nameConstraintsURI2CACert.crt")).size(), 3U);
  expect_refused(verdict("InvalidURInameConstraintsTest35EE.crt", "nameConstraintsURI1CACert.crt"), Code::kDenied,
                 "permitted subtree violation");
  expect_refused(verdict("InvalidURInameConstraintsTest37EE.crt", "nameConstraintsURI2CACert.crt"), Code::kDenied,
                 "excluded subtree violation");
}

}  // namespace
}  // namespace cloister::crypto
