#include "service/audit_index.h"

#include <algorithm>

#include "audit/origin.h"

namespace cloister::service {
namespace {

constexpr std::uint64_t kRecordsMax = 512;  // two commits of the recorder's

}  // namespace

keys::Recorded find_record(keys::Store& store, std::string_view tenant, std::string_view request_id) {
  keys::Recorded found;
  const auto server = store.log_server();
  if (!server.ok()) return found;
  const std::string origin = *server + "/" + audit::tree_name(tenant);
  const auto head = store.tree_head(origin);
  if (!head.ok()) return found;
  const std::uint64_t count = std::min(head->size, kRecordsMax);
  ignore_result(store.for_each_record(origin, head->size - count, count, [&](const audit::LogRecord& record) {
    if (record.extras().text(audit::Extra::kRequestId) == request_id) found = {origin, record.index()};
    return ok_status();
  }));
  return found;
}

}  // namespace cloister::service
