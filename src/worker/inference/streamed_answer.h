// An answer on its way from an engine to whoever asked, sealed piece by piece. docs/inference.md.
#pragma once

#include <functional>

#include "net/handler.h"
#include "worker/inference/sealed_answer.h"

namespace cloister::worker {

// Waits while whoever asked is slow, and ends the engine's work when they have gone. Destroyed before end(), what was
// sent shows that it isn't whole. One thread at a time.
class StreamedAnswer final : public net::BodySink {
 public:
  // `may_go_on` is asked before each piece: when it says no, the answer is cut.
  StreamedAnswer(SealedAnswer sealed, net::BodyWriter writer, std::function<bool()> may_go_on)
      : sealed_(std::move(sealed)), writer_(std::move(writer)), may_go_on_(std::move(may_go_on)) {}

  Status begin(const net::Response& head) override;
  Status take(ByteView piece) override;
  Status wait() override;

  bool begun() const { return begun_; }
  // In place of begin() and take().
  Status whole(net::Response response);
  // SealedAnswer::digest().
  crypto::Sha256Digest digest() { return sealed_.digest(); }
  // Once, last.
  Status end(const net::Headers& trailers);

 private:
  Status send(net::Buffer sealed);

  SealedAnswer sealed_;
  net::BodyWriter writer_;
  const std::function<bool()> may_go_on_;
  bool begun_ = false;
};

}  // namespace cloister::worker
