// Captures as programs write them: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng). Hostile bytes.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace cloister::probe::path {

// A view into the file.
struct Frame {
  std::uint32_t link = 0;
  Time time;
  ByteView bytes;
};

bool is_capture(ByteView file);

// Reads one frame after the other. The file must outlive it. One thread at a time.
class CaptureReader {
 public:
  // kInvalid for what is no capture.
  static Result<CaptureReader> open(ByteView file);
  // Nothing at the end. kCorrupt for a file that isn't what it says; what came before stands.
  Result<std::optional<Frame>> next();

 private:
  struct Interface {
    std::uint32_t link = 0;
    std::uint64_t units_per_second = 1'000'000;
  };

  explicit CaptureReader(ByteView file) : file_(file) {}
  Status begin_pcap();
  Status begin_section(ByteView block);
  Status add_interface(ByteView body);
  Result<std::optional<Frame>> next_pcap();
  Result<std::optional<Frame>> next_pcapng();
  Result<std::optional<Frame>> read_block(std::uint32_t type, ByteView body);
  std::uint16_t u16(ByteView bytes, std::size_t at) const;
  std::uint32_t u32(ByteView bytes, std::size_t at) const;

  ByteView file_;
  std::size_t offset_ = 0;
  bool pcapng_ = false;
  bool big_endian_ = false;
  std::vector<Interface> interfaces_;
};

}  // namespace cloister::probe::path
