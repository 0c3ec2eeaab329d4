#include "audit/extras.h"

#include <algorithm>

#include "audit/event.h"
#include "base/reader.h"

namespace cloister::audit {
namespace {

constexpr std::size_t kNumberSize = 8;
constexpr std::size_t kDigestSize = sizeof(crypto::Sha256Digest);

constexpr ExtraField kFields[] = {
    {Extra::kRequestId, "request_id", ExtraKind::kText, 128},
    {Extra::kServer, "server", ExtraKind::kText, 255},
    {Extra::kProgramDigest, "program_digest", ExtraKind::kDigest, kDigestSize},
    {Extra::kSource, "source", ExtraKind::kText, 128},
    {Extra::kAuthentication, "authentication", ExtraKind::kText, 32},
    {Extra::kCredentialDigest, "credential_digest", ExtraKind::kDigest, kDigestSize},
    {Extra::kKeyVersion, "key_version", ExtraKind::kNumber, kNumberSize},
    {Extra::kKeyUse, "key_use", ExtraKind::kNumber, kNumberSize},
    {Extra::kPurpose, "purpose", ExtraKind::kText, 64},
    {Extra::kContextDigest, "context_digest", ExtraKind::kDigest, kDigestSize},
    {Extra::kPolicy, "policy", ExtraKind::kText, 128},
    {Extra::kPolicyDigest, "policy_digest", ExtraKind::kDigest, kDigestSize},
    {Extra::kTee, "tee", ExtraKind::kText, 32},
    {Extra::kEvidenceDigest, "evidence_digest", ExtraKind::kDigest, kDigestSize},
    {Extra::kJob, "job", ExtraKind::kText, 128},
};

bool fits(const ExtraField& field, ByteView value) {
  switch (field.kind) {
    case ExtraKind::kText: return !value.empty() && value.size() <= field.size_max && is_plain_utf8(as_text(value));
    case ExtraKind::kNumber: return value.size() == kNumberSize && load_le<std::uint64_t>(value.data()) <= kNumberMax;
    case ExtraKind::kDigest: return value.size() == kDigestSize;
  }
  return false;
}

std::string name_of(std::uint16_t type) {
  const ExtraField* field = find_extra(type);
  return field == nullptr ? "extra of type " + std::to_string(type) : "extra " + std::string(field->name);
}

}  // namespace

std::span<const ExtraField> extra_fields() { return kFields; }

const ExtraField* find_extra(std::uint16_t type) {
  const auto* found = std::ranges::find(kFields, static_cast<Extra>(type), &ExtraField::type);
  return found == std::end(kFields) ? nullptr : found;
}

const ExtraField* find_extra(std::string_view name) {
  const auto* found = std::ranges::find(kFields, name, &ExtraField::name);
  return found == std::end(kFields) ? nullptr : found;
}

void Extras::put(Extra type, ExtraKind kind, ByteView value) {
  const auto number = static_cast<std::uint16_t>(type);
  const ExtraField* field = find_extra(number);
  CLOISTER_CHECK(field != nullptr && field->kind == kind);
  values_.insert_or_assign(number, to_bytes(value));
  CLOISTER_CHECK(values_.size() <= kExtrasMax);
}

Extras& Extras::set_text(Extra type, std::string text) {
  const ExtraField* field = find_extra(static_cast<std::uint16_t>(type));
  CLOISTER_CHECK(field != nullptr);
  const std::string kept = recordable_text(std::move(text), field->size_max);
  if (kept.empty()) {
    values_.erase(static_cast<std::uint16_t>(type));
  } else {
    put(type, ExtraKind::kText, as_bytes(kept));
  }
  return *this;
}

Extras& Extras::set_number(Extra type, std::uint64_t number) {
  std::array<std::uint8_t, kNumberSize> bytes;
  store_le(bytes.data(), std::min(number, kNumberMax));
  put(type, ExtraKind::kNumber, bytes);
  return *this;
}

Extras& Extras::set_digest(Extra type, const crypto::Sha256Digest& digest) {
  put(type, ExtraKind::kDigest, digest);
  return *this;
}

Status Extras::add(std::uint16_t type, ByteView value) {
  if (type == 0) return Error(Code::kCorrupt, "an extra has type 0");
  if (values_.size() == kExtrasMax) return Error(Code::kCorrupt, "more than 32 extras");
  if (value.size() > kExtraSizeMax) return Error(Code::kCorrupt, name_of(type) + " is over 256 bytes");
  const ExtraField* field = find_extra(type);
  if (field != nullptr && !fits(*field, value)) return Error(Code::kCorrupt, name_of(type) + " has a wrong value");
  if (!values_.emplace(type, to_bytes(value)).second) return Error(Code::kCorrupt, name_of(type) + " is there twice");
  return {};
}

Bytes Extras::encode() const {
  Writer writer;
  writer.u8(static_cast<std::uint8_t>(values_.size()));
  for (const auto& [type, value] : values_) writer.u16(type).prefixed16(value);
  return writer.take();
}

Result<Extras> Extras::parse(ByteView bytes) {
  Reader reader(bytes);
  Extras extras;
  CLOISTER_TRY(const std::uint8_t count, reader.u8("count of extras"));
  std::uint16_t previous = 0;
  for (unsigned i = 0; i < count; ++i) {
    CLOISTER_TRY(const std::uint16_t type, reader.u16("type of an extra"));
    if (type <= previous) return Error(Code::kCorrupt, "the extras aren't in ascending order");
    CLOISTER_TRY(const ByteView value, reader.prefixed16(kExtraSizeMax, "an extra"));
    CLOISTER_RETURN_IF_ERROR(extras.add(type, value));
    previous = type;
  }
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("the extras"));
  return extras;
}

const Bytes* Extras::find(Extra type, ExtraKind kind) const {
  const auto number = static_cast<std::uint16_t>(type);
  const ExtraField* field = find_extra(number);
  CLOISTER_CHECK(field != nullptr && field->kind == kind);
  const auto found = values_.find(number);
  return found == values_.end() ? nullptr : &found->second;
}

std::optional<std::string_view> Extras::text(Extra type) const {
  const Bytes* value = find(type, ExtraKind::kText);
  if (value == nullptr) return std::nullopt;
  return as_text(*value);
}

std::optional<std::uint64_t> Extras::number(Extra type) const {
  const Bytes* value = find(type, ExtraKind::kNumber);
  if (value == nullptr) return std::nullopt;
  return load_le<std::uint64_t>(value->data());
}

std::optional<crypto::Sha256Digest> Extras::digest(Extra type) const {
  const Bytes* value = find(type, ExtraKind::kDigest);
  if (value == nullptr) return std::nullopt;
  crypto::Sha256Digest digest;
  std::ranges::copy(*value, digest.begin());
  return digest;
}

}  // namespace cloister::audit
