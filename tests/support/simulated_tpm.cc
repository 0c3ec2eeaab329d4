#include "tests/support/simulated_tpm.h"

#include "attest/tpm/tpm_bytes.h"
#include "crypto/der.h"
#include "crypto/jwk.h"
#include "crypto/rsa_signer.h"
#include "tests/support/certificates.h"
#include "tests/support/rsa_key.h"
#include "tests/support/value_of.h"

namespace cloister::testing {
namespace {

using attest::TpmWriter;

constexpr std::uint16_t kSha256 = 0x000B;
constexpr std::uint16_t kNull = 0x0010;
constexpr std::uint16_t kRsaSsa = 0x0014;
constexpr std::uint16_t kEcdsa = 0x0018;

std::unique_ptr<crypto::Signer> make_signer(const TpmParts& parts) {
  if (parts.key == TpmParts::Key::kRsa) return value_of(crypto::RsaSigner::from_pkcs8(rsa_key_der()));
  return std::make_unique<crypto::MemorySigner>(key_of_seed(parts.signed_by.value_or(parts.seed)));
}

// The numbers within DER's SEQUENCE { INTEGER, INTEGER }, without leading zeros.
std::pair<Bytes, Bytes> two_numbers(ByteView der) {
  crypto::DerReader outer(der);
  crypto::DerReader reader(value_of(outer.expect(crypto::der::kSequence, "two numbers")));
  std::pair<Bytes, Bytes> numbers;
  for (Bytes* to : {&numbers.first, &numbers.second}) {
    ByteView number = value_of(reader.expect(crypto::der::kInteger, "a number"));
    while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
    *to = to_bytes(number);
  }
  return numbers;
}

}  // namespace

SimulatedTpm::SimulatedTpm(TpmParts parts) : parts_(std::move(parts)), signer_(make_signer(parts_)) {}

Bytes SimulatedTpm::public_area() const {
  const crypto::PublicKey key =
      parts_.key == TpmParts::Key::kRsa ? signer_->public_key() : key_of_seed(parts_.seed).public_key();
  TpmWriter area;
  area.u16(parts_.key == TpmParts::Key::kRsa ? 0x0001 : 0x0023).u16(kSha256).u32(parts_.attributes).sized({});
  area.u16(kNull).u16(parts_.key == TpmParts::Key::kRsa ? kRsaSsa : kEcdsa).u16(kSha256);
  if (parts_.key == TpmParts::Key::kRsa) {
    area.u16(2048).u32(0).sized(two_numbers(key.raw()).first);
  } else {
    area.u16(0x0003).u16(kNull).sized(key.raw().subspan(1, 32)).sized(key.raw().last(32));
  }
  return TpmWriter().sized(area.take()).take();
}

Bytes SimulatedTpm::registers() const {
  Bytes values;
  for (std::uint8_t i = 0; i < 32; ++i) {
    if ((parts_.registers >> i & 1) == 0) continue;
    const Bytes value = i == 0 ? parts_.first_register : Bytes(32, static_cast<std::uint8_t>(0x10 + i));
    values.insert(values.end(), value.begin(), value.end());
  }
  return values;
}

Bytes SimulatedTpm::quote() const {
  TpmWriter writer;
  writer.u32(parts_.magic).u16(parts_.type).sized(Bytes(34, 0x0B)).sized(parts_.extra_data);
  writer.u64(123456).u32(7).u32(3).u8(1).u64(parts_.firmware_version);
  writer.u32(1).u16(kSha256).u8(4);
  for (int i = 0; i < 4; ++i) writer.u8(static_cast<std::uint8_t>(parts_.registers >> (8 * i)));
  const crypto::Sha256Digest digest = crypto::sha256(registers());
  return writer.sized(parts_.pcr_digest ? ByteView(*parts_.pcr_digest) : ByteView(digest)).take();
}

Bytes SimulatedTpm::signature() const {
  const Bytes signature = value_of(signer_->sign(quote()));
  if (parts_.key == TpmParts::Key::kRsa) return TpmWriter().u16(kRsaSsa).u16(kSha256).sized(signature).take();
  const auto [r, s] = two_numbers(signature);
  return TpmWriter().u16(kEcdsa).u16(kSha256).sized(r).sized(s).take();
}

attest::Evidence SimulatedTpm::evidence() const {
  const Bytes ak = parts_.bare_key ? key().spki() : public_area();
  return {attest::Kind::kTpm, {{"quote", quote()}, {"signature", signature()}, {"pcrs", registers()}, {"ak", ak}}};
}

attest::Collateral SimulatedTpm::collateral() const {
  attest::CollateralItem item;
  item.kind = attest::CollateralKind::kTpmEndorsement;
  item.key = to_hex(crypto::sha256(key().spki()));
  item.body = public_area();
  attest::Collateral collateral;
  collateral.add(std::move(item));
  return collateral;
}

std::string hcl_json(const crypto::PublicKey& key) {
  JsonValue::Object jwk = crypto::to_jwk(key);
  jwk.insert(jwk.begin(), {{"kid", "HCLAkPub"}, {"key_ops", JsonValue::Array{"sign"}}});
  const JsonValue::Object machine{{"secure-boot", true}, {"console-enabled", false}, {"vmUniqueId", "7DF7B373"}};
  return JsonValue(JsonValue::Object{{"keys", JsonValue::Array{JsonValue(std::move(jwk))}},
                                     {"vm-configuration", JsonValue(machine)},
                                     {"user-data", "00ff"}})
      .serialize();
}

Bytes hcl_report(const HclParts& parts) {
  Bytes hardware = parts.hardware_report;
  hardware.resize(1184);
  const auto json_size = static_cast<std::uint32_t>(parts.json.size());
  Writer writer;
  writer.bytes(as_bytes("HCLA")).u32(parts.version).u32(32 + 1184 + 20 + json_size).u32(2).zeros(16).bytes(hardware);
  writer.u32(20 + json_size).u32(1).u32(parts.type).u32(1).u32(json_size).bytes(as_bytes(parts.json));
  return writer.zeros(parts.padding).take();
}

}  // namespace cloister::testing
