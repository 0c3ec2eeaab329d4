#include "attest/collateral.h"

#include <array>
#include <utility>

namespace cloister::attest {
namespace {

constexpr std::array<std::pair<CollateralKind, std::string_view>, 11> kNames{
    {{CollateralKind::kIntelTcbInfo, "intel-tcb-info"},
     {CollateralKind::kIntelQeIdentity, "intel-qe-identity"},
     {CollateralKind::kIntelCrl, "intel-crl"},
     {CollateralKind::kAmdCertificate, "amd-certificate"},
     {CollateralKind::kAmdChain, "amd-chain"},
     {CollateralKind::kAmdCrl, "amd-crl"},
     {CollateralKind::kNvidiaRim, "nvidia-rim"},
     {CollateralKind::kNvidiaOcsp, "nvidia-ocsp"},
     {CollateralKind::kCcaEndorsement, "cca-endorsement"},
     {CollateralKind::kTpmEndorsement, "tpm-endorsement"},
     {CollateralKind::kTpmCrl, "tpm-crl"}}};

std::string joined(CollateralKind kind, std::string_view key) {
  return std::string(collateral_kind_name(kind)) + "/" + std::string(key);
}

}  // namespace

std::string_view collateral_kind_name(CollateralKind kind) {
  for (const auto& [known, name] : kNames) {
    if (known == kind) return name;
  }
  CLOISTER_CHECK(false);
  return {};
}

std::optional<CollateralKind> collateral_kind_of(std::string_view name) {
  for (const auto& [kind, known] : kNames) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

std::string CollateralItem::name() const { return joined(kind, key); }

crypto::Sha256Digest CollateralItem::digest() const {
  crypto::Sha256 hash;
  std::array<std::uint8_t, 8> size{};
  store_be64(size.data(), body.size());
  hash.update(size);
  hash.update(body);
  hash.update(as_bytes(issuer_chain));
  return hash.finish();
}

std::string CollateralNeed::name() const { return joined(kind, key); }

void Collateral::add(CollateralItem item) {
  std::string name = item.name();
  items_.insert_or_assign(std::move(name), std::move(item));
}

const CollateralItem* Collateral::find(CollateralKind kind, std::string_view key) const {
  const auto found = items_.find(joined(kind, key));
  return found == items_.end() ? nullptr : &found->second;
}

}  // namespace cloister::attest
