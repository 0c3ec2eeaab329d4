#include "crypto/key_wrapper.h"

#include <algorithm>

#include "crypto/hkdf.h"

namespace cloister::crypto {

Bytes WrapContext::canonical(WrapType type, std::string_view key_id, std::uint32_t key_version) const {
  std::uint8_t version[4];
  store_le(version, key_version);
  Info info("CLSR1 wrap");
  info.field_u16(static_cast<std::uint16_t>(type)).field(as_bytes(key_id)).field(version);
  info.field(as_bytes(tenant)).field(as_bytes(dataset)).field(object).field(as_bytes(purpose)).field(commitment);
  return to_bytes(info.view());
}

Result<WrappedKey> KeyWrapper::rewrap(const WrappedKey& wrapped, const WrapContext& context) {
  CLOISTER_TRY(const KeyMaterial key, unwrap(wrapped, context));
  return wrap(key, context);
}

Result<WrappedKey> wrap_proven(KeyWrapper& target, const KeyMaterial& key, const WrapContext& context) {
  CLOISTER_TRY(WrappedKey wrapped, target.wrap(key, context));
  auto again = target.unwrap(wrapped, context);
  if (!again.ok()) return Error(again.error()).with_context("open what was wrapped just now");
  if (!equal_constant_time(again->secret().expose(), key.secret().expose())) {
    return Error(Code::kCorrupt, "what was wrapped just now opens to another key");
  }
  return wrapped;
}

std::array<std::uint8_t, 32> key_commitment(const KeyMaterial& key, std::string_view purpose) {
  Info info("CLSR1 key commitment");
  info.field(as_bytes(purpose));
  const Secret derived = hkdf_expand_sha512(key.secret(), info.view(), 32);
  std::array<std::uint8_t, 32> commitment;
  std::ranges::copy(derived.expose(), commitment.begin());
  return commitment;
}

}  // namespace cloister::crypto
