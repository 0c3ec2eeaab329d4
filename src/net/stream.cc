#include "net/stream.h"

#include <algorithm>

namespace cloister::net {

bool StreamOutput::add(Push push) {
  if (trailers_) return false;
  if (!push.bytes.empty()) waiting_.push_back(std::move(push.bytes));
  trailers_ = std::move(push.trailers);
  return true;
}

std::size_t StreamOutput::read(MutableByteView out) {
  std::size_t total = 0;
  while (total < out.size() && !waiting_.empty()) {
    const ByteView rest = ByteView(waiting_.front()).subspan(read_);
    const std::size_t size = std::min(rest.size(), out.size() - total);
    std::copy_n(rest.begin(), size, out.begin() + static_cast<std::ptrdiff_t>(total));
    total += size;
    read_ += size;
    if (size < rest.size()) break;
    waiting_.pop_front();
    read_ = 0;
  }
  return total;
}

}  // namespace cloister::net
