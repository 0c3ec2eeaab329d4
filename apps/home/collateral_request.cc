#include "home/collateral_request.h"

#include <algorithm>
#include <array>

#include "attest/collateral/merge.h"
#include "base/base64.h"
#include "base/json.h"
#include "crypto/ocsp.h"
#include "crypto/pem.h"

namespace cloister::home {
namespace {

using attest::CollateralKind;
using attest::CollateralNeed;

constexpr std::size_t kTcbSize = 8;
constexpr std::size_t kFmspcDigits = 12;
constexpr std::string_view kIntelPath = "/certification/v4";

Error not_a_key(const CollateralNeed& need) {
  return Error(Code::kInvalid, need.name() + " is no name that its vendor knows");
}

bool is_hex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

struct Split {
  std::string_view first, rest;
};
Split split(std::string_view key) {
  const std::size_t slash = std::min(key.find('/'), key.size());
  return {key.substr(0, slash), slash == key.size() ? std::string_view() : key.substr(slash + 1)};
}

bool is_tee(std::string_view text) { return text == "sgx" || text == "tdx"; }

// "early" is the newest that Intel has: the default is what was current before.
Result<VendorRequest> intel_request(const CollateralNeed& need) {
  VendorRequest request;
  const auto [tee, fmspc] = split(need.key);
  switch (need.kind) {
    case CollateralKind::kIntelTcbInfo:
      if (!is_tee(tee) || fmspc.size() != kFmspcDigits || !is_hex(fmspc)) return not_a_key(need);
      request.target =
          "/" + std::string(tee) + std::string(kIntelPath) + "/tcb?fmspc=" + std::string(fmspc) + "&update=early";
      request.chain_header = "tcb-info-issuer-chain";
      return request;
    case CollateralKind::kIntelQeIdentity:
      if (!is_tee(need.key)) return not_a_key(need);
      request.target = "/" + need.key + std::string(kIntelPath) + "/qe/identity?update=early";
      request.chain_header = "sgx-enclave-identity-issuer-chain";
      return request;
    default: break;
  }
  if (need.key == "root") {
    request.service = VendorService::kIntelRootCrl;
    return request;
  }
  if (need.key != "processor" && need.key != "platform") return not_a_key(need);
  request.target = "/sgx" + std::string(kIntelPath) + "/pckcrl?ca=" + need.key + "&encoding=der";
  request.chain_header = "sgx-pck-crl-issuer-chain";
  return request;
}

std::string level(std::string_view name, std::uint8_t value) {
  return std::string(name) + "SPL=" + (value < 10 ? "0" : "") + std::to_string(value);
}

// The levels stand in the reported TCB in the product's own order.
std::string levels_of(std::string_view product, const Bytes& tcb) {
  if (product == "Turin") {
    return level("fmc", tcb[0]) + "&" + level("bl", tcb[1]) + "&" + level("tee", tcb[2]) + "&" + level("snp", tcb[3]) +
           "&" + level("ucode", tcb[7]);
  }
  return level("bl", tcb[0]) + "&" + level("tee", tcb[1]) + "&" + level("snp", tcb[6]) + "&" + level("ucode", tcb[7]);
}

bool is_product(std::string_view text) { return text == "Milan" || text == "Genoa" || text == "Turin"; }

Result<VendorRequest> amd_request(const CollateralNeed& need) {
  VendorRequest request;
  request.service = VendorService::kAmdKds;
  const auto [product, rest] = split(need.key);
  if (!is_product(product)) return not_a_key(need);
  if (need.kind != CollateralKind::kAmdCertificate) {
    if (rest != "vcek" && rest != "vlek") return not_a_key(need);
    request.target = "/" + std::string(rest) + "/v1/" + std::string(product) +
                     (need.kind == CollateralKind::kAmdCrl ? "/crl" : "/cert_chain");
    return request;
  }
  const auto [chip, tcb_text] = split(rest);
  const auto tcb = from_hex(tcb_text);
  if (!is_hex(chip) || !is_hex(tcb_text) || !tcb.ok() || tcb->size() != kTcbSize) return not_a_key(need);
  request.target = "/vcek/v1/" + std::string(product) + "/" + std::string(chip) + "?" + levels_of(product, *tcb);
  return request;
}

Result<VendorRequest> nvidia_request(const CollateralNeed& need, const FetchHints& hints) {
  VendorRequest request;
  if (need.kind == CollateralKind::kNvidiaRim) {
    request.service = VendorService::kNvidiaRim;
    request.target = "/v1/rim/" + need.key;
    return need.key.find('/') == std::string::npos ? Result<VendorRequest>(request) : not_a_key(need);
  }
  const auto found = hints.ocsp_requests.find(need.key);
  if (found == hints.ocsp_requests.end()) {
    return Error(Code::kNotFound, need.name() + ": the certificate isn't at hand that it is about");
  }
  request.service = VendorService::kNvidiaOcsp;
  request.method = "POST";
  request.body = found->second;
  return request;
}

// A header's value, URL-encoded.
Result<std::string> decoded_chain(std::string_view text) {
  std::string chain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      chain += text[i];
      continue;
    }
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte.ok() || byte->size() != 1) return Error(Code::kInvalid, "its issuers' chain isn't URL-encoded");
    chain += static_cast<char>(byte->front());
    i += 2;
  }
  if (chain.find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    return Error(Code::kInvalid, "its issuers' chain holds no certificate");
  }
  return chain;
}

// A PCCS hands lists out as hexadecimal text, some mirrors as PEM.
Bytes der_of_list(Bytes body) {
  const std::string_view text = as_text(body);
  if (text.starts_with("-----BEGIN")) {
    auto blocks = crypto::parse_pem(text, "X509 CRL", 1);
    return blocks.ok() ? std::move(blocks->front()) : std::move(body);
  }
  auto bytes = from_hex(text.substr(0, text.find_last_not_of("\r\n") + 1));
  return bytes.ok() ? std::move(*bytes) : std::move(body);
}

// {"id":…,"rim":base64,…}: the id that was asked for.
Result<Bytes> xml_of_rim(const CollateralNeed& need, ByteView body) {
  const Error malformed(Code::kInvalid, need.name() + ": the answer holds no RIM");
  const auto document = parse_json(as_text(body), {2 * attest::kCollateralItemSizeMax, 4, 64});
  if (!document.ok()) return malformed;
  const JsonValue* id = document->find("id");
  const JsonValue* rim = document->find("rim");
  if (rim == nullptr || rim->string() == nullptr) return malformed;
  if (id != nullptr && (id->string() == nullptr || *id->string() != need.key)) {
    return Error(Code::kInvalid, need.name() + ": the answer is another RIM");
  }
  auto xml = from_base64(*rim->string());
  return xml.ok() ? std::move(xml) : malformed;
}

// RFC 6960 3.2: that the answer's CertID is the request's. One with another hash of the issuer can't be compared but by
// the serial number, which make_collateral() does.
bool answers(ByteView body, const Bytes& request) {
  const auto response = crypto::parse_ocsp(body);
  if (!response.ok() || response->answers.size() != 1) return true;  // what is wrong with it is said there
  const auto again = crypto::ocsp_request_again(response->answers.front());
  return !again || *again == request;
}

}  // namespace

std::string_view vendor_service_name(VendorService service) {
  static constexpr std::array<std::string_view, 5> kNames{"intel-pcs", "intel-root-crl", "amd-kds", "nvidia-rim",
                                                          "nvidia-ocsp"};
  return kNames[static_cast<std::size_t>(service)];
}

const std::string& VendorAddresses::of(VendorService service) const {
  switch (service) {
    case VendorService::kIntelPcs: return intel_pcs;
    case VendorService::kIntelRootCrl: return intel_root_crl;
    case VendorService::kAmdKds: return amd_kds;
    case VendorService::kNvidiaRim: return nvidia_rim;
    case VendorService::kNvidiaOcsp: return nvidia_ocsp;
  }
  CLOISTER_CHECK(false);
  return intel_pcs;
}

std::string* VendorAddresses::find(std::string_view service) {
  const std::pair<VendorService, std::string*> all[] = {{VendorService::kIntelPcs, &intel_pcs},
                                                        {VendorService::kIntelRootCrl, &intel_root_crl},
                                                        {VendorService::kAmdKds, &amd_kds},
                                                        {VendorService::kNvidiaRim, &nvidia_rim},
                                                        {VendorService::kNvidiaOcsp, &nvidia_ocsp}};
  for (const auto& [which, address] : all) {
    if (vendor_service_name(which) == service) return address;
  }
  return nullptr;
}

Result<VendorRequest> vendor_request(const CollateralNeed& need, const FetchHints& hints) {
  if (!attest::is_collateral_key(need.key)) return not_a_key(need);
  switch (need.kind) {
    case CollateralKind::kIntelTcbInfo:
    case CollateralKind::kIntelQeIdentity:
    case CollateralKind::kIntelCrl: return intel_request(need);
    case CollateralKind::kAmdCertificate:
    case CollateralKind::kAmdChain:
    case CollateralKind::kAmdCrl: return amd_request(need);
    case CollateralKind::kNvidiaRim:
    case CollateralKind::kNvidiaOcsp: return nvidia_request(need, hints);
    case CollateralKind::kCcaEndorsement:
    case CollateralKind::kTpmEndorsement:
    case CollateralKind::kTpmCrl: break;
  }
  return Error(Code::kUnsupported, need.name() + " is served by nobody: import it");
}

Result<attest::CollateralItem> collateral_of(const CollateralNeed& need, const VendorRequest& request,
                                             const net::Response& response, Time now) {
  std::string chain;
  if (!request.chain_header.empty()) {
    const std::string* header = response.headers.find(request.chain_header);
    if (header == nullptr) return Error(Code::kInvalid, need.name() + ": the answer has no issuers' chain");
    CLOISTER_TRY(chain, decoded_chain(*header).with_context(need.name()));
  }
  Bytes body(response.body.begin(), response.body.end());
  if (need.kind == CollateralKind::kIntelCrl || need.kind == CollateralKind::kAmdCrl)
    body = der_of_list(std::move(body));
  if (need.kind == CollateralKind::kNvidiaRim) {
    CLOISTER_TRY(body, xml_of_rim(need, body));
  }
  if (need.kind == CollateralKind::kNvidiaOcsp && !answers(body, request.body)) {
    return Error(Code::kInvalid, need.name() + ": the answer is about another certificate than was asked about");
  }
  return attest::make_collateral(need, std::move(body), std::move(chain), now);
}

}  // namespace cloister::home
