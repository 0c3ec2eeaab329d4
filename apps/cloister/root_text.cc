#include "root_text.h"

namespace cloister::cli {
namespace {

constexpr std::size_t kNamesShown = 5;

std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kNamesShown; ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kNamesShown) text += ", and " + std::to_string(names.size() - kNamesShown) + " more";
  return text;
}

}  // namespace

std::string use_text(const keys::KnownRoot& root, const keys::RootUse& use) {
  const std::string name = "root " + root.name + " (" + root.id + ")";
  if (use.empty()) return "nothing is under " + name + "\n";
  std::string text = "under " + name + ": " + count_text(use.kek_versions, "KEK version") + " of " +
                     count_text(use.tenants.size(), "tenant") + ", " + count_text(use.settings.size(), "key") +
                     " of the home's\n";
  if (!use.tenants.empty()) text += "  tenants: " + some_of(use.tenants) + "\n";
  if (!use.settings.empty()) text += "  the home's: " + some_of(use.settings) + "\n";
  if (!use.strangers.empty()) {
    text += "  settings that name it and that this program can't move: " + some_of(use.strangers) + "\n";
  }
  return text;
}

Json use_json(const keys::RootUse& use) {
  return {{"kek_versions", use.kek_versions},
          {"tenants", use.tenants},
          {"settings", use.settings},
          {"unknown_settings", use.strangers}};
}

Result<std::string> proof_text(keys::Store& store, const keys::RootedSettings& settings, std::string_view target) {
  CLOISTER_TRY(const auto roots, keys::known_roots(store));
  std::string text;
  for (const keys::KnownRoot& root : roots) {
    if (root.name == target) continue;
    CLOISTER_TRY(const keys::RootUse use, keys::root_use(store, root.id, settings));
    text += use_text(root, use);
  }
  return text;
}

}  // namespace cloister::cli
