#include "probe/certificate/timestamps.h"

#include <algorithm>

#include "crypto/hash.h"

namespace cloister::probe {
namespace {

constexpr std::uint8_t kSha256 = 4;
constexpr std::uint8_t kRsa = 1;
constexpr std::uint8_t kEcdsa = 3;
constexpr std::uint8_t kLeafIndex = 0;  // extension type of static-ct-api

Error malformed() { return Error(Code::kInvalid, "a list of certificate timestamps is malformed"); }

// Big-endian, as TLS writes.
class TlsReader {
 public:
  explicit TlsReader(ByteView bytes) : rest_(bytes) {}
  bool at_end() const { return rest_.empty(); }
  Result<ByteView> take(std::size_t size) {
    if (rest_.size() < size) return malformed();
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  Result<std::uint64_t> number(std::size_t size) {
    CLOISTER_TRY(const ByteView bytes, take(size));
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes) value = value << 8 | byte;
    return value;
  }
  Result<ByteView> prefixed16() {
    CLOISTER_TRY(const std::uint64_t size, number(2));
    return take(static_cast<std::size_t>(size));
  }

 private:
  ByteView rest_;
};

void put_number(Bytes& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * (size - 1 - i))));
}

void put_prefixed(Bytes& out, ByteView bytes, std::size_t size) {
  put_number(out, bytes.size(), size);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

Result<std::optional<SignedTimestamp>> read_one(ByteView bytes) {
  TlsReader reader(bytes);
  CLOISTER_TRY(const std::uint64_t version, reader.number(1));
  if (version != 0) return std::optional<SignedTimestamp>();
  SignedTimestamp timestamp;
  CLOISTER_TRY(const ByteView id, reader.take(timestamp.log_id.size()));
  std::ranges::copy(id, timestamp.log_id.begin());
  CLOISTER_TRY(const std::uint64_t at, reader.number(8));
  timestamp.at = Time{static_cast<std::int64_t>(at & INT64_MAX)};
  CLOISTER_TRY(const ByteView extensions, reader.prefixed16());
  timestamp.extensions = to_bytes(extensions);
  CLOISTER_TRY(const ByteView algorithms, reader.take(2));
  timestamp.hash = algorithms[0];
  timestamp.algorithm = algorithms[1];
  CLOISTER_TRY(const ByteView signature, reader.prefixed16());
  timestamp.signature = to_bytes(signature);
  if (at > INT64_MAX || !reader.at_end()) return malformed();
  return std::optional(std::move(timestamp));
}

}  // namespace

std::optional<std::uint64_t> SignedTimestamp::leaf_index() const {
  TlsReader reader(extensions);
  while (!reader.at_end()) {
    const auto type = reader.number(1);
    const auto value = reader.prefixed16();
    if (!type.ok() || !value.ok()) return std::nullopt;
    if (*type != kLeafIndex || value->size() != 5) continue;
    return TlsReader(*value).number(5).value();
  }
  return std::nullopt;
}

Result<std::vector<SignedTimestamp>> parse_timestamps(ByteView list) {
  TlsReader outer(list);
  CLOISTER_TRY(const ByteView content, outer.prefixed16());
  if (!outer.at_end() || content.empty()) return malformed();
  std::vector<SignedTimestamp> timestamps;
  TlsReader reader(content);
  for (std::size_t count = 0; !reader.at_end(); ++count) {
    if (count == kTimestampsMax) return Error(Code::kInvalid, "there are too many certificate timestamps");
    CLOISTER_TRY(const ByteView bytes, reader.prefixed16());
    CLOISTER_TRY(auto one, read_one(bytes));
    if (one) timestamps.push_back(std::move(*one));
  }
  return timestamps;
}

LoggedEntry entry_of(const SeenCertificate& certificate) {
  return {LoggedEntry::Type::kCertificate, {}, certificate.der};
}

Result<LoggedEntry> precertificate_of(const SeenCertificate& certificate, const SeenCertificate& issuer) {
  CLOISTER_TRY(Bytes part, precertificate_part(certificate));
  return LoggedEntry{LoggedEntry::Type::kPrecertificate, crypto::sha256(issuer.spki), std::move(part)};
}

Bytes signed_bytes(const SignedTimestamp& timestamp, const LoggedEntry& entry) {
  Bytes out{0, 0};  // version 1, certificate_timestamp
  put_number(out, static_cast<std::uint64_t>(timestamp.at.unix_ms), 8);
  put_number(out, static_cast<std::uint64_t>(entry.type), 2);
  if (entry.type == LoggedEntry::Type::kPrecertificate) {
    out.insert(out.end(), entry.issuer_key_hash.begin(), entry.issuer_key_hash.end());
  }
  put_prefixed(out, entry.bytes, 3);
  put_prefixed(out, timestamp.extensions, 2);
  return out;
}

Status verify_timestamp(const SignedTimestamp& timestamp, const LoggedEntry& entry, const crypto::PublicKey& log_key) {
  const bool rsa = timestamp.algorithm == kRsa;
  if (timestamp.hash != kSha256 || (!rsa && timestamp.algorithm != kEcdsa)) {
    return Error(Code::kUnsupported, "a certificate timestamp isn't signed with SHA-256 and RSA or ECDSA");
  }
  const auto algorithm = rsa ? crypto::SignatureAlgorithm::kRsaPkcs1Sha256 : crypto::SignatureAlgorithm::kEcdsaSha256;
  if (log_key.verify(algorithm, signed_bytes(timestamp, entry), timestamp.signature).ok()) return {};
  return Error(Code::kDenied, "a certificate timestamp isn't signed by its log");
}

}  // namespace cloister::probe
