#include "tests/support/simulated_intel.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/der.h"
#include "tests/support/hex.h"
#include "tests/support/intel_vectors.h"
#include "tests/support/revocation_lists.h"
#include "tests/support/value_of.h"

namespace cloister::testing {
namespace {

using namespace attest;
using namespace crypto;

constexpr std::string_view kRootName = "Intel SGX Root CA";
constexpr std::string_view kFmspc = "50806f000000";
constexpr std::string_view kPlatformOid = "2a864886f84d010d01";
constexpr std::string_view kQeSigner = "8c4f5775d796503e96137f77c68a829a0056ac8ded70140b081b094490c57bff";
const Time kFrom = kNow + days(-30), kUntil = kNow + days(365);

Bytes joined(std::initializer_list<ByteView> parts) {
  Bytes bytes;
  for (const ByteView part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
  return bytes;
}

Bytes member(std::string_view suffix_hex, ByteView value) {
  const Bytes oid = unhex(std::string(kPlatformOid) + std::string(suffix_hex));
  return der_element(der::kSequence, {der_oid(oid), value});
}

// The extension of a PCK certificate: components 5, 5, 2, 2, 3, 1, 0, 3 and PCE SVN 13.
Bytes platform_extension() {
  static constexpr std::uint8_t kComponents[16] = {5, 5, 2, 2, 3, 1, 0, 3};
  Bytes tcb;
  for (std::uint8_t i = 0; i < 16; ++i) {
    const std::uint8_t suffix[] = {2, static_cast<std::uint8_t>(i + 1)};
    tcb = joined({tcb, member(to_hex(suffix), der_small_integer(kComponents[i]))});
  }
  tcb = joined(
      {tcb, member("0211", der_small_integer(13)), member("0212", der_element(der::kOctetString, {Bytes(16, 5)}))});
  const Bytes configuration =
      joined({member("0701", Bytes{der::kBoolean, 1, 0xFF}), member("0702", Bytes{der::kBoolean, 1, 0xFF}),
              member("0703", Bytes{der::kBoolean, 1, 0x00})});
  const Bytes members = joined(
      {member("01", der_element(der::kOctetString, {Bytes(16, 0xC1)})),
       member("02", der_element(der::kSequence, {tcb})), member("03", der_element(der::kOctetString, {Bytes(2, 0)})),
       member("04", der_element(der::kOctetString, {unhex(kFmspc)})), member("05", Bytes{0x0A, 1, 1}),
       member("06", der_element(der::kOctetString, {Bytes(16, 0xC6)})),
       member("07", der_element(der::kSequence, {configuration}))});
  return raw_extension(kPlatformOid, Critical::kNo, der_element(der::kSequence, {members}));
}

Certificate root_certificate(MemorySigner& key) {
  return value_of(sign_certificate({{1},
                                    common_name(kRootName),
                                    common_name(kRootName),
                                    kFrom,
                                    kUntil,
                                    key.public_key(),
                                    {extension_authority(1), extension_authority_key_usage()}},
                                   key));
}

Bytes enclave() {
  Bytes body(enclave_body::kSize, 0);
  std::fill_n(body.begin(), 16, std::uint8_t{5});          // CPUSVN
  body[enclave_body::kAttributes] = 0x05;                  // INIT, MODE64
  std::fill_n(body.begin() + 64, 32, std::uint8_t{0xE1});  // MRENCLAVE
  std::fill_n(body.begin() + 128, 32, std::uint8_t{0xE2});
  body[enclave_body::kProductId] = 7;
  body[enclave_body::kSvn] = 3;
  std::fill_n(body.begin() + enclave_body::kReportData, 64, std::uint8_t{0xDA});
  return body;
}

Bytes domain(bool is_15) {
  Bytes body(is_15 ? domain_body::kSize15 : domain_body::kSize, 0);
  const Bytes tcb_svn = {6, 1, 3};
  std::ranges::copy(tcb_svn, body.begin());
  if (is_15) std::ranges::copy(tcb_svn, body.begin() + domain_body::kTcbSvnNow);
  std::fill_n(body.begin() + 16, 48, std::uint8_t{0x5E});    // MRSEAM
  body[domain_body::kAttributes + 3] = 0x10;                 // SEPT_VE_DISABLE
  std::fill_n(body.begin() + 136, 48, std::uint8_t{0xD1});   // MRTD
  std::fill_n(body.begin() + 328, 192, std::uint8_t{0x47});  // RTMR0 to 3
  std::fill_n(body.begin() + domain_body::kReportData, 64, std::uint8_t{0xDA});
  return body;
}

Bytes quoting_enclave_of(Kind kind) {
  Bytes body(enclave_body::kSize, 0);
  body[enclave_body::kAttributes] = 0x11;
  const Bytes signer = unhex(kQeSigner);
  std::ranges::copy(signer, body.begin() + enclave_body::kMrSigner);
  body[enclave_body::kProductId] = kind == Kind::kSgx ? 1 : 2;
  body[enclave_body::kSvn] = 8;
  return body;
}

std::string components(std::string_view name, std::initializer_list<int> first) {
  std::string text = "\"" + std::string(name) + "\":[";
  std::size_t count = 0;
  for (const int svn : first) text += (count++ == 0 ? "" : ",") + ("{\"svn\":" + std::to_string(svn) + "}");
  while (count++ < 16) text += ",{\"svn\":0}";
  return text + "]";
}

std::string platform_level(Kind kind, std::string_view status, int first, std::string_view more) {
  std::string text = "{\"tcb\":{" + components("sgxtcbcomponents", {first, 5, 2, 2, 3, 1, 0, 3}) + ",\"pcesvn\":13";
  if (kind == Kind::kTdx) text += "," + components("tdxtcbcomponents", {first, 0, 3});
  return text + "},\"tcbDate\":\"2026-08-01T00:00:00Z\",\"tcbStatus\":\"" + std::string(status) + "\"" +
         std::string(more) + "}";
}

std::string svn_levels(int newest) {
  return "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":" + std::to_string(newest) +
         "},\"tcbDate\":\"2026-08-01T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},{\"tcb\":{\"isvsvn\":2},\"tcbDate\":"
         "\"2025-01-01T00:00:00Z\",\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-00999\"]}]";
}

constexpr std::string_view kWindow =
    "\"issueDate\":\"2026-11-20T00:00:00Z\",\"nextUpdate\":\"2026-12-20T00:00:00Z\",\"tcbEvaluationDataNumber\":20,";
const std::string kModule = "\"mrsigner\":\"" + std::string(96, '0') +
                            "\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\"";

std::string tcb_info_of(Kind kind) {
  const bool tdx = kind == Kind::kTdx;
  std::string text = std::string("{\"id\":\"") + (tdx ? "TDX" : "SGX") + "\",\"version\":3," + std::string(kWindow) +
                     "\"fmspc\":\"" + std::string(kFmspc) + "\",\"pceId\":\"0000\",\"tcbType\":0,";
  if (tdx) {
    text += "\"tdxModule\":{" + kModule + "},\"tdxModuleIdentities\":[{\"id\":\"TDX_01\"," + kModule + "," +
            svn_levels(6) + "}],";
  }
  return text + "\"tcbLevels\":[" + platform_level(kind, "UpToDate", 5, "") + "," +
         platform_level(kind, "OutOfDate", 4, ",\"advisoryIDs\":[\"INTEL-SA-00888\"]") + "]}";
}

std::string identity_of(Kind kind) {
  const bool tdx = kind == Kind::kTdx;
  return std::string("{\"id\":\"") + (tdx ? "TD_QE" : "QE") + "\",\"version\":2," + std::string(kWindow) +
         "\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\",\"attributes\":"
         "\"11000000000000000000000000000000\",\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\","
         "\"mrsigner\":\"" +
         std::string(kQeSigner) + "\",\"isvprodid\":" + (tdx ? "2" : "1") + "," + svn_levels(8) + "}";
}

// r and s of a DER signature, 32 bytes each.
Bytes raw_signature(ByteView signature) {
  Bytes raw(64, 0);
  DerReader outer(signature);
  DerReader reader(value_of(outer.expect(der::kSequence, "signature")));
  for (std::size_t i = 0; i < 2; ++i) {
    ByteView number = value_of(reader.expect(der::kInteger, "signature"));
    if (number.size() > 32) number = number.last(32);
    std::ranges::copy(number, raw.begin() + static_cast<std::ptrdiff_t>((i + 1) * 32 - number.size()));
  }
  return raw;
}

CollateralItem item(CollateralKind kind, std::string key, Bytes body, std::string chain = {}) {
  CollateralItem made;
  made.kind = kind;
  made.key = std::move(key);
  made.body = std::move(body);
  made.issuer_chain = std::move(chain);
  return made;
}

}  // namespace

SimulatedIntel::Holder SimulatedIntel::issue(std::uint64_t seed, std::string_view name, Bytes serial,
                                             std::vector<Bytes> extensions) {
  MemorySigner key(key_of_seed(seed));
  const bool by_authority = serial == serial_of_platform();
  MemorySigner& issuer = by_authority ? authority_.signer : root_key_;
  const Bytes issuer_name = by_authority ? authority_.certificate.facts().subject : root_.facts().subject;
  const PublicKey public_key = key.public_key();
  return {std::move(key), value_of(sign_certificate({std::move(serial), issuer_name, common_name(name), kFrom, kUntil,
                                                     public_key, std::move(extensions)},
                                                    issuer))};
}

SimulatedIntel::SimulatedIntel(Kind kind, std::uint16_t version)
    : body(kind == Kind::kSgx ? enclave() : domain(version == 5)),
      quoting_enclave(quoting_enclave_of(kind)),
      tcb_info(tcb_info_of(kind)),
      identity(identity_of(kind)),
      kind_(kind),
      version_(version),
      root_key_(key_of_seed(7001)),
      root_(root_certificate(root_key_)),
      authority_(issue(7002, "Intel SGX PCK Platform CA", serial_of_authority(),
                       {extension_authority(0), extension_authority_key_usage()})),
      signer_(issue(7003, "Intel SGX TCB Signing", serial_of_signer(), {extension_leaf(), extension_leaf_key_usage()})),
      platform_(issue(7004, "Intel SGX PCK Certificate", serial_of_platform(),
                      {extension_leaf(), extension_leaf_key_usage(), platform_extension()})),
      attestation_key_(key_of_seed(7005)) {}

void SimulatedIntel::replace(std::string_view from, std::string_view to) {
  bool found = false;
  for (std::string* text : {&tcb_info, &identity}) {
    const std::size_t at = text->find(from);
    if (at == std::string::npos) continue;
    text->replace(at, from.size(), to);
    found = true;
  }
  CLOISTER_CHECK(found);
}

Bytes SimulatedIntel::quote() {
  const bool tdx = kind_ == Kind::kTdx;
  Writer signed_part;
  signed_part.u16(version_)
      .u16(2)
      .u32(tdx ? 0x81 : 0)
      .zeros(4)
      .bytes(unhex("939a7233f79c4ca9940a0db3957f0607"))
      .zeros(20);
  if (version_ == 5) {
    signed_part.u16(!tdx ? 1 : body.size() == domain_body::kSize15 ? 3 : 2);
    signed_part.u32(static_cast<std::uint32_t>(body.size()));
  }
  signed_part.bytes(body);
  const ByteView key = attestation_key_.public_key().raw().subspan(1);
  const Sha256Digest named = sha256(joined({key, authentication}));
  std::ranges::copy(named, quoting_enclave.begin() + enclave_body::kReportData);

  const Certificate* const chain[] = {&platform_.certificate, &authority_.certificate, &root_};
  Bytes certificates;
  for (const Certificate* one : chain) {
    if (without_authority && one == &authority_.certificate) continue;
    const Bytes bytes = form == CertificateForm::kDer ? one->der() : to_bytes(as_bytes(one->to_pem()));
    certificates = joined({certificates, bytes});
  }
  if (form == CertificateForm::kPem) certificates.push_back(0);

  Writer inner;
  inner.bytes(quoting_enclave).bytes(raw_signature(value_of(platform_.signer.sign(quoting_enclave))));
  inner.prefixed16(authentication).u16(5).u32(static_cast<std::uint32_t>(certificates.size())).bytes(certificates);
  Writer signatures;
  signatures.bytes(raw_signature(value_of(attestation_key_.sign(signed_part.view())))).bytes(key);
  if (version_ > 3) signatures.u16(6).u32(static_cast<std::uint32_t>(inner.size()));
  signatures.bytes(inner.view());
  Writer whole;
  whole.bytes(signed_part.view()).u32(static_cast<std::uint32_t>(signatures.size())).bytes(signatures.view());
  return whole.bytes(padding).take();
}

std::string SimulatedIntel::statement_key() const { return kind_ == Kind::kTdx ? "tdx" : "sgx"; }

std::string SimulatedIntel::signer_chain() const { return signer_.certificate.to_pem() + root_.to_pem(); }

Bytes SimulatedIntel::signed_answer(std::string_view name, const std::string& inner) {
  return pcs_answer(name, inner, to_hex(raw_signature(value_of(signer_.signer.sign(as_bytes(inner))))));
}

Collateral SimulatedIntel::collateral() {
  Collateral all;
  all.add(item(CollateralKind::kIntelTcbInfo, statement_key() + "/" + std::string(kFmspc),
               signed_answer("tcbInfo", tcb_info), signer_chain()));
  all.add(item(CollateralKind::kIntelQeIdentity, statement_key(), signed_answer("enclaveIdentity", identity),
               signer_chain()));
  all.add(item(CollateralKind::kIntelCrl, "root",
               make_revocation_list({{}, revoked_by_root, lists_from, lists_until}, root_, root_key_)));
  all.add(item(CollateralKind::kIntelCrl, "platform",
               make_revocation_list({{}, revoked_by_authority, lists_from, lists_until}, authority_.certificate,
                                    authority_.signer)));
  return all;
}

Anchors SimulatedIntel::anchors() const { return Anchors::insecure({{Root::kIntelSgx, sha256(root_.spki())}}); }

Question SimulatedIntel::question(const Collateral& collateral, const Anchors& anchors) const {
  Question question;
  question.now = kNow;
  const std::size_t at = kind_ == Kind::kSgx ? enclave_body::kReportData : domain_body::kReportData;
  question.report_data = to_bytes(ByteView(body).subspan(at, 64));
  question.collateral = &collateral;
  question.anchors = &anchors;
  return question;
}

}  // namespace cloister::testing
