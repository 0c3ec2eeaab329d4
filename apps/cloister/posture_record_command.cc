// cloister posture record: what a person answers for, signed and dated.
#include <algorithm>
#include <charconv>

#include "posture/candidates.h"
#include "posture/evidence/record.h"
#include "posture/records.h"
#include "posture_run.h"
#include "posture_verbs.h"

namespace cloister::cli {
namespace {

struct RecordRequest {
  StoreOptions store;
  std::string record, subject = "platform", owner, approver, result, reason, date, next, control;
  std::vector<std::string> covers, values;
  std::int64_t items = -1, overdue = -1, open_high = -1, orphans = -1, days = 365;
};

struct DecideRequest {
  StoreOptions store;
  std::string estate, workload, decision, owner, approver, reason;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister posture record threat-model --owner ada --approver grace --date 2026-11-02T00:00:00Z \
      --result ok --items 16 --orphans 0
  cloister posture record not-applicable --control USE-08 --owner ada --approver grace \
      --reason "no federation is run" --days 180
  cloister posture record decommission --subject location:old-corpus --owner ada \
      --approver grace --reason "erased on 2 November"

  cloister posture record pilot --subject workload:serving --owner ada --result expand \
      --date 2026-11-20T00:00:00Z --covers RELEASE-ID

NOTES
  Which records a control asks for is in docs/controls.md, and what each holds in
  docs/formats/facts.md. Every audit from now on has it, until it is too old. What
  is only a person's word is shown as that. A record can't be taken back, only
  superseded by a newer one.
)";

Result<posture::Subject> parse_subject(const std::string& text) {
  const std::size_t colon = text.find(':');
  CLOISTER_TRY(const posture::SubjectKind kind,
               posture::parse_subject_kind(text.substr(0, colon)).with_context("--subject"));
  posture::Subject subject{kind, colon == std::string::npos ? "" : text.substr(colon + 1)};
  if (subject.id.empty() != (kind == posture::SubjectKind::kPlatform)) {
    return invalid("--subject: write `platform`, or a kind, a colon and a name: `location:corpus`");
  }
  return subject;
}

// NAME=VALUE: true and false are truths, whole numbers numbers, everything else is text.
Status add_value(const std::string& option, posture::Fact& fact) {
  const std::size_t equals = option.find('=');
  if (equals == std::string::npos || equals == 0) return invalid("--value " + printable(option) + ": write NAME=VALUE");
  const std::string name = option.substr(0, equals), value = option.substr(equals + 1);
  if (fact.values.contains(name)) return invalid("--value " + printable(name) + ": it is said already");
  std::int64_t number = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value == "true" || value == "false") {
    fact.values[name] = value == "true";
  } else if (read.ec == std::errc() && read.ptr == value.data() + value.size()) {
    fact.values[name] = number;
  } else {
    fact.values[name] = value;
  }
  return {};
}

Result<posture::Fact> fact_of(const RecordRequest& request, Time now) {
  posture::Fact fact;
  fact.kind = "record";
  CLOISTER_TRY(fact.subject, parse_subject(request.subject));
  fact.method = posture::Method::kRecord;
  fact.at = now;
  fact.valid_until = now + days(request.days);
  fact.values["record"] = request.record;
  const std::pair<const char*, const std::string*> texts[] = {{"owner", &request.owner},
                                                              {"approver", &request.approver},
                                                              {"result", &request.result},
                                                              {"reason", &request.reason},
                                                              {"control", &request.control}};
  for (const auto& [name, text] : texts) {
    if (!text->empty()) fact.values[name] = *text;
  }
  for (const auto& [name, text] : {std::pair("date", &request.date), std::pair("next", &request.next)}) {
    if (text->empty()) continue;
    CLOISTER_TRY(const Time time, parse_rfc3339(*text).with_context("--" + std::string(name)));
    fact.values[name] = to_rfc3339(time);
  }
  if (request.date.empty()) fact.values["date"] = to_rfc3339(now);
  const std::pair<const char*, std::int64_t> numbers[] = {{"items", request.items},
                                                          {"overdue", request.overdue},
                                                          {"open_high", request.open_high},
                                                          {"orphans", request.orphans}};
  for (const auto& [name, number] : numbers) {
    if (number >= 0) fact.values[name] = number;
  }
  if (!request.covers.empty()) fact.values["covers"] = request.covers;
  for (const std::string& value : request.values) CLOISTER_RETURN_IF_ERROR(add_value(value, fact));
  return fact;
}

// A pilot is written with the same options: what it was of, when it ended, what was decided, the releases that show it.
Result<posture::Fact> pilot_of(posture::Fact fact) {
  if (fact.subject.kind != posture::SubjectKind::kWorkload)
    return invalid("a pilot is of a workload: --subject workload:NAME");
  const std::string* owner = fact.text("owner");
  const std::string* decision = fact.text("result");
  if (decision == nullptr) return invalid("--result: what was decided, expand or stop");
  posture::Fact pilot = fact;
  pilot.kind = "pilot";
  pilot.subject = {};
  const std::vector<std::string>* releases = fact.list("covers");
  pilot.values = {{"workload", fact.subject.id},
                  {"owner", *owner},
                  {"completed_at", *fact.text("date")},
                  {"decision", *decision},
                  {"releases", releases == nullptr ? std::vector<std::string>() : *releases}};
  return pilot;
}

// One that would have no effect is refused here, where somebody can still mend it.
Status check_record(const posture::Fact& fact, Time now) {
  const std::string* record = fact.text("record");
  const bool strict = *record == "not-applicable" || *record == "decommission";
  if (!strict) return {};
  const std::string problem = posture::problem_of_record(fact, now);
  if (!problem.empty()) return invalid("this record would have no effect: " + problem);
  if (*record == "not-applicable" &&
      (fact.text("control") == nullptr || posture::built_in_catalogue().find(*fact.text("control")) == nullptr)) {
    return invalid("--control: name the control that isn't applicable");
  }
  return {};
}

Result<Outcome> keep(Session& session, const StoreOptions& options, posture::Fact fact) {
  CLOISTER_TRY(const auto store, OpenedStore::open(session, options, OpenedStore::IfNone::kMake));
  const keys::Caller caller = session.caller();
  fact.collector = "record/1";
  fact.scope = "said by " + caller.actor;
  CLOISTER_TRY(fact, posture::parse_fact(posture::fact_json(fact)));
  CLOISTER_TRY(fact.raw, store->signed_note(posture::record_text(fact)));
  const std::string id = fact.id();
  CLOISTER_RETURN_IF_ERROR(session.record("posture.record", "", id, fact.kind + " about " + fact.subject.text()));
  CLOISTER_RETURN_IF_ERROR(store->store().add_record(posture::fact_json(fact), caller.now));
  Outcome outcome;
  outcome.text = "on record: fact " + id + ", valid until " + to_rfc3339(fact.valid_until) + "\n";
  outcome.json = {{"id", id}, {"fact", Json::parse(posture::fact_json(fact))}};
  return outcome;
}

Result<Outcome> record(Session& session, const RecordRequest& request) {
  const Time now = session.caller().now;
  CLOISTER_TRY(posture::Fact fact, fact_of(request, now));
  CLOISTER_RETURN_IF_ERROR(check_record(fact, now));
  if (request.record == "pilot") {
    CLOISTER_TRY(fact, pilot_of(std::move(fact)));
  }
  return keep(session, request.store, std::move(fact));
}

Result<Outcome> decide(Session& session, const DecideRequest& request) {
  CLOISTER_TRY(const EstateFile file, read_estate(request.estate));
  const Time now = session.caller().now;
  const auto found = std::ranges::find(file.estate.workloads, request.workload, &posture::Workload::name);
  if (found == file.estate.workloads.end()) {
    return Error(Code::kNotFound, "the estate has no workload " + request.workload);
  }
  const std::optional<posture::TeeDecision> decision = posture::parse_tee_decision(request.decision);
  if (!decision) return invalid("--decision: tee, later or not_needed");
  const posture::View view(file.estate, {}, now);
  CLOISTER_TRY(posture::Fact fact,
               posture::assessment_fact(posture::candidate(view, *found),
                                        {*decision, request.owner, request.approver, request.reason}, "record/1", now));
  return keep(session, request.store, std::move(fact));
}

}  // namespace

void add_posture_record(CLI::App& group, Run& run) {
  auto request = std::make_shared<RecordRequest>();
  CLI::App* verb = add_verb(group, "record", "what a person answers for: a review, an audit, a plan", kManual);
  verb->add_option("RECORD", request->record, "which: threat-model, review, external-audit, not-applicable, …")
      ->required();
  verb->add_option("--subject", request->subject, "what it is about: `platform`, `location:corpus`, …")
      ->type_name("KIND:NAME")
      ->capture_default_str();
  verb->add_option("--owner", request->owner, "who answers for it")->required()->type_name("NAME");
  verb->add_option("--approver", request->approver, "who approved it, and is somebody else")->type_name("NAME");
  verb->add_option("--result", request->result, "what came of it")->type_name("TEXT");
  verb->add_option("--reason", request->reason, "why")->type_name("TEXT");
  verb->add_option("--date", request->date, "when it was done; else now")->type_name("TIME");
  verb->add_option("--next", request->next, "when it is due again")->type_name("TIME");
  verb->add_option("--control", request->control, "of not-applicable: which")->type_name("ID");
  verb->add_option("--covers", request->covers, "what it speaks about, a word each")->type_name("WORD");
  verb->add_option("--items", request->items, "how many items it has")->check(CLI::NonNegativeNumber);
  verb->add_option("--overdue", request->overdue, "how many of them are overdue")->check(CLI::NonNegativeNumber);
  verb->add_option("--open-high", request->open_high, "how many high findings are open")->check(CLI::NonNegativeNumber);
  verb->add_option("--orphans", request->orphans, "how many threats or controls have no counterpart")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--value", request->values, "whatever else this record holds")->type_name("NAME=VALUE");
  verb->add_option("--days", request->days, "how long it says something")
      ->check(CLI::Range(1, 365))
      ->capture_default_str();
  add_store_options(*verb, request->store);
  set_action(verb, run, request, record);

  auto deciding = std::make_shared<DecideRequest>();
  verb = add_verb(group, "decide", "whether a workload runs in a TEE, as its owner and approver say", "");
  verb->add_option("WORKLOAD", deciding->workload, "its name in the estate")->required();
  verb->add_option("--estate", deciding->estate, "the estate")->required()->type_name("FILE");
  verb->add_option("--decision", deciding->decision, "tee, later or not_needed")->required()->type_name("WORD");
  verb->add_option("--owner", deciding->owner, "whose workload it is")->required()->type_name("NAME");
  verb->add_option("--approver", deciding->approver, "who approved it")->required()->type_name("NAME");
  verb->add_option("--reason", deciding->reason, "where it isn't what the rule says")->type_name("TEXT");
  add_store_options(*verb, deciding->store);
  set_action(verb, run, deciding, decide);
}

}  // namespace cloister::cli
