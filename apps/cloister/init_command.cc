// cloister init: makes the home.
#include "commands.h"
#include "root_options.h"
#include "secret_input.h"

namespace cloister::cli {
namespace {

struct InitRequest {
  std::string root = "software";
  std::string root_passphrase_file;
  bool ask_root_passphrase = false;
  std::string module, token, key, pin_file, parameters;
  std::vector<std::string> root_options;  // "name=value": of a provider's key
  std::string log_server;
  std::string postgres;  // empty: keys.db in the home
  std::string schema = "cloister";
  bool require_standby = false;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister init
      a root key in ~/.cloister/root.key, readable by you alone
  cloister init --root-passphrase
      the same under a passphrase, asked for at every use
  cloister --home /srv/cloister init --root pkcs11 \
      --pkcs11-module /usr/lib/softhsm/libsofthsm2.so \
      --pkcs11-token cloister --pkcs11-key root --pkcs11-pin-file /run/pin
      a root key that never leaves the token; made there if it isn't yet
  cloister init --root aws-kms key=alias/cloister region=eu-west-1
      a key that AWS KMS holds; docs/providers/ has every provider's options
  cloister init --store-postgres /etc/cloister/postgres --require-standby
      keys in PostgreSQL, for more than one machine (see `cloister help store`)

  cloister init --root pkcs11 \
      --pkcs11-module /usr/lib/x86_64-linux-gnu/libsoftokn3.so \
      --pkcs11-token 'NSS Certificate DB' --pkcs11-key root \
      --pkcs11-parameters "configdir='sql:/srv/nss' certPrefix='' keyPrefix='' secmod='secmod.db'"
      the same in an NSS database

NOTES
  The home (--home, else $CLOISTER_HOME, else ~/.cloister) holds config.json,
  keys.db with every tenant's keys, wrapped, and root.key for a software root.
  Back all of it up: without the root key nothing sealed can be opened again.
  No secret is ever an argument or in the environment: passphrases and PINs
  come from files only you can read, or from the terminal.
)";

// A file that every later run reads. What a descriptor's name means is gone by then.
Result<std::string> lasting_file(const char* option, const std::string& path, const char* instead) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  const bool lasts = !names_descriptor(path) && (status.type() == std::filesystem::file_type::not_found ||
                                                 status.type() == std::filesystem::file_type::regular);
  if (!lasts) {
    return invalid(std::string(option) + " " + path + ": it must be a file that stays, for later runs to read; " +
                   instead);
  }
  return std::filesystem::absolute(path, error).string();
}

Status expect_no_token(const InitRequest& request) {
  const bool none = request.module.empty() && request.token.empty() && request.key.empty() &&
                    request.pin_file.empty() && request.parameters.empty();
  return none ? Status() : invalid("--pkcs11-… options belong to --root pkcs11");
}

Status expect_no_options(const InitRequest& request) {
  if (request.root_options.empty()) return {};
  return invalid("OPTION=VALUE belongs to a root that a provider holds: --root aws-kms for one");
}

Result<RootConfig> software_config(const InitRequest& request) {
  RootConfig root;
  CLOISTER_RETURN_IF_ERROR(expect_no_token(request));
  CLOISTER_RETURN_IF_ERROR(expect_no_options(request));
  if (!request.root_passphrase_file.empty() && request.ask_root_passphrase) {
    return invalid("--root-passphrase and --root-passphrase-file: one or the other");
  }
  if (request.ask_root_passphrase) root.passphrase = RootConfig::Passphrase::kPrompt;
  if (request.root_passphrase_file.empty()) return root;
  root.passphrase = RootConfig::Passphrase::kFile;
  CLOISTER_TRY(root.passphrase_file,
               lasting_file("--root-passphrase-file", request.root_passphrase_file, "or --root-passphrase"));
  return root;
}

Result<RootConfig> provider_config(const InitRequest& request) {
  CLOISTER_RETURN_IF_ERROR(expect_no_token(request));
  if (!request.root_passphrase_file.empty() || request.ask_root_passphrase) {
    return invalid("a root of kind " + request.root + " takes no passphrase");
  }
  RootConfig root;
  root.kind = request.root;
  CLOISTER_RETURN_IF_ERROR(add_root_options(request.root_options, root));
  CLOISTER_RETURN_IF_ERROR(home::check_root(root));
  return root;
}

Result<RootConfig> token_config(const InitRequest& request) {
  CLOISTER_RETURN_IF_ERROR(expect_no_options(request));
  if (request.module.empty() || request.token.empty() || request.key.empty()) {
    return invalid("--root pkcs11 needs --pkcs11-module, --pkcs11-token and --pkcs11-key");
  }
  if (!request.root_passphrase_file.empty() || request.ask_root_passphrase) {
    return invalid("a token has a PIN: --pkcs11-pin-file");
  }
  std::error_code ignored;
  RootConfig root;
  root.kind = request.root;
  root.options = {{"module", std::filesystem::absolute(request.module, ignored).string()},
                  {"token", request.token},
                  {"key", request.key}};
  if (!request.parameters.empty()) root.options["parameters"] = request.parameters;
  root.passphrase = RootConfig::Passphrase::kPrompt;
  if (request.pin_file.empty()) return root;
  root.passphrase = RootConfig::Passphrase::kFile;
  CLOISTER_TRY(root.passphrase_file,
               lasting_file("--pkcs11-pin-file", request.pin_file, "without it the PIN is asked for"));
  return root;
}

Result<std::optional<PostgresConfig>> store_config(const InitRequest& request) {
  if (!request.postgres.empty()) {
    CLOISTER_TRY(auto config, make_postgres_config(request.postgres, request.schema,
                                                   request.require_standby ? Standby::kRequired : Standby::kOptional));
    return std::optional(std::move(config));
  }
  if (request.require_standby) return invalid("--require-standby belongs to --store-postgres");
  return std::optional<PostgresConfig>();
}

Result<Outcome> init(Session& session, const InitRequest& request) {
  const bool software = request.root == "software";
  CLOISTER_TRY(const RootConfig root, software                   ? software_config(request)
                                      : request.root == "pkcs11" ? token_config(request)
                                                                 : provider_config(request));
  HomeConfig config{{{std::string(keys::kFirstRoot), root}}, {}};
  CLOISTER_TRY(config.postgres, store_config(request));
  CLOISTER_RETURN_IF_ERROR(session.create_home(config, request.log_server));
  const std::string home = session.home().string();
  Outcome outcome;
  outcome.terse = true;
  outcome.text = "made the home " + home + ", root key " + session.root_id() + "\n";
  if (software && root.passphrase == RootConfig::Passphrase::kNone) {
    outcome.text +=
        "the root key lies there unencrypted, for one machine and one owner; --root-passphrase or\n"
        "--root pkcs11 protect it better\n";
  }
  outcome.text += "next: cloister tenant create NAME, then cloister dataset create NAME/DATASET\n";
  outcome.json = {{"home", home}, {"root", root.kind}, {"root_id", session.root_id()}};
  return outcome;
}

}  // namespace

void add_init(CLI::App& app, Run& run) {
  auto request = std::make_shared<InitRequest>();
  CLI::App* verb = add_verb(app, "init", "make a home: root key, key store, configuration", kManual);
  std::vector<std::string> kinds;
  for (const home::RootKind& kind : home::root_kinds()) kinds.emplace_back(kind.name);
  verb->add_option("--root", request->root, "where the root key lives")
      ->check(CLI::IsMember(kinds))
      ->capture_default_str();
  verb->add_option("SETTING", request->root_options, "OPTION=VALUE: what a provider is told, which key, where");
  verb->add_flag("--root-passphrase", request->ask_root_passphrase,
                 "software: under a passphrase, asked for at each use");
  verb->add_option("--root-passphrase-file", request->root_passphrase_file,
                   "software: under the passphrase in FILE (0600)")
      ->type_name("FILE");
  verb->add_option("--pkcs11-module", request->module, "the PKCS#11 library")->type_name("FILE");
  verb->add_option("--pkcs11-token", request->token, "label of the token")->type_name("LABEL");
  verb->add_option("--pkcs11-key", request->key, "label of the AES key; made if absent")->type_name("LABEL");
  verb->add_option("--pkcs11-pin-file", request->pin_file, "the PIN, read from FILE (0600); asked for without it")
      ->type_name("FILE");
  verb->add_option("--pkcs11-parameters", request->parameters,
                   "text for modules that take some at start: NSS softoken's configdir='sql:FOLDER' and so on")
      ->type_name("TEXT");
  verb->add_option("--log-server", request->log_server,
                   "names this home's audit logs, for good: audit.example.com (a random name without it)")
      ->type_name("NAME");
  verb->add_option("--store-postgres", request->postgres,
                   "keys in PostgreSQL: a file (0600) with libpq's keywords and values, or `environment`")
      ->type_name("FILE");
  verb->add_option("--store-schema", request->schema, "the schema that holds the tables")
      ->type_name("NAME")
      ->capture_default_str();
  verb->add_flag("--require-standby", request->require_standby,
                 "write nothing unless a synchronous standby is attached");
  set_action(verb, run, request, init);
}

}  // namespace cloister::cli
