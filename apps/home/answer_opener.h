// Opens a worker's sealed answer while it comes, and hands on what is authentic at once. docs/inference.md.
#pragma once

#include "net/binary_response_stream.h"
#include "net/body_stream.h"
#include "net/ohttp.h"
#include "net/padded_content.h"

namespace cloister::home {

inline constexpr std::size_t kAnswerMax = 64 << 20;

enum class KeepSealed { kNo, kYes };

// Between what carries the answer and whoever reads it. An answer that isn't in pieces is held until finish(). One
// thread at a time.
class AnswerOpener final : public net::BodySink {
 public:
  // All outlive it.
  AnswerOpener(const net::OhttpSender& sender, KeepSealed keep, net::BodySink& sink)
      : opener_(sender.opener()), keep_(keep), sink_(sink) {}

  // kExpired: the worker doesn't know the key any more. kUnavailable, kInvalid: it refuses, unsealed.
  Status begin(const net::Response& head) override;
  // kCorrupt for a chunk that isn't authentic: nothing of it is handed on.
  Status take(ByteView sealed) override;
  Status wait() override { return note(sink_.wait()); }

  // The end: what the worker said beside its content, trailers included, and the whole answer where it wasn't in
  // pieces. kCorrupt: it isn't whole.
  Result<net::Response> finish();
  bool in_pieces() const { return in_pieces_; }
  // What whoever reads refused the answer for: no fault of the worker's.
  const std::optional<Error>& sink_failure() const { return sink_failure_; }
  // A sealed answer has begun to come.
  bool has_begun() const { return has_begun_; }
  // After finish(): the sealed bytes before the last chunk; empty unless they were to be kept.
  Bytes take_sealed();
  crypto::Sha256Digest sealed_digest() { return opener_.digest_before_last(); }

 private:
  Status read();
  Status read_pieces();
  Status note(Status from_sink);

  net::OhttpOpener opener_;
  const KeepSealed keep_;
  net::BodySink& sink_;
  std::optional<Error> sink_failure_;
  net::BinaryResponseStream stream_{net::BinaryHttpLimits{.content_bytes = 2 * kAnswerMax}};
  net::PaddedReader padding_;
  net::Buffer sealed_, plaintext_, coded_, content_;
  net::Buffer whole_;  // of an answer that isn't in pieces
  bool in_pieces_ = false, known_ = false, begun_ = false, is_padded_ = false, has_begun_ = false;
};

}  // namespace cloister::home
