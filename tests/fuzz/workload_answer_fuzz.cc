// What a server of the Workload API answers its client, and where the client is told to find it.
#include <vector>

#include "mesh/workload_api/workload_endpoint.h"
#include "mesh/workload_api/x509_svid_answer.h"
#include "net/protobuf.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto endpoint = mesh::parse_workload_endpoint(as_text(ByteView(data, size)));
  if (endpoint.ok()) CLOISTER_CHECK(mesh::parse_workload_endpoint(endpoint->to_string()).ok());
  const auto state = mesh::parse_x509_svids({data, size}, identity::Conformance::kGoSpiffe);
  if (!state.ok()) return 0;
  CLOISTER_CHECK(!state->svids.empty() && state->svids.size() <= mesh::kAnswerSvidsMax);
  for (const mesh::HeldSvid& held : state->svids) {
    CLOISTER_CHECK(held.key != nullptr && state->bundles.find(held.svid.id().trust_domain()) != nullptr);
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const auto add = [seeds](ByteView seed) { seeds->emplace_back(seed.begin(), seed.end()); };
  add(as_bytes("unix:///run/workload.sock"));
  add(as_bytes("tcp://[::1]:8081"));
  net::Buffer svid;
  net::ProtobufWriter(svid)
      .text(1, "spiffe://acme.test/worker")
      .bytes(2, Bytes{0x30, 0x03, 0x02, 0x01, 0x00})
      .bytes(3, Bytes{0x30, 0x03, 0x02, 0x01, 0x00})
      .bytes(4, Bytes{0x30, 0x03, 0x02, 0x01, 0x00})
      .text(5, "hint");
  net::Buffer message;
  net::ProtobufWriter(message).present(1, svid).entry(3, "spiffe://rival.test", Bytes{0x30, 0x00});
  add(message);
}
