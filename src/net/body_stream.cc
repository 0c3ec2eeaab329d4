#include "net/body_stream.h"

namespace cloister::net {

bool BodyFlow::write(Buffer piece) {
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return gone_ || waiting_ < kBodyWindow; });
    if (gone_) return false;
    waiting_ += piece.size();
  }
  Push push;
  push.bytes = std::move(piece);
  if (outlet_(std::move(push))) return true;
  close();
  return false;
}

void BodyFlow::end(Push push) {
  if (!gone()) ignore_result(outlet_(std::move(push)));
}

bool BodyFlow::gone() const {
  const std::scoped_lock lock(mutex_);
  return gone_;
}

void BodyFlow::taken(std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  waiting_ -= std::min(bytes, waiting_);
  room_.notify_all();
}

void BodyFlow::close() {
  const std::scoped_lock lock(mutex_);
  gone_ = true;
  room_.notify_all();
}

BodyWriter::~BodyWriter() {
  if (flow_ == nullptr) return;
  Push push;
  push.cut = true;
  flow_->end(std::move(push));
}

void BodyWriter::finish() {
  CLOISTER_CHECK(flow_ != nullptr);
  Push push;
  push.trailers.emplace();
  std::exchange(flow_, nullptr)->end(std::move(push));
}

}  // namespace cloister::net
