#include "tests/support/simulated_nvidia.h"

#include "attest/nvidia/xml.h"
#include "base/base64.h"
#include "base/reader.h"
#include "crypto/der.h"
#include "tests/support/certificates.h"
#include "tests/support/hex.h"
#include "tests/support/value_of.h"

namespace cloister::testing {
namespace {

using namespace crypto;

constexpr std::string_view kSha384Oid = "608648016503040202";

Bytes fwid_element(const Bytes& fwid) {
  return der_element(der::kSequence, {der_oid(unhex(kSha384Oid)), der_element(der::kOctetString, {fwid})});
}

void append(Bytes& to, ByteView more) { to.insert(to.end(), more.begin(), more.end()); }

void field(Writer& writer, std::uint16_t type, ByteView data) { writer.u16(type).prefixed16(data); }

Bytes text_with_zero(std::string_view text) {
  Bytes bytes = to_bytes(as_bytes(text));
  bytes.push_back(0);
  return bytes;
}

Bytes opaque_of(const SimulatedReport& report) {
  Writer writer;
  field(writer, 6, report.vbios);
  field(writer, 14, Bytes{0xB1, 3, 0, 0});
  if (!report.chip_sku.empty()) field(writer, 15, text_with_zero(report.chip_sku));
  if (!report.project.empty()) field(writer, 17, text_with_zero(report.project));
  if (!report.project_sku.empty()) field(writer, 18, text_with_zero(report.project_sku));
  if (!report.driver.empty()) field(writer, 3, text_with_zero(report.driver));
  if (report.nvdec0) field(writer, 11, Bytes{*report.nvdec0});
  if (report.fwid) field(writer, 20, *report.fwid);
  if (!report.switch_pdis.empty()) field(writer, 22, report.switch_pdis);
  const auto number = [&writer](std::uint16_t type, std::uint16_t value) {
    field(writer, type, Bytes{static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8)});
  };
  if (report.opaque_version) number(34, *report.opaque_version);
  if (report.feature) number(36, *report.feature);
  writer.bytes(report.more);
  return writer.take();
}

std::string resource(unsigned index, const std::vector<Bytes>& alternatives) {
  std::string text = "<ns0:Resource type=\"Measurement\" index=\"" + std::to_string(index) +
                     "\" active=\"True\" alternatives=\"" + std::to_string(alternatives.size()) + "\"";
  for (std::size_t i = 0; i < alternatives.size(); ++i) {
    text += " ns2:Hash" + std::to_string(i) + "=\"" + to_hex(alternatives[i]) + "\"";
  }
  return text + " name=\"Measurement_" + std::to_string(index) + "\" size=\"48\"/>\n";
}

struct SignatureParts {
  std::string digest, signature;
};

std::string rim_text(const SimulatedRim& rim, const SimulatedPath& signer, const SignatureParts& parts) {
  std::string text =
      R"(<SoftwareIdentity xmlns="http://standards.iso.org/iso/19770/-2/2015/schema.xsd" )"
      R"(xmlns:ns0="http://standards.iso.org/iso/19770/-2/2015/schema.xsd" )"
      R"(xmlns:ns2="http://www.w3.org/2001/04/xmlenc#sha384" name="made" tagId="0123456789abcdef" version="1.0">)"
      "\n<ns0:Entity name=\"a test\" role=\"softwareCreator tagCreator\"/>\n<ns0:Meta colloquialVersion=\"" +
      rim.version + "\" edition=\"" + rim.edition + "\" product=\"" + rim.product + "\"/>\n<ns0:Payload>\n";
  for (const auto& [index, alternatives] : rim.measurements) text += resource(index, alternatives);
  text += rim.payload_more + "</ns0:Payload>" + rim.root_more +
          R"(<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>)"
          R"(<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2006/12/xml-c14n11"/>)"
          R"(<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"/>)" +
          rim.reference +
          R"(<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>)"
          R"(<ds:Transform Algorithm="http://www.w3.org/2006/12/xml-c14n11"/></ds:Transforms>)"
          R"(<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#sha384"/><ds:DigestValue>)" +
          parts.digest + "</ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>" + parts.signature +
          "</ds:SignatureValue><ds:KeyInfo><ds:X509Data>";
  for (const Certificate& one : signer.certificates) {
    text += "<ds:X509Certificate>" + to_base64(one.der()) + "\n</ds:X509Certificate>";
  }
  return text + "</ds:X509Data></ds:KeyInfo></ds:Signature></SoftwareIdentity>\n";
}

// Null when it isn't there.
const attest::nvidia::XmlElement* descendant(const attest::nvidia::XmlElement& element, std::string_view local) {
  if (element.local_name == local) return &element;
  for (const auto* child : element.elements()) {
    if (const auto* found = descendant(*child, local)) return found;
  }
  return nullptr;
}

attest::Anchors anchors_of(const SimulatedPath& device, const SimulatedPath& signer) {
  return attest::Anchors::insecure({{attest::Root::kNvidiaDevice, sha256(device.certificates.back().spki())},
                                    {attest::Root::kNvidiaRim, sha256(signer.certificates.back().spki())}});
}

attest::Evidence evidence_of(attest::Kind kind, const SimulatedReport& report, const SimulatedPath& device) {
  return {kind, {{"report", signed_report(report, device.keys.front())}, {"chain", to_bytes(as_bytes(device.pem()))}}};
}

}  // namespace

std::string SimulatedPath::pem() const {
  std::string text;
  for (const Certificate& one : certificates) text += one.to_pem();
  return text;
}

SimulatedPath make_path(std::uint64_t seed, const std::vector<std::string>& names, std::vector<Bytes> first_extensions,
                        Time not_before, Time not_after, KeyType authorities) {
  SimulatedPath path;
  for (std::size_t i = 0; i < names.size(); ++i) {
    path.keys.push_back(key_of_seed(seed + i, i == 0 ? KeyType::kEcP384 : authorities));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::size_t issuer = std::min(i + 1, names.size() - 1);
    std::vector<Bytes> extensions = i == 0 ? first_extensions : std::vector<Bytes>();
    if (i > 0) extensions = {extension_authority(static_cast<std::uint8_t>(i - 1)), extension_authority_key_usage()};
    if (i == 0) extensions.push_back(extension_leaf_key_usage());
    extensions.push_back(extension_subject_key_id(key_id_of(path.keys[i].public_key())));
    extensions.push_back(extension_authority_key_id(key_id_of(path.keys[issuer].public_key())));
    MemorySigner signer(path.keys[issuer].duplicate());
    const Bytes serial = {0x51, static_cast<std::uint8_t>(seed >> 8), static_cast<std::uint8_t>(seed),
                          static_cast<std::uint8_t>(i)};
    path.certificates.push_back(
        value_of(sign_certificate({serial, common_name(names[issuer]), common_name(names[i]), not_before, not_after,
                                   path.keys[i].public_key(), extensions},
                                  signer)));
  }
  return path;
}

std::vector<Bytes> device_extensions(const SimulatedDevice& device, const PublicKey& key) {
  const Bytes text = der_element(der::kUtf8String, {as_bytes(device.name)});
  const Bytes name = der_element(der::constructed(0),
                                 {der_oid(unhex("2b06010401831c821201")), der_element(der::constructed(0), {text})});
  std::vector<Bytes> extensions = {raw_extension("551d11", Critical::kNo, der_element(der::kSequence, {name}))};
  if (!device.fwid) return extensions;
  const Bytes fwid = fwid_element(*device.fwid);
  if (device.tcb_info) {
    const Bytes list = der_element(der::constructed(6), {fwid, fwid_element(Bytes(48, 0))});
    const Bytes vendor = der_element(der::primitive(0), {as_bytes("NVIDIA")});
    extensions.push_back(raw_extension("67810505040101", Critical::kNo, der_element(der::kSequence, {vendor, list})));
  } else {
    extensions.push_back(raw_extension("678105050401", Critical::kNo,
                                       der_element(der::kSequence, {der_small_integer(1), key.spki(), fwid})));
  }
  return extensions;
}

SimulatedPath make_device_path(const SimulatedDevice& device, KeyType authorities) {
  const PublicKey key = key_of_seed(device.seed, KeyType::kEcP384).public_key();
  return make_path(device.seed, {"FMC", "BROM", "Provisioner", "Identity", "Device root"},
                   device_extensions(device, key), kNvidiaNow + days(-30), kNvidiaNow + days(300), authorities);
}

SimulatedPath make_rim_path(std::uint64_t seed, KeyType authorities) {
  return make_path(seed, {"Signer", "L3", "Reference values", "Manifest root"}, {extension_leaf()},
                   kNvidiaNow + days(-30), kNvidiaNow + days(300), authorities);
}

Bytes measurement_of(unsigned block) { return to_bytes(sha384(as_bytes("measurement " + std::to_string(block)))); }

Bytes report_to_sign(const SimulatedReport& report) {
  Writer blocks;
  for (unsigned i = 1; i <= report.blocks; ++i) {
    const auto known = report.measurements.find(i);
    const Bytes value = known == report.measurements.end() ? measurement_of(i) : known->second;
    blocks.u8(static_cast<std::uint8_t>(i)).u8(1).u16(static_cast<std::uint16_t>(3 + value.size())).u8(1);
    blocks.prefixed16(value);
  }
  Writer writer;
  writer.u8(0x11).u8(0xE0).u8(1).u8(0xFF).bytes(report.nonce).u8(0);
  writer.u8(0x11).u8(0x60).u8(0).u8(0).u8(static_cast<std::uint8_t>(report.blocks));
  const std::size_t size = blocks.size();
  writer.u16(static_cast<std::uint16_t>(size)).u8(static_cast<std::uint8_t>(size >> 16)).bytes(blocks.view());
  writer.bytes(Bytes(32, 0x52)).prefixed16(opaque_of(report));
  return writer.take();
}

Bytes raw_signature(const PrivateKey& key, ByteView message) {
  const Bytes signature = key.sign(message);
  DerReader outer(signature);
  const ByteView content = value_of(outer.expect(der::kSequence, "a signature"));
  DerReader numbers(content);
  Bytes raw;
  for (int i = 0; i < 2; ++i) {
    ByteView number = value_of(numbers.expect(der::kInteger, "a number"));
    while (number.size() > 48) number = number.subspan(1);
    raw.insert(raw.end(), 48 - number.size(), 0);
    append(raw, number);
  }
  return raw;
}

Bytes signed_report(const SimulatedReport& report, const PrivateKey& key) {
  Bytes bytes = report_to_sign(report);
  append(bytes, raw_signature(key, bytes));
  return bytes;
}

Bytes signed_rim(const SimulatedRim& rim, const SimulatedPath& signer) {
  using attest::nvidia::canonical_xml;
  SignatureParts parts{"AAAA", "AAAA"};
  {
    const std::string text = rim_text(rim, signer, parts);
    const auto root = value_of(attest::nvidia::parse_xml(as_bytes(text)));
    const std::string signed_part = canonical_xml(*root, descendant(*root, "Signature"));
    parts.digest = to_base64(sha384(as_bytes(signed_part)));
  }
  const std::string text = rim_text(rim, signer, parts);
  const auto root = value_of(attest::nvidia::parse_xml(as_bytes(text)));
  const std::string info = canonical_xml(*descendant(*root, "SignedInfo"), nullptr);
  parts.signature = to_base64(raw_signature(signer.keys.front(), as_bytes(info)));
  return to_bytes(as_bytes(rim_text(rim, signer, parts)));
}

void add_answers(const SimulatedPath& path, std::size_t first, attest::Collateral& collateral, std::uint8_t state,
                 Time this_update, std::optional<Time> next_update) {
  for (std::size_t i = first; i + 1 < path.certificates.size(); ++i) {
    MemorySigner signer(path.keys[i + 1].duplicate());
    const Bytes serial = path.certificates[i].facts().serial;
    OcspParts parts{serial, state, this_update, next_update};
    parts.issuer = path.certificates[i + 1];
    collateral.add(
        {attest::CollateralKind::kNvidiaOcsp, to_hex(serial), make_ocsp(parts, signer), {}, this_update, {}, {}});
  }
}

void add_rim(std::string id, Bytes body, attest::Collateral& collateral) {
  collateral.add({attest::CollateralKind::kNvidiaRim, std::move(id), std::move(body), {}, kNvidiaNow, {}, {}});
}

SimulatedGpu::SimulatedGpu(KeyType authorities)
    : device(make_device_path({}, authorities)),
      signer(make_rim_path(4000, authorities)),
      anchors(anchors_of(device, signer)) {
  for (const unsigned index : {21U, 22U, 35U}) driver.measurements[index] = {Bytes(48, 1), measurement_of(index + 1)};
  // NVDEC0 is disabled, so what is measured there isn't looked at.
  report.measurements[36] = Bytes(48, 0x77);
  vbios.version = "96.00.9F.00.01";
  for (const unsigned index : {0U, 1U, 9U}) vbios.measurements[index] = {measurement_of(index + 1)};
  add_answers(device, 1, collateral);
  add_answers(signer, 0, collateral);
  add_rim(kSimulatedDriverRim, signed_rim(driver, signer), collateral);
  add_rim(kSimulatedVbiosRim, signed_rim(vbios, signer), collateral);
}

attest::Evidence SimulatedGpu::evidence() const { return evidence_of(attest::Kind::kNvidiaGpu, report, device); }

attest::Question SimulatedGpu::question() const { return {kNvidiaNow, report.nonce, &collateral, &anchors, nullptr}; }

SimulatedSwitch::SimulatedSwitch()
    : device(make_device_path({"NVIDIA:LS_10:48B02DFE0092CDDB", std::nullopt, false, 3100})),
      anchors(anchors_of(device, signer)) {
  report.blocks = 31;
  report.driver = report.project = report.project_sku = report.chip_sku = "";
  report.vbios = to_bytes(as_bytes("96.10.55.00.01"));
  report.fwid.reset();
  report.nvdec0.reset();
  report.opaque_version.reset();
  report.feature.reset();
  report.switch_pdis = unhex("203eb31ad9ed0008");
  bios.product = "LS10";
  bios.edition = "SWITCH";
  bios.version = "96.10.55.00.01";
  for (unsigned index = 0; index < 31; ++index) bios.measurements[index] = {measurement_of(index + 1)};
  add_answers(device, 1, collateral);
  add_answers(signer, 0, collateral);
  add_rim(kSimulatedSwitchRim, signed_rim(bios, signer), collateral);
}

attest::Evidence SimulatedSwitch::evidence() const { return evidence_of(attest::Kind::kNvidiaSwitch, report, device); }

attest::Question SimulatedSwitch::question() const {
  return {kNvidiaNow, report.nonce, &collateral, &anchors, nullptr};
}

}  // namespace cloister::testing
