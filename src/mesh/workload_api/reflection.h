// gRPC server reflection, versions v1 and v1alpha: what tools such as grpcurl ask a server for, to call it without its
// .proto files. github.com/grpc/grpc/blob/master/doc/server-reflection.md.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "net/grpc_server.h"

namespace cloister::mesh {

// A file of descriptors, as protobuf serializes its FileDescriptorProto, and what is defined in it by full name.
struct DescribedFile {
  std::string name;
  std::vector<std::string> imports;
  std::vector<std::string> symbols;
  Bytes descriptor;
};
// workload.proto of the SPIFFE Workload API, and google/protobuf/struct.proto, which it needs.
std::vector<DescribedFile> workload_api_files();

inline constexpr std::string_view kReflectionV1 = "grpc.reflection.v1.ServerReflection";
inline constexpr std::string_view kReflectionV1Alpha = "grpc.reflection.v1alpha.ServerReflection";

// Lists `services` and tells of `files`; what isn't in them is answered as not found. Needs no security header: it
// says what is public. Its callers are bounded by the limits of their connection and call.
class Reflection final : public net::GrpcService {
 public:
  Reflection(std::vector<std::string> services, std::vector<DescribedFile> files);

  std::unique_ptr<net::GrpcReceiver> begin(std::shared_ptr<net::GrpcCall> call) override;

  // The answer to one message of the stream. kInvalid for what isn't a request.
  Result<net::Buffer> answer(ByteView request) const;

 private:
  net::Buffer list_services() const;
  const DescribedFile* find_file(std::string_view name) const;
  const DescribedFile* find_symbol(std::string_view symbol) const;

  const std::vector<std::string> services_;
  const std::vector<DescribedFile> files_;
};

}  // namespace cloister::mesh
