#include "attest/software/statement.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/asymmetric_key.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kMagic = "CLOISTER-INSECURE-SOFTWARE-1";
constexpr std::size_t kNameSizeMax = 64;
constexpr std::size_t kDetailSizeMax = 256;

bool is_measure_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && std::ranges::all_of(name, plain);
}

Result<LockdownMeasure> read_measure(Reader& reader) {
  LockdownMeasure measure;
  CLOISTER_TRY(measure.name, reader.text16(kNameSizeMax, "a measure's name"));
  if (!is_measure_name(measure.name)) return Error(Code::kCorrupt, "a measure's name isn't one");
  CLOISTER_TRY(const std::uint8_t achieved, reader.u8("how far a measure came"));
  if (achieved < 1 || achieved > 3) return Error(Code::kCorrupt, "how far a measure came is unknown");
  measure.achieved = static_cast<Achieved>(achieved);
  CLOISTER_TRY(measure.detail, reader.text16(kDetailSizeMax, "a measure's detail"));
  return measure;
}

Result<std::vector<LockdownMeasure>> read_lockdown(Reader& reader) {
  CLOISTER_TRY(const std::uint16_t count, reader.u16("the number of measures"));
  if (count > kLockdownMeasuresMax) return Error(Code::kCorrupt, "there are too many measures");
  std::vector<LockdownMeasure> measures;
  for (unsigned i = 0; i < count; ++i) {
    CLOISTER_TRY(LockdownMeasure measure, read_measure(reader));
    const auto same = [&measure](const LockdownMeasure& other) { return other.name == measure.name; };
    if (std::ranges::any_of(measures, same)) return Error(Code::kCorrupt, "a measure is there twice");
    measures.push_back(std::move(measure));
  }
  return measures;
}

}  // namespace

std::string_view achieved_name(Achieved achieved) {
  switch (achieved) {
    case Achieved::kYes: return "yes";
    case Achieved::kWeaker: return "weaker";
    case Achieved::kNo: return "no";
  }
  CLOISTER_CHECK(false);
  return {};
}

crypto::Sha256Digest software_key_fingerprint(const crypto::Ed25519PublicKey& key) {
  const auto parsed = crypto::PublicKey::from_ed25519(key);
  CLOISTER_CHECK(parsed.ok());
  return crypto::sha256(parsed->spki());
}

Bytes sign_statement(const SoftwareStatement& statement, const crypto::SigningKey& key) {
  CLOISTER_CHECK(statement.lockdown.size() <= kLockdownMeasuresMax);
  Writer writer;
  writer.bytes(as_bytes(kMagic)).bytes(key.public_key()).bytes(statement.measurement).bytes(statement.manifest);
  writer.bytes(statement.report_data).u64(static_cast<std::uint64_t>(statement.time.unix_ms));
  writer.u8(statement.debug ? 1 : 0).u16(static_cast<std::uint16_t>(statement.lockdown.size()));
  for (const LockdownMeasure& measure : statement.lockdown) {
    CLOISTER_CHECK(measure.name.size() <= kNameSizeMax && measure.detail.size() <= kDetailSizeMax);
    writer.text16(measure.name).u8(static_cast<std::uint8_t>(measure.achieved)).text16(measure.detail);
  }
  const crypto::Ed25519Signature signature = key.sign(writer.view());
  return writer.bytes(signature).take();
}

Result<SignedStatement> parse_statement(ByteView bytes) {
  Reader reader(bytes);
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "the magic"));
  if (!equal(magic, as_bytes(kMagic))) return Error(Code::kCorrupt, "its first bytes say something else");
  SignedStatement read;
  SoftwareStatement& statement = read.statement;
  CLOISTER_RETURN_IF_ERROR(reader.fill(read.key, "the key"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(statement.measurement, "the measurement"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(statement.manifest, "the manifest's digest"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(statement.report_data, "the report data"));
  CLOISTER_TRY(const std::uint64_t time, reader.u64("the time"));
  statement.time = Time{static_cast<std::int64_t>(time)};
  CLOISTER_TRY(const std::uint8_t debug, reader.u8("debug"));
  if (debug > 1) return Error(Code::kCorrupt, "debug is neither yes nor no");
  statement.debug = debug == 1;
  CLOISTER_TRY(statement.lockdown, read_lockdown(reader));
  read.signed_bytes = to_bytes(bytes.first(reader.offset()));
  CLOISTER_RETURN_IF_ERROR(reader.fill(read.signature, "the signature"));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("a statement"));
  return read;
}

Status verify_signature(const SignedStatement& statement) {
  return crypto::verify_ed25519(statement.key, statement.signed_bytes, statement.signature);
}

}  // namespace cloister::attest
