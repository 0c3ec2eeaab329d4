#include "probe/transparency/monitor.h"

#include <algorithm>
#include <cctype>

#include "audit/checkpoint.h"
#include "base/json.h"
#include "probe/certificate/seen_certificate.h"

namespace cloister::probe {
namespace {

constexpr std::uint8_t kHeadSignature = 5;  // of a note: RFC 6962's
constexpr std::uint8_t kSha256 = 4;
constexpr std::uint8_t kEcdsa = 3;
constexpr std::size_t kNoteMax = 131'072;
constexpr std::size_t kNamesMax = 32;

void put_number(Bytes& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * (size - 1 - i))));
}

std::uint64_t number_of(ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

// SHA-256(name || 0A || 05 || log id), first four bytes.
audit::NoteKeyId key_id_of(const std::string& name, const crypto::PublicKey& key) {
  Bytes text = to_bytes(as_bytes(name));
  text.push_back('\n');
  text.push_back(kHeadSignature);
  const crypto::Sha256Digest log_id = crypto::sha256(key.spki());
  text.insert(text.end(), log_id.begin(), log_id.end());
  const crypto::Sha256Digest digest = crypto::sha256(text);
  audit::NoteKeyId id;
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

// TreeHeadSignature, RFC 6962 3.5.
Bytes signed_head(std::uint64_t at, const audit::TreeHead& tree) {
  Bytes out{0, 1};
  put_number(out, at, 8);
  put_number(out, tree.size, 8);
  out.insert(out.end(), tree.root.begin(), tree.root.end());
  return out;
}

// timestamp, then DigitallySigned. The time when it is right.
Result<Time> verify_signature(ByteView signature, const audit::TreeHead& tree, const crypto::PublicKey& key) {
  const Error denied(Code::kDenied, "the log's key didn't sign this head");
  if (signature.size() < 12 || number_of(signature.subspan(10, 2)) != signature.size() - 12) return denied;
  const std::uint64_t at = number_of(signature.first(8));
  const bool ecdsa = signature[9] == kEcdsa;
  if (at > INT64_MAX || signature[8] != kSha256 || (!ecdsa && signature[9] != 1)) return denied;
  const auto algorithm = ecdsa ? crypto::SignatureAlgorithm::kEcdsaSha256 : crypto::SignatureAlgorithm::kRsaPkcs1Sha256;
  if (!key.verify(algorithm, signed_head(at, tree), signature.subspan(12)).ok()) return denied;
  return Time{static_cast<std::int64_t>(at)};
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool is_below(const std::string& name, const std::string& domain) {
  return name == domain ||
         (name.size() > domain.size() && name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
}

std::vector<std::string> names_of_ours(const SeenCertificate& certificate, const std::vector<std::string>& domains) {
  std::vector<std::string> all = certificate.names ? certificate.names->dns_names : std::vector<std::string>();
  all.push_back(certificate.common_name);
  std::vector<std::string> ours;
  for (const std::string& name : all) {
    const std::string plain = lower(name);
    const auto is_its = [&](const std::string& domain) { return is_below(plain, lower(domain)); };
    const bool there = std::ranges::find(ours, plain) != ours.end();
    if (!there && ours.size() < kNamesMax && std::ranges::any_of(domains, is_its)) ours.push_back(plain);
  }
  return ours;
}

void look_at(const TileLeaf& leaf, std::uint64_t index, const MonitorQuestion& question, MonitorReport& report) {
  ++report.read;
  const auto certificate = read_certificate(leaf.certificate);
  if (!certificate.ok()) {
    ++report.unreadable;
    return;
  }
  Sighting sighting;
  sighting.names = names_of_ours(*certificate, question.domains);
  if (sighting.names.empty()) return;
  const auto key = certificate_key(leaf.certificate);
  sighting.index = index;
  sighting.at = leaf.at;
  sighting.precertificate = leaf.precertificate;
  sighting.known = key.ok() && question.known.contains(*key);
  sighting.issuer = name_text(certificate->issuer);
  sighting.serial = to_hex(certificate->serial);
  sighting.not_before = certificate->not_before;
  sighting.not_after = certificate->not_after;
  report.sightings.push_back(std::move(sighting));
}

Status check_continues(const LogPosition& position, const LogHead& head) {
  if (!position.origin.empty() && position.origin != head.origin) {
    return Error(Code::kCorrupt, "this is the log " + head.origin + ", not " + position.origin + " as before");
  }
  if (head.tree.size < position.entries.size()) {
    return Error(Code::kCorrupt, "the log has " + std::to_string(head.tree.size) + " entries, and had " +
                                     std::to_string(position.entries.size()) + " before");
  }
  return {};
}

// A complete node, by the tile that has it or the nodes below it: c2sp.org/tlog-tiles.
Result<audit::Hash> read_node(const LogFetch& fetch, unsigned level, std::uint64_t index, std::uint64_t tree_size) {
  const unsigned tile_level = level / 8;
  const unsigned above = level % 8;
  const std::uint64_t first = index << above;  // of the tile's level
  const std::uint64_t tile = first / kTileEntries;
  const std::uint64_t there = (tree_size >> (8 * tile_level)) - tile * kTileEntries;
  const auto width = static_cast<std::size_t>(std::min<std::uint64_t>(kTileEntries, there));
  const std::string path = hash_tile_path(tile_level, tile, width);
  CLOISTER_TRY(const Bytes bytes, fetch(path));
  if (bytes.size() != width * sizeof(audit::Hash)) return Error(Code::kCorrupt, path + " has the wrong size");
  std::vector<audit::Hash> nodes(std::size_t{1} << above);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>((first % kTileEntries + i) * sizeof(audit::Hash)),
                sizeof(audit::Hash), nodes[i].begin());
  }
  for (; nodes.size() > 1; nodes.resize(nodes.size() / 2)) {
    for (std::size_t i = 0; i < nodes.size() / 2; ++i) nodes[i] = audit::node_hash(nodes[2 * i], nodes[2 * i + 1]);
  }
  return nodes[0];
}

}  // namespace

Result<LogHead> verify_log_head(std::string_view text, const crypto::PublicKey& log_key) {
  if (text.size() > kNoteMax) return Error(Code::kCorrupt, "a log's head is too large");
  CLOISTER_TRY(const audit::SignedNote note, audit::parse_note(text));
  CLOISTER_TRY(const audit::Checkpoint checkpoint, audit::parse_checkpoint(note.text));
  const audit::NoteKeyId id = key_id_of(checkpoint.origin, log_key);
  for (const audit::NoteSignature& one : note.signatures) {
    if (one.name != checkpoint.origin || one.id != id) continue;
    CLOISTER_TRY(const Time at, verify_signature(one.signature, checkpoint.head, log_key));
    return LogHead{checkpoint.origin, checkpoint.head, at};
  }
  return Error(Code::kDenied, "the log's key didn't sign this head");
}

Result<Bytes> certificate_key(ByteView der) {
  CLOISTER_TRY(const SeenCertificate certificate, read_certificate(der));
  Bytes key = certificate.issuer;
  key.insert(key.end(), certificate.serial.begin(), certificate.serial.end());
  return key;
}

Result<LogPosition> position_at_head(const LogFetch& fetch, const crypto::PublicKey& log_key) {
  CLOISTER_TRY(const Bytes note, fetch("checkpoint"));
  CLOISTER_TRY(const LogHead head, verify_log_head(as_text(note), log_key));
  std::vector<audit::Hash> peaks;
  std::uint64_t covered = 0;
  for (unsigned level = 62; level-- > 0;) {
    if ((head.tree.size >> level & 1) == 0) continue;
    CLOISTER_TRY(const audit::Hash peak, read_node(fetch, level, covered >> level, head.tree.size));
    peaks.push_back(peak);
    covered += std::uint64_t{1} << level;
  }
  CLOISTER_TRY(audit::Frontier entries, audit::Frontier::restore(head.tree.size, std::move(peaks)));
  if (entries.root() != head.tree.root) {
    return Error(Code::kCorrupt, "the hashes of " + head.origin + " aren't those of the head it signed");
  }
  return LogPosition{head.origin, std::move(entries)};
}

Result<MonitorReport> monitor_log(const LogFetch& fetch, const crypto::PublicKey& log_key,
                                  const MonitorQuestion& question, LogPosition& position) {
  CLOISTER_TRY(const Bytes note, fetch("checkpoint"));
  MonitorReport report;
  CLOISTER_TRY(report.head, verify_log_head(as_text(note), log_key));
  CLOISTER_RETURN_IF_ERROR(check_continues(position, report.head));
  audit::Frontier entries = position.entries;
  const std::uint64_t size = report.head.tree.size;
  while (entries.size() < size) {
    const std::uint64_t tile = entries.size() / kTileEntries;
    const std::size_t width =
        static_cast<std::size_t>(std::min<std::uint64_t>(kTileEntries, size - tile * kTileEntries));
    const std::string path = data_tile_path(tile, width);
    CLOISTER_TRY(const Bytes bytes, fetch(path));
    CLOISTER_TRY(const auto leaves, parse_data_tile(bytes, width).with_context(path));
    for (std::size_t i = static_cast<std::size_t>(entries.size() % kTileEntries); i < width; ++i) {
      look_at(leaves[i], entries.size(), question, report);
      CLOISTER_RETURN_IF_ERROR(entries.append(leaves[i].leaf_hash));
    }
  }
  if (entries.root() != report.head.tree.root) {
    return Error(Code::kCorrupt, "the entries of " + report.head.origin + " aren't those of the head it signed");
  }
  position.origin = report.head.origin;
  position.entries = std::move(entries);
  return report;
}

Result<LogPosition> parse_position(std::string_view json) {
  CLOISTER_TRY(const JsonValue value, parse_json(json));
  const JsonValue* origin = value.find("origin");
  const JsonValue* size = value.find("size");
  const JsonValue* peaks = value.find("peaks");
  if (origin == nullptr || origin->string() == nullptr || size == nullptr || !size->unsigned_integer() ||
      peaks == nullptr || peaks->array() == nullptr) {
    return Error(Code::kInvalid, "this is no position in a log");
  }
  std::vector<audit::Hash> hashes;
  for (const JsonValue& one : *peaks->array()) {
    CLOISTER_TRY(const Bytes bytes, from_hex(one.string() == nullptr ? "" : *one.string()));
    audit::Hash hash{};
    if (bytes.size() != hash.size()) return Error(Code::kInvalid, "this is no position in a log");
    std::ranges::copy(bytes, hash.begin());
    hashes.push_back(hash);
  }
  CLOISTER_TRY(audit::Frontier entries, audit::Frontier::restore(*size->unsigned_integer(), std::move(hashes)));
  return LogPosition{*origin->string(), std::move(entries)};
}

std::string format_position(const LogPosition& position) {
  JsonValue::Array peaks;
  for (const audit::Hash& hash : position.entries.peaks()) peaks.emplace_back(to_hex(hash));
  return JsonValue(JsonValue::Object{
                       {"origin", position.origin}, {"size", position.entries.size()}, {"peaks", std::move(peaks)}})
             .serialize() +
         "\n";
}

}  // namespace cloister::probe
