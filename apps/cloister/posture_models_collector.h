// Models of the estate that lie on this machine, sealed or not: whether each is signed for, file by file.
#pragma once

#include "posture_collectors.h"

namespace cloister::cli {

inline constexpr std::string_view kModelsCollector = "models/1";

// Null without a home and without signers, or where no model lies in a local folder. Reads and verifies all of each
// sealed directory, which opens the dataset's keyring and is recorded as `cloister verify` is; and all of each signed
// one, which needs the signers alone.
Result<std::unique_ptr<posture::Collector>> make_models_collector(Session& session, const AuditOptions& options,
                                                                  const posture::Estate& estate);

}  // namespace cloister::cli
