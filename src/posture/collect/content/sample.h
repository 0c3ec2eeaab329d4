// A file as the detectors see it: its first bytes, its size, and reads by position that are bounded by whoever asks.
#pragma once

#include <functional>
#include <string_view>

#include "base/bytes.h"

namespace cloister::posture::content {

// Of the head, and of every window that statistics look at.
inline constexpr std::size_t kWindow = std::size_t{64} << 10;

struct Sample {
  std::string_view name;   // the last part of its path: a hint, nothing more
  std::uint64_t size = 0;  // when it was opened
  ByteView head;           // its first bytes, kWindow of them or all
  // Exactly out.size() bytes at `offset`; kCorrupt when the file ends before.
  std::function<Status(std::uint64_t offset, MutableByteView out)> read_at;
  // The first offset from this one on that may hold anything but zeros of a hole; `size` where there is none.
  std::function<std::uint64_t(std::uint64_t offset)> next_data;

  bool contains(std::string_view text) const {
    return ::memmem(head.data(), head.size(), text.data(), text.size()) != nullptr;
  }
  bool starts_with(std::string_view magic) const {
    return head.size() >= magic.size() && equal(head.first(magic.size()), as_bytes(magic));
  }
};

// Of bytes in memory, which outlive it.
inline Sample sample_of(ByteView bytes, std::string_view name = {}) {
  Sample sample;
  sample.name = name;
  sample.size = bytes.size();
  sample.head = bytes.first(bytes.size() < kWindow ? bytes.size() : kWindow);
  sample.read_at = [bytes](std::uint64_t offset, MutableByteView out) -> Status {
    if (offset > bytes.size() || bytes.size() - offset < out.size())
      return Error(Code::kCorrupt, "the bytes end before");
    if (!out.empty()) std::memcpy(out.data(), bytes.data() + offset, out.size());
    return {};
  };
  sample.next_data = [](std::uint64_t offset) { return offset; };
  return sample;
}

}  // namespace cloister::posture::content
