#include "posture/collect/content/classify.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "tests/support/content_estate.h"

namespace cloister::posture::content {
namespace {

using namespace std::string_view_literals;
using testing::json_lines;
using testing::noise;
using testing::ParquetKind;

Finding judge(ByteView bytes, std::string_view name = "file", const KnownKeys& keys = {}) {
  Bytes buffer(kWindow);
  return classify(sample_of(bytes, name), {.keys = &keys}, buffer);
}
Finding judge(std::string_view text, std::string_view name = "file") { return judge(as_bytes(text), name); }

Bytes with_magic(std::string_view magic, ByteView rest) {
  Bytes out = to_bytes(as_bytes(magic));
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

void expect_finding(const Finding& finding, Verdict verdict, std::string_view type) {
  EXPECT_EQ(name_of(finding.verdict), name_of(verdict)) << finding.type << " " << finding.reason;
  EXPECT_EQ(finding.type, type) << finding.reason;
}

TEST(Classify, FormatsThatAnybodyReads) {
  const Bytes weights = testing::model_weights(1, 5000, testing::Numbers::kFloat32);
  const auto expect = [&](std::string_view magic, std::string_view type, std::string_view name = "file") {
    const Bytes bytes = with_magic(magic, weights);
    expect_finding(judge(bytes, name), Verdict::kPlaintext, type);
  };
  expect("GGUF\3\0\0\0"sv, "gguf");
  expect("\x89HDF\r\n\x1A\n"sv, "hdf5");
  expect("\x93NUMPY\1\0"sv, "numpy");
  expect("ARROW1\0\0"sv, "arrow");
  expect("SQLite format 3\0"sv, "sqlite");
  expect(
      "\x08\x07\x12\x07pytorch\x1A\x01"sv
      "1"sv,
      "onnx");
  expect("\x20\0\0\0\0\0\0\0{\"a\":"sv, "safetensors");
  expect("\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19\x2E"sv, "torch-legacy");
  expect("\x80\x04\x95\x10\0\0\0\0\0\0\0"sv, "pickle");
  expect_finding(judge(testing::parquet_file(1, ParquetKind::kPlain)), Verdict::kPlaintext, "parquet");
}

TEST(Classify, TextByItsKind) {
  expect_finding(judge(json_lines(1, 100'000)), Verdict::kPlaintext, "jsonl");
  expect_finding(judge("a,b\n1,2\n3,4\n"), Verdict::kPlaintext, "csv");
  expect_finding(judge("{\"a\": [1, 2]}"), Verdict::kPlaintext, "json");
  expect_finding(judge("2026-11-26T12:00:00Z start\n2026-11-26T12:00:01Z stop\n"), Verdict::kPlaintext, "log");
  expect_finding(judge("Ein Satz über Größe."), Verdict::kPlaintext, "text");
  // Two lines of JSON, and one that isn't.
  expect_finding(judge("{\"a\":1}\n{\"a\":2}\n{\"a\":3,}\n"), Verdict::kPlaintext, "json");
}

TEST(Classify, CompressedTextIsReadableAndCompressedCiphertextProvesNothing) {
  expect_finding(judge(testing::gzip_of(json_lines(1, 50'000))), Verdict::kCompressed, "gzip:jsonl");
  expect_finding(judge(testing::zstd_of(json_lines(1, 50'000))), Verdict::kCompressed, "zstd:jsonl");
  expect_finding(judge(testing::xz_of(json_lines(1, 50'000))), Verdict::kCompressed, "xz:jsonl");
  EXPECT_EQ(judge(testing::gzip_of(noise(1, 50'000))).verdict, Verdict::kHighEntropyUnknown);
  EXPECT_EQ(judge(testing::xz_of(noise(1, 50'000))).verdict, Verdict::kHighEntropyUnknown);
}

TEST(Classify, CutOffArchivesAreStillJudged) {
  const Bytes packed = testing::gzip_of(json_lines(1, 300'000));
  expect_finding(judge(ByteView(packed).first(packed.size() / 2)), Verdict::kCompressed, "gzip:jsonl");
  // A magic alone isn't a compressor's stream.
  EXPECT_EQ(judge(with_magic("\x1F\x8B\x08"sv, noise(1, 5000))).verdict, Verdict::kHighEntropyUnknown);
}

TEST(Classify, ForeignCiphertextNeedsAKnownKey) {
  const Bytes gpg = testing::openpgp_file(noise(2, 5000));
  expect_finding(judge(gpg), Verdict::kHighEntropyUnknown, "openpgp");
  KnownKeys keys;
  keys.names = {"openpgp:0123456789abcdef", "luks:0b7ae5b1-8a9c-4dd2-9c8e-6d2f0d1a9b11", "jwe:k-7", "warehouse"};
  expect_finding(judge(gpg, "x", keys), Verdict::kEncrypted, "openpgp");
  expect_finding(judge(testing::luks1_file(noise(3, 8192)), "x", keys), Verdict::kEncrypted, "luks1");
  expect_finding(judge(as_bytes(testing::jwe_text(noise(4, 3000))), "x", keys), Verdict::kEncrypted, "jwe");
  expect_finding(judge(testing::parquet_file(5, ParquetKind::kEncrypted), "x", keys), Verdict::kEncrypted,
                 "parquet-encrypted");
  // It names no key, so none can be known.
  expect_finding(judge(testing::age_file(noise(6, 5000)), "x", keys), Verdict::kHighEntropyUnknown, "age");
}

TEST(Classify, LargeCiphertextAsTextIsNoPlaintext) {
  KnownKeys keys;
  keys.names = {"jwe:k-7"};
  const std::string jwe = testing::jwe_text(noise(4, 100'000));
  expect_finding(judge(as_bytes(jwe), "x", keys), Verdict::kEncrypted, "jwe");
  expect_finding(judge(jwe), Verdict::kHighEntropyUnknown, "jwe");
  const std::string state =
      R"({"meta":{},"encrypted_data":")" + to_base64(noise(5, 100'000)) + R"(","encryption_version":"v0"})";
  expect_finding(judge(state), Verdict::kHighEntropyUnknown, "opentofu-state");
}

TEST(Classify, AHeaderBeforePlaintextIsALookAlike) {
  KnownKeys keys;
  keys.names = {"openpgp:0123456789abcdef"};
  expect_finding(judge(testing::openpgp_file(json_lines(1, 9000)), "x", keys), Verdict::kPlaintextUnknownType,
                 "openpgp-look-alike");
  expect_finding(judge(testing::age_file(json_lines(1, 9000))), Verdict::kPlaintextUnknownType, "age-look-alike");
  expect_finding(judge(with_magic("\x89"
                                  "CLSR1\r\n"sv,
                                  json_lines(1, 9000))),
                 Verdict::kPlaintextUnknownType, "sealed-look-alike");
  expect_finding(judge(with_magic("\x89"
                                  "CLSR1\r\n"sv,
                                  noise(1, 9000))),
                 Verdict::kHighEntropyUnknown, "sealed-damaged");
}

TEST(Classify, ParquetWithColumnsInTheClearIsReadable) {
  expect_finding(judge(testing::parquet_file(1, ParquetKind::kSomeColumns)), Verdict::kPlaintext,
                 "parquet-partly-encrypted");
  // All columns are encrypted, and schema and statistics aren't.
  expect_finding(judge(testing::parquet_file(1, ParquetKind::kAllColumnsPlainFooter)), Verdict::kPlaintext,
                 "parquet-partly-encrypted");
}

TEST(Classify, ParquetWithAnEncryptedFooterIsHeldAgainstAllThatLiesBeforeIt) {
  KnownKeys keys;
  keys.names = {"warehouse"};
  const auto module = [](std::uint32_t size) {
    Bytes out(4);
    store_le(out.data(), size);
    const Bytes ciphertext = noise(size, size);
    out.insert(out.end(), ciphertext.begin(), ciphertext.end());
    return out;
  };
  const auto verdict = [&](std::initializer_list<Bytes> parts) {
    const Bytes whole = testing::parquet_file(5, ParquetKind::kEncrypted);
    Bytes file(whole.begin(), whole.begin() + 4);
    for (const Bytes& part : parts) file.insert(file.end(), part.begin(), part.end());
    file.insert(file.end(), whole.begin() + 9004, whole.end());
    return judge(file, "x", keys).verdict;
  };
  // What is written behind a column's pages: where it lies, and that its key is the footer's.
  const Bytes chunk = {0x26, 0, 0x6C, 0x1C, 0, 0, 0};
  EXPECT_EQ(verdict({module(4000), chunk, module(5000), chunk}), Verdict::kEncrypted);
  EXPECT_EQ(verdict({module(4000), noise(1, 5000)}), Verdict::kHighEntropyUnknown);
  EXPECT_EQ(verdict({module(4000), json_lines(1, 5000)}), Verdict::kPlaintextUnknownType);
  // Beyond the first window, too.
  EXPECT_EQ(verdict({module(100'000), json_lines(1, 5000)}), Verdict::kPlaintextUnknownType);
  EXPECT_EQ(verdict({json_lines(1, 5000)}), Verdict::kPlaintextUnknownType);
}

TEST(Classify, RandomBytesAreNeverCalledEncrypted) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Verdict verdict = judge(noise(seed, 200 + 131 * seed)).verdict;
    EXPECT_TRUE(verdict == Verdict::kHighEntropyUnknown || verdict == Verdict::kPlaintextUnknownType) << seed;
  }
}

TEST(Classify, Base64IsJudgedByWhatItStandsFor) {
  expect_finding(judge(to_base64(json_lines(1, 9000))), Verdict::kPlaintext, "base64:jsonl");
  EXPECT_EQ(judge(to_base64(noise(1, 9000))).verdict, Verdict::kHighEntropyUnknown);
}

TEST(Classify, KeysInTheClearAreFoundByPlaceAndNeverByContent) {
  const auto kind = [](const Finding& finding) {
    return finding.raw_keys.empty() ? "" : finding.raw_keys.front().kind;
  };
  const Finding pem = judge("prose\n-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIB\n-----END EC PRIVATE KEY-----\n");
  EXPECT_EQ(kind(pem), "pem-private-key");
  EXPECT_EQ(pem.raw_keys.front().offset, 6U);
  EXPECT_EQ(kind(judge(R"({"kty":"EC","crv":"P-256","x":"a","y":"b","d":"c"})")), "jwk");
  EXPECT_EQ(kind(judge(R"({"keys":[{"kty":"oct","k":"AAAA"}]})")), "jwk");
  EXPECT_EQ(kind(judge(noise(1, 32), "dek.key")), "raw-32-bytes");
  EXPECT_EQ(kind(judge(to_hex(noise(1, 32)) + "\n", "dek.key")), "raw-32-bytes");
  EXPECT_EQ(kind(judge(with_magic("CLSRKEY1\1\0\0\0"sv, noise(1, 68)))), "key-file");
}

TEST(Classify, WhatIsNoKeyInTheClear) {
  EXPECT_TRUE(judge("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA\n").raw_keys.empty());
  EXPECT_TRUE(judge("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n").raw_keys.empty());
  EXPECT_TRUE(judge("-----BEGIN PUBLIC KEY-----\nAA\n").raw_keys.empty());
  EXPECT_TRUE(judge(R"({"kty":"EC","crv":"P-256","x":"a","y":"b"})").raw_keys.empty());
  EXPECT_TRUE(judge(noise(1, 33), "dek.key").raw_keys.empty());
  EXPECT_TRUE(judge(Bytes(32), "dek.key").raw_keys.empty());
  EXPECT_TRUE(judge(with_magic("CLSRKEY1\1\0\1\0"sv, noise(1, 200))).raw_keys.empty());
}

TEST(Classify, HostileHeadersAreBoundedRefusals) {
  // A header of 2^64 - 1 bytes, and a footer of 2 GiB.
  EXPECT_EQ(judge(with_magic("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{\""sv, json_lines(1, 3000))).verdict,
            Verdict::kPlaintext);
  EXPECT_EQ(judge(with_magic("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{\""sv, noise(1, 3000))).verdict,
            Verdict::kHighEntropyUnknown);
  Bytes parquet = with_magic("PAR1", noise(1, 3000));
  const Bytes tail = to_bytes(as_bytes("\xFF\xFF\xFF\x7FPAR1"sv));
  parquet.insert(parquet.end(), tail.begin(), tail.end());
  EXPECT_EQ(judge(parquet).verdict, Verdict::kHighEntropyUnknown);
}

TEST(Classify, EmptyAndZeros) {
  expect_finding(judge(ByteView()), Verdict::kEmpty, "");
  expect_finding(judge(Bytes(10'000)), Verdict::kEmpty, "zeros");
}

TEST(Classify, AFileThatShrinksIsUnreadable) {
  const Bytes bytes = noise(1, kWindow);
  Sample sample = sample_of(bytes);
  sample.size = 10 * kWindow;
  const KnownKeys keys;
  Bytes buffer(kWindow);
  EXPECT_EQ(classify(sample, {.keys = &keys}, buffer).verdict, Verdict::kUnreadable);
}

}  // namespace
}  // namespace cloister::posture::content
