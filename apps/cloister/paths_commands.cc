// cloister paths: is every pair of components encrypted, and what says so.
#include "base/toml.h"
#include "commands.h"
#include "paths_evidence.h"
#include "probe/path/capture.h"
#include "probe/path/matrix_text.h"
#include "probe/path/picture.h"
#include "probe/path/report_json.h"
#include "probe/path/sockets.h"

namespace cloister::cli {
namespace {

namespace path = probe::path;

struct CheckRequest {
  std::string graph;
  EvidenceOptions evidence;
  std::string at, html, svg;
  bool force = false;
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

Result<Outcome> check(Session&, const CheckRequest& request) {
  CLOISTER_TRY(const GraphFile file, read_graph(request.graph));
  CLOISTER_TRY(const std::vector<path::Item> items, read_items(request.evidence));
  CLOISTER_TRY(std::vector<path::Statement> statements, path::read_statements(items));
  CLOISTER_TRY(const Time now, time_of(request.at));
  const path::Report report = path::judge(file.graph, std::move(statements), {}, now);
  CLOISTER_RETURN_IF_ERROR(write_picture(request.html, path::matrix_html(report), request.force));
  CLOISTER_RETURN_IF_ERROR(write_picture(request.svg, path::matrix_svg(report), request.force));
  Outcome outcome;
  outcome.text = path::matrix_text(report);
  outcome.json = Json::parse(path::report_json(report));
  if (!report.passes()) {
    const auto counts = report.counts();
    outcome.failure = Error(Code::kDenied, request.graph + ": " + std::to_string(counts[3]) + " failed, " +
                                               std::to_string(counts[2]) + " unproven, " +
                                               count_text(report.findings.size(), "finding"));
  }
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

Result<Outcome> capture(Session&, const CaptureRequest& request) {
  CLOISTER_TRY(const Bytes file, read_file(request.file, path::kItemSizeMax));
  CLOISTER_TRY(const path::Capture capture, path::read_capture(file).with_context(request.file));
  return document(path::format_flows(capture));
}

}  // namespace

void add_paths(CLI::App& app, Run& run) {
  CLI::App* group = add_verb(app, "paths", "is every pair of components encrypted, and what says so", kManual);
  group->require_subcommand(1);

  auto checking = std::make_shared<CheckRequest>();
  CLI::App* verb = add_verb(*group, "check", "the matrix of all pairs, from a graph and evidence", kManual);
  verb->add_option("GRAPH", checking->graph, "the declared data path (TOML)")->required();
  verb->add_option("--evidence", checking->evidence.paths, "files of evidence, or folders of them")->type_name("PATH");
  verb->add_option("--bundle", checking->evidence.bundles, "whom receipts are verified against")
      ->type_name("TRUST-DOMAIN=FILE");
  verb->add_option("--at", checking->at, "judge as of that time; else now")->type_name("TIME");
  verb->add_option("--html", checking->html, "the picture and all edges, in one file")->type_name("FILE");
  verb->add_option("--svg", checking->svg, "the picture alone")->type_name("FILE");
  verb->add_flag("-f,--force", checking->force, "replace files that are there");
  set_action(verb, run, checking, check);

  set_action(add_verb(*group, "sockets", "this machine's connections, as evidence", ""), run,
             std::make_shared<NoOptions>(), sockets);

  auto capturing = std::make_shared<CaptureRequest>();
  CLI::App* reading = add_verb(*group, "capture", "what a packet capture comes to, as evidence", "");
  reading->add_option("FILE", capturing->file, "pcap or pcapng")->required();
  set_action(reading, run, capturing, capture);
}

}  // namespace cloister::cli
