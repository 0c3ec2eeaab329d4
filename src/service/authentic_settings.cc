#include "service/authentic_settings.h"

#include "base/reader.h"
#include "crypto/hash.h"
#include "crypto/hkdf.h"
#include "crypto/xaes.h"
#include "keys/root_check.h"

namespace cloister::service {
namespace {

constexpr std::string_view kKeySetting = "service_key";
constexpr std::string_view kPurpose = "service-settings";
constexpr std::size_t kMacTextSize = 64;

Result<crypto::WrapContext> context_of(keys::Store& store, const std::array<std::uint8_t, 32>& commitment) {
  CLOISTER_TRY(const std::string home, store.setting("home_id"));
  CLOISTER_TRY(Bytes home_id, from_hex(home));
  return crypto::WrapContext{"", "", std::move(home_id), std::string(kPurpose), commitment};
}

Status make_key(keys::Store& store, crypto::KeyWrapper& root, crypto::Random& random, const keys::Caller& caller) {
  const crypto::KeyMaterial key = crypto::KeyMaterial::random(random);
  keys::RootCheck wrapped;
  wrapped.commitment = crypto::key_commitment(key, kPurpose);
  CLOISTER_TRY(const crypto::WrapContext context, context_of(store, wrapped.commitment));
  CLOISTER_TRY(wrapped.wrapped, root.wrap(key, context).with_context("use the root"));
  const audit::Event event{caller.now, caller.actor, "service.create-key", "", "service", audit::Outcome::kAllowed, ""};
  const Status status = store.change(event, [&](keys::Store::Change& change) -> Status {
    const auto meanwhile = store.setting(kKeySetting);
    if (meanwhile.ok()) return Error(Code::kExists, "the service's key was made meanwhile");
    if (meanwhile.error().code() != Code::kNotFound) return meanwhile.error();
    return change.put_setting(kKeySetting, keys::serialize_root_check(wrapped));
  });
  if (!status.ok() && status.error().code() == Code::kExists) return {};  // by another server of this store
  return status;
}

// SS-5.
crypto::Xaes cipher_of(const crypto::KeyMaterial& key) {
  return crypto::Xaes(
      crypto::hkdf_expand_sha512(key.secret(), crypto::Info("CLSR1 setting key").view(), crypto::kKeySize));
}

Bytes wrapped_context(std::string_view name) {
  Writer writer;
  writer.text16("CLSR1 setting wrap").text16(name);
  return writer.take();
}

}  // namespace

Result<AuthenticSettings> AuthenticSettings::open(keys::Store& store, crypto::KeyWrapper& root, crypto::Random& random,
                                                  const keys::Caller& caller) {
  auto text = store.setting(kKeySetting);
  if (!text.ok() && text.error().code() == Code::kNotFound) {
    CLOISTER_RETURN_IF_ERROR(make_key(store, root, random, caller).with_context("make the service's key"));
    text = store.setting(kKeySetting);
  }
  if (!text.ok()) return text.error();
  CLOISTER_TRY(const keys::RootCheck wrapped, keys::parse_root_check(*text).with_context("read the service's key"));
  CLOISTER_TRY(const crypto::WrapContext context, context_of(store, wrapped.commitment));
  CLOISTER_TRY(crypto::KeyMaterial key, root.unwrap(wrapped.wrapped, context).with_context("open the service's key"));
  if (!crypto::equal_constant_time(crypto::key_commitment(key, kPurpose), wrapped.commitment)) {
    return Error(Code::kCorrupt, "the service's key doesn't fit its commitment");
  }
  return AuthenticSettings(std::move(key));
}

std::string AuthenticSettings::mac_of(std::string_view name, std::string_view value) const {
  Writer writer;
  writer.text16("CLSR1 setting").text16(name).bytes(as_bytes(value));
  return to_hex(crypto::hmac_sha256(key_->secret(), writer.view()));
}

Bytes AuthenticSettings::wrap(std::string_view name, const crypto::KeyMaterial& key, crypto::Random& random) const {
  crypto::Xaes cipher = cipher_of(*key_);
  return crypto::local_wrap(cipher, random, wrapped_context(name), key);
}

Result<crypto::KeyMaterial> AuthenticSettings::unwrap(std::string_view name, ByteView wrapped) const {
  crypto::Xaes cipher = cipher_of(*key_);
  return crypto::local_unwrap(cipher, wrapped_context(name), wrapped);
}

Result<std::string> AuthenticSettings::open_value(std::string_view name, std::string_view stored) const {
  const bool has_form = stored.size() > kMacTextSize && stored[kMacTextSize] == '\n';
  const std::string_view value = has_form ? stored.substr(kMacTextSize + 1) : std::string_view();
  if (!has_form ||
      !crypto::equal_constant_time(as_bytes(mac_of(name, value)), as_bytes(stored.substr(0, kMacTextSize)))) {
    return Error(Code::kCorrupt, "the store's setting " + std::string(name) + " wasn't written by this service");
  }
  return std::string(value);
}

Result<std::string> AuthenticSettings::read(keys::Store& store, std::string_view name) const {
  CLOISTER_TRY(const std::string stored, store.setting(name));
  return open_value(name, stored);
}

Status AuthenticSettings::put(keys::Store::Change& change, std::string_view name, std::string_view value) const {
  return change.put_setting(name, mac_of(name, value) + "\n" + std::string(value));
}

}  // namespace cloister::service
