#include "mesh/manifest/manifest.h"

#include <unistd.h>

#include <algorithm>

namespace cloister::mesh {
namespace {

Result<std::string> text_of(const YamlValue& value, std::string_view what) {
  if (value.is_null() || value.is_text()) return value.is_text() ? value.text : std::string();
  return Error(Code::kInvalid, "line " + std::to_string(value.line) + ": " + std::string(what) + " isn't text");
}

Status add_document(std::vector<Resource>& out, const std::string& file, YamlValue document) {
  if (!document.is_map()) return ok_status();
  Resource resource;
  CLOISTER_TRY(const std::string api, text_of(document.at("apiVersion"), "apiVersion"));
  if (!api.empty()) {
    CLOISTER_TRY(resource.kind, text_of(document.at("kind"), "kind"));
  }
  const auto items = std::ranges::find(document.members, "items", &YamlMember::name);
  if (resource.kind.ends_with("List") && items != document.members.end()) {
    for (YamlValue& item : items->value.items) CLOISTER_RETURN_IF_ERROR(add_document(out, file, std::move(item)));
    return ok_status();
  }
  const std::size_t slash = api.find('/');
  resource.group = slash == std::string::npos ? "" : api.substr(0, slash);
  resource.version = slash == std::string::npos ? api : api.substr(slash + 1);
  resource.file = file;
  resource.line = document.line;
  if (!resource.kind.empty()) {
    CLOISTER_TRY(resource.name, text_of(document.under("metadata.name"), "metadata.name"));
    CLOISTER_TRY(resource.name_space, text_of(document.under("metadata.namespace"), "metadata.namespace"));
  }
  resource.root = std::move(document);
  out.push_back(std::move(resource));
  return ok_status();
}

struct Loading {
  Manifests manifests;
  std::size_t bytes = 0;
};

Status take_text(Loading& loading, const std::string& file, const Result<Bytes>& bytes) {
  if (++loading.manifests.files > kManifestFilesMax) return Error(Code::kInvalid, "too many manifests");
  if (!bytes.ok()) {
    loading.manifests.unread.push_back({file, bytes.error().message()});
    return ok_status();
  }
  loading.bytes += bytes.value().size();
  if (loading.bytes > kManifestBytesMax) return Error(Code::kInvalid, file + ": the manifests are too large together");
  auto read = read_manifest(file, as_text(bytes.value()));
  if (read.ok()) {
    std::ranges::move(read.value(), std::back_inserter(loading.manifests.resources));
  } else {
    loading.manifests.unread.push_back({file, read.error().message()});
  }
  return ok_status();
}

bool is_manifest_name(const Path& path) {
  const Path extension = path.extension();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

Status take_folder(Loading& loading, const Path& folder) {
  std::error_code wrong;
  std::vector<Path> files;
  const auto options = std::filesystem::directory_options::none;
  for (std::filesystem::recursive_directory_iterator entry(folder, options, wrong), end; !wrong && entry != end;
       entry.increment(wrong)) {
    std::error_code ignored;
    if (!is_manifest_name(entry->path()) || !entry->is_regular_file(ignored)) continue;
    if (files.size() >= kManifestFilesMax) return Error(Code::kInvalid, folder.string() + ": too many manifests");
    files.push_back(entry->path());
  }
  if (wrong) return error_from_errno(wrong.value(), "read folder " + folder.string());
  std::ranges::sort(files);
  for (const Path& file : files) {
    CLOISTER_RETURN_IF_ERROR(take_text(loading, file.string(), read_file(file, YamlLimits().size)));
  }
  return ok_status();
}

Status take_path(Loading& loading, const std::string& path) {
  if (path == "-") {
    const File input = File::from_descriptor(STDIN_FILENO, "standard input", File::Owned::kNo);
    return take_text(loading, "-", read_rest(input, YamlLimits().size));
  }
  std::error_code wrong;
  const auto status = std::filesystem::status(path, wrong);
  if (!std::filesystem::exists(status)) return Error(Code::kNotFound, path + ": no such file or folder");
  if (std::filesystem::is_directory(status)) return take_folder(loading, path);
  return take_text(loading, path, read_file(path, YamlLimits().size));
}

}  // namespace

std::string Resource::subject() const {
  if (kind.empty()) return "document";
  return kind + " " + (name_space.empty() ? "" : name_space + "/") + (name.empty() ? "(without a name)" : name);
}

Result<std::vector<Resource>> read_manifest(const std::string& file, std::string_view text) {
  CLOISTER_TRY(std::vector<YamlValue> documents, parse_yaml(text));
  std::vector<Resource> resources;
  for (YamlValue& document : documents) {
    CLOISTER_RETURN_IF_ERROR(add_document(resources, file, std::move(document)));
  }
  return resources;
}

Result<Manifests> load_manifests(const std::vector<std::string>& paths) {
  Loading loading;
  for (const std::string& path : paths) CLOISTER_RETURN_IF_ERROR(take_path(loading, path));
  return std::move(loading.manifests);
}

}  // namespace cloister::mesh
