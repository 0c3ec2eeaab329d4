// How vendors are asked for their collateral, and what of their answers is kept: Intel PCS v4 and caches of it (PCCS),
// AMD KDS, NVIDIA's RIM service and OCSP responder. Pure.
#pragma once

#include <map>
#include <string>

#include "attest/collateral.h"
#include "net/http_message.h"

namespace cloister::home {

enum class VendorService { kIntelPcs, kIntelRootCrl, kAmdKds, kNvidiaRim, kNvidiaOcsp };
std::string_view vendor_service_name(VendorService service);  // "intel-pcs"

// Where they are. Each can be a mirror of the vendor's: what comes from there is verified all the same.
struct VendorAddresses {
  std::string intel_pcs = "https://api.trustedservices.intel.com";
  std::string intel_root_crl =
      "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";  // of a PCCS:
                                                                            // …/sgx/certification/v4/rootcacrl
  std::string amd_kds = "https://kdsintf.amd.com";
  std::string nvidia_rim = "https://rim.attestation.nvidia.com";
  std::string nvidia_ocsp = "https://ocsp.ndis.nvidia.com";

  const std::string& of(VendorService service) const;
  // By the service's name; null for none.
  std::string* find(std::string_view service);
};

// What evidence has beside the names of what it needs.
struct FetchHints {
  std::map<std::string, Bytes> ocsp_requests;  // DER, by the certificate's serial number as in the item's key
};

struct VendorRequest {
  VendorService service = VendorService::kIntelPcs;
  std::string method = "GET";
  std::string target;  // behind the service's own path: "/vcek/v1/Milan/crl"; may be empty
  Bytes body;
  std::string chain_header;  // in which the issuers' chain comes; empty: in none
};
// kInvalid for a key that isn't of the kind's form. kUnsupported for what no vendor serves: endorsements come by
// import. kNotFound for an OCSP answer without a hint.
Result<VendorRequest> vendor_request(const attest::CollateralNeed& need, const FetchHints& hints);

// The answer's piece, in the form that verifiers read. kInvalid for an answer that holds none.
Result<attest::CollateralItem> collateral_of(const attest::CollateralNeed& need, const VendorRequest& request,
                                             const net::Response& response, Time now);

}  // namespace cloister::home
