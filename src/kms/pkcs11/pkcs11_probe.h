// What a token's key is and what its mechanisms really do. Used by pkcs11_key.cc alone.
#pragma once

#include <p11-kit/pkcs11.h>

#include <optional>
#include <string>

#include "base/bytes.h"

namespace cloister::kms {

// CK_GCM_PARAMS comes in two layouts: PKCS#11 2.40 errata and 3.0 have ulIvBits, earlier modules don't.
enum class GcmLayout { kWithIvBits, kWithoutIvBits };

// CKM_AES_GCM with its parameters, 128-bit tag. IV and AAD must outlive it. Doesn't move: it points into itself.
class GcmMechanism {
 public:
  GcmMechanism(GcmLayout layout, MutableByteView iv, ByteView aad);
  GcmMechanism(const GcmMechanism&) = delete;
  GcmMechanism& operator=(const GcmMechanism&) = delete;
  CK_MECHANISM* get() { return &mechanism_; }

 private:
  struct WithIvBits {
    CK_BYTE* iv;
    CK_ULONG iv_size, iv_bits;
    CK_BYTE* aad;
    CK_ULONG aad_size, tag_bits;
  };
  struct WithoutIvBits {
    CK_BYTE* iv;
    CK_ULONG iv_size;
    CK_BYTE* aad;
    CK_ULONG aad_size, tag_bits;
  };
  WithIvBits with_iv_bits_;
  WithoutIvBits without_iv_bits_;
  CK_MECHANISM mechanism_;
};

// Empty where the token doesn't say.
struct KeyAttributes {
  bool aes_256 = false;
  std::optional<bool> sensitive, extractable, always_sensitive, never_extractable, local;
};
KeyAttributes read_key_attributes(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key);

// "RFC 5649", "PKCS#7-padded key wrap" or "absent": found out by wrapping a 32-byte key made for it, since 0x210A means
// one thing in SoftHSM and another in NSS.
std::string probe_key_wrap_pad(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot, CK_SESSION_HANDLE session);

// "SoftHSM, Implementation of PKCS11, 2.6".
std::string library_text(const CK_FUNCTION_LIST& functions);

}  // namespace cloister::kms
