// Seals an answer: whole, or piece by piece as it is made. Its receipt comes with the last chunk. docs/inference.md.
#pragma once

#include "crypto/hash.h"
#include "net/http_message.h"
#include "net/ohttp.h"

namespace cloister::worker {

inline constexpr net::OhttpForm kAnswerForm = net::OhttpForm::kChunked;
// Sizes of chunks of answers are seen by whoever carries them: in steps of this.
inline constexpr std::size_t kAnswerPadding = 64;

// whole(), or begin() and any number of piece(); then end(). Each appends what is to be sent to `out`. One thread at a
// time.
class SealedAnswer {
 public:
  explicit SealedAnswer(net::OhttpResponder responder) : responder_(std::move(responder)) {}

  void whole(net::Response inner, net::Buffer& out);
  // The head alone: what follows comes with the content coding of docs/formats/padded-content.md.
  void begin(net::Response head, net::Buffer& out);
  // Of any size: each 16 KiB are a chunk.
  void piece(ByteView content, net::Buffer& out);

  // What a receipt says of everything that was sealed so far. Once.
  crypto::Sha256Digest digest() { return digest_.finish(); }
  void end(const net::Headers& trailers, net::Buffer& out);

 private:
  void seal(ByteView plaintext, net::Last last, net::Buffer& out);

  net::OhttpResponder responder_;
  crypto::Sha256 digest_;
  bool in_pieces_ = false;
};

}  // namespace cloister::worker
