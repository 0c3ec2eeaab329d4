#include "kms/pkcs11/pkcs11_codes.h"

#include <gtest/gtest.h>

namespace cloister::kms {
namespace {

TEST(Pkcs11Codes, Names) {
  EXPECT_EQ(ckr_name(CKR_PIN_INCORRECT), "CKR_PIN_INCORRECT");
  EXPECT_EQ(ckr_name(CKR_MECHANISM_INVALID), "CKR_MECHANISM_INVALID");
  EXPECT_EQ(ckr_name(0x80000001), "code 0x80000001");
}

TEST(Pkcs11Codes, WhatTheCallerCanDo) {
  EXPECT_EQ(code_of(CKR_PIN_LOCKED), Code::kDenied);
  EXPECT_EQ(code_of(CKR_ENCRYPTED_DATA_INVALID), Code::kDenied);
  EXPECT_EQ(code_of(CKR_KEY_FUNCTION_NOT_PERMITTED), Code::kInvalid);
  EXPECT_EQ(code_of(CKR_MECHANISM_INVALID), Code::kUnsupported);
  EXPECT_EQ(code_of(CKR_DEVICE_ERROR), Code::kUnavailable);
  EXPECT_EQ(code_of(0x80000001), Code::kUnavailable) << "what nobody knows may pass";
  EXPECT_EQ(pkcs11_error("wrap with a", CKR_PIN_LOCKED).message(), "wrap with a: CKR_PIN_LOCKED");
}

TEST(Pkcs11Codes, WhatIsWorthBuildingUpAgain) {
  for (const CK_RV code : {CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT,
                           CKR_USER_NOT_LOGGED_IN, CKR_KEY_HANDLE_INVALID, CKR_CRYPTOKI_NOT_INITIALIZED}) {
    EXPECT_TRUE(means_lost(code)) << ckr_name(code);
    EXPECT_EQ(code_of(code), Code::kUnavailable) << ckr_name(code);
  }
  for (const CK_RV code : {CKR_OK, CKR_DEVICE_ERROR, CKR_PIN_INCORRECT, CKR_ENCRYPTED_DATA_INVALID}) {
    EXPECT_FALSE(means_lost(static_cast<CK_RV>(code))) << code;
  }
}

}  // namespace
}  // namespace cloister::kms
