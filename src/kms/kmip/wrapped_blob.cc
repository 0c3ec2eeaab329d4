#include "kms/kmip/wrapped_blob.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/hash.h"

namespace cloister::kms::kmip {
namespace {

constexpr std::uint8_t kBoundVersion = 1;
constexpr std::size_t kBoundHeader = 2;
constexpr std::size_t kSaltSize = 16;
constexpr std::size_t kBoundStart = kBoundHeader + kSaltSize;  // of the plaintext
constexpr std::size_t kDigestSize = 32;
constexpr std::size_t kBlockSize = 8;

Error no_blob() { return Error(Code::kDenied, "the wrapped key isn't one that a KMIP server made"); }

std::size_t bound_size(std::size_t plaintext) {
  const std::size_t size = kBoundStart + plaintext + kDigestSize;
  return (size + kBlockSize - 1) / kBlockSize * kBlockSize;
}

Result<Encrypted> parse_gcm(Reader& reader) {
  CLOISTER_TRY(const std::uint8_t nonce_size, reader.u8("nonce size"));
  if (nonce_size < 12 || nonce_size > 16) return no_blob();
  CLOISTER_TRY(const ByteView nonce, reader.bytes(nonce_size, "nonce"));
  CLOISTER_TRY(const ByteView tag, reader.bytes(kGcmTagSize, "tag"));
  return Encrypted{to_bytes(nonce), to_bytes(tag), {}};
}

}  // namespace

Bytes serialize_blob(Cipher cipher, const Encrypted& encrypted) {
  Writer writer;
  writer.u8(static_cast<std::uint8_t>(cipher));
  if (cipher == Cipher::kGcm) {
    writer.u8(static_cast<std::uint8_t>(encrypted.nonce.size())).bytes(encrypted.nonce).bytes(encrypted.tag);
  }
  writer.bytes(encrypted.ciphertext);
  return writer.take();
}

Result<Blob> parse_blob(ByteView bytes) {
  Reader reader(bytes);
  const auto cipher = reader.u8("cipher");
  if (!cipher.ok() || *cipher < 1 || *cipher > 2) return no_blob();
  Blob blob{static_cast<Cipher>(*cipher), {}};
  if (blob.cipher == Cipher::kGcm) {
    auto gcm = parse_gcm(reader);
    if (!gcm.ok()) return no_blob();
    blob.encrypted = std::move(gcm).value();
  }
  const ByteView rest = bytes.subspan(reader.offset());
  if (rest.empty() || rest.size() > bound_size(kProviderPlaintextMax) + kBlockSize) return no_blob();
  blob.encrypted.ciphertext = to_bytes(rest);
  return blob;
}

crypto::Secret bind_inside(const crypto::Secret& plaintext, const ContextMap& context, crypto::Random& random) {
  CLOISTER_CHECK(plaintext.size() <= kProviderPlaintextMax);
  crypto::Secret bound(bound_size(plaintext.size()));
  const MutableByteView out = bound.expose_mutable();
  out[0] = kBoundVersion;
  out[1] = static_cast<std::uint8_t>(plaintext.size());
  random.fill(out.subspan(kBoundHeader, kSaltSize));
  std::ranges::copy(plaintext.expose(), out.begin() + kBoundStart);
  const crypto::Sha256Digest digest = crypto::sha256(canonical(context));
  std::ranges::copy(digest, out.begin() + static_cast<std::ptrdiff_t>(kBoundStart + plaintext.size()));
  return bound;
}

Result<crypto::Secret> open_bound(const crypto::Secret& bound, const ContextMap& context) {
  const Error refused(Code::kDenied, "the wrapped key doesn't open in this context");
  const ByteView bytes = bound.expose();
  if (bytes.size() < kBoundStart + kDigestSize || bytes[0] != kBoundVersion) return refused;
  const std::size_t size = bytes[1];
  if (bytes.size() != bound_size(size)) return refused;
  const ByteView digest = bytes.subspan(kBoundStart + size, kDigestSize);
  if (!crypto::equal_constant_time(digest, crypto::sha256(canonical(context)))) return refused;
  if (!all_zero(bytes.subspan(kBoundStart + size + kDigestSize))) return refused;
  return crypto::Secret::copy_of(bytes.subspan(kBoundStart, size));
}

}  // namespace cloister::kms::kmip
