// cloister receipt: what both ends of connections signed, checked without a network or a home.
#include <algorithm>
#include <map>

#include "commands.h"
#include "mesh/receipt/pairing.h"
#include "mesh/receipt/receipt_log.h"

namespace cloister::cli {
namespace {

struct ReceiptRequest {
  std::vector<std::string> paths;
  std::vector<std::string> bundles;  // TRUST-DOMAIN=FILE
};

constexpr const char* kManual = R"(EXAMPLES
  cloister receipt check receipts/ --bundle example.org=bundle.json
      every connection that both ends signed, and every one that they didn't
  cloister receipt check a.receipts b.receipts --bundle example.org=bundle.json --json

NOTES
  A connection is proven when both halves are there, verify against the bundles
  of their trust domains, and tell the same story. Needs nothing but the files:
  docs/formats/receipt.md says how to check one by hand. Exit status 3 when
  something contradicts; a half without the other is no proof, and no
  contradiction either.
)";

Result<std::vector<Path>> files_of(const std::vector<std::string>& paths) {
  std::vector<Path> files;
  for (const std::string& path : paths) {
    std::error_code failure;
    if (!std::filesystem::is_directory(path, failure)) {
      files.emplace_back(path);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(path, failure)) {
      if (entry.path().extension() == ".receipts") files.push_back(entry.path());
    }
    if (failure) return Error(Code::kInvalid, "read the folder " + path + ": " + failure.message());
  }
  std::ranges::sort(files);
  files.erase(std::unique(files.begin(), files.end()), files.end());
  if (files.empty()) return Error(Code::kNotFound, "there are no receipts: no file ends in .receipts");
  return files;
}

Result<identity::BundleSet> bundles_of(const std::vector<std::string>& options) {
  identity::BundleSet bundles;
  for (const std::string& option : options) {
    const std::size_t equals = option.find('=');
    if (equals == std::string::npos) return invalid("--bundle " + option + ": write TRUST-DOMAIN=FILE");
    CLOISTER_TRY(const identity::TrustDomain domain, identity::TrustDomain::parse(option.substr(0, equals)));
    const Path file = option.substr(equals + 1);
    CLOISTER_TRY(const Bytes text, read_file(file, identity::kBundleSizeMax));
    auto bundle = identity::parse_bundle(domain, as_text(text), identity::Conformance::kGoSpiffe);
    if (!bundle.ok()) return bundle.error().with_context("read the bundle " + file.string());
    bundles = bundles.with(std::move(bundle).value());
  }
  return bundles;
}

struct Found {
  std::vector<mesh::Receipt> receipts;
  std::uint64_t missing = 0, cut_short = 0;
  std::vector<std::string> bad;
};

Result<Found> read_all(const std::vector<Path>& files) {
  Found found;
  for (const Path& file : files) {
    CLOISTER_TRY(mesh::ReadReceipts read, mesh::read_receipts(file));
    found.missing += read.missing;
    found.cut_short += read.cut_short ? 1 : 0;
    for (const std::string& line : read.bad) found.bad.push_back(file.string() + ": " + line);
    std::ranges::move(read.receipts, std::back_inserter(found.receipts));
  }
  return found;
}

// Who is client and who is server, also where only one of them says so.
std::pair<std::string, std::string> ends_of(const mesh::PairedConnection& connection) {
  const mesh::Receipt& half = connection.halves.front();
  const std::string own = half.own_id.uri(), peer = half.facts.peer_id;
  return half.facts.role == mesh::ReceiptRole::kClient ? std::pair(own, peer) : std::pair(peer, own);
}

Json connection_json(const mesh::PairedConnection& connection) {
  const mesh::ConnectionFacts& facts = connection.halves.front().facts;
  const auto [client, server] = ends_of(connection);
  Json json{{"verdict", mesh::name_of(connection.pairing)},
            {"client", client},
            {"server", server},
            {"protocol", facts.protocol},
            {"cipher", facts.cipher},
            {"group", facts.group},
            {"begun", to_rfc3339(facts.begun)},
            {"ended", to_rfc3339(facts.ended)},
            {"exporter", to_hex(facts.exporter)},
            {"halves", connection.halves.size()}};
  if (!connection.why.empty()) json["why"] = connection.why;
  return json;
}

struct Tally {
  std::uint64_t proven = 0, one_sided = 0, contradictory = 0;
};

void add_table(Outcome& outcome, const std::vector<mesh::PairedConnection>& connections) {
  std::map<std::pair<std::string, std::string>, Tally> pairs;
  for (const auto& connection : connections) {
    Tally& tally = pairs[ends_of(connection)];
    if (connection.pairing == mesh::Pairing::kProven) ++tally.proven;
    if (connection.pairing == mesh::Pairing::kOneSided) ++tally.one_sided;
    if (connection.pairing == mesh::Pairing::kContradictory) ++tally.contradictory;
  }
  Table table({"CLIENT", "SERVER", "PROVEN", "ONE-SIDED", "CONTRADICTORY"});
  for (const auto& [ends, tally] : pairs) {
    table.row({printable(ends.first), printable(ends.second), std::to_string(tally.proven),
               std::to_string(tally.one_sided), std::to_string(tally.contradictory)});
  }
  outcome.text += table.text();
}

Result<Outcome> check(Session&, const ReceiptRequest& request) {
  CLOISTER_TRY(const std::vector<Path> files, files_of(request.paths));
  CLOISTER_TRY(const identity::BundleSet bundles, bundles_of(request.bundles));
  CLOISTER_TRY(Found found, read_all(files));
  const auto connections = mesh::pair_receipts(std::move(found.receipts), bundles);
  Outcome outcome;
  std::uint64_t contradictory = 0;
  outcome.json = {
      {"connections", Json::array()}, {"missing", found.missing}, {"cut_short", found.cut_short}, {"bad", found.bad}};
  for (const auto& connection : connections) {
    outcome.json["connections"].push_back(connection_json(connection));
    if (connection.pairing != mesh::Pairing::kContradictory) continue;
    ++contradictory;
    outcome.text += "contradictory: " + printable(connection.why) + "\n";
  }
  for (const std::string& line : found.bad) outcome.text += printable(line) + "\n";
  if (found.missing > 0) outcome.text += count_text(found.missing, "receipt") + " missing from the logs\n";
  if (found.cut_short > 0) outcome.text += count_text(found.cut_short, "log") + " cut short: a writer was killed\n";
  add_table(outcome, connections);
  if (contradictory > 0 || !found.bad.empty()) {
    outcome.failure =
        Error(Code::kCorrupt, "check receipts: " + count_text(contradictory + found.bad.size(), "contradiction"));
  }
  return outcome;
}

}  // namespace

void add_receipt(CLI::App& app, Run& run) {
  auto request = std::make_shared<ReceiptRequest>();
  CLI::App* group = add_verb(app, "receipt", "check what both ends of connections signed", kManual);
  group->require_subcommand(1);
  CLI::App* checking = add_verb(*group, "check", "pair up receipts and verify them", kManual);
  checking->add_option("PATH", request->paths, "files of receipts, or folders of them")->required();
  checking->add_option("--bundle", request->bundles, "whom to trust: a trust domain and its bundle (JWKS)")
      ->required()
      ->type_name("TRUST-DOMAIN=FILE");
  set_action(checking, run, request, check);
}

}  // namespace cloister::cli
