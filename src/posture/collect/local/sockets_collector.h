// Ports of this machine that anybody outside of it can connect to, and the programs that declared workloads run as: by
// the kernel's table of sockets.
#pragma once

#include "posture/collector.h"
#include "probe/path/sockets.h"

namespace cloister::posture {

// What a table shows. An endpoint is a listening port that isn't on a loopback address; it is the declared one of that
// port, or a component's, or one that nobody declared.
std::vector<Fact> socket_facts(const Estate& estate, const probe::path::SocketInventory& inventory, Time now);

// "sockets/1": of this machine and this network namespace.
class SocketsCollector final : public Collector {
 public:
  std::string_view name() const override { return "sockets/1"; }
  void collect(const CollectContext& context, FactSink& sink) override;
};

}  // namespace cloister::posture
