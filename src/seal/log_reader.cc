// Reading append logs: with keys, and without.
#include "seal/append_log.h"
#include "seal/log_frame.h"
#include "seal/meta_seal.h"

namespace cloister::seal {
namespace {

std::string doing(std::string_view what, const File& file) { return std::string(what) + " " + file.path().string(); }

void note_run_end(const LogWalk& walk, LogOutline& outline) {
  outline.runs.back().frames = walk.frames_in_run();
  outline.runs.back().ended = walk.run_ended();
}

void note_run_start(const LogWalk& walk, LogOutline& outline) {
  outline.runs.push_back(LogRun{walk.run().preamble.run_number, walk.run().start, 0, false});
}

void note_end(const LogWalk& walk, LogOutline& outline) {
  outline.log_ended = walk.log_ended();
  outline.end_offset = walk.position();
  outline.torn_bytes = walk.torn_bytes();
}

// The keys of the run the walk stands in.
struct OpenRun {
  crypto::Dek dek;
  std::unique_ptr<ChunkCipher> cipher;
};

Result<OpenRun> open_run(const File& file, const RunHeader& run, std::span<crypto::KeyWrapper* const> wrappers,
                         std::optional<Meta>& meta) {
  CLOISTER_TRY(crypto::Dek dek, unwrap_slots(run.preamble, run.page, run.slots.newest, wrappers));
  CLOISTER_RETURN_IF_ERROR(verify_preamble_mac(run.page, derive_header_key(dek, run.preamble, run.page)));
  if (run.preamble.meta_len != 0) {
    CLOISTER_TRY(meta, open_meta(file, run.start, run.preamble, dek, run.page));
    const std::uint64_t meta_end = run.preamble.meta_off() + run.preamble.meta_len;
    Bytes gap(run.preamble.data_off() - meta_end);
    CLOISTER_RETURN_IF_ERROR(file.read_at(run.start + meta_end, gap));
    if (!all_zero(gap)) return Error(Code::kCorrupt, "bytes after META that must be zero aren't");  // SO-14
  }
  return OpenRun{std::move(dek), nullptr};
}

Result<LogSummary> read_frames(const File& file, std::span<crypto::KeyWrapper* const> wrappers,
                               const std::function<Status(ByteView piece)>& sink) {
  LogSummary summary;
  LogWalk walk(file);
  CLOISTER_RETURN_IF_ERROR(walk.start());
  std::optional<OpenRun> open;
  std::optional<Preamble> preamble;  // outlives the cipher that refers to it
  const auto enter = [&]() -> Status {
    open.reset();
    CLOISTER_TRY(OpenRun next, open_run(file, walk.run(), wrappers, summary.meta));
    preamble = walk.run().preamble;
    open.emplace(std::move(next));
    open->cipher = std::make_unique<ChunkCipher>(open->dek, *preamble);
    note_run_start(walk, summary.outline);
    return {};
  };
  CLOISTER_RETURN_IF_ERROR(enter().with_context("run 0"));
  for (;;) {
    CLOISTER_TRY(const LogWalk::Step step, walk.next());
    if (step == LogWalk::Step::kEnd) break;
    if (step == LogWalk::Step::kRun) {
      CLOISTER_RETURN_IF_ERROR(enter().with_context("run " + std::to_string(walk.run().preamble.run_number)));
      continue;
    }
    Bytes body = walk.frame().body;
    const MutableByteView text = MutableByteView(body).first(walk.frame().length());
    const Status opened = open->cipher->open(walk.frame_index(), frame_flag(walk.frame().kind), text,
                                             ByteView(body).subspan(text.size()), text);
    if (!opened.ok()) {
      return Error(Code::kCorrupt, "frame " + std::to_string(walk.frame_index()) + " of run " +
                                       std::to_string(preamble->run_number) + " fails its tag");
    }
    note_run_end(walk, summary.outline);
    summary.plaintext_bytes += text.size();
    Status delivered = text.empty() ? ok_status() : sink(text);
    crypto::wipe(text);
    CLOISTER_RETURN_IF_ERROR(std::move(delivered));
  }
  note_end(walk, summary.outline);
  return summary;
}

}  // namespace

Result<LogOutline> read_log_outline(const File& file) {
  LogOutline outline;
  LogWalk walk(file);
  const auto run = [&]() -> Status {
    CLOISTER_RETURN_IF_ERROR(walk.start());
    note_run_start(walk, outline);
    for (;;) {
      CLOISTER_TRY(const LogWalk::Step step, walk.next());
      if (step == LogWalk::Step::kEnd) break;
      if (step == LogWalk::Step::kRun) note_run_start(walk, outline);
      note_run_end(walk, outline);
    }
    note_end(walk, outline);
    return {};
  };
  CLOISTER_RETURN_IF_ERROR(run().with_context(doing("read", file)));
  return outline;
}

std::uint64_t stored_frame_size(std::size_t plaintext_size) {
  return frame_size(static_cast<std::uint32_t>(plaintext_size));
}

Result<LogSummary> read_log(const File& file, std::span<crypto::KeyWrapper* const> wrappers,
                            const std::function<Status(ByteView piece)>& sink) {
  return read_frames(file, wrappers, sink).with_context(doing("read", file));
}

}  // namespace cloister::seal
