// A log of receipts of any bytes: what is read is written as it was, and pairs up with nobody unless it was signed
// here.
#include <vector>

#include "mesh/receipt/pairing.h"
#include "mesh/receipt/receipt_log.h"
#include "tests/unit/mesh/receipt/fixture.h"

namespace {

using namespace cloister;
using namespace cloister::mesh;

struct Made {
  Ends ends;
  identity::BundleSet bundles = ends.realm.bundles();
  std::string client = value_of(sign_receipt(ends.facts(ReceiptRole::kClient), {}, *ends.client));
  std::string server = value_of(sign_receipt(ends.facts(ReceiptRole::kServer), {}, *ends.server));
};

Made& made() {
  static Made made;
  return made;
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string& text : {made().client + "\n", made().server + "\n" + made().client}) {
    seeds->emplace_back(text.begin(), text.end());
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ReadReceipts read = parse_receipts(as_text(ByteView(data, size)));
  for (const Receipt& receipt : read.receipts) {
    const std::string_view said = std::string_view(receipt.token).substr(0, receipt.token.rfind('.'));
    CLOISTER_CHECK(made().client.starts_with(said) || made().server.starts_with(said) ||
                   !verify_receipt(receipt, made().bundles).ok());
  }
  for (const PairedConnection& connection : pair_receipts(std::move(read.receipts), made().bundles)) {
    CLOISTER_CHECK(!connection.halves.empty());
  }
  return 0;
}
