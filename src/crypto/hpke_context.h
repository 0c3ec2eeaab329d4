// HPKE for more than one message: what was agreed once seals a sequence of messages and gives out further secrets.
// RFC 9180 5.1 to 5.3, base mode, HKDF-SHA256.
#pragma once

#include "crypto/aead.h"
#include "crypto/hpke.h"

namespace cloister::crypto {

inline constexpr std::size_t kHpkeExportMax = 32;

// What both ends hold. One thread at a time.
class HpkeContext {
 public:
  // RFC 9180 5.3. Up to kHpkeExportMax bytes; more is a mistake of ours and stops the process.
  Secret export_secret(ByteView context, std::size_t size) const;
  HpkeAead aead() const { return aead_; }

 protected:
  HpkeContext(HpkeKem kem, HpkeAead aead, const Secret& shared_secret, ByteView info);
  Nonce nonce() const;

  Bytes suite_id_;
  HpkeAead aead_;
  Secret exporter_;
  Nonce base_nonce_{};
  std::uint64_t sequence_ = 0;
  std::unique_ptr<Aead> cipher_;
};

class HpkeSender final : public HpkeContext {
 public:
  static Result<HpkeSender> create(const HpkePublicKey& recipient, Random& random, ByteView info, HpkeAead aead);

  const Bytes& encapsulated() const { return encapsulated_; }
  // The next message of the sequence. `out` has plaintext.size() + kTagSize bytes.
  void seal(ByteView aad, ByteView plaintext, MutableByteView out);

 private:
  using HpkeContext::HpkeContext;
  Bytes encapsulated_;
};

class HpkeReceiver final : public HpkeContext {
 public:
  // kDenied, kInvalid: no encapsulated key for this recipient.
  static Result<HpkeReceiver> create(const HpkePrivateKey& recipient, ByteView info, ByteView encapsulated,
                                     HpkeAead aead);

  // The next message of the sequence. `out` has sealed.size() - kTagSize bytes and is zeroed on failure. kDenied: it
  // isn't that message; the sequence stands where it stood.
  Status open(ByteView aad, ByteView sealed, MutableByteView out);

 private:
  using HpkeContext::HpkeContext;
};

}  // namespace cloister::crypto
