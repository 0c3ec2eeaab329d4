#include "tests/support/simulated_nitro.h"

#include "tests/support/cose_maker.h"
#include "tests/support/value_of.h"

namespace cloister::testing {

using namespace attest;

namespace {

constexpr std::uint64_t kLeafSeed = 93;
constexpr std::uint8_t kIndefiniteMap = 0xBF, kBreak = 0xFF, kNull = 0xF6;

crypto::PrivateKey p384(std::uint64_t seed) { return key_of_seed(seed, crypto::KeyType::kEcP384); }

crypto::Certificate certify(const std::string& issuer, const std::string& subject, const crypto::PublicKey& key,
                            std::pair<Time, Time> dates, std::vector<Bytes> extensions, crypto::Signer& signer) {
  return value_of(crypto::sign_certificate({{5},
                                            crypto::common_name(issuer),
                                            crypto::common_name(subject),
                                            dates.first,
                                            dates.second,
                                            key,
                                            std::move(extensions)},
                                           signer));
}

std::vector<Bytes> of_authority() { return {crypto::extension_authority(3), crypto::extension_authority_key_usage()}; }

Bytes pcrs(bool debug) {
  CborWriter writer;
  writer.map(16);
  for (std::uint8_t i = 0; i < 16; ++i) {
    const bool zero = i > 4 || i == 3 || debug;
    writer.unsigned_integer(i).bytes(Bytes(48, static_cast<std::uint8_t>(zero ? 0 : 0x10 + i)));
  }
  return writer.take();
}

}  // namespace

SimulatedNitro::SimulatedNitro(std::uint64_t seed)
    : root_signer_(p384(seed)),
      region_signer_(p384(seed + 1)),
      root_(certify("root", "root", root_signer_.public_key(), {kNow + days(-900), kNow + days(900)}, of_authority(),
                    root_signer_)) {}

Anchors SimulatedNitro::anchors() const { return Anchors::insecure({{Root::kAwsNitro, crypto::sha256(root_.spki())}}); }

Bytes SimulatedNitro::payload(const NitroParts& parts, const Bytes& leaf) {
  const crypto::Certificate region =
      certify("root", "region", region_signer_.public_key(), {kNow + days(-5), parts.authority_not_after},
              of_authority(), root_signer_);
  const std::vector<std::pair<std::string, Bytes>> members = {
      {"module_id", CborWriter().text("i-0-enc1").take()},
      {"digest", CborWriter().text("SHA384").take()},
      {"timestamp", CborWriter().unsigned_integer(static_cast<std::uint64_t>(kNow.unix_ms)).take()},
      {"pcrs", pcrs(parts.debug)},
      {"certificate", CborWriter().bytes(leaf).take()},
      {"cabundle", CborWriter().array(2).bytes(root_.der()).bytes(region.der()).take()},
      {"public_key", {kNull}},
      {"user_data", CborWriter().bytes(parts.report_data).take()},
      {"nonce", CborWriter().bytes(Bytes(20, 0x4E)).take()}};
  const std::uint64_t count = members.size() - (parts.without.empty() ? 0 : 1) + (parts.twice.empty() ? 0 : 1);
  Bytes out = parts.indefinite ? Bytes{kIndefiniteMap} : CborWriter().map(count).take();
  const auto append = [&out](const Bytes& bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); };
  for (const auto& [name, value] : members) {
    if (name == parts.without) continue;
    for (int i = 0; i < (name == parts.twice ? 2 : 1); ++i) {
      append(CborWriter().text(name).take());
      append(name == parts.nulled ? Bytes{kNull} : value);
    }
  }
  if (parts.indefinite) out.push_back(kBreak);
  return out;
}

Evidence SimulatedNitro::document(const NitroParts& parts) {
  const crypto::PrivateKey key = key_of_seed(kLeafSeed, parts.key_type.value_or(crypto::KeyType::kEcP384));
  const crypto::Certificate leaf = certify(
      "region", "enclave", parts.leaf_key ? *parts.leaf_key : key.public_key(), {parts.not_before, parts.not_after},
      {crypto::extension_leaf(), crypto::extension_leaf_key_usage()}, region_signer_);
  Bytes document = make_cose_sign1(key, payload(parts, leaf.der()), {.tag = CoseTag::kNo});
  document.insert(document.end(), parts.trailer.begin(), parts.trailer.end());
  return {Kind::kNitro, {{"document", document}}};
}

}  // namespace cloister::testing
