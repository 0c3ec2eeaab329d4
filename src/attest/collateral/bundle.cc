#include "attest/collateral/bundle.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/reader.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kMagic = "CLOISTER-COLLATERAL-1";
constexpr std::size_t kNoteSizeMax = 131'072;
constexpr std::size_t kKindSizeMax = 64;
constexpr std::size_t kFloorNameSizeMax = 512;
constexpr std::uint64_t kLastTime = 253'402'300'799'999;  // the end of year 9999

using Blobs = std::map<crypto::Sha256Digest, ByteView>;

Error wrong(std::string what) { return Error(Code::kInvalid, "this isn't collateral: " + std::move(what)); }

bool is_time(Time time) { return time.unix_ms >= 0 && static_cast<std::uint64_t>(time.unix_ms) <= kLastTime; }

std::uint64_t stored(const std::optional<Time>& time) {
  return time ? static_cast<std::uint64_t>(time->unix_ms) : 0;  // 0: none
}

Status check(const CollateralItem& item) {
  if (!is_collateral_key(item.key)) return wrong("a key is none");
  if (item.body.empty() || item.body.size() > kCollateralItemSizeMax) return wrong(item.name() + " has no usual size");
  if (item.issuer_chain.size() > kIssuerChainSizeMax) return wrong("the chain of " + item.name() + " is too long");
  for (const Time time : {item.fetched, item.issued.value_or(Time{}), item.expires.value_or(Time{})}) {
    if (!is_time(time)) return wrong("a time of " + item.name() + " is none");
  }
  return {};
}

crypto::Sha256Digest chain_digest(const CollateralItem& item) {
  return item.issuer_chain.empty() ? crypto::Sha256Digest{} : crypto::sha256(as_bytes(item.issuer_chain));
}

void write_item(Writer& writer, const CollateralItem& item) {
  writer.text16(collateral_kind_name(item.kind)).text16(item.key);
  writer.u64(stored(item.fetched)).u64(stored(item.issued)).u64(stored(item.expires));
  writer.bytes(crypto::sha256(item.body)).bytes(chain_digest(item));
}

Bytes index_of(const CollateralBundle& bundle) {
  Writer writer;
  writer.u64(stored(bundle.at)).u32(static_cast<std::uint32_t>(bundle.collateral.items().size()));
  for (const auto& [name, item] : bundle.collateral.items()) write_item(writer, item);
  writer.u32(static_cast<std::uint32_t>(bundle.floors.size()));
  for (const auto& [name, floor] : bundle.floors) writer.text16(name).u64(floor);
  return writer.take();
}

std::string text_of(Time at, std::size_t items, std::size_t floors, ByteView index) {
  return "cloister collateral bundle v1\nat " + to_rfc3339(at) + "\nitems " + std::to_string(items) + "\nfloors " +
         std::to_string(floors) + "\nindex " + to_hex(crypto::sha256(index)) + "\n";
}

Blobs blobs_of(const Collateral& collateral) {
  Blobs blobs;
  for (const auto& [name, item] : collateral.items()) {
    blobs.emplace(crypto::sha256(item.body), item.body);
    if (!item.issuer_chain.empty()) blobs.emplace(chain_digest(item), as_bytes(item.issuer_chain));
  }
  return blobs;
}

Result<Blobs> read_blobs(Reader& reader) {
  Blobs blobs;
  CLOISTER_TRY(const std::uint32_t count, reader.u32("the number of pieces"));
  if (count > 2 * kCollateralItemsMax) return wrong("it has too many pieces");
  const crypto::Sha256Digest* last = nullptr;
  for (std::uint32_t i = 0; i < count; ++i) {
    CLOISTER_TRY(const std::uint32_t size, reader.u32("a piece's size"));
    if (size == 0 || size > kCollateralItemSizeMax) return wrong("a piece has no usual size");
    CLOISTER_TRY(const ByteView bytes, reader.bytes(size, "a piece"));
    const crypto::Sha256Digest digest = crypto::sha256(bytes);
    if (last != nullptr && digest <= *last) return wrong("its pieces aren't in order");
    last = &blobs.emplace(digest, bytes).first->first;
  }
  return blobs;
}

Result<std::optional<Time>> read_time(Reader& reader, std::string_view field) {
  CLOISTER_TRY(const std::uint64_t value, reader.u64(field));
  if (value > kLastTime) return wrong(std::string(field) + " is none");
  if (value == 0) return std::optional<Time>();
  return std::optional<Time>(Time{static_cast<std::int64_t>(value)});
}

// The index, read; the pieces it names are taken from `blobs`, every one of them.
class IndexReader {
 public:
  IndexReader(ByteView index, const Blobs& blobs) : reader_(index), blobs_(blobs) {}

  Result<CollateralBundle> read() {
    CollateralBundle bundle;
    CLOISTER_TRY(const auto at, read_time(reader_, "its time"));
    bundle.at = at.value_or(Time{});
    CLOISTER_TRY(const std::uint32_t items, reader_.u32("the number of items"));
    if (items > kCollateralItemsMax) return wrong("it has too many items");
    std::string last;
    for (std::uint32_t i = 0; i < items; ++i) {
      CLOISTER_TRY(CollateralItem item, read_item());
      std::string name = item.name();
      if (name <= last) return wrong("its items aren't in order");
      last = std::move(name);
      bundle.collateral.add(std::move(item));
    }
    if (used_.size() != blobs_.size()) return wrong("a piece belongs to no item");
    CLOISTER_RETURN_IF_ERROR(read_floors(bundle.floors));
    CLOISTER_RETURN_IF_ERROR(reader_.expect_end("the index"));
    return bundle;
  }

 private:
  // Every item that names a piece has a copy of it.
  Result<ByteView> piece(const crypto::Sha256Digest& digest) {
    const auto found = blobs_.find(digest);
    if (found == blobs_.end()) return wrong("a piece is missing");
    used_.insert(digest);
    copied_ += found->second.size();
    if (copied_ > kCollateralBundleSizeMax) return wrong("its items are larger than allowed");
    return found->second;
  }

  Result<CollateralItem> read_item() {
    CollateralItem item;
    CLOISTER_TRY(const std::string kind, reader_.text16(kKindSizeMax, "an item's kind"));
    const auto known = collateral_kind_of(kind);
    if (!known) return wrong("an item's kind is unknown");
    item.kind = *known;
    CLOISTER_TRY(item.key, reader_.text16(kCollateralKeySizeMax, "an item's key"));
    CLOISTER_TRY(const auto fetched, read_time(reader_, "when an item was fetched"));
    item.fetched = fetched.value_or(Time{});
    CLOISTER_TRY(item.issued, read_time(reader_, "when an item was issued"));
    CLOISTER_TRY(item.expires, read_time(reader_, "when an item expires"));
    crypto::Sha256Digest body{}, chain{};
    CLOISTER_RETURN_IF_ERROR(reader_.fill(body, "an item's hash"));
    CLOISTER_RETURN_IF_ERROR(reader_.fill(chain, "the hash of an item's chain"));
    CLOISTER_TRY(const ByteView bytes, piece(body));
    item.body = to_bytes(bytes);
    if (!all_zero(chain)) {
      CLOISTER_TRY(const ByteView text, piece(chain));
      item.issuer_chain = as_text(text);
    }
    CLOISTER_RETURN_IF_ERROR(check(item));
    return item;
  }

  Status read_floors(Floors& floors) {
    CLOISTER_TRY(const std::uint32_t count, reader_.u32("the number of floors"));
    if (count > kFloorsMax) return wrong("it has too many floors");
    std::string last;
    for (std::uint32_t i = 0; i < count; ++i) {
      CLOISTER_TRY(std::string name, reader_.text16(kFloorNameSizeMax, "a floor's name"));
      if (name <= last) return wrong("its floors aren't in order");
      CLOISTER_TRY(const std::uint64_t value, reader_.u64("a floor"));
      last = name;
      floors.emplace(std::move(name), value);
    }
    return {};
  }

  Reader reader_;
  const Blobs& blobs_;
  std::set<crypto::Sha256Digest> used_;
  std::size_t copied_ = 0;
};

struct Opened {
  CollateralBundle bundle;
  std::string note;
  std::string text;  // that the note must be over
};

Result<Opened> open(ByteView bytes) {
  Reader reader(bytes);
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "the magic"));
  if (!equal(magic, as_bytes(kMagic))) return wrong("its first bytes say something else");
  CLOISTER_TRY(const std::uint32_t note_size, reader.u32("the note's size"));
  if (note_size > kNoteSizeMax) return wrong("its note is too long");
  CLOISTER_TRY(const ByteView note, reader.bytes(note_size, "the note"));
  CLOISTER_TRY(const std::uint32_t index_size, reader.u32("the index's size"));
  CLOISTER_TRY(const ByteView index, reader.bytes(index_size, "the index"));
  CLOISTER_TRY(const Blobs blobs, read_blobs(reader));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("the file"));
  Opened opened;
  CLOISTER_TRY(opened.bundle, IndexReader(index, blobs).read());
  opened.note = as_text(note);
  opened.text = text_of(opened.bundle.at, opened.bundle.collateral.items().size(), opened.bundle.floors.size(), index);
  return opened;
}

// Whatever a reader says, these bytes are no collateral.
Result<Opened> open_bounded(ByteView bytes) {
  if (bytes.size() > kCollateralBundleSizeMax) return wrong("it is larger than allowed");
  auto opened = open(bytes);
  if (opened.ok() || opened.error().code() == Code::kInvalid) return opened;
  return wrong(opened.error().message());
}

bool is_key_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

bool is_collateral_key(std::string_view key) {
  if (key.empty() || key.size() > kCollateralKeySizeMax) return false;
  while (true) {
    const std::size_t end = std::min(key.find('/'), key.size());
    const std::string_view segment = key.substr(0, end);
    if (segment.find_first_not_of('.') == std::string_view::npos) return false;
    if (!std::ranges::all_of(segment, is_key_letter)) return false;
    if (end == key.size()) return true;
    key.remove_prefix(end + 1);
  }
}

std::string bundle_text(const CollateralBundle& bundle) {
  return text_of(bundle.at, bundle.collateral.items().size(), bundle.floors.size(), index_of(bundle));
}

Result<Bytes> encode_bundle(const CollateralBundle& bundle, std::string_view note) {
  if (note.size() > kNoteSizeMax) return wrong("its note is too long");
  if (bundle.collateral.items().size() > kCollateralItemsMax) return wrong("it has too many items");
  if (bundle.floors.size() > kFloorsMax) return wrong("it has too many floors");
  if (!is_time(bundle.at)) return wrong("its time is none");
  for (const auto& [name, floor] : bundle.floors) {
    if (name.empty() || name.size() > kFloorNameSizeMax || !is_plain_utf8(name)) return wrong("a floor's name is none");
  }
  std::size_t size = 0;
  for (const auto& [name, item] : bundle.collateral.items()) {
    CLOISTER_RETURN_IF_ERROR(check(item));
    size += item.body.size() + item.issuer_chain.size();
  }
  if (size > kCollateralBundleSizeMax) return wrong("its items are larger than allowed");
  const Bytes index = index_of(bundle);
  const Blobs blobs = blobs_of(bundle.collateral);
  Writer writer;
  writer.bytes(as_bytes(kMagic)).u32(static_cast<std::uint32_t>(note.size())).bytes(as_bytes(note));
  writer.u32(static_cast<std::uint32_t>(index.size())).bytes(index).u32(static_cast<std::uint32_t>(blobs.size()));
  for (const auto& [digest, bytes] : blobs) writer.u32(static_cast<std::uint32_t>(bytes.size())).bytes(bytes);
  if (writer.size() > kCollateralBundleSizeMax) return wrong("it is larger than allowed");
  return writer.take();
}

Result<OpenedBundle> open_bundle(ByteView bytes, const NoteVerifier& verify) {
  CLOISTER_TRY(Opened opened, open_bounded(bytes));
  if (opened.note.empty()) return Error(Code::kDenied, "nobody signed this collateral");
  CLOISTER_TRY(SignedText trusted, verify(opened.note));
  if (trusted.text != opened.text) return Error(Code::kCorrupt, "this collateral isn't what was signed");
  return OpenedBundle{std::move(opened.bundle), std::move(trusted.signer)};
}

Result<CollateralBundle> open_unsigned_bundle(ByteView bytes) {
  CLOISTER_TRY(Opened opened, open_bounded(bytes));
  return std::move(opened.bundle);
}

}  // namespace cloister::attest
