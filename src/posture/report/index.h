// A report's facts by id, kind and subject, and who answers for a subject: what every renderer looks up.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "posture/posture.h"

namespace cloister::posture::report {

// A view: the posture outlives it and doesn't change.
class Index {
 public:
  explicit Index(const Posture& posture);

  const Posture& posture() const { return *posture_; }
  // Of a position in Posture::facts.
  const std::string& id_of(std::size_t position) const { return ids_[position]; }
  const Fact* find(std::string_view id) const;

  // Positions of the facts of that kind, ordered by subject, the newest of each first.
  std::span<const std::size_t> of_kind(std::string_view kind) const;
  // All positions, ordered by kind, subject and age.
  std::span<const std::size_t> ordered() const { return ordered_; }
  // The newest of that kind about that subject; null: nobody looked.
  const Fact* newest(std::string_view kind, const Subject& subject) const;
  const std::string& id_of(const Fact& fact) const { return ids_[static_cast<std::size_t>(&fact - facts_)]; }

  // What the estate says of it; an object has its location's label, an edge that of where it starts. Null: nothing.
  const Label* label_of(const Subject& subject) const;
  const Location* location_of(const Subject& subject) const;

 private:
  const Posture* posture_;
  const Fact* facts_;
  std::vector<std::string> ids_;
  std::unordered_map<std::string_view, std::size_t> by_id_;
  std::vector<std::size_t> ordered_;
  std::unordered_map<std::string_view, const Location*> locations_;
  std::unordered_map<std::string_view, const Label*> workloads_, endpoints_, keys_;
};

// The control's verdict of that subject; null where it has none.
const SubjectVerdict* verdict_of(const Assessment& assessment, std::string_view control, const Subject& subject);
// When the oldest and the newest of the facts behind a verdict were made; both 0 where there are none.
struct Dates {
  Time oldest, newest;
};
Dates dates_of(const Index& index, const SubjectVerdict& verdict);

}  // namespace cloister::posture::report
