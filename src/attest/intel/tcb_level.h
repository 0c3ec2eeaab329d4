// Which of Intel's levels a platform, its TDX module and its quoting enclave have, and what that makes together.
#pragma once

#include "attest/intel/pck.h"
#include "attest/intel/qe_identity.h"

namespace cloister::attest::intel {

// The first level that the platform reaches, by its PCK certificate and, of a trust domain, by what it was launched on.
// Null when it reaches none: Intel doesn't vouch for it.
const PlatformLevel* platform_level(const TcbInfo& info, const Platform& platform, const Quote& quote);
// The first level that this version reaches; null when none.
const SvnLevel* svn_level(const std::vector<SvnLevel>& levels, std::uint16_t svn);

// What Intel says of the TDX module that a domain was launched on. Null members: it has no such entry.
struct ModuleEntry {
  const TdxModule* module = nullptr;
  const TdxModuleIdentity* identity = nullptr;  // from version 1 of the module on
  const SvnLevel* level = nullptr;              // of that identity
};
ModuleEntry module_entry(const TcbInfo& info, const DomainReport& domain);
// Its signer and attributes are the entry's, and it has no attributes at all.
bool matches(const TdxModule& module, const DomainReport& domain);

struct TcbAssessment {
  TcbStatus status = TcbStatus::kRevoked;
  Time date;                            // of the platform's level
  std::vector<std::string> advisories;  // of all levels, sorted
};
// `module` is null where there is none. A domain whose module was updated under it after the launch, up to the newest
// level, and that is out of date by that alone, should be launched again: TDRelaunchAdvised.
TcbAssessment assess(const TcbInfo& info, const Quote& quote, const PlatformLevel& platform, const SvnLevel* module,
                     const SvnLevel& quoting_enclave);

}  // namespace cloister::attest::intel
