// Several gRPC services behind one socket, told apart by name.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "net/grpc_server.h"

namespace cloister::mesh {

// Filled first, then immutable. Any thread may call then.
class ServiceTable final : public net::GrpcService {
 public:
  // `name` is the full one: "SpiffeWorkloadAPI", "grpc.reflection.v1.ServerReflection".
  void add(std::string name, std::shared_ptr<net::GrpcService> service);
  std::vector<std::string> names() const;

  std::unique_ptr<net::GrpcReceiver> begin(std::shared_ptr<net::GrpcCall> call) override;

 private:
  std::map<std::string, std::shared_ptr<net::GrpcService>, std::less<>> services_;
};

}  // namespace cloister::mesh
