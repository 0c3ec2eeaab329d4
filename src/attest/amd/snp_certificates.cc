#include "attest/amd/snp_certificates.h"

#include "attest/amd/certificate_table.h"

namespace cloister::attest {
namespace {

using crypto::Certificate;

ByteView first_of(ByteView part, ByteView of_table) { return part.empty() ? of_table : part; }

Result<Certificate> parse(crypto::VerificationCache* cache, ByteView der, std::string_view what) {
  return crypto::parse_certificate(cache, der, crypto::SerialNumbers::kAlsoZero).with_context(what);
}

Result<SnpEndorsement> find_vcek(const SnpReport& report, ByteView bytes, const Question& question,
                                 std::vector<UsedCollateral>& used) {
  if (!bytes.empty()) return read_snp_endorsement(bytes, question.cache);
  for (const SnpProduct product : snp_products(report)) {
    const std::string key = snp_certificate_key(product, report.chip_id(), report.tcb_bytes(SnpTcbField::kReported));
    const CollateralItem* item =
        question.collateral == nullptr ? nullptr : question.collateral->find(CollateralKind::kAmdCertificate, key);
    if (item == nullptr) continue;
    used.push_back({item->name(), item->digest()});
    return read_snp_endorsement(item->body, question.cache);
  }
  return Error(Code::kNotFound, "the chip's certificate (VCEK) is neither in the evidence nor in the collateral");
}

Status find_chain(SnpCertificates& certificates, ByteView intermediate, ByteView root, const Question& question) {
  if (!intermediate.empty()) {
    CLOISTER_TRY(certificates.intermediate, parse(question.cache, intermediate, "the authority's certificate"));
  }
  if (!root.empty()) {
    CLOISTER_TRY(certificates.root, parse(question.cache, root, "the root's certificate"));
  }
  if ((certificates.intermediate && certificates.root) || question.collateral == nullptr) return {};
  const std::string key = snp_chain_key(certificates.endorsement.product, certificates.endorsement.signer);
  const CollateralItem* item = question.collateral->find(CollateralKind::kAmdChain, key);
  if (item == nullptr) return {};
  CLOISTER_TRY(const auto chain,
               crypto::parse_pem_certificates(question.cache, as_text(item->body), 2).with_context("AMD's chain"));
  if (chain.size() != 2) return Error(Code::kInvalid, "AMD's chain doesn't have two certificates");
  certificates.used.push_back({item->name(), item->digest()});
  if (!certificates.intermediate) certificates.intermediate = chain[0];
  if (!certificates.root) certificates.root = chain[1];
  return {};
}

}  // namespace

std::vector<SnpProduct> snp_products(const SnpReport& report) {
  if (report.version() >= 3) {
    const auto product = report.product();
    return product ? std::vector{*product} : std::vector<SnpProduct>{};
  }
  // Reports of version 2 don't say; Turin has never written one.
  return {SnpProduct::kMilan, SnpProduct::kGenoa};
}

Result<SnpCertificates> find_snp_certificates(const SnpReport& report, const Evidence& evidence,
                                              const Question& question) {
  CLOISTER_TRY(const SnpCertificateTable table, parse_snp_certificate_table(evidence.part("certificates")));
  std::vector<UsedCollateral> used;
  if (report.signing_key() == SnpSigningKey::kVlek) {
    const ByteView vlek = first_of(evidence.part("vlek"), table.vlek);
    if (vlek.empty()) return Error(Code::kNotFound, "the provider's certificate (VLEK) isn't in the evidence");
    CLOISTER_TRY(SnpEndorsement endorsement, read_snp_endorsement(vlek, question.cache));
    SnpCertificates certificates{std::move(endorsement), {}, {}, {}};
    // Hosts have one place for whatever stands between the leaf and the root.
    CLOISTER_RETURN_IF_ERROR(find_chain(certificates, first_of(evidence.part("asvk"), table.ask),
                                        first_of(evidence.part("ark"), table.ark), question));
    return certificates;
  }
  const ByteView vcek = first_of(evidence.part("vcek"), table.vcek);
  CLOISTER_TRY(SnpEndorsement endorsement, find_vcek(report, vcek, question, used));
  SnpCertificates certificates{std::move(endorsement), {}, {}, std::move(used)};
  CLOISTER_RETURN_IF_ERROR(find_chain(certificates, first_of(evidence.part("ask"), table.ask),
                                      first_of(evidence.part("ark"), table.ark), question));
  return certificates;
}

}  // namespace cloister::attest
