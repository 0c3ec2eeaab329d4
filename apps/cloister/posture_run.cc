// One audit as the command line asks for it.
#include "posture_run.h"

#include <unistd.h>

#include <thread>

#include "crypto/hash.h"
#include "posture/fact_lines.h"

namespace cloister::cli {
namespace {

constexpr std::uint64_t kInputSizeMax = std::uint64_t{16} << 20;

Result<std::string> read_text(const std::string& path, std::uint64_t size_max) {
  CLOISTER_TRY(const Bytes bytes, read_file(path, size_max));
  return std::string(as_text(bytes));
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 ? std::string(name) : std::string("unknown");
}

unsigned thread_count(const Globals& globals) {
  return globals.threads != 0 ? globals.threads : std::max(1U, std::thread::hardware_concurrency());
}

std::string command_of(const AuditOptions& options) {
  std::string command = "cloister posture audit --estate " + options.estate;
  if (!options.exceptions.empty()) command += " --exceptions " + options.exceptions;
  for (const std::string& file : options.facts) command += " --facts " + file;
  for (const std::string& path : options.path_evidence) command += " --evidence " + path;
  for (const std::string& name : options.only) command += " --only " + name;
  for (const std::string& name : options.skip) command += " --skip " + name;
  return command;
}

// Facts that others collected count as theirs: what the file said, and its digest, are in the report's context.
cloister::Status add_facts(const std::vector<std::string>& files, posture::Materials& materials) {
  for (const std::string& path : files) {
    CLOISTER_TRY(const std::string text, read_text(path, posture::kFactFileSizeMax));
    CLOISTER_TRY(auto facts, posture::parse_fact_lines(text).with_context(path));
    materials.context["facts from " + path] =
        std::to_string(facts.size()) + ", sha256 " + to_hex(crypto::sha256(as_bytes(text)));
    for (posture::Fact& fact : facts) materials.facts.push_back(std::move(fact));
  }
  return {};
}

}  // namespace

Result<EstateFile> read_estate(const std::string& path) {
  EstateFile file;
  CLOISTER_TRY(file.text, read_text(path, kInputSizeMax));
  CLOISTER_TRY(file.estate, posture::parse_estate(file.text, Path(path).filename().string()).with_context(path));
  return file;
}

Result<std::vector<posture::Exception>> read_exceptions(const std::string& path) {
  CLOISTER_TRY(const std::string text, read_text(path, kInputSizeMax));
  return posture::parse_exceptions(text).with_context(path);
}

Result<AuditRun> run_audit(Session& session, const AuditOptions& options) {
  AuditRun run;
  posture::Materials& materials = run.materials;
  CLOISTER_TRY(const EstateFile estate, read_estate(options.estate));
  materials.catalogue = std::string(posture::built_in_catalogue_text());
  materials.estate_name = Path(options.estate).filename().string();
  materials.estate = estate.text;
  if (!options.exceptions.empty()) {
    CLOISTER_RETURN_IF_ERROR(read_exceptions(options.exceptions));
    CLOISTER_TRY(materials.exceptions, read_text(options.exceptions, kInputSizeMax));
  }
  const keys::Caller caller = session.caller();
  materials.at = caller.now;
  materials.program = "cloister " CLOISTER_VERSION;
  materials.context = {{"user", caller.actor}, {"host", host_name()}, {"command", command_of(options)}};
  CLOISTER_RETURN_IF_ERROR(add_facts(options.facts, materials));

  CLOISTER_TRY(const auto collectors, make_collectors(session, options, estate.estate));
  const posture::CollectContext context{&estate.estate, materials.at, &session.progress(),
                                        thread_count(session.globals())};
  for (posture::Fact& fact : posture::collect(collectors, context)) materials.facts.push_back(std::move(fact));
  materials.facts = posture::settled(std::move(materials.facts));
  CLOISTER_TRY(run.posture, posture::posture_of(materials));
  return run;
}

}  // namespace cloister::cli
