// A PKCS#11 token as a provider: many keys of one token, described, listed and used. For one key as the root of a home
// there is Pkcs11Key, whose wraps are older and smaller.
#pragma once

#include <memory>

#include "crypto/random.h"
#include "kms/evidence.h"
#include "kms/http_transport.h"
#include "kms/pkcs11/pkcs11_key.h"
#include "kms/provider.h"

namespace cloister::kms {

struct Pkcs11ProviderOptions {
  Path module;  // the shared library
  std::string token_label;
  std::string token_serial = {};  // where several tokens have that label
  // As in Pkcs11Location.
  std::string module_parameters = {};
  std::size_t sessions_max = 8;
};

// A key is named by a label, or by a URI (RFC 7512) that matches one key of the token: an AES key or an RSA private
// key. resolve() gives the URI with token, serial, object, id and type. Wraps say in key_version by which cipher they
// were made: AES-GCM where the key may encrypt, with canonical(context) as AAD; else AES-KWP (of multiples of 8 bytes)
// or RSA-OAEP, which take no context. Ciphers are tried out with each key before the first use.
//
// A token that goes away makes calls fail with kUnavailable; when it is back they go on, nothing is lost. A wrap that
// doesn't open is told from a token that fails by trying a known one.
class Pkcs11Provider final : public Provider {
 public:
  // Errors as Pkcs11Key::open's for module, token and PIN. `evidence` may be null.
  static Result<std::shared_ptr<Pkcs11Provider>> create(const Pkcs11ProviderOptions& options, const crypto::Secret& pin,
                                                        std::shared_ptr<EvidenceSink> evidence, Waiting waiting);
  ~Pkcs11Provider() override;

  crypto::WrapType type() const override { return crypto::WrapType::kPkcs11Provider; }
  const std::string& name() const override;
  Result<std::string> resolve(const std::string& key) override;
  Result<ProviderWrap> wrap(const std::string& key, const crypto::Secret& plaintext,
                            const ContextMap& context) override;
  Result<crypto::Secret> unwrap(const std::string& key, const ProviderWrap& wrapped,
                                const ContextMap& context) override;
  Result<KeyPosture> describe(const std::string& key) override;
  Result<KeyPage> list(const std::string& cursor) override;
  Result<ProviderHealth> health() override;

 private:
  struct State;
  explicit Pkcs11Provider(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::kms
