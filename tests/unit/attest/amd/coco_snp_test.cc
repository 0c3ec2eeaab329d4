#include "attest/amd/coco_snp.h"

#include <gtest/gtest.h>

#include "tests/support/coco_snp_json.h"
#include "tests/support/expect.h"

namespace cloister::attest {
namespace {

using namespace cloister::testing;

TEST(CocoSnp, ReportIsPutTogetherByteForByte) {
  for (const SnpProduct product : {SnpProduct::kMilan, SnpProduct::kTurin}) {
    SimulatedAmd amd(product);
    SnpParts parts;
    parts.version = product == SnpProduct::kTurin ? 5 : 3;
    if (product == SnpProduct::kTurin) parts.tcb.fmc = 7;
    parts.edit = [](Bytes& report) {
      for (std::size_t at = 0x1E8; at < 0x1F0; ++at) {
        if (at % 4 != 3) report[at] = static_cast<std::uint8_t>(at);
      }
      for (std::size_t at = 0x010; at < 0x030; ++at) report[at] = static_cast<std::uint8_t>(at);
    };
    const Evidence evidence = amd.snp(parts);
    const JsonValue json = coco_snp_json(evidence);
    EXPECT_EQ(value_of(parse_coco_snp(json)).parts, evidence.parts);
    EXPECT_EQ(value_of(recognise(as_bytes(json.serialize()))).primary, evidence);
  }
}

TEST(CocoSnp, ProvidersChainHasItsAuthorityWhereTheChipsWouldBe) {
  SimulatedAmd amd;
  const Evidence evidence = amd.snp({.signer = SnpSigningKey::kVlek});
  EXPECT_EQ(value_of(parse_coco_snp(coco_snp_json(evidence))).parts, evidence.parts);
}

TEST(CocoSnp, WithoutCertificates) {
  SimulatedAmd amd;
  Evidence evidence = amd.snp();
  for (const char* part : {"vcek", "ask", "ark"}) evidence.parts.erase(part);
  JsonValue::Object json = *coco_snp_json(evidence).object();
  json[1].second = JsonValue();
  EXPECT_EQ(value_of(parse_coco_snp(json)).parts, evidence.parts);
  json.pop_back();
  EXPECT_EQ(value_of(parse_coco_snp(json)).parts, evidence.parts);
}

// The same, with one member of the report left out or replaced.
JsonValue changed(const std::string& name, const std::optional<JsonValue>& value) {
  SimulatedAmd amd;
  JsonValue::Object json = *coco_snp_json(amd.snp()).object();
  JsonValue::Object members = *json[0].second.object();
  std::erase_if(members, [&](const JsonValue::Member& member) { return member.first == name; });
  if (value) members.emplace_back(name, *value);
  json[0].second = members;
  return json;
}

TEST(CocoSnp, MembersMissingOrOutOfRange) {
  for (const char* name : {"version", "guest_svn", "policy", "family_id", "vmpl", "current_tcb", "report_data",
                           "measurement", "chip_id", "committed", "launch_tcb", "signature", "reported_tcb"}) {
    expect_refused(parse_coco_snp(changed(name, std::nullopt)), Code::kInvalid, name);
    expect_refused(parse_coco_snp(changed(name, JsonValue("text"))), Code::kInvalid, name);
    expect_refused(parse_coco_snp(changed(name, JsonValue())), Code::kInvalid, name);
  }
  expect_refused(parse_coco_snp(changed("vmpl", std::uint64_t{1} << 32)), Code::kInvalid, "vmpl");
  expect_refused(parse_coco_snp(changed("cpuid_step", std::uint64_t{256})), Code::kInvalid, "cpuid_step");
  const JsonValue::Array long_array(65, std::uint64_t{0});
  expect_refused(parse_coco_snp(changed("report_data", long_array)), Code::kInvalid, "report_data");
  const JsonValue::Array large_number(64, std::uint64_t{256});
  expect_refused(parse_coco_snp(changed("report_data", large_number)), Code::kInvalid, "report_data");
  expect_refused(parse_coco_snp(changed("version", std::uint64_t{9})), Code::kInvalid, "version");
  expect_refused(parse_coco_snp(JsonValue()), Code::kInvalid, "attestation_report");
}

TEST(CocoSnp, CertificatesThatCantBe) {
  SimulatedAmd amd;
  const JsonValue::Object good = *coco_snp_json(amd.snp()).object();
  const JsonValue one = (*good[1].second.array())[0];
  const auto with_chain = [&good](JsonValue chain) {
    JsonValue::Object json = good;
    json[1].second = std::move(chain);
    return parse_coco_snp(json);
  };
  expect_refused(with_chain(JsonValue::Array{one, one}), Code::kInvalid, "cert_chain");
  expect_refused(with_chain(JsonValue("text")), Code::kInvalid, "cert_chain");
  expect_refused(with_chain(JsonValue::Array(9, one)), Code::kInvalid, "cert_chain");
  expect_refused(with_chain(JsonValue::Array{JsonValue::Object{{"cert_type", "VCEK"}}}), Code::kInvalid, "data");
  const JsonValue::Object other{{"cert_type", JsonValue::Object{{"OTHER", "x"}}}, {"data", JsonValue::Array{}}};
  EXPECT_EQ(value_of(with_chain(JsonValue::Array{other})).parts.size(), 1U);
}

}  // namespace
}  // namespace cloister::attest
