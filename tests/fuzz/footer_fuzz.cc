// A last page of any bytes: parsed or refused, and what was parsed under a right mac is written back as it was.
#include <algorithm>
#include <vector>

#include "crypto/hash.h"
#include "seal/footer.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const crypto::Secret key = crypto::Secret::copy_of(as_bytes("a footer key for nothing at all."));
  ignore_result(seal::parse_footer({data, size}, key));
  Bytes page(data, data + size);
  page.resize(seal::kPage);
  std::ranges::copy(as_bytes("CLSRFTR1"), page.begin());
  std::ranges::copy(crypto::hmac_sha256(key, ByteView(page).first(4064)), page.begin() + 4064);
  const auto footer = seal::parse_footer(page, key);
  if (footer.ok()) CLOISTER_CHECK(equal(seal::serialize_footer(footer.value(), key), page));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const crypto::Secret key = crypto::Secret::copy_of(as_bytes("a footer key for nothing at all."));
  seal::Footer footer{{}, {}, 150'000, 3, {}, {}};
  for (int i = 0; i < 2; ++i) {
    const seal::FooterPage page = seal::serialize_footer(footer, key);
    seeds->emplace_back(page.begin(), page.end());
    footer.encrypted_digest.emplace().fill(3);
  }
}
