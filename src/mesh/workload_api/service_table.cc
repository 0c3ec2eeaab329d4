#include "mesh/workload_api/service_table.h"

namespace cloister::mesh {

void ServiceTable::add(std::string name, std::shared_ptr<net::GrpcService> service) {
  CLOISTER_CHECK(service != nullptr && services_.emplace(std::move(name), std::move(service)).second);
}

std::vector<std::string> ServiceTable::names() const {
  std::vector<std::string> names;
  for (const auto& [name, service] : services_) names.push_back(name);
  return names;
}

std::unique_ptr<net::GrpcReceiver> ServiceTable::begin(std::shared_ptr<net::GrpcCall> call) {
  const std::string_view path = call->head().path();
  const std::size_t slash = path.rfind('/');
  if (!path.starts_with('/') || slash == 0) return nullptr;
  const auto found = services_.find(path.substr(1, slash - 1));
  return found == services_.end() ? nullptr : found->second->begin(std::move(call));
}

}  // namespace cloister::mesh
