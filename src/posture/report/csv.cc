// Rows of quoted cells.
#include "posture/report/csv.h"

#include "posture/report/index.h"
#include "posture/report/text.h"

namespace cloister::posture::report {
namespace {

class Rows {
 public:
  explicit Rows(std::initializer_list<std::string_view> heading) {
    for (const std::string_view cell : heading) add(cell);
    end();
  }
  Rows& add(std::string_view cell) {
    text_ += first_ ? "\"" : ",\"";
    first_ = false;
    const std::string shown = plain(cell);
    // Spreadsheets take what starts so for a formula.
    if (!shown.empty() && std::string_view("=+-@").find(shown.front()) != std::string_view::npos) text_ += '\'';
    for (const char c : shown) {
      if (c == '"') text_ += '"';
      text_ += c;
    }
    text_ += '"';
    return *this;
  }
  void end() {
    text_ += "\r\n";
    first_ = true;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  bool first_ = true;
};

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : " ") + part;
  return out;
}

std::string verdicts(const Index& index) {
  Rows rows({"control", "title", "subject kind", "subject", "owner", "tenant", "sensitivity", "status", "reason",
             "what to do", "facts", "oldest fact", "fingerprint"});
  for (const ControlAssessment& control : index.posture().assessment.controls) {
    const Control* known = built_in_catalogue().find(control.control);
    for (const SubjectVerdict& verdict : control.subjects) {
      const Label* label = index.label_of(verdict.subject);
      const Dates dates = dates_of(index, verdict);
      rows.add(control.control)
          .add(known == nullptr ? "" : known->title)
          .add(name_of(verdict.subject.kind))
          .add(verdict.subject.id);
      rows.add(label == nullptr ? "" : label->owner).add(label == nullptr ? "" : label->tenant);
      rows.add(label == nullptr || !label->sensitivity ? "" : name_of(*label->sensitivity))
          .add(name_of(verdict.status));
      rows.add(verdict.reason).add(verdict.remediation).add(joined(verdict.evidence));
      rows.add(dates.newest == Time{} ? "" : to_rfc3339(dates.oldest)).add(verdict.fingerprint(control.control)).end();
    }
  }
  return rows.take();
}

std::string controls(const Posture& posture) {
  Rows rows({"control", "title", "domain", "gates", "critical", "status", "reason", "subjects"});
  for (const ControlAssessment& control : posture.assessment.controls) {
    const Control* known = built_in_catalogue().find(control.control);
    rows.add(control.control)
        .add(known == nullptr ? "" : known->title)
        .add(known == nullptr ? "" : title_of(known->domain));
    rows.add(known == nullptr ? "" : name_of(known->gates)).add(known != nullptr && known->critical ? "yes" : "no");
    rows.add(name_of(control.status)).add(control.reason).add(std::to_string(control.subjects.size())).end();
  }
  return rows.take();
}

std::string facts(const Index& index) {
  Rows rows({"id", "kind", "subject kind", "subject", "collector", "method", "at", "valid until", "simulated",
             "could not look", "values"});
  for (const std::size_t at : index.ordered()) {
    const Fact& fact = index.posture().facts[at];
    std::string values;
    for (const auto& [name, value] : fact.values)
      values += (values.empty() ? "" : "; ") + name + ": " + value_text(value);
    rows.add(index.id_of(at)).add(fact.kind).add(name_of(fact.subject.kind)).add(fact.subject.id).add(fact.collector);
    rows.add(name_of(fact.method))
        .add(to_rfc3339(fact.at))
        .add(to_rfc3339(fact.valid_until))
        .add(fact.simulated ? "yes" : "no");
    rows.add(fact.not_assessed.value_or("")).add(values).end();
  }
  return rows.take();
}

std::string exceptions(const Posture& posture) {
  Rows rows({"control", "subject", "reason", "compensating control", "owner", "approver", "created", "expires"});
  for (const ControlAssessment& control : posture.assessment.controls) {
    for (const SubjectVerdict& verdict : control.subjects) {
      if (!verdict.exception) continue;
      const Exception& one = *verdict.exception;
      rows.add(control.control)
          .add(verdict.subject.text())
          .add(one.reason)
          .add(one.compensating_control)
          .add(one.owner);
      rows.add(one.approver).add(to_rfc3339(one.created)).add(to_rfc3339(one.expires)).end();
    }
  }
  return rows.take();
}

std::string mappings(const Posture& posture) {
  Rows rows({"framework", "clause", "relation", "control", "status"});
  for (const Control& control : built_in_catalogue().controls) {
    for (const Mapping& mapping : control.mappings) {
      const Framework* framework = built_in_catalogue().framework(mapping.framework);
      for (const std::string& clause : mapping.clauses) {
        rows.add(framework == nullptr ? mapping.framework : framework->title).add(clause);
        rows.add(mapping.relation == Relation::kDirect ? "direct" : "supports").add(control.id);
        rows.add(name_of(posture.assessment.status_of(control.id))).end();
      }
    }
  }
  return rows.take();
}

}  // namespace

std::vector<CsvFile> csv_report(const Posture& posture) {
  const Index index(posture);
  return {{"verdicts.csv", verdicts(index)},
          {"controls.csv", controls(posture)},
          {"facts.csv", facts(index)},
          {"exceptions.csv", exceptions(posture)},
          {"mappings.csv", mappings(posture)}};
}

}  // namespace cloister::posture::report
