#include "attest/roots.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

namespace cloister::attest {
namespace {

struct PinnedRoot {
  Root root;
  std::string_view spki_sha256;
};
constexpr std::array<PinnedRoot, 10> kVendors{{
    {Root::kIntelSgx, "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e"},
    {Root::kAmdMilan, "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9"},
    {Root::kAmdGenoa, "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831"},
    {Root::kAmdTurin, "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08"},
    // Of legacy SEV, in AMD's own form: the key as a SubjectPublicKeyInfo.
    {Root::kAmdNaples, "3a04f8f1347de206c9206a81148ba4ef0a233b245d43a15dd82de043bb3e4f69"},
    {Root::kAmdRome, "7447ffa21e2b938bfade89f5e9066c00a328813bfc43685605cceabd18da6fde"},
    {Root::kNvidiaDevice, "a90c4eb5acfd3e3d03a25db6a26b84f720ad0503196c627c21ddd48dd85b06a4"},
    {Root::kNvidiaRim, "dec1dc316477aa851eebdf51327ae9f864bc8d89254657ed1e7eb9168af1e1a3"},
    {Root::kAwsNitro, "f2caf5ecc6190b4a8399b78bc58a2bbcd0382375db8a1bfd78a82743874fd225"},
    {Root::kGoogleTpm, "56a613f57126a385dd6949294e93b0b566f96ab0573be0c2368e6f5ca779831f"},
}};

struct PublishedKey {
  std::string_view spki_sha256;
  std::string_view whose;
};
constexpr std::array<PublishedKey, 10> kPublished{{
    {"686a27cee8debf56a4cf2ae07b2835b5440f7761ea14d05d3326155c0392a892", "go-sev-guest's fake ARK"},
    {"1fffee37a1b2d138e0f88d222b7c98272ef37fac6974b4434798a24215ad811c", "go-sev-guest's fake ASK"},
    {"4f8607e1c7ec17b73541450d3caacaf057575f6ef734edda85a97c10cae0d1ba", "go-sev-guest's fake ASVK"},
    {"2b8cd73f8dd0b8c49f7968bae46b3036b8b13e355fc6adaf1d57330fa02a8f76", "go-sev-guest's fake VCEK"},
    {"56824dcd7946619798dd7a2c3cac52c3992ad5fb52742ad139cba3d3fc4b8c62", "go-sev-guest's fake VLEK"},
    {"0928f896cb02326566530a62a1e36329a12d0a4a308f4fc81e8ff5560bca6bca", "the dummy CPAK of Trusted Firmware-A"},
    {"8b0867300bcb379925c4fd106ebaad43f174f96749ee328ea1185adf2b664ebf", "the example RAK of Trustee"},
    {"51b944cdfa544d4c3273aa6bf350625a7dd53bbb6a71723274f538b19a207760", "the test CPAK of rust-ccatoken"},
    {"6a3b29fc4ae6ef0e0a9241dc63aeb2a361b15af97a634803dcda3d7358a3e38a", "the sample root of Intel's QVL for SGX"},
    {"b4709133063051f70429aa41e5bd26c6efa0b3cced38fb5935bcf3e27df8fc1a", "the sample root of Intel's QVL for TDX"},
}};

crypto::Sha256Digest digest_of(std::string_view hex) {
  const auto bytes = from_hex(hex);
  CLOISTER_CHECK(bytes.ok() && bytes.value().size() == crypto::Sha256Digest{}.size());
  crypto::Sha256Digest digest{};
  std::copy(bytes.value().begin(), bytes.value().end(), digest.begin());
  return digest;
}

}  // namespace

std::string_view root_name(Root root) {
  switch (root) {
    case Root::kIntelSgx: return "Intel SGX Root CA";
    case Root::kAmdMilan: return "AMD ARK-Milan";
    case Root::kAmdGenoa: return "AMD ARK-Genoa";
    case Root::kAmdTurin: return "AMD ARK-Turin";
    case Root::kAmdNaples: return "AMD ARK-Naples";
    case Root::kAmdRome: return "AMD ARK-Rome";
    case Root::kNvidiaDevice: return "NVIDIA Device Identity CA";
    case Root::kNvidiaRim: return "NVIDIA CoRIM signing Root CA";
    case Root::kAwsNitro: return "aws.nitro-enclaves";
    case Root::kGoogleTpm: return "Google EK/AK CA Root";
    case Root::kInsecureSoftware: return "insecure_software";
  }
  CLOISTER_CHECK(false);
  return {};
}

const Anchors& Anchors::production() {
  static const Anchors anchors = [] {
    Anchors vendors;
    for (const PinnedRoot& pinned : kVendors) vendors.roots_.emplace(pinned.root, digest_of(pinned.spki_sha256));
    return vendors;
  }();
  return anchors;
}

Anchors Anchors::insecure(std::multimap<Root, crypto::Sha256Digest> roots) {
  Anchors anchors;
  anchors.roots_ = std::move(roots);
  anchors.insecure_ = true;
  return anchors;
}

Anchors Anchors::with_insecure_software(const std::vector<crypto::Sha256Digest>& keys) {
  Anchors anchors = production();
  for (const crypto::Sha256Digest& key : keys) anchors.roots_.emplace(Root::kInsecureSoftware, key);
  return anchors;
}

bool Anchors::trusts(Root root, const crypto::Sha256Digest& spki) const {
  const auto [first, last] = roots_.equal_range(root);
  return std::any_of(first, last, [&spki](const auto& entry) { return entry.second == spki; });
}

bool Anchors::insecure(Root root) const { return insecure_ || root == Root::kInsecureSoftware; }

std::optional<std::string_view> published_test_key(const crypto::Sha256Digest& spki) {
  const std::string hex = to_hex(spki);
  for (const PublishedKey& key : kPublished) {
    if (key.spki_sha256 == hex) return key.whose;
  }
  return std::nullopt;
}

}  // namespace cloister::attest
