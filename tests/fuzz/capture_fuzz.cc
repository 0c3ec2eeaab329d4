// A capture of any bytes: read within its bounds or refused, and what it came to is the same when written and read
// again.
#include <vector>

#include "probe/path/capture.h"
#include "tests/support/value_of.h"
#include "tests/unit/probe/path/packets.h"

using namespace cloister;
using namespace cloister::probe::path;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto capture = read_capture({data, size});
  if (!capture.ok()) return 0;
  const std::string json = format_flows(*capture);
  CLOISTER_CHECK(format_flows(testing::value_of(parse_flows(json))) == json);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  Talk tls;
  tls.client(testing::unhex(
      "16030100300100002c0303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f000002130101000001"));
  tls.server(record_of(23, Bytes(40, 1))).client(record_of(23, Bytes(40, 1)));
  seeds->push_back(pcap_of(tls.packets()));
  Talk plain;
  plain.client(as_bytes("GET / HTTP/1.1\r\n\r\n")).server(as_bytes("HTTP/1.1 200 OK\r\n\r\n"));
  seeds->push_back(pcap_of(plain.packets()));
  seeds->push_back(pcap_of({udp_packet(4789, joined(testing::unhex("0800000000000000"), Bytes(40, 0)))}));
}
