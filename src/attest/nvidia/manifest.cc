#include "attest/nvidia/manifest.h"

#include <algorithm>

#include "attest/nvidia/device.h"
#include "attest/nvidia/revocation.h"

namespace cloister::attest::nvidia {
namespace {

constexpr unsigned kNvdec0Index = 35;
constexpr std::uint8_t kNvdec0Disabled = 0x55;

// What the other checks of the manifest say when it is missing or another.
void skip_rest(const std::string& role, Reason reason, const std::string& why, Verdict& verdict) {
  for (const char* check : {"-rim-signature", "-rim-chain", "-rim-revocation", "-measurements"}) {
    verdict.skip(role + check, reason, why);
  }
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

// Nothing when the manifest is for that product and version.
std::optional<std::string> mismatch(const WantedRim& wanted, const Rim& rim) {
  if (rim.product != wanted.product) return "it is for " + rim.product + ", not " + wanted.product;
  if (rim.edition != wanted.edition) return "it is of edition " + rim.edition + ", not " + wanted.edition;
  if (upper(rim.version) != upper(wanted.version))
    return "it is for version " + rim.version + ", not " + wanted.version;
  return std::nullopt;
}

void check_measurements(const std::string& name, const Rim& rim, const Report& report, Verdict& verdict) {
  if (rim.measurements.empty()) {
    return verdict.fail(name, Reason::kReferenceMissing, "the manifest has no active measurement");
  }
  std::size_t compared = 0;
  for (const auto& [index, allowed] : rim.measurements) {
    if (index == kNvdec0Index && report.opaque.nvdec0 == kNvdec0Disabled) continue;
    // Blocks count from 1, manifests from 0.
    const auto measured = report.measurements.find(index + 1);
    if (measured == report.measurements.end()) {
      return verdict.fail(name, Reason::kMeasurementMismatch, "index " + std::to_string(index) + " wasn't measured");
    }
    if (std::ranges::find(allowed, measured->second) == allowed.end()) {
      return verdict.fail(name, Reason::kMeasurementMismatch, "index " + std::to_string(index) + " differs");
    }
    ++compared;
  }
  verdict.pass(name, std::to_string(compared) + " of " + std::to_string(rim.measurements.size()) + " active match");
}

}  // namespace

void skip_manifest(const std::string& role, Verdict& verdict) {
  const std::string why = "the report couldn't be relied on";
  verdict.skip(role + "-rim", Reason::kReferenceMissing, why);
  skip_rest(role, Reason::kReferenceMissing, why, verdict);
}

std::optional<Rim> check_manifest(const WantedRim& wanted, const Report& report, const Question& question,
                                  bool& rolled_back, Verdict& verdict) {
  const std::string& role = wanted.role;
  const CollateralItem* item =
      question.collateral == nullptr ? nullptr : question.collateral->find(CollateralKind::kNvidiaRim, wanted.id);
  if (item == nullptr) {
    verdict.skip(role + "-rim", Reason::kReferenceMissing, "there is no manifest " + wanted.id);
    skip_rest(role, Reason::kReferenceMissing, "there is no manifest", verdict);
    return std::nullopt;
  }
  note_used(*item, verdict);
  auto rim = parse_rim(item->body);
  if (!rim.ok()) {
    verdict.fail(role + "-rim", Reason::kMalformed, rim.error().message());
    skip_rest(role, Reason::kReferenceMissing, "the manifest couldn't be read", verdict);
    return std::nullopt;
  }
  const auto other = mismatch(wanted, *rim);
  other ? verdict.fail(role + "-rim", Reason::kBindingMismatch, *other) : verdict.pass(role + "-rim", wanted.id);

  const Status is_signed = verify_rim_signature(*rim);
  is_signed.ok() ? verdict.pass(role + "-rim-signature")
                 : verdict.fail(role + "-rim-signature", Reason::kBadSignature, is_signed.error().message());

  auto refusal = check_path(rim->certificates, Root::kNvidiaRim, *question.anchors, question.now);
  if (!refusal) refusal = check_published(rim->certificates);
  refusal ? verdict.fail(role + "-rim-chain", refusal->reason, refusal->detail)
          : verdict.pass(role + "-rim-chain", "to " + std::string(root_name(Root::kNvidiaRim)));

  if (refusal) {
    verdict.skip(role + "-rim-revocation", Reason::kRevocationUnknown, "the chain doesn't hold");
  } else {
    check_revocation(role + "-rim-revocation", rim->certificates, 0, question, rolled_back, verdict);
  }
  if (other || !is_signed.ok() || refusal) {
    verdict.skip(role + "-measurements", Reason::kReferenceMissing,
                 "the manifest isn't NVIDIA's word about this version");
    return std::nullopt;
  }
  check_measurements(role + "-measurements", *rim, report, verdict);
  return std::move(rim).value();
}

}  // namespace cloister::attest::nvidia
