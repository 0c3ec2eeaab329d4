// Authorization headers of AWS's signatures, and requests that claim to be signed: what is read is written the same
// way, and nothing fits a key it wasn't made with.
#include "net/sigv4.h"

#include <string>
#include <vector>

using namespace cloister;

namespace {

constexpr std::string_view kSeed =
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/kms/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
    "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(to_bytes(as_bytes(kSeed)));
  seeds->push_back(to_bytes(as_bytes("/a/../b%20c//?x=%41&y&x=1")));
  seeds->push_back(to_bytes(as_bytes("20150830T123600Z")));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto time = net::parse_sigv4_time(text); time.ok()) CLOISTER_CHECK(net::sigv4_time(*time) == text);
  net::Request request{"POST", std::string(text), {{"host", std::string(text)}}, {}, nullptr};
  ignore_result(net::sigv4_canonical_request(request, {"host"}, text));
  const auto authorization = net::parse_sigv4_authorization(text);
  if (!authorization.ok()) return 0;
  const auto again = net::parse_sigv4_authorization(authorization->serialize());
  CLOISTER_CHECK(again.ok() && again->serialize() == authorization->serialize());
  const crypto::Secret key = net::sigv4_signing_key(crypto::Secret(20), authorization->scope);
  CLOISTER_CHECK(!net::verify_sigv4(request, *authorization, "20150830T123600Z", text, key).ok());
  return 0;
}
