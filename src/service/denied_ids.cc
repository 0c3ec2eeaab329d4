#include "service/denied_ids.h"

#include <algorithm>

namespace cloister::service {
namespace {

constexpr std::string_view kSetting = "deny_list";

Status put_list(keys::Store::Change& change, const AuthenticSettings& settings, std::vector<identity::DeniedId> ids,
                const identity::DenyList& before) {
  CLOISTER_TRY(const identity::DenyList next, identity::DenyList::create(std::move(ids), before.serials()));
  return settings.put(change, kSetting, identity::format_deny_list(next));
}

}  // namespace

Result<identity::DenyList> read_deny_list(keys::Store& store, const AuthenticSettings& settings) {
  const auto text = settings.read(store, kSetting);
  if (!text.ok() && text.error().code() == Code::kNotFound) return identity::DenyList();
  if (!text.ok()) return text.error();
  return identity::parse_deny_list(*text).with_context("read the deny list");
}

Status deny_id(keys::Store& store, keys::Store::Change& change, const AuthenticSettings& settings,
               const identity::DeniedId& denied, Time now) {
  CLOISTER_TRY(const identity::DenyList stored, read_deny_list(store, settings));
  const identity::DenyList before = stored.current(now);
  std::vector<identity::DeniedId> ids = before.ids();
  std::erase_if(ids, [&](const identity::DeniedId& one) { return one.id == denied.id; });
  ids.push_back(denied);
  return put_list(change, settings, std::move(ids), before);
}

Status allow_id(keys::Store& store, keys::Store::Change& change, const AuthenticSettings& settings,
                const identity::SpiffeId& id, Time now) {
  CLOISTER_TRY(const identity::DenyList stored, read_deny_list(store, settings));
  const identity::DenyList before = stored.current(now);
  std::vector<identity::DeniedId> ids = before.ids();
  const auto removed = std::erase_if(ids, [&](const identity::DeniedId& one) { return one.id == id; });
  if (removed == 0) return Error(Code::kNotFound, id.uri() + " isn't denied");
  return put_list(change, settings, std::move(ids), before);
}

}  // namespace cloister::service
