// A whole file of any bytes: judged, never broken, and sealed or encrypted only where a key is known, of which there is
// none here.
#include <vector>

#include "posture/collect/content/classify.h"
#include "tests/support/content_estate.h"

using namespace cloister;
using namespace cloister::posture::content;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Bytes buffer(kWindow);
  const KnownKeys keys;
  for (const std::string_view name : {"file", "model.onnx", "dek.key"}) {
    const Finding finding = classify(sample_of({data, size}, name), {.keys = &keys}, buffer);
    CLOISTER_CHECK(finding.verdict != Verdict::kSealed && finding.verdict != Verdict::kEncrypted);
    CLOISTER_CHECK(size == 0 || finding.verdict != Verdict::kUnreadable);
    for (const RawKey& key : finding.raw_keys) CLOISTER_CHECK(key.offset < size);
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  using testing::ParquetKind;
  const Bytes text = testing::json_lines(1, 400);
  *seeds = {text,
            testing::gzip_of(text),
            testing::zstd_of(text),
            testing::xz_of(text),
            testing::age_file(testing::noise(1, 200)),
            testing::openpgp_file(testing::noise(2, 200)),
            testing::luks1_file(testing::noise(3, 600)),
            testing::parquet_file(4, ParquetKind::kEncrypted)};
  for (const std::string_view start :
       {"\x89"
        "CLSR1\r\n",
        "GGUF", "PK\3\4", "$ANSIBLE_VAULT;1.1;AES256\n3031\n", "-----BEGIN PGP MESSAGE-----\n\nwc",
        "-----BEGIN EC PRIVATE KEY-----\n", "{\"kty\":\"oct\",\"k\":\"AA\"}",
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..a.b.c"}) {
    seeds->push_back(to_bytes(as_bytes(start)));
  }
}
