#include "seal/manifest.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/hkdf.h"

namespace cloister::seal {
namespace {

constexpr std::string_view kMagic = "CLSRMAN1";
constexpr std::size_t kNameMax = 4096;
constexpr std::size_t kSignatureSize = 32 + 64;

Error corrupt(std::string message) { return Error(Code::kCorrupt, "manifest: " + std::move(message)); }

// MF-1.
Bytes signed_message(ByteView body) {
  crypto::Info info("CLSR1 manifest");
  Bytes message = to_bytes(info.view());
  const auto digest = crypto::sha256(body);
  message.insert(message.end(), digest.begin(), digest.end());
  return message;
}

// Stored names ascend, which says it of them.
Status check_original_names(const std::vector<ManifestEntry>& entries) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const ManifestEntry& entry : entries) names.push_back(entry.original_name);
  std::ranges::sort(names);
  if (std::ranges::adjacent_find(names) == names.end()) return {};
  return corrupt("two entries have the same original name");
}

Result<ManifestEntry> parse_entry(Reader& reader) {
  ManifestEntry entry;
  CLOISTER_TRY(entry.stored_name, reader.text16(kNameMax, "manifest stored name"));
  CLOISTER_TRY(entry.original_name, reader.text16(kNameMax, "manifest original name"));
  CLOISTER_TRY(entry.plaintext_len, reader.u64("manifest payload length"));
  CLOISTER_TRY(entry.mode, reader.u32("manifest permission bits"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(entry.object_id, "manifest object id"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(entry.object_digest, "manifest object digest"));
  if (!is_safe_relative_name(entry.stored_name) || !is_safe_relative_name(entry.original_name)) {
    return corrupt("a name leaves the directory");
  }
  if (entry.plaintext_len > kPayloadMax || entry.mode > 07777) return corrupt("an entry is out of range");
  return entry;
}

}  // namespace

bool is_safe_relative_name(std::string_view name) {
  if (name.empty() || name.size() > kNameMax || !is_plain_utf8(name)) return false;
  for (std::size_t start = 0;;) {
    const std::size_t slash = name.find('/', start);
    const std::string_view part = name.substr(start, slash == std::string_view::npos ? slash : slash - start);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    start = slash + 1;
  }
}

Status check_manifest_size(std::uint64_t entries, std::uint64_t name_bytes) {
  if (entries <= kManifestEntriesMax && manifest_size(entries, name_bytes) <= kManifestBytesMax) return {};
  return Error(Code::kInvalid, "a manifest lists at most 16,777,216 files in at most 4 GiB; " +
                                   std::to_string(entries) + " files with " + std::to_string(name_bytes) +
                                   " bytes of names are too many");
}

Bytes serialize_manifest(const Manifest& manifest, const crypto::SigningKey& key) {
  std::vector<const ManifestEntry*> sorted;
  for (const ManifestEntry& entry : manifest.entries) sorted.push_back(&entry);
  std::ranges::sort(sorted, {}, [](const ManifestEntry* entry) -> const std::string& { return entry->stored_name; });
  Writer writer;
  writer.bytes(as_bytes(kMagic)).u16(1).u16(0).bytes(manifest.keyring_id).bytes(manifest.directory_id);
  writer.u64(manifest.sequence).u64(static_cast<std::uint64_t>(manifest.created.unix_ms)).u64(sorted.size());
  for (const ManifestEntry* entry : sorted) {
    writer.text16(entry->stored_name).text16(entry->original_name).u64(entry->plaintext_len).u32(entry->mode);
    writer.bytes(entry->object_id).bytes(entry->object_digest);
  }
  const auto signature = key.sign(signed_message(writer.view()));
  writer.bytes(key.public_key()).bytes(signature);
  return writer.take();
}

Result<Manifest> parse_manifest(ByteView bytes, const crypto::Ed25519PublicKey& key) {
  if (bytes.size() < kSignatureSize) return corrupt("it is cut off");
  const ByteView body = bytes.first(bytes.size() - kSignatureSize);
  if (!equal(bytes.subspan(body.size(), key.size()), key))
    return corrupt("it is signed by another key than the dataset's");
  CLOISTER_RETURN_IF_ERROR(crypto::verify_ed25519(key, signed_message(body), bytes.last(64)).with_context("manifest"));
  Reader reader(body);
  Manifest manifest;
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "manifest magic"));
  if (!equal(magic, as_bytes(kMagic))) return corrupt("it has the wrong magic");
  CLOISTER_TRY(const std::uint16_t version, reader.u16("manifest version"));
  if (version != 1)
    return Error(Code::kUnsupported, "manifest: version " + std::to_string(version) + " is newer than this program");
  CLOISTER_RETURN_IF_ERROR(reader.zeros(2, "manifest reserved bytes"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(manifest.keyring_id, "manifest keyring id"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(manifest.directory_id, "manifest directory id"));
  CLOISTER_TRY(manifest.sequence, reader.u64("manifest sequence"));
  CLOISTER_TRY(const std::uint64_t created, reader.u64("manifest time"));
  if (created > (std::uint64_t{1} << 62)) return corrupt("its time is out of range");
  manifest.created = Time{static_cast<std::int64_t>(created)};
  CLOISTER_TRY(const std::uint64_t count, reader.u64("manifest count"));
  if (count > kManifestEntriesMax) return corrupt("it has more than 16,777,216 entries");
  for (std::uint64_t i = 0; i < count; ++i) {
    CLOISTER_TRY(ManifestEntry entry, parse_entry(reader));
    if (i > 0 && entry.stored_name <= manifest.entries.back().stored_name) return corrupt("names aren't ascending");
    manifest.entries.push_back(std::move(entry));
  }
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("the manifest"));
  CLOISTER_RETURN_IF_ERROR(check_original_names(manifest.entries));
  return manifest;
}

}  // namespace cloister::seal
