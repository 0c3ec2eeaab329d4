#include "kms/pkcs11/pkcs11_ciphers.h"

#include <algorithm>
#include <array>

#include "crypto/aead.h"

namespace cloister::kms {
namespace {

// Own names: PKCS#11 3.0 and the headers of 2.40 don't agree on them.
constexpr CK_MECHANISM_TYPE kKeyWrapPad = 0x210a;
constexpr CK_MECHANISM_TYPE kKeyWrapKwp = 0x210b;
constexpr std::size_t kCiphertextMax = 4096;

constexpr CK_RV kUnwrapsNothing = CKR_ENCRYPTED_DATA_LEN_RANGE;

enum class Flag : CK_BBOOL { kNo = CK_FALSE, kYes = CK_TRUE };

CK_ATTRIBUTE flag(CK_ATTRIBUTE_TYPE type, Flag value) {
  static constexpr CK_BBOOL kNo = CK_FALSE;
  static constexpr CK_BBOOL kYes = CK_TRUE;
  return {type, const_cast<CK_BBOOL*>(value == Flag::kYes ? &kYes : &kNo), sizeof(CK_BBOOL)};
}

// An object that lives as long as this does.
class SessionObject {
 public:
  SessionObject(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session)
      : functions_(functions), session_(session) {}
  ~SessionObject() {
    if (handle != CK_INVALID_HANDLE) functions_.C_DestroyObject(session_, handle);
  }
  SessionObject(const SessionObject&) = delete;
  SessionObject& operator=(const SessionObject&) = delete;

  CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;

 private:
  const CK_FUNCTION_LIST& functions_;
  const CK_SESSION_HANDLE session_;
};

CK_RV import_key(const CipherUse& use, CK_KEY_TYPE type, ByteView value, Flag wraps, SessionObject& object) {
  CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
  CK_ATTRIBUTE attributes[] = {{CKA_CLASS, &object_class, sizeof object_class},
                               {CKA_KEY_TYPE, &type, sizeof type},
                               flag(CKA_TOKEN, Flag::kNo),
                               flag(CKA_SENSITIVE, Flag::kNo),
                               flag(CKA_EXTRACTABLE, Flag::kYes),
                               flag(CKA_WRAP, wraps),
                               {CKA_VALUE, const_cast<std::uint8_t*>(value.data()), value.size()}};
  return use.functions.C_CreateObject(use.session, attributes, std::size(attributes), &object.handle);
}

CK_RV kwp_wrap(const CipherUse& use, ByteView plaintext, Bytes& ciphertext) {
  if (plaintext.size() % kKeyWrapUnit != 0) return CKR_DATA_LEN_RANGE;
  SessionObject object(use.functions, use.session);
  CK_RV code = import_key(use, CKK_GENERIC_SECRET, plaintext, Flag::kNo, object);
  if (code != CKR_OK) return code;
  CK_MECHANISM mechanism{use.key_wrap_with_padding, nullptr, 0};
  ciphertext.resize(kCiphertextMax);
  CK_ULONG size = ciphertext.size();
  code = use.functions.C_WrapKey(use.session, &mechanism, use.key, object.handle, ciphertext.data(), &size);
  ciphertext.resize(code == CKR_OK ? std::min<std::size_t>(size, kCiphertextMax) : 0);
  return code;
}

CK_RV kwp_unwrap(const CipherUse& use, ByteView ciphertext, crypto::Secret& plaintext) {
  SessionObject object(use.functions, use.session);
  CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
  CK_KEY_TYPE type = CKK_GENERIC_SECRET;
  CK_ATTRIBUTE attributes[] = {{CKA_CLASS, &object_class, sizeof object_class},
                               {CKA_KEY_TYPE, &type, sizeof type},
                               flag(CKA_TOKEN, Flag::kNo),
                               flag(CKA_SENSITIVE, Flag::kNo),
                               flag(CKA_EXTRACTABLE, Flag::kYes)};
  CK_MECHANISM mechanism{use.key_wrap_with_padding, nullptr, 0};
  CK_RV code = use.functions.C_UnwrapKey(use.session, &mechanism, use.key, const_cast<std::uint8_t*>(ciphertext.data()),
                                         ciphertext.size(), attributes, std::size(attributes), &object.handle);
  if (code != CKR_OK) return code;
  CK_ATTRIBUTE value{CKA_VALUE, nullptr, 0};
  code = use.functions.C_GetAttributeValue(use.session, object.handle, &value, 1);
  if (code != CKR_OK) return code;
  if (value.ulValueLen == 0 || value.ulValueLen > kCiphertextMax) return kUnwrapsNothing;
  crypto::Secret room(value.ulValueLen);
  value.pValue = room.expose_mutable().data();
  code = use.functions.C_GetAttributeValue(use.session, object.handle, &value, 1);
  if (code == CKR_OK && value.ulValueLen != room.size()) return CKR_DEVICE_ERROR;
  if (code == CKR_OK) plaintext = std::move(room);
  return code;
}

CK_RV encrypt(const CipherUse& use, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE key, ByteView plaintext, Bytes& out) {
  CK_RV code = use.functions.C_EncryptInit(use.session, mechanism, key);
  if (code != CKR_OK) return code;
  out.resize(kCiphertextMax);
  CK_ULONG size = out.size();
  code = use.functions.C_Encrypt(use.session, const_cast<std::uint8_t*>(plaintext.data()), plaintext.size(), out.data(),
                                 &size);
  out.resize(code == CKR_OK ? std::min<std::size_t>(size, kCiphertextMax) : 0);
  return code;
}

CK_RV decrypt(const CipherUse& use, CK_MECHANISM* mechanism, ByteView ciphertext, crypto::Secret& plaintext) {
  CK_RV code = use.functions.C_DecryptInit(use.session, mechanism, use.key);
  if (code != CKR_OK) return code;
  // Some modules want room for the ciphertext's length.
  crypto::Secret room(ciphertext.size());
  CK_ULONG size = room.size();
  code = use.functions.C_Decrypt(use.session, const_cast<std::uint8_t*>(ciphertext.data()), ciphertext.size(),
                                 room.expose_mutable().data(), &size);
  if (code == CKR_OK && size > room.size()) return CKR_DEVICE_ERROR;
  if (code == CKR_OK) plaintext = crypto::Secret::copy_of(room.expose().first(size));
  return code;
}

CK_RV gcm_wrap(const CipherUse& use, ByteView plaintext, ByteView context, crypto::Random& random, Bytes& ciphertext) {
  // The token may write an IV of its own choice into this buffer: what is there afterwards is what counts.
  Bytes nonce(crypto::kNonceSize);
  random.fill(nonce);
  GcmMechanism mechanism(use.layout, nonce, context);
  Bytes sealed;
  const CK_RV code = encrypt(use, mechanism.get(), use.key, plaintext, sealed);
  if (code != CKR_OK) return code;
  if (sealed.size() != plaintext.size() + crypto::kTagSize) return CKR_DEVICE_ERROR;
  ciphertext = std::move(nonce);
  ciphertext.insert(ciphertext.end(), sealed.begin(), sealed.end());
  return CKR_OK;
}

CK_RV gcm_unwrap(const CipherUse& use, ByteView ciphertext, ByteView context, crypto::Secret& plaintext) {
  if (ciphertext.size() <= crypto::kNonceSize + crypto::kTagSize) return kUnwrapsNothing;
  Bytes nonce = to_bytes(ciphertext.first(crypto::kNonceSize));
  GcmMechanism mechanism(use.layout, nonce, context);
  return decrypt(use, mechanism.get(), ciphertext.subspan(crypto::kNonceSize), plaintext);
}

class OaepMechanism {
 public:
  explicit OaepMechanism(TokenCipher cipher)
      : parameters_(cipher == TokenCipher::kRsaOaepSha1
                        ? CK_RSA_PKCS_OAEP_PARAMS{CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, nullptr, 0}
                        : CK_RSA_PKCS_OAEP_PARAMS{CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, nullptr, 0}),
        mechanism_{CKM_RSA_PKCS_OAEP, &parameters_, sizeof parameters_} {}
  OaepMechanism(const OaepMechanism&) = delete;
  OaepMechanism& operator=(const OaepMechanism&) = delete;
  CK_MECHANISM* get() { return &mechanism_; }

 private:
  CK_RSA_PKCS_OAEP_PARAMS parameters_;
  CK_MECHANISM mechanism_;
};

// The key of RFC 5649's examples, and what OpenSSL makes with it of sixteen bytes. The examples themselves won't do:
// SoftHSM rounds up what it wraps to eight bytes, and forgets how much it was.
constexpr std::array<std::uint8_t, 24> kExampleKey{0x58, 0x40, 0xdf, 0x6e, 0x29, 0xb0, 0x2a, 0xf1,
                                                   0xab, 0x49, 0x3b, 0x70, 0x5b, 0xf1, 0x6e, 0xa1,
                                                   0xae, 0x83, 0x38, 0xf4, 0xdc, 0xc1, 0x76, 0xa8};
constexpr std::array<std::uint8_t, 16> kExamplePlaintext{0xc3, 0x7b, 0x7e, 0x64, 0x92, 0x58, 0x43, 0x40,
                                                         0xbe, 0xd1, 0x22, 0x07, 0x80, 0x89, 0x41, 0x15};
constexpr std::array<std::uint8_t, 24> kExampleWrap{0xd6, 0x18, 0xf6, 0x5d, 0x2e, 0x5c, 0x1d, 0x02,
                                                    0xb6, 0x14, 0xe2, 0xfa, 0x03, 0xf0, 0xaf, 0x4e,
                                                    0x94, 0x73, 0x9d, 0x86, 0xa8, 0xac, 0x4d, 0xed};

bool is_key_wrap_with_padding(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session,
                              CK_MECHANISM_TYPE mechanism) {
  CipherUse use{functions, session, CK_INVALID_HANDLE, CK_INVALID_HANDLE, TokenCipher::kAesKwp, GcmLayout::kWithIvBits,
                mechanism};
  SessionObject key(functions, session);
  if (import_key(use, CKK_AES, kExampleKey, Flag::kYes, key) != CKR_OK) return false;
  use.key = key.handle;
  Bytes wrapped;
  return kwp_wrap(use, kExamplePlaintext, wrapped) == CKR_OK && equal(wrapped, kExampleWrap);
}

}  // namespace

std::string_view token_cipher_name(TokenCipher cipher) {
  switch (cipher) {
    case TokenCipher::kAesGcm: return "aes-gcm";
    case TokenCipher::kAesKwp: return "aes-kwp";
    case TokenCipher::kRsaOaepSha256: return "rsa-oaep-sha256";
    case TokenCipher::kRsaOaepSha1: return "rsa-oaep-sha1";
  }
  return {};
}

std::optional<TokenCipher> token_cipher_of(std::string_view name) {
  using enum TokenCipher;
  for (const TokenCipher cipher : {kAesGcm, kAesKwp, kRsaOaepSha256, kRsaOaepSha1}) {
    if (token_cipher_name(cipher) == name) return cipher;
  }
  return std::nullopt;
}

CK_RV look_at_ciphers(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot, CK_SESSION_HANDLE session,
                      TokenCiphers& ciphers) {
  CK_ULONG count = 0;
  CK_RV code = functions.C_GetMechanismList(slot, nullptr, &count);
  if (code != CKR_OK) return code;
  ciphers.mechanisms.resize(count);
  code = functions.C_GetMechanismList(slot, ciphers.mechanisms.data(), &count);
  if (code != CKR_OK) return code;
  ciphers.mechanisms.resize(std::min<std::size_t>(ciphers.mechanisms.size(), count));
  for (const CK_MECHANISM_TYPE mechanism : {kKeyWrapKwp, kKeyWrapPad}) {
    const bool offered = std::ranges::find(ciphers.mechanisms, mechanism) != ciphers.mechanisms.end();
    if (!ciphers.key_wrap_with_padding && offered && is_key_wrap_with_padding(functions, session, mechanism)) {
      ciphers.key_wrap_with_padding = mechanism;
    }
  }
  return CKR_OK;
}

std::vector<TokenCipher> ciphers_for(const TokenKeyFacts& facts, const TokenCiphers& ciphers) {
  const auto offered = [&](CK_MECHANISM_TYPE mechanism) {
    return std::ranges::find(ciphers.mechanisms, mechanism) != ciphers.mechanisms.end();
  };
  const auto may = [](const std::optional<bool>& flag) { return flag.value_or(false); };
  std::vector<TokenCipher> fitting;
  if (facts.type == CKK_RSA) {
    if (may(facts.decrypts) && offered(CKM_RSA_PKCS_OAEP)) {
      fitting = {TokenCipher::kRsaOaepSha256, TokenCipher::kRsaOaepSha1};
    }
    return fitting;
  }
  if (may(facts.encrypts) && may(facts.decrypts) && offered(CKM_AES_GCM)) fitting.push_back(TokenCipher::kAesGcm);
  if (may(facts.wraps) && may(facts.unwraps) && ciphers.key_wrap_with_padding) fitting.push_back(TokenCipher::kAesKwp);
  return fitting;
}

CK_RV wrap_bytes(const CipherUse& use, const crypto::Secret& plaintext, ByteView context, crypto::Random& random,
                 Bytes& ciphertext) {
  switch (use.cipher) {
    case TokenCipher::kAesGcm: return gcm_wrap(use, plaintext.expose(), context, random, ciphertext);
    case TokenCipher::kAesKwp: return kwp_wrap(use, plaintext.expose(), ciphertext);
    case TokenCipher::kRsaOaepSha256:
    case TokenCipher::kRsaOaepSha1: break;
  }
  OaepMechanism mechanism(use.cipher);
  return encrypt(use, mechanism.get(), use.public_half, plaintext.expose(), ciphertext);
}

CK_RV unwrap_bytes(const CipherUse& use, ByteView ciphertext, ByteView context, crypto::Secret& plaintext) {
  if (ciphertext.empty() || ciphertext.size() > kCiphertextMax) return kUnwrapsNothing;
  switch (use.cipher) {
    case TokenCipher::kAesGcm: return gcm_unwrap(use, ciphertext, context, plaintext);
    case TokenCipher::kAesKwp: return kwp_unwrap(use, ciphertext, plaintext);
    case TokenCipher::kRsaOaepSha256:
    case TokenCipher::kRsaOaepSha1: break;
  }
  OaepMechanism mechanism(use.cipher);
  return decrypt(use, mechanism.get(), ciphertext, plaintext);
}

}  // namespace cloister::kms
