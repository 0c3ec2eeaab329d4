// A line for each verdict, and one for a control that has none.
#include "posture/report/ocsf.h"

#include <set>

#include "posture/report/index.h"
#include "posture/report/json_writer.h"
#include "posture/report/text.h"

namespace cloister::posture::report {
namespace {

struct Coded {
  std::int64_t id;
  std::string_view name;
};

Coded compliance_of(Status status) {
  switch (status) {
    case Status::kPass: return {1, "Pass"};
    case Status::kFail: return {3, "Fail"};
    case Status::kException: return {2, "Warning"};
    case Status::kNotApplicable: return {99, "Not applicable"};
    case Status::kNotAssessed: break;
  }
  return {0, "Unknown"};
}

Coded severity_of(Status status, const Control* control) {
  if (status == Status::kPass || status == Status::kNotApplicable) return {1, "Informational"};
  if (status == Status::kNotAssessed) return {0, "Unknown"};
  return control != nullptr && control->critical ? Coded{4, "High"} : Coded{3, "Medium"};
}

Coded state_of(Status status) {
  if (status == Status::kException) return {3, "Suppressed"};
  return status == Status::kPass ? Coded{4, "Resolved"} : Coded{1, "New"};
}

void add_compliance(JsonWriter& json, const ControlAssessment& assessment, Status status, const std::string& reason) {
  const Control* control = built_in_catalogue().find(assessment.control);
  const Coded coded = compliance_of(status);
  json.object("compliance")
      .text("control", assessment.control)
      .number("status_id", coded.id)
      .text("status", coded.name);
  if (!reason.empty()) json.array("status_details").text(plain(reason)).end_array();
  if (control != nullptr) {
    json.text("desc", control->statement).text("category", title_of(control->domain));
    std::set<std::string> standards, clauses;
    for (const Mapping& mapping : control->mappings) {
      if (mapping.relation != Relation::kDirect) continue;
      const Framework* framework = built_in_catalogue().framework(mapping.framework);
      const std::string& title = framework == nullptr ? mapping.framework : framework->title;
      standards.insert(title);
      for (const std::string& clause : mapping.clauses) clauses.insert(title + " " + clause);
    }
    for (const auto& [name, list] : {std::pair("standards", &standards), std::pair("requirements", &clauses)}) {
      if (list->empty()) continue;
      json.array(name);
      for (const std::string& one : *list) json.text(one);
      json.end_array();
    }
  }
  json.end_object();
}

void add_resource(JsonWriter& json, const Index& index, const Subject& subject) {
  json.array("resources")
      .begin_object()
      .text("uid", plain(subject.text()))
      .text("name", plain(subject.id.empty() ? "platform" : subject.id));
  json.text("type", name_of(subject.kind));
  if (const Label* label = index.label_of(subject); label != nullptr) {
    if (!label->owner.empty()) json.object("owner").text("name", plain(label->owner)).end_object();
    if (label->sensitivity) json.array("labels").text(name_of(*label->sensitivity)).end_array();
  }
  json.end_object().end_array();
}

void add_event(JsonWriter& json, const Index& index, const ControlAssessment& control, const SubjectVerdict* verdict) {
  const Posture& posture = index.posture();
  const Status status = verdict == nullptr ? control.status : verdict->status;
  const Control* known = built_in_catalogue().find(control.control);
  const Coded severity = severity_of(status, known), state = state_of(status);
  const std::size_t blank = posture.program.find(' ');
  json.begin_object().number("class_uid", 2003).text("class_name", "Compliance Finding").number("category_uid", 2);
  json.text("category_name", "Findings")
      .number("activity_id", 1)
      .text("activity_name", "Create")
      .number("type_uid", 200301);
  json.number("time", posture.assessment.at.unix_ms).number("severity_id", severity.id).text("severity", severity.name);
  json.number("status_id", state.id).text("status", state.name);
  json.object("metadata")
      .text("version", "1.5.0")
      .object("product")
      .text("name", "Cloister")
      .text("vendor_name", "Cloister");
  if (blank != std::string::npos) json.text("version", plain(posture.program.substr(blank + 1)));
  json.end_object().text("correlation_uid", plain(posture.run)).end_object();
  const std::string title = known == nullptr ? control.control : control.control + " " + known->title;
  json.object("finding_info").text("uid", verdict == nullptr ? control.control : verdict->fingerprint(control.control));
  json.text("title", title).text("desc", plain(verdict == nullptr ? control.reason : verdict->reason)).end_object();
  add_compliance(json, control, status, verdict == nullptr ? control.reason : verdict->reason);
  if (verdict != nullptr) {
    add_resource(json, index, verdict->subject);
    if (!verdict->remediation.empty())
      json.object("remediation").text("desc", plain(verdict->remediation)).end_object();
    if (!verdict->evidence.empty()) json.array("evidences");
    for (const std::string& id : verdict->evidence) {
      const Fact* fact = index.find(id);
      json.begin_object().text("uid", id).object("data").text("sha256", id);
      if (fact != nullptr) json.text("kind", plain(fact->kind)).text("collector", plain(fact->collector));
      json.end_object().end_object();
    }
    if (!verdict->evidence.empty()) json.end_array();
    if (verdict->exception) {
      json.object("unmapped").text("exception_owner", plain(verdict->exception->owner));
      json.text("exception_approver", plain(verdict->exception->approver))
          .text("exception_reason", plain(verdict->exception->reason));
      json.text("exception_expires", to_rfc3339(verdict->exception->expires)).end_object();
    }
  }
  json.end_object();
}

}  // namespace

std::string ocsf_findings(const Posture& posture) {
  const Index index(posture);
  std::string out;
  for (const ControlAssessment& control : posture.assessment.controls) {
    const auto add = [&](const SubjectVerdict* verdict) {
      JsonWriter json;
      add_event(json, index, control, verdict);
      out += json.take() + "\n";
    };
    if (control.subjects.empty()) add(nullptr);
    for (const SubjectVerdict& verdict : control.subjects) add(&verdict);
  }
  return out;
}

}  // namespace cloister::posture::report
