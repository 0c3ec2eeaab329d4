// A kept release and a kept collateral item, of any bytes: refused, or written again as they were read.
#include <vector>

#include "service/attestation/archive.h"

namespace {

using namespace cloister;

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  service::ReleaseRecord record;
  record.id = std::string(32, '7');
  record.asked.tenant = "acme";
  record.asked.dataset = "models";
  record.asked.binding.role = "infer";
  record.asked.binding.exporter = Bytes(32, 1);
  record.asked.evidence.primary = {attest::Kind::kInsecureSoftware, {{"statement", Bytes(40, 1)}}};
  record.collateral = {{"intel-tcb-info/tdx/00", crypto::Sha256Digest{6}}};
  record.floors = {{"intel/tdx/00", 17}};
  seeds->push_back(service::encode(record));
  record.asked.guest = {Bytes(48, 1), Bytes(48, 2), Time{1'800'000'000'000}};
  seeds->push_back(service::encode(record));
  attest::CollateralItem item;
  item.key = "tdx/00";
  item.body = {1, 2, 3};
  seeds->push_back(service::encode(item));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  if (auto decoded = service::decode_release(bytes); decoded.ok()) {
    const Bytes written = service::encode(decoded->record);
    CLOISTER_CHECK(service::decode_release(written).ok());
  }
  if (const auto item = service::decode_collateral_item(bytes); item.ok()) {
    const auto again = service::decode_collateral_item(service::encode(*item));
    CLOISTER_CHECK(again.ok() && again->digest() == item->digest() && again->name() == item->name());
  }
  return 0;
}
