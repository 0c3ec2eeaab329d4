#include "tests/support/fake_provider.h"

#include <charconv>

namespace cloister::testing {
namespace {

constexpr std::size_t kPage = 2;

std::string key_name(std::size_t index) { return "key-" + std::to_string(index); }

}  // namespace

FakeProvider::FakeProvider(std::size_t keys) : keys_(keys) {}

Result<std::string> FakeProvider::resolve(const std::string& key) {
  if (key == "first") return key_name(0);
  for (std::size_t i = 0; i < keys_; ++i) {
    if (key == key_name(i)) return key;
  }
  return Error(Code::kNotFound, "fake: no key " + key);
}

Result<kms::ProviderWrap> FakeProvider::wrap(const std::string& key, const crypto::Secret& plaintext,
                                             const kms::ContextMap& context) {
  ++wraps;
  CLOISTER_TRY(const std::string resolved, resolve(key));
  if (fault == Fault::kUnavailable) return Error(Code::kUnavailable, "fake: wrap with " + key + ": out of reach");
  if (plaintext.empty() || plaintext.size() > kms::kProviderPlaintextMax) {
    return Error(Code::kInvalid, "fake: wrap with " + key + ": 1 to 128 bytes");
  }
  wrapped_.push_back({resolved, crypto::Secret::copy_of(plaintext.expose()), kms::canonical(context)});
  kms::ProviderWrap made{"v1", to_bytes(as_bytes("wrap " + std::to_string(wrapped_.size() - 1) + ";"))};
  if (fault == Fault::kEmptyCiphertext) made.ciphertext.clear();
  if (fault == Fault::kHugeCiphertext) made.ciphertext.resize(100'000);
  if (fault == Fault::kHugeVersion) made.key_version.assign(2000, 'v');
  return made;
}

Result<crypto::Secret> FakeProvider::open(const std::string& key, const kms::ProviderWrap& wrapped,
                                          const kms::ContextMap& context) {
  for (std::size_t i = 0; i < wrapped_.size(); ++i) {
    const Wrapped& known = wrapped_[i];
    if (as_text(wrapped.ciphertext) != "wrap " + std::to_string(i) + ";" || known.key != key) continue;
    if (wrapped.key_version != "v1") break;
    if (known.context != kms::canonical(context) && fault != Fault::kIgnoresContext) break;
    return crypto::Secret::copy_of(known.plaintext.expose());
  }
  return Error(Code::kDenied, "fake: unwrap with " + key + ": it doesn't open");
}

Result<crypto::Secret> FakeProvider::unwrap(const std::string& key, const kms::ProviderWrap& wrapped,
                                            const kms::ContextMap& context) {
  ++unwraps;
  CLOISTER_TRY(const std::string resolved, resolve(key));
  if (fault == Fault::kUnavailable) return Error(Code::kUnavailable, "fake: unwrap with " + key + ": out of reach");
  CLOISTER_TRY(const crypto::Secret opened, open(resolved, wrapped, context));
  if (fault == Fault::kOpensSomethingElse) return crypto::Secret::copy_of(wrapped_.back().plaintext.expose());
  if (fault == Fault::kShortPlaintext) return crypto::Secret::copy_of(opened.expose().first(32));
  if (fault == Fault::kLongPlaintext) {
    crypto::Secret longer(opened.size() + 1);
    std::ranges::copy(opened.expose(), longer.expose_mutable().begin());
    return longer;
  }
  return crypto::Secret::copy_of(opened.expose());
}

Result<kms::KeyPosture> FakeProvider::describe(const std::string& key) {
  kms::KeyPosture posture;
  CLOISTER_TRY(posture.key, resolve(key));
  posture.state = kms::ProviderKeyState::kEnabled;
  posture.rotation = kms::Assessed<kms::RotationPosture>::not_assessed("fakes don't rotate");
  return posture;
}

Result<kms::KeyPage> FakeProvider::list(const std::string& cursor) {
  std::size_t from = 0;
  const auto [end, error] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), from);
  if (!cursor.empty() && (error != std::errc() || end != cursor.data() + cursor.size() || from > keys_)) {
    return Error(Code::kInvalid, "fake: list: no such cursor");
  }
  kms::KeyPage page;
  for (std::size_t i = from; i < std::min(from + kPage, keys_); ++i) page.keys.push_back(key_name(i));
  if (from + kPage < keys_) page.next = std::to_string(from + kPage);
  return page;
}

Result<kms::ProviderHealth> FakeProvider::health() {
  if (fault == Fault::kUnavailable) return kms::ProviderHealth{false, "out of reach"};
  return kms::ProviderHealth{true, "in memory"};
}

}  // namespace cloister::testing
