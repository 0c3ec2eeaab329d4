// cloister paths: is every pair of components encrypted, and what says so.
#include "audit/origin.h"
#include "commands.h"
#include "paths_evidence.h"
#include "probe/path/bundle.h"
#include "probe/path/capture.h"
#include "probe/path/cloud_facts.h"
#include "probe/path/draft.h"
#include "probe/path/matrix_text.h"
#include "probe/path/picture.h"
#include "probe/path/plaintext_probe.h"
#include "probe/path/report_json.h"
#include "probe/path/sockets.h"
#include "verifier_key.h"

namespace cloister::cli {
namespace {

namespace path = probe::path;

struct CheckRequest {
  std::string graph;
  EvidenceOptions evidence;
  std::string cloud_facts;
  std::string at, html, svg;
  std::string bundle;  // where it goes; for `paths bundle` alone
  bool force = false;
};

struct VerifyRequest {
  std::string bundle, key, html;
  bool force = false;
};

struct ProbeRequest {
  std::vector<std::string> targets;
};

struct CaptureRequest {
  std::string file;
};

struct NoOptions {};

constexpr const char* kManual = R"(EXAMPLES
  cloister paths sockets > evidence/sockets.json
  cloister paths capture evening.pcapng > evidence/evening.json
  cloister mesh audit deploy/ --json > evidence/mesh.json
  cloister scan serving:8443 --json > evidence/scan.json
  cloister paths check graph.toml --evidence evidence/ --html matrix.html

NOTES
  The graph says which components there are and which may talk to which. For
  each of its edges, and for each one that was seen and isn't in it, the matrix
  says what the evidence amounts to. An edge passes when two classes of evidence
  or more agree, nothing contradicts, and it is at least what was asked for.
  What nobody looked at is unknown, and unknown is never a pass.
)";

Status write_picture(const std::string& file, const std::string& content, bool force) {
  if (file.empty()) return {};
  return write_file(file, as_bytes(content), force ? Overwrite::kReplace : Overwrite::kRefuse)
      .with_context("write " + file);
}

Result<Time> time_of(const std::string& at) {
  if (at.empty()) return system_time();
  return parse_rfc3339(at).with_context("--at");
}

Result<path::BundleContents> read_contents(const CheckRequest& request) {
  path::BundleContents contents;
  CLOISTER_TRY(const GraphFile file, read_graph(request.graph));
  contents.graph = as_text(file.content);
  contents.cloud_facts = path::built_in_cloud_facts();
  if (!request.cloud_facts.empty()) {
    CLOISTER_TRY(const Bytes facts, read_file(request.cloud_facts, path::kGraphSizeMax));
    contents.cloud_facts = as_text(facts);
  }
  CLOISTER_TRY(contents.items, read_items(request.evidence));
  CLOISTER_TRY(contents.at, time_of(request.at));
  contents.program = "cloister " CLOISTER_VERSION;
  contents.command = "cloister paths check " + request.graph + " --at " + to_rfc3339(contents.at);
  for (const std::string& evidence : request.evidence.paths) contents.command += " --evidence " + evidence;
  for (const std::string& bundle : request.evidence.bundles) contents.command += " --bundle " + bundle;
  return contents;
}

Outcome outcome_of(const path::Report& report, const std::string& graph) {
  Outcome outcome;
  outcome.text = path::matrix_text(report);
  outcome.json = Json::parse(path::report_json(report));
  if (report.passes()) return outcome;
  const auto counts = report.counts();
  const auto count = [&](path::Outcome what) { return std::to_string(counts[static_cast<std::size_t>(what)]); };
  outcome.failure =
      Error(Code::kDenied, graph + ": " + count(path::Outcome::kFail) + " failed, " + count(path::Outcome::kUnproven) +
                               " unproven, " + count_text(report.findings.size(), "finding"));
  return outcome;
}

Result<Outcome> check(Session&, const CheckRequest& request) {
  CLOISTER_TRY(const path::BundleContents contents, read_contents(request));
  CLOISTER_TRY(const path::Report report, path::report_of(contents));
  CLOISTER_RETURN_IF_ERROR(write_picture(request.html, path::matrix_html(report), request.force));
  CLOISTER_RETURN_IF_ERROR(write_picture(request.svg, path::matrix_svg(report), request.force));
  return outcome_of(report, request.graph);
}

Result<Outcome> bundle(Session& session, const CheckRequest& request) {
  CLOISTER_TRY(const path::BundleContents contents, read_contents(request));
  CLOISTER_TRY(const path::Report report, path::report_of(contents));
  CLOISTER_TRY(const std::string text, path::bundle_text(contents, report));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(const std::string server, hierarchy->store().log_server());
  CLOISTER_TRY(const std::string origin, audit::tree_origin(server, ""));
  CLOISTER_RETURN_IF_ERROR(session.record("paths.bundle", "", report.graph_id, text.substr(text.rfind("root "), 49)));
  CLOISTER_TRY(const std::string note, hierarchy->sign_note(origin, text, session.caller().now));
  const std::string file = path::format_bundle(contents, report, note);
  CLOISTER_RETURN_IF_ERROR(
      write_file(request.bundle, as_bytes(file), request.force ? Overwrite::kReplace : Overwrite::kRefuse, 0640));
  Outcome outcome;
  outcome.terse = true;
  outcome.text = "bundled " + count_text(contents.items.size(), "file") + " of evidence, signed by " + origin +
                 "; to verify: the key `cloister audit key -` prints\n";
  outcome.json = {{"signer", origin}, {"items", contents.items.size()}, {"passes", report.passes()}};
  return outcome;
}

Result<Outcome> verify(Session&, const VerifyRequest& request) {
  CLOISTER_TRY(const audit::VerifierKey key, read_verifier_key(request.key));
  CLOISTER_TRY(const Bytes file, read_file(request.bundle, path::kBundleFileMax));
  CLOISTER_TRY(const path::VerifiedBundle verified,
               path::verify_bundle(as_text(file), {&key, 1}).with_context(request.bundle));
  CLOISTER_RETURN_IF_ERROR(write_picture(request.html, path::matrix_html(verified.report), request.force));
  Outcome outcome;
  outcome.text = path::matrix_text(verified.report) + "signed by " + printable(verified.signer) +
                 ", and its report is what its evidence comes to; made by\n  " + printable(verified.contents.command) +
                 "\n";
  outcome.json = {{"signer", verified.signer},
                  {"program", verified.contents.program},
                  {"command", verified.contents.command},
                  {"report", Json::parse(path::report_json(verified.report))}};
  return outcome;
}

// The document itself, with or without --json.
Outcome document(const std::string& json) {
  Outcome outcome;
  outcome.text = json + "\n";
  outcome.json = Json::parse(json);
  return outcome;
}

Result<Outcome> sockets(Session&, const NoOptions&) {
  CLOISTER_TRY(const path::SocketInventory inventory, path::read_sockets(system_time()));
  return document(path::format_sockets(inventory));
}

Result<Outcome> discover(Session&, const EvidenceOptions& request) {
  CLOISTER_TRY(const std::vector<path::Item> items, read_items(request));
  CLOISTER_TRY(const std::vector<path::Statement> statements, path::read_statements(items));
  Outcome outcome;
  outcome.text = path::draft_graph(statements);
  outcome.json = {{"graph", outcome.text}};
  return outcome;
}

Result<Outcome> probe_listeners(Session&, const ProbeRequest& request) {
  std::vector<path::Statement> statements;
  for (const std::string& target : request.targets) {
    CLOISTER_TRY(const net::TcpAddress address, net::parse_tcp_address(target));
    CLOISTER_TRY(const auto resolved, net::resolve(address, seconds(10)));
    probe::Politeness politeness;
    politeness.connections = 2;
    politeness.connection_time = seconds(5);
    probe::Dialer dialer({address, resolved.front(), address.host}, politeness);
    CLOISTER_TRY(const auto found, path::probe_plaintext(dialer, system_time()).with_context(target));
    statements.insert(statements.end(), found.begin(), found.end());
  }
  return document(path::format_evidence(statements));
}

Result<Outcome> capture(Session&, const CaptureRequest& request) {
  CLOISTER_TRY(const Bytes file, read_file(request.file, path::kItemSizeMax));
  CLOISTER_TRY(const path::Capture capture, path::read_capture(file).with_context(request.file));
  return document(path::format_flows(capture));
}

CLI::App* add_judging(CLI::App& group, const char* name, const char* about, CheckRequest& request) {
  CLI::App* verb = add_verb(group, name, about, kManual);
  verb->add_option("GRAPH", request.graph, "the declared data path (TOML)")->required();
  verb->add_option("--evidence", request.evidence.paths, "files of evidence, or folders of them")->type_name("PATH");
  verb->add_option("--bundle", request.evidence.bundles, "whom receipts are verified against")
      ->type_name("TRUST-DOMAIN=FILE");
  verb->add_option("--cloud-facts", request.cloud_facts, "another table of what clouds say than the one built in")
      ->type_name("FILE");
  verb->add_option("--at", request.at, "judge as of that time; else now")->type_name("TIME");
  verb->add_flag("-f,--force", request.force, "replace files that are there");
  return verb;
}

void add_verify_bundle(CLI::App& group, Run& run) {
  auto request = std::make_shared<VerifyRequest>();
  CLI::App* verb = add_verb(group, "verify", "a signed bundle: its signature, its evidence, its report", "");
  verb->add_option("BUNDLE", request->bundle, "the file")->required();
  verb->add_option("--key", request->key, "the key `cloister audit key -` prints, or a file that holds it")
      ->required()
      ->type_name("KEY");
  verb->add_option("--html", request->html, "the picture and all edges, in one file")->type_name("FILE");
  verb->add_flag("-f,--force", request->force, "replace files that are there");
  set_action(verb, run, request, verify);
}

}  // namespace

void add_paths(CLI::App& app, Run& run) {
  CLI::App* group = add_verb(app, "paths", "is every pair of components encrypted, and what says so", kManual);
  group->require_subcommand(1);

  auto checking = std::make_shared<CheckRequest>();
  CLI::App* verb = add_judging(*group, "check", "the matrix of all pairs, from a graph and evidence", *checking);
  verb->add_option("--html", checking->html, "the picture and all edges, in one file")->type_name("FILE");
  verb->add_option("--svg", checking->svg, "the picture alone")->type_name("FILE");
  set_action(verb, run, checking, check);

  auto bundling = std::make_shared<CheckRequest>();
  verb = add_judging(*group, "bundle", "the same, with all its evidence, signed with the home's log key", *bundling);
  verb->add_option("-o,--output", bundling->bundle, "the file to make")->required()->type_name("FILE");
  set_action(verb, run, bundling, bundle);
  add_verify_bundle(*group, run);

  set_action(add_verb(*group, "sockets", "this machine's connections, as evidence", ""), run,
             std::make_shared<NoOptions>(), sockets);

  auto capturing = std::make_shared<CaptureRequest>();
  verb = add_verb(*group, "capture", "what a packet capture comes to, as evidence", "");
  verb->add_option("FILE", capturing->file, "pcap or pcapng")->required();
  set_action(verb, run, capturing, capture);

  auto discovering = std::make_shared<EvidenceOptions>();
  verb = add_verb(*group, "discover", "a graph drafted from what evidence has seen, to be corrected", "");
  verb->add_option("PATH", discovering->paths, "files of evidence, or folders of them")->required();
  verb->add_option("--bundle", discovering->bundles, "whom receipts are verified against")
      ->type_name("TRUST-DOMAIN=FILE");
  set_action(verb, run, discovering, discover);

  auto probing = std::make_shared<ProbeRequest>();
  verb = add_verb(*group, "probe", "whether listeners answer in the clear, as evidence", "");
  verb->add_option("TARGET", probing->targets, "HOST:PORT, each tried with two connections")->required();
  set_action(verb, run, probing, probe_listeners);
}

}  // namespace cloister::cli
