#include "attest/inference_receipt.h"

#include "base/reader.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kMagic = "CLOISTER-INFERENCE-RECEIPT-1";
constexpr std::size_t kPolicySizeMax = 256;
constexpr std::size_t kSignatureSize = 64;
constexpr std::uint64_t kTimeMax = 253'402'300'799'999;  // the year 9999

Error wrong(std::string what) { return Error(Code::kInvalid, "this isn't a receipt: " + std::move(what)); }

Result<InferenceReceipt> read(ByteView bytes) {
  Reader reader(bytes);
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "the magic"));
  if (!equal(magic, as_bytes(kMagic))) return wrong("its first bytes say something else");
  InferenceReceipt receipt;
  CLOISTER_TRY(receipt.sequence, reader.u64("the number"));
  CLOISTER_TRY(const std::uint64_t time, reader.u64("the time"));
  if (time > kTimeMax) return wrong("its time is out of range");
  receipt.time = Time{static_cast<std::int64_t>(time)};
  for (crypto::Sha256Digest* digest :
       {&receipt.previous, &receipt.request, &receipt.response, &receipt.manifest, &receipt.evidence}) {
    CLOISTER_RETURN_IF_ERROR(reader.fill(*digest, "a digest"));
  }
  CLOISTER_TRY(const std::uint8_t has_model, reader.u8("whether there is a model"));
  if (has_model > 1) return wrong("it neither has a model nor has none");
  if (has_model == 1) CLOISTER_RETURN_IF_ERROR(reader.fill(receipt.model.emplace(), "the model"));
  CLOISTER_TRY(receipt.policy, reader.text16(kPolicySizeMax, "the policy"));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("a receipt"));
  return receipt;
}

}  // namespace

Bytes sign_receipt(const InferenceReceipt& receipt, const crypto::SigningKey& key) {
  CLOISTER_CHECK(receipt.policy.size() <= kPolicySizeMax && is_plain_utf8(receipt.policy));
  Writer writer;
  writer.bytes(as_bytes(kMagic)).u64(receipt.sequence).u64(static_cast<std::uint64_t>(receipt.time.unix_ms));
  writer.bytes(receipt.previous).bytes(receipt.request).bytes(receipt.response);
  writer.bytes(receipt.manifest).bytes(receipt.evidence).u8(receipt.model ? 1 : 0);
  if (receipt.model) writer.bytes(*receipt.model);
  writer.text16(receipt.policy);
  Bytes bytes = writer.take();
  const crypto::Ed25519Signature signature = key.sign(bytes);
  bytes.insert(bytes.end(), signature.begin(), signature.end());
  return bytes;
}

Result<InferenceReceipt> open_receipt(ByteView bytes, const crypto::Ed25519PublicKey& key) {
  if (bytes.size() < kSignatureSize) return wrong("it is too short");
  const ByteView signed_bytes = bytes.first(bytes.size() - kSignatureSize);
  if (!equal(signed_bytes.first(std::min(kMagic.size(), signed_bytes.size())), as_bytes(kMagic))) {
    return wrong("its first bytes say something else");
  }
  CLOISTER_RETURN_IF_ERROR(
      crypto::verify_ed25519(key, signed_bytes, bytes.last(kSignatureSize)).with_context("verify the receipt"));
  auto receipt = read(signed_bytes);
  if (receipt.ok() || receipt.error().code() == Code::kInvalid) return receipt;
  return wrong(receipt.error().message());
}

}  // namespace cloister::attest
