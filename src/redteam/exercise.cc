#include "redteam/exercise.h"

namespace cloister::redteam {
namespace {

constexpr std::size_t kDetailsMax = 200;
constexpr std::size_t kDetailSizeMax = 300;

}  // namespace

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDefended: return "defended";
    case Outcome::kFailed: return "failed";
    case Outcome::kNotRun: break;
  }
  return "not_run";
}

Report not_run(std::string id, std::string reason) {
  Report out;
  out.id = std::move(id);
  out.reason = std::move(reason);
  return out;
}

Tally::Tally(const Field& field, std::string id, std::string remedy) : field_(&field) {
  report_.id = std::move(id);
  report_.remedy = std::move(remedy);
}

void Tally::note(std::string line) {
  if (report_.details.size() == kDetailsMax) report_.details.push_back("(more cases than are listed)");
  if (report_.details.size() > kDetailsMax) return;
  if (line.size() > kDetailSizeMax) line = line.substr(0, kDetailSizeMax) + "…";
  report_.details.push_back(std::move(line));
}

void Tally::honest(std::string_view what, const Status& came) {
  note(std::string(what) + ": " + (came.ok() ? "works, as it should" : came.error().message()));
  if (!came.ok()) cannot(std::string(what) + " doesn't work: " + came.error().message());
}

void Tally::attack(std::string_view what, const Status& came, std::string_view cover) {
  ++report_.cases;
  show(cover, !came.ok());
  if (came.ok()) {
    if (!got_through_) got_through_ = std::string(what);
    return note(std::string(what) + ": GOT THROUGH");
  }
  const Code code = came.error().code();
  if (code == Code::kUnavailable || code == Code::kInternal) {
    note(std::string(what) + ": couldn't be tried: " + came.error().message());
    return cannot(std::string(what) + ": " + came.error().message());
  }
  ++report_.refused;
  note(std::string(what) + ": refused: " + came.error().message());
}

void Tally::holds(std::string_view what, const Status& came, std::string_view cover) {
  ++report_.cases;
  show(cover, came.ok());
  if (came.ok()) {
    ++report_.refused;
    return note(std::string(what) + ": holds");
  }
  const Code code = came.error().code();
  if (code == Code::kUnavailable || code == Code::kInternal) {
    note(std::string(what) + ": couldn't be tried: " + came.error().message());
    return cannot(std::string(what) + ": " + came.error().message());
  }
  if (!got_through_) got_through_ = std::string(what) + ": " + came.error().message();
  note(std::string(what) + ": DOESN'T HOLD: " + came.error().message());
}

void Tally::show(std::string_view cover, bool held) {
  if (cover.empty()) return;
  bool& broken = covers_.try_emplace(std::string(cover), false).first->second;
  broken = broken || !held;
}

void Tally::cannot(std::string why) {
  if (!stood_in_the_way_) stood_in_the_way_ = std::move(why);
}

bool Tally::over() {
  if (!field_->over()) return false;
  cannot(field_->progress->stop_requested() ? "it was stopped" : "its time was over before its end");
  return true;
}

Report Tally::finish() && {
  for (const auto& [cover, broken] : covers_) {
    if (!broken) report_.covers.push_back(cover);
  }
  if (got_through_) {
    report_.outcome = Outcome::kFailed;
    report_.reason = *got_through_;
  } else if (stood_in_the_way_ || report_.cases == 0) {
    report_.outcome = Outcome::kNotRun;
    report_.reason = stood_in_the_way_.value_or("there was nothing to try");
    report_.remedy.clear();
  } else {
    report_.outcome = Outcome::kDefended;
    report_.remedy.clear();
  }
  return std::move(report_);
}

}  // namespace cloister::redteam
