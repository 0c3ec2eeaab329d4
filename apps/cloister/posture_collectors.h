// What `cloister posture audit` looks with: one table, a line for each collector.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "posture/collector.h"
#include "posture_store.h"
#include "session.h"

namespace cloister::cli {

// What was said on the command line, for those who make collectors of it.
struct AuditOptions {
  std::string estate, exceptions;
  std::vector<std::string> facts;          // files of facts that were collected elsewhere
  std::vector<std::string> path_evidence;  // files, and folders of files: probe/path/evidence_item.h
  std::vector<std::string> scans;          // results of `cloister scan --json`
  std::vector<std::string> kubernetes, iac;
  std::vector<std::string> mesh;          // results of `cloister mesh audit --json`
  std::vector<std::string> logs, known;   // answers of monitors of certificate logs, and certificates that are ours
  std::vector<std::string> cboms;         // CycloneDX documents
  std::vector<std::string> s3_inventory;  // manifests of its reports
  bool aws = false, azure = false, google = false, databases = false;
  std::vector<std::string> path_bundles;  // TRUST-DOMAIN=FILE
  std::string policy;                     // of the key service
  std::string service_config;             // of cloisterd
  std::vector<std::string> log_checkpoints, log_witnesses;
  std::string model_signers;            // a file of signers, as `cloister model verify` takes it
  std::vector<std::string> only, skip;  // names in the table
  StoreOptions store;
  bool without_store = false;
};

// The options above, for every verb that looks.
void add_looking_options(CLI::App& verb, AuditOptions& options);
std::string collectors_text();  // the table, for manual pages

struct CollectorChoice {
  std::string_view name;   // as --only and --skip have it
  std::string_view about;  // one line
  // Null where there is nothing for it to do. An error is for options that can't be right: what can't be looked at is
  // the collector's to say, by a fact.
  Result<std::unique_ptr<posture::Collector>> (*make)(Session& session, const AuditOptions& options,
                                                      const posture::Estate& estate);
};

// Those of the table that were chosen and have something to do. kInvalid for a name that isn't in it.
Result<std::vector<std::unique_ptr<posture::Collector>>> make_collectors(Session& session, const AuditOptions& options,
                                                                         const posture::Estate& estate);

}  // namespace cloister::cli
