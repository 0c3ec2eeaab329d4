#include "service/kbs/messages.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "tests/support/coco_snp_json.h"
#include "tests/support/expect.h"

namespace cloister::service {
namespace {

using namespace cloister::testing;

std::string auth(const std::string& version, const std::string& tee, const std::string& more = "") {
  return R"({"version":")" + version + R"(","tee":")" + tee + "\"" + more + "}";
}

TEST(KbsMessages, Auth) {
  EXPECT_EQ(value_of(parse_kbs_auth(auth("0.4.0", "snp"))).hash, KbsHash::kSha384);
  EXPECT_EQ(value_of(parse_kbs_auth(auth("0.4.17", "tdx"))).tee, "tdx");
  const auto with = [](const char* list) {
    return parse_kbs_auth(
        auth("0.4.0", "snp", R"(,"extra-params":{"supported-hash-algorithms":)" + std::string(list) + "}"));
  };
  EXPECT_EQ(value_of(with(R"(["sha256","sha384"])")).hash, KbsHash::kSha384);
  EXPECT_EQ(value_of(with(R"(["sha256","sha512"])")).hash, KbsHash::kSha512);
  EXPECT_EQ(value_of(with(R"(["md5","sha256"])")).hash, KbsHash::kSha256);
  expect_refused(with(R"(["md5"])"), Code::kUnsupported, "hash");
  expect_refused(with("[]"), Code::kUnsupported, "hash");
  expect_refused(with("7"), Code::kInvalid, "supported-hash-algorithms");
}

TEST(KbsMessages, AuthOfOtherVersionsAndMachines) {
  for (const char* version : {"0.1.1", "0.3.0", "0.4", "0.4.", "0.4.x", "0.5.0", "1.0.0", "0.4.0-rc", ""}) {
    expect_refused(parse_kbs_auth(auth(version, "snp")), Code::kUnsupported, "0.4");
  }
  for (const char* tee : {"sample", "sampledevice", "insecure_software", "sev", "SNP", ""}) {
    expect_refused(parse_kbs_auth(auth("0.4.0", tee)), Code::kUnsupported, "kind");
  }
  for (const char* body : {"", "{}", "[]", R"({"version":4,"tee":"snp"})", R"({"version":"0.4.0"})",
                           R"({"version":"0.4.0","tee":"snp","tee":"tdx"})"}) {
    EXPECT_FALSE(parse_kbs_auth(body).ok()) << body;
  }
}

TEST(KbsMessages, AttestationThatIsNone) {
  const std::string good =
      R"({"runtime-data":{"nonce":"n","tee-pubkey":{"kty":"EC"}},"tee-evidence":{"primary_evidence":{},"additional_evidence":""}})";
  EXPECT_TRUE(parse_kbs_attestation(good).ok());
  for (const char* member :
       {"runtime-data", "nonce", "tee-pubkey", "tee-evidence", "primary_evidence", "additional_evidence"}) {
    std::string without = good;
    without.replace(without.find(member), std::string(member).size(), "other");
    EXPECT_FALSE(parse_kbs_attestation(without).ok()) << member;
  }
  std::string twice = good;
  twice.replace(twice.find("\"nonce\""), 7, R"("nonce":"m","nonce")");
  EXPECT_FALSE(parse_kbs_attestation(twice).ok());
  EXPECT_FALSE(parse_kbs_attestation(std::string(100'000, '[')).ok());
}

KbsAttestation of(const JsonValue& primary, const std::string& additional = "") {
  return {"n", JsonValue::Object{}, primary, additional};
}

TEST(KbsMessages, EvidenceByKind) {
  const std::string quote = to_base64(Bytes{1, 2, 3});
  const auto tdx = value_of(kbs_evidence("tdx", of(JsonValue::Object{{"quote", quote}, {"cc_eventlog", quote}})));
  EXPECT_EQ(tdx.primary.kind, attest::Kind::kTdx);
  EXPECT_EQ(to_bytes(tdx.primary.part("event-log")), (Bytes{1, 2, 3}));
  const auto no_log = value_of(kbs_evidence("tdx", of(JsonValue::Object{{"quote", quote}, {"cc_eventlog", {}}})));
  EXPECT_TRUE(no_log.primary.part("event-log").empty());
  EXPECT_EQ(value_of(kbs_evidence("sgx", of(JsonValue::Object{{"quote", quote}}))).primary.kind, attest::Kind::kSgx);
  const JsonValue::Array token{std::uint64_t{1}, std::uint64_t{255}};
  EXPECT_EQ(to_bytes(value_of(kbs_evidence("cca", of(JsonValue::Object{{"token", token}}))).primary.part("token")),
            (Bytes{1, 255}));
  SimulatedAmd amd;
  const attest::Evidence snp = amd.snp();
  EXPECT_EQ(value_of(kbs_evidence("snp", of(coco_snp_json(snp)))).primary, snp);
}

TEST(KbsMessages, EvidenceThatIsNone) {
  const auto refuse = [](const char* tee, const JsonValue& primary, Code code, const char* word) {
    expect_refused(kbs_evidence(tee, of(primary)), code, word);
  };
  refuse("tdx", JsonValue::Object{}, Code::kInvalid, "quote");
  refuse("tdx", JsonValue::Object{{"quote", "!"}}, Code::kInvalid, "quote");
  refuse("tdx", JsonValue::Object{{"quote", ""}}, Code::kInvalid, "quote");
  refuse("tdx", JsonValue::Object{{"quote", "AAAA"}, {"cc_eventlog", "!"}}, Code::kInvalid, "cc_eventlog");
  refuse("sgx", JsonValue::Object{{"quote", std::uint64_t{1}}}, Code::kInvalid, "quote");
  refuse("cca", JsonValue::Object{{"token", "AAAA"}}, Code::kInvalid, "token");
  refuse("cca", JsonValue::Object{{"token", JsonValue::Array{std::uint64_t{256}}}}, Code::kInvalid, "token");
  refuse("snp", JsonValue::Object{}, Code::kInvalid, "attestation_report");
  refuse("sample", JsonValue::Object{{"svn", "1"}}, Code::kUnsupported, "kind");
}

TEST(KbsMessages, Devices) {
  const JsonValue::Object quote{{"quote", "AAAA"}};
  const std::string gpu = R"({"arch":"HOPPER","uuid":"u","evidence":"AQI=","certificate":"Aw=="})";
  const auto set = value_of(kbs_evidence("sgx", of(quote, R"({"nvidia":{"device_evidence_list":[)" + gpu + "]}}")));
  ASSERT_EQ(set.devices.size(), 1U);
  EXPECT_EQ(set.devices[0].kind, attest::Kind::kNvidiaGpu);
  EXPECT_EQ(to_bytes(set.devices[0].part("report")), (Bytes{1, 2}));
  EXPECT_EQ(to_bytes(set.devices[0].part("chain")), (Bytes{3}));
  EXPECT_TRUE(value_of(kbs_evidence("sgx", of(quote, "{}"))).devices.empty());
  std::string many = gpu;
  for (int i = 0; i < 32; ++i) many += "," + gpu;
  for (const std::string& wrong :
       {std::string("x"), std::string("[]"), std::string(R"({"sampledevice":{}})"), std::string(R"({"nvidia":{}})"),
        std::string(R"({"nvidia":{"device_evidence_list":[{}]}})"),
        R"({"nvidia":{"device_evidence_list":[)" + many + "]}}"}) {
    EXPECT_FALSE(kbs_evidence("sgx", of(quote, wrong)).ok()) << wrong.substr(0, 60);
  }
}

}  // namespace
}  // namespace cloister::service
