// A first page of any bytes: parsed or refused, and what was parsed is a preamble that can be written and laid out.
#include <vector>

#include "seal/layout.h"
#include "seal/preamble.h"

using namespace cloister;

namespace {

void parse(ByteView page) {
  const auto parsed = seal::parse_preamble(page);
  if (!parsed.ok()) return;
  const seal::Preamble& preamble = parsed.value();
  CLOISTER_CHECK(seal::check_public_context(preamble.context).ok());
  const auto layout = seal::Layout::create(preamble, std::min(preamble.plaintext_len, seal::kPayloadMax));
  CLOISTER_CHECK(layout.ok() && layout.value().file_size() < std::uint64_t{1} << 52);
  const seal::PreamblePage again = seal::serialize_preamble(preamble);
  CLOISTER_CHECK(equal(ByteView(again).subspan(8, 188), page.subspan(8, 188)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  parse({data, size});
  // Magic and checksum would stop nearly every input at the door: they are made right first.
  Bytes page(data, data + size);
  page.resize(seal::kPage);
  const std::uint8_t start[] = {0x89, 'C', 'L', 'S', 'R', '1', 0x0D, 0x0A, 1, 0};
  std::ranges::copy(start, page.begin());
  store_le(page.data() + 196, std::uint32_t{0});
  store_le(page.data() + 196, crc32c(page));
  parse(page);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seal::Preamble preamble;
  preamble.meta_len = 40;
  preamble.context = {"acme", "faces", seal::Id{}, {}};
  const seal::PreamblePage object = seal::serialize_preamble(preamble);
  seeds->emplace_back(object.begin(), object.end());
  preamble.append_log = true;
  preamble.group_log2 = 0;
  preamble.run_number = 2;
  preamble.meta_len = 0;
  preamble.context.previous_run.emplace();
  const seal::PreamblePage run = seal::serialize_preamble(preamble);
  seeds->emplace_back(run.begin(), run.end());
}
