// What was read and verified before, so that it isn't done again: results of pure functions by the SHA-256 of all that
// went into them. See docs/decisions/verification-cache.md.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <typeindex>
#include <unordered_map>

#include "crypto/crl.h"
#include "crypto/x509.h"

namespace cloister::crypto {

inline constexpr std::size_t kVerificationCacheSizeMax = 32 << 20;

// Whether something is in it changes how long an answer takes and never the answer: only what succeeded is kept, with
// the limits within which it would succeed again. The oldest goes first when there is no room. Any thread may call.
class VerificationCache {
 public:
  // `size_max`: of what is kept, roughly, in bytes.
  explicit VerificationCache(std::size_t size_max = kVerificationCacheSizeMax) : size_max_(size_max) {}

  // Null when nothing of that type is kept under that digest. Each type has digests of its own: what they are made of
  // is for who keeps it, and must be all that the result depends on.
  template <typename T>
  std::shared_ptr<const T> find(const Sha256Digest& of) const {
    return std::static_pointer_cast<const T>(find_any({typeid(T), of}));
  }
  template <typename T>
  void keep(const Sha256Digest& of, std::shared_ptr<const T> value, std::size_t size) {
    keep_any({typeid(T), of}, std::move(value), size);
  }

 private:
  struct Key {
    std::type_index type;
    Sha256Digest of;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return load_le<std::size_t>(key.of.data()); }
  };
  struct Entry {
    std::shared_ptr<const void> value;
    std::size_t size = 0;
  };

  std::shared_ptr<const void> find_any(const Key& key) const;
  void keep_any(const Key& key, std::shared_ptr<const void> value, std::size_t size);

  const std::size_t size_max_;
  mutable std::mutex mutex_;
  std::unordered_map<Key, Entry, KeyHash> entries_;
  std::deque<Key> order_;  // of keeping
  std::size_t size_ = 0;
};

// SHA-256 of the parts, each with its length: no two lists of parts have the same bytes.
Sha256Digest digest_of_parts(std::initializer_list<ByteView> parts);

// The functions of the same names without a cache, with the same results and refusals; a null cache is none.
Result<Certificate> parse_certificate(VerificationCache* cache, ByteView der,
                                      SerialNumbers serials = SerialNumbers::kPositive);
Result<std::vector<Certificate>> parse_pem_certificates(VerificationCache* cache, std::string_view text,
                                                        std::size_t count_max);
Result<std::shared_ptr<const RevocationList>> parse_revocation_list(VerificationCache* cache, ByteView der);
Status verify_signature(VerificationCache* cache, const PublicKey& key, SignatureAlgorithm algorithm, ByteView message,
                        ByteView signature);
bool is_signed_by(VerificationCache* cache, const Certificate& certificate, const Certificate& issuer);
Result<std::vector<Certificate>> verify_chain(VerificationCache* cache, const Certificate& leaf,
                                              const ChainRequest& request);

}  // namespace cloister::crypto
