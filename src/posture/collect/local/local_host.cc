#include <algorithm>
#include <array>
#include <map>

#include "posture/collect/local/core_dumps.h"
#include "posture/collect/local/local_collectors.h"
#include "posture/inventory.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kName = "local-host/1";

// The system's own, and what the kernel shows of itself: no place for data, or one that is looked at as something else.
constexpr std::array<std::string_view, 8> kSystemTrees = {"/proc", "/sys", "/dev",  "/run",
                                                          "/boot", "/etc", "/snap", "/nix"};
constexpr std::array<std::string_view, 6> kSystemPlaces = {"/", "/usr", "/var", "/var/log", "/tmp", "/var/tmp"};
constexpr std::array<std::string_view, 5> kNoStorage = {"tmpfs", "ramfs", "hugetlbfs", "autofs", "squashfs"};
constexpr std::array<std::string_view, 2> kTemporary = {"/tmp", "/var/tmp"};

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

bool holds_data(const Mount& mount) {
  if (is_kernels_own(mount) || is_one_of(mount.type, kNoStorage) || is_one_of(mount.point, kSystemPlaces)) return false;
  return std::ranges::none_of(kSystemTrees, [&](std::string_view tree) {
    return mount.point == tree || mount.point.starts_with(std::string(tree) + "/");
  });
}

class HostLooker {
 public:
  HostLooker(const LocalOptions& options, const CollectContext& context, FactSink& sink)
      : tree_(options.root),
        scope_(local_scope(options)),
        maker_(kName, scope_, context),
        context_(context),
        sink_(&sink) {
    const auto name = tree_.read("/proc/sys/kernel/hostname");
    host_ = {SubjectKind::kHost, !options.host.empty() ? options.host : name.ok() ? *name : "this host"};
  }

  void look(const LocalOptions& options) {
    const auto text = tree_.read("/proc/self/mountinfo", kMountinfoSizeMax);
    const auto mounts = text.ok() ? parse_mountinfo(*text) : Result<std::vector<Mount>>(text.error());
    if (!mounts.ok()) {
      for (const char* what : {"swap", "hibernation", "core", "tmp"}) blind(what, mounts.error().message());
      if (options.find_mounts) sink_->add(unread_source_fact(kName, scope_, mounts.error().message(), context_.now));
      return;
    }
    const std::set<std::string> keys = declared_key_names(*context_.estate);
    const BlockWalk walk(tree_, *mounts, keys, options.ask_fscrypt);
    look_at_swap(walk);
    look_at_core_dumps(walk);
    for (const std::string_view folder : kTemporary) {
      if (tree_.is_there(std::string(folder))) add_place("tmp", std::string(folder), walk.of_path(std::string(folder)));
    }
    if (options.find_mounts) find(*mounts);
  }

 private:
  void add(const std::string& what, std::string protection, std::string where, std::string raw) {
    Fact fact = maker_.make("transient.persistence", host_);
    fact.values = {{"what", what}, {"protected", std::move(protection)}, {"where", std::move(where)}};
    fact.raw = std::move(raw);
    sink_->add(std::move(fact));
  }

  void blind(const std::string& what, const std::string& why) {
    sink_->add(maker_.not_assessed("transient.persistence", host_, what + ": " + why));
  }

  void add_place(const std::string& what, std::string where, const Result<Rest>& rest) {
    if (!rest.ok()) return add(what, "unknown", std::move(where), rest.error().message());
    std::string raw;
    for (const std::string& line : rest->trail) raw += line + "\n";
    // In memory it is as well protected as what memory is swapped to, which has a fact of its own.
    const std::string protection = rest->in_memory ? "none" : rest->view.encrypted;
    add(what, protection, std::move(where), std::move(raw));
  }

  void look_at_swap(const BlockWalk& walk) {
    const auto text = tree_.read("/proc/swaps");
    const auto areas = text.ok() ? parse_swaps(*text + "\n") : Result<std::vector<SwapArea>>(text.error());
    if (!areas.ok()) {
      // A kernel without swap has no such file, or an empty one.
      const bool none = text.ok() ? text->empty() : text.error().code() == Code::kNotFound;
      if (!none) {
        blind("swap", areas.error().message());
        return blind("hibernation", areas.error().message());
      }
    }
    const std::vector<SwapArea> found = areas.ok() ? *areas : std::vector<SwapArea>();
    if (found.empty()) add("swap", "none", "no swap area", "");
    for (const SwapArea& area : found) add_place("swap", area.path, walk.of_path(area.path));
    look_at_hibernation(walk, found);
  }

  // The image of memory is written to the device that is resumed from, or to a swap area.
  void look_at_hibernation(const BlockWalk& walk, const std::vector<SwapArea>& areas) {
    const auto states = tree_.read("/sys/power/state");
    if (!states.ok() && states.error().code() != Code::kNotFound) return blind("hibernation", states.error().message());
    const bool can = states.ok() && (" " + *states + " ").find(" disk ") != std::string::npos;
    if (!can) return add("hibernation", "none", "the kernel doesn't offer it", states.ok() ? *states : "");
    const auto resume = tree_.read("/sys/power/resume");
    if (resume.ok() && *resume != "0:0" && !resume->empty()) {
      return add_place("hibernation", "device " + *resume, walk.of_device(*resume));
    }
    if (areas.empty()) return add("hibernation", "none", "there is no swap area to write to", "");
    for (const SwapArea& area : areas) add_place("hibernation", area.path, walk.of_path(area.path));
  }

  void look_at_core_dumps(const BlockWalk& walk) {
    const CoreDumps dumps = read_core_dumps(tree_);
    switch (dumps.kind) {
      case CoreDumps::Kind::kUnread: return blind("core", dumps.where);
      case CoreDumps::Kind::kNone: return add("core", "none", dumps.where, dumps.raw);
      case CoreDumps::Kind::kUnknown: return add("core", "unknown", dumps.where, dumps.raw);
      case CoreDumps::Kind::kFolder: break;
    }
    std::string folder = dumps.where;
    // A folder that is made at the first crash lies where the one above it lies.
    while (folder.size() > 1 && !tree_.is_there(folder)) folder.resize(std::max<std::size_t>(folder.rfind('/'), 1));
    add_place("core", dumps.where, walk.of_path(folder));
  }

  void find(const std::vector<Mount>& mounts) {
    std::int64_t count = 0;
    for (const Mount& mount : mounts) {
      if (!holds_data(mount)) continue;
      ++count;
      const std::string address = "file:" + mount.point;
      sink_->add(seen_fact(kName, scope_, location_subject(*context_.estate, address), address, context_.now));
    }
    sink_->add(source_fact(kName, scope_, "mounts", count, context_.now));
  }

  SystemTree tree_;
  std::string scope_;
  FactMaker maker_;
  const CollectContext& context_;
  FactSink* sink_;
  Subject host_;
};

}  // namespace

void LocalHostCollector::collect(const CollectContext& context, FactSink& sink) {
  HostLooker(options_, context, sink).look(options_);
}

}  // namespace cloister::posture
