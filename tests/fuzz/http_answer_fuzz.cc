// What a scanned endpoint answers to a question of HTTP/1 or HTTP/2, of any bytes.
#include <algorithm>
#include <vector>

#include "net/observed_http2.h"
#include "probe/http/http_checks.h"
#include "probe/http/talk.h"
#include "tests/support/value_of.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto answer = probe::parse_http1_answer(as_text(input));
  if (answer.ok()) CLOISTER_CHECK(answer->body.size() <= probe::kHttpBodyMax && answer->status >= 100);
  ignore_result(probe::parse_hsts(as_text(input)));
  const auto session = testing::value_of(net::ObservedHttp2::create({.authority = "a", .body = {1, 2, 3}}));
  ignore_result(session->output());
  for (std::size_t at = 0; at < size && !session->over(); at += 64) {
    if (!session->put(input.subspan(at, std::min<std::size_t>(64, size - at))).ok()) break;
    ignore_result(session->output());
  }
  CLOISTER_CHECK(session->answer().body.size() <= net::ObservedHttp2::kBodyMax);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const char* text : {"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\n\r\nbody",
                           "max-age=63072000; includeSubDomains; preload"}) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
  // SETTINGS, HEADERS of stream 1 with :status 200, DATA.
  seeds->push_back({0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88, 0, 0, 1, 0, 1, 0, 0, 0, 1, 'x'});
}
