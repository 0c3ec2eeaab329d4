// The pieces a log is made of, found without keys: frames and run headers. docs/formats/append-log.md.
// Used by append_log.cc and log_reader.cc alone.
#pragma once

#include <optional>

#include "base/file.h"
#include "seal/object_keys.h"
#include "seal/slots.h"

namespace cloister::seal {

enum class FrameKind : std::uint8_t { kData = 0, kRunEnd = 1, kLogEnd = 2 };
inline Last frame_flag(FrameKind kind) { return static_cast<Last>(kind); }

inline constexpr std::string_view kFrameMagic = "CLSRFRM1";
inline constexpr std::size_t kFrameHeaderSize = 32;
constexpr std::uint64_t frame_size(std::uint32_t length) {
  return align_to_page(kFrameHeaderSize + length + crypto::kTagSize);
}

struct Frame {
  FrameKind kind = FrameKind::kData;
  Bytes body;  // ciphertext || tag
  std::uint32_t length() const { return static_cast<std::uint32_t>(body.size() - crypto::kTagSize); }
  std::uint64_t size() const { return frame_size(length()); }
};

// The whole frame with its padding, ready to be written at once.
Bytes serialize_frame(FrameKind kind, ByteView ciphertext, const crypto::Tag& tag);

// The frame at `offset`, or nothing when no whole frame starts there. kCorrupt for a whole frame that breaks a rule.
Result<std::optional<Frame>> probe_frame(const File& file, std::uint64_t file_size, std::uint64_t offset,
                                         std::uint32_t chunk_size);

struct RunHeader {
  Preamble preamble;
  Bytes page;
  SlotTables slots;
  std::uint64_t start = 0;
  std::uint64_t data_start() const { return start + preamble.data_off(); }
};

// The run header at `offset`, or nothing when no whole one starts there. kCorrupt and kUnsupported as for preambles.
Result<std::optional<RunHeader>> probe_run_header(const File& file, std::uint64_t file_size, std::uint64_t offset);
// Only its preamble is whole: the header's own length, for bounding a torn tail (AL-5).
std::optional<std::uint64_t> probe_preamble_span(const File& file, std::uint64_t file_size, std::uint64_t offset);

// Walks a log from its start. AL-1, AL-2, AL-3, AL-5.
class LogWalk {
 public:
  explicit LogWalk(const File& file) : file_(file) {}

  // kInvalid when the file isn't an append log.
  Status start();
  enum class Step { kFrame, kRun, kEnd };
  // Goes on to the next frame or run header, or finds the end; then torn_bytes() says what follows the last whole
  // frame.
  Result<Step> next();

  const RunHeader& run() const { return run_; }
  const Frame& frame() const { return frame_; }
  std::uint64_t frame_index() const { return frames_ - 1; }
  std::uint64_t frames_in_run() const { return frames_; }
  bool run_ended() const { return run_ended_; }
  bool log_ended() const { return log_ended_; }
  std::uint64_t position() const { return position_; }
  std::uint64_t torn_bytes() const { return file_size_ - position_; }

 private:
  Status check_next_run(const RunHeader& next) const;
  Status check_tail() const;

  const File& file_;
  std::uint64_t file_size_ = 0;
  std::uint64_t position_ = 0;
  RunHeader run_;
  Frame frame_;
  std::uint64_t frames_ = 0;
  bool run_ended_ = false;
  bool log_ended_ = false;
};

}  // namespace cloister::seal
