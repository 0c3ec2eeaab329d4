#include "attest/intel/tcb_status.h"

#include "base/result.h"

namespace cloister::attest::intel {

std::string_view tcb_status_name(TcbStatus status) {
  switch (status) {
    case TcbStatus::kUpToDate: return "UpToDate";
    case TcbStatus::kSwHardeningNeeded: return "SWHardeningNeeded";
    case TcbStatus::kConfigurationNeeded: return "ConfigurationNeeded";
    case TcbStatus::kConfigurationAndSwHardeningNeeded: return "ConfigurationAndSWHardeningNeeded";
    case TcbStatus::kOutOfDate: return "OutOfDate";
    case TcbStatus::kOutOfDateConfigurationNeeded: return "OutOfDateConfigurationNeeded";
    case TcbStatus::kRevoked: return "Revoked";
    case TcbStatus::kTdRelaunchAdvised: return "TDRelaunchAdvised";
    case TcbStatus::kTdRelaunchAdvisedConfigurationNeeded: return "TDRelaunchAdvisedConfigurationNeeded";
  }
  CLOISTER_CHECK(false);
  return {};
}

std::optional<TcbStatus> tcb_status_of(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(TcbStatus::kRevoked); ++i) {
    const auto status = static_cast<TcbStatus>(i);
    if (tcb_status_name(status) == name) return status;
  }
  return std::nullopt;
}

bool out_of_date(TcbStatus status) {
  return status == TcbStatus::kOutOfDate || status == TcbStatus::kOutOfDateConfigurationNeeded;
}

TcbStatus converge(TcbStatus platform, TcbStatus part) {
  if (platform == TcbStatus::kRevoked || part == TcbStatus::kRevoked) return TcbStatus::kRevoked;
  if (!out_of_date(part)) return platform;
  switch (platform) {
    case TcbStatus::kUpToDate:
    case TcbStatus::kSwHardeningNeeded: return TcbStatus::kOutOfDate;
    case TcbStatus::kConfigurationNeeded:
    case TcbStatus::kConfigurationAndSwHardeningNeeded: return TcbStatus::kOutOfDateConfigurationNeeded;
    default: return platform;
  }
}

}  // namespace cloister::attest::intel
