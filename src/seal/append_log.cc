#include "seal/append_log.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "seal/locked_file.h"
#include "seal/log_frame.h"
#include "seal/meta_seal.h"

namespace cloister::seal {

struct LogWriter::State {
  File file;
  Preamble preamble;
  crypto::Dek dek;
  std::optional<ChunkCipher> cipher;
  std::uint64_t position = 0;
  std::uint64_t frames = 0;
  std::uint64_t torn_bytes_cut = 0;
  bool ended = false;

  State(File f, crypto::Dek d) : file(std::move(f)), dek(std::move(d)) {}
};

namespace {

// Where the next run goes, and what it has in common with the runs before.
struct LogEnd {
  std::optional<Preamble> last_run;
  std::uint64_t frames = 0;
  std::uint64_t position = 0;
  std::uint64_t torn_bytes = 0;
};

bool starts_with(const File& file, std::uint64_t size, std::uint64_t offset, std::string_view magic) {
  Bytes start(magic.size());
  return size - offset >= start.size() && file.read_at(offset, start).ok() && equal(start, as_bytes(magic));
}

// The first header of a log, with its preamble whole: slots or META may still be missing.
Result<bool> header_is_torn(const File& file, std::uint64_t size, const Preamble& preamble) {
  if (!preamble.append_log || preamble.run_number != 0 || size > preamble.data_off()) return false;
  CLOISTER_TRY(const auto header, probe_run_header(file, size, 0));
  if (!header || size < preamble.data_off()) return true;
  Bytes meta(preamble.meta_len);
  CLOISTER_RETURN_IF_ERROR(file.read_at(preamble.meta_off(), meta));
  return crypto::sha256(meta) != preamble.meta_hash;
}

// The first page was never written. What else is there must be what a first header leaves behind, and no more.
Result<bool> only_header_remains(const File& file, std::uint64_t size) {
  if (size > kPage + 2 * std::uint64_t{kSlotsCapMax} + align_to_page(kMetaMax)) return false;
  if (starts_with(file, size, (size - 1) / kPage * kPage, "CLSRFTR1")) return false;
  Bytes page(kPage);
  bool blank = true;
  for (std::uint64_t offset = kPage; offset < size; offset += kPage) {
    page.resize(std::min<std::uint64_t>(size - offset, kPage));
    CLOISTER_RETURN_IF_ERROR(file.read_at(offset, page));
    if (blank && !all_zero(page)) {
      blank = false;
      if (!starts_with(file, size, offset, "CLSRSLT1")) return false;
    }
    if (starts_with(file, size, offset, kFrameMagic)) return false;
    CLOISTER_TRY(const auto header, probe_run_header(file, size, offset));
    if (header) return false;
  }
  return true;
}

// AL-9.
Result<bool> never_started(const File& file, std::uint64_t size) {
  if (size == 0) return true;
  Bytes page(std::min<std::uint64_t>(size, kPage));
  CLOISTER_RETURN_IF_ERROR(file.read_at(0, page));
  const auto preamble = parse_preamble(page);
  if (preamble.ok()) return header_is_torn(file, size, *preamble);
  if (all_zero(page)) return only_header_remains(file, size);
  return size < kPage && preamble.error().code() == Code::kCorrupt;
}

Result<LogEnd> find_end(const File& file) {
  LogEnd end;
  CLOISTER_TRY(const std::uint64_t size, file.size());
  CLOISTER_TRY(const bool unborn, never_started(file, size));
  if (unborn) {
    end.torn_bytes = size;
    return end;
  }
  LogWalk walk(file);
  CLOISTER_RETURN_IF_ERROR(walk.start());
  for (;;) {
    CLOISTER_TRY(const LogWalk::Step step, walk.next());
    if (step == LogWalk::Step::kEnd) break;
  }
  if (walk.log_ended()) return Error(Code::kDenied, "the log was ended: nothing can be added to it");
  end.last_run = walk.run().preamble;
  end.frames = walk.frames_in_run();
  end.position = walk.position();
  end.torn_bytes = walk.torn_bytes();
  return end;
}

Status check_same_owner(const Preamble& log, const PublicContext& caller) {
  if (log.context.tenant == caller.tenant && log.context.dataset == caller.dataset) return {};
  return Error(Code::kInvalid, "the log belongs to " + log.context.tenant + "/" + log.context.dataset + ", not to " +
                                   caller.tenant + "/" + caller.dataset);
}

Preamble next_preamble(const LogEnd& end, const LogOptions& options, crypto::Random& random) {
  Preamble p;
  p.append_log = true;
  p.group_log2 = 0;
  if (end.last_run) {
    const Preamble& last = *end.last_run;
    p.suite = last.suite;
    p.chunk_log2 = last.chunk_log2;
    p.object_id = last.object_id;
    p.context = last.context;
    p.context.previous_run = PreviousRun{last.run_id, end.frames};
    p.run_number = last.run_number + 1;
  } else {
    p.suite = options.suite;
    p.chunk_log2 = options.chunk_log2;
    p.object_id = crypto::random_array<16>(random);
    p.context = options.context;
    p.context.previous_run.reset();
  }
  p.salt = crypto::random_array<32>(random);
  p.run_id = crypto::random_array<16>(random);
  return p;
}

// Preamble, slots and, in run 0, META: everything before the first frame.
Result<Bytes> make_run_header(Preamble& p, const crypto::Dek& dek, const Meta& meta,
                              std::span<crypto::KeyWrapper* const> wrappers) {
  PreamblePage page = serialize_preamble(p);
  p.commitment = derive_commitment(dek, p, page);
  CLOISTER_TRY(const SlotTable slots, make_slots(p, dek, wrappers));
  auto copy = serialize_slots(slots, p.slots_cap);
  while (!copy.ok() && p.slots_cap < kSlotsCapMax) {
    p.slots_cap += kPage;
    copy = serialize_slots(slots, p.slots_cap);
  }
  if (!copy.ok()) return copy.error();
  Bytes sealed_meta;
  if (p.run_number == 0) {
    CLOISTER_TRY(sealed_meta, seal_meta(meta, dek, page, p));
  }
  page = serialize_preamble(p);
  finish_preamble(page, derive_header_key(dek, p, page));
  Bytes header(page.begin(), page.end());
  header.insert(header.end(), copy->begin(), copy->end());
  header.insert(header.end(), copy->begin(), copy->end());
  header.insert(header.end(), sealed_meta.begin(), sealed_meta.end());
  header.resize(p.data_off());
  return header;
}

Result<File> open_or_create(const Path& path, Links links) {
  const auto open = [&](int how) {
    const int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | (links == Links::kRefuse ? O_NOFOLLOW : 0);
    return ::open(path.c_str(), flags | how, 0644);
  };
  int descriptor = open(0);
  if (descriptor < 0 && errno == ENOENT) descriptor = open(O_CREAT | O_EXCL);
  if (descriptor < 0 && errno == EEXIST) descriptor = open(0);
  if (descriptor < 0 && errno == ELOOP && links == Links::kRefuse) {
    return Error(Code::kCorrupt, path.string() + " is a symbolic link");
  }
  if (descriptor < 0) return error_from_errno(errno, "open " + path.string());
  File file = File::from_descriptor(descriptor, path, File::Owned::kYes);
  CLOISTER_TRY(const bool regular, file.is_regular());
  if (!regular) return Error(Code::kInvalid, path.string() + " is not a regular file");
  return file;
}

Path parent_of(const Path& path) { return path.has_parent_path() ? path.parent_path() : Path("."); }

}  // namespace

bool probe_log_started(const File& file) {
  const auto size = file.size();
  if (!size.ok()) return true;  // whoever reads it hears why
  const auto unborn = never_started(file, *size);
  return !unborn.ok() || !*unborn;
}

LogWriter::LogWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
LogWriter::LogWriter(LogWriter&&) noexcept = default;
LogWriter::~LogWriter() = default;

Result<LogWriter> LogWriter::open(const Path& path, const LogOptions& options,
                                  std::span<crypto::KeyWrapper* const> wrappers, crypto::Random& random, Links links) {
  const auto start = [&]() -> Result<LogWriter> {
    CLOISTER_RETURN_IF_ERROR(check_public_context(options.context));
    if (options.chunk_log2 < 14 || options.chunk_log2 > 22) {
      return Error(Code::kInvalid, "chunk size must be a power of two from 16 KiB to 4 MiB");
    }
    if (wrappers.empty()) return Error(Code::kInvalid, "no key was given to seal for: the log could never be read");
    CLOISTER_TRY(File file, open_or_create(path, links));
    CLOISTER_RETURN_IF_ERROR(lock_in_place(file));  // AL-8
    CLOISTER_TRY(const LogEnd end, find_end(file));
    if (end.last_run) CLOISTER_RETURN_IF_ERROR(check_same_owner(*end.last_run, options.context));

    auto state = std::make_unique<State>(std::move(file), crypto::Dek::random(random));
    state->preamble = next_preamble(end, options, random);
    state->torn_bytes_cut = end.torn_bytes;
    CLOISTER_TRY(const Bytes header, make_run_header(state->preamble, state->dek, options.meta, wrappers));
    if (end.torn_bytes > 0) CLOISTER_RETURN_IF_ERROR(state->file.truncate(end.position));  // AL-6
    // AL-4: also what another writer left and never synced, its frames as well as the file's name.
    CLOISTER_RETURN_IF_ERROR(state->file.sync());
    CLOISTER_RETURN_IF_ERROR(sync_directory(parent_of(path)));
    CLOISTER_RETURN_IF_ERROR(state->file.write_at(end.position, header));
    CLOISTER_RETURN_IF_ERROR(state->file.sync());
    state->position = end.position + header.size();
    state->cipher.emplace(state->dek, state->preamble);
    return LogWriter(std::move(state));
  };
  return start().with_context("append to " + path.string());
}

std::uint64_t LogWriter::torn_bytes_cut() const { return state_->torn_bytes_cut; }
std::uint32_t LogWriter::run_number() const { return state_->preamble.run_number; }
std::uint32_t LogWriter::frame_capacity() const { return state_->preamble.chunk_size(); }

namespace {

Status write_frame(File& file, ChunkCipher& cipher, FrameKind kind, std::uint64_t index, ByteView bytes,
                   std::uint64_t& position) {
  Bytes ciphertext(bytes.size());
  crypto::Tag tag;
  cipher.seal(index, frame_flag(kind), bytes, ciphertext, tag);
  const Bytes frame = serialize_frame(kind, ciphertext, tag);
  CLOISTER_RETURN_IF_ERROR(file.write_at(position, frame));
  CLOISTER_RETURN_IF_ERROR(file.sync());
  position += frame.size();
  return {};
}

}  // namespace

Status LogWriter::append(ByteView bytes) {
  State& state = *state_;
  if (state.ended) return Error(Code::kInvalid, "append to " + state.file.path().string() + ": the run has ended");
  if (bytes.empty() || bytes.size() > frame_capacity()) {
    return Error(Code::kInvalid, "append to " + state.file.path().string() + ": a frame holds 1 to " +
                                     std::to_string(frame_capacity()) + " bytes");
  }
  // After a failed write nothing is known of the tail and the index must not be used again: the run is over.
  const Status written = write_frame(state.file, *state.cipher, FrameKind::kData, state.frames, bytes, state.position);
  ++state.frames;
  if (!written.ok()) state.ended = true;
  return Status(written).with_context("append");
}

Status LogWriter::end(End end) {
  State& state = *state_;
  if (state.ended) return Error(Code::kInvalid, "append to " + state.file.path().string() + ": the run has ended");
  state.ended = true;
  const FrameKind kind = end == End::kRun ? FrameKind::kRunEnd : FrameKind::kLogEnd;
  return write_frame(state.file, *state.cipher, kind, state.frames, {}, state.position).with_context("end the run");
}

}  // namespace cloister::seal
