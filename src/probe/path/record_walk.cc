#include "probe/path/record_walk.h"

#include <algorithm>

namespace cloister::probe::path {
namespace {

constexpr std::size_t kHeaderSize = 5;
constexpr std::size_t kBodyMax = 16384 + 2048;  // RFC 5246 6.2.3; TLS 1.3 allows less
constexpr std::uint8_t kChangeCipherSpec = 20, kAlert = 21, kHandshake = 22, kApplicationData = 23, kHeartbeat = 24;
constexpr std::size_t kSmallestSealed = 17;  // a tag and the type that TLS 1.3 hides

bool is_application_record(ByteView bytes) {
  const auto size = record_size(bytes);
  return size && bytes[0] == kApplicationData && bytes[2] == 3 && *size >= kHeaderSize + kSmallestSealed;
}

}  // namespace

std::optional<std::size_t> record_size(ByteView bytes) {
  if (bytes.size() < kHeaderSize) return std::nullopt;
  const std::size_t length = static_cast<std::size_t>(bytes[3]) << 8 | bytes[4];
  const bool fits = bytes[0] >= kChangeCipherSpec && bytes[0] <= kHeartbeat && bytes[1] == 3 && bytes[2] <= 4 &&
                    length > 0 && length <= kBodyMax;
  return fits ? std::optional(kHeaderSize + length) : std::nullopt;
}

std::optional<std::size_t> find_records(ByteView bytes) {
  for (std::size_t i = 0; i + kHeaderSize <= bytes.size(); ++i) {
    const ByteView from = bytes.subspan(i);
    if (!is_application_record(from)) continue;
    const std::size_t size = *record_size(from);
    if (size == from.size()) return i;
    if (size < from.size() && is_application_record(from.subspan(size))) return i;
  }
  return std::nullopt;
}

void RecordWalk::begin_record(ByteView header) {
  const auto size = record_size(header);
  if (!size) {
    broken_ = true;
    return;
  }
  type_ = header[0];
  left_ = *size - kHeaderSize;
  ++records_;
  if (type_ == kApplicationData) ++application_records_;
  if (type_ == kApplicationData || (type_ == kHandshake && cipher_changed_)) encrypted_ = true;
  if (type_ == kChangeCipherSpec) cipher_changed_ = true;
  // Two bytes are what an alert has: a sealed one is longer.
  if (type_ == kAlert && left_ == 2 && !encrypted_) alerted_ = true;
}

void RecordWalk::take_body(ByteView bytes) {
  left_ -= bytes.size();
  if (type_ != kHandshake || encrypted_) return;
  const std::size_t room = kHandshakeMax - std::min(kHandshakeMax, handshake_.size());
  const ByteView kept = bytes.first(std::min(room, bytes.size()));
  handshake_.insert(handshake_.end(), kept.begin(), kept.end());
}

void RecordWalk::add(ByteView bytes) {
  if (broken_) return;
  if (lost_) {
    const auto at = find_records(bytes);
    if (!at) return;
    lost_ = false;
    bytes = bytes.subspan(*at);
  }
  while (!bytes.empty() && !broken_) {
    if (left_ > 0) {
      const ByteView body = bytes.first(std::min(left_, bytes.size()));
      bytes = bytes.subspan(body.size());
      take_body(body);
      continue;
    }
    const std::size_t wanted = std::min(kHeaderSize - header_.size(), bytes.size());
    header_.insert(header_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(wanted));
    bytes = bytes.subspan(wanted);
    if (header_.size() < kHeaderSize) return;
    begin_record(header_);
    header_.clear();
  }
}

void RecordWalk::lose() {
  lost_ = true;
  left_ = 0;
  header_.clear();
}

void RecordWalk::forget_handshake() {
  handshake_.clear();
  handshake_.shrink_to_fit();
}

}  // namespace cloister::probe::path
