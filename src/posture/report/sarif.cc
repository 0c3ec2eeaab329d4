// One run, written from front to back.
#include "posture/report/sarif.h"

#include "posture/report/index.h"
#include "posture/report/json_writer.h"
#include "posture/report/text.h"

namespace cloister::posture::report {
namespace {

constexpr std::string_view kSchema =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

// Brackets in messages make links (3.11.6 of the standard); braces stand for arguments.
std::string message(std::string_view text) {
  std::string out;
  for (const char c : plain(text)) {
    if (c == '[' || c == ']' || c == '\\') out += '\\';
    if (c == '{' || c == '}') out += c;
    out += c;
  }
  return out.empty() ? "-" : out;
}

// A path as a URI: every byte that isn't plain there is escaped.
std::string uri_path(std::string_view path) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
    if (letter || std::string_view("-._~/").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return out;
}

std::string_view kind_of(Status status) {
  switch (status) {
    case Status::kPass: return "pass";
    case Status::kFail:
    case Status::kException: return "fail";
    case Status::kNotAssessed: return "open";
    case Status::kNotApplicable: return "notApplicable";
  }
  return "open";
}

std::string_view level_of(Status status, const Control* control) {
  if (status != Status::kFail && status != Status::kException) return "none";
  return control != nullptr && control->critical ? "error" : "warning";
}

void add_message(JsonWriter& json, std::string_view member, std::string_view text) {
  json.object(member).text("text", message(text)).end_object();
}

void add_rule(JsonWriter& json, const ControlAssessment& assessment) {
  const Control* control = built_in_catalogue().find(assessment.control);
  json.begin_object().text("id", assessment.control);
  if (control != nullptr) {
    add_message(json, "shortDescription", control->title + ".");
    add_message(json, "fullDescription", control->statement);
    add_message(json, "help", "Passes when: " + control->criterion + " Remedy: " + control->remediation);
    json.object("defaultConfiguration").text("level", control->critical ? "error" : "warning").end_object();
    json.object("properties")
        .array("tags")
        .text("security")
        .text(name_of(control->domain))
        .text(name_of(control->gates));
    for (const std::string& weakness : control->weaknesses) json.text("external/cwe/" + weakness);
    json.end_array().truth("critical", control->critical).end_object();
  }
  json.end_object();
}

// Where it is as a file, if it is one; its name in any case.
void add_location(JsonWriter& json, const Index& index, const Subject& subject) {
  json.array("locations").begin_object();
  const Location* location = index.location_of(subject);
  const std::string_view address = location == nullptr ? std::string_view() : std::string_view(location->address);
  if (address.starts_with("file:/") &&
      (subject.kind == SubjectKind::kLocation || subject.kind == SubjectKind::kObject)) {
    std::string path(address.substr(5));
    const std::size_t hash = subject.id.find('#');
    if (subject.kind == SubjectKind::kObject && hash != std::string::npos) path += "/" + subject.id.substr(hash + 1);
    json.object("physicalLocation")
        .object("artifactLocation")
        .text("uri", "file://" + uri_path(path))
        .end_object()
        .end_object();
  }
  json.array("logicalLocations")
      .begin_object()
      .text("fullyQualifiedName", plain(subject.text()))
      .text("kind", "resource");
  json.end_object().end_array().end_object().end_array();
}

void add_suppression(JsonWriter& json, const Exception& exception) {
  json.array("suppressions").begin_object().text("kind", "external").text("status", "accepted");
  json.text("justification", plain(exception.reason)).object("properties").text("owner", plain(exception.owner));
  json.text("approver", plain(exception.approver)).text("compensatingControl", plain(exception.compensating_control));
  json.text("created", to_rfc3339(exception.created)).text("expires", to_rfc3339(exception.expires)).end_object();
  json.end_object().end_array();
}

void add_result(JsonWriter& json, const Index& index, const ControlAssessment& control, std::size_t rule,
                const SubjectVerdict* verdict) {
  const Status status = verdict == nullptr ? control.status : verdict->status;
  json.begin_object().text("ruleId", control.control).number("ruleIndex", static_cast<std::int64_t>(rule));
  json.text("kind", kind_of(status)).text("level", level_of(status, built_in_catalogue().find(control.control)));
  if (verdict == nullptr) {
    add_message(json, "message", control.reason);
    json.end_object();
    return;
  }
  add_message(json, "message", verdict->subject.text() + ": " + verdict->reason);
  add_location(json, index, verdict->subject);
  json.object("partialFingerprints").text("cloisterSubject/v1", verdict->fingerprint(control.control)).end_object();
  if (verdict->exception) add_suppression(json, *verdict->exception);
  json.object("properties").text("status", name_of(status)).array("evidence");
  for (const std::string& id : verdict->evidence) json.text(id);
  json.end_array().text_if("remediation", plain(verdict->remediation)).end_object().end_object();
}

}  // namespace

std::string sarif_report(const Posture& posture) {
  const Index index(posture);
  const std::vector<ControlAssessment>& controls = posture.assessment.controls;
  const std::size_t blank = posture.program.find(' ');
  JsonWriter json;
  json.begin_object().text("$schema", kSchema).text("version", "2.1.0").array("runs").begin_object();
  json.object("tool").object("driver").text("name", "Cloister");
  if (blank != std::string::npos) json.text("version", plain(posture.program.substr(blank + 1)));
  json.array("rules");
  for (const ControlAssessment& control : controls) add_rule(json, control);
  json.end_array().end_object().end_object();
  json.array("invocations")
      .begin_object()
      .truth("executionSuccessful", true)
      .text("endTimeUtc", to_rfc3339(posture.assessment.at));
  json.end_object().end_array();
  json.object("automationDetails")
      .text("id", "posture/" + uri_path(plain(posture.assessment.estate)) + "/" + plain(posture.run));
  json.end_object().object("properties").text("coverage", coverage_text(posture.assessment.coverage));
  json.text("level", name_of(posture.maturity.overall))
      .end_object()
      .text("columnKind", "unicodeCodePoints")
      .array("results");
  for (std::size_t i = 0; i < controls.size(); ++i) {
    if (controls[i].subjects.empty()) add_result(json, index, controls[i], i, nullptr);
    for (const SubjectVerdict& verdict : controls[i].subjects) add_result(json, index, controls[i], i, &verdict);
  }
  json.end_array().end_object().end_array().end_object();
  return json.take();
}

}  // namespace cloister::posture::report
