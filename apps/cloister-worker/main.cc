// cloister-worker: opens a sealed model for as long as a key service, having seen this worker's evidence, lets it.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "attest/tpm/enrolment.h"
#include "cloister-worker/program.h"
#include "cloister-worker/tpm_verbs.h"
#include "cloisterd/notify.h"
#include "cloisterd/signals.h"
#include "crypto/library.h"
#include "worker/attester/software.h"

namespace cloister::worker {
namespace {

constexpr const char* kManual = R"(SIGNALS
  TERM, INT  let the engine finish, wipe the model, then end

docs/worker.md explains every key of the configuration.
)";

struct Options {
  std::string config, out, tpm, challenge;
  bool version = false;
};

int fail(const Error& error) {
  std::fprintf(stderr, "cloister-worker: %s\n", error.message().c_str());
  return exit_status(error.code());
}

int run_worker(const Options& options) {
  const sigset_t signals = daemon::block_signals({SIGTERM, SIGINT, SIGCHLD});
  const auto config = read_worker_config(options.config);
  if (!config.ok()) return fail(config.error());
  auto prepared = prepare(*config);
  if (!prepared.ok()) return fail(prepared.error());
  auto locked = lock_down(lockdown_request(*config));
  if (!locked.ok()) return fail(locked.error());
  const auto log = daemon::Log::start(STDERR_FILENO, system_time);
  if (!log.ok()) return fail(log.error());
  Program program(*config, std::move(prepared).value(), std::move(locked).value(), **log);
  if (const Status started = program.start(); !started.ok()) {
    (*log)->error("not-started", {{"error", started.error().message()}});
    return exit_status(started.error().code());
  }
  daemon::notify_manager("READY=1");
  const Status served = program.serve(signals);
  daemon::notify_manager("STOPPING=1");
  program.stop(served.ok() ? kStopPatience : Duration{});  // a worker that may not go on answers nothing more
  if (served.ok()) return 0;
  (*log)->error("ended", {{"error", served.error().message()}});
  return exit_status(served.error().code());
}

int check(const Options& options) {
  const auto config = read_worker_config(options.config);
  if (!config.ok()) return fail(config.error());
  const auto image = measure_program("/proc/self/exe");
  if (!image.ok()) return fail(image.error());
  const auto manifest = read_manifest(*config, *image);
  if (!manifest.ok()) return fail(manifest.error());
  std::printf("manifest %s\nprogram %s\n", attest::digest_text(crypto::sha256(*manifest)).c_str(),
              attest::digest_text(*image).c_str());
  return 0;
}

int write_text(const Options& options, const Result<std::string>& text) {
  if (!text.ok()) return fail(text.error());
  if (options.out.empty()) {
    std::fputs(text->c_str(), stdout);
    return 0;
  }
  const Status written = write_file(options.out, as_bytes(*text), Overwrite::kReplace);
  return written.ok() ? 0 : fail(written.error());
}

int manifest(const Options& options) {
  const auto config = read_worker_config(options.config);
  if (!config.ok()) return fail(config.error());
  const auto image = measure_program("/proc/self/exe");
  if (!image.ok()) return fail(image.error());
  return write_text(options, attest::write_workload_manifest(manifest_of(*config, *image)));
}

int make_key(const Options& options) {
  if (options.out.empty()) return fail(Error(Code::kInvalid, "--out FILE is needed"));
  crypto::SystemRandom random;
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519, random);
  if (!key.ok()) return fail(key.error());
  const crypto::Secret text = key->to_pkcs8_pem();
  const Status written = write_file(options.out, text.expose(), Overwrite::kRefuse, 0600);
  if (!written.ok()) return fail(written.error());
  std::printf("%s\n", attest::digest_text(crypto::sha256(key->public_key().spki())).c_str());
  return 0;
}

// --tpm, or what the configuration has.
Result<std::unique_ptr<TpmDevice>> open_tpm(const Options& options) {
  if (!options.tpm.empty()) return TpmDevice::open(options.tpm);
  if (options.config.empty()) return Error(Code::kInvalid, "--tpm TRANSPORT or --config FILE is needed");
  CLOISTER_TRY(const WorkerConfig config, read_worker_config(options.config));
  if (config.attester != attest::Kind::kTpm) {
    return Error(Code::kInvalid, "the attester of " + options.config + " is no TPM");
  }
  return TpmDevice::open(config.tpm);
}

int show_tpm(const Options& options) {
  const auto device = open_tpm(options);
  if (!device.ok()) return fail(device.error());
  return write_text(options, tpm_identity(**device));
}

int answer_challenge(const Options& options) {
  const auto challenge = read_file(options.challenge, attest::kTpmEnrolmentFileSizeMax);
  if (!challenge.ok()) return fail(challenge.error());
  const auto device = open_tpm(options);
  if (!device.ok()) return fail(device.error());
  return write_text(options, answer_tpm_challenge(**device, as_text(*challenge)));
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("opens a sealed model for as long as its evidence convinces the key service", "cloister-worker");
  app.footer(kManual);
  app.add_option("--config", options.config, "the configuration")->type_name("FILE");
  app.add_option("--out", options.out, "where to write")->type_name("FILE");
  app.add_flag("--version", options.version, "the version");
  CLI::App* runs = app.add_subcommand("run", "lock down, attest, open the model and serve it");
  CLI::App* checks = app.add_subcommand("check", "say what is wrong with configuration and manifest");
  CLI::App* writes = app.add_subcommand("manifest", "write the manifest of this program with that configuration");
  CLI::App* makes = app.add_subcommand("key", "make a key of insecure_software, and say how anchors name it");
  CLI::App* tpm = app.add_subcommand("tpm", "have the key enrolled that this machine's TPM attests with");
  tpm->require_subcommand(1);
  tpm->add_option("--tpm", options.tpm, "how tpm2-tss reaches it: device:/dev/tpmrm0; else as configured")
      ->type_name("TRANSPORT");
  CLI::App* shows = tpm->add_subcommand("identity", "write its endorsement key, certificate and attestation key");
  CLI::App* answers = tpm->add_subcommand("activate", "answer the challenge that an operator made of that");
  answers->add_option("CHALLENGE", options.challenge, "the file with the challenge")->required();
  for (CLI::App* verb : {runs, checks, writes, makes, tpm, shows, answers}) verb->fallthrough();
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError& wrong) {
    return fail(Error(Code::kInvalid, std::string(wrong.what()) + " (see `cloister-worker --help`)"));
  }
  if (options.version) {
    std::printf("cloister-worker %s\n", CLOISTER_VERSION);
    return 0;
  }
  if (makes->parsed()) return make_key(options);
  if (shows->parsed()) return show_tpm(options);
  if (answers->parsed()) return answer_challenge(options);
  if (options.config.empty()) return fail(Error(Code::kInvalid, "--config FILE is needed"));
  if (writes->parsed()) return manifest(options);
  if (checks->parsed()) return check(options);
  if (runs->parsed()) return run_worker(options);
  return fail(Error(Code::kInvalid, "what is to be done? (see `cloister-worker --help`)"));
}

}  // namespace
}  // namespace cloister::worker

int main(int argc, char** argv) {
  using namespace cloister;
  if (const Status started = crypto::start_process(); !started.ok()) return worker::fail(started.error());
  return worker::run(argc, argv);
}
