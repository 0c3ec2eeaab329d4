#include "seal/directory_manifest.h"

#include "seal/directory_files.h"
#include "seal/reader.h"

namespace cloister::seal {
namespace {

Status check_size(const Manifest& manifest) {
  std::uint64_t name_bytes = 0;
  for (const ManifestEntry& entry : manifest.entries) {
    name_bytes += entry.stored_name.size() + entry.original_name.size();
  }
  return check_manifest_size(manifest.entries.size(), name_bytes);
}

Status check_manifest(ByteView bytes, const DirectoryKeys& keys) {
  const auto parsed = parse_manifest(bytes, keys.signing_public_key);
  if (parsed.ok()) return {};
  return Error(Code::kInvalid, "the new manifest wouldn't be taken: " + parsed.error().message());
}

}  // namespace

Status write_manifest(const Path& directory, Manifest manifest, const SealOptions& object, const DirectoryKeys& keys,
                      crypto::Random& random) {
  if (object.context.keyring_id) manifest.keyring_id = *object.context.keyring_id;
  CLOISTER_RETURN_IF_ERROR(check_size(manifest));
  const Bytes bytes = serialize_manifest(manifest, *keys.signing_key);
  // What a reader would refuse isn't written: too many entries, or a signing key that isn't the public key's.
  CLOISTER_RETURN_IF_ERROR(check_manifest(bytes, keys));
  SealOptions options = object;
  options.chunk_log2 = 16;
  options.payload_digest = PayloadDigest::kNone;
  options.meta = Meta{};
  options.meta.content_type = std::string(kManifestContentType);
  options.meta.sealed_at = manifest.created;
  // Held until the new one has its name: what a rewrap did to the old one meanwhile would be lost.
  const auto old = lock_stored(directory, kManifestName);
  if (!old.ok() && old.error().code() != Code::kNotFound) return old.error();
  CLOISTER_TRY(auto replacement, FileReplacement::begin(directory / kManifestName, Overwrite::kReplace));
  CLOISTER_TRY(const SealedSummary sealed, seal_bytes(bytes, replacement.file(), options, keys.wrappers, random));
  ignore_result(sealed);
  return replacement.commit();
}

Result<SignedManifest> read_signed_manifest(const Path& directory, const DirectoryKeys& keys) {
  const auto read = [&]() -> Result<SignedManifest> {
    auto file = open_stored(directory, kManifestName);
    if (!file.ok() && file.error().code() == Code::kNotFound) {
      return Error(Code::kNotFound, "it has no " + std::string(kManifestName) +
                                        ": it isn't a sealed directory, or sealing it was interrupted");
    }
    if (!file.ok()) return file.error();
    CLOISTER_TRY(const ObjectReader reader, ObjectReader::open(std::move(file).value(), keys.wrappers));
    if (reader.meta().content_type != kManifestContentType) {
      return Error(Code::kCorrupt, std::string(kManifestName) + " is an object of another kind");
    }
    if (reader.size() > kManifestBytesMax) return Error(Code::kCorrupt, "the manifest is larger than 4 GiB");
    Bytes bytes(reader.size());
    CLOISTER_RETURN_IF_ERROR(reader.read_at(0, bytes));
    CLOISTER_TRY(Manifest manifest, parse_manifest(bytes, keys.signing_public_key));
    if (reader.preamble().context.keyring_id != manifest.keyring_id) {
      return Error(Code::kCorrupt, "the manifest names another keyring than its own object");
    }
    return SignedManifest{std::move(manifest), crypto::sha256(bytes)};
  };
  return read().with_context("read manifest of " + directory.string());
}

Result<Manifest> read_manifest(const Path& directory, const DirectoryKeys& keys) {
  CLOISTER_TRY(SignedManifest read, read_signed_manifest(directory, keys));
  return std::move(read.manifest);
}

}  // namespace cloister::seal
