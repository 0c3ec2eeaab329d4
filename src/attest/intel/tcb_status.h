// What Intel says of the security version of a platform, a TDX module or a quoting enclave, and of all three together.
#pragma once

#include <optional>
#include <string_view>

namespace cloister::attest::intel {

enum class TcbStatus {
  kUpToDate,
  kSwHardeningNeeded,
  kConfigurationNeeded,
  kConfigurationAndSwHardeningNeeded,
  kOutOfDate,
  kOutOfDateConfigurationNeeded,
  kRevoked,
  kTdRelaunchAdvised,  // only ever a conclusion: the module was updated under a running domain
  kTdRelaunchAdvisedConfigurationNeeded,
};
// Intel's own words: "UpToDate", "SWHardeningNeeded".
std::string_view tcb_status_name(TcbStatus status);
// Those that a level may have.
std::optional<TcbStatus> tcb_status_of(std::string_view name);

// The platform's status once a part of it (TDX module, quoting enclave) has this one.
TcbStatus converge(TcbStatus platform, TcbStatus part);
bool out_of_date(TcbStatus status);  // with configuration needed too

}  // namespace cloister::attest::intel
