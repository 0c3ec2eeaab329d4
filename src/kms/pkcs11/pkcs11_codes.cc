#include "kms/pkcs11/pkcs11_codes.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

namespace cloister::kms {
namespace {

enum class Loss { kNo, kYes };

struct Meaning {
  CK_RV value;
  const char* name;
  Code code;
  Loss loss = Loss::kNo;
};

#define CKR(name, code) {CKR_##name, "CKR_" #name, Code::code}
#define CKR_LOST(name) {CKR_##name, "CKR_" #name, Code::kUnavailable, Loss::kYes}

constexpr Meaning kMeanings[] = {
    CKR(OK, kInternal),
    CKR(HOST_MEMORY, kUnavailable),
    CKR(GENERAL_ERROR, kUnavailable),
    CKR(FUNCTION_FAILED, kUnavailable),
    CKR(FUNCTION_CANCELED, kUnavailable),
    CKR(DEVICE_ERROR, kUnavailable),
    CKR(DEVICE_MEMORY, kUnavailable),
    CKR(SESSION_COUNT, kUnavailable),
    CKR(OPERATION_ACTIVE, kUnavailable),
    CKR_LOST(SESSION_HANDLE_INVALID),
    CKR_LOST(SESSION_CLOSED),
    CKR_LOST(DEVICE_REMOVED),
    CKR_LOST(TOKEN_NOT_PRESENT),
    CKR_LOST(TOKEN_NOT_RECOGNIZED),
    CKR_LOST(SLOT_ID_INVALID),
    CKR_LOST(USER_NOT_LOGGED_IN),
    CKR_LOST(KEY_HANDLE_INVALID),
    CKR_LOST(OBJECT_HANDLE_INVALID),
    CKR_LOST(CRYPTOKI_NOT_INITIALIZED),
    CKR(ARGUMENTS_BAD, kInvalid),
    CKR(ATTRIBUTE_TYPE_INVALID, kInvalid),
    CKR(ATTRIBUTE_VALUE_INVALID, kInvalid),
    CKR(DATA_INVALID, kInvalid),
    CKR(DATA_LEN_RANGE, kInvalid),
    CKR(KEY_FUNCTION_NOT_PERMITTED, kInvalid),
    CKR(KEY_SIZE_RANGE, kInvalid),
    CKR(KEY_TYPE_INCONSISTENT, kInvalid),
    CKR(MECHANISM_PARAM_INVALID, kInvalid),
    CKR(TEMPLATE_INCOMPLETE, kInvalid),
    CKR(TEMPLATE_INCONSISTENT, kInvalid),
    CKR(WRAPPING_KEY_SIZE_RANGE, kInvalid),
    CKR(WRAPPING_KEY_TYPE_INCONSISTENT, kInvalid),
    CKR(UNWRAPPING_KEY_SIZE_RANGE, kInvalid),
    CKR(UNWRAPPING_KEY_TYPE_INCONSISTENT, kInvalid),
    CKR(FUNCTION_NOT_SUPPORTED, kUnsupported),
    CKR(MECHANISM_INVALID, kUnsupported),
    CKR(ATTRIBUTE_READ_ONLY, kDenied),
    CKR(ATTRIBUTE_SENSITIVE, kDenied),
    CKR(ENCRYPTED_DATA_INVALID, kDenied),
    CKR(ENCRYPTED_DATA_LEN_RANGE, kDenied),
    CKR(KEY_NOT_WRAPPABLE, kDenied),
    CKR(KEY_UNEXTRACTABLE, kDenied),
    CKR(PIN_EXPIRED, kDenied),
    CKR(PIN_INCORRECT, kDenied),
    CKR(PIN_INVALID, kDenied),
    CKR(PIN_LEN_RANGE, kDenied),
    CKR(PIN_LOCKED, kDenied),
    CKR(SESSION_READ_ONLY, kDenied),
    CKR(TOKEN_WRITE_PROTECTED, kDenied),
    CKR(USER_PIN_NOT_INITIALIZED, kDenied),
    CKR(USER_TYPE_INVALID, kDenied),
    CKR(WRAPPED_KEY_INVALID, kDenied),
    CKR(WRAPPED_KEY_LEN_RANGE, kDenied),
};

#undef CKR
#undef CKR_LOST

const Meaning* meaning_of(CK_RV code) {
  const auto* found = std::ranges::find(kMeanings, code, &Meaning::value);
  return found == std::end(kMeanings) ? nullptr : found;
}

}  // namespace

std::string ckr_name(CK_RV code) {
  if (const Meaning* meaning = meaning_of(code)) return meaning->name;
  char text[32];
  std::snprintf(text, sizeof text, "code 0x%lx", code);
  return text;
}

Code code_of(CK_RV code) {
  const Meaning* meaning = meaning_of(code);
  return meaning == nullptr ? Code::kUnavailable : meaning->code;
}

Error pkcs11_error(const std::string& doing, CK_RV code) { return Error(code_of(code), doing + ": " + ckr_name(code)); }

bool means_lost(CK_RV code) {
  const Meaning* meaning = meaning_of(code);
  return meaning != nullptr && meaning->loss == Loss::kYes;
}

}  // namespace cloister::kms
