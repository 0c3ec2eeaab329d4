// Logs that are sealed as they come. docs/formats/append-log.md.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/file.h"
#include "crypto/key_wrapper.h"
#include "crypto/random.h"
#include "seal/meta.h"
#include "seal/preamble.h"

namespace cloister::seal {

struct LogOptions {  // for a new log; an existing one keeps its own
  Suite suite = Suite::kAes256Gcm;
  std::uint8_t chunk_log2 = 16;
  PublicContext context;
  Meta meta;
};

// kRefuse: a symbolic link at the path itself is kCorrupt.
enum class Links { kFollow, kRefuse };

// One writer's run. Holds an exclusive lock on the file. One thread at a time.
class LogWriter {
 public:
  // Creates the log, or starts the next run of an existing one after cutting a torn tail. Needs no key of earlier runs:
  // `wrappers` (at least one) wrap this run's DEK and may be write-only.
  // kUnavailable: another writer holds the log. kDenied: the log was ended. kInvalid: another tenant's or dataset's
  // log, or names that no reader would take; nothing is made then.
  static Result<LogWriter> open(const Path& path, const LogOptions& options,
                                std::span<crypto::KeyWrapper* const> wrappers, crypto::Random& random,
                                Links links = Links::kFollow);

  LogWriter(LogWriter&&) noexcept;
  ~LogWriter();  // without end(): the run stays interrupted, which loses nothing that was flushed

  std::uint64_t torn_bytes_cut() const;
  std::uint32_t run_number() const;
  std::uint32_t frame_capacity() const;  // C, the most one frame holds

  // One frame, durable when this returns. `bytes` has 1 to frame_capacity() bytes.
  Status append(ByteView bytes);
  enum class End { kRun, kLog };
  Status end(End end);

 private:
  struct State;
  explicit LogWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct LogRun {
  std::uint32_t number = 0;
  std::uint64_t offset = 0;  // in the file
  std::uint64_t frames = 0;  // whole ones, the end frame included
  bool ended = false;        // by its writer; otherwise it was interrupted, or is being written
};

struct LogOutline {  // without keys; nothing in it is authenticated
  std::vector<LogRun> runs;
  bool log_ended = false;
  std::uint64_t end_offset = 0;  // after the last whole frame
  std::uint64_t torn_bytes = 0;
};
Result<LogOutline> read_log_outline(const File& file);
// False for a log that was never begun: empty, or killed before its first header was whole. It holds nothing.
bool probe_log_started(const File& file);

// What a frame of so many bytes takes in the file.
std::uint64_t stored_frame_size(std::size_t plaintext_size);

struct LogSummary {
  LogOutline outline;
  std::optional<Meta> meta;  // of run 0
  std::uint64_t plaintext_bytes = 0;
};

// Hands every frame's plaintext to `sink`, in order, each verified first; checks the chain of runs (AL-3).
// kDenied when a run has no slot that `wrappers` open.
Result<LogSummary> read_log(const File& file, std::span<crypto::KeyWrapper* const> wrappers,
                            const std::function<Status(ByteView piece)>& sink);

}  // namespace cloister::seal
