// cloister model check: what loading files would do besides giving numbers.
#include <algorithm>

#include "model/check.h"
#include "model/tree.h"
#include "model_verbs.h"

namespace cloister::cli {
namespace {

struct CheckRequest {
  std::vector<std::string> paths;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister model check llama/ checkpoint.pt --json

NOTES
  Nothing is loaded and nothing runs. A file passes when it is of a known
  format, keeps within its own lengths, runs no code, and names no other file
  to be read. Exit status 4 when one doesn't. Files of no known format don't
  pass: nobody knows what a loader makes of them. Of a directory .git, .github,
  .gitignore and .gitattributes at its top are no part, and aren't looked at.
)";

Json check_json(const std::string& path, const model::FileCheck& check) {
  return {{"path", path},
          {"format", check.format},
          {"harmless", check.harmless()},
          {"runs_code", check.runs_code},
          {"reads", check.reads},
          {"refused", check.refused},
          {"notes", check.notes}};
}

void add_check(const std::string& path, const model::FileCheck& check, Outcome& outcome) {
  outcome.json["files"].push_back(check_json(path, check));
  outcome.text += printable(path) + ": " + check.format + (check.harmless() ? ", harmless" : "") + "\n";
  if (check.format == "unknown") outcome.text += "  no known format\n";
  for (const auto& [word, lines] : {std::pair("runs code: ", &check.runs_code),
                                    {"refused: ", &check.refused},
                                    {"reads: ", &check.reads},
                                    {"note: ", &check.notes}}) {
    for (const std::string& line : *lines) outcome.text += "  " + std::string(word) + printable(line) + "\n";
  }
}

Result<Outcome> check_paths(Session& session, const CheckRequest& request) {
  Outcome outcome;
  outcome.json["files"] = Json::array();
  std::size_t refused = 0;
  for (const std::string& path : request.paths) {
    CLOISTER_TRY(const model::Tree tree, model::Tree::open(path));
    CLOISTER_TRY(const auto files, tree.list({}, session.progress()));
    for (const model::TreeFile& listed : files) {
      if (session.progress().stop_requested()) return Error(Code::kUnavailable, "interrupted");
      CLOISTER_TRY(const File file, tree.open_file(listed.name, model::Symlinks::kRefuse));
      const std::string name = tree.is_one_file() ? tree.name() : listed.name;
      auto check = model::check_file(file, name);
      if (!check.ok()) return check.error().with_context("check " + file.path().string());
      add_check(file.path().string(), *check, outcome);
      if (!check->harmless()) ++refused;
    }
  }
  if (refused > 0)
    outcome.failure = Error(Code::kDenied, "check: " + count_text(refused, "file") + " not to be loaded");
  return outcome;
}

}  // namespace

void add_model_check(CLI::App& group, Run& run) {
  auto request = std::make_shared<CheckRequest>();
  CLI::App* verb = add_verb(group, "check", "what loading files would do besides giving numbers", kManual);
  verb->add_option("PATH", request->paths, "files, or directories of them")->required();
  set_action(verb, run, request, check_paths);
}

}  // namespace cloister::cli
