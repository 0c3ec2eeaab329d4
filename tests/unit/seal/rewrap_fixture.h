// One sealed object or log in a folder of its own, and its dataset's keys, which change.
#pragma once

#include <gtest/gtest.h>

#include "seal/append_log.h"
#include "seal/reader.h"
#include "seal/rewrap.h"
#include "seal/writer.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/seal/dataset_keys.h"

namespace cloister::seal {

inline constexpr std::string_view kSealedText = "what the object holds";

class RewrapTest : public ::testing::Test {
 protected:
  void seal(std::span<crypto::KeyWrapper* const> wrappers) {
    SealOptions options;
    options.chunk_log2 = 14;
    options.context = keys_.context();
    const File file = must(File::create_new(path_));
    must(seal_bytes(as_bytes(kSealedText), file, options, wrappers, keys_.random));
  }
  void seal() { seal(keys_.wrappers()); }

  void rotate() {
    must(keys_.keyring.rotate(kNow));
    keys_.refresh();
  }
  // So that only what was rewrapped opens.
  void disable_version(std::uint32_t version) {
    must(keys_.keyring.set_state(version, DatasetKeyState::kDisabled));
    keys_.refresh();
  }

  Result<RewrapSummary> rewrap(crypto::KeyWrapper& wrapper) {
    return rewrap_slots(must(File::open(path_, File::Access::kReadWrite)), wrapper);
  }
  Result<RewrapSummary> rewrap() { return rewrap(*keys_.wrapper); }

  Status verify(std::span<crypto::KeyWrapper* const> wrappers) {
    CLOISTER_TRY(File file, File::open(path_));
    CLOISTER_TRY(const ObjectReader reader, ObjectReader::open(std::move(file), wrappers));
    Bytes text(reader.size());
    CLOISTER_RETURN_IF_ERROR(reader.read_at(0, text));
    EXPECT_EQ(as_text(text), kSealedText);
    Progress progress;
    return reader.verify(1, progress);
  }
  Status verify() { return verify(keys_.wrappers()); }

  SlotTables slots() { return must(read_outline(must(File::open(path_)))).slots; }
  Bytes bytes() const { return must(read_file(path_, 1 << 30)); }
  void store(ByteView bytes) { must(write_file(path_, bytes, Overwrite::kReplace)); }

  DatasetKeys keys_;
  testing::TempDir folder_;
  Path path_ = folder_ / "object.sealed";
};

class RewrapLogTest : public RewrapTest {
 protected:
  void append(const std::string& line, std::span<crypto::KeyWrapper* const> wrappers) {
    LogOptions options;
    options.chunk_log2 = 14;
    options.context = keys_.context();
    LogWriter log = must(LogWriter::open(path_, options, wrappers, keys_.random));
    must(log.append(as_bytes(line)));
  }
  void append(const std::string& line) { append(line, keys_.wrappers()); }
  Result<std::string> read() {
    std::string text;
    CLOISTER_TRY(const LogSummary summary, read_log(must(File::open(path_)), keys_.wrappers(), [&](ByteView piece) {
                   text += as_text(piece);
                   return ok_status();
                 }));
    ignore_result(summary);
    return text;
  }
};

}  // namespace cloister::seal
