#include "home/registration.h"

#include <algorithm>

namespace cloister::home {
namespace {

constexpr std::string_view kPrefix = "entry:";

std::string name_of(const std::string& id) { return std::string(kPrefix) + id; }

Result<mesh::RegistrationEntry> open_entry(const service::AuthenticSettings& settings, const std::string& name,
                                           std::string_view stored) {
  CLOISTER_TRY(const std::string value, settings.open_value(name, stored));
  auto entry = mesh::parse_entry(value);
  if (!entry.ok()) return Error(Code::kCorrupt, "stored " + name + ": " + entry.error().message());
  if (name_of(entry->id) != name) return Error(Code::kCorrupt, "stored " + name + " is another entry");
  return entry;
}

std::string selectors_text(const mesh::RegistrationEntry& entry) {
  std::string text;
  for (const mesh::Selector& selector : entry.selectors) text += (text.empty() ? "" : " ") + selector.to_string();
  return text;
}

audit::Event event_of(const keys::Caller& caller, std::string action, const mesh::RegistrationEntry& entry) {
  audit::Event event;
  event.time = caller.now;
  event.actor = caller.actor;
  event.action = std::move(action);
  event.subject = entry.spiffe_id.uri();
  event.detail = "entry " + entry.id + " for " + selectors_text(entry);
  return audit::recordable(std::move(event));
}

}  // namespace

Result<StoredEntries> stored_entries(keys::Store& store) { return store.settings(kPrefix); }

Result<std::vector<mesh::RegistrationEntry>> read_entries(keys::Store& store,
                                                          const service::AuthenticSettings& settings) {
  CLOISTER_TRY(const StoredEntries stored, stored_entries(store));
  return open_entries(stored, settings);
}

Result<std::vector<mesh::RegistrationEntry>> open_entries(const StoredEntries& stored,
                                                          const service::AuthenticSettings& settings) {
  std::vector<mesh::RegistrationEntry> entries;
  for (const auto& [name, value] : stored) {
    CLOISTER_TRY(mesh::RegistrationEntry entry, open_entry(settings, name, value));
    entries.push_back(std::move(entry));
  }
  std::ranges::sort(entries, [](const mesh::RegistrationEntry& a, const mesh::RegistrationEntry& b) {
    return std::tie(a.created, a.id) < std::tie(b.created, b.id);
  });
  return entries;
}

Result<mesh::RegistrationEntry> find_entry(keys::Store& store, const service::AuthenticSettings& settings,
                                           const std::string& id) {
  const std::string name = name_of(id);
  const auto stored = store.setting(name);
  if (!stored.ok() && stored.error().code() == Code::kNotFound) {
    return Error(Code::kNotFound, "there is no entry " + id + ": `cloister entry list`");
  }
  if (!stored.ok()) return stored.error();
  return open_entry(settings, name, *stored);
}

Status create_entry(keys::Store& store, const service::AuthenticSettings& settings,
                    const mesh::RegistrationEntry& entry, const keys::Caller& caller) {
  return store.change(event_of(caller, "entry.create", entry), [&](keys::Store::Change& change) -> Status {
    const auto there = store.setting(name_of(entry.id));
    if (there.ok()) return Error(Code::kExists, "entry " + entry.id + " is for these selectors and this id already");
    if (there.error().code() != Code::kNotFound) return there.error();
    return settings.put(change, name_of(entry.id), mesh::format_entry(entry));
  });
}

Status delete_entry(keys::Store& store, const service::AuthenticSettings& settings, const std::string& id,
                    const keys::Caller& caller) {
  CLOISTER_TRY(const mesh::RegistrationEntry entry, find_entry(store, settings, id));
  return store.change(event_of(caller, "entry.delete", entry), [&](keys::Store::Change& change) -> Status {
    const auto there = store.setting(name_of(id));
    if (!there.ok()) return there.error();
    return change.remove_setting(name_of(id));
  });
}

}  // namespace cloister::home
