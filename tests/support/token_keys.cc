#include "tests/support/token_keys.h"

#include <dlfcn.h>

#include <vector>

namespace cloister::testing {
namespace {

CK_BBOOL of(bool value) { return value ? CK_TRUE : CK_FALSE; }

CK_SLOT_ID find_slot(CK_FUNCTION_LIST& functions, const std::string& wanted) {
  CK_SLOT_ID slots[16];
  CK_ULONG count = std::size(slots);
  CLOISTER_CHECK(functions.C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK);
  for (CK_ULONG i = 0; i < count; ++i) {
    CK_TOKEN_INFO info{};
    if (functions.C_GetTokenInfo(slots[i], &info) != CKR_OK) continue;
    if (std::string(reinterpret_cast<const char*>(info.label), sizeof info.label).starts_with(wanted + " ")) {
      return slots[i];
    }
  }
  CLOISTER_CHECK(false);
  return 0;
}

}  // namespace

TokenKeys::TokenKeys(const TestToken& token) {
  const kms::Pkcs11Location location = token.location("");
  void* library = ::dlopen(token.module().c_str(), RTLD_NOW | RTLD_LOCAL);
  const auto get = reinterpret_cast<CK_RV (*)(CK_FUNCTION_LIST**)>(::dlsym(library, "C_GetFunctionList"));
  CLOISTER_CHECK(get != nullptr && get(&functions_) == CKR_OK);
  struct {
    CK_C_INITIALIZE_ARGS standard;
    void* nss_reserved;
  } arguments{};
  arguments.standard.flags = CKF_OS_LOCKING_OK;
  std::string parameters = location.module_parameters;
  arguments.standard.pReserved = parameters.empty() ? nullptr : parameters.data();
  CLOISTER_CHECK(functions_->C_Initialize(&arguments) == CKR_OK);
  const CK_SLOT_ID slot = find_slot(*functions_, token.label());
  CLOISTER_CHECK(functions_->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session_) ==
                 CKR_OK);
  std::string pin(TestToken::kPin);
  CLOISTER_CHECK(functions_->C_Login(session_, CKU_USER, reinterpret_cast<CK_UTF8CHAR*>(pin.data()), pin.size()) ==
                 CKR_OK);
}

TokenKeys::~TokenKeys() { functions_->C_Finalize(nullptr); }

CK_RV TokenKeys::make_aes(const std::string& label, std::uint8_t id, Use use) {
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_ULONG size = 32;
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  CK_BBOOL encrypts = of(use == Use::kEncrypts);
  CK_BBOOL wraps = of(use == Use::kWraps);
  CK_ATTRIBUTE attributes[] = {{CKA_TOKEN, &yes, 1},
                               {CKA_PRIVATE, &yes, 1},
                               {CKA_SENSITIVE, &yes, 1},
                               {CKA_EXTRACTABLE, &no, 1},
                               {CKA_ENCRYPT, &encrypts, 1},
                               {CKA_DECRYPT, &encrypts, 1},
                               {CKA_WRAP, &wraps, 1},
                               {CKA_UNWRAP, &wraps, 1},
                               {CKA_VALUE_LEN, &size, sizeof size},
                               {CKA_ID, &id, 1},
                               {CKA_LABEL, const_cast<char*>(label.data()), label.size()}};
  CK_OBJECT_HANDLE key = 0;
  return functions_->C_GenerateKey(session_, &mechanism, attributes, std::size(attributes), &key);
}

CK_RV TokenKeys::make_extractable_aes(const std::string& label, std::uint8_t id) {
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_ULONG size = 32;
  CK_BBOOL yes = CK_TRUE;
  CK_ATTRIBUTE attributes[] = {{CKA_TOKEN, &yes, 1},       {CKA_PRIVATE, &yes, 1},
                               {CKA_EXTRACTABLE, &yes, 1}, {CKA_ENCRYPT, &yes, 1},
                               {CKA_DECRYPT, &yes, 1},     {CKA_VALUE_LEN, &size, sizeof size},
                               {CKA_ID, &id, 1},           {CKA_LABEL, const_cast<char*>(label.data()), label.size()}};
  CK_OBJECT_HANDLE key = 0;
  return functions_->C_GenerateKey(session_, &mechanism, attributes, std::size(attributes), &key);
}

CK_RV TokenKeys::make_rsa(const std::string& label, std::uint8_t id) {
  CK_MECHANISM mechanism{CKM_RSA_PKCS_KEY_PAIR_GEN, nullptr, 0};
  CK_ULONG bits = 2048;
  CK_BYTE exponent[] = {1, 0, 1};
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  CK_ATTRIBUTE public_half[] = {{CKA_TOKEN, &yes, 1},
                                {CKA_ENCRYPT, &yes, 1},
                                {CKA_MODULUS_BITS, &bits, sizeof bits},
                                {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent},
                                {CKA_ID, &id, 1}};
  CK_ATTRIBUTE private_half[] = {{CKA_TOKEN, &yes, 1},
                                 {CKA_PRIVATE, &yes, 1},
                                 {CKA_SENSITIVE, &yes, 1},
                                 {CKA_EXTRACTABLE, &no, 1},
                                 {CKA_DECRYPT, &yes, 1},
                                 {CKA_ID, &id, 1},
                                 {CKA_LABEL, const_cast<char*>(label.data()), label.size()}};
  CK_OBJECT_HANDLE keys[2] = {};
  return functions_->C_GenerateKeyPair(session_, &mechanism, public_half, std::size(public_half), private_half,
                                       std::size(private_half), &keys[0], &keys[1]);
}

CK_RV TokenKeys::destroy(const std::string& label) {
  CK_ATTRIBUTE pattern[] = {{CKA_LABEL, const_cast<char*>(label.data()), label.size()}};
  CK_OBJECT_HANDLE found = 0;
  CK_ULONG count = 0;
  CK_RV code = functions_->C_FindObjectsInit(session_, pattern, 1);
  if (code != CKR_OK) return code;
  code = functions_->C_FindObjects(session_, &found, 1, &count);
  functions_->C_FindObjectsFinal(session_);
  if (code != CKR_OK || count == 0) return CKR_OBJECT_HANDLE_INVALID;
  return functions_->C_DestroyObject(session_, found);
}

}  // namespace cloister::testing
