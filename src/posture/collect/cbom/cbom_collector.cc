#include "posture/collect/cbom/cbom_collector.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "base/json.h"

namespace cloister::posture {
namespace {

constexpr JsonLimits kLimits = {kInputFileMax, 32, std::size_t{1} << 21};
constexpr std::size_t kNamesMax = 50;

// As names begin, without what stands between letters and digits. SP 800-131A Rev 2 and RFC 7465, 8996, 9155 withdrew
// the first.
constexpr std::array<std::string_view, 20> kWithdrawn = {
    "md2", "md4", "md5",     "sha1",     "hmacmd5", "des",      "3des", "tdea",      "tripledes", "desede",
    "rc2", "rc4", "arcfour", "blowfish", "idea",    "skipjack", "dsa",  "ripemd128", "tls10",     "ssl"};
constexpr std::array<std::string_view, 39> kKnown = {
    "aes",    "xaes",    "chacha20", "xchacha20", "poly1305", "salsa20", "xsalsa20", "sha2",   "sha3", "sha224",
    "sha256", "sha384",  "sha512",   "shake",     "keccak",   "blake",   "hmac",     "kmac",   "cmac", "gmac",
    "hkdf",   "pbkdf2",  "scrypt",   "argon2",    "rsa",      "ecdsa",   "ecdh",     "ecies",  "ecp2", "ecp3",
    "ecp5",   "ed25519", "ed448",    "x25519",    "x448",     "mlkem",   "mldsa",    "slhdsa", "hpke"};
constexpr std::array<std::string_view, 12> kKnownToo = {"kyber",    "dilithium", "sphincs", "falcon", "dh",  "ffdh",
                                                        "camellia", "aria",      "sm3",     "sm4",    "lms", "xmss"};

std::string text_of(const JsonValue* object, std::string_view name) {
  const JsonValue* found = object == nullptr ? nullptr : object->find(name);
  return found == nullptr || found->string() == nullptr ? std::string() : *found->string();
}

// "sha1withrsa" of "SHA-1 with RSA".
std::string plain_name(std::string_view name) {
  std::string plain;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) plain += c;
  }
  return plain;
}

template <std::size_t Count>
bool begins(std::string_view name, const std::array<std::string_view, Count>& words) {
  return std::ranges::any_of(words, [name](std::string_view word) { return name.starts_with(word); });
}

std::string without(const std::string& text, std::string_view part) {
  std::string left;
  std::size_t from = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, from)) {
    left.append(text, from, at - from);
    from = at + part.size();
  }
  return left.append(text, from);
}

// "EC", "ECC" and "EC-256"; the rest of what begins so is anything.
bool is_curve(std::string_view name) {
  return name == "ec" || name == "ecc" ||
         (name.starts_with("ec") && name.size() > 2 && name[2] >= '0' && name[2] <= '9');
}

// A parameter below 512 is a hash's or a cipher's.
bool is_short_key(std::string_view name, const std::string& parameter) {
  const bool sized = name.find("rsa") != std::string_view::npos || name.starts_with("dh") || name.starts_with("ffdh");
  unsigned bits = 0;
  const auto read = std::from_chars(parameter.data(), parameter.data() + parameter.size(), bits);
  return sized && read.ec == std::errc() && bits >= 512 && bits < 2048;
}

// "rsa1024" and "dh512": the number behind the name, to its end.
bool is_short_name(std::string_view plain) {
  for (const std::string_view name : {"rsa", "ffdh", "dh"}) {
    if (plain.starts_with(name)) return is_short_key(name, std::string(plain.substr(name.size())));
  }
  return false;
}

// Of TLS, SSH and IKE what stands for a version.
AlgorithmStanding standing_of_protocol(const JsonValue& properties) {
  const std::string type = text_of(&properties, "type"), version = text_of(&properties, "version");
  if (type == "tls" && (version == "1.3" || version == "1.2")) return AlgorithmStanding::kKnown;
  if (type == "tls" && !version.empty()) return AlgorithmStanding::kWithdrawn;
  if (type == "ssh") return version.starts_with("1") ? AlgorithmStanding::kWithdrawn : AlgorithmStanding::kKnown;
  return type == "ike" || type == "ipsec" || type == "sstp" || type == "wpa" ? AlgorithmStanding::kKnown
                                                                             : AlgorithmStanding::kUnknown;
}

AlgorithmStanding standing_of_asset(const std::string& name, const JsonValue* properties) {
  const std::string type = text_of(properties, "assetType");
  if (type == "protocol") {
    const JsonValue* protocol = properties->find("protocolProperties");
    return protocol == nullptr ? AlgorithmStanding::kUnknown : standing_of_protocol(*protocol);
  }
  if (type != "algorithm") return type.empty() ? AlgorithmStanding::kUnknown : AlgorithmStanding::kKnown;
  const JsonValue* algorithm = properties->find("algorithmProperties");
  // What encrypts block by block shows what is equal.
  if (text_of(algorithm, "mode") == "ecb") return AlgorithmStanding::kWithdrawn;
  if (is_short_key(plain_name(name), text_of(algorithm, "parameterSetIdentifier"))) {
    return AlgorithmStanding::kWithdrawn;
  }
  return standing_of(name);
}

struct Counting {
  CbomCount count;
  std::set<std::string> unknown, withdrawn;

  // Components may hold others.
  Status take(const JsonValue* components, unsigned depth) {
    if (components == nullptr) return {};
    if (components->array() == nullptr || depth > 8) return Error(Code::kInvalid, "its components aren't a list");
    for (const JsonValue& component : *components->array()) {
      CLOISTER_RETURN_IF_ERROR(take(component.find("components"), depth + 1));
      if (text_of(&component, "type") != "cryptographic-asset") continue;
      const std::string name = text_of(&component, "name");
      if (name.empty()) return Error(Code::kInvalid, "a cryptographic asset has no name");
      ++count.components;
      const AlgorithmStanding standing = standing_of_asset(name, component.find("cryptoProperties"));
      if (standing == AlgorithmStanding::kUnknown) unknown.insert(name);
      if (standing == AlgorithmStanding::kWithdrawn) withdrawn.insert(name);
    }
    return {};
  }
};

void tell(std::string& raw, std::string_view what, const std::set<std::string>& names) {
  std::size_t told = 0;
  for (const std::string& name : names) {
    if (++told <= kNamesMax) raw += std::string(what) + ": " + name + "\n";
  }
}

}  // namespace

AlgorithmStanding standing_of(std::string_view name) {
  // A curve's name that hides "ecb" in "EC-Brainpool".
  const std::string plain = without(plain_name(name), "brainpool");
  // A MAC with SHA-1 isn't a signature with it.
  const std::string unkeyed = without(without(without(plain, "hmacsha1"), "hmacwithsha1"), "pbkdf2sha1");
  // "SHA1withRSA" and "PBEWithMD5AndDES" name it further in.
  for (const std::string_view part : {"md5", "sha1", "withdes", "anddes", "rc4", "3des", "ecb"}) {
    if (unkeyed.find(part) != std::string::npos) return AlgorithmStanding::kWithdrawn;
  }
  if (begins(plain, kWithdrawn) || is_short_name(plain)) return AlgorithmStanding::kWithdrawn;
  const bool known = begins(plain, kKnown) || begins(plain, kKnownToo) || is_curve(plain);
  return known ? AlgorithmStanding::kKnown : AlgorithmStanding::kUnknown;
}

Result<CbomCount> count_cbom(std::string_view json) {
  CLOISTER_TRY(const JsonValue document, parse_json(json, kLimits));
  if (text_of(&document, "bomFormat") != "CycloneDX") return Error(Code::kInvalid, "this is no CycloneDX document");
  Counting counting;
  const auto at = parse_rfc3339(text_of(document.find("metadata"), "timestamp"));
  if (!at.ok()) return Error(Code::kInvalid, "it doesn't say when it was made");
  counting.count.at = *at;
  CLOISTER_RETURN_IF_ERROR(counting.take(document.find("components"), 0));
  counting.count.unknown.assign(counting.unknown.begin(), counting.unknown.end());
  counting.count.withdrawn.assign(counting.withdrawn.begin(), counting.withdrawn.end());
  return counting.count;
}

void CbomCollector::collect(const CollectContext& context, FactSink& sink) {
  Fact fact;
  fact.kind = "cbom";
  fact.collector = kCbomCollector;
  fact.scope = std::to_string(files_.size()) + " CycloneDX documents";
  std::int64_t components = 0;
  std::optional<Time> oldest;
  std::set<std::string> unknown, withdrawn;
  std::string unread;
  for (const InputFile& file : files_) {
    const auto count = count_cbom(file.content);
    if (!count.ok()) {
      unread += (unread.empty() ? "" : "; ") + file.name + ": " + count.error().message();
      continue;
    }
    components += count->components;
    oldest = std::min(oldest.value_or(count->at), count->at);
    unknown.insert(count->unknown.begin(), count->unknown.end());
    withdrawn.insert(count->withdrawn.begin(), count->withdrawn.end());
  }
  fact.at = oldest.value_or(context.now);
  fact.valid_until = fact.at + kContentScanValid;
  // What one file shows to be withdrawn is, whatever another would say.
  if (!unread.empty() && withdrawn.empty()) {
    fact.not_assessed = unread;
  } else {
    fact.values = {{"components", components},
                   {"unknown_algorithms", static_cast<std::int64_t>(unknown.size())},
                   {"withdrawn", static_cast<std::int64_t>(withdrawn.size())}};
    tell(fact.raw, "unknown", unknown);
    tell(fact.raw, "withdrawn", withdrawn);
    if (!unread.empty()) fact.raw += "not read: " + unread + "\n";
  }
  sink.add(std::move(fact));
}

}  // namespace cloister::posture
