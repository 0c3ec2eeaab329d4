// An authority's signing key in software: at rest only wrapped by a root, in use in memory that is locked and wiped.
#pragma once

#include "crypto/key_wrapper.h"
#include "crypto/signer.h"
#include "identity/spiffe_id.h"

namespace cloister::identity {

// What a wrapped signing key belongs to; bound to the wrap, so that it opens nowhere else.
struct SignerContext {
  std::string tenant;  // may be empty: the platform's own
  TrustDomain trust_domain;
};

// As it is stored.
struct WrappedSigner {
  Bytes id;  // 16 bytes
  crypto::PublicKey public_key;
  crypto::WrappedKey key;
};

// A key on P-256. Any thread may sign.
class SoftwareSigner final : public crypto::Signer {
 public:
  struct Made;
  // A new key, and how to store it. The root's codes.
  static Result<Made> create(const SignerContext& context, crypto::KeyWrapper& root, crypto::Random& random);
  // kDenied when the wrap doesn't open for this trust domain and tenant, kCorrupt when the key isn't the one it was
  // stored as; the root's codes otherwise.
  static Result<SoftwareSigner> open(const WrappedSigner& stored, const SignerContext& context,
                                     crypto::KeyWrapper& root);

  const crypto::PublicKey& public_key() const override { return key_.public_key(); }
  Result<Bytes> sign(ByteView message) override { return key_.sign(message); }

 private:
  explicit SoftwareSigner(crypto::PrivateKey key) : key_(std::move(key)) {}
  crypto::PrivateKey key_;
};

struct SoftwareSigner::Made {
  SoftwareSigner signer;
  WrappedSigner stored;
};

// For AuthorityRecord::signer: the keys for certificates and for tokens, together. kCorrupt for what wasn't written by
// serialize_signers().
struct WrappedSigners {
  WrappedSigner x509, jwt;
};
Bytes serialize_signers(const WrappedSigners& signers);
Result<WrappedSigners> parse_signers(ByteView bytes);
// The same keys, opened by `source` and wrapped by `target`; each new wrap was opened again. As SoftwareSigner::open(),
// and the target's codes.
Result<WrappedSigners> rewrap_signers(WrappedSigners signers, const SignerContext& context, crypto::KeyWrapper& source,
                                      crypto::KeyWrapper& target);

}  // namespace cloister::identity
