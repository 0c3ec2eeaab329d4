#include "kms/software_key.h"

#include "crypto/xaes.h"
#include "kms/key_file.h"

namespace cloister::kms {
namespace {

constexpr std::uint32_t kKeyVersion = 1;

Result<KeyFile> read_key_file(const Path& path) {
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_TRY(const bool regular, file.is_regular());
  if (!regular) return Error(Code::kInvalid, "not a regular file");
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kSecret));
  CLOISTER_TRY(const std::uint64_t size, file.size());
  if (size > kKeyFileSizeMax) return Error(Code::kInvalid, "not a Cloister key file: too large");
  crypto::Secret bytes(static_cast<std::size_t>(size));
  CLOISTER_RETURN_IF_ERROR(file.read_at(0, bytes.expose_mutable()));
  return parse_key_file(bytes.expose());
}

Result<crypto::KeyMaterial> open_wrapped(const KeyFile& file, std::optional<crypto::Secret> passphrase,
                                         crypto::Random& random) {
  if (!passphrase) return Error(Code::kDenied, "the key is under a passphrase, and none was given");
  auto wrapper = crypto::PassphraseWrapper::create(std::move(*passphrase), crypto::Argon2Cost{}, random);
  // Too short to be any passphrase is a wrong one.
  if (!wrapper.ok()) return Error(Code::kDenied, "the passphrase is wrong");
  CLOISTER_TRY(auto key, wrapper->unwrap(*file.wrapped, key_file_context(file.commitment)));
  if (!crypto::equal_constant_time(key_file_commitment(key), file.commitment)) {
    return Error(Code::kCorrupt, "the key isn't the one the file was made for");
  }
  return key;
}

}  // namespace

Status create_key_file(const Path& path, std::optional<crypto::Secret> passphrase, crypto::Argon2Cost cost,
                       crypto::Random& random) {
  const std::string doing = "create key file " + path.string();
  crypto::KeyMaterial key = crypto::KeyMaterial::random(random);
  KeyFile file;
  file.commitment = key_file_commitment(key);
  if (passphrase) {
    auto wrapper = crypto::PassphraseWrapper::create(std::move(*passphrase), cost, random);
    if (!wrapper.ok()) return Error(wrapper.error()).with_context(doing);
    auto wrapped = wrapper->wrap(key, key_file_context(file.commitment));
    if (!wrapped.ok()) return Error(wrapped.error()).with_context(doing);
    file.wrapped = std::move(*wrapped);
  } else {
    file.plain = std::move(key);
  }
  const crypto::Secret bytes = serialize_key_file(file);
  return write_file(path, bytes.expose(), Overwrite::kRefuse, 0600).with_context(doing);
}

struct SoftwareKey::State {
  crypto::KeyMaterial key;
  std::string key_id;
  crypto::Random* random;
};

SoftwareKey::SoftwareKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
SoftwareKey::~SoftwareKey() = default;

Result<bool> needs_passphrase(const Path& path) {
  CLOISTER_TRY(const KeyFile file, read_key_file(path).with_context("open key file " + path.string()));
  return file.wrapped.has_value();
}

Result<std::unique_ptr<SoftwareKey>> SoftwareKey::open(const Path& path, std::optional<crypto::Secret> passphrase,
                                                       crypto::Random& random) {
  const std::string doing = "open key file " + path.string();
  CLOISTER_TRY(KeyFile file, read_key_file(path).with_context(doing));
  const std::string key_id = "file:" + to_hex(ByteView(file.commitment).first(8));
  if (file.wrapped) {
    CLOISTER_TRY(auto key, open_wrapped(file, std::move(passphrase), random).with_context(doing));
    file.plain = std::move(key);
  } else if (passphrase) {
    // Whoever gives a passphrase believes that the key is protected by one.
    return Error(Code::kInvalid, doing + ": a passphrase was given, but the key isn't under one");
  }
  auto state = std::make_unique<State>(State{std::move(*file.plain), key_id, &random});
  return std::unique_ptr<SoftwareKey>(new SoftwareKey(std::move(state)));
}

std::string SoftwareKey::key_id() const { return state_->key_id; }

Result<crypto::WrappedKey> SoftwareKey::wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) {
  crypto::WrappedKey wrapped{crypto::WrapType::kSoftwareKey, state_->key_id, kKeyVersion, {}, {}};
  crypto::Xaes xaes(state_->key.secret());
  const Bytes canonical = context.canonical(wrapped.type, wrapped.key_id, wrapped.key_version);
  wrapped.ciphertext = crypto::local_wrap(xaes, *state_->random, canonical, key);
  return wrapped;
}

Result<crypto::KeyMaterial> SoftwareKey::unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) {
  if (wrapped.type != crypto::WrapType::kSoftwareKey || wrapped.key_id != state_->key_id ||
      wrapped.key_version != kKeyVersion) {
    return Error(Code::kNotFound, "not wrapped by " + state_->key_id);
  }
  crypto::Xaes xaes(state_->key.secret());
  const Bytes canonical = context.canonical(wrapped.type, wrapped.key_id, wrapped.key_version);
  return crypto::local_unwrap(xaes, canonical, wrapped.ciphertext);
}

}  // namespace cloister::kms
