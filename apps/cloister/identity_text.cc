#include "identity_text.h"

#include <algorithm>

namespace cloister::cli {
namespace {

constexpr std::string_view kX25519Prefix = "cloister-identity-x25519:";
constexpr std::string_view kXWingPrefix = "cloister-identity-xwing:";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string_view only_line(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (!line.empty() && line.front() != '#') return line;
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return {};
}

crypto::Secret identity_text(const crypto::HpkePrivateKey& key) {
  const bool xwing = key.kem() == crypto::HpkeKem::kXWing;
  const std::string head =
      "# A Cloister private key. Who has this file can open what was sealed to its recipient:\n# " +
      key.public_key().text() + "\n" + std::string(xwing ? kXWingPrefix : kX25519Prefix);
  constexpr std::string_view digits = "0123456789abcdef";
  const ByteView seed = key.seed().secret().expose();
  crypto::Secret text(head.size() + 2 * seed.size() + 1);
  const MutableByteView out = text.expose_mutable();
  std::ranges::copy(as_bytes(head), out.begin());
  for (std::size_t i = 0; i < seed.size(); ++i) {
    out[head.size() + 2 * i] = static_cast<std::uint8_t>(digits[seed[i] >> 4]);
    out[head.size() + 2 * i + 1] = static_cast<std::uint8_t>(digits[seed[i] & 15]);
  }
  out.back() = '\n';
  return text;
}

Result<crypto::HpkePrivateKey> parse_identity(ByteView text) {
  std::string_view line = only_line(as_text(text));
  const Error malformed(Code::kInvalid, "it isn't a Cloister identity file");
  crypto::HpkeKem kem = crypto::HpkeKem::kXWing;
  if (line.starts_with(kXWingPrefix)) {
    line.remove_prefix(kXWingPrefix.size());
  } else if (line.starts_with(kX25519Prefix)) {
    line.remove_prefix(kX25519Prefix.size());
    kem = crypto::HpkeKem::kX25519;
  } else {
    return malformed;
  }
  if (line.size() != 2 * crypto::kKeySize) return malformed;
  crypto::Secret seed(crypto::kKeySize);
  const MutableByteView bytes = seed.expose_mutable();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = hex_digit(line[2 * i]);
    const int low = hex_digit(line[2 * i + 1]);
    if (high < 0 || low < 0) return malformed;
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  CLOISTER_TRY(auto material, crypto::KeyMaterial::from_secret(std::move(seed)));
  return crypto::HpkePrivateKey::from_seed(kem, std::move(material));
}

}  // namespace cloister::cli
