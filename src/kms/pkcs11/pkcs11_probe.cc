#include "kms/pkcs11/pkcs11_probe.h"

#include <algorithm>
#include <vector>

#include "crypto/aead.h"
#include "kms/pkcs11/pkcs11_module.h"

namespace cloister::kms {
namespace {

constexpr CK_MECHANISM_TYPE kKeyWrapPad = 0x210a;
constexpr CK_ULONG kRfc5649Size = 40;
constexpr CK_ULONG kPaddedSize = 48;

template <typename Value>
std::optional<Value> read_attribute(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                                    CK_ATTRIBUTE_TYPE type) {
  Value value{};
  CK_ATTRIBUTE attribute{type, &value, sizeof value};
  if (functions.C_GetAttributeValue(session, key, &attribute, 1) != CKR_OK) return std::nullopt;
  if (attribute.ulValueLen != sizeof value) return std::nullopt;
  return value;
}

bool offers(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism) {
  CK_ULONG count = 0;
  if (functions.C_GetMechanismList(slot, nullptr, &count) != CKR_OK) return false;
  std::vector<CK_MECHANISM_TYPE> list(count);
  if (functions.C_GetMechanismList(slot, list.data(), &count) != CKR_OK) return false;
  list.resize(std::min<std::size_t>(list.size(), count));
  return std::ranges::find(list, mechanism) != list.end();
}

enum class Role { kWraps, kIsWrapped };

CK_OBJECT_HANDLE make_session_key(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session, Role role) {
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_ULONG size = 32;
  CK_BBOOL no = CK_FALSE;
  CK_BBOOL wraps = role == Role::kWraps ? CK_TRUE : CK_FALSE;
  CK_BBOOL extractable = role == Role::kIsWrapped ? CK_TRUE : CK_FALSE;
  CK_ATTRIBUTE attributes[] = {{CKA_TOKEN, &no, sizeof no},
                               {CKA_VALUE_LEN, &size, sizeof size},
                               {CKA_WRAP, &wraps, sizeof wraps},
                               {CKA_EXTRACTABLE, &extractable, sizeof extractable}};
  CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
  const CK_RV code = functions.C_GenerateKey(session, &mechanism, attributes, std::size(attributes), &key);
  return code == CKR_OK ? key : CK_INVALID_HANDLE;
}

}  // namespace

GcmMechanism::GcmMechanism(GcmLayout layout, MutableByteView iv, ByteView aad) {
  auto* aad_data = const_cast<CK_BYTE*>(aad.data());
  const CK_ULONG tag_bits = 8 * crypto::kTagSize;
  with_iv_bits_ = {iv.data(), iv.size(), 8 * iv.size(), aad_data, aad.size(), tag_bits};
  without_iv_bits_ = {iv.data(), iv.size(), aad_data, aad.size(), tag_bits};
  if (layout == GcmLayout::kWithIvBits) {
    mechanism_ = {CKM_AES_GCM, &with_iv_bits_, sizeof with_iv_bits_};
  } else {
    mechanism_ = {CKM_AES_GCM, &without_iv_bits_, sizeof without_iv_bits_};
  }
}

KeyAttributes read_key_attributes(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) {
  const auto flag = [&](CK_ATTRIBUTE_TYPE type) -> std::optional<bool> {
    const auto value = read_attribute<CK_BBOOL>(functions, session, key, type);
    return value ? std::optional<bool>(*value == CK_TRUE) : std::nullopt;
  };
  KeyAttributes attributes;
  attributes.aes_256 = read_attribute<CK_KEY_TYPE>(functions, session, key, CKA_KEY_TYPE) == CK_KEY_TYPE{CKK_AES} &&
                       read_attribute<CK_ULONG>(functions, session, key, CKA_VALUE_LEN) == CK_ULONG{32};
  attributes.sensitive = flag(CKA_SENSITIVE);
  attributes.extractable = flag(CKA_EXTRACTABLE);
  attributes.always_sensitive = flag(CKA_ALWAYS_SENSITIVE);
  attributes.never_extractable = flag(CKA_NEVER_EXTRACTABLE);
  attributes.local = flag(CKA_LOCAL);
  return attributes;
}

std::string probe_key_wrap_pad(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot, CK_SESSION_HANDLE session) {
  if (!offers(functions, slot, kKeyWrapPad)) return "absent";
  const CK_OBJECT_HANDLE wrapping = make_session_key(functions, session, Role::kWraps);
  const CK_OBJECT_HANDLE wrapped = make_session_key(functions, session, Role::kIsWrapped);
  std::string meaning = "absent";
  if (wrapping != CK_INVALID_HANDLE && wrapped != CK_INVALID_HANDLE) {
    CK_MECHANISM mechanism{kKeyWrapPad, nullptr, 0};
    CK_BYTE out[128];
    CK_ULONG size = sizeof out;
    const CK_RV code = functions.C_WrapKey(session, &mechanism, wrapping, wrapped, out, &size);
    if (code == CKR_OK && size == kRfc5649Size) meaning = "RFC 5649";
    if (code == CKR_OK && size == kPaddedSize) meaning = "PKCS#7-padded key wrap";
  }
  if (wrapping != CK_INVALID_HANDLE) functions.C_DestroyObject(session, wrapping);
  if (wrapped != CK_INVALID_HANDLE) functions.C_DestroyObject(session, wrapped);
  return meaning;
}

std::string library_text(const CK_FUNCTION_LIST& functions) {
  CK_INFO info{};
  if (functions.C_GetInfo(&info) != CKR_OK) return "unknown";
  return padded_text(info.manufacturerID) + ", " + padded_text(info.libraryDescription) + ", " +
         std::to_string(info.libraryVersion.major) + "." + std::to_string(info.libraryVersion.minor);
}

}  // namespace cloister::kms
