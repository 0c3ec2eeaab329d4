#include "cloister-worker/engine_reach.h"

namespace cloister::worker {

LandlockRules engine_reach(const WorkerConfig& config) {
  LandlockRules reach;
  reach.readable = config.readable;
  reach.executable = config.executable;
  reach.writable = config.writable;
  reach.readable.insert(reach.readable.end(), {"/dev/null", "/dev/urandom"});
  reach.writable.emplace_back("/dev/null");
  reach.executable.emplace_back(config.engine.command.front());
  reach.executable.insert(reach.executable.end(), kLibraryPaths.begin(), kLibraryPaths.end());
  if (config.inference && config.inference->engine_socket) {
    reach.writable.push_back(config.inference->engine_socket->socket.parent_path());
  }
  for (const std::string& text : config.egress) {
    const auto address = net::parse_tcp_address(text);
    CLOISTER_CHECK(address.ok());  // the configuration's parser saw to it
    reach.connect_ports.push_back(address->port);
    if (net::numeric_address(*address).ok()) continue;
    reach.readable.insert(reach.readable.end(), kNameServicePaths.begin(), kNameServicePaths.end());
  }
  return reach;
}

}  // namespace cloister::worker
