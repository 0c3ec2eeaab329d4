// RT-M07: a bundle that was signed, changed by somebody without the key and by somebody who has it.
#include "audit/signed_note.h"
#include "home/redteam_parts.h"
#include "posture/evidence/bundle.h"
#include "posture/report/json.h"

namespace cloister::home {
namespace {

constexpr std::string_view kName = "redteam.example/-";
constexpr std::string_view kRemedy =
    "a bundle that was tampered with verifies: verify with the program and the catalogue of who audits, and with the "
    "key that the home's log shows";
constexpr std::string_view kEstate = R"(version = 1
id = "redteam"

[[location]]
name = "corpus"
address = "file:/srv/corpus"
kind = "training-data"
owner = "data-team"
environment = "production"
sensitivity = "internal"
)";

posture::Fact fact_of(std::string kind, Time now) {
  posture::Fact fact;
  fact.kind = std::move(kind);
  fact.collector = "inventory/1";
  fact.scope = "the estate";
  fact.at = now;
  fact.valid_until = now + posture::kConfigurationValid;
  return fact;
}

posture::Materials materials_of(Time now) {
  posture::Fact entry = fact_of("inventory.entry", now);
  entry.subject = {posture::SubjectKind::kLocation, "corpus"};
  entry.values = {{"declared", true},
                  {"observed", false},
                  {"owner", std::string("data-team")},
                  {"environment", std::string("production")},
                  {"sensitivity", std::string("internal")}};
  posture::Fact scope = fact_of("inventory.scope", now);
  scope.values = {{"read", std::vector<std::string>{"mounts"}}, {"unread", std::vector<std::string>{}}};
  posture::Materials out;
  out.catalogue = std::string(posture::built_in_catalogue_text());
  out.estate_name = "estate.toml";
  out.estate = std::string(kEstate);
  out.facts = posture::settled({std::move(entry), std::move(scope)});
  out.at = now;
  out.program = "cloister redteam";
  return out;
}

Result<posture::BundleContents> contents_of(posture::Materials materials) {
  posture::BundleContents out;
  out.materials = std::move(materials);
  CLOISTER_TRY(const posture::Posture posture, posture::posture_of(out.materials));
  out.verdicts = posture::verdicts_json(posture);
  out.history = posture::history_json(posture);
  return out;
}

Result<std::string> signed_bundle(const std::string& lines, const audit::NoteSigner& signer, Time now) {
  CLOISTER_TRY(const std::string text, posture::bundle_text(lines));
  CLOISTER_TRY(const std::string note, audit::write_note({text, {signer.sign(text, now)}}));
  return posture::format_bundle(lines, note);
}

// False: there was nothing of that to change.
bool replace(std::string& text, std::string_view from, std::string_view to, std::size_t after = 0) {
  const std::size_t at = text.find(from, after);
  if (at == std::string::npos) return false;
  text.replace(at, from.size(), to);
  return true;
}

class Forger {
 public:
  Forger(const redteam::Field& field, const ForgedReportTarget& target)
      : field_(field),
        target_(target),
        tally_(field, "RT-M07", std::string(kRemedy)),
        key_(crypto::SigningKey::generate(*field.random)) {}

  redteam::Report run() && {
    const Status ready = make();
    if (!ready.ok()) return redteam::not_run("RT-M07", ready.error().message());
    tally_.honest("the bundle as it was signed", target_.verify(bundle_, signer_->verifier().text()));
    without_the_key();
    with_the_key();
    return std::move(tally_).finish();
  }

 private:
  Status make() {
    CLOISTER_TRY(signer_, audit::NoteSigner::make(kName, audit::NoteKeyType::kEd25519, key_));
    CLOISTER_TRY(contents_, contents_of(materials_of(field_.now)));
    CLOISTER_TRY(lines_, posture::bundle_lines(*contents_));
    CLOISTER_TRY(bundle_, signed_bundle(lines_, *signer_, field_.now));
    return {};
  }

  void try_bundle(const std::string& what, const std::string& bundle) {
    if (!tally_.over()) tally_.attack(what, target_.verify(bundle, signer_->verifier().text()));
  }
  void changed(const std::string& what, std::string_view from, std::string_view to) {
    std::string copy = bundle_;
    if (!replace(copy, from, to)) return tally_.cannot(what + ": there is nothing of that");
    try_bundle(what, copy);
  }

  void without_the_key() {
    changed("a value of a fact is changed", "\"observed\":false", "\"observed\":true");
    changed("a fact is dated back", to_rfc3339(field_.now), to_rfc3339(field_.now + days(-1)));
    changed("a verdict is turned", "\"status\":\"fail\"", "\"status\":\"pass\"");
    changed("the overall level is another", "\"overall\":\"Unrated\"", "\"overall\":\"Strategic\"");
    changed("an exception is put in afterwards", "\"exceptions\":\"\"", "\"exceptions\":\"version = 1\\n\"");
    changed("what the control asks for is less", "critical = \\\"yes\\\"", "critical = \\\"no \\\"");
    std::string copy = bundle_;
    const std::size_t fact = copy.find("\n{\"at\":\"") + 1;
    copy.erase(fact, copy.find('\n', fact) + 1 - fact);
    try_bundle("a fact is left out", copy);
    const crypto::SigningKey stranger = crypto::SigningKey::generate(*field_.random);
    auto other = audit::NoteSigner::make(kName, audit::NoteKeyType::kEd25519, stranger);
    if (!other.ok()) return tally_.cannot(other.error().message());
    const auto resigned = signed_bundle(lines_, *other, field_.now);
    if (!resigned.ok()) return tally_.cannot(resigned.error().message());
    try_bundle("the same by a key of the same name", *resigned);
    for (std::size_t at = 7; at < bundle_.size(); at += bundle_.size() / 40 + 1) {
      copy = bundle_;
      copy[at] = static_cast<char>(copy[at] ^ 1);
      try_bundle("byte " + std::to_string(at) + " is changed", copy);
    }
  }

  // A dishonest operator: everything is signed as it should be.
  void sign(const std::string& what, const std::function<bool(posture::BundleContents&)>& change) {
    posture::BundleContents contents = *contents_;
    if (!change(contents)) return tally_.cannot(what + ": there is nothing of that");
    const auto lines = posture::bundle_lines(contents);
    if (!lines.ok()) return tally_.attack(what + ", signed", Status(lines.error()));
    const auto bundle = signed_bundle(*lines, *signer_, field_.now);
    if (!bundle.ok()) return tally_.attack(what + ", signed", Status(bundle.error()));
    try_bundle(what + ", signed", *bundle);
  }

  void with_the_key() {
    sign("a verdict is turned", [](posture::BundleContents& contents) {
      return replace(contents.verdicts, "\"status\":\"fail\"", "\"status\":\"pass\"",
                     contents.verdicts.find("\"controls\":["));
    });
    sign("the overall level is another", [](posture::BundleContents& contents) {
      return replace(contents.verdicts, "\"overall\":\"Unrated\"", "\"overall\":\"Strategic\"");
    });
    sign("facts that say less than the verdicts", [](posture::BundleContents& contents) {
      contents.materials.facts.pop_back();
      return true;
    });
    sign("a failing control is left out of the catalogue", [](posture::BundleContents& contents) {
      posture::Materials& materials = contents.materials;
      const std::size_t at = materials.catalogue.find("[[control]]\nid = \"INV-01\"");
      if (at == std::string::npos) return false;
      materials.catalogue.erase(at, materials.catalogue.find("[[control]]\n", at + 1) - at);
      auto made = contents_of(materials);
      if (made.ok()) contents = std::move(*made);
      return made.ok();
    });
    sign("a person's word that nobody signed", [&](posture::BundleContents& contents) {
      posture::Fact record = fact_of("record", field_.now);
      record.method = posture::Method::kRecord;
      record.values = {{"record", std::string("threat-model")}, {"owner", std::string("ada")}};
      posture::Materials materials = contents.materials;
      materials.facts.push_back(std::move(record));
      materials.facts = posture::settled(std::move(materials.facts));
      auto made = contents_of(std::move(materials));
      if (made.ok()) contents = std::move(*made);
      return made.ok();
    });
  }

  const redteam::Field& field_;
  const ForgedReportTarget& target_;
  redteam::Tally tally_;
  const crypto::SigningKey key_;
  std::optional<audit::NoteSigner> signer_;  // of key_, which it doesn't own
  std::optional<posture::BundleContents> contents_;
  std::string lines_, bundle_;
};

}  // namespace

ForgedReportTarget verified_as_an_auditor() {
  return {[](std::string_view bundle, std::string_view text) -> Status {
    CLOISTER_TRY(const audit::VerifierKey key, audit::VerifierKey::parse(text));
    CLOISTER_TRY(const posture::VerifiedBundle verified,
                 posture::verify_bundle(bundle, {&key, 1}, posture::built_in_catalogue()));
    if (verified.catalogue_differences.empty()) return {};
    return Error(Code::kDenied, verified.catalogue_differences.front());
  }};
}

redteam::Report run_forged_reports(const redteam::Field& field, const ForgedReportTarget& target) {
  return Forger(field, target).run();
}

}  // namespace cloister::home
