// Bodies of requests for identities: any bytes, read or refused.
#include <string>
#include <vector>

#include "service/enrolment_order.h"

using namespace cloister;

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (
      const char* text :
      {R"({"join_token":"cljoin_x","request":"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"})",
       R"({"request":"x","id":"spiffe://a.example/b"})", R"({"audience":["https://vault.example","other"]})", "{}",
       R"({"audience":[]})"}) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  net::Buffer body(data, data + size);
  const auto order = service::parse_enroll_body(body);
  CLOISTER_CHECK(order.ok() ? order->request != nullptr && body.empty() : order.error().code() == Code::kInvalid);
  body.assign(data, data + size);
  const auto audience = service::parse_audience_body(body);
  CLOISTER_CHECK(audience.ok() ? !audience->audience.empty() : audience.error().code() == Code::kInvalid);
  return 0;
}
