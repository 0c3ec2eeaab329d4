// KEY-01 to KEY-03: where keys live, whose they are, and what each of them protects.
#include "posture/judge/keys.h"

#include <algorithm>

#include "posture/judge/layers.h"
#include "posture/judge/migration.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kIntoHsm =
    "make the key anew in an HSM or key service, not exportable, and make it known (cloister root add NAME pkcs11 …), "
    "bring what the old one wraps under it (cloister key move --all --to NAME; cloister root default NAME), and "
    "destroy "
    "the old one and every copy";

Finding look_held(const Fact& fact) {
  const std::string* origin = fact.text("origin");
  const std::string* protection = fact.text("protection");
  const std::string remediation(kIntoHsm);
  if (origin == nullptr) return unproven("where it was made isn't known", remediation);
  if (*origin == "software") return fails("it was made by software and lies in a file", remediation);
  if (*origin == "imported") return fails("it was made elsewhere and brought there", remediation);
  if (*origin != "provider" && *origin != "hsm") return unproven("where it was made isn't known", remediation);
  if (protection == nullptr || (*protection != "hsm" && *protection != "software")) {
    return unproven("what protects it isn't known", remediation);
  }
  if (*origin == "hsm" && *protection != "hsm") return unproven("an HSM made it, and no HSM holds it", remediation);
  const auto exportable = fact.truth("exportable");
  if (!exportable) return unproven("whether it can be exported isn't known", remediation);
  if (*exportable) return fails("it can be exported", remediation);
  return passes(*protection == "hsm" ? "an HSM made and holds it" : "a key service made and holds it");
}

// One that exists elsewhere only wrapped is as safe as the key above it.
SubjectVerdict judge_held(const View& view, const Subject& subject, const std::string& key, int depth) {
  const Facts facts = view.about("key.posture", key_subject(key));
  const Question asked{subject, "nobody described the key " + key, std::string(kIntoHsm)};
  std::vector<SubjectVerdict> parts;
  parts.push_back(judge_by(view, asked, facts, [](const Fact& fact) {
    const std::string* above = fact.text("wrapped_by");
    if (above != nullptr && !above->empty()) return passes("it exists only wrapped by " + *above);
    return look_held(fact);
  }));
  for (const Fact* fact : facts) {
    const std::string* above = fact->text("wrapped_by");
    if (above == nullptr || above->empty() || !why_no_proof(view, *fact).empty()) continue;
    parts.push_back(depth > 8 ? not_assessed(subject, "the keys above it go round in a circle")
                              : judge_held(view, subject, *above, depth + 1));
  }
  return all_of(subject, std::move(parts));
}

Finding look_raw_keys(const Fact& fact) {
  const auto raw = fact.number("raw_keys");
  if (!raw || *raw < 0) return unproven("how many raw keys lie there isn't known");
  if (*raw == 0) return passes("no raw key lies there");
  const std::vector<std::string>* where = fact.list("where");
  return fails(std::to_string(*raw) + " raw keys lie there" +
                   (where == nullptr || where->empty() ? std::string() : ": " + where->front()),
               "destroy them, take them as known to others, and give up what they protect: cloister rekey");
}

// Wherever somebody looked, and wherever files can be looked at.
void add_raw_keys(const View& view, std::vector<SubjectVerdict>& out) {
  std::vector<Subject> subjects;
  for (const LocationFacts& location : locations(view)) {
    if (location.declared != nullptr && location.address().starts_with("file:")) subjects.push_back(location.subject);
  }
  for (const Fact* fact : view.all("key.material")) {
    if (fact->subject.kind != SubjectKind::kKey) subjects.push_back(fact->subject);
  }
  std::ranges::sort(subjects);
  const auto twice = std::ranges::unique(subjects);
  subjects.erase(twice.begin(), twice.end());
  const std::string nobody = "nobody looked for raw keys";
  for (const Subject& subject : subjects) {
    out.push_back(judge_by(view, {subject, nobody}, view.about("key.material", subject), look_raw_keys));
  }
  if (subjects.empty()) out.push_back(not_assessed(the_platform(), nobody));
}

// Objects in a store are under the key they were written with, whatever the default is now.
Finding look_sampled(const Fact& fact, const LocationFacts& location) {
  if (!is_object_store(location.address()) || fact.subject.kind == SubjectKind::kObject) return passes({});
  const std::string* level = fact.text("level");
  const auto objects = fact.number("objects"), sampled = fact.number("objects_sampled");
  if (level == nullptr || *level != "object" || !sampled || (*sampled < 1 && objects != 0)) {
    return unproven("only the default for new objects is known, not the keys of those that are there",
                    "audit with the right to read objects' headers");
  }
  const auto bound = fact.number("sample_bound_permille");
  return passes(std::to_string(*sampled) + " objects were looked at" +
                (bound && *bound > 0 ? ", so that at most " + std::to_string(*bound) + " in a thousand differ" : ""));
}

Finding look_key_manager(const View& view, const Fact& fact, const LocationFacts& location) {
  const std::string* manager = fact.text("key_manager");
  const std::string* key = fact.text("key");
  const std::string migration = how_to_migrate(fact, location.address());
  const std::string named = key == nullptr || key->empty() ? "the key" : *key;
  if (manager == nullptr) return unproven("who manages its key isn't known", migration);
  if (*manager == "platform_default" || is_platform_name(named)) {
    return fails(named + " is the platform's default key", migration);
  }
  if (*manager == "foreign" || is_foreign_account(view.estate(), named)) {
    return fails(named + " belongs to another account", migration);
  }
  if (*manager == "none") return fails("nobody manages its key: a passphrase, or a key beside the data", migration);
  if (*manager != "operator" && *manager != "unknown") return unproven("who manages its key isn't known", migration);
  if (key == nullptr || key->empty()) return unproven("its key isn't named", migration);
  Finding sampled = look_sampled(fact, location);
  if (sampled.status != Status::kPass) return sampled;
  // Somebody may have asked the key's provider itself.
  const SubjectVerdict described = judge_manager(view, location.subject, *key);
  const bool asked = !view.about("key.posture", key_subject(*key)).empty();
  const bool settled = asked || *manager == "unknown";
  if (settled && described.status != Status::kPass) {
    return {described.status, described.reason, described.remediation.empty() ? migration : described.remediation};
  }
  return passes(*key + " is the operator's" + (sampled.reason.empty() ? "" : "; " + sampled.reason));
}

// Keys that headers name, each by its own facts.
SubjectVerdict judge_header_keys(const View& view, const LocationFacts& location) {
  std::vector<SubjectVerdict> parts;
  parts.push_back(judge_by(view, {location.subject, "nobody looked whose keys its objects are sealed with"},
                           location.seals, [](const Fact& fact) {
                             const std::vector<std::string>* rings = fact.list("keyring_ids");
                             const std::vector<std::string>* slots = fact.list("slot_keys");
                             // Whoever else has a slot can open them too: all must be known.
                             const bool all = rings != nullptr && slots != nullptr && !slots->empty();
                             return all ? passes("its headers name their keys")
                                        : unproven("its headers don't say by which keys they open");
                           }));
  for (const Fact* fact : location.seals) {
    if (!why_no_proof(view, *fact).empty()) continue;
    const std::vector<std::string>* rings = fact->list("keyring_ids");
    for (const std::string& key : header_keys(*fact)) {
      const bool is_ring = contains(rings, key);
      parts.push_back(judge_manager(view, location.subject, is_ring ? "cloister:keyring:" + key : key));
    }
  }
  return all_of(location.subject, std::move(parts));
}

SubjectVerdict judge_only_seals(const View& view, const LocationFacts& location) {
  return judge_by(view, {location.subject, {}}, location.scans, [](const Fact& scan) {
    const auto other = scan.number("encrypted_other");
    if (other == 0) return passes("all are Cloister's seals");
    return unproven("files are encrypted with keys that nobody described", "seal them: cloister seal");
  });
}

void add_object_managers(const View& view, const LocationFacts& location, std::vector<SubjectVerdict>& out) {
  for (const Fact* fact : location.objects) {
    if (!why_no_proof(view, *fact).empty() || look_encrypted(*fact).status != Status::kPass) continue;
    Finding finding = look_key_manager(view, *fact, location);
    if (finding.status == Status::kFail) {
      out.push_back(verdict_of(fact->subject, std::move(finding), {view.id_of(*fact)}));
    }
  }
}

constexpr std::string_view kReseal =
    "seal each dataset and model with a keyring of its own: cloister dataset create, "
    "cloister seal; what is under a retired key: cloister rewrap";

// These services make a data key for each object or volume and keep it wrapped by the key that is named.
Finding look_envelope(const Fact& fact) {
  const std::string* scheme = fact.text("scheme");
  const std::string* key = fact.text("key");
  const bool envelope = *scheme == "sse-kms" || *scheme == "dsse-kms" || *scheme == "gcs" || *scheme == "ebs";
  if (envelope && key != nullptr && !key->empty()) {
    return passes(*scheme + " keeps a data key of its own for each, wrapped by " + *key);
  }
  return unproven("nothing shows that each dataset and model has a data key of its own", std::string(kReseal));
}

}  // namespace

std::vector<std::string> header_keys(const Fact& seal) {
  std::vector<std::string> out;
  if (const std::vector<std::string>* rings = seal.list("keyring_ids")) out = *rings;
  if (const std::vector<std::string>* slots = seal.list("slot_keys")) {
    for (const std::string& slot : *slots) {
      // A dataset key is named KEYRING/VERSION.
      const std::string ring = slot.substr(0, slot.find('/'));
      if (!contains(seal.list("keyring_ids"), ring)) out.push_back(slot);
    }
  }
  return out;
}

namespace {

bool is_retired(const View& view, const Fact& seal, const std::string& slot) {
  const std::size_t slash = slot.find('/');
  if (slash == slot.npos || !contains(seal.list("keyring_ids"), slot.substr(0, slash))) return false;
  for (const Fact* fact : view.about("key.posture", key_subject("cloister:keyring:" + slot.substr(0, slash)))) {
    if (contains(fact->list("versions_retired"), slot.substr(slash + 1))) return true;
  }
  return false;
}

Finding look_deks(const View& view, const Fact& seal) {
  const std::string remediation(kReseal);
  const auto objects = seal.number("objects"), reused = seal.number("deks_reused"), raw = seal.number("raw_keys");
  if (!objects || !reused || !raw) return unproven("its headers weren't counted whole", remediation);
  if (*objects < 1) return unproven("there is no sealed object in it", remediation);
  if (*reused != 0) return fails(std::to_string(*reused) + " objects share a data key", "cloister rekey");
  if (*raw != 0) return fails(std::to_string(*raw) + " data keys lie there unwrapped", "cloister rekey");
  const auto retired = seal.number("dek_wrapped_retired"), active = seal.number("dek_wrapped_active");
  if (retired && *retired != 0) {
    return fails(std::to_string(*retired) + " data keys are wrapped by a retired key", "cloister rewrap");
  }
  if (retired && active) {
    if (*active == *objects) return passes("each of its objects has a data key, wrapped by an active key");
    return unproven("not every object's data key is known to be wrapped by an active key", remediation);
  }
  const std::vector<std::string>* slots = seal.list("slot_keys");
  if (slots == nullptr || slots->empty()) return unproven("which keys wrap its data keys isn't known", remediation);
  for (const std::string& slot : *slots) {
    if (is_retired(view, seal, slot)) {
      return fails("data keys are wrapped by " + slot + ", which is retired", "cloister rewrap");
    }
  }
  return passes("each of its objects has a data key of its own");
}

}  // namespace

std::vector<SubjectVerdict> judge_key_01(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const KeyFacts& key : wrapping_keys(view)) {
    out.push_back(judge_held(view, key.subject, key.subject.id, 0));
  }
  if (out.empty()) out.push_back(not_assessed(the_platform(), "no key was described"));
  add_raw_keys(view, out);
  add_drills_run(view, {"RT-K05", "RT-K06"}, out);
  return out;
}

std::vector<SubjectVerdict> judge_key_02(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const LocationFacts& location : locations(view)) {
    const auto configured = [&](const Fact& fact) { return look_key_manager(view, fact, location); };
    const auto sealed = [&](const LocationFacts& at) {
      std::vector<SubjectVerdict> parts;
      parts.push_back(judge_only_seals(view, at));
      parts.push_back(judge_header_keys(view, at));
      return all_of(at.subject, std::move(parts));
    };
    out.push_back(
        judge_layers(view, location,
                     {"nobody looked with whose key it is encrypted", how_to_encrypt(location), configured, sealed}));
    add_object_managers(view, location, out);
  }
  return out;
}

std::vector<SubjectVerdict> judge_key_03(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const LocationFacts& location :
       locations_of(view, {DataKind::kTrainingData, DataKind::kFeatures, DataKind::kModel})) {
    const auto sealed = [&](const LocationFacts& at) {
      std::vector<SubjectVerdict> parts;
      parts.push_back(judge_only_seals(view, at));
      parts.push_back(judge_by(view, {at.subject, "nobody looked at its headers", std::string(kReseal)}, at.seals,
                               [&](const Fact& seal) { return look_deks(view, seal); }));
      parts.push_back(judge_header_keys(view, at));
      return all_of(at.subject, std::move(parts));
    };
    out.push_back(judge_layers(view, location,
                               {"nobody looked which keys encrypt it", std::string(kReseal), look_envelope, sealed}));
  }
  return out;
}

}  // namespace cloister::posture
