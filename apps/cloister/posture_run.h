// One audit as the command line asks for it: files are read, collectors asked, and what came of it judged.
#pragma once

#include <optional>

#include "posture/run.h"
#include "posture_collectors.h"

namespace cloister::cli {

struct AuditRun {
  posture::Posture posture;
  std::optional<std::string> root;  // of the bundle that was kept and signed; nothing without a home
};

// kInvalid for input that can't be read; the codes of the evidence store. Whatever couldn't be looked at is in the
// report.
Result<AuditRun> run_audit(Session& session, const AuditOptions& options);

// The looking alone, with what earlier runs have to say where there are any. Keeps nothing.
struct Looked {
  posture::Estate estate;
  std::vector<posture::Fact> facts;
  Time at;
};
Result<Looked> look_once(Session& session, const AuditOptions& options);

// The estate, by its file.
struct EstateFile {
  std::string text;
  posture::Estate estate;
};
Result<EstateFile> read_estate(const std::string& path);
Result<std::vector<posture::Exception>> read_exceptions(const std::string& path);

}  // namespace cloister::cli
