#include "seal/log_frame.h"

#include <algorithm>

#include "base/reader.h"

namespace cloister::seal {
namespace {

constexpr std::size_t kCrcStart = 16;

std::uint32_t frame_crc(ByteView header, ByteView body) {
  Bytes covered = to_bytes(header.first(kCrcStart));
  covered.insert(covered.end(), body.begin(), body.end());
  return crc32c(covered);
}

std::string at(std::uint64_t offset) { return " at offset " + std::to_string(offset); }

}  // namespace

Bytes serialize_frame(FrameKind kind, ByteView ciphertext, const crypto::Tag& tag) {
  Bytes body = to_bytes(ciphertext);
  body.insert(body.end(), tag.begin(), tag.end());
  Writer writer;
  writer.bytes(as_bytes(kFrameMagic)).u8(static_cast<std::uint8_t>(kind)).zeros(3);
  writer.u32(static_cast<std::uint32_t>(ciphertext.size()));
  const std::uint32_t crc = frame_crc(writer.view(), body);
  writer.u32(crc).zeros(12).bytes(body);
  writer.zeros(frame_size(static_cast<std::uint32_t>(ciphertext.size())) - writer.size());
  return writer.take();
}

Result<std::optional<Frame>> probe_frame(const File& file, std::uint64_t file_size, std::uint64_t offset,
                                         std::uint32_t chunk_size) {
  if (file_size - offset < frame_size(0)) return std::optional<Frame>();
  std::array<std::uint8_t, kFrameHeaderSize> header;
  CLOISTER_RETURN_IF_ERROR(file.read_at(offset, header));
  if (!equal(ByteView(header).first(kFrameMagic.size()), as_bytes(kFrameMagic))) return std::optional<Frame>();
  const auto length = load_le<std::uint32_t>(header.data() + 12);
  if (length > chunk_size || file_size - offset < frame_size(length)) return std::optional<Frame>();
  Bytes rest(frame_size(length) - kFrameHeaderSize);
  CLOISTER_RETURN_IF_ERROR(file.read_at(offset + kFrameHeaderSize, rest));
  const ByteView padding = ByteView(rest).subspan(length + crypto::kTagSize);
  const ByteView body = ByteView(rest).first(length + crypto::kTagSize);
  if (frame_crc(header, body) != load_le<std::uint32_t>(header.data() + kCrcStart)) return std::optional<Frame>();
  const ByteView view(header);
  if (header[8] > 2 || !all_zero(view.subspan(9, 3)) || !all_zero(view.subspan(20)) || !all_zero(padding)) {
    return Error(Code::kCorrupt, "the frame" + at(offset) + " is malformed");
  }
  return std::optional<Frame>(Frame{static_cast<FrameKind>(header[8]), to_bytes(body)});
}

namespace {

Result<std::optional<Bytes>> whole_preamble_page(const File& file, std::uint64_t file_size, std::uint64_t offset) {
  if (file_size - offset < kPage) return std::optional<Bytes>();
  Bytes page(kPage);
  CLOISTER_RETURN_IF_ERROR(file.read_at(offset, page));
  if (!preamble_crc_fits(page)) return std::optional<Bytes>();
  return std::optional<Bytes>(std::move(page));
}

}  // namespace

Result<std::optional<RunHeader>> probe_run_header(const File& file, std::uint64_t file_size, std::uint64_t offset) {
  CLOISTER_TRY(auto page, whole_preamble_page(file, file_size, offset));
  if (!page) return std::optional<RunHeader>();
  RunHeader header;
  header.start = offset;
  CLOISTER_TRY(header.preamble, parse_preamble(*page).with_context("read the run" + at(offset)));
  header.page = std::move(*page);
  const std::uint32_t cap = header.preamble.slots_cap;
  if (file_size - offset < header.preamble.meta_off()) return std::optional<RunHeader>();
  Bytes copies(2 * std::size_t{cap});
  CLOISTER_RETURN_IF_ERROR(file.read_at(offset + header.preamble.slots_off(), copies));
  const ByteView both(copies);
  if (!slots_crc_fits(both.first(cap)) && !slots_crc_fits(both.subspan(cap))) return std::optional<RunHeader>();
  CLOISTER_TRY(header.slots,
               choose_slots(both.first(cap), both.subspan(cap)).with_context("read the slots of the run" + at(offset)));
  return std::optional<RunHeader>(std::move(header));
}

std::optional<std::uint64_t> probe_preamble_span(const File& file, std::uint64_t file_size, std::uint64_t offset) {
  const auto page = whole_preamble_page(file, file_size, offset);
  if (!page.ok() || !page.value()) return std::nullopt;
  const auto preamble = parse_preamble(**page);
  if (!preamble.ok()) return std::nullopt;
  return preamble->data_off();
}

Status LogWalk::start() {
  CLOISTER_TRY(file_size_, file_.size());
  Bytes page(std::min<std::uint64_t>(file_size_, kPage));
  CLOISTER_RETURN_IF_ERROR(file_.read_at(0, page));
  CLOISTER_TRY(const Preamble preamble, parse_preamble(page).with_context("read preamble"));
  if (!preamble.append_log) return Error(Code::kInvalid, "it is a closed object, not an append log");
  CLOISTER_TRY(auto header, probe_run_header(file_, file_size_, 0));
  if (!header) return Error(Code::kCorrupt, "the log's first run has no whole header");
  if (preamble.run_number != 0) return Error(Code::kCorrupt, "the log's first run isn't run 0");
  if (file_size_ < preamble.data_off()) return Error(Code::kCorrupt, "the log's first run ends within its META");
  run_ = std::move(*header);
  position_ = run_.data_start();
  return {};
}

Status LogWalk::check_next_run(const RunHeader& next) const {
  const Preamble& was = run_.preamble;
  const Preamble& is = next.preamble;
  const std::string which = "run " + std::to_string(is.run_number);
  if (!is.append_log || is.run_number != was.run_number + 1) {  // AL-2
    return Error(Code::kCorrupt, which + " follows run " + std::to_string(was.run_number));
  }
  const bool same = is.object_id == was.object_id && is.suite == was.suite && is.chunk_log2 == was.chunk_log2 &&
                    is.context.tenant == was.context.tenant && is.context.dataset == was.context.dataset &&
                    is.context.keyring_id == was.context.keyring_id;
  if (!same) return Error(Code::kCorrupt, which + " belongs to another log");  // AL-1
  const PreviousRun& previous = *is.context.previous_run;
  if (previous.run_id != was.run_id || previous.frames != frames_) {  // AL-3
    return Error(Code::kCorrupt, which + " follows a run of " + std::to_string(previous.frames) +
                                     " frames and this one has " + std::to_string(frames_) +
                                     ": frames were removed or added");
  }
  return {};
}

// AL-5.
Status LogWalk::check_tail() const {
  if (position_ == file_size_) return {};
  const Error damaged(Code::kCorrupt,
                      "bytes" + at(position_) + " are neither a frame nor a torn tail: the log is damaged");
  if (log_ended_) return Error(Code::kCorrupt, "bytes follow the end of the log" + at(position_));
  const std::uint64_t header_span =
      probe_preamble_span(file_, file_size_, position_).value_or(run_.preamble.data_off());
  const std::uint64_t longest = std::max(header_span, frame_size(run_.preamble.chunk_size()));
  if (file_size_ - position_ > longest) return damaged;
  for (std::uint64_t page = position_ + kPage; page < file_size_; page += kPage) {
    CLOISTER_TRY(const auto frame, probe_frame(file_, file_size_, page, run_.preamble.chunk_size()));
    if (frame) return damaged;
    CLOISTER_TRY(const auto header, probe_run_header(file_, file_size_, page));
    if (header) return damaged;
  }
  return {};
}

Result<LogWalk::Step> LogWalk::next() {
  if (position_ < file_size_ && !log_ended_) {
    CLOISTER_TRY(auto frame, probe_frame(file_, file_size_, position_, run_.preamble.chunk_size()));
    if (frame) {
      if (run_ended_) return Error(Code::kCorrupt, "a frame follows the end of its run" + at(position_));
      frame_ = std::move(*frame);
      ++frames_;
      run_ended_ = frame_.kind != FrameKind::kData;
      log_ended_ = frame_.kind == FrameKind::kLogEnd;
      position_ += frame_.size();
      return Step::kFrame;
    }
    CLOISTER_TRY(auto header, probe_run_header(file_, file_size_, position_));
    if (header) {
      CLOISTER_RETURN_IF_ERROR(check_next_run(*header));
      run_ = std::move(*header);
      frames_ = 0;
      run_ended_ = false;
      position_ = run_.data_start();
      return Step::kRun;
    }
  }
  CLOISTER_RETURN_IF_ERROR(check_tail());
  return Step::kEnd;
}

}  // namespace cloister::seal
