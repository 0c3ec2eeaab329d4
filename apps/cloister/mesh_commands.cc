// cloister mesh: what the configuration of service meshes lets through, and configuration that lets nothing through.
#include "mesh/manifest/audit.h"

#include <algorithm>

#include "base/toml.h"
#include "commands.h"
#include "mesh/manifest/app_mesh_migration.h"
#include "mesh/manifest/mesh_writer.h"
#include "mesh/manifest/report.h"
#include "mesh/proxy_config/proxy_audit.h"
#include "mesh/proxy_config/proxy_writer.h"

namespace cloister::cli {
namespace {

struct MeshRequest {
  std::vector<std::string> paths;
  std::string fail_on = "low";
  std::string default_namespace = "default";
  std::string root_namespace;
  std::string as = "manifests";
  bool sarif = false;
};

struct WriteRequest {
  std::string kind, plan;
};

struct MigrateRequest {
  std::vector<std::string> paths;
  std::string to;
  mesh::ServiceConnectTarget service_connect;
  mesh::LatticeTarget lattice;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister mesh audit deploy/
  helm template charts/platform | cloister mesh audit -
  kubectl get all,peerauthentications,destinationrules -A -o yaml | cloister mesh audit -
  cloister mesh audit deploy/ --sarif >mesh.sarif
  cloister mesh audit --as haproxy /etc/haproxy/haproxy.cfg
  cloister mesh rules
  cloister mesh write istio plan.toml | kubectl apply -f -
  cloister mesh write istio-values plan.toml >istiod-values.yaml
  cloister mesh write envoy relay.toml >envoy.json
  cloister mesh migrate appmesh/ --to service-connect --cloud-map prod \
      --authority-arn ARN --role-arn ARN >services.json

NOTES
  Reads Kubernetes manifests of Istio, Linkerd, AWS App Mesh, Consul, Cilium and
  Kuma, and those of AI frameworks and their stores, and asks no cluster: what
  the files don't say is a finding, too. The mode of mutual TLS that each
  workload comes to is in the report, the good ones as well.
  `audit` ends with 0 when nothing of the severity of --fail-on, or a higher one,
  was found, with 4 when something was, and with 2 when a file couldn't be read.
  `write` takes a plan: [[service]] tables that say which pods listen on which
  ports, and who may call them. Who isn't named is refused, and so is plaintext.
  For a proxy it takes the relay's own configuration (docs/relay.md), and refuses
  what that proxy couldn't do: most know authorities, and no SPIFFE IDs.
  `migrate` reads what is left of AWS App Mesh, which ended on 2026-09-30. What
  the new way doesn't do is said on standard error.
)";

constexpr std::string_view kSeverities[] = {"note", "low", "medium", "high"};

mesh::Severity parse_severity(std::string_view name) {
  for (const mesh::Severity severity : {mesh::Severity::kHigh, mesh::Severity::kMedium, mesh::Severity::kLow}) {
    if (mesh::name_of(severity) == name) return severity;
  }
  return mesh::Severity::kNote;
}

std::string finding_text(const mesh::Finding& finding) {
  std::string text = printable(finding.file) + ":" + std::to_string(finding.line) + ": " +
                     std::string(mesh::name_of(finding.severity)) + " " + std::string(finding.rule->id) + " " +
                     printable(finding.subject) + ": " + printable(finding.what) + "\n";
  if (finding.severity == mesh::Severity::kNote) return text;
  return text + "    why: " + std::string(finding.rule->why) + "\n    fix: " + std::string(finding.rule->fix) + "\n";
}

std::string workload_text(const mesh::AuditReport& report) {
  if (report.workloads.empty()) return "";
  Table table({"WORKLOAD", "MESH", "MUTUAL TLS", "BECAUSE"});
  for (const mesh::WorkloadMode& workload : report.workloads) {
    std::string mode = workload.mode;
    for (const auto& [port, of_port] : workload.ports) mode += ", " + port + " " + of_port;
    table.row({printable(workload.kind + " " + workload.name_space + "/" + workload.name), workload.mesh,
               printable(mode), printable(workload.because)});
  }
  return "\n" + table.text();
}

std::string summary(const mesh::AuditReport& report) {
  using enum mesh::Severity;
  const std::size_t high = report.count(kHigh), medium = report.count(kMedium), low = report.count(kLow);
  return count_text(report.resources, "resource") + " in " + count_text(report.files, "file") + ": " +
         std::to_string(high) + " high, " + std::to_string(medium - high) + " medium, " + std::to_string(low - medium) +
         " low, " + count_text(report.findings.size() - low, "note") + "\n";
}

std::optional<Error> verdict(const mesh::AuditReport& report, const MeshRequest& request) {
  if (!report.unread.empty()) {
    const mesh::UnreadManifest& first = report.unread.front();
    const std::size_t others = report.unread.size() - 1;
    return invalid(printable(first.file + ": " + first.reason) +
                   (others == 0 ? "" : "; and " + count_text(others, "other file") + " that can't be read"));
  }
  if (report.resources == 0)
    return Error(Code::kNotFound,
                 "there is nothing to audit: no document is a manifest of Kubernetes or one that the rules know");
  const std::size_t count = report.count(parse_severity(request.fail_on));
  if (count == 0) return std::nullopt;
  return Error(Code::kDenied, count_text(count, "finding") + " of severity " + request.fail_on + " or higher");
}

constexpr std::pair<std::string_view, mesh::ProxyKind> kProxies[] = {
    {"haproxy", mesh::ProxyKind::kHaproxy}, {"nginx", mesh::ProxyKind::kNginx}, {"stunnel", mesh::ProxyKind::kStunnel}};

Result<mesh::AuditReport> audit_proxies(const MeshRequest& request, mesh::ProxyKind kind) {
  mesh::AuditReport report;
  for (const std::string& path : request.paths) {
    CLOISTER_TRY(const Bytes bytes, read_file(path, kTomlSizeMax));
    auto found = mesh::audit_proxy(kind, path, as_text(bytes));
    if (!found.ok()) return invalid(printable(path + ": " + found.error().message()));
    std::ranges::move(found.value(), std::back_inserter(report.findings));
    ++report.files;
    ++report.resources;
  }
  return report;
}

Result<mesh::AuditReport> audited(const MeshRequest& request, Time now) {
  for (const auto& [name, kind] : kProxies) {
    if (request.as == name) return audit_proxies(request, kind);
  }
  CLOISTER_TRY(const mesh::Manifests manifests, mesh::load_manifests(request.paths));
  return mesh::audit_manifests(manifests, {now, request.default_namespace, request.root_namespace});
}

Result<Outcome> audit(Session&, const MeshRequest& request) {
  const Time now = system_time();
  CLOISTER_TRY(const mesh::AuditReport report, audited(request, now));
  Outcome outcome;
  if (request.sarif) {
    outcome.text = mesh::to_sarif(report, CLOISTER_VERSION).serialize();
    outcome.json = Json::parse(outcome.text);
    outcome.text += "\n";
  } else {
    outcome.json = Json::parse(mesh::to_json(report, now).serialize());
    for (const mesh::Finding& finding : report.findings) outcome.text += finding_text(finding);
    outcome.text += workload_text(report) + (report.findings.empty() ? "" : "\n") + summary(report);
  }
  outcome.failure = verdict(report, request);
  return outcome;
}

Result<Outcome> list_rules(Session&, const MeshRequest&) {
  Outcome outcome;
  outcome.json = {{"rules", Json::array()}};
  for (const mesh::Rule& rule : mesh::rules()) {
    const std::string id(rule.id), severity(mesh::name_of(rule.severity)), about(rule.about), why(rule.why),
        fix(rule.fix);
    outcome.text += id + " (" + severity + "): " + about + "\n    why: " + why + "\n    fix: " + fix + "\n";
    outcome.json["rules"].push_back({{"id", id}, {"severity", severity}, {"about", about}, {"why", why}, {"fix", fix}});
  }
  return outcome;
}

constexpr std::string_view kWritten[] = {"istio",          "istio-ambient", "istio-values", "linkerd",
                                         "linkerd-values", "consul",        "envoy",        "ghostunnel",
                                         "haproxy",        "nginx",         "stunnel"};

std::optional<mesh::ProxyTarget> proxy_of(const std::string& kind) {
  if (kind == "envoy") return mesh::ProxyTarget::kEnvoy;
  if (kind == "ghostunnel") return mesh::ProxyTarget::kGhostunnel;
  if (kind == "haproxy") return mesh::ProxyTarget::kHaproxy;
  if (kind == "nginx") return mesh::ProxyTarget::kNginx;
  if (kind == "stunnel") return mesh::ProxyTarget::kStunnel;
  return std::nullopt;
}

std::string written(const std::string& kind, const mesh::MeshPlan& plan) {
  if (kind == "istio") return mesh::write_istio(plan, mesh::IstioKind::kSidecar);
  if (kind == "istio-ambient") return mesh::write_istio(plan, mesh::IstioKind::kAmbient);
  if (kind == "istio-values") return mesh::write_istio_values(plan);
  if (kind == "consul") return mesh::write_consul(plan);
  return kind == "linkerd" ? mesh::write_linkerd(plan) : mesh::write_linkerd_values(plan);
}

Result<Outcome> write(Session&, const WriteRequest& request) {
  if (const auto proxy = proxy_of(request.kind)) {
    CLOISTER_TRY(const mesh::RelayConfig config, mesh::read_relay_config(request.plan).with_context(request.plan));
    Outcome outcome;
    CLOISTER_TRY(outcome.text,
                 mesh::write_proxy(*proxy, config).with_context("write " + request.plan + " for " + request.kind));
    outcome.json = {{"kind", request.kind}, {"configuration", outcome.text}};
    return outcome;
  }
  CLOISTER_TRY(const Bytes bytes, read_file(request.plan, kTomlSizeMax));
  CLOISTER_TRY(const mesh::MeshPlan plan, mesh::parse_mesh_plan(as_text(bytes)).with_context(request.plan));
  Outcome outcome;
  outcome.text = written(request.kind, plan);
  outcome.json = {{"kind", request.kind}, {"yaml", outcome.text}};
  return outcome;
}

Result<mesh::Migration> migrated(const MigrateRequest& request, const mesh::Manifests& manifests) {
  const std::vector<mesh::AppMeshObject> objects = mesh::app_mesh_objects(manifests.resources);
  if (request.to == "lattice") return mesh::migrate_to_lattice(objects, request.lattice);
  return mesh::migrate_to_service_connect(objects, request.service_connect);
}

Result<Outcome> migrate(Session& session, const MigrateRequest& request) {
  CLOISTER_TRY(const mesh::Manifests manifests, mesh::load_manifests(request.paths));
  if (!manifests.unread.empty()) {
    return invalid(printable(manifests.unread.front().file + ": " + manifests.unread.front().reason));
  }
  CLOISTER_TRY(const mesh::Migration migration, migrated(request, manifests));
  Outcome outcome;
  outcome.json = Json::parse(migration.document.serialize());
  outcome.text = outcome.json.dump(2) + "\n";
  if (session.globals().json) outcome.json = {{"document", outcome.json}, {"caveats", migration.caveats}};
  for (const std::string& caveat : migration.caveats) {
    if (!session.globals().json) std::fprintf(stderr, "caveat: %s\n", printable(caveat).c_str());
  }
  return outcome;
}

void add_migrate(CLI::App& group, Run& run) {
  auto request = std::make_shared<MigrateRequest>();
  CLI::App* verb = add_verb(group, "migrate", "from AWS App Mesh to what AWS has in its place", "");
  verb->add_option("PATH", request->paths, "manifests, templates of CloudFormation, answers of the AWS CLI")
      ->required();
  verb->add_option("--to", request->to, "where to")->check(CLI::IsMember({"service-connect", "lattice"}))->required();
  verb->add_option("--cloud-map", request->service_connect.name_space, "Service Connect: the namespace")
      ->type_name("NAME");
  verb->add_option("--authority-arn", request->service_connect.authority_arn, "Service Connect: AWS Private CA")
      ->type_name("ARN");
  verb->add_option("--role-arn", request->service_connect.role_arn, "Service Connect: how ECS asks the authority")
      ->type_name("ARN");
  verb->add_option("--kms-key", request->service_connect.kms_key,
                   "Service Connect: what keeps the keys; else AWS's own")
      ->type_name("ARN");
  verb->add_option("--network", request->lattice.network, "Lattice: the service network's name")->type_name("NAME");
  verb->add_option("--vpc", request->lattice.vpc_id, "Lattice: where the targets are")->type_name("ID");
  verb->add_option("--certificate-arn", request->lattice.certificate_arn, "Lattice: the listeners' certificate")
      ->type_name("ARN");
  set_action(verb, run, request, migrate);
}

}  // namespace

void add_mesh(CLI::App& app, Run& run) {
  CLI::App* group = add_verb(app, "mesh", "the configuration of service meshes: audit it, write it", kManual);
  group->require_subcommand(1);
  auto request = std::make_shared<MeshRequest>();
  CLI::App* auditing =
      add_verb(*group, "audit", "where manifests let plaintext through, or peers that nobody verified", "");
  auditing->add_option("PATH", request->paths, "manifests, folders of them, or - for standard input")->required();
  auditing->add_option("--as", request->as, "what the files are: manifests, haproxy, nginx or stunnel")
      ->type_name("KIND")
      ->check(CLI::IsMember({"manifests", "haproxy", "nginx", "stunnel"}))
      ->capture_default_str();
  auditing->add_flag("--sarif", request->sarif, "SARIF 2.1.0 in place of text");
  auditing->add_option("--fail-on", request->fail_on, "the lowest severity that makes the exit status 4")
      ->type_name("SEVERITY")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kSeverities), std::end(kSeverities))))
      ->capture_default_str();
  auditing->add_option("--namespace", request->default_namespace, "of what names none")
      ->type_name("NAME")
      ->capture_default_str();
  auditing
      ->add_option("--root-namespace", request->root_namespace,
                   "Istio's; else as its configuration says, else istio-system")
      ->type_name("NAME");
  set_action(auditing, run, request, audit);
  set_action(add_verb(*group, "rules", "every rule of the audit", ""), run, request, list_rules);
  auto writing = std::make_shared<WriteRequest>();
  CLI::App* writer = add_verb(*group, "write", "configuration that refuses plaintext and names every caller", "");
  writer
      ->add_option("KIND", writing->kind,
                   "istio, istio-ambient, linkerd, consul; istio-values or linkerd-values for their charts; envoy, "
                   "ghostunnel, haproxy, nginx, stunnel")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kWritten), std::end(kWritten))))
      ->required();
  writer->add_option("PLAN", writing->plan, "who may call whom, in TOML; for a proxy, what cloister-relay would read")
      ->required();
  set_action(writer, run, writing, write);
  add_migrate(*group, run);
}

}  // namespace cloister::cli
