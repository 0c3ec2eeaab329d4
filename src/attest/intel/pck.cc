#include "attest/intel/pck.h"

#include <algorithm>
#include <map>

#include "crypto/der_values.h"

namespace cloister::attest::intel {
namespace {

using crypto::Certificate;
using crypto::DerElement;
using crypto::DerReader;
namespace der = crypto::der;

constexpr std::string_view kWhat = "a PCK certificate's extension";
constexpr std::uint8_t kPlatformOid[] = {0x2A, 0x86, 0x48, 0x86, 0xF8, 0x4D, 0x01, 0x0D, 0x01};
constexpr std::string_view kPlatformOidText = "1.2.840.113741.1.13.1";
constexpr std::string_view kCommonNameOid = "2.5.4.3";
constexpr std::string_view kLeafName = "Intel SGX PCK Certificate";
constexpr std::string_view kProcessorName = "Intel SGX PCK Processor CA";
constexpr std::string_view kPlatformName = "Intel SGX PCK Platform CA";
constexpr std::size_t kMembersMax = 32;
constexpr std::uint8_t kEnumerated = 0x0A;

using Members = std::map<std::string, DerElement, std::less<>>;  // by the OID's part behind the given one

Error malformed(std::string_view what) {
  return Error(Code::kInvalid, "a PCK certificate's " + std::string(what) + " is missing or malformed");
}

// SEQUENCE OF SEQUENCE { OID, value }, in any order.
Result<Members> read_members(ByteView content, std::string_view below) {
  Members members;
  DerReader reader(content);
  while (!reader.at_end()) {
    if (members.size() == kMembersMax) return malformed("extension");
    CLOISTER_TRY(const ByteView pair, reader.expect(der::kSequence, kWhat));
    DerReader fields(pair);
    CLOISTER_TRY(const ByteView oid, fields.expect(der::kOid, kWhat));
    CLOISTER_TRY(const DerElement value, fields.next(kWhat));
    CLOISTER_RETURN_IF_ERROR(fields.expect_end(kWhat));
    const std::string text = crypto::oid_text(oid);
    if (!text.starts_with(below)) return malformed("extension");
    if (!members.emplace(text.substr(below.size()), value).second) return malformed("extension");
  }
  return members;
}

Result<Bytes> octets(const Members& members, std::string_view name, std::size_t size, std::string_view what) {
  const auto found = members.find(name);
  if (found == members.end() || found->second.tag != der::kOctetString || found->second.content.size() != size) {
    return malformed(what);
  }
  return to_bytes(found->second.content);
}

Result<std::uint16_t> small_number(const Members& members, const std::string& name, std::string_view what) {
  const auto found = members.find(name);
  if (found == members.end() || found->second.tag != der::kInteger) return malformed(what);
  const ByteView digits = found->second.content;
  if (digits.empty() || digits.size() > 3 || digits[0] >= 0x80) return malformed(what);
  std::uint32_t value = 0;
  for (const std::uint8_t digit : digits) value = value << 8 | digit;
  if (value > UINT16_MAX) return malformed(what);
  return static_cast<std::uint16_t>(value);
}

Status read_tcb(const Members& members, Platform& platform) {
  const auto found = members.find(".2");
  if (found == members.end() || found->second.tag != der::kSequence) return malformed("TCB");
  const std::string below = std::string(kPlatformOidText) + ".2.";
  CLOISTER_TRY(const Members tcb, read_members(found->second.content, below));
  for (std::size_t i = 0; i < platform.components.size(); ++i) {
    CLOISTER_TRY(platform.components[i], small_number(tcb, std::to_string(i + 1), "TCB"));
  }
  CLOISTER_TRY(platform.pce_svn, small_number(tcb, "17", "PCE SVN"));
  return {};
}

Status read_memory(const Members& members, Platform& platform) {
  const auto found = members.find(".5");
  if (found == members.end()) return {};
  const DerElement& value = found->second;
  if (value.tag != kEnumerated || value.content.size() != 1) return malformed("SGX type");
  platform.memory = value.content[0];
  return {};
}

Result<std::optional<bool>> truth(const Members& members, std::string_view name) {
  const auto found = members.find(name);
  if (found == members.end()) return std::optional<bool>();
  if (found->second.tag != der::kBoolean) return malformed("configuration");
  return std::optional(found->second.content[0] != 0);
}

Status read_configuration(const Members& members, Platform& platform) {
  const auto found = members.find(".7");
  if (found == members.end()) return {};
  if (found->second.tag != der::kSequence) return malformed("configuration");
  const std::string below = std::string(kPlatformOidText) + ".7.";
  CLOISTER_TRY(const Members configuration, read_members(found->second.content, below));
  CLOISTER_TRY(platform.dynamic, truth(configuration, "1"));
  CLOISTER_TRY(platform.cached_keys, truth(configuration, "2"));
  CLOISTER_TRY(platform.multithreading, truth(configuration, "3"));
  return {};
}

}  // namespace

Result<Platform> read_platform(const Certificate& pck) {
  const auto extension = pck.extension(kPlatformOid);
  if (!extension) return malformed("extension");
  CLOISTER_RETURN_IF_ERROR(crypto::check_der(*extension, kWhat));
  DerReader outer(*extension);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  CLOISTER_TRY(const Members members, read_members(content, kPlatformOidText));
  Platform platform{};
  CLOISTER_TRY(platform.ppid, octets(members, ".1", 16, "PPID"));
  CLOISTER_RETURN_IF_ERROR(read_tcb(members, platform));
  CLOISTER_TRY(platform.pce_id, octets(members, ".3", 2, "PCE ID"));
  CLOISTER_TRY(platform.fmspc, octets(members, ".4", 6, "FMSPC"));
  if (members.contains(".6")) {
    CLOISTER_TRY(platform.instance_id, octets(members, ".6", 16, "platform instance ID"));
  }
  CLOISTER_RETURN_IF_ERROR(read_memory(members, platform));
  CLOISTER_RETURN_IF_ERROR(read_configuration(members, platform));
  return platform;
}

std::string_view authority_key(PckAuthority authority) {
  return authority == PckAuthority::kProcessor ? "processor" : "platform";
}

std::string subject_common_name(const Certificate& certificate) {
  std::string name;
  DerReader outer(certificate.facts().subject);
  const auto content = outer.expect(der::kSequence, kWhat);
  if (!content.ok()) return {};
  DerReader sets(*content);
  while (!sets.at_end()) {
    const auto set = sets.expect(der::kSet, kWhat);
    if (!set.ok()) return {};
    DerReader attributes(*set);
    const auto attribute = attributes.expect(der::kSequence, kWhat);
    if (!attribute.ok()) return {};
    DerReader fields(*attribute);
    const auto oid = fields.expect(der::kOid, kWhat);
    const auto value = fields.next(kWhat);
    if (!oid.ok() || !value.ok()) return {};
    if (crypto::oid_text(*oid) != kCommonNameOid) continue;
    if (!name.empty()) return {};
    name = std::string(as_text(value->content));
  }
  return name;
}

Result<std::vector<Certificate>> ordered_path(std::vector<Certificate> certificates) {
  const auto leaf =
      std::ranges::find_if(certificates, [](const Certificate& one) { return !one.facts().is_authority; });
  if (leaf == certificates.end()) return Error(Code::kDenied, "there is no leaf among the certificates");
  std::vector<Certificate> path{*leaf};
  certificates.erase(leaf);
  while (path.back().facts().issuer != path.back().facts().subject) {
    const Bytes& wanted = path.back().facts().issuer;
    const auto issuer =
        std::ranges::find_if(certificates, [&](const Certificate& one) { return one.facts().subject == wanted; });
    if (issuer == certificates.end()) return Error(Code::kDenied, "a certificate's issuer is missing");
    path.push_back(*issuer);
    certificates.erase(issuer);
  }
  if (!certificates.empty()) return Error(Code::kDenied, "a certificate has no place in the chain");
  return path;
}

Result<PckChain> read_pck_chain(ByteView certificates, crypto::VerificationCache* cache) {
  const bool is_der = !certificates.empty() && certificates[0] == der::kSequence;
  while (!is_der && !certificates.empty() && certificates.back() == 0) {
    certificates = certificates.first(certificates.size() - 1);
  }
  CLOISTER_TRY(auto all, is_der ? Certificate::parse_all(certificates, kPckCertificatesMax)
                                : crypto::parse_pem_certificates(cache, as_text(certificates), kPckCertificatesMax));
  CLOISTER_TRY(auto path, ordered_path(std::move(all)));
  if (path.size() != 3) return Error(Code::kDenied, "a PCK chain has three certificates");
  const std::string issuer = subject_common_name(path[1]);
  if (subject_common_name(path[0]) != kLeafName || (issuer != kProcessorName && issuer != kPlatformName)) {
    return Error(Code::kDenied, "the certificates aren't those of a PCK");
  }
  const PckAuthority authority = issuer == kProcessorName ? PckAuthority::kProcessor : PckAuthority::kPlatform;
  return PckChain{path[0], {path[1]}, path[2], authority};
}

}  // namespace cloister::attest::intel
