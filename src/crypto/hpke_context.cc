#include "crypto/hpke_context.h"

#include <algorithm>
#include <limits>

#include "crypto/kem.h"

namespace cloister::crypto {
namespace {

Bytes suite_id_of(HpkeKem kem, HpkeAead aead) {
  constexpr std::uint8_t kHkdfSha256 = 1;
  const auto kem_id = static_cast<std::uint16_t>(kem);
  return {'H',
          'P',
          'K',
          'E',
          static_cast<std::uint8_t>(kem_id >> 8),
          static_cast<std::uint8_t>(kem_id),
          0,
          kHkdfSha256,
          0,
          static_cast<std::uint8_t>(aead)};
}

Error denied() { return Error(Code::kDenied, "the message doesn't open in this context"); }

}  // namespace

HpkeContext::HpkeContext(HpkeKem kem, HpkeAead aead, const Secret& shared_secret, ByteView info)
    : suite_id_(suite_id_of(kem, aead)), aead_(aead) {
  const Secret psk_id_hash = labeled_extract({}, suite_id_, "psk_id_hash", {});
  const Secret info_hash = labeled_extract({}, suite_id_, "info_hash", info);
  Bytes context{0};  // base mode
  for (const Secret* part : {&psk_id_hash, &info_hash}) {
    context.insert(context.end(), part->expose().begin(), part->expose().end());
  }
  const Secret secret = labeled_extract(shared_secret.expose(), suite_id_, "secret", {});
  const AeadAlgorithm algorithm = hpke_aead_algorithm(aead);
  cipher_ =
      std::make_unique<Aead>(algorithm, labeled_expand(secret, suite_id_, "key", context, aead_key_size(algorithm)));
  const Secret nonce = labeled_expand(secret, suite_id_, "base_nonce", context, kNonceSize);
  std::ranges::copy(nonce.expose(), base_nonce_.begin());
  exporter_ = labeled_expand(secret, suite_id_, "exp", context, 32);
}

Secret HpkeContext::export_secret(ByteView context, std::size_t size) const {
  CLOISTER_CHECK(size <= kHpkeExportMax);
  return labeled_expand(exporter_, suite_id_, "sec", context, size);
}

Nonce HpkeContext::nonce() const {
  CLOISTER_CHECK(sequence_ != std::numeric_limits<std::uint64_t>::max());
  Nonce nonce = base_nonce_;
  std::uint8_t counter[8];
  store_be64(counter, sequence_);
  for (std::size_t i = 0; i < sizeof counter; ++i) nonce[kNonceSize - sizeof counter + i] ^= counter[i];
  return nonce;
}

Result<HpkeSender> HpkeSender::create(const HpkePublicKey& recipient, Random& random, ByteView info, HpkeAead aead) {
  CLOISTER_TRY(Encapsulation encapsulation, kem_encapsulate(recipient.kem(), recipient.bytes(), random));
  HpkeSender sender(recipient.kem(), aead, encapsulation.shared_secret, info);
  sender.encapsulated_ = std::move(encapsulation.encapsulated);
  return sender;
}

void HpkeSender::seal(ByteView aad, ByteView plaintext, MutableByteView out) {
  CLOISTER_CHECK(out.size() == plaintext.size() + kTagSize);
  Tag tag;
  cipher_->seal(nonce(), aad, plaintext, out.first(plaintext.size()), tag);
  std::ranges::copy(tag, out.last(kTagSize).begin());
  ++sequence_;
}

Result<HpkeReceiver> HpkeReceiver::create(const HpkePrivateKey& recipient, ByteView info, ByteView encapsulated,
                                          HpkeAead aead) {
  CLOISTER_TRY(const Secret shared,
               kem_decapsulate(recipient.kem(), recipient.seed(), recipient.public_key().bytes(), encapsulated));
  return HpkeReceiver(recipient.kem(), aead, shared, info);
}

Status HpkeReceiver::open(ByteView aad, ByteView sealed, MutableByteView out) {
  if (sealed.size() < kTagSize) return denied();
  CLOISTER_CHECK(out.size() == sealed.size() - kTagSize);
  if (!cipher_->open(nonce(), aad, sealed.first(out.size()), sealed.last(kTagSize), out).ok()) return denied();
  ++sequence_;
  return {};
}

}  // namespace cloister::crypto
