// A dataset's keyring with everything a test seals and signs with.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>

#include "seal/directory.h"
#include "seal/keyring.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/local_key.h"

namespace cloister::seal {

inline constexpr Time kNow{1'700'000'000'000};

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) ADD_FAILURE() << result.error().message();
  CLOISTER_CHECK(result.ok());
  return std::move(result).value();
}

inline void must(const Status& status) { ASSERT_TRUE(status.ok()) << status.error().message(); }

class DatasetKeys {
 public:
  explicit DatasetKeys(std::uint64_t seed = 1, KeyringOwner owner = {"acme", "", "faces"})
      : random(seed), kek(9, random), keyring(must(Keyring::create(owner, kNow, random))), owner_(std::move(owner)) {
    signing_.emplace(must(keyring.signing_key()));
    refresh();
  }

  // After a change of the keyring.
  void refresh() {
    wrapper = must(KeyringWrapper::create(keyring, system_random));
    wrappers_ = {wrapper.get()};
  }

  std::span<crypto::KeyWrapper* const> wrappers() const { return wrappers_; }
  PublicContext context() const {
    return PublicContext{owner_.tenant_name(), owner_.dataset, keyring.outline().keyring_id, std::nullopt};
  }
  DirectoryKeys directory_keys() const { return {wrappers_, &*signing_, signing_->public_key()}; }

  testing::DeterministicRandom random;
  crypto::SystemRandom system_random;  // where several threads draw
  testing::LocalKey kek;
  Keyring keyring;
  std::unique_ptr<KeyringWrapper> wrapper;

 private:
  KeyringOwner owner_;
  std::optional<crypto::SigningKey> signing_;
  std::array<crypto::KeyWrapper*, 1> wrappers_{};
};

// The code, and words the message must have.
template <typename ResultOrStatus>
void expect_error(const ResultOrStatus& result, Code code, std::string_view words) {
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(code_name(result.error().code()), code_name(code)) << result.error().message();
  EXPECT_NE(result.error().message().find(words), std::string::npos) << result.error().message();
}

}  // namespace cloister::seal
