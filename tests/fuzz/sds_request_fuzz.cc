// A request of Envoy's for secrets: DiscoveryRequest, with its node. What was understood says the same when written
// again.
#include <vector>

#include "mesh/workload_api/sds_messages.h"
#include "net/protobuf.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto request = mesh::parse_secret_request({data, size});
  if (!request.ok()) return 0;
  CLOISTER_CHECK(request->names.size() <= mesh::kSecretNamesMax);
  net::Buffer again;
  net::ProtobufWriter writer(again);
  writer.text(1, request->version);
  for (const std::string& name : request->names) writer.present(3, as_bytes(name));
  writer.text(4, request->type).text(5, request->nonce);
  const auto same = mesh::parse_secret_request(again);
  CLOISTER_CHECK(same.ok() && same->version == request->version && same->names == request->names);
  CLOISTER_CHECK(same->type == request->type && same->nonce == request->nonce && !same->rejected && !same->validation);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  net::Buffer value, metadata, semantic, build, node, status, request;
  net::ProtobufWriter(value).number(4, 1);
  net::ProtobufWriter(metadata).entry(1, "disable_spiffe_cert_validation", value);
  net::ProtobufWriter(semantic).number(1, 1).number(2, 40);
  net::ProtobufWriter(build).present(1, semantic);
  net::ProtobufWriter(node).text(1, "node").present(3, metadata).present(8, build);
  net::ProtobufWriter(status).number(1, 3).text(2, "no");
  net::ProtobufWriter(request)
      .text(1, "1")
      .present(2, node)
      .text(3, "default")
      .text(3, "ALL")
      .text(4, mesh::kSecretType)
      .text(5, "1")
      .present(6, status);
  seeds->emplace_back(request.begin(), request.end());
}
