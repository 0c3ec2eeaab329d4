#include "attest/nvidia/device.h"

#include <algorithm>

#include "crypto/der.h"
#include "crypto/der_values.h"

namespace cloister::attest::nvidia {
namespace {

using crypto::Certificate;
using crypto::DerElement;
using crypto::DerReader;
namespace der = crypto::der;

constexpr std::string_view kWhat = "a device's certificate";
constexpr std::uint8_t kAlternativeNames[] = {0x55, 0x1D, 0x11};
constexpr std::uint8_t kCompositeDeviceId[] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x01};  // 2.23.133.5.4.1
constexpr std::uint8_t kDiceTcbInfo[] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x01, 0x01};  // 2.23.133.5.4.1.1
constexpr std::string_view kDeviceNameOid = "1.3.6.1.4.1.412.274.1";                 // DMTF device information
constexpr std::string_view kSha384Oid = "2.16.840.1.101.3.4.2.2";
constexpr std::uint8_t kFwids = der::constructed(6);

Error wrong(std::string what) { return Error(Code::kInvalid, "the device's certificate " + std::move(what)); }

// FWID ::= SEQUENCE { hashAlg OBJECT IDENTIFIER, digest OCTET STRING }
Result<crypto::Sha384Digest> read_fwid(ByteView content) {
  DerReader fields(content);
  CLOISTER_TRY(const ByteView algorithm, fields.expect(der::kOid, kWhat));
  CLOISTER_TRY(const ByteView digest, fields.expect(der::kOctetString, kWhat));
  CLOISTER_RETURN_IF_ERROR(fields.expect_end(kWhat));
  crypto::Sha384Digest fwid{};
  if (crypto::oid_text(algorithm) != kSha384Oid || digest.size() != fwid.size()) {
    return wrong("has a firmware id that isn't SHA-384");
  }
  std::ranges::copy(digest, fwid.begin());
  return fwid;
}

// SEQUENCE { version, device key, FWID }, as Hopper has it.
Result<crypto::Sha384Digest> read_composite(ByteView extension) {
  DerReader outer(extension);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  CLOISTER_RETURN_IF_ERROR(outer.expect_end(kWhat));
  DerReader fields(content);
  CLOISTER_RETURN_IF_ERROR(fields.expect(der::kInteger, kWhat));
  CLOISTER_RETURN_IF_ERROR(fields.expect(der::kSequence, kWhat));
  CLOISTER_TRY(const ByteView fwid, fields.expect(der::kSequence, kWhat));
  CLOISTER_RETURN_IF_ERROR(fields.expect_end(kWhat));
  return read_fwid(fwid);
}

// DiceTcbInfo, as Blackwell has it: the first of its FWIDs is the firmware's.
Result<crypto::Sha384Digest> read_tcb_info(ByteView extension) {
  DerReader outer(extension);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  CLOISTER_RETURN_IF_ERROR(outer.expect_end(kWhat));
  DerReader fields(content);
  while (!fields.at_end()) {
    CLOISTER_TRY(const DerElement field, fields.next(kWhat));
    if (field.tag != kFwids) continue;
    DerReader list(field.content);
    CLOISTER_TRY(const ByteView first, list.expect(der::kSequence, kWhat));
    return read_fwid(first);
  }
  return wrong("has no firmware id in its TCB information");
}

Result<std::optional<crypto::Sha384Digest>> fwid_of(const Certificate& firmware) {
  const auto composite = firmware.extension(kCompositeDeviceId);
  const auto tcb_info = firmware.extension(kDiceTcbInfo);
  if (composite && tcb_info) return wrong("has a firmware id twice");
  if (!composite && !tcb_info) return std::optional<crypto::Sha384Digest>();
  CLOISTER_TRY(const crypto::Sha384Digest fwid, composite ? read_composite(*composite) : read_tcb_info(*tcb_info));
  return std::optional<crypto::Sha384Digest>(fwid);
}

// otherName [0] { type, [0] EXPLICIT UTF8String "NVIDIA:GH100:48B02D7A7CD27FC3" }
Result<std::string> device_name(ByteView general_names) {
  DerReader outer(general_names);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader names(content);
  while (!names.at_end()) {
    CLOISTER_TRY(const DerElement name, names.next(kWhat));
    if (name.tag != der::constructed(0)) continue;
    DerReader fields(name.content);
    CLOISTER_TRY(const ByteView type, fields.expect(der::kOid, kWhat));
    if (crypto::oid_text(type) != kDeviceNameOid) continue;
    CLOISTER_TRY(const ByteView value, fields.expect(der::constructed(0), kWhat));
    DerReader inner(value);
    CLOISTER_TRY(const ByteView text, inner.expect(der::kUtf8String, kWhat));
    return std::string(as_text(text));
  }
  return wrong("doesn't say which device it is of");
}

// An anchor is trusted by its key; what else its certificate says, its dates among it, is its own word alone.
bool signs_itself(const Certificate& root, crypto::VerificationCache* cache) {
  DerReader outer(root.der());
  const auto content = outer.expect(der::kSequence, kWhat);
  if (!content.ok()) return false;
  DerReader fields(*content);
  const auto body = fields.next(kWhat);
  const auto identifier = fields.next(kWhat);
  const auto signature = fields.expect(der::kBitString, kWhat);
  if (!body.ok() || !identifier.ok() || !signature.ok() || signature->empty()) return false;
  const auto key = root.public_key();
  const auto algorithm = crypto::signature_algorithm_of(identifier->whole);
  return key.ok() && algorithm.ok() &&
         crypto::verify_signature(cache, *key, *algorithm, body->whole, signature->subspan(1)).ok();
}

std::string number(std::size_t count) { return std::to_string(count); }

Refusal dated(std::span<const Certificate> path, Time now, const Error& error) {
  for (const Certificate& one : path) {
    if (now < one.facts().not_before) {
      return {Reason::kNotYetValid, "a certificate is valid from " + to_rfc3339(one.facts().not_before) + " on"};
    }
  }
  for (const Certificate& one : path) {
    if (now > one.facts().not_after) {
      return {Reason::kExpired, "a certificate was valid until " + to_rfc3339(one.facts().not_after)};
    }
  }
  return {Reason::kBadChain, error.message()};
}

}  // namespace

std::optional<Refusal> check_path(std::span<const Certificate> path, Root root, const Anchors& anchors, Time now,
                                  crypto::VerificationCache* cache) {
  if (path.size() < 2) return Refusal{Reason::kBadChain, "there are only " + number(path.size()) + " certificates"};
  const Certificate& last = path.back();
  if (!anchors.trusts(root, last.spki_digest())) {
    const bool ends = last.facts().issuer == last.facts().subject;
    return ends ? Refusal{Reason::kUntrustedRoot, "the root isn't " + std::string(root_name(root))}
                : Refusal{Reason::kBadChain, "the certificates don't reach a root"};
  }
  if (!signs_itself(last, cache))
    return Refusal{Reason::kBadChain, "the root's certificate isn't signed by its own key"};
  const crypto::ChainRequest request{path.subspan(1, path.size() - 2), path.last(1), crypto::Purpose::kAny, now,
                                     crypto::PathRules::kCommon};
  const auto verified = crypto::verify_chain(cache, path.front(), request);
  if (!verified.ok()) return dated(path, now, verified.error());
  if (!std::ranges::equal(*verified, path)) {
    return Refusal{Reason::kBadChain, "the certificates aren't one path in order"};
  }
  return std::nullopt;
}

std::optional<Refusal> check_published(std::span<const Certificate> path) {
  for (const Certificate& one : path) {
    if (const auto whose = published_test_key(one.spki_digest())) {
      return Refusal{Reason::kTestKey, "a key is " + std::string(*whose)};
    }
  }
  return std::nullopt;
}

Result<Device> read_device(const Certificate& firmware) {
  const auto names = firmware.extension(kAlternativeNames);
  if (!names) return wrong("doesn't say which device it is of");
  CLOISTER_TRY(const std::string name, device_name(*names));
  const std::size_t first = name.find(':');
  const std::size_t second = first == std::string::npos ? first : name.find(':', first + 1);
  if (second == std::string::npos || name.substr(0, first) != "NVIDIA") return wrong("isn't of a device of NVIDIA's");
  Device device;
  device.product = name.substr(first + 1, second - first - 1);
  CLOISTER_TRY(device.serial, from_hex(std::string_view(name).substr(second + 1)));
  // It becomes part of a manifest's name, which is asked for.
  const bool plain = std::ranges::all_of(device.product, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  });
  if (!plain || device.product.empty() || device.product.size() > 16 || device.serial.empty() ||
      device.serial.size() > 32) {
    return wrong("has no product or no serial number");
  }
  CLOISTER_TRY(device.fwid, fwid_of(firmware));
  return device;
}

}  // namespace cloister::attest::nvidia
