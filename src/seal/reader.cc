#include "seal/reader.h"

#include <algorithm>

#include "seal/meta_seal.h"
#include "seal/reader_state.h"

namespace cloister::seal {
namespace {

std::string doing(std::string_view what, const Path& path) { return std::string(what) + " " + path.string(); }

struct HeadParts {
  Preamble preamble;
  Bytes page;
  SlotTables slots;
  std::uint64_t file_size = 0;
};

Result<HeadParts> read_head(const File& file) {
  HeadParts parts;
  CLOISTER_TRY(const bool regular, file.is_regular());
  if (!regular) return Error(Code::kInvalid, "a sealed object is opened by position: it can't come from a pipe");
  CLOISTER_TRY(parts.file_size, file.size());
  parts.page.resize(std::min<std::uint64_t>(parts.file_size, kPage));
  CLOISTER_RETURN_IF_ERROR(file.read_at(0, parts.page));
  CLOISTER_TRY(parts.preamble, parse_preamble(parts.page).with_context("read preamble"));
  if (parts.preamble.data_off() > parts.file_size) {  // SO-2
    return Error(Code::kCorrupt, "the file ends before its data begins: it was cut off");
  }
  if (!parts.preamble.append_log && parts.preamble.plaintext_len != kLengthUnknown) {
    CLOISTER_TRY(const Layout layout, Layout::create(parts.preamble, parts.preamble.plaintext_len));
    CLOISTER_RETURN_IF_ERROR(layout.check_file_size(parts.file_size));
  }
  Bytes copies(2 * std::size_t{parts.preamble.slots_cap});
  CLOISTER_RETURN_IF_ERROR(file.read_at(parts.preamble.slots_off(), copies));
  const ByteView both(copies);
  CLOISTER_TRY(parts.slots, choose_slots(both.first(parts.preamble.slots_cap), both.subspan(parts.preamble.slots_cap))
                                .with_context("read key slots"));
  return parts;
}

// SO-16.
Status check_footer(const Footer& footer, const Preamble& preamble, const Layout& layout, std::uint64_t file_size) {
  if (footer.object_id != preamble.object_id || footer.run_id != preamble.run_id) {
    return Error(Code::kCorrupt, "the footer belongs to another object");
  }
  if (preamble.plaintext_len != kLengthUnknown && preamble.plaintext_len != footer.plaintext_len) {
    return Error(Code::kCorrupt, "preamble and footer disagree on the payload's length");
  }
  if (footer.chunk_count != layout.chunk_count()) {
    return Error(Code::kCorrupt, "the footer's chunk count doesn't fit the payload's length");
  }
  return layout.check_file_size(file_size);
}

}  // namespace

Result<ObjectOutline> read_outline(const File& file) {
  auto head = read_head(file);
  if (!head.ok()) return head.error().with_context(doing("read", file.path()));
  return ObjectOutline{std::move(head->preamble), std::move(head->slots), head->file_size};
}

ObjectReader::ObjectReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
ObjectReader::ObjectReader(ObjectReader&&) noexcept = default;
ObjectReader& ObjectReader::operator=(ObjectReader&&) noexcept = default;
ObjectReader::~ObjectReader() = default;

namespace {

struct Opened {
  HeadParts head;
  crypto::Dek dek;
  Meta meta;
  Footer footer;
  crypto::Sha256Digest object_digest{};
  Layout layout;
};

// SO-19: each step stands on the ones before it.
Result<Opened> open_in_order(const File& file, std::span<crypto::KeyWrapper* const> wrappers) {
  CLOISTER_TRY(HeadParts head, read_head(file));
  if (head.preamble.append_log) return Error(Code::kInvalid, "it is an append log, not a closed object");
  CLOISTER_TRY(crypto::Dek dek, unwrap_slots(head.preamble, head.page, head.slots.newest, wrappers));
  CLOISTER_RETURN_IF_ERROR(verify_preamble_mac(head.page, derive_header_key(dek, head.preamble, head.page)));
  CLOISTER_TRY(Meta meta, open_meta(file, 0, head.preamble, dek, head.page));

  if (head.file_size % kPage != 0 || head.file_size < head.preamble.data_off() + 2 * kPage) {
    return Error(Code::kCorrupt, "the file's size of " + std::to_string(head.file_size) +
                                     " bytes can't be that of an object: it was cut off or extended");
  }
  FooterPage footer_page;
  CLOISTER_RETURN_IF_ERROR(file.read_at(head.file_size - kPage, footer_page));
  CLOISTER_TRY(Footer footer, parse_footer(footer_page, derive_footer_key(dek, head.preamble, head.page)));
  CLOISTER_TRY(Layout layout, Layout::create(head.preamble, footer.plaintext_len));
  CLOISTER_RETURN_IF_ERROR(check_footer(footer, head.preamble, layout, head.file_size));
  return Opened{std::move(head), std::move(dek), std::move(meta), footer, crypto::sha256(footer_page), layout};
}

}  // namespace

Result<ObjectReader> ObjectReader::open(File file, std::span<crypto::KeyWrapper* const> wrappers) {
  auto opened = open_in_order(file, wrappers);
  if (!opened.ok()) return opened.error().with_context(doing("open", file.path()));
  auto state = std::make_unique<State>(std::move(file), std::move(opened->head.preamble), std::move(opened->head.page),
                                       std::move(opened->head.slots), std::move(opened->dek), opened->layout);
  state->meta = std::move(opened->meta);
  state->footer = opened->footer;
  state->object_digest = opened->object_digest;
  return ObjectReader(std::move(state));
}

const Preamble& ObjectReader::preamble() const { return state_->preamble; }
const SlotTables& ObjectReader::slots() const { return state_->slots; }
const Meta& ObjectReader::meta() const { return state_->meta; }
const Footer& ObjectReader::footer() const { return state_->footer; }
std::uint64_t ObjectReader::size() const { return state_->layout.plaintext_len(); }
crypto::Sha256Digest ObjectReader::object_digest() const { return state_->object_digest; }
const Path& ObjectReader::path() const { return state_->file.path(); }

std::unique_ptr<ObjectReader::State::RangeReader> ObjectReader::State::take_range_reader() {
  {
    const std::lock_guard lock(pool_mutex);
    if (!pool.empty()) {
      auto reader = std::move(pool.back());
      pool.pop_back();
      return reader;
    }
  }
  return std::unique_ptr<RangeReader>(new RangeReader{ChunkCipher(dek, preamble), std::nullopt});
}

void ObjectReader::State::give_back(std::unique_ptr<RangeReader> reader) {
  constexpr std::size_t kKeptBytes = std::size_t{16} << 20;
  const std::size_t kept = std::min<std::size_t>(16, kKeptBytes / layout.chunk_size());
  const std::lock_guard lock(pool_mutex);
  if (pool.size() < kept) pool.push_back(std::move(reader));
}

Error ObjectReader::State::chunk_error(std::uint64_t chunk) const {
  return Error(Code::kCorrupt, "chunk " + std::to_string(chunk) + " at offset " +
                                   std::to_string(layout.chunk_offset(chunk)) +
                                   " fails its tag: it is damaged or was tampered with");
}

Status ObjectReader::read_at(std::uint64_t offset, MutableByteView out) const {
  State& state = *state_;
  const Layout& layout = state.layout;
  if (offset > layout.plaintext_len() || out.size() > layout.plaintext_len() - offset) {  // SO-18
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    return Error(Code::kInvalid, doing("read", state.file.path()) + ": bytes " + std::to_string(offset) + " to " +
                                     std::to_string(offset + out.size()) + " go past the end at " +
                                     std::to_string(layout.plaintext_len()));
  }
  auto reader = state.take_range_reader();
  std::size_t done = 0;
  Status status;
  while (done < out.size() && status.ok()) {
    const std::uint64_t chunk = (offset + done) / layout.chunk_size();
    const std::size_t skip = (offset + done) % layout.chunk_size();
    const std::uint32_t length = layout.chunk_length(chunk);
    const std::size_t count = std::min<std::size_t>(length - skip, out.size() - done);
    const bool whole = count == length;
    if (!whole && !reader->scratch) reader->scratch.emplace(layout.chunk_size());
    const MutableByteView into = whole ? out.subspan(done, length) : reader->scratch->first(length);
    crypto::Tag tag;
    status = state.file.read_at(layout.chunk_offset(chunk), into);
    if (status.ok()) status = state.file.read_at(layout.tag_offset(chunk), tag);
    if (status.ok() && !reader->cipher.open(chunk, last_flag(chunk, layout), into, tag, into).ok()) {
      status = state.chunk_error(chunk).with_context(doing("read", state.file.path()));
    }
    if (status.ok() && !whole)
      std::ranges::copy(into.subspan(skip, count), out.begin() + static_cast<std::ptrdiff_t>(done));
    done += count;
  }
  state.give_back(std::move(reader));
  if (!status.ok() && !out.empty()) std::memset(out.data(), 0, out.size());  // SO-13
  return status;
}

}  // namespace cloister::seal
