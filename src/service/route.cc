#include "service/route.h"

#include <algorithm>

namespace cloister::service {
namespace {

constexpr std::string_view kTenantPath = "/v1/tenants/{tenant}";
constexpr std::string_view kEnvironmentPath = "/v1/tenants/{tenant}/environments/{environment}";

// Takes the next segment off `path`, which begins with a slash.
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

}  // namespace

Reply Reply::to_worker() {
  Reply reply;
  reply.needs_worker = true;
  return reply;
}

Reply Reply::of(Problem problem) {
  Reply reply;
  reply.problem = std::move(problem);
  return reply;
}

// A tree of segments. What an exact segment doesn't lead to is looked for behind the parameter beside it.
struct Router::Node {
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> exact;
  std::string parameter;  // its name
  std::unique_ptr<Node> behind_parameter;
  std::vector<const Route*> here;

  Node& child(std::string_view segment) {
    if (segment.starts_with('{')) {
      const std::string_view name = segment.substr(1, segment.size() - 2);
      if (!behind_parameter) {
        behind_parameter = std::make_unique<Node>();
        parameter = name;
      }
      CLOISTER_CHECK(parameter == name);
      return *behind_parameter;
    }
    for (auto& [text, node] : exact) {
      if (text == segment) return *node;
    }
    return *exact.emplace_back(segment, std::make_unique<Node>()).second;
  }

  const Node* find(std::string_view path, PathParameters& parameters) const {
    if (path.empty()) return here.empty() ? nullptr : this;
    const std::string_view segment = take_segment(path);
    for (const auto& [text, node] : exact) {
      if (text != segment) continue;
      const PathParameters before = parameters;
      if (const Node* found = node->find(path, parameters)) return found;
      parameters = before;
    }
    if (!behind_parameter || segment.empty()) return nullptr;
    parameters.add(parameter, segment);
    return behind_parameter->find(path, parameters);
  }
};

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  auto root = std::make_shared<Node>();
  for (const Route& route : routes_) {
    CLOISTER_CHECK(route.access != Access::kPolicy || route.operation);
    CLOISTER_CHECK(route.path.starts_with('/') && route.parse);
    Node* node = root.get();
    for (std::string_view path = route.path; !path.empty();) node = &node->child(take_segment(path));
    CLOISTER_CHECK(std::ranges::none_of(node->here, [&](const Route* other) { return other->method == route.method; }));
    node->here.push_back(&route);
  }
  root_ = std::move(root);
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  Match match;
  if (!path.starts_with('/')) return match;
  const Node* node = root_->find(path, match.parameters);
  if (node == nullptr) return match;
  for (const Route* route : node->here) {
    if (route->method == method) match.route = route;
  }
  if (match.route != nullptr) return match;
  for (const Route* route : node->here) match.allowed += (match.allowed.empty() ? "" : ", ") + route->method;
  return match;
}

void add_of_tenant(std::vector<Route>& routes, std::string_view suffix, const Route& route) {
  for (const std::string_view base : {kTenantPath, kEnvironmentPath}) {
    routes.push_back(route);
    routes.back().path = std::string(base) + std::string(suffix);
  }
}

Target target_of_path(const Call& call) {
  return {std::string(call.path.find("tenant")), std::string(call.path.find("environment")),
          std::string(call.path.find("dataset")), 1};
}

}  // namespace cloister::service
