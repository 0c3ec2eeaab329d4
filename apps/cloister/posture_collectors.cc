// The table of collectors. To add one: a function that makes it, and a line in kChoices.
#include "posture_collectors.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "cloisterd/posture_service.h"
#include "home/content_keys.h"
#include "home/posture_home.h"
#include "home/providers.h"
#include "paths_evidence.h"
#include "posture/collect/cbom/cbom_collector.h"
#include "posture/collect/cloud/aws_collector.h"
#include "posture/collect/cloud/azure_collector.h"
#include "posture/collect/cloud/cloud_environment.h"
#include "posture/collect/cloud/google_collector.h"
#include "posture/collect/cloud/s3_inventory.h"
#include "posture/collect/content/content_collector.h"
#include "posture/collect/database/ceph_collector.h"
#include "posture/collect/database/postgres_collector.h"
#include "posture/collect/iac/iac_collector.h"
#include "posture/collect/kubernetes/kubernetes_collector.h"
#include "posture/collect/local/local_collectors.h"
#include "posture/collect/local/sockets_collector.h"
#include "posture/collect/mesh/mesh_collector.h"
#include "posture/collect/paths/path_collector.h"
#include "posture/collect/tls/ct_collector.h"
#include "posture/collect/tls/scan_collector.h"
#include "posture_models_collector.h"
#include "release_commands.h"
#include "verifier_key.h"

namespace cloister::cli {
namespace {

using Collector = std::unique_ptr<posture::Collector>;
using Made = Result<Collector>;

constexpr std::size_t kKnownMax = 10'000;  // certificates in a file

Made make_paths(Session&, const AuditOptions& options, const posture::Estate&) {
  if (options.path_evidence.empty()) return Collector();
  CLOISTER_TRY(auto items, read_items({options.path_evidence, options.path_bundles}));
  return Collector(std::make_unique<posture::PathCollector>(std::move(items)));
}

std::optional<Time> modified_at(const Path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return Time{status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1'000'000};
}

Result<std::vector<posture::InputFile>> read_inputs(const std::vector<std::string>& paths) {
  std::vector<posture::InputFile> files;
  for (const std::string& path : paths) {
    CLOISTER_TRY(const Bytes content, read_file(path, posture::kInputFileMax));
    files.push_back({Path(path).filename().string(), std::string(as_text(content)), modified_at(path)});
  }
  return files;
}

// Nothing to do without files.
template <typename FromFiles>
Made from_files(const std::vector<std::string>& paths) {
  if (paths.empty()) return Collector();
  CLOISTER_TRY(auto files, read_inputs(paths));
  return Collector(std::make_unique<FromFiles>(std::move(files)));
}

Made make_scans(Session&, const AuditOptions& options, const posture::Estate&) {
  return from_files<posture::ScanCollector>(options.scans);
}

Made make_kubernetes(Session&, const AuditOptions& options, const posture::Estate&) {
  return from_files<posture::KubernetesCollector>(options.kubernetes);
}

Made make_iac(Session&, const AuditOptions& options, const posture::Estate&) {
  return from_files<posture::IacCollector>(options.iac);
}

Made make_mesh(Session&, const AuditOptions& options, const posture::Estate&) {
  if (options.mesh.empty()) return Collector();
  CLOISTER_TRY(auto audits, read_inputs(options.mesh));
  CLOISTER_TRY(auto scans, read_inputs(options.scans));
  return Collector(std::make_unique<posture::MeshCollector>(std::move(audits), std::move(scans)));
}

Made make_transparency(Session&, const AuditOptions& options, const posture::Estate&) {
  if (options.logs.empty()) return Collector();
  CLOISTER_TRY(auto files, read_inputs(options.logs));
  std::vector<crypto::Certificate> known;
  for (const std::string& path : options.known) {
    CLOISTER_TRY(const Bytes text, read_file(path, posture::kInputFileMax));
    CLOISTER_TRY(auto read, crypto::Certificate::parse_pem(as_text(text), kKnownMax).with_context("read " + path));
    std::ranges::move(read, std::back_inserter(known));
  }
  return Collector(std::make_unique<posture::TransparencyCollector>(std::move(files), known));
}

Made make_cbom(Session&, const AuditOptions& options, const posture::Estate&) {
  return from_files<posture::CbomCollector>(options.cboms);
}

Made make_s3_inventory(Session&, const AuditOptions& options, const posture::Estate&) {
  if (options.s3_inventory.empty()) return Collector();
  return Collector(std::make_unique<posture::S3InventoryCollector>(
      std::vector<Path>(options.s3_inventory.begin(), options.s3_inventory.end())));
}

Made make_aws(Session&, const AuditOptions& options, const posture::Estate&) {
  if (!options.aws) return Collector();
  posture::AwsOptions aws;
  aws.environment = home::process_environment();
  return Collector(std::make_unique<posture::AwsCollector>(std::move(aws), kms::real_waiting()));
}

Made make_google(Session&, const AuditOptions& options, const posture::Estate&) {
  if (!options.google) return Collector();
  CLOISTER_TRY(posture::GoogleOptions google, posture::google_options(home::process_environment()));
  return Collector(std::make_unique<posture::GoogleCollector>(std::move(google), kms::real_waiting()));
}

Made make_azure(Session&, const AuditOptions& options, const posture::Estate&) {
  if (!options.azure) return Collector();
  return Collector(std::make_unique<posture::AzureCollector>(posture::azure_options(home::process_environment()),
                                                             kms::real_waiting()));
}

Result<home::Witnessed> read_witnessed(const AuditOptions& options, keys::Hierarchy& hierarchy) {
  home::Witnessed witnessed;
  for (const std::string& path : options.log_checkpoints) {
    CLOISTER_TRY(const Bytes note, read_file(path, audit::kNoteSizeMax));
    witnessed.notes.emplace_back(as_text(note));
  }
  for (const std::string& key : options.log_witnesses) {
    CLOISTER_TRY(audit::VerifierKey witness, read_verifier_key(key));
    witnessed.witnesses.push_back(std::move(witness));
  }
  witnessed.log_key = [&hierarchy](std::string_view origin) { return hierarchy.log_key(origin); };
  return witnessed;
}

// The home that keeps the evidence, too: its keys, its log, its releases.
Made make_home(Session& session, const AuditOptions& options, const posture::Estate&) {
  CLOISTER_TRY(const bool home, session.has_home());
  if (!home) return Collector();
  home::HomeCollector::Parts parts;
  parts.folder = session.home();
  CLOISTER_TRY(parts.config, session.read_config());
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  parts.store = &hierarchy->store();
  CLOISTER_TRY(parts.witnessed, read_witnessed(options, *hierarchy));
  parts.describe = home::ask_providers([&session](const std::string& name, const RootConfig& root) {
    return session.root_secret(name, root, Session::Ask::kOnce);
  });
  if (!options.policy.empty()) {
    CLOISTER_TRY(const Bytes policy, read_file(options.policy, posture::kInputFileMax));
    parts.policy_text = std::string(as_text(policy));
  }
  parts.archive = [&session]() -> Result<std::optional<service::Archive>> {
    auto archive = open_release_archive(session);
    if (archive.ok()) return std::optional(std::move(*archive));
    if (archive.error().code() == Code::kNotFound) return std::optional<service::Archive>();
    return archive.error();
  };
  parts.attestation_policy = [&session] { return attestation_policy_text(session); };
  return Collector(std::make_unique<home::HomeCollector>(std::move(parts)));
}

Made make_service(Session& session, const AuditOptions& options, const posture::Estate&) {
  if (options.service_config.empty()) return Collector();
  daemon::ServiceCollector::Parts parts{options.service_config, nullptr, session.home()};
  CLOISTER_TRY(const bool home, session.has_home());
  if (home) {
    CLOISTER_TRY(parts.store, session.store());
  }
  return Collector(std::make_unique<daemon::ServiceCollector>(std::move(parts)));
}

bool has_address(const posture::Estate& estate, std::string_view scheme) {
  return std::ranges::any_of(estate.locations, [&](const auto& one) { return one.address.starts_with(scheme); });
}

Made make_local_storage(Session&, const AuditOptions&, const posture::Estate& estate) {
  if (!has_address(estate, "file:")) return Collector();
  return Collector(std::make_unique<posture::LocalStorageCollector>(posture::LocalOptions()));
}

// An estate without a place on this machine isn't about it.
Made make_local_host(Session&, const AuditOptions&, const posture::Estate& estate) {
  if (!has_address(estate, "file:")) return Collector();
  return Collector(std::make_unique<posture::LocalHostCollector>(posture::LocalOptions()));
}

Made make_sockets(Session&, const AuditOptions&, const posture::Estate& estate) {
  if (!has_address(estate, "file:")) return Collector();
  return Collector(std::make_unique<posture::SocketsCollector>());
}

Made make_content(Session& session, const AuditOptions&, const posture::Estate& estate) {
  if (!has_address(estate, "file:")) return Collector();
  posture::content::ContentOptions content;
  CLOISTER_TRY(const bool home, session.has_home());
  if (home) {
    CLOISTER_TRY(keys::Store* const store, session.store());
    CLOISTER_TRY(content.keys, home::known_keys(*store));
    content.journal_folder = session.home() / "posture-scans";
    CLOISTER_RETURN_IF_ERROR(create_directories(content.journal_folder, 0700));
  }
  for (const posture::DeclaredKey& key : estate.keys) content.keys.names.insert(key.name);
  return Collector(std::make_unique<posture::content::ContentCollector>(std::move(content), session.random()));
}

Made make_postgresql(Session&, const AuditOptions& options, const posture::Estate& estate) {
  if (!options.databases || !has_address(estate, "postgresql:")) return Collector();
  return Collector(std::make_unique<posture::PostgresCollector>());
}

Made make_ceph(Session&, const AuditOptions&, const posture::Estate& estate) {
  if (!has_address(estate, "ceph:")) return Collector();
  return Collector(std::make_unique<posture::CephCollector>());
}

constexpr std::array kChoices = {
    CollectorChoice{"local-storage", "what the disks and volumes of local locations are encrypted by",
                    make_local_storage},
    CollectorChoice{"local-host", "swap, hibernation, core dumps and mounts of this machine", make_local_host},
    CollectorChoice{"sockets", "ports of this machine that others can reach", make_sockets},
    CollectorChoice{"content", "what really lies in local locations, file by file", make_content},
    CollectorChoice{"home", "this home: keys, who may use them, its log, what was released", make_home},
    CollectorChoice{"service",
                    "cloisterd: how callers prove who they are, what its detectors notice (--service-config)",
                    make_service},
    CollectorChoice{"models", "models of local locations, sealed or signed: file by file", make_models_collector},
    CollectorChoice{"scan", "endpoints, from results of `cloister scan --json` (--scan)", make_scans},
    CollectorChoice{"mesh", "workloads in a service mesh, from `cloister mesh audit --json` (--mesh, --scan)",
                    make_mesh},
    CollectorChoice{"ct", "certificates that logs have seen for endpoints (--ct)", make_transparency},
    CollectorChoice{"cbom", "inventories of cryptography that other tools made (--crypto-inventory)", make_cbom},
    CollectorChoice{"kubernetes", "manifests, EncryptionConfiguration, etcd, EKS, GKE, AKS (--kubernetes)",
                    make_kubernetes},
    CollectorChoice{"iac", "Terraform and OpenTofu plans and states, CloudFormation (--iac)", make_iac},
    CollectorChoice{"postgresql", "databases: TLS, encryption, who may connect (--postgresql)", make_postgresql},
    CollectorChoice{"ceph", "Ceph clusters, from what they say of themselves in files", make_ceph},
    CollectorChoice{"azure", "blobs, disks, Machine Learning and their keys (--azure)", make_azure},
    CollectorChoice{"google", "Cloud Storage, disks, Vertex AI and their keys (--google)", make_google},
    CollectorChoice{"aws", "S3, EBS, RDS, SageMaker, Bedrock and their keys (--aws)", make_aws},
    CollectorChoice{"s3-inventory", "every object of buckets, from reports of S3 Inventory (--s3-inventory)",
                    make_s3_inventory},
    CollectorChoice{"paths", "every pair of components, from files of evidence (--evidence)", make_paths},
};

bool named(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Status check_names(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::ranges::find(kChoices, name, &CollectorChoice::name) == kChoices.end()) {
      return invalid("there is no collector " + name + ": `cloister help posture audit` lists them");
    }
  }
  return {};
}

}  // namespace

std::string collectors_text() {
  std::string text = "\nCOLLECTORS\n";
  for (const CollectorChoice& choice : kChoices) {
    text += "  " + std::string(choice.name) + "  " + std::string(choice.about) + "\n";
  }
  return text;
}

void add_looking_options(CLI::App& verb, AuditOptions& options) {
  verb.add_option("--estate", options.estate, "what there is, who owns it, how much it matters (TOML or YAML)")
      ->required()
      ->type_name("FILE");
  verb.add_option("--facts", options.facts, "facts that were collected elsewhere, one a line")->type_name("FILE");
  verb.add_option("--evidence", options.path_evidence, "files of evidence about paths, or folders of them")
      ->type_name("PATH");
  verb.add_option("--bundle", options.path_bundles, "whom receipts are verified against")
      ->type_name("TRUST-DOMAIN=FILE");
  verb.add_option("--scan", options.scans, "results of `cloister scan --json`")->type_name("FILE");
  verb.add_option("--mesh", options.mesh, "results of `cloister mesh audit --json`")->type_name("FILE");
  verb.add_option("--ct", options.logs, "results of `cloister scan logs --json`; answers of crt.sh and Cert Spotter")
      ->type_name("FILE");
  verb.add_option("--ct-known", options.known, "certificates that are ours, in PEM")->type_name("FILE");
  verb.add_option("--crypto-inventory", options.cboms, "CycloneDX documents with cryptographic assets")
      ->type_name("FILE");
  verb.add_option("--s3-inventory", options.s3_inventory, "manifest.json of a report, with its parts beside it")
      ->type_name("FILE");
  verb.add_option("--policy", options.policy, "who may use which keys, as the key service has it")->type_name("FILE");
  verb.add_option("--log-checkpoint", options.log_checkpoints, "cosigned heads of this home's log")->type_name("FILE");
  verb.add_option("--log-witness", options.log_witnesses, "whose cosignatures are taken")->type_name("KEY|FILE");
  verb.add_option("--service-config", options.service_config, "cloisterd's configuration")->type_name("FILE");
  verb.add_option("--model-signers", options.model_signers, "whose signatures on models count")->type_name("FILE");
  verb.add_option("--kubernetes", options.kubernetes, "Kubernetes manifests, EncryptionConfiguration, etcd's values")
      ->type_name("FILE");
  verb.add_option("--iac", options.iac, "Terraform plans and states in JSON, CloudFormation templates")
      ->type_name("FILE");
  verb.add_flag("--aws", options.aws, "ask AWS, with the credentials of the environment");
  verb.add_flag("--azure", options.azure, "ask Azure, with the credentials of the environment");
  verb.add_flag("--google", options.google, "ask Google Cloud, with the credentials of the environment");
  verb.add_flag("--postgresql", options.databases,
                "ask the PostgreSQL databases of the estate; passwords are in PGPASSFILE");
  verb.add_option("--only", options.only, "no other collectors than these")->type_name("NAME");
  verb.add_option("--skip", options.skip, "not these collectors")->type_name("NAME");
  add_store_options(verb, options.store);
  verb.add_flag("--no-store", options.without_store, "keep nothing and sign nothing, although there is a home");
}

Result<std::vector<std::unique_ptr<posture::Collector>>> make_collectors(Session& session, const AuditOptions& options,
                                                                         const posture::Estate& estate) {
  CLOISTER_RETURN_IF_ERROR(check_names(options.only));
  CLOISTER_RETURN_IF_ERROR(check_names(options.skip));
  std::vector<std::unique_ptr<posture::Collector>> made;
  for (const CollectorChoice& choice : kChoices) {
    if (!options.only.empty() && !named(options.only, choice.name)) continue;
    if (named(options.skip, choice.name)) continue;
    CLOISTER_TRY(auto collector, choice.make(session, options, estate));
    if (collector) made.push_back(std::move(collector));
  }
  return made;
}

}  // namespace cloister::cli
