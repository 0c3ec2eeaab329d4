// What an endpoint ought to be like, by what it is for: rules over facts, each with what breaking it costs. Data, no
// code: docs/scan.md lists every one.
#pragma once

#include <span>
#include <string_view>

#include "probe/certificate/judge.h"
#include "probe/fact.h"

namespace cloister::probe {

// What it means that there is no such fact.
enum class Absent {
  kUnknown,        // it should have been looked at
  kNotApplicable,  // it is asked only on demand, or of some endpoints
  kNo,             // the check lists what there is
};

struct Weight {
  unsigned points;  // of 100 that are lost
  char cap;  // the best grade an endpoint can have that breaks it; 'A' for no cap, '-' when the profile hasn't it
};

struct Rule {
  std::string_view id;  // stable: of SARIF and of `lost`
  std::string_view check;
  std::string_view subject;  // several with '|'; "*" is every one of the check, "*END" every one that ends so
  Seen good;                 // kYes: one of several must be yes, and every one of a '*'. kNo: none may be yes
  Absent absent;
  std::string_view what;  // that is wrong, when it is broken
  std::string_view fix;
  Weight weights[5];  // in the order of profiles()
};

struct Profile {
  std::string_view name, about;
  std::size_t column;  // of Rule::weights
  LifetimeRule lifetime;
  bool names_host;          // the certificate must name the host that was asked for
  bool system_authorities;  // the system's authorities are trusted where none are given
};

std::span<const Profile> profiles();
// Null when there is none.
const Profile* find_profile(std::string_view name);
std::span<const Rule> rules();

}  // namespace cloister::probe
