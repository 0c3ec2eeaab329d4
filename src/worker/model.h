// A sealed model on its way into memory: opened, compared with what the manifest promises, and nowhere else.
#pragma once

#include <functional>
#include <span>

#include "crypto/hash.h"
#include "seal/reader.h"
#include "worker/engine_file.h"
#include "worker/secret_memory.h"

namespace cloister::worker {

// Told of the object once it is open: this preamble is authentic, and a wrap that isn't this object's opens for nobody.
using TellOpened = std::function<void(const seal::Preamble&, const seal::SlotTable&)>;

// For an engine in this process. kDenied when no wrapper opens the object, kCorrupt when it was tampered with or its
// plaintext isn't what `expected` says, kUnavailable when memory can't be locked.
Result<SecretMemory> open_model(File sealed, std::span<crypto::KeyWrapper* const> wrappers,
                                const crypto::Sha256Digest& expected, const TellOpened& tell = {});
// For another process, into an empty memory file; frozen. The same refusals.
Result<EngineFile> open_model_file(File sealed, File memory, std::span<crypto::KeyWrapper* const> wrappers,
                                   const crypto::Sha256Digest& expected, const TellOpened& tell = {});

}  // namespace cloister::worker
