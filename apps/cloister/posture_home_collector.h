// The home of this run as what the posture audit looks at.
#pragma once

#include "posture_collectors.h"

namespace cloister::cli {

// Null without a home. Opens a root only where releases are kept or an attestation policy is in force.
Result<std::unique_ptr<posture::Collector>> make_home_collector(Session& session, const AuditOptions& options,
                                                                const posture::Estate& estate);

}  // namespace cloister::cli
