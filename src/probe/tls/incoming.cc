// Puts records and messages together.
#include "probe/tls/incoming.h"

#include <algorithm>

namespace cloister::probe {
namespace {

constexpr std::size_t kHeader = 5;
constexpr std::size_t kShown = 64;  // of what isn't TLS

std::size_t big_endian16(ByteView bytes) { return static_cast<std::size_t>(bytes[0]) << 8 | bytes[1]; }

bool is_tls_header(ByteView header) { return header[0] >= 20 && header[0] <= 24 && header[1] == 3 && header[2] <= 4; }

}  // namespace

void Assembler::feed(ByteView bytes) {
  if (end_) return;
  total_ += bytes.size();
  raw_.erase(raw_.begin(), raw_.begin() + static_cast<std::ptrdiff_t>(read_));
  read_ = 0;
  raw_.insert(raw_.end(), bytes.begin(), bytes.end());
}

std::optional<Incoming> Assembler::stop(Incoming::Kind kind, Bytes body) {
  end_ = Incoming{kind, 0, 0, 0, 0, std::move(body)};
  return end_;
}

std::optional<Incoming> Assembler::message() {
  if (handshake_.size() < 4) return std::nullopt;
  const std::size_t size =
      static_cast<std::size_t>(handshake_[1]) << 16 | big_endian16(ByteView(handshake_).subspan(2));
  if (size > kMessageMax) return stop(Incoming::Kind::kTooMuch);
  if (handshake_.size() < 4 + size) return std::nullopt;
  const auto end = handshake_.begin() + static_cast<std::ptrdiff_t>(4 + size);
  Incoming out{Incoming::Kind::kMessage, handshake_[0], 0, 0, record_version_, Bytes(handshake_.begin() + 4, end)};
  handshake_.erase(handshake_.begin(), end);
  return out;
}

std::optional<Incoming> Assembler::next_sslv2() {
  const ByteView rest = ByteView(raw_).subspan(read_);
  if (rest.size() < 3) return std::nullopt;
  const bool two_bytes = (rest[0] & 0x80) != 0;
  const std::size_t header = two_bytes ? 2 : 3;
  const std::size_t padding = two_bytes ? 0 : rest[2];
  const std::size_t size = big_endian16(rest) & (two_bytes ? 0x7fff : 0x3fff);
  if (size == 0 || padding >= size)
    return stop(Incoming::Kind::kNotTls, to_bytes(rest.first(std::min(rest.size(), kShown))));
  if (rest.size() < header + size) return std::nullopt;
  read_ += header + size;
  return Incoming{Incoming::Kind::kSslv2, 0, 0, 0, 2, to_bytes(rest.subspan(header, size - padding))};
}

std::optional<Incoming> Assembler::take_record() {
  const ByteView rest = ByteView(raw_).subspan(read_);
  if (rest.size() < kHeader) return std::nullopt;
  if (!is_tls_header(rest)) return stop(Incoming::Kind::kNotTls, to_bytes(rest.first(std::min(rest.size(), kShown))));
  const std::size_t size = big_endian16(rest.subspan(3));
  if (size > kRecordMax) return stop(Incoming::Kind::kTooMuch);
  if (rest.size() < kHeader + size) return std::nullopt;
  const ByteView body = rest.subspan(kHeader, size);
  record_version_ = static_cast<std::uint16_t>(big_endian16(rest.subspan(1)));
  read_ += kHeader + size;
  if (size == 0 && ++empty_records_ > kEmptyRecordsMax) return stop(Incoming::Kind::kTooMuch);
  return Incoming{Incoming::Kind::kRecord, rest[0], 0, 0, record_version_, to_bytes(body)};
}

std::optional<Incoming> Assembler::next() {
  if (end_) return end_;
  if (total_ > kConversationMax) return stop(Incoming::Kind::kTooMuch);
  // An SSLv2 hello may be answered in TLS's framing: with an alert.
  const bool sslv2 =
      expect_ == Expect::kSslv2 && (raw_.size() - read_ < kHeader || !is_tls_header(ByteView(raw_).subspan(read_)));
  if (sslv2) return next_sslv2();
  for (;;) {
    if (auto whole = message()) return whole;
    auto one = take_record();
    if (!one || one->kind != Incoming::Kind::kRecord) return one;
    if (one->type == static_cast<std::uint8_t>(RecordType::kHandshake)) {
      handshake_.insert(handshake_.end(), one->body.begin(), one->body.end());
      continue;
    }
    if (one->type == static_cast<std::uint8_t>(RecordType::kAlert) && one->body.size() == 2) {
      return Incoming{Incoming::Kind::kAlert, one->type, one->body[0], one->body[1], one->record_version, {}};
    }
    return one;
  }
}

}  // namespace cloister::probe
