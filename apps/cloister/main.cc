// The command line of Cloister: parses, builds what the verb needs, runs it, and says how it went.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>

#include "commands.h"
#include "crypto/library.h"
#include "crypto/random.h"
#include "tree.h"

namespace cloister::cli {
namespace {

constexpr const char* kManual = R"(A FIRST RUN
  cloister init
  cloister tenant create acme
  cloister dataset create acme/mnist
  cloister seal train/ --dataset acme/mnist
  cloister verify train.sealed
  cloister open train.sealed /scratch/train

`cloister help VERB` explains each verb, with examples.
)";

void build_tree(CLI::App& app, Globals& globals, Run& run) {
  app.set_help_flag("-h,--help", "this text");
  app.require_subcommand(1);
  app.footer(kManual);
  CLI::Option* home =
      app.add_option("--home", globals.home, "the home; else $CLOISTER_HOME, else ~/.cloister")->type_name("DIR");
  app.add_option("--service", globals.service,
                 "a key service in place of a home, by the file that `enroll` wrote; "
                 "else $CLOISTER_SERVICE")
      ->type_name("FILE")
      ->excludes(home);
  app.add_option("--purpose", globals.purpose, "what the service is told the keys are for: train, infer, …")
      ->type_name("WORD");
  app.add_flag("--json", globals.json, "one JSON object on standard output, errors as JSON on standard error");
  app.add_flag("-q,--quiet", globals.quiet, "no progress, no summary");
  app.add_option("--threads", globals.threads, "how many at most; 0: one for each processor")
      ->type_name("N")
      ->check(CLI::Range(0, 16));
  add_init(app, run);
  add_tenant(app, run);
  add_dataset(app, run);
  add_seal(app, run);
  add_open(app, run);
  add_cat(app, run);
  add_append(app, run);
  add_inspect(app, run);
  add_verify(app, run);
  add_rewrap(app, run);
  add_rekey(app, run);
  add_key(app, run);
  add_root(app, run);
  add_kms(app, run);
  add_mesh(app, run);
  add_model(app, run);
  add_identity(app, run);
  add_entry(app, run);
  add_key_file(app, run);
  add_audit(app, run);
  add_store(app, run);
  add_paths(app, run);
  add_posture(app, run);
  add_redteam(app, run);
  add_policy(app, run);
  add_receipt(app, run);
  add_scan(app, run);
  add_ask(app, run);
  add_attest(app, run);
  add_enroll(app, run);
  add_version(app, run);
  add_help(app, run);
  add_completion(app, run);
}

// The deepest verb that was named.
std::string parsed_path(const CLI::App& app) {
  std::string path;
  const CLI::App* at = &app;
  for (auto below = at->get_subcommands(); !below.empty(); below = at->get_subcommands()) {
    at = below.front();
    path += (path.empty() ? "" : " ") + at->get_name();
  }
  return path;
}

bool wants_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) return true;
  }
  return false;
}

// The first word that could be a verb, where none was recognised.
std::string unknown_verb(const CLI::App& app, int argc, char** argv) {
  if (!app.get_subcommands().empty()) return "";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--home" || word == "--threads" || word == "--service" || word == "--purpose") {
      ++i;
    } else if (!word.starts_with('-')) {
      return std::string(word);
    }
  }
  return "";
}

// What was typed may be a passphrase that lost its option: of words that don't fit only names of options are repeated.
std::string what_is_wrong(const CLI::App& app, const CLI::ParseError& wrong) {
  std::string text = wrong.what();
  if (dynamic_cast<const CLI::ConversionError*>(&wrong) != nullptr) return text.substr(0, text.find(" = "));
  if (dynamic_cast<const CLI::ExtrasError*>(&wrong) == nullptr) return text;
  std::string options;
  for (const std::string& word : app.remaining(true)) {
    if (word.starts_with('-')) options += (options.empty() ? "" : ", ") + word.substr(0, word.find('='));
  }
  return options.empty() ? "there are more arguments than it takes" : "there is no option " + options;
}

int usage_error(const CLI::App& app, const CLI::ParseError& wrong, const std::string& unknown, bool as_json) {
  const std::string path = parsed_path(app);
  if (!unknown.empty()) {
    print_error(invalid("there is no verb " + unknown + ": `cloister help` lists them"), as_json);
    return exit_status(Code::kInvalid);
  }
  print_error(invalid((path.empty() ? "" : path + ": ") + what_is_wrong(app, wrong) + " (see `cloister help" +
                      (path.empty() ? "" : " " + path) + "`)"),
              as_json);
  return exit_status(Code::kInvalid);
}

// Returns what is to be done, or the exit status where nothing is.
std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    const std::string page = manual_page(app, parsed_path(app));
    const bool as_json = wants_json(argc, argv);
    std::fputs(as_json ? (Json{{"help", page}}.dump() + "\n").c_str() : page.c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError& wrong) {
    return usage_error(app, wrong, unknown_verb(app, argc, argv), wants_json(argc, argv));
  }
}

int report(const Result<Outcome>& result, const Globals& globals) {
  if (!result.ok()) {
    print_error(result.error(), globals.json);
    return exit_status(result.error().code());
  }
  const Outcome& outcome = result.value();
  std::FILE* out = outcome.payload_on_stdout ? stderr : stdout;
  if (globals.json) {
    // File names may be any bytes; JSON may not.
    std::fprintf(out, "%s\n", outcome.json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  } else if (!globals.quiet || !outcome.terse) {
    std::fputs(outcome.text.c_str(), out);
  }
  if (std::fflush(out) != 0) {
    print_error(Error(Code::kInternal, "write to standard output failed"), globals.json);
    return exit_status(Code::kInternal);
  }
  if (!outcome.failure) return 0;
  print_error(*outcome.failure, globals.json);
  return outcome.exit_status.value_or(exit_status(outcome.failure->code()));
}

int run_program(int argc, char** argv) {
  Globals globals;
  Run run;
  CLI::App app("encryption of AI data at rest", "cloister");
  build_tree(app, globals, run);
  if (argc == 1) {
    std::fputs(manual_page(app, "").c_str(), stderr);
    return exit_status(Code::kInvalid);
  }
  if (const auto status = parse(app, argc, argv)) return *status;

  crypto::SystemRandom random;
  Progress progress;
  Watch watch(progress, globals.quiet || globals.json ? Watch::Show::kNo : Watch::Show::kYes);
  Session session(globals, progress, watch, random);
  const Result<Outcome> result = run(session);
  watch.end();
  return report(result, globals);
}

}  // namespace
}  // namespace cloister::cli

int main(int argc, char** argv) {
  using namespace cloister;
  if (const Status started = crypto::start_process(); !started.ok()) {
    cli::print_error(started.error(), cli::wants_json(argc, argv));
    return exit_status(started.error().code());
  }
  return cli::run_program(argc, argv);
}
