// The table of collectors. To add one: a function that makes it, and a line in kChoices.
#include "posture_collectors.h"

#include <algorithm>
#include <array>

#include "paths_evidence.h"
#include "posture/collect/paths/path_collector.h"

namespace cloister::cli {
namespace {

using Made = Result<std::unique_ptr<posture::Collector>>;

Made make_paths(Session&, const AuditOptions& options, const posture::Estate& estate) {
  if (estate.graph.edges.empty() && options.path_evidence.empty()) return std::unique_ptr<posture::Collector>();
  CLOISTER_TRY(auto items, read_items({options.path_evidence, options.path_bundles}));
  return std::unique_ptr<posture::Collector>(std::make_unique<posture::PathCollector>(std::move(items)));
}

constexpr std::array kChoices = {
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

std::span<const CollectorChoice> collector_choices() { return kChoices; }

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
