#include "attest/nvidia/verify.h"

#include <algorithm>

#include "attest/nvidia/device.h"
#include "attest/nvidia/manifest.h"
#include "attest/nvidia/raw_signature.h"
#include "attest/nvidia/report.h"
#include "attest/nvidia/revocation.h"
#include "attest/nvidia/rim.h"
#include "crypto/ocsp.h"

namespace cloister::attest::nvidia {
namespace {

using crypto::Certificate;

// The firmware's own certificate is made inside the chip, where no OCSP responder can speak for its issuer.
constexpr std::size_t kFirstRevocable = 1;
// What an LS10 switch doesn't say of itself.
constexpr std::string_view kSwitchRim = "NV_SWITCH_BIOS_5612_0002_890_";
constexpr std::string_view kSwitchProduct = "LS_10";

struct Parts {
  Report report;
  std::vector<Certificate> chain;
};

bool is_switch(const Evidence& evidence) { return evidence.kind == Kind::kNvidiaSwitch; }

std::vector<std::string> roles(const Evidence& evidence) {
  return is_switch(evidence) ? std::vector<std::string>{"bios"} : std::vector<std::string>{"driver", "vbios"};
}

// Agents hand the PEM text out with a zero byte or blank lines behind it.
std::string_view trimmed(ByteView pem) {
  const std::string_view text = as_text(pem);
  const std::size_t last = text.find_last_not_of(std::string_view("\0\n\r ", 4));
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

bool is_version(std::string_view text) {
  return !text.empty() && text.size() <= 32 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || c == '.'; });
}

// Empty when the report doesn't say it in the form of its kind.
std::string vbios_of(const Evidence& evidence, const Report& report) {
  if (!is_switch(evidence)) return gpu_vbios_version(report.opaque.vbios).value_or("");
  const std::string text(trimmed(report.opaque.vbios));
  return is_version(text) ? text : std::string();
}

Status check_fields(const Evidence& evidence, const Report& report) {
  const OpaqueData& opaque = report.opaque;
  if (vbios_of(evidence, report).empty()) return Error(Code::kInvalid, "the report doesn't say which VBIOS is running");
  if (is_switch(evidence)) return {};
  if (opaque.driver.empty() || opaque.project.empty() || opaque.project_sku.empty() || opaque.chip_sku.empty()) {
    return Error(Code::kInvalid, "the report doesn't say which driver, project or chip it is of");
  }
  return {};
}

Result<Parts> read_parts(const Evidence& evidence, crypto::VerificationCache* cache = nullptr) {
  Parts parts;
  CLOISTER_TRY(parts.report, parse_report(evidence.part("report")));
  CLOISTER_RETURN_IF_ERROR(check_fields(evidence, parts.report));
  CLOISTER_TRY(parts.chain,
               crypto::parse_pem_certificates(cache, trimmed(evidence.part("chain")), crypto::kChainLengthMax));
  if (parts.chain.empty()) return Error(Code::kInvalid, "there are no certificates");
  return parts;
}

std::string without(std::string text, char removed) {
  std::erase(text, removed);
  return text;
}

std::vector<WantedRim> wanted_rims(const Evidence& evidence, const Report& report, const std::string& device) {
  const std::string vbios = vbios_of(evidence, report);
  const std::string product = without(device, '_');
  if (is_switch(evidence)) {
    return {{"bios", std::string(kSwitchRim) + without(vbios, '.'), product, "SWITCH", vbios}};
  }
  const OpaqueData& opaque = report.opaque;
  const std::string prefix = product.starts_with("GB") ? "NV_GPU_CC_DRIVER_" : "NV_GPU_DRIVER_";
  const std::string board = opaque.project + "_" + opaque.project_sku + "_" + opaque.chip_sku;
  return {{"driver", prefix + product + "_" + opaque.driver, product, "GPU", opaque.driver},
          {"vbios", "NV_GPU_VBIOS_" + board + "_" + without(vbios, '.'), product, "GPU", vbios}};
}

class Verification {
 public:
  Verification(const Evidence& evidence, const Question& question, Findings& findings)
      : evidence_(evidence), question_(question), findings_(findings) {
    verdict_.kind = evidence.kind;
    verdict_.at = question.now;
  }
  Verdict run();

 private:
  bool check_chain();
  bool check_device();
  bool check_signature();
  void check_nonce();
  void check_firmware();
  void check_manifests();
  void check_indexes(const Rim* driver, const Rim* vbios);
  void skip_after_parse();
  void claim();

  const Evidence& evidence_;
  const Question& question_;
  Findings& findings_;
  Verdict verdict_;
  Parts parts_;
  Device device_;
  bool rolled_back_ = false;
};

bool Verification::check_chain() {
  const auto published = check_published(parts_.chain);
  published ? verdict_.fail("published-key", published->reason, published->detail) : verdict_.pass("published-key");
  std::optional<Refusal> refusal;
  if (parts_.chain.size() != kDeviceChainSize) {
    refusal = {Reason::kBadChain, "there are " + std::to_string(parts_.chain.size()) + " certificates, not 5"};
  } else {
    refusal = check_path(parts_.chain, Root::kNvidiaDevice, *question_.anchors, question_.now, question_.cache);
  }
  refusal ? verdict_.fail("chain", refusal->reason, refusal->detail)
          : verdict_.pass("chain", "to " + std::string(root_name(Root::kNvidiaDevice)));
  return !refusal && !published;
}

bool Verification::check_device() {
  auto device = read_device(parts_.chain.front());
  if (!device.ok()) {
    verdict_.fail("device", Reason::kMalformed, device.error().message());
    return false;
  }
  device_ = *device;
  const bool is_ls10 = device_.product == kSwitchProduct;
  if (is_ls10 != is_switch(evidence_)) {
    verdict_.fail("device", Reason::kBindingMismatch,
                  "its chip is " + device_.product + ", which is of the other kind");
    return false;
  }
  verdict_.pass("device", device_.product);
  return true;
}

bool Verification::check_signature() {
  const Status verified = verify_raw_p384(parts_.chain.front(), parts_.report.signed_part, parts_.report.signature);
  verified.ok() ? verdict_.pass("report-signature")
                : verdict_.fail("report-signature", Reason::kBadSignature, verified.error().message());
  return verified.ok();
}

void Verification::check_nonce() {
  if (!question_.report_data) {
    return verdict_.skip("report-data", Reason::kNonceMismatch, "nothing was asked for");
  }
  Bytes wanted = *question_.report_data;
  wanted.resize(kNonceSize);
  equal(wanted, parts_.report.nonce)
      ? verdict_.pass("report-data")
      : verdict_.fail("report-data", Reason::kNonceMismatch, "it is the answer to another question");
}

void Verification::check_firmware() {
  const auto& stated = parts_.report.opaque.fwid;
  if (!stated) return verdict_.pass("fwid", "the report names no firmware id; old drivers and switches don't");
  if (!device_.fwid || *device_.fwid != *stated) {
    return verdict_.fail("fwid", Reason::kBindingMismatch, "the key was made for another firmware than runs");
  }
  verdict_.pass("fwid");
}

void Verification::check_indexes(const Rim* driver, const Rim* vbios) {
  if (driver == nullptr || vbios == nullptr) {
    return verdict_.skip("measurement-indexes", Reason::kReferenceMissing, "a manifest is missing or refused");
  }
  for (const auto& [index, allowed] : driver->measurements) {
    if (!vbios->measurements.contains(index)) continue;
    return verdict_.fail("measurement-indexes", Reason::kMalformed,
                         "both manifests claim index " + std::to_string(index));
  }
  verdict_.pass("measurement-indexes");
}

void Verification::check_manifests() {
  std::vector<const Rim*> rims;
  for (const WantedRim& wanted : wanted_rims(evidence_, parts_.report, device_.product)) {
    rims.push_back(check_manifest(wanted, parts_.report, question_, findings_, rolled_back_, verdict_));
    if (rims.back() != nullptr) verdict_.claims.emplace("nvidia." + wanted.role + "_rim", rims.back()->tag_id);
  }
  if (!is_switch(evidence_)) check_indexes(rims[0], rims[1]);
}

// The checks that always appear, when there is nothing to make them on.
void Verification::skip_after_parse() {
  verdict_.skip("revocation", Reason::kRevocationUnknown, "the chain or the report doesn't hold");
  for (const std::string& role : roles(evidence_)) skip_manifest(role, verdict_);
  if (!is_switch(evidence_)) {
    verdict_.skip("measurement-indexes", Reason::kReferenceMissing, "the report couldn't be relied on");
  }
  verdict_.skip("rollback", Reason::kRevocationUnknown, "no answer was looked at");
}

void Verification::claim() {
  const OpaqueData& opaque = parts_.report.opaque;
  Bytes all;
  for (const auto& [index, value] : parts_.report.measurements) all.insert(all.end(), value.begin(), value.end());
  Claims& claims = verdict_.claims;
  claims.emplace("product", device_.product);
  claims.emplace("chip_id", device_.serial);
  claims.emplace("measurement", to_bytes(crypto::sha384(all)));
  claims.emplace("report_data", to_bytes(parts_.report.nonce));
  claims.emplace("signer", to_bytes(parts_.chain.front().spki_digest()));
  claims.emplace("nvidia.vbios", vbios_of(evidence_, parts_.report));
  if (opaque.fwid) claims.emplace("nvidia.fwid", to_bytes(*opaque.fwid));
  if (opaque.feature) claims.emplace("nvidia.mode", std::string(feature_name(*opaque.feature)));
  if (opaque.nvdec0) claims.emplace("nvidia.nvdec0", *opaque.nvdec0 != 0x55);
  Bytes pdis;
  for (const Bytes& pdi : opaque.switch_pdis) pdis.insert(pdis.end(), pdi.begin(), pdi.end());
  if (!pdis.empty()) claims.emplace("nvidia.switches", std::move(pdis));
  if (is_switch(evidence_)) return;
  claims.emplace("nvidia.driver", opaque.driver);
  claims.emplace("nvidia.project", opaque.project);
  claims.emplace("nvidia.project_sku", opaque.project_sku);
  claims.emplace("nvidia.chip_sku", opaque.chip_sku);
}

Verdict Verification::run() {
  auto parts = read_parts(evidence_, question_.cache);
  if (!parts.ok()) return unreadable(evidence_.kind, question_.now, Reason::kMalformed, parts.error().message());
  parts_ = std::move(parts).value();
  verdict_.pass("parse",
                parts_.report.trailing_zero ? "a zero byte follows the signature, which doesn't cover it" : "");
  const bool chain = check_chain();
  const bool device = check_device();
  const bool is_signed = check_signature();
  check_nonce();
  check_firmware();
  if (!chain || !device || !is_signed) {
    skip_after_parse();
    return std::move(verdict_);
  }
  verdict_.assurance =
      question_.anchors->insecure(Root::kNvidiaDevice) ? Assurance::kInsecureSoftware : Assurance::kHardware;
  claim();
  check_revocation("revocation", parts_.chain, kFirstRevocable, question_, findings_, rolled_back_, verdict_);
  check_manifests();
  if (rolled_back_) {
    verdict_.fail("rollback", Reason::kRollback, "an OCSP answer is older than one that was seen before");
  } else if (verdict_.seen.empty()) {
    verdict_.skip("rollback", Reason::kRevocationUnknown, "no answer was looked at");
  } else {
    verdict_.pass("rollback");
  }
  return std::move(verdict_);
}

std::map<std::string, Bytes> requests(std::span<const Certificate> path, std::size_t first) {
  std::map<std::string, Bytes> made;
  for (std::size_t i = first; i + 1 < path.size(); ++i) {
    made.emplace(to_hex(path[i].facts().serial), crypto::ocsp_request(path[i], path[i + 1]));
  }
  return made;
}

}  // namespace

Verdict verify(const Evidence& evidence, const Question& question) {
  Findings findings;
  return verify(evidence, question, findings);
}

Verdict verify(const Evidence& evidence, const Question& question, Findings& findings) {
  return Verification(evidence, question, findings).run();
}

std::vector<CollateralNeed> needs(const Evidence& evidence) {
  const auto parts = read_parts(evidence);
  if (!parts.ok()) return {};
  std::vector<CollateralNeed> found;
  const auto device = read_device(parts->chain.front());
  if (!device.ok()) return {};
  for (const WantedRim& wanted : wanted_rims(evidence, parts->report, device->product)) {
    found.push_back({CollateralKind::kNvidiaRim, wanted.id});
  }
  for (const auto& [serial, request] : requests(parts->chain, kFirstRevocable)) {
    found.push_back({CollateralKind::kNvidiaOcsp, serial});
  }
  return found;
}

std::vector<CollateralNeed> rim_needs(ByteView rim) {
  std::vector<CollateralNeed> found;
  for (const auto& [serial, request] : ocsp_requests_of_rim(rim)) {
    found.push_back({CollateralKind::kNvidiaOcsp, serial});
  }
  return found;
}

std::map<std::string, Bytes> ocsp_requests(const Evidence& evidence) {
  const auto parts = read_parts(evidence);
  return parts.ok() ? requests(parts->chain, kFirstRevocable) : std::map<std::string, Bytes>();
}

std::map<std::string, Bytes> ocsp_requests_of_rim(ByteView rim) {
  const auto read = parse_rim(rim);
  return read.ok() ? requests(read->certificates, 0) : std::map<std::string, Bytes>();
}

}  // namespace cloister::attest::nvidia
