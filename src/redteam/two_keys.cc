// RT-K09: the sealer is the attacker. It knows every key, and gives the second recipient another data key than the
// first one.
#include <algorithm>

#include "redteam/object_attacks.h"
#include "redteam/object_image.h"
#include "seal/object_keys.h"
#include "seal/writer.h"

namespace cloister::redteam {
namespace {

constexpr std::string_view kTenant = "redteam-two-keys";
constexpr std::string_view kRemedy =
    "a recipient gets plaintext by a key that the object isn't committed to: compare the commitment before any byte of "
    "the payload is decrypted";

// A recipient that keeps in its hand what it wraps: slots are then made for whichever key is wanted.
class Recipient final : public crypto::KeyWrapper {
 public:
  explicit Recipient(std::string key_id) : key_id_(std::move(key_id)) {}

  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext&) override {
    key_.emplace(key.duplicate());
    // What a wrap looks like doesn't matter to the attack: the recipient knows what it was given.
    return crypto::WrappedKey{crypto::WrapType::kSoftwareKey, key_id_, 1, {}, Bytes(72, 1)};
  }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext&) override {
    if (wrapped.key_id != key_id_ || !key_) return Error(Code::kNotFound, "not this recipient's");
    return key_->duplicate();
  }
  const crypto::KeyMaterial& key() const { return *key_; }

 private:
  const std::string key_id_;
  std::optional<crypto::KeyMaterial> key_;
};

class TwoKeys {
 public:
  TwoKeys(const Field& field, const TwoKeysTarget& target)
      : field_(field), target_(target), tally_(field, "RT-K09", std::string(kRemedy)) {}

  Report run() && {
    const Status ready = prepare();
    if (!ready.ok()) return not_run("RT-K09", ready.error().message());
    tally_.honest("the recipient of the committed key", opened(object_->bytes, first_));
    attack("another key for the second recipient", object_->bytes, second_);
    as_the_second();
    mixed_chunks();
    return std::move(tally_).finish();
  }

 private:
  // An object for the first, with a slot for the second that gives another key.
  Status prepare() {
    const Path path = field_.folder / "two-keys.sealed";
    CLOISTER_TRY(File file, File::create_new(path, 0600));
    seal::SealOptions options;
    options.chunk_log2 = 14;
    options.context.tenant = kTenant;
    crypto::KeyWrapper* const wrappers[] = {&first_};
    Bytes payload(3 * 16384 + 5);
    field_.random->fill(payload);
    CLOISTER_RETURN_IF_ERROR(seal::seal_bytes(payload, file, options, wrappers, *field_.random));
    CLOISTER_TRY(object_, read_image(path));
    const crypto::Dek other = crypto::Dek::random(*field_.random);
    crypto::KeyWrapper* const more[] = {&second_};
    CLOISTER_TRY(const seal::SlotTable seconds, seal::make_slots(object_->preamble, other, more));
    seal::SlotTable both = object_->slots;
    both.seq = 2;
    both.slots.insert(both.slots.end(), seconds.slots.begin(), seconds.slots.end());
    return put_slots(object_->bytes, object_->preamble, both);
  }

  // The head says what the second's key would say; the payload stays the first's.
  void as_the_second() {
    Bytes changed = object_->bytes;
    seal::Preamble preamble = object_->preamble;
    const crypto::Dek key(second_.key().duplicate());
    const auto bare = seal::serialize_preamble(preamble);
    preamble.commitment = seal::derive_commitment(key, preamble, bare);
    seal::PreamblePage page = seal::serialize_preamble(preamble);
    seal::finish_preamble(page, seal::derive_header_key(key, preamble, page));
    std::ranges::copy(page, changed.begin());
    attack("the second's commitment and mac, opened by the first", changed, first_);
    attack("the second's commitment and mac, opened by the second", changed, second_);
  }

  // Chunks by the second's key under the first's head: what a ciphertext that both keys take would come to.
  void mixed_chunks() {
    Bytes changed = object_->bytes;
    const crypto::Dek key(second_.key().duplicate());
    seal::ChunkCipher cipher(key, object_->preamble);
    for (std::uint64_t chunk = 0; chunk < object_->layout.chunk_count(); ++chunk) {
      const auto start = static_cast<std::size_t>(object_->layout.chunk_offset(chunk));
      const Bytes plaintext(object_->layout.chunk_length(chunk), 'B');
      crypto::Tag tag;
      cipher.seal(chunk, chunk + 1 == object_->layout.chunk_count() ? seal::Last::kYes : seal::Last::kNo, plaintext,
                  MutableByteView(changed).subspan(start, plaintext.size()), tag);
      const auto at = static_cast<std::ptrdiff_t>(object_->layout.tag_offset(chunk));
      std::ranges::copy(tag, changed.begin() + at);
    }
    attack("the second's chunks, opened by the first", changed, first_);
    attack("the second's chunks, opened by the second", changed, second_);
  }

  Status opened(ByteView image, Recipient& recipient) {
    CLOISTER_TRY(const Path path, lay_out(field_.folder, image));
    const auto came = target_.open(path, recipient);
    return came.ok() ? Status() : Status(came.error());
  }
  void attack(const std::string& what, ByteView image, Recipient& recipient) {
    if (!tally_.over()) tally_.attack(what, opened(image, recipient));
  }

  const Field& field_;
  const TwoKeysTarget& target_;
  Recipient first_{"first"}, second_{"second"};
  std::optional<ObjectImage> object_;
  Tally tally_;
};

}  // namespace

Report run_two_keys(const Field& field, const TwoKeysTarget& target) { return TwoKeys(field, target).run(); }

}  // namespace cloister::redteam
