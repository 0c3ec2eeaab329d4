// A small run, signed, for tests of evidence.
#pragma once

#include <string>

#include "posture/evidence/bundle.h"
#include "posture/report/json.h"
#include "tests/support/expect.h"
#include "tests/unit/audit/log_fixture.h"

namespace cloister::posture {

inline constexpr Time kRunTime{1'795'000'000'000};
inline constexpr std::string_view kSignerName = "example.org/-";

inline constexpr std::string_view kEstateText = R"(version = 1
id = "acme"

[[location]]
name = "corpus"
address = "file:/srv/corpus"
kind = "training-data"
owner = "data-team"
environment = "production"
sensitivity = "internal"

[[location]]
name = "weights"
address = "file:/srv/weights"
kind = "model"
owner = "data-team"
environment = "production"
sensitivity = "internal"
)";

// About a location's inventory: what INV-01 is judged by.
inline Fact entry(const std::string& location, bool observed, Time at = kRunTime) {
  Fact fact;
  fact.kind = "inventory.entry";
  fact.subject = {SubjectKind::kLocation, location};
  fact.collector = "inventory/1";
  fact.scope = "the estate";
  fact.at = at;
  fact.valid_until = at + kConfigurationValid;
  fact.values = {{"declared", true},
                 {"observed", observed},
                 {"owner", std::string("data-team")},
                 {"environment", std::string("production")},
                 {"sensitivity", std::string("internal")}};
  return fact;
}

inline Fact scope(Time at = kRunTime) {
  Fact fact;
  fact.kind = "inventory.scope";
  fact.collector = "inventory/1";
  fact.scope = "the estate";
  fact.at = at;
  fact.valid_until = at + kConfigurationValid;
  fact.values = {{"read", std::vector<std::string>{"mounts"}}, {"unread", std::vector<std::string>{}}};
  return fact;
}

inline Materials materials_of(std::vector<Fact> facts, Time at = kRunTime) {
  Materials materials;
  materials.catalogue = std::string(built_in_catalogue_text());
  materials.estate_name = "estate.toml";
  materials.estate = std::string(kEstateText);
  materials.facts = settled(std::move(facts));
  materials.at = at;
  materials.program = "cloister test";
  materials.context = {{"user", "uid:1000"}};
  return materials;
}

inline Materials example_materials() { return materials_of({entry("corpus", true), entry("weights", false), scope()}); }

inline BundleContents contents_of(Materials materials, std::string previous = {}) {
  BundleContents contents;
  contents.materials = std::move(materials);
  const Posture posture = testing::value_of(posture_of(contents.materials));
  contents.verdicts = verdicts_json(posture);
  contents.history = history_json(posture);
  contents.previous = std::move(previous);
  return contents;
}

struct Signer {
  crypto::SigningKey key = audit::signing_key(7);
  audit::NoteSigner note = testing::value_of(audit::NoteSigner::make(kSignerName, audit::NoteKeyType::kEd25519, key));

  std::string sign(const std::string& text) const {
    return testing::value_of(audit::write_note({text, {note.sign(text, kRunTime)}}));
  }
  // Signs whatever it is given, as a dishonest operator would.
  std::string bundle(std::string_view lines) const {
    return format_bundle(lines, sign(testing::value_of(bundle_text(lines))));
  }
  std::string bundle(const BundleContents& contents) const { return bundle(testing::value_of(bundle_lines(contents))); }
};

}  // namespace cloister::posture
