#include "posture/collect/local/volume_words.h"

#include <algorithm>
#include <array>

namespace cloister::posture {
namespace {

struct Scheme {
  std::string_view prefix, scheme;
};
// CRYPT-VERITY and CRYPT-INTEGRITY encrypt nothing.
constexpr std::array<Scheme, 6> kSchemes = {{{"CRYPT-LUKS2-", "luks2"},
                                             {"CRYPT-LUKS1-", "luks1"},
                                             {"CRYPT-PLAIN-", "dm-crypt"},
                                             {"CRYPT-BITLK-", "bitlocker"},
                                             {"CRYPT-TCRYPT-", "tcrypt"},
                                             {"CRYPT-LOOPAES-", "dm-crypt"}}};

struct FscryptMode {
  unsigned number;
  std::string_view algorithm;
  unsigned bits;
};
// linux/fscrypt.h, FSCRYPT_MODE_*.
constexpr std::array<FscryptMode, 5> kFscryptModes = {{{1, "aes-256-xts", 256},
                                                       {5, "aes-128-cbc", 128},
                                                       {7, "sm4-128-xts", 128},
                                                       {9, "adiantum", 256},
                                                       {10, "aes-256-hctr2", 256}}};

// Nothing but passphrases opens it, or something that isn't kept anywhere that this program can look.
std::string manager_of(const LuksHeader& header) {
  const auto& tokens = header.tokens;
  // A slot for a passphrase beside them opens the volume as well; who knows it isn't written in the header.
  if (std::ranges::find(tokens, "clevis:tang") != tokens.end()) return "operator";
  return tokens.empty() ? "none" : "unknown";
}

}  // namespace

std::optional<std::string> crypt_scheme(const std::string& uuid) {
  for (const Scheme& scheme : kSchemes) {
    if (uuid.starts_with(scheme.prefix)) return std::string(scheme.scheme);
  }
  return std::nullopt;
}

std::string crypt_uuid(const std::string& uuid) {
  const std::size_t begin = uuid.find('-', 6) + 1;
  const std::string digits = uuid.substr(begin, 32);
  const bool is_uuid = uuid.starts_with("CRYPT-LUKS") && digits.size() == 32 &&
                       digits.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (!is_uuid) return "";
  return digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-" + digits.substr(12, 4) + "-" + digits.substr(16, 4) +
         "-" + digits.substr(20);
}

std::optional<StorageView> stacked_view(const Mount& mount) {
  StorageView view;
  view.encrypted = "yes";
  view.level = "filesystem";
  view.key_manager = "none";  // the key lies beside the data, under a passphrase
  if (mount.type == "fuse.gocryptfs") {
    view.scheme = "gocryptfs";
    view.integrity = "unknown";  // AES-GCM, or AES-SIV in reverse mode: the mount doesn't say
    view.algorithm = "aes-256";
    view.key_bits = 256;
  } else if (mount.type == "fuse.cryfs") {
    view.scheme = "cryfs";
  } else if (mount.type == "fuse.encfs" || mount.type == "encfs") {
    view.scheme = "encfs";
    view.integrity = "none";
    view.notes = {"EncFS is known to leak: move to something else"};
  } else if (mount.type == "ecryptfs") {
    view.scheme = "ecryptfs";
    view.integrity = "none";
    const std::string bytes = mount.option("ecryptfs_key_bytes");
    const std::string cipher = mount.option("ecryptfs_cipher");
    if (bytes == "16" || bytes == "24" || bytes == "32") {
      view.key_bits = (bytes[0] - '0') * 80 + (bytes[1] - '0') * 8;
      if (!cipher.empty()) view.algorithm = cipher + "-" + std::to_string(*view.key_bits) + "-cbc";
    }
  } else {
    return std::nullopt;
  }
  return view;
}

StorageView fscrypt_view(const FscryptPolicy& policy, const std::set<std::string>& operator_keys) {
  StorageView view;
  view.encrypted = "yes";
  view.scheme = "fscrypt";
  view.level = "filesystem";
  view.integrity = "none";
  view.key = "fscrypt:" + policy.key_identifier;
  if (operator_keys.contains(view.key)) view.key_manager = "operator";
  const auto mode = std::ranges::find(kFscryptModes, policy.contents_mode, &FscryptMode::number);
  if (mode != kFscryptModes.end()) {
    view.algorithm = mode->algorithm;
    view.key_bits = mode->bits;
  }
  if (policy.version == 1) view.notes = {"policies of version 1 don't derive keys by a sound function"};
  return view;
}

void apply_luks(const LuksHeader& header, const std::set<std::string>& operator_keys, StorageView& view) {
  view.encrypted = header.has_plain_segments ? "no" : header.reencrypting ? "unknown" : "yes";
  view.scheme = header.version == 1 ? "luks1" : "luks2";
  view.level = "block";
  view.key = "luks:" + header.uuid;
  view.key_manager = operator_keys.contains(view.key) ? "operator" : manager_of(header);
  const CipherWords words = cipher_words(header.cipher, header.key_bytes, header.integrity);
  view.algorithm = words.algorithm;
  if (words.key_bits != 0) view.key_bits = words.key_bits;
  view.integrity = words.is_aead ? "aead" : header.integrity.empty() ? "none" : "elsewhere";
  if (header.by_drive && header.cipher.empty()) {
    view.scheme = "opal";
    view.algorithm.clear();
    view.key_bits.reset();
    view.key_manager = "platform_default";
    view.notes.push_back("the drive's own key, which nobody but its maker has seen made");
  }
  if (header.reencrypting) view.notes.push_back("it is being re-encrypted: parts may not be encrypted yet");
}

std::string luks_words(const LuksHeader& header) {
  std::string out = "LUKS" + std::to_string(header.version) + " header, " + header.cipher + ", volume key of " +
                    std::to_string(header.key_bytes * 8) + " bits, " + std::to_string(header.keyslots) + " key slot(s)";
  for (const std::string& token : header.tokens) out += ", token " + token;
  if (!header.integrity.empty()) out += ", integrity " + header.integrity;
  if (header.has_plain_segments) out += ", a part that isn't encrypted";
  if (header.reencrypting) out += ", being re-encrypted";
  return out;
}

}  // namespace cloister::posture
