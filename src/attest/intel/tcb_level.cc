#include "attest/intel/tcb_level.h"

#include <algorithm>
#include <cstdio>
#include <set>

namespace cloister::attest::intel {
namespace {

bool reaches(const Components& components, const Components& level) {
  for (std::size_t i = 0; i < components.size(); ++i) {
    if (components[i] < level[i]) return false;
  }
  return true;
}

// The first two are the TDX module's: from version 1 of it on they have levels of their own.
bool reaches(ByteView tcb_svn, const Components& level) {
  for (std::size_t i = tcb_svn[1] > 0 ? 2 : 0; i < level.size(); ++i) {
    if (tcb_svn[i] < level[i]) return false;
  }
  return true;
}

const TdxModuleIdentity* module_identity(const TcbInfo& info, std::uint8_t version) {
  char id[8];
  std::snprintf(id, sizeof id, "TDX_%02X", static_cast<unsigned>(version));
  const auto found = std::ranges::find(info.modules, id, &TdxModuleIdentity::id);
  return found == info.modules.end() ? nullptr : &*found;
}

// Whether the module that runs now is at the newest level of its version.
bool module_is_newest_now(const TcbInfo& info, const DomainReport& domain) {
  if (!domain.tcb_svn_now) return false;
  const ByteView now = *domain.tcb_svn_now;
  const TdxModuleIdentity* identity = now[1] > 0 ? module_identity(info, now[1]) : nullptr;
  return identity != nullptr && now[1] >= domain.tcb_svn[1] && now[0] >= identity->levels.front().svn &&
         identity->levels.front().status == TcbStatus::kUpToDate;
}

TcbStatus relaunch(TcbStatus platform) {
  const bool configured = platform == TcbStatus::kUpToDate || platform == TcbStatus::kSwHardeningNeeded;
  return configured ? TcbStatus::kTdRelaunchAdvised : TcbStatus::kTdRelaunchAdvisedConfigurationNeeded;
}

bool fine_otherwise(TcbStatus platform, TcbStatus quoting_enclave) {
  return !out_of_date(platform) && platform != TcbStatus::kRevoked && !out_of_date(quoting_enclave) &&
         quoting_enclave != TcbStatus::kRevoked;
}

}  // namespace

const PlatformLevel* platform_level(const TcbInfo& info, const Platform& platform, const Quote& quote) {
  const auto reached = [&](const PlatformLevel& level) {
    return reaches(platform.components, level.sgx) && platform.pce_svn >= level.pce_svn &&
           (!quote.domain || reaches(quote.domain->tcb_svn, level.tdx));
  };
  const auto found = std::ranges::find_if(info.levels, reached);
  return found == info.levels.end() ? nullptr : &*found;
}

const SvnLevel* svn_level(const std::vector<SvnLevel>& levels, std::uint16_t svn) {
  const auto found = std::ranges::find_if(levels, [svn](const SvnLevel& level) { return svn >= level.svn; });
  return found == levels.end() ? nullptr : &*found;
}

ModuleEntry module_entry(const TcbInfo& info, const DomainReport& domain) {
  ModuleEntry entry;
  const std::uint8_t version = domain.tcb_svn[1];
  if (version == 0) {
    entry.module = info.module ? &*info.module : nullptr;
    return entry;
  }
  entry.identity = module_identity(info, version);
  if (entry.identity == nullptr) return entry;
  entry.module = &entry.identity->module;
  entry.level = svn_level(entry.identity->levels, domain.tcb_svn[0]);
  return entry;
}

bool matches(const TdxModule& module, const DomainReport& domain) {
  return equal(domain.mr_signer_seam, module.mr_signer) && all_zero(domain.seam_attributes) &&
         equal_under(domain.seam_attributes, module.attributes, module.attributes_mask);
}

TcbAssessment assess(const TcbInfo& info, const Quote& quote, const PlatformLevel& platform, const SvnLevel* module,
                     const SvnLevel& quoting_enclave) {
  TcbAssessment assessment;
  assessment.date = platform.date;
  std::set<std::string> advisories(platform.advisories.begin(), platform.advisories.end());
  advisories.insert(quoting_enclave.advisories.begin(), quoting_enclave.advisories.end());
  TcbStatus status = platform.status;
  if (module != nullptr) {
    advisories.insert(module->advisories.begin(), module->advisories.end());
    status = converge(status, module->status);
    if (out_of_date(module->status) && fine_otherwise(platform.status, quoting_enclave.status) &&
        module_is_newest_now(info, *quote.domain)) {
      status = relaunch(platform.status);
    }
  }
  assessment.status = converge(status, quoting_enclave.status);
  assessment.advisories.assign(advisories.begin(), advisories.end());
  return assessment;
}

}  // namespace cloister::attest::intel
