// Ids of facts are digests, so computing them is what takes the time: by all processors.
#include "posture/report/index.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "base/parallel.h"

namespace cloister::posture::report {
namespace {

constexpr std::size_t kPiece = 1024;  // facts

std::vector<std::string> ids_of(const std::vector<Fact>& facts) {
  std::vector<std::string> ids(facts.size());
  const std::uint64_t pieces = (facts.size() + kPiece - 1) / kPiece;
  const cloister::Status done = parallel_pieces(0, pieces, [&] {
    return [&](std::uint64_t piece) -> cloister::Status {
      const std::size_t end = std::min(facts.size(), (piece + 1) * kPiece);
      for (std::size_t i = piece * kPiece; i < end; ++i) ids[i] = facts[i].id();
      return ok_status();
    };
  });
  CLOISTER_CHECK(done.ok());  // no piece fails
  return ids;
}

auto key_of(const Fact& fact) { return std::tie(fact.kind, fact.subject); }

}  // namespace

Index::Index(const Posture& posture)
    : posture_(&posture), facts_(posture.facts.data()), ids_(ids_of(posture.facts)), ordered_(posture.facts.size()) {
  by_id_.reserve(ids_.size());
  for (std::size_t i = 0; i < ids_.size(); ++i) by_id_.emplace(ids_[i], i);
  std::iota(ordered_.begin(), ordered_.end(), std::size_t{0});
  std::ranges::sort(ordered_, [this](std::size_t a, std::size_t b) {
    const Fact& left = facts_[a];
    const Fact& right = facts_[b];
    if (const auto order = key_of(left) <=> key_of(right); order != 0) return order < 0;
    return std::tie(right.at, ids_[a]) < std::tie(left.at, ids_[b]);
  });
  for (const Location& one : posture.estate.locations) {
    locations_.emplace(one.name, &one);
    locations_.emplace(one.address, &one);
  }
  for (const Workload& one : posture.estate.workloads) workloads_.emplace(one.name, &one.label);
  for (const Endpoint& one : posture.estate.endpoints) {
    endpoints_.emplace(one.name, &one.label);
    endpoints_.emplace(one.address, &one.label);
  }
  for (const DeclaredKey& one : posture.estate.keys) keys_.emplace(one.name, &one.label);
}

const Fact* Index::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : facts_ + found->second;
}

std::span<const std::size_t> Index::of_kind(std::string_view kind) const {
  const auto begin = std::ranges::lower_bound(ordered_, kind, {},
                                              [this](std::size_t i) -> std::string_view { return facts_[i].kind; });
  auto end = begin;
  while (end != ordered_.end() && facts_[*end].kind == kind) ++end;
  return {ordered_.data() + (begin - ordered_.begin()), static_cast<std::size_t>(end - begin)};
}

const Fact* Index::newest(std::string_view kind, const Subject& subject) const {
  const auto less = [this](std::size_t i, const std::pair<std::string_view, const Subject*>& wanted) {
    const std::string_view own = facts_[i].kind;
    return own != wanted.first ? own < wanted.first : facts_[i].subject < *wanted.second;
  };
  const auto found = std::lower_bound(ordered_.begin(), ordered_.end(), std::pair(kind, &subject), less);
  if (found == ordered_.end() || facts_[*found].kind != kind || facts_[*found].subject != subject) return nullptr;
  return facts_ + *found;
}

const Location* Index::location_of(const Subject& subject) const {
  std::string_view name = subject.id;
  if (subject.kind == SubjectKind::kObject) name = name.substr(0, name.find('#'));
  const auto found = locations_.find(name);
  return found == locations_.end() ? nullptr : found->second;
}

const Label* Index::label_of(const Subject& subject) const {
  const auto in = [](const auto& names, std::string_view name) -> const Label* {
    const auto found = names.find(name);
    return found == names.end() ? nullptr : found->second;
  };
  switch (subject.kind) {
    case SubjectKind::kLocation:
    case SubjectKind::kObject: {
      const Location* location = location_of(subject);
      return location == nullptr ? nullptr : &location->label;
    }
    case SubjectKind::kWorkload: return in(workloads_, subject.id);
    case SubjectKind::kEndpoint: return in(endpoints_, subject.id);
    case SubjectKind::kKey: return in(keys_, subject.id);
    case SubjectKind::kEdge: return in(workloads_, std::string_view(subject.id).substr(0, subject.id.find('>')));
    default: return nullptr;
  }
}

const SubjectVerdict* verdict_of(const Assessment& assessment, std::string_view control, const Subject& subject) {
  const ControlAssessment* found = assessment.find(control);
  if (found == nullptr) return nullptr;
  const auto verdict = std::ranges::find(found->subjects, subject, &SubjectVerdict::subject);
  return verdict == found->subjects.end() ? nullptr : &*verdict;
}

Dates dates_of(const Index& index, const SubjectVerdict& verdict) {
  Dates dates;
  for (const std::string& id : verdict.evidence) {
    const Fact* fact = index.find(id);
    if (fact == nullptr) continue;
    if (dates.newest == Time{} || fact->at < dates.oldest) dates.oldest = fact->at;
    dates.newest = std::max(dates.newest, fact->at);
  }
  return dates;
}

}  // namespace cloister::posture::report
