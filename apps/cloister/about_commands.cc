// cloister version, help and completion: what the program says of itself.
#include "commands.h"
#include "crypto/library.h"
#include "tree.h"

namespace cloister::cli {
namespace {

struct HelpRequest {
  const CLI::App* root = nullptr;
  std::vector<std::string> words;
};

struct CompletionRequest {
  const CLI::App* root = nullptr;
  std::string shell;
};

struct NoRequest {};

Result<Outcome> version(Session&, const NoRequest&) {
  const crypto::LibraryInfo openssl = crypto::library_info();
  Outcome outcome;
  outcome.text = "cloister " CLOISTER_VERSION "\nOpenSSL " + openssl.version +
                 (openssl.vaes_avx512 ? ", AES-GCM with VAES and AVX-512\n" : "\n") +
                 "formats: sealed object 1, append log 1, keyring 1, manifest 1\n";
  outcome.json = {{"version", CLOISTER_VERSION},
                  {"openssl",
                   {{"version", openssl.version},
                    {"cpu_settings", openssl.cpu_settings},
                    {"vaes_avx512", openssl.vaes_avx512},
                    {"too_old", openssl.too_old},
                    {"libcrypto_mapped", openssl.mapped}}},
                  {"formats", {{"sealed_object", 1}, {"append_log", 1}, {"keyring", 1}, {"manifest", 1}}}};
  return outcome;
}

Result<Outcome> help(Session&, const HelpRequest& request) {
  std::string path;
  for (const std::string& word : request.words) path += (path.empty() ? "" : " ") + word;
  Outcome outcome;
  outcome.text = manual_page(*request.root, path);
  if (outcome.text.empty()) return Error(Code::kNotFound, "there is no verb " + path + ": `cloister help` lists them");
  outcome.json = {{"help", outcome.text}};
  return outcome;
}

Result<Outcome> completion(Session&, const CompletionRequest& request) {
  Outcome outcome;
  outcome.text = request.shell == "bash"  ? bash_completion(*request.root)
                 : request.shell == "zsh" ? zsh_completion(*request.root)
                                          : fish_completion(*request.root);
  outcome.json = {{"shell", request.shell}, {"script", outcome.text}};
  return outcome;
}

}  // namespace

CLI::App* add_verb(CLI::App& parent, const std::string& name, const std::string& about, const std::string& manual) {
  CLI::App* verb = parent.add_subcommand(name, about);
  verb->footer(manual);
  verb->fallthrough();
  return verb;
}

void add_version(CLI::App& app, Run& run) {
  set_action(add_verb(app, "version", "print versions of the program, OpenSSL and the formats", ""), run,
             std::make_shared<NoRequest>(), version);
}

void add_help(CLI::App& app, Run& run) {
  auto request = std::make_shared<HelpRequest>();
  request->root = &app;
  CLI::App* verb = add_verb(app, "help", "explain a verb, with examples", "");
  verb->add_option("VERB", request->words, "which one; the whole program if left out");
  set_action(verb, run, request, help);
}

void add_completion(CLI::App& app, Run& run) {
  auto request = std::make_shared<CompletionRequest>();
  request->root = &app;
  CLI::App* verb = add_verb(app, "completion", "print a completion script for a shell", R"(EXAMPLES
  source <(cloister completion bash)
  cloister completion fish > ~/.config/fish/completions/cloister.fish
)");
  verb->add_option("SHELL", request->shell, "which one")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  set_action(verb, run, request, completion);
}

}  // namespace cloister::cli
