#include "attest/intel/tcb_info.h"

#include <algorithm>

namespace cloister::attest::intel {
namespace {

constexpr std::size_t kLevelsMax = 256;
constexpr std::size_t kModulesMax = 64;

Error malformed(std::string_view what) {
  return Error(Code::kInvalid, "TCB Info: " + std::string(what) + " is missing or malformed");
}

template <typename Level>
Status read_judgement(const JsonValue& object, Level& level) {
  CLOISTER_TRY(const std::string status, text_member(object, "tcbStatus"));
  const auto known = tcb_status_of(status);
  if (!known) return malformed("a level's status");
  level.status = *known;
  CLOISTER_TRY(level.date, time_member(object, "tcbDate"));
  CLOISTER_TRY(level.advisories, advisories_of(object));
  return {};
}

Result<Components> read_components(const JsonValue& tcb, std::string_view name) {
  Components components{};
  CLOISTER_TRY(const JsonValue::Array* items, array_member(tcb, name, components.size()));
  if (items->size() != components.size()) return malformed(name);
  for (std::size_t i = 0; i < components.size(); ++i) {
    CLOISTER_TRY(const std::uint64_t svn, number_member((*items)[i], "svn", UINT16_MAX));
    components[i] = static_cast<std::uint16_t>(svn);
  }
  return components;
}

// Version 2 has a member of its own for each.
Result<Components> read_named_components(const JsonValue& tcb) {
  Components components{};
  for (std::size_t i = 0; i < components.size(); ++i) {
    const std::string number = (i < 9 ? "0" : "") + std::to_string(i + 1);
    CLOISTER_TRY(const std::uint64_t svn, number_member(tcb, "sgxtcbcomp" + number + "svn", UINT16_MAX));
    components[i] = static_cast<std::uint16_t>(svn);
  }
  return components;
}

Result<PlatformLevel> read_platform_level(const JsonValue& object, std::uint64_t version, Tee tee) {
  PlatformLevel level;
  const JsonValue* tcb = object.find("tcb");
  if (tcb == nullptr) return malformed("a level's TCB");
  CLOISTER_TRY(level.sgx, version == 2 ? read_named_components(*tcb) : read_components(*tcb, "sgxtcbcomponents"));
  CLOISTER_TRY(const std::uint64_t pce_svn, number_member(*tcb, "pcesvn", UINT16_MAX));
  level.pce_svn = static_cast<std::uint16_t>(pce_svn);
  if (tee == Tee::kTdx) {
    CLOISTER_TRY(level.tdx, read_components(*tcb, "tdxtcbcomponents"));
  }
  CLOISTER_RETURN_IF_ERROR(read_judgement(object, level));
  return level;
}

Result<TdxModule> read_module(const JsonValue& object) {
  TdxModule module;
  CLOISTER_TRY(module.mr_signer, hex_member(object, "mrsigner", 48));
  CLOISTER_TRY(module.attributes, hex_member(object, "attributes", 8));
  CLOISTER_TRY(module.attributes_mask, hex_member(object, "attributesMask", 8));
  return module;
}

Status read_modules(const JsonValue& value, TcbInfo& info) {
  const JsonValue* module = value.find("tdxModule");
  if (module == nullptr) return malformed("tdxModule");
  CLOISTER_TRY(info.module, read_module(*module));
  if (value.find("tdxModuleIdentities") == nullptr) return {};
  CLOISTER_TRY(const JsonValue::Array* items, array_member(value, "tdxModuleIdentities", kModulesMax));
  for (const JsonValue& item : *items) {
    TdxModuleIdentity identity;
    CLOISTER_TRY(identity.id, text_member(item, "id"));
    CLOISTER_TRY(identity.module, read_module(item));
    CLOISTER_TRY(identity.levels, read_svn_levels(item));
    const auto same = [&](const TdxModuleIdentity& other) { return other.id == identity.id; };
    if (std::ranges::any_of(info.modules, same)) return malformed("tdxModuleIdentities");
    info.modules.push_back(std::move(identity));
  }
  return {};
}

Result<Tee> read_tee(const JsonValue& value, std::uint64_t version) {
  if (version == 2) return Tee::kSgx;  // has no id, and knew no other
  CLOISTER_TRY(const std::string id, text_member(value, "id"));
  if (id == "SGX") return Tee::kSgx;
  if (id == "TDX") return Tee::kTdx;
  return malformed("id");
}

}  // namespace

Result<std::vector<SvnLevel>> read_svn_levels(const JsonValue& object) {
  CLOISTER_TRY(const JsonValue::Array* items, array_member(object, "tcbLevels", kLevelsMax));
  std::vector<SvnLevel> levels;
  for (const JsonValue& item : *items) {
    SvnLevel level;
    const JsonValue* tcb = item.find("tcb");
    if (tcb == nullptr) return malformed("a level's TCB");
    CLOISTER_TRY(const std::uint64_t svn, number_member(*tcb, "isvsvn", UINT16_MAX));
    level.svn = static_cast<std::uint16_t>(svn);
    CLOISTER_RETURN_IF_ERROR(read_judgement(item, level));
    levels.push_back(std::move(level));
  }
  return levels;
}

Result<TcbInfo> read_tcb_info(const JsonValue& value) {
  TcbInfo info;
  CLOISTER_TRY(const std::uint64_t version, number_member(value, "version", UINT16_MAX));
  if (version != 2 && version != 3) {
    return Error(Code::kUnsupported, "TCB Info of version " + std::to_string(version) + " isn't read");
  }
  CLOISTER_TRY(info.tee, read_tee(value, version));
  CLOISTER_TRY(info.issued, time_member(value, "issueDate"));
  CLOISTER_TRY(info.next_update, time_member(value, "nextUpdate"));
  CLOISTER_TRY(info.fmspc, hex_member(value, "fmspc", 6));
  CLOISTER_TRY(info.pce_id, hex_member(value, "pceId", 2));
  CLOISTER_TRY(const std::uint64_t type, number_member(value, "tcbType", UINT16_MAX));
  if (type != 0) return Error(Code::kUnsupported, "TCB Info of another type isn't read");
  CLOISTER_TRY(info.evaluation_number, number_member(value, "tcbEvaluationDataNumber", UINT32_MAX));
  CLOISTER_TRY(const JsonValue::Array* levels, array_member(value, "tcbLevels", kLevelsMax));
  for (const JsonValue& item : *levels) {
    CLOISTER_TRY(PlatformLevel level, read_platform_level(item, version, info.tee));
    info.levels.push_back(std::move(level));
  }
  if (info.tee == Tee::kTdx) CLOISTER_RETURN_IF_ERROR(read_modules(value, info));
  return info;
}

}  // namespace cloister::attest::intel
