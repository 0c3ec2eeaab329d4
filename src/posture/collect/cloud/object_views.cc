#include "posture/collect/cloud/object_views.h"

#include <algorithm>

#include "posture/collect/cloud/sample.h"

namespace cloister::posture {
namespace {

constexpr std::size_t kObjectFactsMax = 100;
constexpr std::size_t kDifferentMax = 1000;

std::string text_of(const StorageView& view) {
  std::string text = view.encrypted + "\n" + view.scheme + "\n" + view.key + "\n" + view.key_manager;
  for (const std::string& note : view.notes) text += "\n" + note;
  return text;
}

}  // namespace

void ObjectViews::add(const std::string& name, StorageView view) {
  ++size_;
  if (view.key_manager != "operator" && told_ < kObjectFactsMax) {
    ++told_;
    sink_.add(maker_.storage({SubjectKind::kObject, subject_.id + "#" + name}, view, {}));
  }
  std::string text = text_of(view);
  if (views_.size() < kDifferentMax || views_.contains(text)) {
    views_.try_emplace(std::move(text), std::move(view));
  } else {
    whole_ = false;
  }
}

void ObjectViews::report(const Result<StorageView>& by_default, std::string raw) {
  std::vector<StorageView> views;
  for (const auto& [text, view] : views_) views.push_back(view);
  if (by_default.ok()) views.push_back(*by_default);
  if (!by_default.ok()) gaps_.push_back(by_default.error().message());
  if (!whole_) gaps_.emplace_back("there are more objects than are looked at");
  StorageView worst = worst_of(views);
  if (!gaps_.empty() && !is_proven_bad(worst)) {
    std::string why;
    for (const std::string& gap : gaps_) why += (why.empty() ? "" : "; ") + gap;
    sink_.add(maker_.not_assessed("storage.encryption", subject_, std::move(why)));
    return;
  }
  const bool seen = size_ > 0 || !missed_;
  worst.level = seen ? "object" : "service";
  if (seen) {
    const std::size_t objects = std::max(objects_, size_);
    worst.sample = StorageView::Sample{static_cast<std::int64_t>(objects), static_cast<std::int64_t>(size_),
                                       whole_ ? sample_bound_permille(objects, size_) : 1000};
  }
  worst.notes.insert(worst.notes.end(), gaps_.begin(), gaps_.end());
  if (by_default.ok()) worst.notes.push_back("default: " + by_default->scheme + ", " + by_default->key_manager);
  sink_.add(maker_.storage(subject_, worst, std::move(raw)));
}

}  // namespace cloister::posture
