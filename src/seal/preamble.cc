#include "seal/preamble.h"

#include <algorithm>

#include "base/reader.h"

namespace cloister::seal {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic = {0x89, 'C', 'L', 'S', 'R', '1', 0x0D, 0x0A};
constexpr std::size_t kContextOff = 176;
constexpr std::size_t kCrcOff = 196;
constexpr std::size_t kTlvOff = 200;
constexpr std::size_t kMacOff = 4064;
constexpr std::uint16_t kFlagAppendLog = 1;
constexpr std::size_t kNameMax = 128;

constexpr std::uint16_t kTlvTenant = 1;
constexpr std::uint16_t kTlvDataset = 2;
constexpr std::uint16_t kTlvKeyring = 3;
constexpr std::uint16_t kTlvPreviousRun = 16;
constexpr std::uint16_t kTlvSkippable = 0x8000;

Error corrupt(std::string message) { return Error(Code::kCorrupt, std::move(message)); }

Status check_magic(ByteView magic) {
  if (equal(magic, kMagic)) return {};
  static constexpr std::array<std::uint8_t, 7> kUnixText = {0x89, 'C', 'L', 'S', 'R', '1', 0x0A};
  static constexpr std::array<std::uint8_t, 9> kDosText = {0x89, 'C', 'L', 'S', 'R', '1', 0x0D, 0x0D, 0x0A};
  const bool seven_bit = magic[0] == 0x09 && equal(magic.subspan(1), ByteView(kMagic).subspan(1));
  const bool line_ends = equal(magic.first(7), kUnixText) || equal(magic, ByteView(kDosText).first(8));
  if (seven_bit || line_ends) {
    return Error(Code::kInvalid, "the file was damaged by a transfer in text mode: send it again as binary");
  }
  return Error(Code::kInvalid, "not a sealed object");
}

std::uint32_t page_crc(ByteView page) {
  PreamblePage copy;
  std::ranges::copy(page, copy.begin());
  store_le(copy.data() + kCrcOff, std::uint32_t{0});
  return crc32c(copy);
}

crypto::Sha256Digest page_mac(ByteView page, const crypto::Secret& header_key) {
  PreamblePage copy;
  std::ranges::copy(page, copy.begin());
  store_le(copy.data() + kCrcOff, std::uint32_t{0});
  return crypto::hmac_sha256(header_key, ByteView(copy).first(kMacOff));
}

Result<std::string> parse_name(ByteView value, std::string_view field) {
  if (value.empty() || value.size() > kNameMax || !is_plain_utf8(as_text(value))) {
    return corrupt(std::string(field) + " isn't a name of 1 to 128 bytes");
  }
  return std::string(as_text(value));
}

Status parse_tlv(std::uint16_t type, ByteView value, PublicContext& context) {
  switch (type) {
    case kTlvTenant: {
      CLOISTER_TRY(context.tenant, parse_name(value, "tenant"));
      return {};
    }
    case kTlvDataset: {
      CLOISTER_TRY(context.dataset, parse_name(value, "dataset"));
      return {};
    }
    case kTlvKeyring: {
      if (value.size() != sizeof(Id)) return corrupt("keyring id isn't 16 bytes");
      std::ranges::copy(value, context.keyring_id.emplace().begin());
      return {};
    }
    case kTlvPreviousRun: {
      if (value.size() != 24) return corrupt("previous run isn't 24 bytes");
      PreviousRun& run = context.previous_run.emplace();
      std::ranges::copy(value.first(16), run.run_id.begin());
      run.frames = load_le<std::uint64_t>(value.data() + 16);
      return {};
    }
    default:
      if (type >= kTlvSkippable) return {};
      return Error(Code::kUnsupported, "public context has a record of unknown type " + std::to_string(type));
  }
}

Result<PublicContext> parse_context(ByteView bytes) {
  Reader reader(bytes);
  PublicContext context;
  std::uint16_t previous = 0;
  for (;;) {
    CLOISTER_TRY(const std::uint16_t type, reader.u16("public context type"));
    CLOISTER_TRY(const ByteView value, reader.prefixed16(kPage, "public context value"));
    if (type == 0) {
      if (!value.empty()) return corrupt("public context doesn't end properly");
      break;
    }
    if (type <= previous) return corrupt("public context isn't in ascending order");
    previous = type;
    CLOISTER_RETURN_IF_ERROR(parse_tlv(type, value, context));
  }
  CLOISTER_RETURN_IF_ERROR(reader.zeros(reader.remaining(), "rest of the public context"));
  if (context.tenant.empty()) return corrupt("public context names no tenant");
  return context;
}

void write_context(const PublicContext& context, Writer& writer) {
  writer.u16(kTlvTenant).text16(context.tenant);
  if (!context.dataset.empty()) writer.u16(kTlvDataset).text16(context.dataset);
  if (context.keyring_id) writer.u16(kTlvKeyring).prefixed16(*context.keyring_id);
  if (context.previous_run) {
    writer.u16(kTlvPreviousRun).u16(24).bytes(context.previous_run->run_id).u64(context.previous_run->frames);
  }
  writer.u16(0).u16(0);
}

// SO-2: what one field says of another.
Status check_fields(const Preamble& p) {
  if (p.chunk_log2 < 14 || p.chunk_log2 > 22)
    return corrupt("chunk size 2^" + std::to_string(p.chunk_log2) + " is outside 2^14 to 2^22");
  if (p.group_log2 > 32) return corrupt("group size 2^" + std::to_string(p.group_log2) + " is above 2^32");
  if (p.slots_cap < kPage || p.slots_cap > kSlotsCapMax || p.slots_cap % kPage != 0) {
    return corrupt("slot space of " + std::to_string(p.slots_cap) + " bytes is outside the bounds");
  }
  const bool later_run = p.append_log && p.run_number > 0;
  const bool meta_fits = later_run ? p.meta_len == 0 : p.meta_len > crypto::kTagSize && p.meta_len <= kMetaMax;
  if (!meta_fits) return corrupt("META of " + std::to_string(p.meta_len) + " bytes is outside the bounds");
  if (later_run && !all_zero(p.meta_hash)) return corrupt("META hash without META");
  if (p.plaintext_len != kLengthUnknown && p.plaintext_len > kPayloadMax)
    return corrupt("payload length is above 2^50");
  if (p.append_log) {
    if (p.group_log2 != 0 || p.plaintext_len != kLengthUnknown)
      return corrupt("append log has the layout of a closed object");
    if ((p.run_number > 0) != p.context.previous_run.has_value()) return corrupt("run and previous run don't agree");
  } else if (p.run_number != 0 || p.context.previous_run) {
    return corrupt("a run number outside an append log");
  }
  return {};
}

}  // namespace

crypto::AeadAlgorithm aead_algorithm(Suite suite) {
  return suite == Suite::kAes256Gcm ? crypto::AeadAlgorithm::kAes256Gcm : crypto::AeadAlgorithm::kChaCha20Poly1305;
}

bool preamble_crc_fits(ByteView page) {
  return page.size() == kPage && equal(page.first(kMagic.size()), kMagic) &&
         page_crc(page) == load_le<std::uint32_t>(page.data() + kCrcOff);
}

Status check_public_context(const PublicContext& context) {
  if (context.tenant.empty()) return Error(Code::kInvalid, "no tenant was given");
  for (const std::string& name : {context.tenant, context.dataset}) {
    if (name.size() > kNameMax || !is_plain_utf8(name)) {
      return Error(Code::kInvalid, "names of tenants and datasets are text of at most 128 bytes");
    }
  }
  return {};
}

Result<Preamble> parse_preamble(ByteView page) {
  if (page.size() < sizeof kMagic) {
    if (equal(page, ByteView(kMagic).first(page.size()))) return corrupt("the preamble is cut off");
    return Error(Code::kInvalid, "not a sealed object");
  }
  CLOISTER_RETURN_IF_ERROR(check_magic(page.first(8)));  // SO-1
  if (page.size() != kPage) return corrupt("the preamble is cut off");
  Reader reader(page.subspan(8));
  Preamble p;
  CLOISTER_TRY(const std::uint16_t version, reader.u16("version"));
  if (version != 1) {
    return Error(Code::kUnsupported,
                 "version " + std::to_string(version) + (version == 0 ? " never was" : " is newer than this program"));
  }
  if (page_crc(page) != load_le<std::uint32_t>(page.data() + kCrcOff))
    return corrupt("the preamble fails its checksum");
  CLOISTER_TRY(const std::uint16_t suite, reader.u16("suite"));
  if (suite != 1 && suite != 2) return Error(Code::kUnsupported, "suite " + std::to_string(suite) + " is unknown");
  p.suite = static_cast<Suite>(suite);
  CLOISTER_TRY(p.chunk_log2, reader.u8("chunk size"));
  CLOISTER_TRY(p.group_log2, reader.u8("group size"));
  CLOISTER_TRY(const std::uint16_t flags, reader.u16("flags"));
  if ((flags & ~kFlagAppendLog) != 0)
    return Error(Code::kUnsupported, "flags " + std::to_string(flags) + " are unknown");
  p.append_log = (flags & kFlagAppendLog) != 0;
  CLOISTER_RETURN_IF_ERROR(reader.fill(p.object_id, "object id"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(p.salt, "salt"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(p.commitment, "commitment"));
  CLOISTER_TRY(const std::uint64_t slots_off, reader.u64("slots offset"));
  CLOISTER_TRY(p.slots_cap, reader.u32("slot space"));
  CLOISTER_TRY(const std::uint32_t copies, reader.u32("slot copies"));
  CLOISTER_TRY(const std::uint64_t meta_off, reader.u64("META offset"));
  CLOISTER_TRY(p.meta_len, reader.u64("META length"));
  CLOISTER_TRY(const std::uint64_t data_off, reader.u64("data offset"));
  CLOISTER_TRY(p.plaintext_len, reader.u64("payload length"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(p.meta_hash, "META hash"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(p.run_id, "run id"));
  CLOISTER_TRY(p.run_number, reader.u32("run number"));
  CLOISTER_TRY(p.context, parse_context(page.subspan(kTlvOff, kMacOff - kTlvOff)));
  CLOISTER_RETURN_IF_ERROR(check_fields(p));
  if (slots_off != p.slots_off() || copies != 2 || meta_off != p.meta_off() || data_off != p.data_off()) {  // SO-3
    return corrupt("regions don't lie where version 1 puts them");
  }
  return p;
}

PreamblePage serialize_preamble(const Preamble& p) {
  Writer writer;
  writer.bytes(kMagic).u16(1).u16(static_cast<std::uint16_t>(p.suite)).u8(p.chunk_log2).u8(p.group_log2);
  writer.u16(p.append_log ? kFlagAppendLog : 0).bytes(p.object_id).bytes(p.salt).bytes(p.commitment);
  writer.u64(p.slots_off()).u32(p.slots_cap).u32(2).u64(p.meta_off()).u64(p.meta_len).u64(p.data_off());
  writer.u64(p.plaintext_len).bytes(p.meta_hash).bytes(p.run_id).u32(p.run_number).u32(0);
  CLOISTER_CHECK(writer.size() == kTlvOff);
  write_context(p.context, writer);
  CLOISTER_CHECK(writer.size() <= kMacOff);
  PreamblePage page{};
  std::ranges::copy(writer.view(), page.begin());
  return page;
}

void finish_preamble(PreamblePage& page, const crypto::Secret& header_key) {
  const auto mac = page_mac(page, header_key);
  std::ranges::copy(mac, page.begin() + kMacOff);
  store_le(page.data() + kCrcOff, page_crc(page));
}

Status verify_preamble_mac(ByteView page, const crypto::Secret& header_key) {
  if (crypto::equal_constant_time(page_mac(page, header_key), page.subspan(kMacOff))) return {};
  return corrupt("the preamble's mac doesn't fit");
}

crypto::Sha256Digest context_hash(ByteView page) {
  Bytes part = to_bytes(page.subspan(kContextOff, kMacOff - kContextOff));
  store_le(part.data() + (kCrcOff - kContextOff), std::uint32_t{0});
  return crypto::sha256(part);
}

}  // namespace cloister::seal
