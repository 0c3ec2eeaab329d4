// A log in a folder of its own, its keys, and ways to damage it.
#pragma once

#include <gtest/gtest.h>

#include "seal/append_log.h"
#include "seal/log_frame.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/seal/dataset_keys.h"

namespace cloister::seal {

using Lines = std::vector<std::string>;

class AppendLogTest : public ::testing::Test {
 protected:
  LogOptions options() const {
    LogOptions options;
    options.chunk_log2 = 14;
    options.context = keys_.context();
    options.meta.name = "inference.log";
    return options;
  }
  Result<LogWriter> writer() { return LogWriter::open(path_, options(), keys_.wrappers(), keys_.random); }

  // One run with these frames.
  void append(const Lines& lines, std::optional<LogWriter::End> end = std::nullopt) {
    LogWriter log = must(writer());
    for (const std::string& line : lines) must(log.append(as_bytes(line)));
    if (end) must(log.end(*end));
  }

  Result<Lines> read(std::span<crypto::KeyWrapper* const> wrappers) {
    CLOISTER_TRY(const File file, File::open(path_));
    Lines lines;
    CLOISTER_TRY(summary_, read_log(file, wrappers, [&](ByteView piece) -> Status {
                   lines.emplace_back(as_text(piece));
                   return {};
                 }));
    return lines;
  }
  Result<Lines> read() { return read(keys_.wrappers()); }

  Bytes bytes() const { return must(read_file(path_, 1 << 30)); }
  void store(ByteView bytes) { must(write_file(path_, bytes, Overwrite::kReplace)); }
  LogOutline outline() const { return must(read_log_outline(must(File::open(path_)))); }

  // Where each frame begins, and where the last one ends.
  std::vector<std::uint64_t> frame_offsets() const {
    const File file = must(File::open(path_));
    LogWalk walk(file);
    must(walk.start());
    std::vector<std::uint64_t> offsets;
    for (;;) {
      const LogWalk::Step step = must(walk.next());
      if (step == LogWalk::Step::kEnd) break;
      if (step == LogWalk::Step::kFrame) offsets.push_back(walk.position() - walk.frame().size());
    }
    offsets.push_back(walk.position());
    return offsets;
  }

  static void fix_frame_crc(Bytes& log, std::uint64_t offset) {
    const auto length = load_le<std::uint32_t>(log.data() + offset + 12);
    Bytes covered(log.begin() + static_cast<std::ptrdiff_t>(offset),
                  log.begin() + static_cast<std::ptrdiff_t>(offset + 16));
    covered.insert(covered.end(), log.begin() + static_cast<std::ptrdiff_t>(offset + kFrameHeaderSize),
                   log.begin() + static_cast<std::ptrdiff_t>(offset + kFrameHeaderSize + length + 16));
    store_le(log.data() + offset + 16, crc32c(covered));
  }

  void expect_writer_refuses_and_leaves_as_is(Code code, std::string_view words) {
    const Bytes before = bytes();
    expect_error(writer(), code, words);
    EXPECT_EQ(bytes(), before);
  }

  DatasetKeys keys_;
  testing::TempDir folder_;
  Path path_ = folder_ / "inference.log.sealed";
  LogSummary summary_;
};

}  // namespace cloister::seal
