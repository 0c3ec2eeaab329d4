#include "evidence_folder.h"

#include "output.h"

namespace cloister::cli {
namespace {

constexpr int kNamesMax = 1000;  // tried at one moment

// What JSON holds without a change: UTF-8.
bool is_text(const std::string& body) {
  const std::string text = Json(body).dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(text).get<std::string>() == body;
}

Json evidence_json(const kms::Evidence& evidence) {
  Json json = {{"received", to_rfc3339(evidence.received)}, {"provider", evidence.provider},
               {"operation", evidence.operation},           {"key", evidence.key},
               {"request_id", evidence.request_id},         {"status", evidence.status}};
  if (evidence.withheld) {
    json["withheld"] = true;
  } else if (is_text(evidence.body)) {
    json["body"] = evidence.body;
  } else {
    json["body_hex"] = to_hex(as_bytes(evidence.body));
  }
  return json;
}

}  // namespace

Result<std::shared_ptr<EvidenceFolder>> EvidenceFolder::open(const Path& folder) {
  CLOISTER_RETURN_IF_ERROR(create_directories(folder, 0700).with_context("keep evidence"));
  return std::shared_ptr<EvidenceFolder>(new EvidenceFolder(folder));
}

void EvidenceFolder::keep(kms::Evidence evidence) {
  const std::lock_guard lock(mutex_);
  if (!status_.ok()) return;
  const std::string text = evidence_json(evidence).dump(2) + "\n";
  for (int i = 0; i < kNamesMax; ++i) {
    const std::string name = std::to_string(evidence.received.unix_ms) + "-" + std::to_string(i) + ".json";
    Status written = write_file(folder_ / name, as_bytes(text), Overwrite::kRefuse, 0600);
    if (!written.ok() && written.error().code() == Code::kExists) continue;
    if (written.ok()) ++count_;
    status_ = std::move(written);
    return;
  }
  status_ = Error(Code::kExists, "the folder is full of evidence of this moment");
}

Result<std::uint64_t> EvidenceFolder::kept() {
  const std::lock_guard lock(mutex_);
  if (!status_.ok()) return Error(status_.error()).with_context("keep evidence");
  return count_;
}

}  // namespace cloister::cli
