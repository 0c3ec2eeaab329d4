// Written from front to back: observations, then risks, then findings, each naming those before it.
#include "posture/report/oscal.h"

#include <algorithm>
#include <map>
#include <set>

#include "crypto/uuid.h"
#include "posture/report/index.h"
#include "posture/report/json_writer.h"
#include "posture/report/text.h"

namespace cloister::posture::report {
namespace {

constexpr std::string_view kNamespace = "urn:cloister:posture";
// Of everything that is named here: version 5 of the URL namespace and "urn:cloister:posture".
constexpr crypto::Uuid kUuidUrl = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
                                   0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

std::string uuid_of(std::string_view kind, std::string_view name) {
  static const crypto::Uuid space = crypto::name_uuid(kUuidUrl, kNamespace);
  return crypto::uuid_text(crypto::name_uuid(space, std::string(kind) + "\n" + std::string(name)));
}

// Text of OSCAL's markup is Markdown: what would be markup in it is taken as it is.
std::string markup(std::string_view text) {
  std::string out;
  for (const char c : plain(text)) {
    if (std::string_view("\\`*_[]<>&!#{}|~$^\"'").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out.empty() ? "-" : out;
}

// A value must have something in it, and no blanks around.
std::string value_of(std::string_view text) {
  std::string shown = plain(text);
  const std::size_t begin = shown.find_first_not_of(' ');
  if (begin == std::string::npos) return "-";
  return shown.substr(begin, shown.find_last_not_of(' ') - begin + 1);
}

void add_property(JsonWriter& json, std::string_view name, std::string_view value) {
  json.begin_object().text("name", name).text("ns", kNamespace).text("value", value_of(value)).end_object();
}

std::string observation_uuid(std::string_view control, const SubjectVerdict* verdict) {
  return uuid_of("observation", verdict == nullptr ? std::string(control) : verdict->fingerprint(control));
}

std::string_view oscal_method(Method method) {
  switch (method) {
    case Method::kExamine: return "EXAMINE";
    case Method::kTest: return "TEST";
    case Method::kRecord: return "INTERVIEW";
  }
  return "UNKNOWN";
}

class Results {
 public:
  explicit Results(const Posture& posture) : posture_(posture), index_(posture) {}

  std::string write() {
    json_.begin_object().object("assessment-results").text("uuid", uuid_of("assessment-results", posture_.run));
    add_metadata();
    json_.object("import-ap")
        .text("href", "#" + uuid_of("catalogue", posture_.assessment.catalogue_digest))
        .end_object();
    json_.array("results").begin_object();
    add_result();
    json_.end_object().end_array();
    add_back_matter();
    json_.end_object().end_object();
    return json_.take();
  }

 private:
  const Assessment& assessment() const { return posture_.assessment; }

  void add_metadata() {
    json_.object("metadata").text("title", "Encryption posture of " + markup(assessment().estate));
    json_.text("last-modified", to_rfc3339(assessment().at))
        .text("version", value_of(posture_.run))
        .text("oscal-version", "1.2.1");
    json_.end_object();
  }

  void add_result() {
    json_.text("uuid", uuid_of("result", posture_.run)).text("title", "Run " + markup(posture_.run.substr(0, 16)));
    json_.text("description",
               "Facts of this run judged by the control catalogue. What could not be assessed is an observation "
               "with check-result not-assessed, and no finding.");
    json_.text("start", to_rfc3339(started())).text("end", to_rfc3339(assessment().at)).array("props");
    add_property(json_, "catalogue-sha256", assessment().catalogue_digest);
    add_property(json_, "estate-sha256", assessment().estate_digest);
    add_property(json_, "coverage", coverage_text(assessment().coverage));
    add_property(json_, "level", name_of(posture_.maturity.overall));
    for (const DomainMaturity& domain : posture_.maturity.domains) {
      std::string name = "level-" + std::string(name_of(domain.domain));
      std::ranges::replace(name, '_', '-');
      add_property(json_, name, name_of(domain.reached));
    }
    add_property(json_, "score-lower", score_text(posture_.maturity.score.lower));
    add_property(json_, "score-upper", score_text(posture_.maturity.score.upper));
    json_.end_array();
    add_local_definitions();
    json_.object("reviewed-controls").array("control-selections").begin_object().array("include-controls");
    for (const ControlAssessment& control : assessment().controls) {
      json_.begin_object().text("control-id", control.control).end_object();
    }
    json_.end_array().end_object().end_array().end_object();
    add_observations();
    add_risks();
    add_findings();
  }

  // When the first of the facts was made.
  Time started() const {
    Time first = assessment().at;
    for (const Fact& fact : posture_.facts) first = std::min(first, fact.at);
    return first;
  }

  void add_local_definitions() {
    std::set<std::string> collectors = {"assessment"};
    for (const Fact& fact : posture_.facts) collectors.insert(fact.collector);
    json_.object("local-definitions").array("components");
    for (const std::string& one : collectors) {
      json_.begin_object().text("uuid", uuid_of("collector", one)).text("type", "software").text("title", markup(one));
      json_.text("description", one == "assessment" ? "Judges facts." : "Collector of facts.");
      json_.object("status").text("state", "operational").end_object().end_object();
    }
    json_.end_array();
    std::set<Subject> subjects;
    for (const ControlAssessment& control : assessment().controls) {
      for (const SubjectVerdict& verdict : control.subjects) subjects.insert(verdict.subject);
    }
    if (!subjects.empty()) json_.array("inventory-items");
    for (const Subject& subject : subjects) add_item(subject);
    if (!subjects.empty()) json_.end_array();
    json_.end_object();
  }

  void add_item(const Subject& subject) {
    json_.begin_object().text("uuid", uuid_of("subject", subject.text())).text("description", markup(subject.text()));
    json_.array("props").begin_object().text("name", "asset-id").text("value", value_of(subject.text())).end_object();
    if (const Label* label = index_.label_of(subject); label != nullptr) {
      if (!label->owner.empty()) add_property(json_, "owner", label->owner);
      if (!label->tenant.empty()) add_property(json_, "tenant", label->tenant);
      if (label->sensitivity) add_property(json_, "sensitivity", name_of(*label->sensitivity));
    }
    json_.end_array().end_object();
  }

  void add_observations() {
    if (assessment().controls.empty()) return;
    json_.array("observations");
    for (const ControlAssessment& control : assessment().controls) {
      if (control.subjects.empty()) add_observation(control, nullptr);
      for (const SubjectVerdict& verdict : control.subjects) add_observation(control, &verdict);
    }
    json_.end_array();
  }

  void add_observation(const ControlAssessment& control, const SubjectVerdict* verdict) {
    const Status status = verdict == nullptr ? control.status : verdict->status;
    const std::string about = verdict == nullptr ? "" : " " + verdict->subject.text();
    json_.begin_object()
        .text("uuid", observation_uuid(control.control, verdict))
        .text("title", markup(control.control + about));
    json_.text("description", markup(verdict == nullptr ? control.reason : verdict->reason)).array("props");
    add_property(json_, "check-id", control.control);
    add_property(json_, "check-result", name_of(status));
    std::vector<const Fact*> facts;
    if (verdict != nullptr) {
      for (const std::string& id : verdict->evidence) {
        add_property(json_, "evidence-sha256", id);
        if (const Fact* fact = index_.find(id); fact != nullptr) facts.push_back(fact);
      }
    }
    json_.end_array();
    add_methods(facts);
    if (verdict != nullptr) {
      json_.array("subjects").begin_object().text("subject-uuid", uuid_of("subject", verdict->subject.text()));
      json_.text("type", "inventory-item").end_object().end_array();
    }
    add_relevant_evidence(facts);
    json_.end_object();
  }

  void add_methods(const std::vector<const Fact*>& facts) {
    std::set<std::string_view> methods;
    std::set<std::string_view> collectors;
    for (const Fact* fact : facts) {
      methods.insert(oscal_method(fact->method));
      collectors.insert(fact->collector);
    }
    if (methods.empty()) methods.insert("UNKNOWN");
    if (collectors.empty()) collectors.insert("assessment");
    json_.array("methods");
    for (const std::string_view method : methods) json_.text(method);
    json_.end_array()
        .array("types")
        .text("control-objective")
        .end_array()
        .array("origins")
        .begin_object()
        .array("actors");
    for (const std::string_view one : collectors) {
      json_.begin_object().text("type", "tool").text("actor-uuid", uuid_of("collector", one)).end_object();
    }
    json_.end_array().end_object().end_array();
  }

  void add_relevant_evidence(const std::vector<const Fact*>& facts) {
    Time collected = facts.empty() ? assessment().at : facts.front()->at;
    if (!facts.empty()) json_.array("relevant-evidence");
    for (const Fact* fact : facts) {
      collected = std::max(collected, fact->at);
      json_.begin_object()
          .text("href", "urn:cloister:fact:sha256:" + index_.id_of(*fact))
          .text("description", markup(fact->kind));
      json_.end_object();
    }
    if (!facts.empty()) json_.end_array();
    json_.text("collected", to_rfc3339(collected));
    if (facts.empty()) return;
    const Fact* first = *std::ranges::min_element(facts, {}, [](const Fact* fact) { return fact->valid_until; });
    json_.text("expires", to_rfc3339(first->valid_until));
  }

  void add_risks() {
    bool any = false;
    for (const ControlAssessment& control : assessment().controls) {
      if (control.status != Status::kFail && control.status != Status::kException) continue;
      if (!any) json_.array("risks");
      any = true;
      add_risk(control);
    }
    if (any) json_.end_array();
  }

  void add_risk(const ControlAssessment& control) {
    const Control* known = built_in_catalogue().find(control.control);
    const std::string title = known == nullptr ? control.control : control.control + " " + known->title;
    json_.begin_object().text("uuid", uuid_of("risk", control.control)).text("title", markup(title));
    json_.text("description", markup(control.reason))
        .text("statement", markup(known == nullptr ? title : known->statement));
    json_.text("status", control.status == Status::kException ? "deviation-approved" : "open");
    if (known != nullptr && !known->atlas_techniques.empty()) {
      json_.array("threat-ids");
      for (const std::string& id : known->atlas_techniques) {
        // Ids of threats are URIs here.
        json_.begin_object()
            .text("system", "https://atlas.mitre.org")
            .text("id", "https://atlas.mitre.org/techniques/" + value_of(id));
        json_.end_object();
      }
      json_.end_array();
    }
    std::optional<Time> deadline;
    for (const SubjectVerdict& verdict : control.subjects) {
      if (verdict.exception && (!deadline || verdict.exception->expires < *deadline))
        deadline = verdict.exception->expires;
    }
    if (deadline) json_.text("deadline", to_rfc3339(*deadline));
    add_remediations(control, known);
    add_related(control, [](Status status) { return status == Status::kFail || status == Status::kException; });
    json_.end_object();
  }

  void add_remediations(const ControlAssessment& control, const Control* known) {
    std::set<std::string> what;
    for (const SubjectVerdict& verdict : control.subjects) {
      if (!verdict.remediation.empty()) what.insert(verdict.remediation);
    }
    if (what.empty() && known != nullptr) what.insert(known->remediation);
    if (what.empty()) return;
    json_.array("remediations");
    for (const std::string& one : what) {
      json_.begin_object()
          .text("uuid", uuid_of("remediation", control.control + "\n" + one))
          .text("lifecycle", "recommendation");
      json_.text("title", "What to do").text("description", markup(one)).end_object();
    }
    json_.end_array();
  }

  template <typename Wanted>
  void add_related(const ControlAssessment& control, const Wanted& wanted) {
    bool any = false;
    for (const SubjectVerdict& verdict : control.subjects) {
      if (!wanted(verdict.status)) continue;
      if (!any) json_.array("related-observations");
      any = true;
      json_.begin_object().text("observation-uuid", observation_uuid(control.control, &verdict)).end_object();
    }
    if (any) json_.end_array();
  }

  void add_findings() {
    bool any = false;
    for (const ControlAssessment& control : assessment().controls) {
      if (control.status == Status::kNotAssessed || control.status == Status::kNotApplicable) continue;
      if (!any) json_.array("findings");
      any = true;
      add_finding(control);
    }
    if (any) json_.end_array();
  }

  void add_finding(const ControlAssessment& control) {
    const Control* known = built_in_catalogue().find(control.control);
    const bool good = control.status == Status::kPass;
    const std::string title = control.control + (known == nullptr ? "" : " " + known->title);
    json_.begin_object().text("uuid", uuid_of("finding", control.control)).text("title", markup(title));
    json_.text("description", markup(control.reason));
    if (known != nullptr) add_clauses(*known);
    json_.object("target").text("type", "objective-id").text("target-id", control.control).object("status");
    json_.text("state", good ? "satisfied" : "not-satisfied");
    json_.text("reason", good ? "pass" : control.status == Status::kFail ? "fail" : "other").end_object().end_object();
    add_related(control, [](Status) { return true; });
    if (!good)
      json_.array("related-risks")
          .begin_object()
          .text("risk-uuid", uuid_of("risk", control.control))
          .end_object()
          .end_array();
    json_.end_object();
  }

  void add_clauses(const Control& control) {
    if (control.mappings.empty()) return;
    json_.array("props");
    for (const Mapping& mapping : control.mappings) {
      for (const std::string& clause : mapping.clauses) {
        json_.begin_object().text("name", mapping.framework).text("ns", kNamespace).text("value", value_of(clause));
        json_.text("class", mapping.relation == Relation::kDirect ? "direct" : "supports").end_object();
      }
    }
    json_.end_array();
  }

  // What was assessed against stands in for a plan, which there is none of.
  void add_back_matter() {
    json_.object("back-matter").array("resources").begin_object();
    json_.text("uuid", uuid_of("catalogue", assessment().catalogue_digest));
    json_.text("title", "Cloister control catalogue " + markup(assessment().catalogue_version));
    json_.text("description", "Every control of it was reviewed, whatever could be assessed.");
    json_.end_object().end_array().end_object();
  }

  const Posture& posture_;
  Index index_;
  JsonWriter json_;
};

}  // namespace

std::string oscal_assessment_results(const Posture& posture) { return Results(posture).write(); }

}  // namespace cloister::posture::report
