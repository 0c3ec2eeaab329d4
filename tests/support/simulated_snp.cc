#include "tests/support/simulated_snp.h"

#include <algorithm>

#include "crypto/der.h"
#include "tests/support/hex.h"
#include "tests/support/revocation_lists.h"
#include "tests/support/value_of.h"

namespace cloister::testing {

using namespace attest;
using crypto::Critical;

namespace {

constexpr std::uint8_t kRootSerial[] = {1, 0, 0};
constexpr std::uint8_t kIa5String = 0x16;

crypto::PrivateKey p384(std::uint64_t seed) { return key_of_seed(seed, crypto::KeyType::kEcP384); }

std::string product_text(SnpProduct product) { return std::string(snp_product_name(product)); }

Bytes amd_extension(const char* tail, ByteView value) {
  return raw_extension(std::string("2b060104019c7801") + tail, Critical::kNo, value);
}

Bytes number(std::uint8_t value) {
  const std::uint8_t magnitude[] = {value};
  return crypto::der_positive_integer(magnitude);
}

Bytes chip_of(const SnpParts& parts) {
  if (!parts.chip_id.empty()) return parts.chip_id;
  return Bytes(parts.product == SnpProduct::kTurin ? 8 : 64, 0xC1);
}

std::vector<Bytes> leaf_extensions(const SnpParts& parts, SnpProduct product) {
  std::vector<Bytes> extensions{amd_extension("01", number(0)),
                                amd_extension("02", crypto::der_element(kIa5String, {as_bytes(product_text(product))})),
                                amd_extension("0301", number(parts.tcb.bootloader)),
                                amd_extension("0302", number(parts.tcb.tee)),
                                amd_extension("0303", number(parts.tcb.snp)),
                                amd_extension("0308", number(parts.tcb.microcode))};
  if (product == SnpProduct::kTurin) extensions.push_back(amd_extension("0309", number(parts.tcb.fmc)));
  if (parts.signer == SnpSigningKey::kVlek) {
    extensions.push_back(amd_extension("05", crypto::der_element(kIa5String, {as_bytes("CN=cloud.example")})));
  } else {
    extensions.push_back(amd_extension("04", chip_of(parts)));
  }
  if (parts.extend) parts.extend(extensions);
  return extensions;
}

void put_tcb(Bytes& report, std::size_t at, const SnpTcb& tcb, SnpProduct product) {
  const bool turin = product == SnpProduct::kTurin;
  const Bytes bytes = turin ? Bytes{tcb.fmc, tcb.bootloader, tcb.tee, tcb.snp, 0, 0, 0, tcb.microcode}
                            : Bytes{tcb.bootloader, tcb.tee, 0, 0, 0, 0, tcb.snp, tcb.microcode};
  std::ranges::copy(bytes, report.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

Bytes little_endian_signature(ByteView der) {
  crypto::DerReader outer(der);
  crypto::DerReader numbers(value_of(outer.expect(crypto::der::kSequence, "a signature")));
  Bytes out;
  for (int i = 0; i < 2; ++i) {
    Bytes magnitude = to_bytes(value_of(numbers.expect(crypto::der::kInteger, "a number")));
    if (magnitude[0] == 0) magnitude.erase(magnitude.begin());
    std::ranges::reverse(magnitude);
    magnitude.resize(72);
    out.insert(out.end(), magnitude.begin(), magnitude.end());
  }
  return out;
}

SimulatedAmd::SimulatedAmd(SnpProduct product, std::uint64_t seed)
    : product_(product),
      root_signer_(p384(seed)),
      ask_signer_(p384(seed + 1)),
      asvk_signer_(p384(seed + 2)),
      leaf_key_(p384(seed + 3)) {
  const std::string name = product_text(product);
  const std::vector<Bytes> authority{crypto::extension_authority(1), crypto::extension_authority_key_usage()};
  root_ = certify(1, "ARK-" + name, "ARK-" + name, root_signer_.public_key(), authority, root_signer_);
  ask_ = certify(2, "ARK-" + name, "SEV-" + name, ask_signer_.public_key(), authority, root_signer_);
  asvk_ = certify(3, "ARK-" + name, "SEV-VLEK-" + name, asvk_signer_.public_key(), authority, root_signer_);
}

crypto::Certificate SimulatedAmd::certify(std::uint8_t serial, const std::string& issuer, const std::string& subject,
                                          const crypto::PublicKey& key, std::vector<Bytes> extensions,
                                          crypto::Signer& signer) {
  Bytes number(std::begin(kRootSerial), std::end(kRootSerial));
  number.back() = serial;
  return value_of(crypto::sign_certificate({number, crypto::common_name(issuer), crypto::common_name(subject),
                                            kNow + days(-1000), kNow + days(9000), key, std::move(extensions)},
                                           signer));
}

const crypto::Certificate& SimulatedAmd::authority(SnpSigningKey of) const {
  return of == SnpSigningKey::kVlek ? *asvk_ : *ask_;
}

Bytes SimulatedAmd::leaf(const SnpParts& parts) {
  const SnpSigningKey issuer = parts.authority == SnpSigningKey::kNone ? parts.signer : parts.authority;
  const bool vlek = parts.signer == SnpSigningKey::kVlek;
  const std::string name = !parts.leaf_name.empty() ? parts.leaf_name : vlek ? "SEV-VLEK" : "SEV-VCEK";
  return value_of(crypto::sign_certificate({{9},
                                            authority(issuer).facts().subject,
                                            crypto::common_name(name),
                                            parts.not_before,
                                            parts.not_after,
                                            parts.leaf_key ? *parts.leaf_key : leaf_key_.public_key(),
                                            leaf_extensions(parts, parts.product)},
                                           issuer == SnpSigningKey::kVlek ? asvk_signer_ : ask_signer_))
      .der();
}

Bytes SimulatedAmd::report(const SnpParts& parts) const {
  Bytes report(kSnpReportSize);
  store_le(&report[0x000], parts.version);
  store_le(&report[0x008], std::uint64_t{0x30000});
  store_le(&report[0x034], std::uint32_t{1});
  put_tcb(report, 0x038, parts.tcb, parts.product);
  store_le(&report[0x040], std::uint64_t{0x25});
  store_le(&report[0x048], std::uint32_t{parts.signer == SnpSigningKey::kVlek ? 4U : 0U});
  std::ranges::copy(parts.report_data, report.begin() + 0x050);
  std::fill_n(report.begin() + 0x090, 48, std::uint8_t{0x4D});
  for (const std::size_t at : {0x180, 0x1E0, 0x1F0}) put_tcb(report, at, parts.tcb, parts.product);
  if (parts.version >= 3) {
    report[0x188] = parts.product == SnpProduct::kTurin ? 0x1A : 0x19;
    report[0x189] = parts.product == SnpProduct::kGenoa ? 0x11 : 0x01;
  }
  if (parts.signer == SnpSigningKey::kVcek) std::ranges::copy(chip_of(parts), report.begin() + 0x1A0);
  if (parts.edit) parts.edit(report);
  const Bytes signature = little_endian_signature(leaf_key_.sign(ByteView(report).first(0x2A0)));
  std::ranges::copy(signature, report.begin() + 0x2A0);
  return report;
}

Evidence SimulatedAmd::snp(const SnpParts& given) {
  SnpParts parts = given;
  parts.product = product_;
  const bool vlek = parts.signer == SnpSigningKey::kVlek;
  return {Kind::kSnp,
          {{"report", report(parts)},
           {vlek ? "vlek" : "vcek", leaf(parts)},
           {vlek ? "asvk" : "ask", authority(parts.signer).der()},
           {"ark", root_->der()}}};
}

std::multimap<Root, crypto::Sha256Digest> SimulatedAmd::roots() const {
  const Root root = product_ == SnpProduct::kMilan   ? Root::kAmdMilan
                    : product_ == SnpProduct::kGenoa ? Root::kAmdGenoa
                                                     : Root::kAmdTurin;
  return {{root, crypto::sha256(root_->spki())}};
}

CollateralItem SimulatedAmd::revocations(const std::vector<Bytes>& serials, Time issued, SnpSigningKey of) {
  CollateralItem item;
  item.kind = CollateralKind::kAmdCrl;
  item.key = snp_chain_key(product_, of);
  RevocationParts parts;
  parts.serials = serials;
  parts.this_update = issued;
  parts.next_update = issued + days(30);
  item.body = make_revocation_list(parts, *root_, root_signer_);
  return item;
}

CollateralItem SimulatedAmd::chain(SnpSigningKey of) const {
  CollateralItem item;
  item.kind = CollateralKind::kAmdChain;
  item.key = snp_chain_key(product_, of);
  item.body = to_bytes(as_bytes(authority(of).to_pem() + root_->to_pem()));
  return item;
}

std::unique_ptr<SnpQuestion> snp_question(SimulatedAmd& amd) {
  auto made = std::make_unique<SnpQuestion>(SnpQuestion{amd.anchors(), {}, {}});
  made->collateral.add(amd.revocations());
  made->collateral.add(amd.revocations({}, kNow + days(-1), SnpSigningKey::kVlek));
  made->question.now = kNow;
  made->question.report_data = Bytes(64, 0x5A);
  made->question.collateral = &made->collateral;
  made->question.anchors = &made->anchors;
  return made;
}

}  // namespace cloister::testing
