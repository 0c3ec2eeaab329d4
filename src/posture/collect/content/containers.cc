#include "posture/collect/content/containers.h"

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "base/json.h"
#include "base/reader.h"
#include "seal/keyring.h"

namespace cloister::posture::content {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kAge = "age-encryption.org/v1\n";
constexpr std::string_view kLuks = "LUKS\xBA\xBE"sv;
constexpr std::size_t kKeysMax = 64;
constexpr std::size_t kNameMax = 256;
constexpr std::uint64_t kTextMax = 16 << 20;  // of ciphertext as text that is read whole
constexpr std::size_t kRunMin = 4096;         // of its characters that tell it, where it isn't

Error broken(std::string_view what) { return Error(Code::kCorrupt, std::string(what)); }

std::uint32_t be(ByteView bytes) {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

Result<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || end > 4096) return broken("a header ends within a line");
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

// Body of an ASCII armor: what lies between its lines, without headers and checksum.
Bytes decode_armor(std::string_view text) {
  std::string dense;
  const std::size_t blank = text.find("\n\n");
  const std::size_t first = text.find('\n');
  if (first == std::string_view::npos) return {};
  text.remove_prefix(blank != std::string_view::npos && blank < 1024 ? blank + 2 : first + 1);
  for (const char c : text) {
    if (c == '-' || c == '=') break;
    if (c != '\n' && c != '\r') dense += c;
  }
  dense.resize(dense.size() / 4 * 4);
  auto bytes = from_base64(dense);
  return bytes.ok() ? std::move(*bytes) : Bytes{};
}

std::optional<Container> fixed_container(const Sample& sample) {
  const auto from = [&](std::string_view type, std::uint64_t offset) {
    return Container{.type = type, .payload = Region{offset, sample.size}};
  };
  if (sample.starts_with("Salted__") && sample.size >= 32) return from("openssl-salted", 16);
  // The size in clear, then two words that are each other's mark.
  if (sample.head.size() >= 16 && be(sample.head.subspan(8, 4)) != 0 &&
      (be(sample.head.subspan(8, 4)) ^ be(sample.head.subspan(12, 4))) == 0x3C81B7F5 && sample.size % 4096 == 0) {
    return from("ecryptfs", 8192);
  }
  if (sample.starts_with("CLSRKRG1")) {
    const auto keyring = seal::parse_keyring(sample.head);
    if (keyring.ok()) return Container{.type = "cloister-keyring", .keys = {"keyring:" + to_hex(keyring->keyring_id)}};
  }
  return std::nullopt;
}

// "$ANSIBLE_VAULT;1.1;AES256", then hexadecimal digits.
std::optional<Container> parse_ansible_vault(std::string_view text) {
  if (!text.starts_with("$ANSIBLE_VAULT;1.")) return std::nullopt;
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string digits;
  for (const char c : text.substr(end + 1)) {
    if (c != '\n' && c != '\r') digits += c;
  }
  digits.resize(digits.size() / 2 * 2);
  const auto outer = from_hex(digits);
  if (!outer.ok() || outer->size() < 128) return std::nullopt;
  // Hexadecimal again: salt, MAC and ciphertext, a line each.
  std::string inner;
  for (const std::uint8_t byte : *outer) {
    if (byte != '\n') inner += static_cast<char>(byte);
  }
  inner.resize(inner.size() / 2 * 2);
  auto bytes = from_hex(inner);
  if (!bytes.ok()) return std::nullopt;
  return Container{.type = "ansible-vault", .decoded = std::move(*bytes)};
}

// All of the file, from its head or into `storage`; empty where it is too large or can't be read.
std::string_view whole_text(const Sample& sample, Bytes& storage) {
  if (sample.size == sample.head.size()) return as_text(sample.head);
  if (sample.size > kTextMax) return {};
  storage.resize(sample.size);
  return sample.read_at(0, storage).ok() ? as_text(storage) : std::string_view();
}

// Of one that is too large: its ciphertext has begun and goes on to the head's end. It is given no keys, since the rest
// isn't looked at.
std::optional<Container> parse_json_start(std::string_view head) {
  struct Mark {
    std::string_view member, type;
    Base64 alphabet;
  };
  for (const Mark& mark : {Mark{"\"encrypted_data\":", "opentofu-state", Base64::kStandard},
                           Mark{"\"ciphertext\":", "jwe", Base64::kUrl}}) {
    const std::size_t at = head.find(mark.member);
    if (at == std::string_view::npos) continue;
    std::string_view run = head.substr(at + mark.member.size());
    run.remove_prefix(std::min(run.find_first_not_of(" \t\r\n"), run.size()));
    if (!run.starts_with('"')) continue;
    run = run.substr(1, (run.size() - 1) / 4 * 4);
    if (run.size() < kRunMin) continue;
    auto decoded = from_base64(run, mark.alphabet);
    if (decoded.ok()) return Container{.type = mark.type, .decoded = std::move(*decoded)};
  }
  return std::nullopt;
}

std::optional<Container> parse_jwe_start(std::string_view head) {
  std::size_t begin = 0;
  for (int part = 0; part < 3; ++part) {
    const std::size_t dot = head.find('.', begin);
    if (dot == std::string_view::npos) return std::nullopt;
    begin = dot + 1;
  }
  const std::size_t run = (head.size() - begin) / 4 * 4;
  if (run < kRunMin) return std::nullopt;
  auto jwe = parse_jwe(std::string(head.substr(0, begin + run)) + ".");
  if (!jwe.ok()) return std::nullopt;
  jwe->keys.clear();
  return std::move(*jwe);
}

std::optional<Container> parse_compact_jwe(const Sample& sample) {
  Bytes storage;
  const std::string_view text = whole_text(sample, storage);
  if (text.empty()) return parse_jwe_start(as_text(sample.head));
  auto jwe = parse_jwe(text);
  if (!jwe.ok()) return std::nullopt;
  return std::move(*jwe);
}

// {"encrypted_data": …, "encryption_version": …}, and JWE in JSON: {"ciphertext": …, "tag": …}.
std::optional<Container> parse_json_container(const Sample& sample) {
  if (!sample.starts_with("{")) return std::nullopt;
  if (!sample.contains("\"encrypted_data\"") && !sample.contains("\"ciphertext\"")) return std::nullopt;
  Bytes storage;
  const std::string_view text = whole_text(sample, storage);
  if (text.empty()) return parse_json_start(as_text(sample.head));
  const auto json = parse_json(text, {.size = kTextMax});
  if (!json.ok()) return std::nullopt;
  const auto member = [&](std::string_view name) -> const std::string* {
    return json->find(name) == nullptr ? nullptr : json->find(name)->string();
  };
  Container container;
  const std::string* data = nullptr;
  if (member("encryption_version") != nullptr) {
    container.type = "opentofu-state";
    data = member("encrypted_data");
  } else if (member("iv") != nullptr && member("tag") != nullptr) {
    container.type = "jwe";
    data = member("ciphertext");
  }
  if (data == nullptr) return std::nullopt;
  auto decoded = from_base64(*data, container.type == "jwe" ? Base64::kUrl : Base64::kStandard);
  if (!decoded.ok()) return std::nullopt;
  container.decoded = std::move(*decoded);
  return container;
}

struct Packet {
  unsigned tag = 0;
  std::size_t body = 0;               // offset
  std::optional<std::uint32_t> size;  // none: partial or to the end
};

// RFC 9580 4.2.
Result<Packet> packet_at(ByteView head, std::size_t offset) {
  if (offset + 6 > head.size()) return broken("an OpenPGP packet is cut off");
  const std::uint8_t first = head[offset];
  const ByteView after = head.subspan(offset + 1);
  if ((first & 0x80) == 0) return broken("not an OpenPGP packet");
  Packet packet;
  if ((first & 0x40) == 0) {
    packet.tag = first >> 2 & 15;
    const std::size_t length = std::size_t{1} << (first & 3);
    if (length == 8) return Packet{packet.tag, offset + 1, std::nullopt};
    return Packet{packet.tag, offset + 1 + length, be(after.first(length))};
  }
  packet.tag = first & 63;
  if (after[0] < 192) return Packet{packet.tag, offset + 2, after[0]};
  if (after[0] < 224) return Packet{packet.tag, offset + 3, ((after[0] - 192U) << 8) + after[1] + 192U};
  if (after[0] < 255) return Packet{packet.tag, offset + 2, std::nullopt};
  return Packet{packet.tag, offset + 6, be(after.subspan(1, 4))};
}

}  // namespace

Result<Container> parse_age(ByteView head, std::uint64_t size) {
  std::string_view text = as_text(head);
  if (!text.starts_with(kAge)) return Error(Code::kInvalid, "not an age file");
  text.remove_prefix(kAge.size());
  std::size_t stanzas = 0;
  for (;;) {
    CLOISTER_TRY(const std::string_view line, take_line(text));
    if (line.starts_with("--- ")) {
      if (line.size() != 4 + 43 || stanzas == 0) return broken("an age header has no stanza, or no MAC");
      break;
    }
    if (line.starts_with("-> ")) {
      if (++stanzas > 1024 || line.size() < 4) return broken("an age header has a bad stanza");
    } else if (stanzas == 0 || line.size() > 64) {
      return broken("an age header has a bad line");
    }
  }
  const std::uint64_t payload = head.size() - text.size();
  if (size - payload < 32) return broken("an age file ends before its payload");
  return Container{.type = "age", .payload = Region{payload + 16, size}};
}

Result<Container> parse_openpgp(ByteView head, std::uint64_t size) {
  Container container{.type = "openpgp"};
  std::size_t offset = 0;
  for (std::size_t session_keys = 0;;) {
    CLOISTER_TRY(const Packet packet, packet_at(head, offset));
    if (packet.tag == 9 || packet.tag == 18 || packet.tag == 20) {
      if (session_keys == 0 || packet.body >= size) return broken("an OpenPGP message has no session key");
      container.payload = Region{packet.body + 1, size};
      return container;
    }
    if ((packet.tag != 1 && packet.tag != 3) || !packet.size || ++session_keys > kKeysMax) {
      return broken("not an encrypted OpenPGP message");
    }
    if (*packet.size < 4 || *packet.size > 8192 || packet.body + *packet.size > head.size()) {
      return broken("an OpenPGP session key is cut off");
    }
    const std::uint8_t version = head[packet.body];
    if (packet.tag == 1 ? version != 3 && version != 6 : version < 4 || version > 6) {
      return broken("an OpenPGP session key of an unknown version");
    }
    if (packet.tag == 1 && version == 3 && *packet.size > 9) {
      container.keys.push_back("openpgp:" + to_hex(head.subspan(packet.body + 1, 8)));
    }
    offset = packet.body + *packet.size;
  }
}

// RFC 7516 7.1: five parts.
Result<Container> parse_jwe(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  std::array<std::string_view, 5> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t end = i == 4 ? text.size() : text.find('.');
    if (end == std::string_view::npos) return Error(Code::kInvalid, "not a JWE");
    parts[i] = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  CLOISTER_TRY(const Bytes header, from_base64(parts[0], Base64::kUrl));
  CLOISTER_TRY(const JsonValue json, parse_json(as_text(header)));
  if (json.find("enc") == nullptr || json.find("alg") == nullptr) return Error(Code::kInvalid, "not a JWE");
  Container container{.type = "jwe"};
  CLOISTER_TRY(container.decoded, from_base64(parts[3], Base64::kUrl));
  const JsonValue* kid = json.find("kid");
  if (kid != nullptr && kid->string() != nullptr && kid->string()->size() <= kNameMax) {
    container.keys.push_back("jwe:" + *kid->string());
  }
  return container;
}

// The on-disk formats' first header; LUKS1 says where its payload is, of LUKS2 it lies behind 4 MiB at the least.
Result<Container> parse_luks(ByteView head, std::uint64_t size) {
  constexpr std::size_t kHeader = 592;
  if (head.size() < kHeader || !equal(head.first(kLuks.size()), as_bytes(kLuks))) {
    return Error(Code::kInvalid, "not a LUKS header");
  }
  const std::uint32_t version = be(head.subspan(6, 2));
  if (version != 1 && version != 2) return broken("a LUKS header of an unknown version");
  const std::string_view uuid = as_text(head.subspan(168, 40));
  const std::string name(uuid.substr(0, uuid.find('\0')));
  if (name.size() != 36 || !is_plain_utf8(name)) return broken("a LUKS header without an id");
  Container container{.type = version == 1 ? "luks1" : "luks2", .keys = {"luks:" + name}};
  std::uint64_t start = std::uint64_t{16} << 20;
  if (version == 1) start = std::uint64_t{be(head.subspan(104, 4))} * 512;
  if (start < 4096 || start > size) return broken("a LUKS volume ends before its data");
  container.payload = Region{start, size};
  return container;
}

namespace {

Result<Container> from_armor(const Sample& sample, Result<Container> (*parse)(ByteView, std::uint64_t)) {
  Bytes decoded = decode_armor(as_text(sample.head));
  CLOISTER_TRY(Container inner, parse(decoded, std::max<std::uint64_t>(sample.size, decoded.size())));
  const std::size_t start = std::min<std::uint64_t>(inner.payload->begin, decoded.size());
  inner.decoded = to_bytes(ByteView(decoded).subspan(start));
  inner.payload.reset();
  return inner;
}

}  // namespace

Result<std::optional<Container>> parse_container(const Sample& sample) {
  const std::string_view text = as_text(sample.head);
  const auto some = [](Result<Container> parsed) -> Result<std::optional<Container>> {
    if (parsed.ok()) return std::optional(std::move(*parsed));
    if (parsed.error().code() == Code::kInvalid) return std::optional<Container>();
    return parsed.error();
  };
  if (sample.starts_with(kAge)) return some(parse_age(sample.head, sample.size));
  if (sample.starts_with(kLuks)) return some(parse_luks(sample.head, sample.size));
  if (sample.starts_with("-----BEGIN AGE ENCRYPTED FILE-----")) return some(from_armor(sample, parse_age));
  if (sample.starts_with("-----BEGIN PGP MESSAGE-----")) return some(from_armor(sample, parse_openpgp));
  if (text.starts_with("eyJ")) {
    if (auto jwe = parse_compact_jwe(sample)) return jwe;
  }
  if (auto fixed = fixed_container(sample)) return fixed;
  if (auto vault = parse_ansible_vault(text)) return vault;
  if (auto json = parse_json_container(sample)) return json;
  // Its first byte alone says little: only what parses to the end is taken for one.
  if (!sample.head.empty() && (sample.head[0] & 0x80) != 0) {
    auto openpgp = parse_openpgp(sample.head, sample.size);
    if (openpgp.ok()) return std::optional(std::move(*openpgp));
  }
  return std::optional<Container>();
}

}  // namespace cloister::posture::content
