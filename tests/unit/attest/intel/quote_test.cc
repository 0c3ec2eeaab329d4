#include "attest/intel/quote.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/simulated_intel.h"

namespace cloister::attest::intel {
namespace {

using namespace cloister::testing;

Bytes quote_of(Kind kind, std::uint16_t version) { return SimulatedIntel(kind, version).quote(); }

void put16(Bytes& bytes, std::size_t at, std::uint16_t value) { store_le(&bytes[at], value); }
void put32(Bytes& bytes, std::size_t at, std::uint32_t value) { store_le(&bytes[at], value); }

TEST(Quote, FieldsOfADomain) {
  const Bytes bytes = quote_of(Kind::kTdx, 5);
  const Quote quote = value_of(parse_quote(bytes));
  EXPECT_EQ(quote.version, 5);
  ASSERT_TRUE(quote.domain && !quote.enclave);
  EXPECT_EQ(quote.signed_part.size(), 48U + 6 + 648);
  EXPECT_EQ(to_bytes(quote.domain->mr_td), Bytes(48, 0xD1));
  EXPECT_EQ(to_bytes(quote.domain->rtmr[3]), Bytes(48, 0x47));
  EXPECT_EQ(to_bytes(quote.report_data()), Bytes(64, 0xDA));
  EXPECT_EQ(to_bytes(quote.authentication_data), Bytes(32, 0xA7));
  EXPECT_EQ(quote.size, bytes.size());
}

TEST(Quote, FieldsOfAnEnclave) {
  const Bytes bytes = quote_of(Kind::kSgx, 3);
  const Quote quote = value_of(parse_quote(bytes));
  ASSERT_TRUE(quote.enclave && !quote.domain);
  EXPECT_EQ(to_bytes(quote.enclave->mr_enclave), Bytes(32, 0xE1));
  EXPECT_EQ(quote.enclave->product_id, 7);
  EXPECT_EQ(quote.enclave->svn, 3);
  EXPECT_EQ(quote.quoting_enclave.svn, 8);
}

TEST(Quote, EveryTruncation) {
  for (const auto& bytes : {quote_of(Kind::kSgx, 3), quote_of(Kind::kTdx, 4), quote_of(Kind::kTdx, 5)}) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(parse_quote(ByteView(bytes).first(size)).ok()) << size;
    }
  }
}

TEST(Quote, OtherVersionsKeysAndVendors) {
  Bytes bytes = quote_of(Kind::kTdx, 4);
  for (const std::uint16_t version : {0, 1, 2, 6, 0x0104}) {
    put16(bytes, 0, version);
    expect_refused(parse_quote(bytes), Code::kUnsupported, "version");
  }
  put16(bytes, 0, 4);
  put16(bytes, 2, 3);
  expect_refused(parse_quote(bytes), Code::kUnsupported, "ECDSA P-256");
  put16(bytes, 2, 2);
  bytes[12] ^= 1;
  expect_refused(parse_quote(bytes), Code::kUnsupported, "isn't Intel's");
}

TEST(Quote, VersionsConfused) {
  Bytes as_v5 = quote_of(Kind::kTdx, 4);
  put16(as_v5, 0, 5);
  EXPECT_FALSE(parse_quote(as_v5).ok());
  Bytes as_v4 = quote_of(Kind::kTdx, 5);
  put16(as_v4, 0, 4);
  EXPECT_FALSE(parse_quote(as_v4).ok());
  Bytes v3 = quote_of(Kind::kSgx, 3);
  put32(v3, 4, 0x81);
  expect_refused(parse_quote(v3), Code::kCorrupt, "TEE type");
  Bytes unknown = quote_of(Kind::kTdx, 4);
  put32(unknown, 4, 0x82);
  expect_refused(parse_quote(unknown), Code::kCorrupt, "TEE type");
  Bytes enclave = quote_of(Kind::kTdx, 4);
  put32(enclave, 4, 0);
  EXPECT_FALSE(parse_quote(enclave).ok());
}

TEST(Quote, BodyThatIsNotWhatItsHeaderSays) {
  Bytes bytes = quote_of(Kind::kTdx, 5);
  put16(bytes, 48, 2);  // with the size of type 3
  expect_refused(parse_quote(bytes), Code::kCorrupt, "size isn't its type's");
  put16(bytes, 48, 1);
  expect_refused(parse_quote(bytes), Code::kCorrupt, "header's TEE");
  put16(bytes, 48, 4);
  expect_refused(parse_quote(bytes), Code::kCorrupt, "body type is unknown");
  put16(bytes, 48, 3);
  put32(bytes, 50, 0xFFFFFFFF);
  expect_refused(parse_quote(bytes), Code::kCorrupt, "size isn't its type's");
  Bytes enclave = quote_of(Kind::kSgx, 5);
  put32(enclave, 4, 0x81);
  expect_refused(parse_quote(enclave), Code::kCorrupt, "header's TEE");
}

TEST(Quote, ReservedBytesOfTheHeader) {
  Bytes bytes = quote_of(Kind::kTdx, 4);
  bytes[8] = 1;
  expect_refused(parse_quote(bytes), Code::kCorrupt, "reserved");
}

TEST(Quote, LengthsBeyondTheBytes) {
  const Bytes good = quote_of(Kind::kTdx, 4);
  const std::size_t signatures = 48 + 584;
  const std::size_t outer = signatures + 4 + 128 + 2;
  const std::size_t authentication = outer + 4 + 384 + 64;
  for (const std::size_t at : {signatures, outer, authentication + 2 + 32 + 2}) {
    for (const std::uint32_t size :
         {0xFFFFFFFFU, 0x7FFFFFFFU, load_le<std::uint32_t>(&good[at]) + 1, load_le<std::uint32_t>(&good[at]) - 1, 0U}) {
      Bytes bytes = good;
      put32(bytes, at, size);
      EXPECT_FALSE(parse_quote(bytes).ok()) << at << " " << size;
    }
  }
  Bytes bytes = good;
  put16(bytes, authentication, 0xFFFF);
  EXPECT_FALSE(parse_quote(bytes).ok());
}

TEST(Quote, CertificationDataWithoutCertificates) {
  const std::size_t v3 = 48 + 384 + 4 + 128 + 384 + 64 + 2 + 32;
  Bytes bytes = quote_of(Kind::kSgx, 3);
  for (const std::uint16_t type : {1, 2, 3, 4, 6, 7}) {
    put16(bytes, v3, type);
    expect_refused(parse_quote(bytes), Code::kUnsupported, "certification data of type");
  }
  Bytes domain = quote_of(Kind::kTdx, 4);
  put16(domain, 48 + 584 + 4 + 128, 5);
  expect_refused(parse_quote(domain), Code::kUnsupported, "no quoting enclave's report");
}

}  // namespace
}  // namespace cloister::attest::intel
