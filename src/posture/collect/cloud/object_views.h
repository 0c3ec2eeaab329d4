// What is known of a store's objects and of its default, weighed into the one fact that a location has.
#pragma once

#include <map>

#include "posture/collect/cloud/worst.h"

namespace cloister::posture {

// Equal views are kept once.
class ObjectViews {
 public:
  ObjectViews(const FactMaker& maker, Subject subject, FactSink& sink)
      : maker_(maker), subject_(std::move(subject)), sink_(sink) {}

  // A fact of its own for each of the first hundred whose key isn't known to be the operator's.
  void add(const std::string& name, StorageView view);
  // Something couldn't be looked at: without anything bad, the location isn't assessed.
  void miss(std::string why) {
    gaps_.push_back(std::move(why));
    missed_ = true;
  }
  // There are more objects than were listed: likewise.
  void leave_out() { whole_ = false; }
  // What is added is a sample of so many.
  void sample_of(std::size_t objects) { objects_ = objects; }
  std::size_t size() const { return size_; }

  // The location's `storage.encryption`: level "object", also where there is none; "service" where they weren't seen.
  void report(const Result<StorageView>& by_default, std::string raw);

 private:
  const FactMaker& maker_;
  const Subject subject_;
  FactSink& sink_;
  std::map<std::string, StorageView> views_;  // by all of it, as text
  std::size_t size_ = 0, told_ = 0, objects_ = 0;
  std::vector<std::string> gaps_;
  bool whole_ = true, missed_ = false;
};

}  // namespace cloister::posture
