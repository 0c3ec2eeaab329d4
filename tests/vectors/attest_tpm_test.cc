// Quotes of other people's TPMs, in software and on Azure's confidential machines: each with the verdict that its
// folder states, at its date.
#include <gtest/gtest.h>

#include "attest/tpm/tpm_bytes.h"
#include "attest/tpm/tpm_public.h"
#include "attest/tpm/tpm_quote.h"
#include "attest/verifier.h"
#include "base/json.h"
#include "crypto/pem.h"
#include "tests/support/expect.h"
#include "tests/support/vector_folder.h"
#include "tests/support/vectors.h"
#include "tests/support/verdicts.h"

namespace cloister::attest {
namespace {

using cloister::testing::bytes_of_file;
using cloister::testing::expect_digests_hold;
using cloister::testing::expect_only;
using cloister::testing::expect_passed_but;
using cloister::testing::text_of_file;
using cloister::testing::value_of;

Time at(const char* text) { return value_of(parse_rfc3339(text)); }

Bytes registers_of(const Path& file, const TpmQuote& quote) {
  const JsonValue list = value_of(parse_json(text_of_file(file)));
  PcrValues values;
  std::uint8_t number = 0;
  for (const JsonValue& value : *list.array()) {
    values.emplace(std::pair(TpmHash::kSha256, number++), value_of(from_hex(*value.string())));
  }
  return value_of(concatenate_pcrs(quote, values));
}

// Whoever keeps the collateral would have to vouch for the key that the guest names.
Collateral vouching_for(const Bytes& spki) {
  CollateralItem item;
  item.kind = CollateralKind::kTpmEndorsement;
  item.key = to_hex(crypto::sha256(spki));
  item.body = spki;
  Collateral collateral;
  collateral.add(std::move(item));
  return collateral;
}

TEST(TpmVectors, TrusteesSoftwareTpm) {
  CLOISTER_VECTORS_OR_SKIP(folder, "tpm/trustee-swtpm-rsassa");
  expect_digests_hold(folder);
  const Evidence evidence = value_of(recognise(bytes_of_file(folder / "evidence.json"))).primary;
  EXPECT_EQ(evidence.kind, Kind::kTpm);
  EXPECT_EQ(to_bytes(evidence.part("quote")), bytes_of_file(folder / "quote.msg"));
  EXPECT_EQ(to_bytes(evidence.part("signature")), bytes_of_file(folder / "quote.sig.tpmt"));
  const Bytes asked = value_of(parse_tpm_quote(evidence.part("quote"))).extra_data;
  const Verdict alone = verify(evidence, {.now = at("2025-06-01T00:00:00Z"), .report_data = asked});
  expect_passed_but(alone, {"ak-attributes", "endorsement"});
  EXPECT_EQ(alone.assurance, Assurance::kInsecureSoftware);
  const Collateral collateral = vouching_for(bytes_of_file(folder / "ak_pub.der"));
  const Verdict vouched =
      verify(evidence, {.now = at("2025-06-01T00:00:00Z"), .report_data = asked, .collateral = &collateral});
  expect_passed_but(vouched, {"ak-attributes"});
  EXPECT_EQ(vouched.assurance, Assurance::kInsecureSoftware);
  EXPECT_EQ(vouched.claims.at("tpm.software"), ClaimValue(true));
}

TEST(TpmVectors, LocalSoftwareTpm) {
  CLOISTER_VECTORS_OR_SKIP(folder, "tpm/swtpm-local-ecdsa-rsassa");
  expect_digests_hold(folder);
  const Bytes asked = value_of(from_hex(text_of_file(folder / "nonce.hex").substr(0, 64)));
  const Bytes pem = value_of(crypto::parse_pem(text_of_file(folder / "rsassa/ak.pem"), "PUBLIC KEY", 1)).at(0);
  Bytes registers(8 * 32);
  const Bytes extended = value_of(from_hex(text_of_file(folder / "pcr_extend_value.hex").substr(0, 64)));
  Bytes input(32);
  input.insert(input.end(), extended.begin(), extended.end());
  for (int i = 0; i < 2; ++i) {
    const crypto::Sha256Digest value = crypto::sha256(input);
    registers.insert(registers.end(), value.begin(), value.end());
  }
  Evidence evidence{Kind::kTpm,
                    {{"quote", bytes_of_file(folder / "rsassa/quote.msg")},
                     {"signature", bytes_of_file(folder / "rsassa/quote.sig.tpmt")},
                     {"pcrs", registers},
                     {"ak", pem}}};
  const Verdict verdict = verify(evidence, {.now = at("2026-01-01T00:00:00Z"), .report_data = asked});
  expect_passed_but(verdict, {"ak-attributes", "endorsement"});
  EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
  EXPECT_EQ(verdict.claims.at("tpm.pcr11"), verdict.claims.at("tpm.pcr16"));

  evidence.parts["quote"] = bytes_of_file(folder / "ecdsa/quote.msg");
  evidence.parts["ak"] = value_of(crypto::parse_pem(text_of_file(folder / "ecdsa/ak.pem"), "PUBLIC KEY", 1)).at(0);
  // Theirs is DER, as OpenSSL has it: SEQUENCE { INTEGER r, INTEGER s }.
  const Bytes der = bytes_of_file(folder / "ecdsa/quote.sig.der");
  const std::size_t r = der[3], s = der[5 + r];
  evidence.parts["signature"] = TpmWriter()
                                    .u16(0x0018)
                                    .u16(0x000B)
                                    .sized(ByteView(der).subspan(4, r))
                                    .sized(ByteView(der).subspan(6 + r, s))
                                    .take();
  expect_passed_but(verify(evidence, {.now = at("2026-01-01T00:00:00Z"), .report_data = asked}),
                    {"ak-attributes", "endorsement"});
}

TEST(TpmVectors, EndorsementKeyOfASoftwareTpm) {
  CLOISTER_VECTORS_OR_SKIP(folder, "tpm/swtpm-local-ecdsa-rsassa");
  const TpmPublic key = value_of(parse_tpm_public(bytes_of_file(folder / "ek.tpm2b_public")));
  EXPECT_TRUE(key.endorses());
  EXPECT_FALSE(key.attests());
  EXPECT_EQ(key.name().size(), bytes_of_file(folder / "ak.name").size());
}

struct AzureVector {
  const char* folder;
  const char* time;
  Kind kind;
};
constexpr AzureVector kWithJson[] = {
    {"tpm/azure-snp-vtpm-v2", "2025-03-01T00:00:00Z", Kind::kAzureSnpVtpm},
    {"tpm/azure-tdx-vtpm-v1", "2025-03-01T00:00:00Z", Kind::kAzureTdxVtpm},
};

TEST(AzureVectors, JsonIsTheFiles) {
  for (const AzureVector& vector : kWithJson) {
    SCOPED_TRACE(vector.folder);
    CLOISTER_VECTORS_OR_SKIP(folder, vector.folder);
    expect_digests_hold(folder);
    const Evidence evidence = value_of(recognise(bytes_of_file(folder / "evidence.json"))).primary;
    EXPECT_EQ(evidence.kind, vector.kind);
    EXPECT_EQ(to_bytes(evidence.part("hcl")), bytes_of_file(folder / "hcl_report.bin"));
    EXPECT_EQ(to_bytes(evidence.part("quote")), bytes_of_file(folder / "tpm_quote.msg"));
    EXPECT_EQ(to_bytes(evidence.part("signature").subspan(6)), bytes_of_file(folder / "tpm_quote.sig"));
    const TpmQuote quote = value_of(parse_tpm_quote(evidence.part("quote")));
    EXPECT_EQ(to_bytes(evidence.part("pcrs")), registers_of(folder / "pcrs.json", quote));
  }
}

Evidence snp_with_chain(Evidence evidence, const Path& roots) {
  const auto blocks = value_of(crypto::parse_pem(text_of_file(roots), "CERTIFICATE", 3));
  evidence.parts["ask"] = blocks.at(0);
  evidence.parts["ark"] = blocks.at(1);
  return evidence;
}

// Every link holds. No revocation list of AMD's is of that day.
TEST(AzureVectors, MilanOrGenoaUpToTheQuote) {
  CLOISTER_VECTORS_OR_SKIP(json_folder, "tpm/azure-snp-vtpm-v2");
  CLOISTER_VECTORS_OR_SKIP(genoa, "snp/genoa-v3-azure-hcl-vtpm");
  CLOISTER_VECTORS_OR_SKIP(roots, "roots");
  const Evidence milan = snp_with_chain(value_of(recognise(bytes_of_file(json_folder / "evidence.json"))).primary,
                                        roots / "amd_milan_ask_ark_asvk.pem");
  const Bytes quote = bytes_of_file(genoa / "tpm_quote.msg");
  Evidence other{
      Kind::kAzureSnpVtpm,
      {{"hcl", bytes_of_file(genoa / "hcl_report.bin")},
       {"quote", quote},
       {"signature", TpmWriter().u16(0x0014).u16(0x000B).sized(bytes_of_file(genoa / "tpm_quote.sig")).take()},
       {"pcrs", registers_of(genoa / "pcrs.json", value_of(parse_tpm_quote(quote)))},
       {"vcek", bytes_of_file(genoa / "vek.der")}}};
  other = snp_with_chain(other, roots / "amd_genoa_ask_ark_asvk.pem");
  expect_digests_hold(genoa);
  for (const auto& [evidence, time] : {std::pair(&milan, "2025-03-01T00:00:00Z"), {&other, "2025-04-01T00:00:00Z"}}) {
    const Bytes asked = value_of(parse_tpm_quote(evidence->part("quote"))).extra_data;
    const Verdict verdict = verify(*evidence, {.now = at(time), .report_data = asked});
    expect_passed_but(verdict, {"snp-revocation", "snp-rollback"});
    EXPECT_EQ(verdict.assurance, Assurance::kHardware);
    EXPECT_EQ(verdict.claims.at("az.secure_boot"), ClaimValue(true));
    Evidence changed = *evidence;
    changed.parts["hcl"][1236 + 100] ^= 1;
    const Verdict other_keys = verify(changed, {.now = at(time), .report_data = asked});
    EXPECT_TRUE(other_keys.any_failed());
    EXPECT_TRUE(other_keys.claims.empty());
    expect_only(verify(*evidence, {.now = at(time), .report_data = Bytes(64, 1)}), "report-data",
                Reason::kNonceMismatch);
  }
}

}  // namespace
}  // namespace cloister::attest
