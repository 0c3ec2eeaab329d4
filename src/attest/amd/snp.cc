#include "attest/amd/snp.h"

#include <algorithm>

#include "attest/amd/certificate_table.h"
#include "attest/amd/little_endian_signature.h"
#include "attest/amd/snp_certificates.h"
#include "attest/amd/snp_claims.h"
#include "attest/path_checks.h"
#include "crypto/crl.h"

namespace cloister::attest {
namespace {

constexpr std::size_t kScalarSize = 48;
constexpr std::size_t kTurinChipIdSize = 8;
constexpr std::size_t kReportDataSize = 64;
constexpr Root kRoots[] = {Root::kAmdMilan, Root::kAmdGenoa, Root::kAmdTurin};

Root root_of(SnpProduct product) {
  switch (product) {
    case SnpProduct::kMilan: return Root::kAmdMilan;
    case SnpProduct::kGenoa: return Root::kAmdGenoa;
    case SnpProduct::kTurin: return Root::kAmdTurin;
  }
  CLOISTER_CHECK(false);
  return Root::kAmdMilan;
}

std::string_view signer_name(SnpSigningKey signer) { return signer == SnpSigningKey::kVlek ? "vlek" : "vcek"; }

ByteView short_chip_id(SnpProduct product, ByteView chip_id) {
  return product == SnpProduct::kTurin ? chip_id.first(kTurinChipIdSize) : chip_id;
}

void check_signer(Verdict& verdict, const SnpReport& report, const SnpCertificates& certificates) {
  const SnpSigningKey named = report.signing_key();
  if (named != SnpSigningKey::kVcek && named != SnpSigningKey::kVlek) {
    verdict.fail("signer", Reason::kBadChain, "the report names no key that signed it");
    return;
  }
  const SnpEndorsement& endorsement = certificates.endorsement;
  // Authorities for chips and those for providers have keys of their own, and neither may stand in for the other.
  const std::string product(snp_product_name(endorsement.product));
  const std::string authority = named == SnpSigningKey::kVlek ? "SEV-VLEK-" + product : "SEV-" + product;
  if (endorsement.signer != named) {
    verdict.fail("signer", Reason::kBadChain, "the report names another kind of key than the certificate is for");
  } else if (certificates.intermediate && common_name_of(*certificates.intermediate) != authority) {
    verdict.fail("signer", Reason::kBadChain, "the certificate above isn't " + authority + "'s");
  } else {
    verdict.pass("signer", named == SnpSigningKey::kVlek ? "a provider's key (VLEK)" : "the chip's own key (VCEK)");
  }
}

void check_product(Verdict& verdict, const SnpReport& report, SnpProduct product,
                   const std::optional<crypto::Certificate>& root, const Anchors& anchors) {
  const std::string name(snp_product_name(product));
  const auto trusted = [&](Root one) { return anchors.trusts(one, root->spki_digest()); };
  if (report.version() >= 3 && report.product() != product) {
    verdict.fail("product", Reason::kBindingMismatch, "the certificate is for " + name + ", the processor another");
  } else if (!root) {
    verdict.skip("product", Reason::kReferenceMissing, "there is no root certificate to compare with");
  } else if (std::ranges::none_of(kRoots, trusted)) {
    verdict.skip("product", Reason::kUntrustedRoot, "the root is no product's");
  } else if (!trusted(root_of(product))) {
    verdict.fail("product", Reason::kBindingMismatch, "the root isn't " + name + "'s");
  } else {
    verdict.pass("product", name);
  }
}

void check_chip(Verdict& verdict, const SnpReport& report, const SnpEndorsement& endorsement) {
  if (endorsement.signer == SnpSigningKey::kVlek) {
    if (all_zero(report.chip_id())) {
      verdict.pass("chip", "reports under a provider's key name none");
    } else {
      verdict.fail("chip", Reason::kBindingMismatch, "a report under a provider's key names a chip");
    }
    return;
  }
  const ByteView id = short_chip_id(endorsement.product, report.chip_id());
  if (equal(id, endorsement.hardware_id) && all_zero(report.chip_id().subspan(id.size()))) {
    verdict.pass("chip", "the certificate is this chip's");
  } else {
    verdict.fail("chip", Reason::kBindingMismatch, "the certificate is another chip's");
  }
}

void check_tcb(Verdict& verdict, const SnpReport& report, const SnpEndorsement& endorsement) {
  const SnpTcb reported = report.tcb(SnpTcbField::kReported, endorsement.product);
  const ByteView bytes = report.tcb_bytes(SnpTcbField::kReported);
  const bool spare = all_zero(endorsement.product == SnpProduct::kTurin ? bytes.subspan(4, 3) : bytes.subspan(2, 4));
  if (spare && reported == endorsement.tcb) {
    verdict.pass("tcb", reported.text());
  } else {
    verdict.fail("tcb", Reason::kBindingMismatch,
                 "the certificate is for " + endorsement.tcb.text() + "; reported is " + reported.text());
  }
}

// The list that this root signed, if it says anything at that time.
struct Revocation {
  std::shared_ptr<const crypto::RevocationList> list;
  Reason reason = Reason::kRevocationUnknown;
  std::string problem;
};

Revocation read_revocations(const CollateralItem& item, const crypto::Certificate& root, const Question& question) {
  const auto parsed = crypto::parse_revocation_list(question.cache, item.body);
  if (!parsed.ok()) return {{}, Reason::kMalformed, parsed.error().message()};
  const auto& list = *parsed;
  if (const Status status = list->verify(root, question.cache); !status.ok()) {
    return {{}, Reason::kBadSignature, status.error().message()};
  }
  if (question.now < list->this_update()) return {{}, Reason::kNotYetValid, "the list isn't valid yet"};
  return {list, {}, {}};
}

void check_revocation(Verdict& verdict, const SnpCertificates& certificates, bool chain_holds,
                      const Question& question) {
  const SnpEndorsement& endorsement = certificates.endorsement;
  const auto neither = [&verdict](Reason reason, const std::string& detail) {
    verdict.skip("revocation", reason, detail);
    verdict.skip("rollback", reason, detail);
  };
  const std::string key = snp_chain_key(endorsement.product, endorsement.signer);
  const CollateralItem* item =
      question.collateral == nullptr ? nullptr : question.collateral->find(CollateralKind::kAmdCrl, key);
  if (!chain_holds) return neither(Reason::kRevocationUnknown, "the chain doesn't hold");
  if (item == nullptr) return neither(Reason::kRevocationUnknown, "there is no revocation list of AMD's");
  verdict.used.push_back({item->name(), item->digest()});
  const Revocation revocation = read_revocations(*item, *certificates.root, question);
  if (!revocation.list) {
    verdict.fail("revocation", revocation.reason, revocation.problem);
    verdict.skip("rollback", Reason::kRevocationUnknown, "the list says nothing");
    return;
  }
  const crypto::RevocationList& list = *revocation.list;
  if (list.contains(certificates.intermediate->facts().serial) || list.contains(certificates.root->facts().serial)) {
    verdict.fail("revocation", Reason::kRevoked, "AMD revoked an authority of the chain");
  } else if (question.now >= list.next_update()) {
    verdict.skip("revocation", Reason::kRevocationUnknown, "the list ended at " + to_rfc3339(list.next_update()));
  } else {
    verdict.pass("revocation", "by the list of " + to_rfc3339(list.this_update()));
  }
  const std::string source = snp_floor(endorsement.product, endorsement.signer);
  const auto issued = static_cast<std::uint64_t>(std::max<std::int64_t>(list.this_update().unix_ms / 1000, 0));
  const auto floor = question.floors == nullptr ? Floors::const_iterator() : question.floors->find(source);
  if (question.floors != nullptr && floor != question.floors->end() && issued < floor->second) {
    verdict.fail("rollback", Reason::kRollback, "a newer revocation list was seen before");
    return;
  }
  verdict.seen[source] = issued;
  verdict.pass("rollback", "no older than what was seen before");
}

bool check_signature(Verdict& verdict, const SnpReport& report, const SnpEndorsement& endorsement) {
  const auto signature = der_of_little_endian_signature(report.signature_r(), report.signature_s(), kScalarSize);
  const auto key = endorsement.certificate.public_key();
  Status status;
  if (!signature.ok()) {
    status = signature.error();
  } else if (!key.ok()) {
    status = key.error();
  } else if (key->type() != crypto::KeyType::kEcP384) {
    status = Error(Code::kInvalid, "the certificate's key isn't on P-384");
  } else {
    status = key->verify(crypto::SignatureAlgorithm::kEcdsaSha384, report.signed_part(), *signature);
  }
  if (status.ok()) {
    verdict.pass("report-signature", "ECDSA P-384 with SHA-384");
  } else {
    verdict.fail("report-signature", Reason::kBadSignature, status.error().message());
  }
  return status.ok();
}

void check_guest(Verdict& verdict, const SnpReport& report, const Question& question) {
  if (report.debug_allowed()) {
    verdict.fail("debug", Reason::kDebug, "the guest's policy lets the host read its memory");
  } else {
    verdict.pass("debug", "off");
  }
  if (report.migration_allowed()) {
    verdict.fail("migration", Reason::kNotAllowed, "the guest's policy lets an agent move it to other machines");
  } else {
    verdict.pass("migration", "no agent may move the guest");
  }
  if (!question.report_data) {
    verdict.skip("report-data", Reason::kNonceMismatch, "nobody said what it must be");
    return;
  }
  Bytes expected = *question.report_data;
  if (expected.size() < kReportDataSize) expected.resize(kReportDataSize);
  if (equal(expected, report.report_data())) {
    verdict.pass("report-data", "as asked for");
  } else {
    verdict.fail("report-data", Reason::kNonceMismatch, "the report answers another question");
  }
}

void skip_certificates(Verdict& verdict, const std::string& why) {
  for (const char* name : {"signer", "product", "chip", "tcb"}) verdict.skip(name, Reason::kReferenceMissing, why);
  skip_path(verdict, Reason::kReferenceMissing, why);
  verdict.skip("revocation", Reason::kRevocationUnknown, why);
  verdict.skip("rollback", Reason::kRevocationUnknown, why);
  verdict.skip("report-signature", Reason::kReferenceMissing, why);
}

void check_certificates(Verdict& verdict, const SnpReport& report, const SnpCertificates& certificates,
                        const Question& question) {
  const SnpEndorsement& endorsement = certificates.endorsement;
  check_signer(verdict, report, certificates);
  check_product(verdict, report, endorsement.product, certificates.root, *question.anchors);
  check_chip(verdict, report, endorsement);
  check_tcb(verdict, report, endorsement);
  PathOutcome path;
  if (certificates.intermediate && certificates.root) {
    path = check_path(verdict, {endorsement.certificate, {&*certificates.intermediate, 1}, *certificates.root}, kRoots,
                      question);
  } else {
    skip_path(verdict, Reason::kReferenceMissing, "AMD's own certificates are neither in the evidence nor collateral");
  }
  check_revocation(verdict, certificates, path.holds, question);
  const bool is_signed = check_signature(verdict, report, endorsement);
  const bool authentic = path.holds && is_signed && verdict.find("signer")->state == CheckState::kPassed;
  if (!authentic) return;
  verdict.assurance = question.anchors->insecure(*path.root) ? Assurance::kInsecureSoftware : Assurance::kHardware;
  verdict.claims = snp_claims(report, endorsement);
}

}  // namespace

std::string snp_certificate_key(SnpProduct product, ByteView chip_id, ByteView reported_tcb) {
  return std::string(snp_product_name(product)) + "/" + to_hex(short_chip_id(product, chip_id)) + "/" +
         to_hex(reported_tcb);
}

std::string snp_chain_key(SnpProduct product, SnpSigningKey signer) {
  return std::string(snp_product_name(product)) + "/" + std::string(signer_name(signer));
}

std::string snp_floor(SnpProduct product, SnpSigningKey signer) { return "amd/crl/" + snp_chain_key(product, signer); }

Verdict verify_snp(const Evidence& evidence, const Question& question) {
  const auto report = SnpReport::parse(evidence.part("report"));
  if (!report.ok()) return unreadable(Kind::kSnp, question.now, Reason::kMalformed, report.error().message());
  Verdict verdict;
  verdict.kind = Kind::kSnp;
  verdict.at = question.now;
  verdict.pass("parse", "a report of version " + std::to_string(report->version()));
  const auto certificates = find_snp_certificates(*report, evidence, question);
  if (certificates.ok()) {
    verdict.used = certificates->used;
    verdict.pass("endorsement", certificates->endorsement.signer == SnpSigningKey::kVlek ? "a VLEK" : "a VCEK");
    check_certificates(verdict, *report, *certificates, question);
  } else if (certificates.error().code() == Code::kNotFound) {
    verdict.skip("endorsement", Reason::kReferenceMissing, certificates.error().message());
    skip_certificates(verdict, "there is no certificate of the key that signed the report");
  } else {
    verdict.fail("endorsement", Reason::kMalformed, certificates.error().message());
    skip_certificates(verdict, "the certificates can't be read");
  }
  check_guest(verdict, *report, question);
  return verdict;
}

std::vector<CollateralNeed> snp_needs(const Evidence& evidence) {
  const auto report = SnpReport::parse(evidence.part("report"));
  const auto table = parse_snp_certificate_table(evidence.part("certificates"));
  if (!report.ok() || !table.ok()) return {};
  const bool of_provider = report->signing_key() == SnpSigningKey::kVlek;
  const SnpSigningKey signer = of_provider ? SnpSigningKey::kVlek : SnpSigningKey::kVcek;
  const auto has = [&evidence](const char* name, ByteView of_table) {
    return !evidence.part(name).empty() || !of_table.empty();
  };
  const bool has_leaf = of_provider ? has("vlek", table->vlek) : has("vcek", table->vcek);
  const bool has_chain = has(of_provider ? "asvk" : "ask", table->ask) && has("ark", table->ark);
  std::vector<CollateralNeed> needs;
  for (const SnpProduct product : snp_products(*report)) {
    if (!has_leaf && !of_provider) {
      needs.push_back({CollateralKind::kAmdCertificate,
                       snp_certificate_key(product, report->chip_id(), report->tcb_bytes(SnpTcbField::kReported))});
    }
    const std::string chain = snp_chain_key(product, signer);
    if (!has_chain) needs.push_back({CollateralKind::kAmdChain, chain});
    needs.push_back({CollateralKind::kAmdCrl, chain});
  }
  return needs;
}

std::optional<Evidence> recognise_snp(ByteView file) {
  if (file.size() < kSnpReportSize || file.size() > kEvidencePartSizeMax) return std::nullopt;
  const ByteView table = file.subspan(kSnpReportSize);
  if (!SnpReport::parse(file.first(kSnpReportSize)).ok() || !parse_snp_certificate_table(table).ok()) {
    return std::nullopt;
  }
  Evidence evidence{Kind::kSnp, {{"report", to_bytes(file.first(kSnpReportSize))}}};
  if (!table.empty()) evidence.parts.emplace("certificates", to_bytes(table));
  return evidence;
}

}  // namespace cloister::attest
