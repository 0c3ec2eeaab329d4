// One audit as the command line asks for it: files are read, collectors asked, and what came of it judged.
#pragma once

#include "posture/run.h"
#include "posture_collectors.h"

namespace cloister::cli {

struct AuditRun {
  posture::Materials materials;
  posture::Posture posture;
  std::vector<std::string> notes;  // what is to be said besides, a line each
};

Result<AuditRun> run_audit(Session& session, const AuditOptions& options);

// The estate, by its file.
struct EstateFile {
  std::string text;
  posture::Estate estate;
};
Result<EstateFile> read_estate(const std::string& path);
Result<std::vector<posture::Exception>> read_exceptions(const std::string& path);

}  // namespace cloister::cli
