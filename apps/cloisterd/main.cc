// cloisterd: the key service. Reads its configuration, builds the daemon, and waits for signals.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "cloisterd/access_key_command.h"
#include "cloisterd/daemon.h"
#include "cloisterd/notify.h"
#include "cloisterd/signals.h"
#include "cloisterd/token_command.h"
#include "crypto/library.h"

namespace cloister::daemon {
namespace {

constexpr const char* kManual = R"(SIGNALS
  TERM, INT  finish what was begun, then end
  HUP        read the configuration and the policy again; what is wrong with
             them is logged, and the daemon goes on as it was

docs/cloisterd.md explains every key of the configuration.
)";

struct Options {
  std::string config;
  bool check = false;
  bool version = false;
  std::string id;
  std::uint64_t lifetime_seconds = 600;
  AccessKeyOrder access_key;
  std::string access_key_id;
};

int fail(const Error& error) {
  std::fprintf(stderr, "cloisterd: %s\n", error.message().c_str());
  return exit_status(error.code());
}

int check(const Options& options) {
  const auto config = read_config(options.config);
  if (!config.ok()) return fail(config.error());
  const auto snapshot = load_snapshot(*config);
  if (!snapshot.ok()) return fail(snapshot.error());
  const auto home = home::read_home(config->home);
  if (!home.ok()) return fail(home.error());
  for (const auto& [name, root] : home->roots) {
    if (root.passphrase != home::RootConfig::Passphrase::kPrompt) continue;
    return fail(Error(Code::kInvalid, "root " + name + " asks for a passphrase: a daemon needs it in a file"));
  }
  std::fputs(describe(*config).c_str(), stdout);
  const policy::Policy& policy = (*snapshot)->policy;
  std::printf("  policy %s, sha256 %s\n", policy.id().empty() ? "(refuses everything)" : policy.id().c_str(),
              to_hex((*snapshot)->policy_digest).c_str());
  return 0;
}

int print_token(const Options& options) {
  const auto config = read_config(options.config);
  if (!config.ok()) return fail(config.error());
  const auto token = fetch_join_token(*config, options.id, options.lifetime_seconds);
  if (!token.ok()) return fail(token.error());
  std::printf("%.*s\n", static_cast<int>(token->size()), as_text(token->expose()).data());
  return 0;
}

int make_key(const Options& options) {
  const auto config = read_config(options.config);
  if (!config.ok()) return fail(config.error());
  const auto id = make_access_key(*config, options.access_key);
  if (!id.ok()) return fail(id.error());
  std::printf("%s\n", id->c_str());
  return 0;
}

int list_keys(const Options& options) {
  const auto config = read_config(options.config);
  if (!config.ok()) return fail(config.error());
  const auto lines = list_access_keys(*config, options.access_key.tenant);
  if (!lines.ok()) return fail(lines.error());
  std::fputs(lines->c_str(), stdout);
  return 0;
}

int revoke_key(const Options& options) {
  const auto config = read_config(options.config);
  if (!config.ok()) return fail(config.error());
  const Status revoked = revoke_access_key(*config, options.access_key.tenant, options.access_key_id);
  return revoked.ok() ? 0 : fail(revoked.error());
}

// The subcommands of access-key, and what each does.
using Verb = int (*)(const Options&);
std::vector<std::pair<CLI::App*, Verb>> add_access_key_commands(CLI::App& app, Options& options) {
  CLI::App* keys = app.add_subcommand("access-key", "access keys of the AWS dialect, from the daemon that runs here");
  keys->fallthrough()->require_subcommand(1);
  const auto add = [&](const char* name, const char* what) {
    CLI::App* verb = keys->add_subcommand(name, what);
    verb->fallthrough();
    verb->add_option("TENANT", options.access_key.tenant, "acme, or acme/production")->required();
    return verb;
  };
  CLI::App* create = add("create", "makes one; its secret goes into a file of yours alone, once");
  create->add_option("ID", options.access_key.caller, "the SPIFFE ID that it speaks for")->required();
  create->add_option("--purpose", options.access_key.purpose, "what all its requests are for")->required();
  create->add_option("--out", options.access_key.out, "the file, as AWS's clients read it")->required();
  create->add_option("--lifetime", options.access_key.lifetime_seconds, "seconds until it expires");
  CLI::App* list = add("list", "those of a tenant");
  CLI::App* revoke = add("revoke", "ends one");
  revoke->add_option("KEY", options.access_key_id, "its id")->required();
  return {{create, make_key}, {list, list_keys}, {revoke, revoke_key}};
}

// Until it is time to end.
void wait_for_signals(const sigset_t& signals, const Options& options, Daemon& daemon, Log& log) {
  for (;;) {
    int signal = 0;
    if (::sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP) return;
    notify_reloading();
    auto next = read_config(options.config);
    const Status status = next.ok() ? daemon.reload(std::move(*next)) : Status(next.error());
    if (!status.ok()) log.error("not-reloaded", {{"error", status.error().message()}});
    notify_manager("READY=1");
  }
}

int serve(const Options& options, crypto::Random& random) {
  const sigset_t signals = daemon::block_signals({SIGTERM, SIGINT, SIGHUP});
  auto config = read_config(options.config);
  if (!config.ok()) return fail(config.error());
  const auto log = Log::start(STDERR_FILENO, system_time);
  if (!log.ok()) return fail(log.error());
  (*log)->configure(config->log_level, config->log_format, config->server_id);
  const auto daemon = Daemon::start(std::move(*config), **log, random, system_time);
  if (!daemon.ok()) {
    (*log)->error("not-started", {{"error", daemon.error().message()}});
    return exit_status(daemon.error().code());
  }
  (*log)->info("started", {{"version", CLOISTER_VERSION}});
  notify_manager("READY=1");
  wait_for_signals(signals, options, **daemon, **log);
  notify_manager("STOPPING=1");
  (*log)->info("stopping");
  const Status drained = (*daemon)->drain();
  if (!drained.ok()) (*log)->warning("cut", {{"detail", drained.error().message()}});
  return 0;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("the key service of Cloister", "cloisterd");
  app.footer(kManual);
  app.add_option("--config", options.config, "the configuration")->type_name("FILE");
  app.add_flag("--check", options.check, "say what is wrong with it, or what it would do, and end");
  app.add_flag("--version", options.version, "the version");
  CLI::App* token = app.add_subcommand("token", "a join token for a workload, from the daemon that runs here");
  token->fallthrough();
  token->add_option("ID", options.id, "the SPIFFE ID it is good for")->required();
  token->add_option("--lifetime", options.lifetime_seconds, "seconds until it expires")->capture_default_str();
  const auto access_keys = add_access_key_commands(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError& wrong) {
    return fail(Error(Code::kInvalid, std::string(wrong.what()) + " (see `cloisterd --help`)"));
  }
  if (options.version) {
    std::printf("cloisterd %s\n", CLOISTER_VERSION);
    return 0;
  }
  if (options.config.empty()) return fail(Error(Code::kInvalid, "--config FILE is needed"));
  if (token->parsed()) return print_token(options);
  for (const auto& [command, verb] : access_keys) {
    if (command->parsed()) return verb(options);
  }
  if (options.check) return check(options);
  crypto::SystemRandom random;
  return serve(options, random);
}

}  // namespace
}  // namespace cloister::daemon

int main(int argc, char** argv) {
  using namespace cloister;
  if (const Status started = crypto::start_process(); !started.ok()) return daemon::fail(started.error());
  return daemon::run(argc, argv);
}
