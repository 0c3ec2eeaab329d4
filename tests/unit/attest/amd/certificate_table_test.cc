#include "attest/amd/certificate_table.h"

#include <gtest/gtest.h>

#include "base/reader.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/simulated_snp.h"

namespace cloister::attest {
namespace {

using namespace cloister::testing;

constexpr std::string_view kVcek = "63da758de6644564adc5f4b93be8accd";
constexpr std::string_view kVcekMixed = "8d75da6364e66445adc5f4b93be8accd";
constexpr std::string_view kAsk = "4ab7b379bbac4fe4a02f05aef327c782";
constexpr std::string_view kArk =
    "c0b406a4a80349529743"
    "3fb6014cd0ae";
constexpr std::string_view kOther = "00112233445566778899aabbccddeeff";

struct Entry {
  std::string_view guid;
  std::uint32_t offset, length;
};

Bytes table_of(const std::vector<Entry>& entries, const Bytes& behind) {
  Writer writer;
  for (const Entry& entry : entries) writer.bytes(unhex(entry.guid)).u32(entry.offset).u32(entry.length);
  return writer.zeros(24).bytes(behind).take();
}

TEST(SnpCertificateTable, BothByteOrdersAndUnknownKinds) {
  for (const std::string_view guid : {kVcek, kVcekMixed}) {
    const Bytes bytes = table_of({{guid, 72, 2}, {kOther, 72, 3}}, {1, 2, 3});
    const auto table = value_of(parse_snp_certificate_table(bytes));
    EXPECT_EQ(to_bytes(table.vcek), (Bytes{1, 2}));
    EXPECT_TRUE(table.vlek.empty() && table.ask.empty() && table.ark.empty());
  }
  EXPECT_TRUE(value_of(parse_snp_certificate_table({})).vcek.empty());
  EXPECT_TRUE(value_of(parse_snp_certificate_table(Bytes(24))).vcek.empty());
}

TEST(SnpCertificateTable, WrongTables) {
  const auto refuse = [](const Bytes& bytes, std::string_view word) {
    expect_refused(parse_snp_certificate_table(bytes), Code::kInvalid, word);
  };
  const Bytes body{1, 2, 3};
  refuse(Bytes(23), "no end");
  Bytes endless = table_of({{kVcek, 48, 3}}, body);
  endless.resize(24);
  refuse(endless, "no end");
  refuse(table_of({{kVcek, 48, 4}}, body), "points");
  refuse(table_of({{kVcek, 0xFFFFFFFF, 1}}, body), "points");
  refuse(table_of({{kVcek, 48, 0xFFFFFFFF}}, body), "points");
  refuse(table_of({{kVcek, 0, 24}}, body), "points");
  refuse(table_of({{kOther, 52, 1}}, body), "points");
  refuse(table_of({{kVcek, 72, 1}, {kVcekMixed, 72, 1}}, body), "twice");
  refuse(table_of({{kVcek, 48, 0}}, body), "empty");
  Bytes end = table_of({{kVcek, 48, 3}}, body);
  end[24 + 20] = 1;
  refuse(end, "isn't zero");
  refuse(table_of(std::vector<Entry>(17, {kOther, 432, 0}), body), "too many");
}

TEST(SnpCertificateTable, ReportIsVerifiedByWhatTheHostHandedOut) {
  SimulatedAmd amd;
  const auto asked = snp_question(amd);
  Evidence evidence = amd.snp();
  const Bytes vcek = evidence.parts["vcek"], ask = evidence.parts["ask"], ark = evidence.parts["ark"];
  Bytes bodies = vcek;
  bodies.insert(bodies.end(), ask.begin(), ask.end());
  bodies.insert(bodies.end(), ark.begin(), ark.end());
  const auto size = [](const Bytes& bytes) { return static_cast<std::uint32_t>(bytes.size()); };
  const std::uint32_t first = 4 * 24;
  Bytes file = evidence.parts["report"];
  const Bytes table = table_of({{kVcek, first, size(vcek)},
                                {kAsk, first + size(vcek), size(ask)},
                                {kArk, first + size(vcek) + size(ask), size(ark)}},
                               bodies);
  file.insert(file.end(), table.begin(), table.end());
  const EvidenceSet set = value_of(recognise(file));
  EXPECT_TRUE(verify(set.primary, asked->question).sound());
  EXPECT_EQ(needs(set.primary).size(), 1U);
}

}  // namespace
}  // namespace cloister::attest
