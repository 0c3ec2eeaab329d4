// A wrapping key in a PKCS#11 token (2.40 and 3.0): AES-256, sensitive, not extractable, used by CKM_AES_GCM with the
// wrap context as AAD.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "crypto/key_wrapper.h"
#include "crypto/random.h"

namespace cloister::kms {

struct Pkcs11Location {
  Path module;              // the shared library
  std::string token_label;  // tokens are found by label, never by slot number
  std::string key_label;
  // For modules that take text when they start: NSS softoken needs "configdir='sql:/folder' certPrefix='' keyPrefix=''
  // secmod='secmod.db'". Empty for all others.
  std::string module_parameters = {};
  // Where several tokens have that label; empty: there is one.
  std::string token_serial = {};
  // At once. Tokens have few, and software ones gain nothing by more: SoftHSM holds one lock over all.
  std::size_t sessions_max = 8;
};

// What the token says of the key: for the audit and for the posture report.
struct Pkcs11Description {
  std::string token_serial, token_model, manufacturer, library;
  bool sensitive = false, always_sensitive = false, extractable = false, never_extractable = false, local = false;
  std::string wrap_mechanism;        // "CKM_AES_GCM"
  std::string key_wrap_pad_meaning;  // what 0x210A does here: "RFC 5649", "PKCS#7-padded key wrap", "absent"
};

// Wraps with the token's key (wrap type 3); key_id is "pkcs11:" token serial ":" key label. At start, a known wrap is
// made and opened again, and one with a changed context must fail: mechanisms are probed, never assumed. Any thread may
// call; lost sessions are built up again.
class Pkcs11Key final : public crypto::KeyWrapper {
 public:
  enum class IfAbsent { kRefuse, kGenerate };
  // kNotFound: no such module, token or key. kInvalid: the module is no PKCS#11 library, or refuses its parameters.
  // kDenied: wrong PIN, or the key is extractable or not sensitive. kUnavailable: the module or the token doesn't
  // answer. kUnsupported: no mechanism that binds the context.
  static Result<std::unique_ptr<Pkcs11Key>> open(const Pkcs11Location& location, const crypto::Secret& pin,
                                                 IfAbsent if_absent, crypto::Random& random);
  ~Pkcs11Key() override;

  std::string key_id() const;
  const Pkcs11Description& description() const;
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override;
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override;

 private:
  struct State;
  explicit Pkcs11Key(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::kms
