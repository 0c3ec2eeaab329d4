// Models of the estate that lie sealed on this machine: whether each is signed for, file by file.
#pragma once

#include "posture_collectors.h"

namespace cloister::cli {

inline constexpr std::string_view kModelsCollector = "models/1";

// Null without a home, or where no model lies in a local folder. Reads and verifies all of each sealed directory, which
// opens the dataset's keyring and is recorded as `cloister verify` is.
Result<std::unique_ptr<posture::Collector>> make_models_collector(Session& session, const AuditOptions& options,
                                                                  const posture::Estate& estate);

}  // namespace cloister::cli
