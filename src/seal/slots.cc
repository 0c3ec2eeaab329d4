#include "seal/slots.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/secret_sharing.h"

namespace cloister::seal {
namespace {

constexpr std::string_view kMagic = "CLSRSLT1";
constexpr std::size_t kHeaderSize = 24;
constexpr std::size_t kCrcSize = 4;
constexpr std::size_t kTenantMax = 128;
constexpr std::size_t kKeyIdMax = 512;
constexpr std::size_t kParametersMax = 4096;
constexpr std::size_t kCiphertextMax = 8192;

bool known_type(std::uint16_t type) { return type >= 1 && type <= 6; }

Bytes serialize_body(const Slot& slot) {
  Writer writer;
  writer.text16(slot.tenant).text16(slot.wrapped.key_id).u32(slot.wrapped.key_version);
  writer.u16(slot.share.index).u16(slot.share.threshold);
  writer.prefixed16(slot.wrapped.parameters).prefixed16(slot.wrapped.ciphertext);
  return writer.take();
}

struct WrapSizes {
  std::size_t parameters, ciphertext;
};

WrapSizes wrap_sizes(crypto::WrapType type) {
  switch (type) {
    case crypto::WrapType::kDatasetKey:
    case crypto::WrapType::kSoftwareKey: return {0, 72};
    case crypto::WrapType::kPkcs11: return {12, 48};
    case crypto::WrapType::kPassphrase: return {28, 72};
    case crypto::WrapType::kHpkeX25519: return {32, 48};
    case crypto::WrapType::kHpkeX25519MlKem768: return {1120, 48};
    default: return {};  // not of a slot: no wrap has these sizes
  }
}

Status check_sizes(const crypto::WrappedKey& wrapped) {
  const WrapSizes sizes = wrap_sizes(wrapped.type);
  if (wrapped.parameters.size() != sizes.parameters || wrapped.ciphertext.size() != sizes.ciphertext) {
    return Error(Code::kCorrupt, "a key slot has parts of the wrong size");
  }
  if (wrapped.type != crypto::WrapType::kPassphrase) return {};
  const auto memory = load_le<std::uint32_t>(wrapped.parameters.data() + 16);
  const auto passes = load_le<std::uint32_t>(wrapped.parameters.data() + 20);
  const auto lanes = load_le<std::uint32_t>(wrapped.parameters.data() + 24);
  if (passes < 1 || lanes < 1 || memory / 8 < lanes) {
    return Error(Code::kCorrupt, "a passphrase slot has an Argon2 cost below the algorithm's minimum");
  }
  return {};
}

// SO-20. What isn't such a share is kept as what a later version may know.
bool take_share(std::uint16_t index, std::uint16_t threshold, Slot& slot) {
  if (index < 1 || index > crypto::kSharesMax) return false;
  if (threshold < crypto::kThresholdMin || threshold > crypto::kSharesMax) return false;
  slot.share = {static_cast<std::uint8_t>(index), static_cast<std::uint8_t>(threshold)};
  return check_sizes(slot.wrapped).ok();
}

// SO-5, SO-6. Returns false for a share that this version can't use.
Result<bool> parse_body(std::uint16_t type, ByteView body, Slot& slot) {
  Reader reader(body);
  slot.wrapped.type = static_cast<crypto::WrapType>(type);
  CLOISTER_TRY(slot.tenant, reader.text16(kTenantMax, "slot tenant"));
  CLOISTER_TRY(slot.wrapped.key_id, reader.text16(kKeyIdMax, "slot key id"));
  CLOISTER_TRY(slot.wrapped.key_version, reader.u32("slot key version"));
  CLOISTER_TRY(const std::uint16_t share_index, reader.u16("slot share index"));
  CLOISTER_TRY(const std::uint16_t share_threshold, reader.u16("slot share threshold"));
  CLOISTER_TRY(const ByteView parameters, reader.prefixed16(kParametersMax, "slot parameters"));
  CLOISTER_TRY(const ByteView ciphertext, reader.prefixed16(kCiphertextMax, "slot ciphertext"));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("a key slot"));
  if (slot.tenant.empty()) return Error(Code::kCorrupt, "a key slot names no tenant");
  slot.wrapped.parameters = to_bytes(parameters);
  slot.wrapped.ciphertext = to_bytes(ciphertext);
  if (share_index != 0 || share_threshold != 0) return take_share(share_index, share_threshold, slot);
  CLOISTER_RETURN_IF_ERROR(check_sizes(slot.wrapped));
  return true;
}

Bytes serialize_records(const SlotTable& table) {
  Writer records;
  for (const Slot& slot : table.slots) {
    const Bytes body = serialize_body(slot);
    records.u16(static_cast<std::uint16_t>(slot.wrapped.type)).u16(0);
    records.u32(static_cast<std::uint32_t>(body.size())).bytes(body);
  }
  for (const UnknownSlot& slot : table.unknown) {
    records.u16(slot.type).u16(0).u32(static_cast<std::uint32_t>(slot.body.size())).bytes(slot.body);
  }
  return records.take();
}

// What a reader would refuse is not written.
Status check_writable(const Slot& slot) {
  const bool named = !slot.tenant.empty() && slot.tenant.size() <= kTenantMax && is_plain_utf8(slot.tenant);
  const bool keyed = slot.wrapped.key_id.size() <= kKeyIdMax && is_plain_utf8(slot.wrapped.key_id);
  if (named && keyed && check_sizes(slot.wrapped).ok()) return {};
  return Error(Code::kInvalid, "a key was wrapped into something that isn't a slot of type " +
                                   std::string(slot_type_name(slot.wrapped.type)));
}

}  // namespace

std::string_view slot_type_name(crypto::WrapType type) {
  switch (type) {
    case crypto::WrapType::kDatasetKey: return "dataset-key";
    case crypto::WrapType::kSoftwareKey: return "software-key";
    case crypto::WrapType::kPkcs11: return "pkcs11";
    case crypto::WrapType::kPassphrase: return "passphrase";
    case crypto::WrapType::kHpkeX25519: return "hpke-x25519";
    case crypto::WrapType::kHpkeX25519MlKem768: return "hpke-xwing";
    case crypto::WrapType::kAwsKms: return "aws-kms";
    case crypto::WrapType::kAzureKeyVault: return "azure-key-vault";
    case crypto::WrapType::kGoogleKms: return "google-kms";
    case crypto::WrapType::kVaultTransit: return "vault-transit";
    case crypto::WrapType::kKmip: return "kmip";
    case crypto::WrapType::kPkcs11Provider: return "pkcs11-provider";
  }
  return "unknown";
}

std::size_t slots_size(const SlotTable& table) { return kHeaderSize + serialize_records(table).size() + kCrcSize; }

Result<Bytes> serialize_slots(const SlotTable& table, std::uint32_t slots_cap) {
  for (const Slot& slot : table.slots) CLOISTER_RETURN_IF_ERROR(check_writable(slot));
  if (table.seq > kSlotSeqMax) return Error(Code::kInvalid, "the slots' sequence number is above 2^63 - 1");
  const std::size_t count = table.slots.size() + table.unknown.size();
  if (count > kSlotsMax) return Error(Code::kInvalid, "an object has at most 64 key slots");
  const Bytes records = serialize_records(table);
  if (kHeaderSize + records.size() + kCrcSize > slots_cap) {
    return Error(Code::kInvalid, "the key slots need " + std::to_string(kHeaderSize + records.size() + kCrcSize) +
                                     " bytes and the object has room for " + std::to_string(slots_cap));
  }
  Writer writer;
  writer.bytes(as_bytes(kMagic)).u64(table.seq).u16(static_cast<std::uint16_t>(count)).u16(0);
  writer.u32(static_cast<std::uint32_t>(records.size())).bytes(records);
  writer.zeros(slots_cap - kCrcSize - writer.size());
  const std::uint32_t crc = crc32c(writer.view());
  writer.u32(crc);
  return writer.take();
}

bool slots_crc_fits(ByteView copy) {
  if (copy.size() < kHeaderSize + kCrcSize) return false;
  const ByteView covered = copy.first(copy.size() - kCrcSize);
  return crc32c(covered) == load_le<std::uint32_t>(copy.data() + covered.size());
}

Result<SlotTable> parse_slots(ByteView copy) {
  if (!slots_crc_fits(copy)) return Error(Code::kCorrupt, "a slot copy fails its checksum");
  const ByteView covered = copy.first(copy.size() - kCrcSize);
  Reader reader(covered);
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "slot magic"));
  if (!equal(magic, as_bytes(kMagic))) return Error(Code::kCorrupt, "a slot copy has the wrong magic");
  SlotTable table;
  CLOISTER_TRY(table.seq, reader.u64("slot sequence"));
  if (table.seq > kSlotSeqMax) return Error(Code::kCorrupt, "the slots' sequence number is above 2^63 - 1");
  CLOISTER_TRY(const std::uint16_t count, reader.u16("slot count"));
  CLOISTER_RETURN_IF_ERROR(reader.zeros(2, "slot reserved bytes"));
  CLOISTER_TRY(const std::uint32_t used, reader.u32("slot bytes used"));
  if (count > kSlotsMax) return Error(Code::kCorrupt, "more than 64 key slots");
  CLOISTER_TRY(const ByteView records, reader.bytes(used, "slot records"));
  CLOISTER_RETURN_IF_ERROR(reader.zeros(reader.remaining(), "rest of the slot copy"));
  Reader record(records);
  for (unsigned i = 0; i < count; ++i) {
    CLOISTER_TRY(const std::uint16_t type, record.u16("slot type"));
    CLOISTER_RETURN_IF_ERROR(record.zeros(2, "slot reserved bytes"));
    CLOISTER_TRY(const std::uint32_t size, record.u32("slot size"));
    CLOISTER_TRY(const ByteView body, record.bytes(size, "slot body"));
    Slot slot;
    bool usable = false;
    if (known_type(type)) {
      CLOISTER_TRY(usable, parse_body(type, body, slot));
    }
    if (usable) {
      table.slots.push_back(std::move(slot));
    } else {
      table.unknown.push_back(UnknownSlot{type, to_bytes(body)});
    }
  }
  CLOISTER_RETURN_IF_ERROR(record.expect_end("the slot records"));
  return table;
}

// SO-4. Damaged means a wrong crc; a copy that was written wrongly is not passed over for an older one.
Result<SlotTables> choose_slots(ByteView copy_a, ByteView copy_b) {
  const auto seq = [](ByteView copy) { return load_le<std::uint64_t>(copy.data() + kMagic.size()); };
  const bool a_fits = slots_crc_fits(copy_a);
  const bool b_fits = slots_crc_fits(copy_b);
  if (!a_fits && !b_fits) return Error(Code::kCorrupt, "both slot copies are damaged");
  const bool use_b = b_fits && (!a_fits || seq(copy_b) > seq(copy_a));
  CLOISTER_TRY(SlotTable newest, parse_slots(use_b ? copy_b : copy_a));
  SlotTables tables{std::move(newest), use_b ? SlotCopy::kB : SlotCopy::kA, !a_fits || !b_fits};
  if (!tables.copy_damaged) tables.copy_damaged = !parse_slots(use_b ? copy_a : copy_b).ok();
  return tables;
}

Result<SlotTable> make_slots(const Preamble& preamble, const crypto::Dek& dek,
                             std::span<crypto::KeyWrapper* const> wrappers) {
  SlotTable table;
  for (crypto::KeyWrapper* wrapper : wrappers) {
    CLOISTER_TRY(auto wrapped, wrapper->wrap(dek.material(), dek_context(preamble, preamble.context.tenant)));
    table.slots.push_back(Slot{preamble.context.tenant, std::move(wrapped), {}});
    CLOISTER_RETURN_IF_ERROR(check_writable(table.slots.back()));
  }
  if (table.slots.empty())
    return Error(Code::kInvalid, "no key was given to seal for: the object could never be opened");
  return table;
}

Result<SlotTable> make_share_slots(const Preamble& preamble, const crypto::Dek& dek,
                                   std::span<crypto::KeyWrapper* const> wrappers, unsigned threshold,
                                   crypto::Random& random) {
  if (wrappers.size() > kSlotsMax) return Error(Code::kInvalid, "an object has at most 64 key slots");
  CLOISTER_TRY(const auto shares,
               crypto::split_key(dek.material(), static_cast<unsigned>(wrappers.size()), threshold, random));
  SlotTable table;
  for (std::size_t i = 0; i < wrappers.size(); ++i) {
    Slot slot{preamble.context.tenant, {}, {shares[i].index, static_cast<std::uint8_t>(threshold)}};
    CLOISTER_TRY(slot.wrapped, wrappers[i]->wrap(shares[i].value, slot_context(preamble, slot)));
    CLOISTER_RETURN_IF_ERROR(check_writable(slot));
    const bool twice = std::ranges::any_of(table.slots, [&slot](const Slot& other) {
      return other.wrapped.type == slot.wrapped.type && other.wrapped.key_id == slot.wrapped.key_id;
    });
    // Passphrases all have the same name.
    if (twice && slot.wrapped.type != crypto::WrapType::kPassphrase) {
      return Error(Code::kInvalid, "the key " + slot.wrapped.key_id + " would be given two shares");
    }
    table.slots.push_back(std::move(slot));
  }
  return table;
}

std::string describe_slot(const Slot& slot) {
  std::string text = slot.is_share() ? "share " + std::to_string(slot.share.index) + " by " : "";
  text += std::string(slot_type_name(slot.wrapped.type)) + " " + slot.wrapped.key_id;
  if (slot.wrapped.key_version != 0) text += "/" + std::to_string(slot.wrapped.key_version);
  return text;
}

std::string describe_slots(const SlotTable& table) {
  std::string text;
  for (const Slot& slot : table.slots) text += (text.empty() ? "" : ", ") + describe_slot(slot);
  for (const UnknownSlot& slot : table.unknown) {
    text +=
        (text.empty() ? "" : ", ") + std::string("type ") + std::to_string(slot.type) + " (not usable by this program)";
  }
  if (const unsigned needed = shares_needed(table.slots); needed != 0) {
    text += "; " + std::to_string(needed) + " shares open it";
  }
  return text.empty() ? "none" : text;
}

}  // namespace cloister::seal
