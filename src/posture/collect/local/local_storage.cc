#include <unistd.h>

#include "posture/collect/local/local_collectors.h"
#include "posture/inventory.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kScheme = "file:";

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return raw_excerpt(out);
}

class Looker {
 public:
  Looker(const LocalOptions& options, const CollectContext& context, FactSink& sink)
      : tree_(options.root),
        maker_("local-storage/1", local_scope(options), context),
        scope_(local_scope(options)),
        now_(context.now),
        sink_(&sink) {}

  // `apart`: the places of the locations, each of which is looked at for itself.
  void look(const Location& location, const BlockWalk& walk, const std::vector<std::string>& apart) {
    const Subject subject = {SubjectKind::kLocation, location.name};
    const std::string path = location.address.substr(kScheme.size());
    const auto place = tree_.canonical(path);
    if (!place.ok()) return not_there(location, subject, place.error());
    sink_->add(seen_fact("local-storage/1", scope_, subject, location.address, now_));
    const Result<Rest> rest = walk.of_tree(path, apart);
    if (!rest.ok()) return sink_->add(blind(subject, rest.error().message()));
    if (rest->in_memory) return sink_->add(blind(subject, "it is in memory: nothing rests here but what is swapped"));
    sink_->add(maker_.storage(subject, rest->view, joined(rest->trail)));
  }

  Fact blind(Subject subject, std::string why) const {
    return maker_.not_assessed("storage.encryption", std::move(subject), std::move(why));
  }

 private:
  void not_there(const Location& location, const Subject& subject, const Error& error) {
    if (error.code() == Code::kNotFound)
      sink_->add(absent_fact("local-storage/1", scope_, subject, location.address, now_));
    sink_->add(blind(subject, error.message()));
  }

  SystemTree tree_;
  FactMaker maker_;
  std::string scope_;
  Time now_;
  FactSink* sink_;
};

Result<std::vector<Mount>> read_mounts(const SystemTree& tree) {
  CLOISTER_TRY(const std::string text, tree.read("/proc/self/mountinfo", kMountinfoSizeMax));
  return parse_mountinfo(text);
}

// Where the locations are, without links: those that are there.
std::vector<std::string> places_of(const Estate& estate, const SystemTree& tree) {
  std::vector<std::string> places;
  for (const Location& location : estate.locations) {
    if (!location.address.starts_with(kScheme)) continue;
    auto place = tree.canonical(location.address.substr(kScheme.size()));
    if (place.ok()) places.push_back(std::move(*place));
  }
  return places;
}

}  // namespace

std::string local_scope(const LocalOptions& options) {
  return "uid " + std::to_string(::geteuid()) + ", " + options.root.string();
}

std::set<std::string> declared_key_names(const Estate& estate) {
  std::set<std::string> names;
  for (const DeclaredKey& key : estate.keys) names.insert(key.name);
  return names;
}

void LocalStorageCollector::collect(const CollectContext& context, FactSink& sink) {
  const SystemTree tree(options_.root);
  Looker looker(options_, context, sink);
  const auto mounts = read_mounts(tree);
  const std::set<std::string> keys = declared_key_names(*context.estate);
  const std::vector<std::string> places = places_of(*context.estate, tree);
  for (const Location& location : context.estate->locations) {
    if (!location.address.starts_with(kScheme)) continue;
    const Subject subject = {SubjectKind::kLocation, location.name};
    if (context.progress != nullptr && context.progress->stop_requested()) {
      sink.add(looker.blind(subject, "the audit was stopped"));
    } else if (!mounts.ok()) {
      sink.add(looker.blind(subject, mounts.error().message()));
    } else {
      looker.look(location, BlockWalk(tree, *mounts, keys, options_.ask_fscrypt), places);
    }
  }
}

}  // namespace cloister::posture
