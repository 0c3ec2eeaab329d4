// A wrapping key kept in a file on this machine: for one machine, tests and demonstrations.
#pragma once

#include <memory>
#include <optional>

#include "base/file.h"
#include "crypto/key_wrapper.h"
#include "crypto/passphrase.h"
#include "crypto/random.h"

namespace cloister::kms {

// Writes a new key to `path` with mode 0600, plain or under a passphrase. kExists when something is there: a key file
// is never replaced. docs/formats/key-file.md.
Status create_key_file(const Path& path, std::optional<crypto::Secret> passphrase, crypto::Argon2Cost cost,
                       crypto::Random& random);

// Whether the key in the file is under a passphrase. Fails as SoftwareKey::open does.
Result<bool> needs_passphrase(const Path& path);

// Wraps with XAES-256-GCM (wrap type 2); key_id is "file:" and the first 16 hexadecimal digits of the key's commitment.
// Any thread may call.
class SoftwareKey final : public crypto::KeyWrapper {
 public:
  // kDenied: the file is open to others than its owner, or the passphrase is missing or wrong. kInvalid: not a key
  // file, or a passphrase was given for a key without one.
  static Result<std::unique_ptr<SoftwareKey>> open(const Path& path, std::optional<crypto::Secret> passphrase,
                                                   crypto::Random& random);
  ~SoftwareKey() override;

  std::string key_id() const;
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override;
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override;

 private:
  struct State;
  explicit SoftwareKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::kms
