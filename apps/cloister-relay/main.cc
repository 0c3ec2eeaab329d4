// cloister-relay: mutual TLS for workloads that don't speak it. Reads its configuration, builds the relay, and waits
// for signals.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "cloister-relay/event_log.h"
#include "cloister-relay/identity_keeper.h"
#include "cloisterd/notify.h"
#include "cloisterd/signals.h"
#include "crypto/library.h"
#include "crypto/random.h"
#include "mesh/relay/metrics_server.h"
#include "mesh/relay/relay.h"

namespace cloister::relay {
namespace {

constexpr const char* kManual = R"(SIGNALS
  TERM, INT  stop listening, let connections finish, then end
  HUP        read the configuration again; what is wrong with it is logged,
             and the relay goes on as it was

docs/relay.md explains every key of the configuration.
)";

struct Options {
  std::string config;
  bool version = false;
};

int fail(const Error& error) {
  std::fprintf(stderr, "cloister-relay: %s\n", error.message().c_str());
  return exit_status(error.code());
}

// Everything that runs, in the order it is built.
class Program {
 public:
  explicit Program(daemon::Log& log) : log_(log), events_(log) {}

  Status start(const mesh::RelayConfig& config) {
    configure_log(config);
    CLOISTER_TRY(keeper_, IdentityKeeper::start(config.identity, log_, system_time));
    if (!config.receipts.empty()) {
      CLOISTER_TRY(receipts_, mesh::ReceiptLog::create(config.receipts, random_));
    }
    CLOISTER_TRY(relay_, mesh::Relay::start(config, keeper_->source(), {system_time, &events_, receipts_.get()}));
    if (config.metrics) {
      CLOISTER_TRY(metrics_, mesh::MetricsServer::start(*config.metrics, [this] { return metrics_text(); }));
    }
    const auto snapshot = keeper_->source()->current();
    log_.info("started", {{"version", CLOISTER_VERSION},
                          {"id", snapshot->svid().id().uri()},
                          {"expires", to_rfc3339(snapshot->not_after())}});
    say_where(config);
    return {};
  }

  // The metrics' address, the receipts' folder and the number of threads are for the next start.
  Status reload(const mesh::RelayConfig& config) {
    CLOISTER_TRY(auto keeper, IdentityKeeper::start(config.identity, log_, system_time));
    CLOISTER_RETURN_IF_ERROR(relay_->reload(config, keeper->source()));
    {
      const std::scoped_lock lock(mutex_);
      keeper_.swap(keeper);
    }
    configure_log(config);
    ++reloads_;
    log_.info("reloaded");
    say_where(config);
    return {};
  }

  void not_reloaded(const Error& error) {
    ++reload_failures_;
    log_.error("not-reloaded", {{"error", error.message()}});
  }

  void stop(Duration patience) {
    log_.info("stopping");
    if (const Status drained = relay_->drain(patience); !drained.ok()) {
      log_.warning("cut", {{"detail", drained.error().message()}});
    }
    metrics_.reset();
    relay_.reset();
    if (receipts_ == nullptr) return;
    if (const Status closed = receipts_->close(); !closed.ok()) {
      log_.error("receipts-lost", {{"error", closed.error().message()}});
    }
  }

 private:
  void configure_log(const mesh::RelayConfig& config) {
    log_.configure(static_cast<daemon::LogLevel>(config.log_level),
                   config.log_text ? daemon::LogFormat::kText : daemon::LogFormat::kJson, "");
  }

  // With the port that the system chose, where it was to.
  void say_where(const mesh::RelayConfig& config) {
    for (const mesh::ListenerSettings& listener : config.listeners) {
      mesh::RelayAddress at = listener.listen;
      if (const auto port = relay_->port_of(listener.name); port.ok() && !at.is_unix()) at.tcp.port = *port;
      const bool inbound = listener.direction == mesh::ListenerSettings::Direction::kInbound;
      log_.info(
          "listening",
          {{"listener", listener.name}, {"direction", inbound ? "inbound" : "outbound"}, {"address", at.to_string()}});
    }
  }

  std::string metrics_text() {
    mesh::RelayGauges gauges;
    {
      const std::scoped_lock lock(mutex_);
      gauges.svid_not_after = keeper_->source()->current()->not_after().unix_ms / 1000;
      gauges.identity_changes = keeper_->changes();
      gauges.identity_failures = keeper_->failures();
    }
    gauges.reloads = reloads_;
    gauges.reload_failures = reload_failures_;
    if (receipts_ != nullptr) {
      const mesh::ReceiptCounts counts = receipts_->counts();
      gauges.receipts_written = counts.written;
      gauges.receipts_lost = counts.lost;
    }
    return mesh::prometheus_text(relay_->counters(), gauges);
  }

  daemon::Log& log_;
  crypto::SystemRandom random_;
  EventLog events_;
  std::mutex mutex_;  // of keeper_, which a reload replaces while the metrics are read
  std::unique_ptr<IdentityKeeper> keeper_;
  std::unique_ptr<mesh::ReceiptLog> receipts_;
  std::unique_ptr<mesh::Relay> relay_;
  std::unique_ptr<mesh::MetricsServer> metrics_;
  std::atomic<std::uint64_t> reloads_{0}, reload_failures_{0};
};

int check(const Options& options) {
  const auto config = mesh::read_relay_config(options.config);
  if (!config.ok()) return fail(config.error());
  std::fputs(mesh::describe(*config).c_str(), stdout);
  if (!config->identity.workload_api.empty()) return 0;
  const auto snapshot = mesh::read_identity_files(config->identity, system_time());
  if (!snapshot.ok()) return fail(snapshot.error());
  std::printf("  is %s until %s\n", (*snapshot)->svid().id().uri().c_str(),
              to_rfc3339((*snapshot)->not_after()).c_str());
  return 0;
}

// Until it is time to end. What patience the last configuration has with connections that stand.
Duration wait_for_signals(const sigset_t& signals, const Options& options, Program& program, Duration drain) {
  for (;;) {
    int signal = 0;
    if (::sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP) return drain;
    daemon::notify_reloading();
    const auto next = mesh::read_relay_config(options.config);
    const Status status = next.ok() ? program.reload(*next) : Status(next.error());
    if (status.ok()) {
      drain = next->drain;
    } else {
      program.not_reloaded(status.error());
    }
    daemon::notify_manager("READY=1");
  }
}

int serve(const Options& options) {
  const sigset_t signals = daemon::block_signals({SIGTERM, SIGINT, SIGHUP});
  const auto config = mesh::read_relay_config(options.config);
  if (!config.ok()) return fail(config.error());
  const auto log = daemon::Log::start(STDERR_FILENO, system_time);
  if (!log.ok()) return fail(log.error());
  Program program(**log);
  if (const Status started = program.start(*config); !started.ok()) {
    (*log)->error("not-started", {{"error", started.error().message()}});
    return exit_status(started.error().code());
  }
  daemon::notify_manager("READY=1");
  const Duration drain = wait_for_signals(signals, options, program, config->drain);
  daemon::notify_manager("STOPPING=1");
  program.stop(drain);
  return 0;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("mutual TLS for workloads that don't speak it", "cloister-relay");
  app.footer(kManual);
  app.add_option("--config", options.config, "the configuration")->type_name("FILE");
  app.add_flag("--version", options.version, "the version");
  CLI::App* checks = app.add_subcommand("check", "say what is wrong with the configuration, or what it would do");
  checks->fallthrough();
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError& wrong) {
    return fail(Error(Code::kInvalid, std::string(wrong.what()) + " (see `cloister-relay --help`)"));
  }
  if (options.version) {
    std::printf("cloister-relay %s\n", CLOISTER_VERSION);
    return 0;
  }
  if (options.config.empty()) return fail(Error(Code::kInvalid, "--config FILE is needed"));
  return checks->parsed() ? check(options) : serve(options);
}

}  // namespace
}  // namespace cloister::relay

int main(int argc, char** argv) {
  using namespace cloister;
  if (const Status started = crypto::start_process(); !started.ok()) return relay::fail(started.error());
  return relay::run(argc, argv);
}
