// cloister scan: what an endpoint's TLS, certificate and HTTP are like, and how that changed.
#include <algorithm>
#include <filesystem>
#include <map>

#include "commands.h"
#include "home/secret_file.h"
#include "log_watch_command.h"
#include "net/web_tls.h"
#include "scan_report.h"

namespace cloister::cli {
namespace {

constexpr std::uint64_t kListFileMax = 16 << 20;
constexpr std::size_t kTargetsMax = 4096;
constexpr std::size_t kStoredFilesMax = 100'000;
constexpr Duration kResolvePatience = seconds(10);

struct ScanOptions {
  std::vector<std::string> targets;
  std::string list, profile = "public-inference", server_name, authorities, log_list, preload_list;
  std::string client_certificate, client_key, issuer_certificate, issuer_key;
  std::string stream_path, keep, at_least;
  std::vector<std::string> paths;
  std::uint32_t plain_port = 0, connections = 2000, rate = 100, seconds = 300;
  bool negative = false, replay = false, sarif = false, facts = false;
};

struct TrendOptions {
  std::vector<std::string> files;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister scan models.example.com:443
  cloister scan 10.0.0.7:8443 --profile mesh-workload --authorities bundle.pem
      an internal endpoint, judged as a mesh has it
  cloister scan --list endpoints.txt --at-least B --keep scans/
      one endpoint a line; status 4 when one is worse; results kept for `trend`
  cloister scan trend scans/
      how the grades changed, and which rules were broken or mended
  cloister scan 127.0.0.1:8443 --profile mesh-workload --negative-svids
      shows certificates that must be refused; only where you may try that

PROFILES
  public-inference, mesh-workload, legacy-internal, pq-hybrid-required, cnsa2

NOTES
  Only the endpoints named are asked, at the pace given. What couldn't be found
  out is "not assessed" and loses its points. docs/scan.md explains each check.
)";

Result<std::string> read_text(const std::string& file) {
  CLOISTER_TRY(const Bytes bytes, read_file(file, kListFileMax));
  return std::string(as_text(bytes));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    std::string line = text.substr(start, end - start);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty() && line.front() != '#') lines.push_back(std::move(line));
    start = end + 1;
  }
  return lines;
}

Result<std::vector<std::string>> targets_of(const ScanOptions& options) {
  std::vector<std::string> targets = options.targets;
  if (!options.list.empty()) {
    CLOISTER_TRY(const std::string text, read_text(options.list));
    for (std::string& line : lines_of(text)) targets.push_back(std::move(line));
  }
  if (targets.empty()) return invalid("scan: name an endpoint, HOST:PORT, or a --list of them");
  if (targets.size() > kTargetsMax)
    return invalid("scan: at most " + std::to_string(kTargetsMax) + " endpoints at once");
  return targets;
}

Result<std::shared_ptr<const net::Credentials>> read_credentials(const std::string& certificate,
                                                                 const std::string& key) {
  if (certificate.empty() != key.empty()) return invalid("scan: a client certificate and its key come together");
  if (certificate.empty()) return std::shared_ptr<const net::Credentials>();
  CLOISTER_TRY(const std::string chain, read_text(certificate));
  CLOISTER_TRY(const crypto::Secret secret, home::read_secret_file(key));
  return net::Credentials::from_pem(chain, secret);
}

// An authority for negative certificates, and its key, which must outlive the scans.
struct Issuer {
  std::unique_ptr<crypto::MemorySigner> signer;
  std::unique_ptr<probe::TrustedIssuer> issuer;
};

Result<Issuer> read_issuer(const ScanOptions& options) {
  if (options.issuer_certificate.empty() != options.issuer_key.empty()) {
    return invalid("scan: --issuer-cert and --issuer-key come together");
  }
  Issuer made;
  if (options.issuer_certificate.empty()) return made;
  CLOISTER_TRY(auto certificates, net::read_authorities(options.issuer_certificate));
  CLOISTER_TRY(const crypto::Secret text, home::read_secret_file(options.issuer_key));
  CLOISTER_TRY(crypto::PrivateKey key, crypto::PrivateKey::from_pkcs8_pem(text));
  if (!(certificates.front().facts().public_key == key.public_key())) {
    return invalid("scan: --issuer-key isn't the key of --issuer-cert");
  }
  made.signer = std::make_unique<crypto::MemorySigner>(std::move(key));
  made.issuer = std::make_unique<probe::TrustedIssuer>(probe::TrustedIssuer{certificates.front(), made.signer.get()});
  return made;
}

Result<std::vector<crypto::Certificate>> read_anchors(const ScanOptions& options, const probe::Profile& profile) {
  if (!options.authorities.empty()) return net::read_authorities(options.authorities);
  if (!profile.system_authorities) return std::vector<crypto::Certificate>();
  auto system = net::system_authorities();
  // A machine without any trusts nobody: the report then says that trust is unknown.
  if (!system.ok() && system.error().code() == Code::kNotFound) return std::vector<crypto::Certificate>();
  return system;
}

// What all targets have in common.
Result<probe::ScanRequest> base_request(const ScanOptions& options, const Issuer& issuer) {
  probe::ScanRequest request;
  request.profile = probe::find_profile(options.profile);
  if (request.profile == nullptr) return invalid("scan: there is no profile " + options.profile);
  request.politeness.connections = options.connections;
  request.politeness.connections_per_second = options.rate;
  request.politeness.total_time = seconds(options.seconds);
  CLOISTER_TRY(request.anchors, read_anchors(options, *request.profile));
  if (!options.log_list.empty()) {
    CLOISTER_TRY(const std::string text, read_text(options.log_list));
    CLOISTER_TRY(auto logs, probe::LogList::parse(text).with_context("read " + options.log_list));
    request.logs = std::make_shared<const probe::LogList>(std::move(logs));
  }
  if (!options.preload_list.empty()) {
    CLOISTER_TRY(const std::string text, read_text(options.preload_list));
    request.http.preloaded = std::make_shared<const std::vector<std::string>>(lines_of(text));
  }
  CLOISTER_TRY(request.mutual.own, read_credentials(options.client_certificate, options.client_key));
  request.http.own = request.mutual.own;
  request.mutual.negative = options.negative;
  request.mutual.issuer = issuer.issuer.get();
  request.tls.replay = options.replay ? probe::EarlyDataReplay::kYes : probe::EarlyDataReplay::kNo;
  if (options.plain_port != 0) request.http.plain_port = static_cast<std::uint16_t>(options.plain_port);
  if (!options.paths.empty()) request.http.paths = options.paths;
  request.http.stream_path = options.stream_path;
  return request;
}

Result<probe::Endpoint> endpoint_of(const std::string& target, const std::string& server_name) {
  CLOISTER_TRY(const net::TcpAddress address, net::parse_tcp_address(target));
  CLOISTER_TRY(const auto addresses, net::resolve(address, kResolvePatience));
  if (addresses.empty()) return Error(Code::kUnavailable, target + " has no address");
  const bool named = !net::numeric_address(address).ok();
  return probe::Endpoint{address, addresses.front(), !server_name.empty() ? server_name : named ? address.host : ""};
}

ScanResult scan_one(Session& session, probe::ScanRequest request, const std::string& target,
                    const std::string& server_name) {
  request.now = system_time();
  auto endpoint = endpoint_of(target, server_name);
  if (!endpoint.ok()) return {target, endpoint.error(), request.now};
  request.endpoint = std::move(endpoint).value();
  return {target, probe::scan(request, session.random()).with_context("scan " + target), request.now};
}

// Letters get worse in the order of the alphabet; A+ is better than A.
bool worse(const std::string& grade, const std::string& wanted) {
  return grade.front() > wanted.front() || (wanted == "A+" && grade != "A+");
}

Status keep_result(const std::string& folder, const ScanResult& result) {
  CLOISTER_RETURN_IF_ERROR(create_directories(folder));
  std::string name = result.target + "-" + to_rfc3339(result.at);
  std::ranges::replace_if(name, [](char c) { return c == ':' || c == '/' || c == '[' || c == ']'; }, '_');
  const std::string text = scan_json({result}).dump(1) + "\n";
  return write_file(Path(folder) / (name + ".json"), as_bytes(text), Overwrite::kRefuse);
}

std::optional<Error> failure_of(const std::vector<ScanResult>& results, const std::string& at_least) {
  for (const ScanResult& one : results) {
    if (!one.report.ok()) return one.report.error();
  }
  if (at_least.empty()) return std::nullopt;
  for (const ScanResult& one : results) {
    if (worse(one.report->grade.letter, at_least)) {
      return Error(Code::kDenied, one.target + " is graded " + one.report->grade.letter + ", worse than " + at_least);
    }
  }
  return std::nullopt;
}

Result<Outcome> scan(Session& session, const ScanOptions& options) {
  CLOISTER_TRY(const auto targets, targets_of(options));
  CLOISTER_TRY(const Issuer issuer, read_issuer(options));
  CLOISTER_TRY(const probe::ScanRequest request, base_request(options, issuer));
  std::vector<ScanResult> results;
  Outcome outcome;
  for (const std::string& target : targets) {
    if (session.progress().stop_requested()) return Error(Code::kUnavailable, "scan: interrupted");
    results.push_back(scan_one(session, request, target, options.server_name));
    if (!options.keep.empty()) CLOISTER_RETURN_IF_ERROR(keep_result(options.keep, results.back()));
    const auto facts = options.facts ? ShowFacts::kYes : ShowFacts::kNo;
    outcome.text += (outcome.text.empty() ? "" : "\n") + scan_text(results.back(), facts);
  }
  outcome.json = options.sarif ? scan_sarif(results) : scan_json(results);
  if (options.sarif) outcome.text = outcome.json.dump(1) + "\n";
  outcome.failure = failure_of(results, options.at_least);
  return outcome;
}

Result<std::vector<Path>> stored_files(const std::vector<std::string>& named) {
  std::vector<Path> files;
  for (const std::string& one : named) {
    std::error_code error;
    if (!std::filesystem::is_directory(one, error)) {
      files.emplace_back(one);
      continue;
    }
    for (std::filesystem::directory_iterator at(one, error), end; !error && at != end; at.increment(error)) {
      if (at->path().extension() == ".json" && files.size() < kStoredFilesMax) files.push_back(at->path());
    }
    if (error) return Error(Code::kInternal, "read " + one + ": " + error.message());
  }
  std::ranges::sort(files);
  return files;
}

std::vector<std::string> without(const std::vector<std::string>& all, const std::vector<std::string>& known) {
  std::vector<std::string> rest;
  for (const std::string& one : all) {
    if (std::ranges::find(known, one) == known.end()) rest.push_back(one);
  }
  return rest;
}

std::string joined(const std::vector<std::string>& words, const char* sign) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + std::string(sign) + printable(word);
  return text;
}

Result<Outcome> trend(Session&, const TrendOptions& options) {
  CLOISTER_TRY(const auto files, stored_files(options.files));
  std::map<std::string, std::vector<StoredScan>> by_target;
  for (const Path& file : files) {
    CLOISTER_TRY(const Bytes text, read_file(file, std::uint64_t{64} << 20));
    CLOISTER_TRY(auto scans, parse_scan(as_text(text)).with_context("read " + file.string()));
    for (StoredScan& one : scans) by_target[one.target + " " + one.profile].push_back(std::move(one));
  }
  if (by_target.empty()) return Error(Code::kNotFound, "there are no stored scans: `cloister scan … --keep DIR`");
  Outcome outcome;
  outcome.json = {{"targets", Json::array()}};
  for (auto& [name, scans] : by_target) {
    std::ranges::sort(scans, {}, &StoredScan::at);
    Table table({"time", "grade", "score", "changes"});
    Json rows = Json::array();
    const std::vector<std::string> nothing;
    for (std::size_t i = 0; i < scans.size(); ++i) {
      const std::vector<std::string>& before = i == 0 ? scans[0].broken : scans[i - 1].broken;
      const auto broken = without(scans[i].broken, before), mended = without(before, scans[i].broken);
      const std::string changes =
          joined(broken, "+") + (broken.empty() || mended.empty() ? "" : " ") + joined(mended, "-");
      table.row({to_rfc3339(scans[i].at), printable(scans[i].grade), std::to_string(scans[i].score), changes});
      rows.push_back({{"time", to_rfc3339(scans[i].at)},
                      {"grade", scans[i].grade},
                      {"score", scans[i].score},
                      {"broken", broken},
                      {"mended", mended}});
    }
    outcome.text += (outcome.text.empty() ? "" : "\n") + printable(name) + "\n" + table.text();
    outcome.json["targets"].push_back({{"target", scans[0].target}, {"profile", scans[0].profile}, {"scans", rows}});
  }
  return outcome;
}

void add_what(CLI::App* verb, const std::shared_ptr<ScanOptions>& options) {
  verb->add_option("TARGET", options->targets, "HOST:PORT, one or several");
  verb->add_option("--list", options->list, "a file of targets, one a line")->type_name("FILE");
  verb->add_option("--profile", options->profile, "what it is judged as; else public-inference")->type_name("NAME");
  verb->add_option("--server-name", options->server_name, "asked for in place of the host")->type_name("NAME");
  verb->add_option("--authorities", options->authorities,
                   "who may vouch for it; else, if the profile has it, the system's")
      ->type_name("PEM");
  verb->add_option("--log-list", options->log_list, "certificate logs, as Chrome's list (version 3)")
      ->type_name("FILE");
  verb->add_option("--preload-list", options->preload_list, "domains that browsers know as HTTPS only, one a line")
      ->type_name("FILE");
  verb->add_option("--plain-port", options->plain_port, "where HTTP might be in clear beside it")
      ->type_name("PORT")
      ->check(CLI::Range(1, 65535));
  verb->add_option("--path", options->paths, "a path that must not answer anybody; else those of inference servers");
  verb->add_option("--stream-path", options->stream_path, "a path that answers with server-sent events")
      ->type_name("PATH");
}

void add_how(CLI::App* verb, const std::shared_ptr<ScanOptions>& options) {
  verb->add_option("--client-cert", options->client_certificate, "shown when it asks for one")->type_name("PEM");
  verb->add_option("--client-key", options->client_key, "and its key")->type_name("PEM");
  verb->add_flag("--negative-svids", options->negative, "shows certificates that must be refused");
  verb->add_option("--issuer-cert", options->issuer_certificate, "an authority it trusts, to issue those")
      ->type_name("PEM");
  verb->add_option("--issuer-key", options->issuer_key, "and its key")->type_name("PEM");
  verb->add_flag("--replay", options->replay, "sends the same early data twice");
  verb->add_option("--connections", options->connections, "at most so many to one target")
      ->check(CLI::Range(1, 100'000));
  verb->add_option("--rate", options->rate, "connections a second")->check(CLI::Range(1, 10'000));
  verb->add_option("--seconds", options->seconds, "at most so long for one target")->check(CLI::Range(1, 86'400));
  verb->add_option("--at-least", options->at_least, "status 4 when a grade is worse")
      ->type_name("GRADE")
      ->check(CLI::IsMember({"A+", "A", "B", "C", "D", "E"}));
  verb->add_option("--keep", options->keep, "keep the results as JSON, for `trend`")->type_name("DIR");
  verb->add_flag("--sarif", options->sarif, "SARIF 2.1.0 in place of the report");
  verb->add_flag("--facts", options->facts, "every fact, too");
}

}  // namespace

void add_scan(CLI::App& app, Run& run) {
  CLI::App* verb = add_verb(app, "scan", "what an endpoint's TLS, certificate and HTTP are like, and a grade", kManual);
  auto options = std::make_shared<ScanOptions>();
  add_what(verb, options);
  add_how(verb, options);
  verb->callback([verb, options, &run] {
    // Also called when a verb below it is what was asked for.
    if (verb->get_subcommands().empty()) run = [options](Session& session) { return scan(session, *options); };
  });
  CLI::App* trending = add_verb(*verb, "trend", "how stored results changed", "");
  auto stored = std::make_shared<TrendOptions>();
  trending->add_option("FILE", stored->files, "results that `scan --keep` or `scan --json` left, or folders of them")
      ->required();
  set_action(trending, run, stored, trend);
  add_log_watch(*verb, run);
}

}  // namespace cloister::cli
