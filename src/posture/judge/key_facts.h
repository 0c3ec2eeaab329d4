// Keys as facts describe them, and whose they are.
#pragma once

#include "posture/judge/proof.h"

namespace cloister::posture {

// Facts about one key, those that prove nothing among them.
struct KeyFacts {
  Subject subject;
  const DeclaredKey* declared = nullptr;  // null: it was only seen
  Facts postures;

  // Of the facts that prove something, the first that says so; else what is declared.
  std::string key_class(const View& view) const;
  const std::string* text(const View& view, std::string_view name) const;
};

// Declared keys in scope, and those that key.posture is about; by subject.
std::vector<KeyFacts> keys(const View& view);
// Those that wrap other keys: all but the ones for TLS and for signing.
std::vector<KeyFacts> wrapping_keys(const View& view);
Subject key_subject(std::string_view name);

// The key is the operator's, at the operator's account, enabled and not about to be deleted, and so are the keys above
// it.
SubjectVerdict judge_manager(const View& view, const Subject& subject, const std::string& key);
// Names that say by themselves that a key is the platform's: an alias of AWS.
bool is_platform_name(std::string_view key);
// An ARN of an account that isn't among the estate's own; nothing is said where none are declared.
bool is_foreign_account(const Estate& estate, std::string_view key);

}  // namespace cloister::posture
