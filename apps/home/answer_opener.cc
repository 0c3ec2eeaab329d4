#include "home/answer_opener.h"

namespace cloister::home {
namespace {

// The framing indicator of a message of known length, RFC 9292 3.3.
constexpr std::uint8_t kKnownLength = 1;

Error corrupt(const Error& error) { return Error(Code::kCorrupt, "the worker's answer: " + error.message()); }
Error too_long() { return Error(Code::kCorrupt, "the worker's answer: it is longer than is taken"); }

}  // namespace

Status AnswerOpener::begin(const net::Response& head) {
  if (head.status == 422) return Error(Code::kExpired, "the worker doesn't know this key any more");
  has_begun_ = head.status == 200;
  if (has_begun_) return {};
  return Error(head.status == 503 ? Code::kUnavailable : Code::kInvalid,
               "ask the worker: status " + std::to_string(head.status));
}

Status AnswerOpener::take(ByteView sealed) {
  if (keep_ == KeepSealed::kYes) {
    if (sealed.size() > kAnswerMax - sealed_.size()) return too_long();
    net::append(sealed_, sealed);
  }
  const Status opened = opener_.put(sealed, plaintext_);
  CLOISTER_RETURN_IF_ERROR(read());  // what came before is authentic
  return opened.ok() ? opened : Status(corrupt(opened.error()));
}

Status AnswerOpener::note(Status from_sink) {
  if (!from_sink.ok()) sink_failure_ = from_sink.error();
  return from_sink;
}

Status AnswerOpener::read() {
  if (plaintext_.empty()) return {};
  if (!std::exchange(known_, true)) in_pieces_ = plaintext_.front() != kKnownLength;
  if (in_pieces_) return read_pieces();
  if (plaintext_.size() > kAnswerMax - whole_.size()) return too_long();
  net::append(whole_, plaintext_);
  net::wipe_and_clear(plaintext_);
  return {};
}

Status AnswerOpener::read_pieces() {
  const Status parsed = stream_.put(plaintext_, coded_);
  net::wipe_and_clear(plaintext_);
  if (!parsed.ok()) return corrupt(parsed.error());
  if (!begun_ && stream_.has_head()) {
    begun_ = true;
    const std::string* coding = stream_.response().headers.find("content-encoding");
    is_padded_ = coding != nullptr && *coding == net::kPaddedCoding;
    if (coding != nullptr && !is_padded_) {
      return Error(Code::kUnsupported, "the worker's answer: its content coding is unknown");
    }
    CLOISTER_RETURN_IF_ERROR(note(sink_.begin(stream_.response())));
  }
  if (is_padded_) {
    const Status taken = padding_.put(coded_, content_);
    if (!taken.ok()) return corrupt(taken.error());
  } else {
    net::append(content_, coded_);
  }
  net::wipe_and_clear(coded_);
  if (content_.empty()) return {};
  const Status handed = note(sink_.take(content_));
  net::wipe_and_clear(content_);
  return handed;
}

Result<net::Response> AnswerOpener::finish() {
  const Status ended = opener_.finish(plaintext_);
  if (!ended.ok()) return corrupt(ended.error());
  CLOISTER_RETURN_IF_ERROR(read());
  if (!in_pieces_) {
    auto parsed = net::parse_binary_response(whole_, net::BinaryHttpLimits{.content_bytes = kAnswerMax});
    if (!parsed.ok()) return corrupt(parsed.error());
    return parsed;
  }
  if (const Status whole = stream_.finish(); !whole.ok()) return corrupt(whole.error());
  if (const Status whole = padding_.finish(); !whole.ok()) return corrupt(whole.error());
  return stream_.response();
}

Bytes AnswerOpener::take_sealed() {
  if (keep_ == KeepSealed::kNo) return {};
  return to_bytes(ByteView(sealed_).first(opener_.before_last()));
}

}  // namespace cloister::home
