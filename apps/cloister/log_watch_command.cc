// cloister scan logs: which certificates for our domains a certificate log has seen.
#include "log_watch_command.h"

#include <filesystem>

#include "base/base64.h"
#include "crypto/pem.h"
#include "net/http_client.h"
#include "net/web_tls.h"
#include "probe/transparency/monitor.h"

namespace cloister::cli {
namespace {

constexpr std::uint64_t kFileMax = 64 << 20;
constexpr Duration kPatience = seconds(60);
constexpr std::size_t kKnownMax = 10'000;

struct WatchOptions {
  std::string log, key, position, authorities;
  std::vector<std::string> domains, known;
  bool from_start = false;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister scan logs --log https://mon.example/2027h1 --key log.pem \
      --domain example.com --known certs/ --position log.json
      the first time: remembers where the log stands. From then on: what it has
      seen since, for example.com and all below it. Status 4 when something of
      it isn't among the known ones

NOTES
  The log's entries are held against the head that it signed: one that shows
  different things to different people is found out (status 3). --log may be a
  folder that mirrors the log.
)";

// From a folder that mirrors a log.
Result<Bytes> fetch_file(const Path& folder, const std::string& path) { return read_file(folder / path, kFileMax); }

struct WebLog {
  std::unique_ptr<net::HttpClient> client;
  std::string host, prefix;
};

Result<WebLog> open_web(const std::string& url, const std::string& authorities) {
  const std::string rest = url.substr(std::string_view("https://").size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string host = rest.substr(0, slash);
  const bool has_port = host.ends_with(']') ? false : host.find(':') != std::string::npos;
  CLOISTER_TRY(const net::TcpAddress address, net::parse_tcp_address(has_port ? host : host + ":443"));
  CLOISTER_TRY(auto trusted, authorities.empty() ? net::system_authorities() : net::read_authorities(authorities));
  CLOISTER_TRY(auto tls, net::WebTls::create(std::move(trusted), nullptr, system_time));
  net::ClientOptions options;
  options.response.body_bytes = kFileMax;
  WebLog log{nullptr, host, rest.substr(slash)};
  while (log.prefix.ends_with('/')) log.prefix.pop_back();
  CLOISTER_TRY(log.client, net::HttpClient::create(net::WebTarget{address, std::move(tls)}, options));
  return log;
}

Result<Bytes> fetch_web(const WebLog& log, const std::string& path) {
  net::Request request;
  request.method = "GET";
  request.target = log.prefix + "/" + path;
  request.headers = {{"host", log.host}, {"accept-encoding", "identity"}, {"user-agent", "cloister"}};
  CLOISTER_TRY(const net::Exchange exchange, log.client->send(request, kPatience).with_context("read " + path));
  const net::Response& response = exchange.response;
  if (response.status != 200) {
    return Error(Code::kUnavailable, "read " + path + ": status " + std::to_string(response.status));
  }
  const std::string* coding = response.headers.find("content-encoding");
  if (coding != nullptr && *coding != "identity") {
    return Error(Code::kUnsupported, "read " + path + ": it came compressed, though that wasn't asked for");
  }
  return to_bytes(response.body);
}

Result<probe::LogFetch> open_log(const WatchOptions& options) {
  if (!options.log.starts_with("https://")) {
    if (options.log.find("://") != std::string::npos)
      return invalid("scan logs: a log is read by https or from a folder");
    return probe::LogFetch([folder = Path(options.log)](const std::string& path) { return fetch_file(folder, path); });
  }
  CLOISTER_TRY(auto web, open_web(options.log, options.authorities));
  auto shared = std::make_shared<const WebLog>(std::move(web));
  return probe::LogFetch([shared](const std::string& path) { return fetch_web(*shared, path); });
}

// PEM, or base64 of DER as lists of logs have it.
Result<crypto::PublicKey> read_log_key(const std::string& file) {
  CLOISTER_TRY(const Bytes text, read_file(file, kFileMax));
  std::string words(as_text(text));
  if (words.find("-----BEGIN") != std::string::npos) {
    CLOISTER_TRY(const auto blocks, crypto::parse_pem(words, "PUBLIC KEY", 1));
    if (blocks.empty()) return invalid(file + " holds no public key");
    return crypto::PublicKey::from_spki(blocks[0]);
  }
  std::erase_if(words, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  CLOISTER_TRY(const Bytes der, from_base64(words));
  return crypto::PublicKey::from_spki(der);
}

Status add_known(const Path& file, std::set<Bytes>& known) {
  CLOISTER_TRY(const Bytes text, read_file(file, kFileMax));
  CLOISTER_TRY(const auto blocks,
               crypto::parse_pem(as_text(text), "CERTIFICATE", kKnownMax).with_context("read " + file.string()));
  for (const Bytes& block : blocks) {
    CLOISTER_TRY(Bytes key, probe::certificate_key(block).with_context("read " + file.string()));
    known.insert(std::move(key));
  }
  return {};
}

Result<std::set<Bytes>> read_known(const std::vector<std::string>& named) {
  std::set<Bytes> known;
  for (const std::string& one : named) {
    std::error_code error;
    if (!std::filesystem::is_directory(one, error)) {
      CLOISTER_RETURN_IF_ERROR(add_known(one, known));
      continue;
    }
    for (std::filesystem::directory_iterator at(one, error), end; !error && at != end; at.increment(error)) {
      if (at->path().extension() == ".pem") CLOISTER_RETURN_IF_ERROR(add_known(at->path(), known));
    }
    if (error) return Error(Code::kInternal, "read " + one + ": " + error.message());
  }
  return known;
}

Result<std::optional<probe::LogPosition>> read_position(const std::string& file) {
  const auto text = read_file(file, 1 << 20);
  if (!text.ok() && text.error().code() == Code::kNotFound) return std::optional<probe::LogPosition>();
  if (!text.ok()) return text.error();
  CLOISTER_TRY(auto position, probe::parse_position(as_text(*text)).with_context("read " + file));
  return std::optional(std::move(position));
}

void add_sighting(const probe::Sighting& one, Table& table, Outcome& outcome) {
  std::string names;
  for (const std::string& name : one.names) names += (names.empty() ? "" : ", ") + printable(name);
  table.row({std::to_string(one.index), to_rfc3339(one.at), one.known ? "yes" : "NO", names, one.issuer});
  outcome.json["sightings"].push_back({{"index", one.index},
                                       {"logged", to_rfc3339(one.at)},
                                       {"precertificate", one.precertificate},
                                       {"known", one.known},
                                       {"names", one.names},
                                       {"issuer", one.issuer},
                                       {"serial", one.serial},
                                       {"not_before", to_rfc3339(one.not_before)},
                                       {"not_after", to_rfc3339(one.not_after)}});
}

Outcome tell(const probe::MonitorReport& report, const std::vector<std::string>& domains, std::size_t known) {
  Outcome outcome;
  outcome.json = {{"origin", report.head.origin},       {"size", report.head.tree.size},
                  {"head", to_rfc3339(report.head.at)}, {"read", report.read},
                  {"unreadable", report.unreadable},    {"domains", domains},
                  {"known_certificates", known},        {"sightings", Json::array()}};
  Table table({"entry", "logged", "known", "names", "issuer"});
  std::size_t unknown = 0;
  for (const probe::Sighting& one : report.sightings) {
    unknown += one.known ? 0 : 1;
    add_sighting(one, table, outcome);
  }
  outcome.text = printable(report.head.origin) + ": " + count_text(report.head.tree.size, "entry") + ", " +
                 std::to_string(report.read) + " new\n";
  if (!report.sightings.empty()) outcome.text += table.text();
  if (unknown > 0) {
    outcome.failure = Error(Code::kDenied, "the log has " + count_text(unknown, "certificate") +
                                               " for these domains that nobody here knows");
  }
  return outcome;
}

Result<Outcome> watch_log(Session&, const WatchOptions& options) {
  CLOISTER_TRY(const probe::LogFetch fetch, open_log(options));
  CLOISTER_TRY(const crypto::PublicKey key, read_log_key(options.key));
  CLOISTER_TRY(auto known, read_known(options.known));
  const std::size_t known_count = known.size();
  CLOISTER_TRY(auto kept, read_position(options.position));
  if (!kept && !options.from_start) {
    CLOISTER_TRY(kept, probe::position_at_head(fetch, key));
  }
  probe::LogPosition position = kept ? std::move(*kept) : probe::LogPosition{};
  CLOISTER_TRY(const auto report, probe::monitor_log(fetch, key, {options.domains, std::move(known)}, position));
  const std::string text = probe::format_position(position);
  CLOISTER_RETURN_IF_ERROR(write_file(options.position, as_bytes(text), Overwrite::kReplace));
  return tell(report, options.domains, known_count);
}

}  // namespace

void add_log_watch(CLI::App& scan, Run& run) {
  CLI::App* verb = add_verb(scan, "logs", "certificates for our domains that a certificate log has seen", kManual);
  auto options = std::make_shared<WatchOptions>();
  verb->add_option("--log", options->log, "the log's address for readers, or a folder that mirrors it")
      ->type_name("URL|DIR")
      ->required();
  verb->add_option("--key", options->key, "the log's public key")->type_name("FILE")->required();
  verb->add_option("--domain", options->domains, "it, and all below it")->type_name("NAME")->required();
  verb->add_option("--known", options->known, "certificates that are ours, in PEM")->type_name("FILE|DIR");
  verb->add_option("--position", options->position, "how far the log was read")->type_name("FILE")->required();
  verb->add_option("--authorities", options->authorities, "who may vouch for the log's server; else the system's")
      ->type_name("PEM");
  verb->add_flag("--from-start", options->from_start, "without a position, read everything");
  set_action(verb, run, options, watch_log);
}

}  // namespace cloister::cli
