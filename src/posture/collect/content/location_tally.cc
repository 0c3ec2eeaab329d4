#include "posture/collect/content/location_tally.h"

#include <algorithm>
#include <numeric>

#include "crypto/hash.h"
#include "posture/collect/content/sealed.h"

namespace cloister::posture::content {
namespace {

constexpr std::size_t kWrapsMax = 4'000'000;
constexpr std::size_t kWrapDigest = 12;

void append_some(std::vector<std::string>& to, std::vector<std::string>& from) {
  for (std::string& text : from) {
    if (to.size() < kTallyTextsMax) to.push_back(std::move(text));
  }
}

}  // namespace

void SealTally::add(const SealedHeader& header, const KnownKeys& keys) {
  ++objects;
  const seal::Preamble& preamble = header.preamble;
  tenants.insert(preamble.context.tenant);
  suites.insert(preamble.suite == seal::Suite::kAes256Gcm ? "aes-256-gcm" : "chacha20-poly1305");
  if (preamble.context.keyring_id) keyrings.insert(to_hex(*preamble.context.keyring_id));
  const KnownKeys::Version* key = resolve(header.slots, keys);
  unresolved += key == nullptr ? 1 : 0;
  if (key != nullptr) {
    active += key->use == KeyUse::kActive ? 1 : 0;
    retired += key->use == KeyUse::kRetired ? 1 : 0;
    gone += key->use == KeyUse::kGone ? 1 : 0;
    if (!key->kek.empty()) keks.insert(key->kek);
  }
  const std::string object = to_hex(preamble.object_id);
  Bytes drawn(preamble.salt.begin(), preamble.salt.end());
  drawn.insert(drawn.end(), preamble.commitment.begin(), preamble.commitment.end());
  add_wrap(to_hex(ByteView(crypto::sha256(drawn)).first(kWrapDigest)), object);
  for (const seal::Slot& slot : header.slots.slots) {
    slot_keys.insert(slot.wrapped.key_id);
    add_wrap(to_hex(ByteView(crypto::sha256(slot.wrapped.ciphertext)).first(kWrapDigest)), object);
  }
}

void SealTally::add_wrap(const std::string& wrap, const std::string& object) {
  if (wraps.size() >= kWrapsMax) return;
  const auto [there, added] = wraps.emplace(wrap, object);
  if (!added && there->second != object) reused.insert(wrap);
}

std::uint64_t LocationTally::files() const {
  return std::accumulate(verdicts.begin(), verdicts.end(), std::uint64_t{0});
}

void LocationTally::add(std::string name, std::uint64_t size, const Finding& finding, std::string sha256_head,
                        const KnownKeys& keys) {
  ++verdicts[static_cast<std::size_t>(finding.verdict)];
  bytes += size;
  if (finding.sealed) seal.add(*finding.sealed, keys);
  for (const RawKey& key : finding.raw_keys) {
    ++raw_keys;
    if (raw_key_places.size() < kTallyTextsMax) {
      raw_key_places.push_back(name + ": " + key.kind + " at " + std::to_string(key.offset));
    }
  }
  if (finding.verdict == Verdict::kSealed || finding.verdict == Verdict::kEmpty) return;
  objects.push_back({std::move(name), finding.verdict, finding.type, finding.reason, size, std::move(sha256_head)});
}

void LocationTally::join(LocationTally&& other, std::uint64_t objects_max) {
  for (std::size_t i = 0; i < verdicts.size(); ++i) verdicts[i] += other.verdicts[i];
  bytes += other.bytes;
  raw_keys += other.raw_keys;
  special += other.special;
  objects_left_out += other.objects_left_out;
  append_some(raw_key_places, other.raw_key_places);
  for (ObjectFinding& object : other.objects) {
    if (objects.size() < objects_max) {
      objects.push_back(std::move(object));
    } else {
      ++objects_left_out;
    }
  }
  seal.objects += other.seal.objects;
  seal.active += other.seal.active;
  seal.retired += other.seal.retired;
  seal.gone += other.seal.gone;
  seal.unresolved += other.seal.unresolved;
  seal.tenants.merge(other.seal.tenants);
  seal.keyrings.merge(other.seal.keyrings);
  seal.keks.merge(other.seal.keks);
  seal.suites.merge(other.seal.suites);
  seal.slot_keys.merge(other.seal.slot_keys);
  seal.reused.merge(other.seal.reused);
  for (const auto& [wrap, object] : other.seal.wraps) seal.add_wrap(wrap, object);
}

}  // namespace cloister::posture::content
