// Signing with a key that may live elsewhere: in memory, in a token, in a KMS.
#pragma once

#include "crypto/asymmetric_key.h"

namespace cloister::crypto {

// Implementations say which threads may call.
class Signer {
 public:
  virtual ~Signer() = default;

  virtual const PublicKey& public_key() const = 0;
  // Over the message, which the implementation hashes, with signature_algorithm(public_key().type()); ECDSA as DER.
  // kDenied: the key refuses. kUnavailable: it can't be reached.
  virtual Result<Bytes> sign(ByteView message) = 0;
};

// A key in memory. Any thread may call.
class MemorySigner final : public Signer {
 public:
  explicit MemorySigner(PrivateKey key) : key_(std::move(key)) {}
  const PublicKey& public_key() const override { return key_.public_key(); }
  Result<Bytes> sign(ByteView message) override { return key_.sign(message); }

 private:
  PrivateKey key_;
};

}  // namespace cloister::crypto
