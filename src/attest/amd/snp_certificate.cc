#include "attest/amd/snp_certificate.h"

#include "base/reader.h"
#include "crypto/der.h"

namespace cloister::attest {
namespace {

using crypto::Certificate;
using crypto::DerReader;
namespace der = crypto::der;

constexpr std::uint8_t kAmd[] = {0x2B, 0x06, 0x01, 0x04, 0x01, 0x9C, 0x78, 0x01};
constexpr std::uint8_t kCommonNameOid[] = {0x55, 0x04, 0x03};
constexpr std::uint8_t kIa5String = 0x16;
constexpr std::size_t kHardwareIdSize = 64;
constexpr std::size_t kHardwareIdSizeTurin = 8;
constexpr std::uint8_t kSparesFirst = 4, kSparesLast = 7;

Error malformed(const std::string& what) { return Error(Code::kInvalid, "AMD's certificate " + what); }

std::optional<ByteView> extension(const Certificate& certificate, std::initializer_list<std::uint8_t> tail) {
  Bytes oid(std::begin(kAmd), std::end(kAmd));
  oid.insert(oid.end(), tail);
  return certificate.extension(oid);
}

Result<std::string> text_of(ByteView value, std::string_view what) {
  DerReader reader(value);
  CLOISTER_TRY(const ByteView content, reader.expect(kIa5String, what));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end(what));
  return std::string(as_text(content));
}

// The component of that number, 0 where there may be none.
enum class Presence { kRequired, kOptional };
Result<std::uint8_t> component(const Certificate& certificate, std::uint8_t number, Presence presence) {
  const auto value = extension(certificate, {3, number});
  if (!value && presence == Presence::kOptional) return std::uint8_t{0};
  if (!value) return malformed("has no version number of component " + std::to_string(number));
  DerReader reader(*value);
  CLOISTER_TRY(ByteView digits, reader.expect(der::kInteger, "a version number"));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("a version number"));
  if (digits.size() == 2 && digits[0] == 0)
    digits = digits.subspan(1);
  else if (digits.size() == 1 && digits[0] >= 0x80)
    return malformed("has a negative version number");
  if (digits.size() != 1) return malformed("has a version number above 255");
  return digits[0];
}

Result<SnpTcb> tcb_of(const Certificate& certificate, SnpProduct product) {
  SnpTcb tcb;
  const Presence fmc = product == SnpProduct::kTurin ? Presence::kRequired : Presence::kOptional;
  CLOISTER_TRY(tcb.fmc, component(certificate, 9, fmc));
  CLOISTER_TRY(tcb.bootloader, component(certificate, 1, Presence::kRequired));
  CLOISTER_TRY(tcb.tee, component(certificate, 2, Presence::kRequired));
  CLOISTER_TRY(tcb.snp, component(certificate, 3, Presence::kRequired));
  CLOISTER_TRY(tcb.microcode, component(certificate, 8, Presence::kRequired));
  for (std::uint8_t spare = kSparesFirst; spare <= kSparesLast; ++spare) {
    CLOISTER_TRY(const std::uint8_t value, component(certificate, spare, Presence::kOptional));
    if (value != 0) return malformed("has a version number of a component not known here");
  }
  if (product != SnpProduct::kTurin && tcb.fmc != 0) return malformed("has a component that its product hasn't");
  return tcb;
}

// As it stands, or as an OCTET STRING: both occur.
Result<Bytes> hardware_id_of(ByteView value, SnpProduct product) {
  const std::size_t size = product == SnpProduct::kTurin ? kHardwareIdSizeTurin : kHardwareIdSize;
  if (value.size() == size) return to_bytes(value);
  DerReader reader(value);
  const auto content = reader.expect(der::kOctetString, "a hardware id");
  if (content.ok() && reader.at_end() && content->size() == size) return to_bytes(*content);
  return malformed("has a hardware id that is none of its product");
}

}  // namespace

std::string common_name_of(const Certificate& certificate) {
  DerReader outer(certificate.facts().subject);
  const auto names = outer.expect(der::kSequence, "a name");
  if (!names.ok()) return {};
  DerReader sets(*names);
  while (!sets.at_end()) {
    const auto set = sets.expect(der::kSet, "a name");
    if (!set.ok()) return {};
    DerReader members(*set);
    const auto member = members.expect(der::kSequence, "a name");
    if (!member.ok()) return {};
    DerReader parts(*member);
    const auto type = parts.expect(der::kOid, "a name's type");
    const auto value = parts.next("a name's value");
    if (type.ok() && value.ok() && equal(*type, kCommonNameOid)) return std::string(as_text(value->content));
  }
  return {};
}

Result<SnpEndorsement> read_snp_endorsement(ByteView bytes, crypto::VerificationCache* cache) {
  CLOISTER_TRY(const Certificate certificate,
               crypto::parse_certificate(cache, bytes, crypto::SerialNumbers::kAlsoZero));
  const std::string name = common_name_of(certificate);
  if (name != "SEV-VCEK" && name != "SEV-VLEK") return malformed("is neither a VCEK nor a VLEK");
  const auto product_text = extension(certificate, {2});
  if (!product_text) return malformed("names no product");
  CLOISTER_TRY(const std::string stepping, text_of(*product_text, "a product"));
  const auto product = snp_product_of(stepping.substr(0, stepping.find('-')));
  if (!product) return malformed("is of a product not known here");

  SnpEndorsement endorsement{
      certificate, name == "SEV-VCEK" ? SnpSigningKey::kVcek : SnpSigningKey::kVlek, *product, {}, {}, {}};
  CLOISTER_TRY(endorsement.tcb, tcb_of(certificate, *product));
  const auto hardware_id = extension(certificate, {4});
  const auto provider = extension(certificate, {5});
  if (endorsement.signer == SnpSigningKey::kVcek) {
    if (!hardware_id || provider) return malformed("of a chip names no chip, or a provider");
    CLOISTER_TRY(endorsement.hardware_id, hardware_id_of(*hardware_id, *product));
  } else {
    if (hardware_id || !provider) return malformed("of a provider names no provider, or a chip");
    CLOISTER_TRY(endorsement.provider, text_of(*provider, "a provider"));
    if (!is_plain_utf8(endorsement.provider)) return malformed("names a provider that can't be read");
  }
  return endorsement;
}

}  // namespace cloister::attest
