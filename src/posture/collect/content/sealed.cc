#include "posture/collect/content/sealed.h"

#include <algorithm>

#include "seal/layout.h"

namespace cloister::posture::content {
namespace {

constexpr std::uint8_t kMagic[kSealedMagicSize] = {0x89, 'C', 'L', 'S', 'R', '1', 0x0D, 0x0A};
constexpr std::size_t kFrameHeader = 32;  // docs/formats/append-log.md, "Frames"

Result<SealedHeader> parse_header(const Sample& sample) {
  SealedHeader header;
  const ByteView page = sample.head.first(std::min<std::size_t>(sample.head.size(), seal::kPage));
  CLOISTER_TRY(header.preamble, seal::parse_preamble(page));
  const seal::Preamble& preamble = header.preamble;
  if (preamble.data_off() > sample.size) return Error(Code::kCorrupt, "the file ends before its data begins");
  if (!preamble.append_log && preamble.plaintext_len != seal::kLengthUnknown) {
    CLOISTER_TRY(const seal::Layout layout, seal::Layout::create(preamble, preamble.plaintext_len));
    CLOISTER_RETURN_IF_ERROR(layout.check_file_size(sample.size));
  }
  Bytes copies(2 * std::size_t{preamble.slots_cap});
  CLOISTER_RETURN_IF_ERROR(sample.read_at(preamble.slots_off(), copies));
  const ByteView both(copies);
  CLOISTER_TRY(seal::SlotTables tables,
               seal::choose_slots(both.first(preamble.slots_cap), both.subspan(preamble.slots_cap)));
  header.slots = std::move(tables.newest);
  return header;
}

// Of an unknown length the footer says it, encrypted: what is certainly ciphertext is a whole group, or what the file
// has besides its tags, their page, the footer and the last page.
std::uint64_t certain_length(const seal::Preamble& preamble, std::uint64_t file_size) {
  if (preamble.plaintext_len != seal::kLengthUnknown) return preamble.plaintext_len;
  const std::uint64_t data = file_size - preamble.data_off();
  const std::uint64_t group = std::uint64_t{preamble.chunk_size()} << preamble.group_log2;
  if (data > group + 2 * seal::kPage) return group;
  const std::uint64_t tags = seal::align_to_page(crypto::kTagSize * (data / preamble.chunk_size() + 1));
  return data > tags + 3 * seal::kPage ? data - tags - 2 * seal::kPage : 0;
}

// The chunks' ciphertext alone: pages between them hold tags and zeros.
Result<Looks> look_at_chunks(const Sample& sample, const seal::Preamble& preamble, const SealedLook& look,
                             Prior prior) {
  const std::uint64_t length = certain_length(preamble, sample.size);
  if (length == 0) return Looks::kEmpty;
  CLOISTER_TRY(const seal::Layout layout, seal::Layout::create(preamble, length));
  const std::uint64_t count = layout.chunk_count();
  const std::uint64_t wanted = std::max<std::uint64_t>(2, look.budget / kWindow);
  const std::uint64_t step = look.budget == 0 ? 1 : std::max<std::uint64_t>(1, count / wanted);
  const std::uint64_t each =
      look.budget == 0 ? ~std::uint64_t{0} : std::max<std::uint64_t>(1, wanted / count) * kWindow;
  WindowTally tally;
  for (std::uint64_t chunk = 0; chunk < count; chunk += step) {
    const std::uint64_t size = std::min<std::uint64_t>(layout.chunk_length(chunk), each);
    for (std::uint64_t at = 0; at < size; at += kWindow) {
      const MutableByteView out = look.buffer.first(std::min<std::uint64_t>(kWindow, size - at));
      CLOISTER_RETURN_IF_ERROR(sample.read_at(layout.chunk_offset(chunk) + at, out));
      tally.add(measure(out, tally.next()));
    }
  }
  return tally.looks(prior);
}

// Goes through a log's frames and joins their bodies to windows.
class FrameLook {
 public:
  FrameLook(const Sample& sample, const SealedLook& look, Prior prior) : sample_(sample), look_(look), prior_(prior) {}

  Result<Looks> over(const seal::Preamble& first) {
    chunk_size_ = first.chunk_size();
    for (at_ = first.data_off(); at_ + seal::kPage <= sample_.size;) {
      CLOISTER_TRY(const bool more, step());
      if (!more) break;
      if (look_.budget != 0 && seen_ > look_.budget) return finish();
    }
    // What is no frame and no run: a torn tail, or what somebody wrote there.
    if (at_ < sample_.size) {
      CLOISTER_TRY(const Looks rest, look_at_region(sample_, {at_, sample_.size}, look_.budget, look_.buffer));
      if (rest == Looks::kPlain) return rest;
    }
    return finish();
  }

 private:
  Result<bool> step() {
    std::array<std::uint8_t, kFrameHeader> header{};
    CLOISTER_RETURN_IF_ERROR(sample_.read_at(at_, header));
    if (has_sealed_magic(header)) return next_run();
    const std::uint64_t length = load_le<std::uint32_t>(header.data() + 12);
    const std::uint64_t span = seal::align_to_page(kFrameHeader + length + crypto::kTagSize);
    const bool is_frame = equal(ByteView(header).first(8), as_bytes("CLSRFRM1")) && length <= chunk_size_;
    if (!is_frame || span > sample_.size - at_) return false;
    const std::size_t take = std::min<std::uint64_t>(length, look_.buffer.size() - filled_);
    CLOISTER_RETURN_IF_ERROR(sample_.read_at(at_ + kFrameHeader, look_.buffer.subspan(filled_, take)));
    filled_ += take;
    seen_ += length;
    at_ += span;
    if (filled_ == look_.buffer.size()) flush();
    return true;
  }

  Result<bool> next_run() {
    seal::PreamblePage page;
    CLOISTER_RETURN_IF_ERROR(sample_.read_at(at_, page));
    const auto preamble = seal::parse_preamble(page);
    if (!preamble.ok() || preamble->data_off() > sample_.size - at_) return false;
    chunk_size_ = preamble->chunk_size();
    at_ += preamble->data_off();
    return true;
  }

  void flush() {
    tally_.add(measure(look_.buffer.first(filled_), tally_.next()));
    filled_ = 0;
  }

  Looks finish() {
    if (filled_ != 0) flush();
    return tally_.looks(prior_);
  }

  const Sample& sample_;
  const SealedLook& look_;
  Prior prior_;
  WindowTally tally_;
  std::uint64_t at_ = 0, seen_ = 0;
  std::size_t filled_ = 0;
  std::uint32_t chunk_size_ = 0;
};

Finding without_proof(Verdict verdict, std::string type, std::string reason) {
  Finding finding;
  finding.verdict = verdict;
  finding.type = std::move(type);
  finding.reason = std::move(reason);
  return finding;
}

// The magic, and no header behind it: whatever that is, it isn't sealed.
Finding judge_look_alike(const Sample& sample, const Error& error, const SealedLook& look) {
  const auto looks = look_at_region(sample, {kSealedMagicSize, sample.size}, look.budget, look.buffer);
  if (!looks.ok()) return without_proof(Verdict::kUnreadable, "", looks.error().message());
  if (*looks == Looks::kPlain) {
    return without_proof(Verdict::kPlaintextUnknownType, "sealed-look-alike",
                         "a sealed object's magic before plaintext");
  }
  return without_proof(Verdict::kHighEntropyUnknown, "sealed-damaged", error.message());
}

}  // namespace

bool has_sealed_magic(ByteView head) {
  return head.size() >= kSealedMagicSize && std::equal(std::begin(kMagic), std::end(kMagic), head.begin());
}

const KnownKeys::Version* resolve(const seal::SlotTable& slots, const KnownKeys& keys) {
  const KnownKeys::Version* best = nullptr;
  for (const seal::Slot& slot : slots.slots) {
    const auto found = keys.versions.find({slot.wrapped.key_id, slot.wrapped.key_version});
    if (found == keys.versions.end()) continue;
    if (best == nullptr || found->second.use < best->use) best = &found->second;
  }
  return best;
}

Finding judge_sealed(const Sample& sample, const KnownKeys& keys, const SealedLook& look) {
  auto header = parse_header(sample);
  if (!header.ok()) return judge_look_alike(sample, header.error(), look);
  const Prior prior = resolve(header->slots, keys) != nullptr ? Prior::kKnownKey : Prior::kNone;
  const auto looks = header->preamble.append_log ? FrameLook(sample, look, prior).over(header->preamble)
                                                 : look_at_chunks(sample, header->preamble, look, prior);
  Finding finding;
  if (!looks.ok()) {
    finding = without_proof(Verdict::kUnreadable, "", looks.error().message());
  } else if (*looks == Looks::kPlain) {
    finding =
        without_proof(Verdict::kPlaintextUnknownType, "sealed-look-alike", "a sealed object's header before plaintext");
  } else if (prior == Prior::kNone) {
    finding = without_proof(Verdict::kHighEntropyUnknown, "sealed", "no key that is known opens it");
  } else {
    finding.verdict = Verdict::kSealed;
    finding.type = header->preamble.append_log ? "sealed-log" : "sealed";
  }
  finding.sealed = std::move(*header);
  return finding;
}

}  // namespace cloister::posture::content
