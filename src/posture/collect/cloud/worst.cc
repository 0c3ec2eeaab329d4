#include "posture/collect/cloud/worst.h"

#include <algorithm>
#include <set>

namespace cloister::posture {
namespace {

constexpr std::size_t kNotesMax = 20, kKeysMax = 100;

// The first of these words that any view has.
std::string first_there(const std::vector<StorageView>& views, std::string StorageView::* member,
                        std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (std::ranges::find(views, word, member) != views.end()) return std::string(word);
  }
  return "unknown";
}

}  // namespace

StorageView worst_of(const std::vector<StorageView>& views) {
  StorageView worst;
  if (views.empty()) return worst;
  worst.level = views.front().level;
  worst.sample = views.front().sample;
  worst.encrypted = first_there(views, &StorageView::encrypted, {"no", "unknown", "yes"});
  worst.key_manager =
      first_there(views, &StorageView::key_manager, {"none", "foreign", "platform_default", "unknown", "operator"});
  worst.integrity = first_there(views, &StorageView::integrity, {"none", "unknown", "elsewhere", "aead"});
  const auto so_bad = [&worst](const StorageView& view) {
    return view.encrypted == worst.encrypted && view.key_manager == worst.key_manager;
  };
  auto found = std::ranges::find_if(views, so_bad);
  if (found == views.end()) found = std::ranges::find(views, worst.key_manager, &StorageView::key_manager);
  const StorageView& example = found == views.end() ? views.front() : *found;
  worst.scheme = example.scheme;
  worst.algorithm = example.algorithm;
  worst.key = example.key;
  worst.key_bits = views.front().key_bits;
  std::set<std::string> notes, keys;
  for (const StorageView& view : views) {
    if (!view.key_bits || !worst.key_bits) {
      worst.key_bits.reset();
    } else {
      worst.key_bits = std::min(*worst.key_bits, *view.key_bits);
    }
    notes.insert(view.notes.begin(), view.notes.end());
    if (!view.key.empty() && view.key != worst.key && keys.size() < kKeysMax) keys.insert(view.key);
  }
  worst.other_keys.assign(keys.begin(), keys.end());
  for (const std::string& note : notes) {
    if (worst.notes.size() < kNotesMax) worst.notes.push_back(note);
  }
  return worst;
}

bool is_proven_bad(const StorageView& view) {
  return view.encrypted == "no" || view.key_manager == "none" || view.key_manager == "foreign" ||
         view.key_manager == "platform_default";
}

}  // namespace cloister::posture
