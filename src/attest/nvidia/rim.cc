#include "attest/nvidia/rim.h"

#include <algorithm>
#include <array>
#include <optional>

#include "attest/nvidia/raw_signature.h"
#include "attest/nvidia/xml.h"
#include "base/base64.h"

namespace cloister::attest::nvidia {
namespace {

constexpr std::string_view kTag = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
constexpr std::string_view kSignature = "http://www.w3.org/2000/09/xmldsig#";
constexpr std::string_view kHash = "http://www.w3.org/2001/04/xmlenc#sha384";
constexpr std::string_view kCanonical = "http://www.w3.org/2006/12/xml-c14n11";
constexpr std::string_view kEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
constexpr std::string_view kEcdsa = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
constexpr std::string_view kSha384 = "http://www.w3.org/2001/04/xmldsig-more#sha384";
constexpr unsigned kIndexMax = 255;
constexpr unsigned kAlternativesMax = 32;

Error wrong(std::string what) { return Error(Code::kInvalid, "this isn't a manifest: " + std::move(what)); }

// The children, which are these and no others, in this order.
Result<std::vector<const XmlElement*>> children_of(const XmlElement& element,
                                                   std::initializer_list<std::string_view> names) {
  std::vector<const XmlElement*> found = element.elements();
  const auto is_it = [](const XmlElement* child, std::string_view name) { return child->is(kSignature, name); };
  if (!element.only_elements() || !std::ranges::equal(found, names, is_it)) {
    return wrong(element.local_name + " doesn't hold what it must");
  }
  return found;
}

Status check_algorithm(const XmlElement& element, std::string_view algorithm) {
  const std::string* stated = element.attribute("", "Algorithm");
  if (stated == nullptr || *stated != algorithm || element.attributes.size() != 1 || !element.children.empty()) {
    return wrong("its " + element.local_name + " is another than " + std::string(algorithm));
  }
  return {};
}

Result<Bytes> base64_of(const XmlElement& element) {
  std::string text = element.text();
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; });
  if (text.empty()) return wrong(element.local_name + " is empty");
  return from_base64(text);
}

// Of the whole document: URI="" with the enveloped-signature transform.
Status read_reference(const XmlElement& reference, Rim& rim) {
  const std::string* uri = reference.attribute("", "URI");
  if (uri == nullptr || !uri->empty() || reference.attributes.size() != 1) {
    return wrong("its signature isn't over the whole document");
  }
  CLOISTER_TRY(const auto parts, children_of(reference, {"Transforms", "DigestMethod", "DigestValue"}));
  CLOISTER_TRY(const auto transforms, children_of(*parts[0], {"Transform", "Transform"}));
  CLOISTER_RETURN_IF_ERROR(check_algorithm(*transforms[0], kEnveloped));
  CLOISTER_RETURN_IF_ERROR(check_algorithm(*transforms[1], kCanonical));
  CLOISTER_RETURN_IF_ERROR(check_algorithm(*parts[1], kSha384));
  CLOISTER_TRY(const Bytes digest, base64_of(*parts[2]));
  if (digest.size() != rim.stated.size()) return wrong("its digest isn't SHA-384");
  std::ranges::copy(digest, rim.stated.begin());
  return {};
}

Status read_certificates(const XmlElement& key_info, Rim& rim) {
  CLOISTER_TRY(const auto data, children_of(key_info, {"X509Data"}));
  if (!data[0]->only_elements()) return wrong("X509Data has text");
  for (const XmlElement* one : data[0]->elements()) {
    if (!one->is(kSignature, "X509Certificate") || rim.certificates.size() == kRimCertificatesMax) {
      return wrong("X509Data holds something else than certificates, or too many");
    }
    CLOISTER_TRY(const Bytes der, base64_of(*one));
    CLOISTER_TRY(auto certificate, crypto::Certificate::parse(der));
    rim.certificates.push_back(std::move(certificate));
  }
  if (rim.certificates.empty()) return wrong("it has no certificate");
  return {};
}

Status read_signature(const XmlElement& root, const XmlElement& signature, Rim& rim) {
  if (!signature.attributes.empty()) return wrong("its signature has attributes");
  CLOISTER_TRY(const auto parts, children_of(signature, {"SignedInfo", "SignatureValue", "KeyInfo"}));
  if (!parts[0]->attributes.empty()) return wrong("SignedInfo has attributes");
  CLOISTER_TRY(const auto info, children_of(*parts[0], {"CanonicalizationMethod", "SignatureMethod", "Reference"}));
  CLOISTER_RETURN_IF_ERROR(check_algorithm(*info[0], kCanonical));
  CLOISTER_RETURN_IF_ERROR(check_algorithm(*info[1], kEcdsa));
  CLOISTER_RETURN_IF_ERROR(read_reference(*info[2], rim));
  CLOISTER_TRY(rim.signature, base64_of(*parts[1]));
  CLOISTER_RETURN_IF_ERROR(read_certificates(*parts[2], rim));
  rim.signed_info = canonical_xml(*parts[0], nullptr);
  rim.actual = crypto::sha384(as_bytes(canonical_xml(root, &signature)));
  return {};
}

Result<unsigned> number_of(const XmlElement& element, std::string_view name, unsigned max) {
  const std::string* text = element.attribute("", name);
  if (text == nullptr || text->empty() || text->size() > 4) return wrong("a resource has no " + std::string(name));
  unsigned value = 0;
  for (const char c : *text) {
    if (c < '0' || c > '9') return wrong("a resource's " + std::string(name) + " is no number");
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > max || (text->size() > 1 && (*text)[0] == '0'))
    return wrong("a resource's " + std::string(name) + " is out of range");
  return value;
}

Result<std::vector<crypto::Sha384Digest>> alternatives_of(const XmlElement& resource) {
  CLOISTER_TRY(const unsigned count, number_of(resource, "alternatives", kAlternativesMax));
  const auto hashes =
      std::ranges::count_if(resource.attributes, [](const XmlAttribute& one) { return one.uri == kHash; });
  if (count == 0 || hashes != static_cast<std::ptrdiff_t>(count))
    return wrong("a resource has another number of hashes than it says");
  std::vector<crypto::Sha384Digest> alternatives(count);
  for (unsigned i = 0; i < count; ++i) {
    const std::string* text = resource.attribute(kHash, "Hash" + std::to_string(i));
    if (text == nullptr) return wrong("a resource lacks a hash");
    CLOISTER_TRY(const Bytes hash, from_hex(*text));
    if (hash.size() != alternatives[i].size()) return wrong("a resource's hash isn't SHA-384");
    std::ranges::copy(hash, alternatives[i].begin());
  }
  return alternatives;
}

// Every resource is read, those that aren't active too.
Status read_payload(const XmlElement& payload, Rim& rim) {
  if (!payload.attributes.empty() || !payload.only_elements()) return wrong("its payload isn't a list of resources");
  std::array<bool, kIndexMax + 1> seen{};
  for (const XmlElement* resource : payload.elements()) {
    const std::string* type = resource->attribute("", "type");
    const std::string* active = resource->attribute("", "active");
    const std::string* size = resource->attribute("", "size");
    if (!resource->is(kTag, "Resource") || type == nullptr || *type != "Measurement" || !resource->children.empty()) {
      return wrong("its payload has something else than measurements");
    }
    if (active == nullptr || (*active != "True" && *active != "False") || size == nullptr || *size != "48") {
      return wrong("a measurement is neither active nor inactive, or of another size");
    }
    CLOISTER_TRY(const unsigned index, number_of(*resource, "index", kIndexMax));
    if (std::exchange(seen[index], true)) return wrong("it has a measurement twice");
    CLOISTER_TRY(auto alternatives, alternatives_of(*resource));
    if (*active == "True") rim.measurements.emplace(index, std::move(alternatives));
  }
  return {};
}

Result<std::string> required(const XmlElement& element, std::string_view name) {
  const std::string* value = element.attribute("", name);
  if (value == nullptr || value->empty() || value->size() > 256) return wrong("it has no " + std::string(name));
  return *value;
}

struct Outline {
  const XmlElement* meta = nullptr;
  const XmlElement* payload = nullptr;
  const XmlElement* signature = nullptr;
};

Result<Outline> outline_of(const XmlElement& root) {
  if (!root.is(kTag, "SoftwareIdentity") || !root.only_elements()) return wrong("it is another document");
  Outline outline;
  for (const XmlElement* child : root.elements()) {
    if (child->is(kTag, "Entity")) continue;
    const XmlElement** place = child->is(kTag, "Meta")              ? &outline.meta
                               : child->is(kTag, "Payload")         ? &outline.payload
                               : child->is(kSignature, "Signature") ? &outline.signature
                                                                    : nullptr;
    if (place == nullptr || *place != nullptr) return wrong("it has " + child->name + ", or has it twice");
    *place = child;
  }
  if (outline.meta == nullptr || outline.payload == nullptr || outline.signature == nullptr) {
    return wrong("it has no Meta, no Payload or no Signature");
  }
  return outline;
}

}  // namespace

Result<Rim> parse_rim(ByteView xml) {
  CLOISTER_TRY(const auto root, parse_xml(xml));
  CLOISTER_TRY(const Outline outline, outline_of(*root));
  Rim rim;
  CLOISTER_TRY(rim.tag_id, required(*root, "tagId"));
  CLOISTER_TRY(rim.product, required(*outline.meta, "product"));
  CLOISTER_TRY(rim.edition, required(*outline.meta, "edition"));
  CLOISTER_TRY(rim.version, required(*outline.meta, "colloquialVersion"));
  CLOISTER_RETURN_IF_ERROR(read_payload(*outline.payload, rim));
  CLOISTER_RETURN_IF_ERROR(read_signature(*root, *outline.signature, rim));
  return rim;
}

Result<std::shared_ptr<const Rim>> parse_rim(crypto::VerificationCache* cache, ByteView xml) {
  const crypto::Sha256Digest key = cache == nullptr ? crypto::Sha256Digest{} : crypto::sha256(xml);
  if (cache != nullptr) {
    if (auto known = cache->find<Rim>(key)) return known;
  }
  CLOISTER_TRY(Rim rim, parse_rim(xml));
  auto parsed = std::make_shared<const Rim>(std::move(rim));
  if (cache != nullptr) cache->keep(key, parsed, 4 * xml.size());
  return parsed;
}

Status verify_rim_signature(const Rim& rim, crypto::VerificationCache* cache) {
  if (rim.stated != rim.actual) return Error(Code::kCorrupt, "the digest in its signature isn't the document's");
  return verify_raw_p384(rim.certificates.front(), as_bytes(rim.signed_info), rim.signature, cache);
}

}  // namespace cloister::attest::nvidia
