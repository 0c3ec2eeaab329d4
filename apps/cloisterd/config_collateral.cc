#include "cloisterd/config_collateral.h"

#include <array>

#include "cloisterd/config_tables.h"
#include "kms/http_transport.h"

namespace cloister::daemon {

Status read_collateral_table(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 7> kKeys = {"fetch",   "authorities", "intel_pcs",  "intel_root_crl",
                                                     "amd_kds", "nvidia_rim",  "nvidia_ocsp"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CollateralFetching fetching;
  home::VendorAddresses& addresses = fetching.addresses;
  const std::pair<std::string_view, std::string*> all[] = {{"intel_pcs", &addresses.intel_pcs},
                                                           {"intel_root_crl", &addresses.intel_root_crl},
                                                           {"amd_kds", &addresses.amd_kds},
                                                           {"nvidia_rim", &addresses.nvidia_rim},
                                                           {"nvidia_ocsp", &addresses.nvidia_ocsp}};
  for (const auto& [key, address] : all) {
    CLOISTER_TRY(const auto url, fields.optional_text(key));
    if (!url) continue;
    const auto endpoint = kms::parse_endpoint(*url);
    if (!endpoint.ok()) return fields.error(fields.line_of(key), std::string(key) + ": " + endpoint.error().message());
    *address = *url;
  }
  CLOISTER_TRY(const auto authorities, fields.optional_text("authorities"));
  if (authorities) {
    CLOISTER_RETURN_IF_ERROR(check_absolute(fields, "authorities", *authorities));
    fetching.authorities = *authorities;
  }
  CLOISTER_TRY(const bool fetch, fields.boolean_or("fetch", true));
  if (fetch) config.collateral = std::move(fetching);
  return {};
}

std::string describe_collateral(const Config& config) {
  if (!config.collateral) return "  collateral: what is imported\n";
  const home::VendorAddresses& addresses = config.collateral->addresses;
  return "  collateral: fetched from " + addresses.intel_pcs + ", " + addresses.amd_kds + ", " + addresses.nvidia_rim +
         "\n";
}

std::string fixed_collateral(const Config& config) {
  if (!config.collateral) return "";
  const home::VendorAddresses& from = config.collateral->addresses;
  std::string text = "collateral " + config.collateral->authorities + "\n";
  for (const std::string& url :
       {from.intel_pcs, from.intel_root_crl, from.amd_kds, from.nvidia_rim, from.nvidia_ocsp}) {
    text += url + "\n";
  }
  return text;
}

}  // namespace cloister::daemon
