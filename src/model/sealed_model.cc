#include "model/sealed_model.h"

#include <algorithm>

#include "model/name.h"
#include "seal/reader.h"

namespace cloister::model {
namespace {

// The object that the manifest lists under this name, and no other version of it.
Result<seal::ObjectReader> open_entry(const Path& directory, const seal::ManifestEntry& entry,
                                      const seal::DirectoryKeys& keys) {
  const Path path = directory / entry.stored_name;
  CLOISTER_TRY(File file, File::open(path));
  CLOISTER_TRY(seal::ObjectReader reader, seal::ObjectReader::open(std::move(file), keys.wrappers));
  if (reader.preamble().object_id == entry.object_id && reader.object_digest() == entry.object_digest &&
      reader.size() == entry.plaintext_len) {
    return reader;
  }
  return Error(Code::kCorrupt, "open " + path.string() + ": it is another object than the manifest lists");
}

Result<Bundle> read_bundle(const Path& directory, const seal::Manifest& manifest, const seal::DirectoryKeys& keys) {
  const auto entry = std::ranges::find(manifest.entries, kSignatureName, &seal::ManifestEntry::original_name);
  if (entry == manifest.entries.end()) {
    return Error(Code::kNotFound, directory.string() + " has no " + std::string(kSignatureName) + ": it isn't signed");
  }
  if (entry->plaintext_len > kBundleSizeMax) return Error(Code::kCorrupt, "its signature is too long");
  CLOISTER_TRY(const seal::ObjectReader reader, open_entry(directory, *entry, keys));
  Bytes text(static_cast<std::size_t>(reader.size()));
  CLOISTER_RETURN_IF_ERROR(reader.read_at(0, text));
  return parse_bundle(as_text(text));
}

}  // namespace

Result<SealedModel> SealedModel::open(const Path& directory, const seal::DirectoryKeys& keys,
                                      std::span<const TrustedSigner> trusted, Time now) {
  CLOISTER_TRY(const seal::Manifest manifest, seal::read_manifest(directory, keys));
  CLOISTER_TRY(const Bundle bundle, read_bundle(directory, manifest, keys));
  CLOISTER_TRY(Signed what, verify_signature(bundle, trusted, now));
  if (what.statement.shard_size) return Error(Code::kUnsupported, "a sealed model is signed over whole files");
  SealedModel model(directory, keys, std::move(what));
  CLOISTER_RETURN_IF_ERROR(model.match(manifest));
  return model;
}

Status SealedModel::match(const seal::Manifest& manifest) {
  std::map<std::string_view, const crypto::Sha256Digest*> listed;
  for (const Resource& resource : signed_.statement.resources) listed[resource.path] = &resource.digest;
  const auto is_ignored = [&](const std::string& name) {
    const auto covers = [&](std::string_view path) { return is_below(name, path); };
    return name == kSignatureName || std::ranges::any_of(always_ignored(), covers) ||
           std::ranges::any_of(signed_.statement.ignored, covers);
  };
  Differences differences;
  for (const seal::ManifestEntry& entry : manifest.entries) {
    const auto found = listed.find(entry.original_name);
    if (found != listed.end()) {
      const bool first = files_.emplace(entry.original_name, SealedFile{entry, *found->second}).second;
      if (!first) differences.extra.push_back(entry.original_name);
    } else if (!is_ignored(entry.original_name)) {
      differences.extra.push_back(entry.original_name);
    }
  }
  for (const auto& [name, digest] : listed) {
    if (!files_.contains(std::string(name))) differences.missing.emplace_back(name);
  }
  std::ranges::sort(differences.extra);
  if (differences.none()) return {};
  return Error(Code::kCorrupt, "the sealed model isn't what was signed: " + to_text(differences));
}

std::vector<std::string> SealedModel::names() const {
  std::vector<std::string> out;
  for (const auto& [name, file] : files_) out.push_back(name);
  return out;
}

Status SealedModel::read(const std::string& name, unsigned threads, Progress& progress, const PieceSink& sink) const {
  const SealedFile& file = files_.at(name);
  CLOISTER_TRY(const seal::ObjectReader reader, open_entry(directory_, file.entry, *keys_));
  crypto::Sha256 hash;
  const auto take = [&](std::uint64_t, ByteView piece) {
    hash.update(piece);
    return sink(piece);
  };
  CLOISTER_RETURN_IF_ERROR(reader.read_all(threads, take, progress));
  if (hash.finish() == file.digest) return {};
  return Error(Code::kCorrupt, name + " isn't what was signed: it was sealed after it was changed");
}

}  // namespace cloister::model
