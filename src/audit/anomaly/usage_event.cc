#include "audit/anomaly/usage_event.h"

namespace cloister::audit::anomaly {

std::string_view operation_name(Operation operation) {
  switch (operation) {
    case Operation::kOther: return "other";
    case Operation::kWrap: return "wrap";
    case Operation::kUnwrap: return "unwrap";
    case Operation::kRewrap: return "rewrap";
    case Operation::kCreateKey: return "create key";
    case Operation::kRotateKey: return "rotate key";
    case Operation::kEnableKey: return "enable key";
    case Operation::kDisableKey: return "disable key";
    case Operation::kScheduleDeletion: return "schedule deletion";
    case Operation::kCancelDeletion: return "cancel deletion";
    case Operation::kDestroyKey: return "destroy key";
    case Operation::kImportMaterial: return "import material";
    case Operation::kRaiseMinimumVersion: return "raise minimum version";
    case Operation::kTrimVersions: return "trim versions";
    case Operation::kExportKey: return "export key";
    case Operation::kChangePolicy: return "change policy";
    case Operation::kDisableAudit: return "disable audit";
    case Operation::kEnableAudit: return "enable audit";
  }
  return "unknown";
}

}  // namespace cloister::audit::anomaly
