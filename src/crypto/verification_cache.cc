#include "crypto/verification_cache.h"

#include <algorithm>

#include "crypto/pem.h"

namespace cloister::crypto {
namespace {

constexpr std::size_t kEntrySize = 256;  // of the cache's own, for each
constexpr std::size_t kCertificateOverhead = 8192;
constexpr std::string_view kPemLabel = "CERTIFICATE";

// Kept under what it is true of.
struct VerifiedSignature {};
struct SignedBy {};
// The path that was found when every certificate given was valid. It is found at each such time: which are valid is all
// that the time decides.
struct VerifiedChain {
  std::vector<Certificate> path;
};

struct Window {
  Time from, until;
  void narrow(const Certificate& certificate) {
    from = std::max(from, certificate.facts().not_before);
    until = std::min(until, certificate.facts().not_after);
  }
};

std::size_t size_of(const Certificate& certificate) { return kCertificateOverhead + 4 * certificate.der().size(); }

Sha256Digest digest_of(const Certificate& leaf, const ChainRequest& request) {
  const std::uint8_t rules[] = {static_cast<std::uint8_t>(request.purpose), static_cast<std::uint8_t>(request.rules),
                                static_cast<std::uint8_t>(request.leaf),
                                static_cast<std::uint8_t>(request.intermediates.size())};
  Bytes certificates = to_bytes(leaf.fingerprint());
  for (const auto& given : {request.intermediates, request.anchors}) {
    for (const Certificate& one : given) {
      certificates.insert(certificates.end(), one.fingerprint().begin(), one.fingerprint().end());
    }
  }
  return digest_of_parts({rules, certificates});
}

}  // namespace

std::shared_ptr<const void> VerificationCache::find_any(const Key& key) const {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second.value;
}

void VerificationCache::keep_any(const Key& key, std::shared_ptr<const void> value, std::size_t size) {
  size += kEntrySize;
  if (size > size_max_) return;
  const std::scoped_lock lock(mutex_);
  if (!entries_.try_emplace(key, Entry{std::move(value), size}).second) return;
  order_.push_back(key);
  size_ += size;
  while (size_ > size_max_) {
    const auto oldest = entries_.find(order_.front());
    size_ -= oldest->second.size;
    entries_.erase(oldest);
    order_.pop_front();
  }
}

Sha256Digest digest_of_parts(std::initializer_list<ByteView> parts) {
  Sha256 hash;
  for (const ByteView part : parts) {
    std::uint8_t size[8];
    store_be64(size, part.size());
    hash.update(size);
    hash.update(part);
  }
  return hash.finish();
}

Result<Certificate> parse_certificate(VerificationCache* cache, ByteView der, SerialNumbers serials) {
  if (cache == nullptr || der.size() > kCertificateSizeMax) return Certificate::parse(der, serials);
  const std::uint8_t kind[] = {static_cast<std::uint8_t>(serials)};
  const Sha256Digest key = digest_of_parts({kind, der});
  if (const auto known = cache->find<Certificate>(key)) return *known;
  CLOISTER_TRY(Certificate certificate, Certificate::parse(der, serials));
  cache->keep(key, std::make_shared<const Certificate>(certificate), size_of(certificate));
  return certificate;
}

Result<std::vector<Certificate>> parse_pem_certificates(VerificationCache* cache, std::string_view text,
                                                        std::size_t count_max) {
  CLOISTER_TRY(const std::vector<Bytes> blocks, parse_pem(text, kPemLabel, count_max));
  std::vector<Certificate> certificates;
  for (const Bytes& block : blocks) {
    CLOISTER_TRY(Certificate certificate, parse_certificate(cache, block));
    certificates.push_back(std::move(certificate));
  }
  return certificates;
}

Result<std::shared_ptr<const RevocationList>> parse_revocation_list(VerificationCache* cache, ByteView der) {
  const Sha256Digest key = cache == nullptr ? Sha256Digest{} : sha256(der);
  if (cache != nullptr) {
    if (auto known = cache->find<RevocationList>(key)) return known;
  }
  CLOISTER_TRY(RevocationList list, RevocationList::parse(der));
  auto parsed = std::make_shared<const RevocationList>(std::move(list));
  if (cache != nullptr) cache->keep(key, parsed, 4 * der.size());
  return parsed;
}

Status verify_signature(VerificationCache* cache, const PublicKey& key, SignatureAlgorithm algorithm, ByteView message,
                        ByteView signature) {
  if (cache == nullptr) return key.verify(algorithm, message, signature);
  const std::uint8_t kind[] = {static_cast<std::uint8_t>(algorithm)};
  const Sha256Digest of = digest_of_parts({kind, key.spki(), signature, message});
  if (cache->find<VerifiedSignature>(of) != nullptr) return {};
  CLOISTER_RETURN_IF_ERROR(key.verify(algorithm, message, signature));
  cache->keep(of, std::make_shared<const VerifiedSignature>(), 0);
  return {};
}

bool is_signed_by(VerificationCache* cache, const Certificate& certificate, const Certificate& issuer) {
  if (cache == nullptr) return certificate.is_signed_by(issuer);
  const Sha256Digest of = digest_of_parts({certificate.fingerprint(), issuer.fingerprint()});
  if (cache->find<SignedBy>(of) != nullptr) return true;
  if (!certificate.is_signed_by(issuer)) return false;
  cache->keep(of, std::make_shared<const SignedBy>(), 0);
  return true;
}

Result<std::vector<Certificate>> verify_chain(VerificationCache* cache, const Certificate& leaf,
                                              const ChainRequest& request) {
  Window window{leaf.facts().not_before, leaf.facts().not_after};
  for (const auto& given : {request.intermediates, request.anchors}) {
    for (const Certificate& one : given) window.narrow(one);
  }
  // OpenSSL takes a certificate for expired at the second that it names as its last.
  const bool all_valid = window.from <= request.at && request.at < window.until;
  if (cache == nullptr || !all_valid || request.intermediates.size() > kChainLengthMax) {
    return verify_chain(leaf, request);
  }
  const Sha256Digest of = digest_of(leaf, request);
  if (const auto known = cache->find<VerifiedChain>(of)) return known->path;
  CLOISTER_TRY(auto path, verify_chain(leaf, request));
  // The authorities above are those of many others, and counted where they are kept.
  cache->keep(of, std::make_shared<const VerifiedChain>(VerifiedChain{path}), size_of(leaf));
  return path;
}

}  // namespace cloister::crypto
