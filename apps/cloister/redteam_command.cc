// cloister redteam: the exercises of the playbook against one's own deployment.
#include "redteam/run.h"

#include <unistd.h>

#include "commands.h"
#include "home/redteam_parts.h"
#include "posture/fact_lines.h"

namespace cloister::cli {
namespace {

constexpr std::uint64_t kCredentialsMax = 1 << 20;

struct ListRequest {
  std::string exercise;
};

struct RedteamRequest {
  std::string authorised_by, facts, server, beyond, scratch, workload;
  std::vector<std::string> exercises, logs, manifests, clients, canary_files;
  std::vector<int> processes;
  unsigned minutes = 2;
  bool without_home = false;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister redteam list
  cloister redteam list RT-K12
  cloister redteam run --authorised-by "ada, 26 November" --facts redteam.jsonl
      all that run here, on canary tenants and on copies
  cloister redteam run RT-K02 RT-K05 --authorised-by ada --pid 4711
  cloister redteam run RT-K04 --authorised-by ada --log /var/log/cloister
  cloister redteam run RT-T01 RT-T02 RT-T03 --authorised-by ada --server 127.0.0.1:8443
  cloister redteam run RT-T04 --authorised-by ada --server 127.0.0.1:8443 \
      --client expected=me.pem,me.key --client expired=old.pem,old.key \
      --client other-workload=other.pem,other.key --workload trainer

NOTES
  Only what is named is attacked: the processes, files and the server of the
  command line, and the home's log (on copies). Everything else is done to
  canary tenants in a private folder that is removed. A server that isn't on this
  machine must be named a second time, with --target. No real key and no real data
  is touched, and no process is stopped. The first Ctrl-C ends the run.

  Ends with 4 when an exercise failed. `cloister posture audit --facts FILE` judges
  the results. What was tried on a simulated TEE proves nothing about a real one.
  docs/redteam.md says how each exercise runs, and why some don't.
)";

Json exercise_json(const redteam::Exercise& exercise) {
  return {{"id", exercise.id},
          {"name", exercise.name},
          {"procedure", exercise.procedure},
          {"defended", exercise.defended},
          {"atlas", exercise.atlas},
          {"capec", exercise.capec},
          {"cwe", exercise.cwe},
          {"needs", exercise.needs},
          {"proves", exercise.proves},
          {"not_here", exercise.not_here}};
}

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return text.empty() ? "none" : text;
}

Result<Outcome> list(Session&, const ListRequest& request) {
  const redteam::Playbook& playbook = redteam::built_in_playbook();
  Outcome outcome;
  if (!request.exercise.empty()) {
    const redteam::Exercise* exercise = playbook.find(request.exercise);
    if (exercise == nullptr) return Error(Code::kNotFound, "there is no exercise " + request.exercise);
    outcome.json = exercise_json(*exercise);
    outcome.text = exercise->id + ": " + exercise->name + "\n\nwhat is tried\n  " + exercise->procedure +
                   "\ndefended when\n  " + exercise->defended + "\nspeaks for " + joined(exercise->proves) +
                   "\nATLAS " + joined(exercise->atlas) + "; CAPEC " + joined(exercise->capec) + "; CWE " +
                   joined(exercise->cwe) + "\n" +
                   (exercise->not_here.empty() ? "" : "doesn't run here: " + exercise->not_here + "\n");
    return outcome;
  }
  Table table({"exercise", "runs", "speaks for", "name"});
  Json all = Json::array();
  for (const redteam::Exercise& exercise : playbook.exercises) {
    table.row({exercise.id, exercise.not_here.empty() ? "yes" : "no", joined(exercise.proves), exercise.name});
    all.push_back(exercise_json(exercise));
  }
  outcome.text = table.text();
  outcome.json = {{"playbook", playbook.id}, {"version", playbook.version}, {"exercises", std::move(all)}};
  return outcome;
}

// As the collector of this machine's own facts calls it.
Result<std::string> host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return error_from_errno(errno, "ask for this machine's name");
  return std::string(name);
}

// CASE=CHAIN.pem,KEY.pem
Status add_client(redteam::ClientCases& cases, const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::size_t comma = text.rfind(',');
  if (equals == 0 || equals == std::string::npos || comma == std::string::npos || comma < equals) {
    return invalid("--client: write CASE=CHAIN.pem,KEY.pem");
  }
  CLOISTER_TRY(const Bytes chain, read_file(text.substr(equals + 1, comma - equals - 1), kCredentialsMax));
  CLOISTER_TRY(Bytes key, read_file(text.substr(comma + 1), kCredentialsMax));
  const crypto::Secret secret = crypto::Secret::copy_of(key);
  crypto::wipe(key);
  CLOISTER_TRY(cases[text.substr(0, equals)], net::Credentials::from_pem(as_text(chain), secret));
  return {};
}

Result<redteam::RunOptions> options_of(Session& session, const RedteamRequest& request) {
  redteam::RunOptions out;
  out.authorised_by = request.authorised_by;
  out.exercises = request.exercises;
  out.patience = minutes(request.minutes);
  redteam::Targets& targets = out.targets;
  targets.processes.assign(request.processes.begin(), request.processes.end());
  targets.logs.assign(request.logs.begin(), request.logs.end());
  targets.manifests.assign(request.manifests.begin(), request.manifests.end());
  if (!request.server.empty()) targets.server = request.server;
  targets.workload = request.workload;
  targets.handed_in = home::redteam_parts();
  CLOISTER_TRY(targets.host, host_name());
  if (!request.beyond.empty()) targets.beyond = request.beyond;
  for (const std::string& client : request.clients) CLOISTER_RETURN_IF_ERROR(add_client(targets.clients, client));
  for (const std::string& file : request.canary_files) {
    CLOISTER_TRY(const Bytes canary, read_file(file, 4096));
    std::string text(as_text(canary));
    while (text.ends_with('\n')) text.pop_back();
    if (text.size() < 8) return invalid(file + ": a canary of fewer than 8 bytes is found everywhere");
    targets.canaries.push_back(std::move(text));
  }
  if (request.without_home) return out;
  CLOISTER_TRY(const bool home, session.has_home());
  if (!home) return out;
  CLOISTER_TRY(const HomeConfig config, session.read_config());
  targets.postgres = config.postgres.has_value();
  if (!targets.postgres) targets.store = session.sqlite_path();
  targets.anchor = config.anchor;
  return out;
}

posture::Fact fact_of(const redteam::Report& report, const RedteamRequest& request, Time now) {
  posture::Fact fact;
  fact.kind = "drill";
  if (const auto kind = posture::parse_subject_kind(report.attacked.kind); kind.ok()) {
    fact.subject = {*kind, report.attacked.name};
  }
  fact.collector = "redteam/1";
  fact.scope = "authorised by " + request.authorised_by;
  fact.method = posture::Method::kTest;
  fact.at = now;
  fact.valid_until = now + posture::kDrillValid;
  fact.simulated = report.simulated;
  fact.values = {{"drill", report.id},
                 {"outcome", std::string(redteam::name_of(report.outcome))},
                 {"cases", report.cases},
                 {"refused", report.refused},
                 {"details", report.details}};
  if (!report.covers.empty()) fact.values["covers"] = report.covers;
  return fact;
}

// What wasn't run is no news: an older result keeps its worth until it is too old.
std::vector<posture::Fact> facts_of(const std::vector<redteam::Report>& reports, const RedteamRequest& request,
                                    Time now) {
  std::vector<posture::Fact> facts;
  for (const redteam::Report& report : reports) {
    if (report.outcome == redteam::Outcome::kNotRun) continue;
    // What a canary server did is news about no server, and mustn't take the place of what one did.
    if (report.clients && request.server.empty()) continue;
    facts.push_back(fact_of(report, request, now));
    if (!report.clients || request.workload.empty()) continue;
    posture::Fact clients = facts.back();
    clients.kind = "mtls.drill";
    clients.subject = {posture::SubjectKind::kWorkload, request.workload};
    clients.values = {{"accepted", report.clients->accepted}, {"refused", report.clients->refused}};
    if (report.clients->tls13) clients.values["tls13"] = *report.clients->tls13;
    facts.push_back(std::move(clients));
  }
  return facts;
}

std::string report_line(const redteam::Exercise& exercise, const redteam::Report& report) {
  using enum redteam::Outcome;
  std::string line = report.id + "  ";
  if (report.outcome == kDefended) {
    line += "defended  " + std::to_string(report.refused) + " of " + std::to_string(report.cases) + " refused";
  } else {
    line += report.outcome == kFailed ? "FAILED    " : "not run   ";
    line += printable(report.reason);
  }
  line += std::string(report.simulated ? "  (simulated)" : "") + "  " + exercise.name + "\n";
  if (report.outcome == kFailed) line += "        " + report.remedy + "\n";
  return line;
}

Json report_json(const redteam::Report& report) {
  Json out = {{"id", report.id},
              {"outcome", redteam::name_of(report.outcome)},
              {"attacked", report.attacked.kind.empty() ? "" : report.attacked.kind + ":" + report.attacked.name},
              {"reason", report.reason},
              {"remedy", report.remedy},
              {"cases", report.cases},
              {"refused", report.refused},
              {"covers", report.covers},
              {"simulated", report.simulated}};
  Json details = Json::array();
  for (const std::string& line : report.details) details.push_back(printable(line));
  out["details"] = std::move(details);
  return out;
}

Outcome outcome_of(const std::vector<redteam::Report>& reports, std::string text) {
  Outcome outcome;
  outcome.json["exercises"] = Json::array();
  std::size_t failed = 0, defended = 0;
  for (const redteam::Report& report : reports) {
    outcome.json["exercises"].push_back(report_json(report));
    failed += report.outcome == redteam::Outcome::kFailed;
    defended += report.outcome == redteam::Outcome::kDefended;
  }
  const std::size_t not_run = reports.size() - failed - defended;
  outcome.text = std::move(text) + std::to_string(defended) + " defended, " + std::to_string(failed) + " failed, " +
                 std::to_string(not_run) + " not run\n";
  outcome.json["defended"] = defended;
  outcome.json["failed"] = failed;
  outcome.json["not_run"] = not_run;
  if (failed > 0) outcome.failure = Error(Code::kDenied, count_text(failed, "exercise") + " failed");
  return outcome;
}

Result<Outcome> run_exercises(Session& session, const RedteamRequest& request) {
  CLOISTER_TRY(const redteam::RunOptions options, options_of(session, request));
  if (!options.authorised_by.empty()) {
    CLOISTER_RETURN_IF_ERROR(
        session.record("redteam.run", "", joined(request.exercises), "authorised by " + request.authorised_by));
  }
  const Path scratch = request.scratch.empty() ? std::filesystem::temp_directory_path() : Path(request.scratch);
  std::string text;
  redteam::Observer observer;
  observer.begins = [&](const redteam::Exercise& exercise) { session.watch().begin(exercise.id); };
  observer.ends = [&](const redteam::Exercise& exercise, const redteam::Report& report) {
    session.watch().end();
    text += report_line(exercise, report);
  };
  const Time now = session.caller().now;
  CLOISTER_TRY(const auto reports, redteam::run(redteam::built_in_playbook(), options, scratch, session.random(), now,
                                                session.progress(), observer));
  if (!request.facts.empty()) {
    const std::string lines = posture::fact_lines(facts_of(reports, request, now));
    CLOISTER_RETURN_IF_ERROR(write_file(request.facts, as_bytes(lines), Overwrite::kReplace, 0600));
  }
  Outcome outcome = outcome_of(reports, std::move(text));
  if (!outcome.failure && session.progress().stop_requested()) {
    outcome.failure = Error(Code::kUnavailable, "stopped before its end");
  }
  return outcome;
}

void add_run(CLI::App& group, Run& run) {
  auto request = std::make_shared<RedteamRequest>();
  CLI::App* verb = add_verb(group, "run", "attack what is named, and say what was defended", kManual);
  verb->add_option("EXERCISE", request->exercises, "ids, as `list` has them; none: all that run here");
  verb->add_option("--authorised-by", request->authorised_by, "who answers for this run")->required();
  verb->add_option("--facts", request->facts, "write the results for `cloister posture audit`")->type_name("FILE");
  verb->add_option("--server", request->server, "for RT-T01 to RT-T04, RT-T07 and RT-T10")->type_name("HOST:PORT");
  verb->add_option("--target", request->beyond, "the host of --server, where it isn't this machine")->type_name("HOST");
  verb->add_option("--client", request->clients, "what the server's clients show: expected, expired, other-workload")
      ->type_name("CASE=CHAIN,KEY");
  verb->add_option("--workload", request->workload, "whose server and processes these are, as the estate names it")
      ->type_name("NAME");
  verb->add_option("--pid", request->processes, "processes that hold keys")->type_name("PID");
  verb->add_option("--log", request->logs, "logs to be searched")->type_name("PATH");
  verb->add_option("--manifest", request->manifests, "manifests to be searched")->type_name("PATH");
  verb->add_option("--canary", request->canary_files, "a file whose text may be nowhere")->type_name("FILE");
  verb->add_option("--minutes", request->minutes, "for one exercise at most")->check(CLI::Range(1, 120));
  verb->add_option("--scratch", request->scratch, "where private folders are made")->type_name("DIR");
  verb->add_flag("--no-home", request->without_home,
                 "don't attack copies of the home's log; the run is still on record there");
  set_action(verb, run, request, run_exercises);
}

}  // namespace

void add_redteam(CLI::App& app, Run& run) {
  CLI::App* group = add_verb(app, "redteam", "attacks on one's own deployment", kManual);
  group->require_subcommand(1);
  auto request = std::make_shared<ListRequest>();
  CLI::App* listing = add_verb(*group, "list", "the exercises, and which run here", "");
  listing->add_option("EXERCISE", request->exercise, "one, in full");
  set_action(listing, run, request, list);
  add_run(*group, run);
}

}  // namespace cloister::cli
