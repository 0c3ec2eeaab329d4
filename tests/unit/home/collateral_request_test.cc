#include "home/collateral_request.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "crypto/ocsp.h"
#include "crypto/pem.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/ocsp_maker.h"
#include "tests/support/revocation_lists.h"

namespace cloister::home {
namespace {

using attest::CollateralKind;
using attest::CollateralNeed;
using testing::expect_refused;
using testing::value_of;

constexpr Time kNow{1'795'526'589'000};

std::string target_of(CollateralKind kind, std::string key) {
  return value_of(vendor_request({kind, std::move(key)}, {})).target;
}

net::Response answer(std::string_view body, net::Headers headers = {}) {
  return {200, std::move(headers), net::to_buffer(body), {}};
}

TEST(CollateralRequest, AsVendorsNameThem) {
  EXPECT_EQ(target_of(CollateralKind::kIntelTcbInfo, "tdx/00806f050000"),
            "/tdx/certification/v4/tcb?fmspc=00806f050000&update=early");
  EXPECT_EQ(target_of(CollateralKind::kIntelQeIdentity, "sgx"), "/sgx/certification/v4/qe/identity?update=early");
  EXPECT_EQ(target_of(CollateralKind::kIntelCrl, "platform"), "/sgx/certification/v4/pckcrl?ca=platform&encoding=der");
  EXPECT_EQ(target_of(CollateralKind::kAmdCrl, "Milan/vlek"), "/vlek/v1/Milan/crl");
  EXPECT_EQ(target_of(CollateralKind::kAmdChain, "Genoa/vcek"), "/vcek/v1/Genoa/cert_chain");
  EXPECT_EQ(target_of(CollateralKind::kNvidiaRim, "NV_GPU_DRIVER_GH100_535.86.09"),
            "/v1/rim/NV_GPU_DRIVER_GH100_535.86.09");
  EXPECT_EQ(value_of(vendor_request({CollateralKind::kIntelCrl, "root"}, {})).service, VendorService::kIntelRootCrl);
}

// The chip of go-sev-guest's sample, by the address that its test asks.
TEST(CollateralRequest, LevelsOfAMilan) {
  EXPECT_EQ(target_of(CollateralKind::kAmdCertificate, "Milan/3ac3fe21/0200000000000544"),
            "/vcek/v1/Milan/3ac3fe21?blSPL=02&teeSPL=00&snpSPL=05&ucodeSPL=68");
}

TEST(CollateralRequest, LevelsOfATurinStandInAnotherOrder) {
  EXPECT_EQ(target_of(CollateralKind::kAmdCertificate, "Turin/0011223344556677/0102030400000051"),
            "/vcek/v1/Turin/0011223344556677?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=81");
}

TEST(CollateralRequest, KeysThatNoVendorKnows) {
  const std::pair<CollateralKind, std::string_view> wrong[] = {
      {CollateralKind::kIntelTcbInfo, "tdx/00806F050000"},
      {CollateralKind::kIntelTcbInfo, "tdx/0080"},
      {CollateralKind::kIntelTcbInfo, "sev/00806f050000"},
      {CollateralKind::kIntelQeIdentity, "tdx/x"},
      {CollateralKind::kIntelCrl, "other"},
      {CollateralKind::kAmdCrl, "Milan"},
      {CollateralKind::kAmdCrl, "Naples/vcek"},
      {CollateralKind::kAmdCertificate, "Milan/00/00"},
      {CollateralKind::kAmdCertificate, "Milan/0x/0200000000000544"},
      {CollateralKind::kNvidiaRim, "a/b"},
      {CollateralKind::kNvidiaRim, "../x"}};
  for (const auto& [kind, key] : wrong) {
    expect_refused(vendor_request({kind, std::string(key)}, {}), Code::kInvalid, "no name that its vendor knows");
  }
}

TEST(CollateralRequest, EndorsementsAreServedByNobody) {
  expect_refused(vendor_request({CollateralKind::kCcaEndorsement, "00/00"}, {}), Code::kUnsupported, "import");
  expect_refused(vendor_request({CollateralKind::kTpmEndorsement, "00"}, {}), Code::kUnsupported, "import");
}

TEST(CollateralRequest, OcspNeedsTheCertificate) {
  const CollateralNeed need{CollateralKind::kNvidiaOcsp, "0a1b"};
  expect_refused(vendor_request(need, {}), Code::kNotFound, "isn't at hand");
  const VendorRequest request = value_of(vendor_request(need, {{{"0a1b", {0x30, 0x00}}}}));
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.body, (Bytes{0x30, 0x00}));
}

TEST(CollateralRequest, OcspAnswerOfAnotherIssuer) {
  testing::TestAuthority root(1), other(2);
  const auto answer_of = [&](const crypto::Certificate& issuer) {
    testing::OcspParts parts;
    parts.serial = root.certificate().facts().serial;
    parts.this_update = kNow;
    parts.issuer = issuer;
    net::Response response;
    net::append(response.body, as_text(testing::make_ocsp(parts, root.signer())));
    return response;
  };
  const CollateralNeed need{CollateralKind::kNvidiaOcsp, to_hex(root.certificate().facts().serial)};
  const Bytes asked = crypto::ocsp_request(root.certificate(), root.certificate());
  const VendorRequest request = value_of(vendor_request(need, {{{need.key, asked}}}));
  EXPECT_TRUE(collateral_of(need, request, answer_of(root.certificate()), kNow).ok());
  expect_refused(collateral_of(need, request, answer_of(other.certificate()), kNow), Code::kInvalid,
                 "another certificate than was asked about");
}

const CollateralNeed kTcbInfo{CollateralKind::kIntelTcbInfo, "tdx/00806f050000"};
constexpr std::string_view kTcbBody =
    R"({"tcbInfo":{"issueDate":"2026-11-01T00:00:00Z","nextUpdate":"2026-12-01T00:00:00Z"},"signature":"00"})";

Result<attest::CollateralItem> tcb_info_of(std::string_view body, std::optional<std::string> chain) {
  net::Headers headers;
  if (chain) headers.add("tcb-info-issuer-chain", *chain);
  return collateral_of(kTcbInfo, value_of(vendor_request(kTcbInfo, {})), answer(body, headers), kNow);
}

TEST(CollateralRequest, ChainOutOfTheHeader) {
  const auto item =
      value_of(tcb_info_of(kTcbBody, "-----BEGIN%20CERTIFICATE-----%0AAA%3D%3D%0A-----END%20CERTIFICATE-----"));
  EXPECT_EQ(item.issuer_chain, "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----");
  EXPECT_EQ(as_text(item.body), kTcbBody);
  EXPECT_EQ(item.fetched, kNow);
  EXPECT_EQ(to_rfc3339(*item.expires), "2026-12-01T00:00:00.000Z");
}

TEST(CollateralRequest, ChainMissingOrBroken) {
  expect_refused(tcb_info_of(kTcbBody, {}), Code::kInvalid, "no issuers' chain");
  expect_refused(tcb_info_of(kTcbBody, "%0"), Code::kInvalid, "URL-encoded");
  expect_refused(tcb_info_of(kTcbBody, "%GG"), Code::kInvalid, "URL-encoded");
  expect_refused(tcb_info_of(kTcbBody, "none"), Code::kInvalid, "no certificate");
}

TEST(CollateralRequest, PageOfAProxy) {
  expect_refused(tcb_info_of("<html>log in</html>", "-----BEGIN CERTIFICATE-----"), Code::kInvalid, "is no");
}

TEST(CollateralRequest, ListsInOtherForms) {
  const CollateralNeed need{CollateralKind::kIntelCrl, "root"};
  const VendorRequest request = value_of(vendor_request(need, {}));
  const Bytes der = testing::pss_revocation_list();
  EXPECT_EQ(value_of(collateral_of(need, request, answer(as_text(der)), kNow)).body, der);
  EXPECT_EQ(value_of(collateral_of(need, request, answer(to_hex(der) + "\n"), kNow)).body, der);
  const std::string pem = crypto::to_pem(der, "X509 CRL");
  EXPECT_EQ(value_of(collateral_of(need, request, answer(pem), kNow)).body, der);
  expect_refused(collateral_of(need, request, answer("30ff"), kNow), Code::kInvalid, "is no");
}

TEST(CollateralRequest, RimOutOfItsEnvelope) {
  const CollateralNeed need{CollateralKind::kNvidiaRim, "NV_A"};
  const VendorRequest request = value_of(vendor_request(need, {}));
  const std::string xml = "<SoftwareIdentity/>";
  const auto of = [&](const std::string& body) { return collateral_of(need, request, answer(body), kNow); };
  EXPECT_EQ(as_text(value_of(of(R"({"id":"NV_A","rim":")" + to_base64(as_bytes(xml)) + R"("})")).body), xml);
  expect_refused(of(R"({"id":"NV_B","rim":")" + to_base64(as_bytes(xml)) + R"("})"), Code::kInvalid, "another RIM");
  expect_refused(of(R"({"id":"NV_A"})"), Code::kInvalid, "holds no RIM");
  expect_refused(of(R"({"id":"NV_A","rim":"%"})"), Code::kInvalid, "holds no RIM");
  expect_refused(of(xml), Code::kInvalid, "holds no RIM");
}

}  // namespace
}  // namespace cloister::home
