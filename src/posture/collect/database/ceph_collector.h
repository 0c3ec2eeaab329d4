// What encrypts a Ceph cluster's disks, from what its own tools say: files that `ceph` and `ceph-volume` wrote.
#pragma once

#include "base/json.h"
#include "posture/collect/fact_maker.h"

namespace cloister::posture {

// `ceph osd dump -f json`: the numbers of all OSDs. kCorrupt for what isn't one.
Result<std::vector<std::uint64_t>> parse_ceph_osds(const JsonValue& dump);
// `ceph-volume lvm list --format json` of one host: by OSD, whether every part of it is encrypted. kCorrupt.
Result<std::map<std::uint64_t, bool>> parse_ceph_volumes(const JsonValue& list);

// Locations "ceph:FOLDER": osd-dump.json, config-dump.json (`ceph config dump -f json`) and, of every host,
// volumes-HOST.json. An OSD of the dump that no host lists isn't assessed, and with it the cluster.
class CephCollector final : public Collector {
 public:
  std::string_view name() const override { return "ceph/1"; }
  void collect(const CollectContext& context, FactSink& sink) override;
};

}  // namespace cloister::posture
