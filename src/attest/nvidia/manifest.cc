#include "attest/nvidia/manifest.h"

#include <algorithm>

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

const JudgedRim& judge(const CollateralItem& item, const Question& question, Findings& findings) {
  auto& place = findings.rims[&item];
  if (place != nullptr) return *place;
  auto rim = parse_rim(question.cache, item.body);
  Status is_signed;
  std::optional<Refusal> refusal;
  if (rim.ok()) {
    const Rim& read = **rim;
    is_signed = verify_rim_signature(read, question.cache);
    refusal = check_path(read.certificates, Root::kNvidiaRim, *question.anchors, question.now, question.cache);
    if (!refusal) refusal = check_published(read.certificates);
  }
  place = std::make_unique<const JudgedRim>(JudgedRim{std::move(rim), std::move(is_signed), std::move(refusal)});
  return *place;
}

}  // namespace

void skip_manifest(const std::string& role, Verdict& verdict) {
  const std::string why = "the report couldn't be relied on";
  verdict.skip(role + "-rim", Reason::kReferenceMissing, why);
  skip_rest(role, Reason::kReferenceMissing, why, verdict);
}

const Rim* check_manifest(const WantedRim& wanted, const Report& report, const Question& question, Findings& findings,
                          bool& rolled_back, Verdict& verdict) {
  const std::string& role = wanted.role;
  const CollateralItem* item =
      question.collateral == nullptr ? nullptr : question.collateral->find(CollateralKind::kNvidiaRim, wanted.id);
  if (item == nullptr) {
    verdict.skip(role + "-rim", Reason::kReferenceMissing, "there is no manifest " + wanted.id);
    skip_rest(role, Reason::kReferenceMissing, "there is no manifest", verdict);
    return nullptr;
  }
  note_used(*item, verdict);
  const JudgedRim& judged = judge(*item, question, findings);
  if (!judged.rim.ok()) {
    verdict.fail(role + "-rim", Reason::kMalformed, judged.rim.error().message());
    skip_rest(role, Reason::kReferenceMissing, "the manifest couldn't be read", verdict);
    return nullptr;
  }
  const Rim& rim = *judged.rim.value();
  const auto other = mismatch(wanted, rim);
  other ? verdict.fail(role + "-rim", Reason::kBindingMismatch, *other) : verdict.pass(role + "-rim", wanted.id);
  judged.is_signed.ok()
      ? verdict.pass(role + "-rim-signature")
      : verdict.fail(role + "-rim-signature", Reason::kBadSignature, judged.is_signed.error().message());
  judged.refusal ? verdict.fail(role + "-rim-chain", judged.refusal->reason, judged.refusal->detail)
                 : verdict.pass(role + "-rim-chain", "to " + std::string(root_name(Root::kNvidiaRim)));
  if (judged.refusal) {
    verdict.skip(role + "-rim-revocation", Reason::kRevocationUnknown, "the chain doesn't hold");
  } else {
    check_revocation(role + "-rim-revocation", rim.certificates, 0, question, findings, rolled_back, verdict);
  }
  if (other || !judged.is_signed.ok() || judged.refusal) {
    verdict.skip(role + "-measurements", Reason::kReferenceMissing,
                 "the manifest isn't NVIDIA's word about this version");
    return nullptr;
  }
  check_measurements(role + "-measurements", rim, report, verdict);
  return &rim;
}

}  // namespace cloister::attest::nvidia
