// Directories: each file becomes a sealed object, and a signed manifest lists them. docs/formats/manifest.md.
#pragma once

#include <functional>

#include "base/progress.h"
#include "seal/keyring.h"
#include "seal/manifest.h"
#include "seal/writer.h"

namespace cloister::seal {

enum class StoredNames { kOriginal, kRandom };

// The keys of one dataset, as a directory needs them.
struct DirectoryKeys {
  std::span<crypto::KeyWrapper* const> wrappers;    // the first is the dataset's keyring
  const crypto::SigningKey* signing_key = nullptr;  // null: can't sign, so can't seal or change
  crypto::Ed25519PublicKey signing_public_key{};
};

struct DirectorySummary {
  std::uint64_t objects_sealed = 0;
  std::uint64_t objects_kept = 0;  // done by an earlier, interrupted run, or unchanged
  std::uint64_t objects_removed = 0;
  std::uint64_t plaintext_bytes = 0;  // of the objects sealed now
  std::uint64_t object_bytes = 0;
};

// Seals every regular file under `source`. Interrupted (kUnavailable, or killed) and started again it goes on: a
// journal in `target` says what is done, and what is done and unchanged (size and modification time) is not done again.
// The manifest comes last; until then the directory doesn't verify. kExists when `target` holds a sealed directory or
// anything else that isn't this work. Whatever of an interrupted run isn't listed in the end is removed. Symbolic
// links, devices and the like are kInvalid before anything is written, unless `skip_special` is set, and kInvalid when
// they take a file's place later. kUnavailable: a file changed since the work began.
struct DirectorySealOptions {
  SealOptions object;  // name, mode and times are filled in per file
  StoredNames stored_names = StoredNames::kOriginal;
  bool skip_special = false;
  Time now;
};
Result<DirectorySummary> seal_directory(const Path& source, const Path& target, const DirectorySealOptions& options,
                                        const DirectoryKeys& keys, crypto::Random& random, Progress& progress);

// Opens a directory into `target`, each file aside and renamed, with its permission bits less the umask and its
// modification time. With
// kRefuse it goes on where it stopped: a file that is there with the right size, time and content is kept (it is read
// and compared, since a power cut can leave a file whole in name only), and any other is kExists. kReplace opens every
// file anew. What was opened before an error stays.
Result<DirectorySummary> open_directory(const Path& source, const Path& target, const DirectoryKeys& keys,
                                        Overwrite overwrite, unsigned threads, Progress& progress);

// MF-2, and every object in full. `report` hears of each finding; any finding makes the result kCorrupt.
struct DirectoryFinding {
  std::string name;
  std::string problem;  // "missing", "not in the manifest", "chunk 3 at offset … fails its tag", …
};
Result<DirectorySummary> verify_directory(const Path& directory, const DirectoryKeys& keys, unsigned threads,
                                          const std::function<void(const DirectoryFinding&)>& report,
                                          Progress& progress);

// A new DEK for every object: sealed again aside and renamed while readers of the old files go on, then a new manifest
// with sequence + 1. Goes on where it stopped; until it is done the directory doesn't verify. kUnavailable: an object
// is being rewrapped, or another re-key is at work; objects are locked until they are replaced.
Result<DirectorySummary> rekey_directory(const Path& directory, const SealOptions& object, const DirectoryKeys& keys,
                                         Time now, crypto::Random& random, Progress& progress);
// The same for the one object at `file`, or where a link there leads, locked as long. It must belong to the tenant and
// dataset of `object.context` (kDenied: it was put there meanwhile). kInvalid for a log, and for an object of a sealed
// directory: its manifest would no longer fit.
Result<SealedSummary> rekey_object(const Path& file, const SealOptions& object, const DirectoryKeys& keys,
                                   crypto::Random& random, Progress& progress);

// The manifest of a sealed directory, verified.
Result<Manifest> read_manifest(const Path& directory, const DirectoryKeys& keys);

}  // namespace cloister::seal
