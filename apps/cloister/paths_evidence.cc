#include "paths_evidence.h"

#include <algorithm>

#include "base/file.h"
#include "output.h"

namespace cloister::cli {
namespace {

Status add_folder(const Path& folder, std::vector<Path>& files) {
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    std::error_code unknown;
    if (entry.is_regular_file(unknown)) files.push_back(entry.path());
  }
  if (failure) return Error(Code::kInvalid, "read the folder " + folder.string() + ": " + failure.message());
  return {};
}

Result<std::vector<Path>> files_of(const std::vector<std::string>& paths) {
  std::vector<Path> files;
  for (const std::string& path : paths) {
    std::error_code failure;
    if (std::filesystem::is_directory(path, failure)) {
      CLOISTER_RETURN_IF_ERROR(add_folder(path, files));
    } else {
      files.emplace_back(path);
    }
  }
  std::ranges::sort(files);
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

}  // namespace

Result<GraphFile> read_graph(const std::string& path) {
  CLOISTER_TRY(Bytes content, read_file(path, probe::path::kGraphSizeMax));
  CLOISTER_TRY(probe::path::Graph graph, probe::path::parse_graph(as_text(content)).with_context(path));
  return GraphFile{std::move(content), std::move(graph)};
}

Result<std::vector<probe::path::Item>> read_items(const EvidenceOptions& options) {
  CLOISTER_TRY(const std::vector<Path> files, files_of(options.paths));
  if (files.size() + options.bundles.size() > probe::path::kItemsMax)
    return invalid("there are more than 4096 files of evidence");
  std::vector<probe::path::Item> items;
  for (const Path& file : files) {
    CLOISTER_TRY(Bytes content, read_file(file, probe::path::kItemSizeMax));
    CLOISTER_TRY(probe::path::Item item, probe::path::recognise(file.filename().string(), std::move(content)));
    items.push_back(std::move(item));
  }
  for (const std::string& option : options.bundles) {
    const std::size_t equals = option.find('=');
    if (equals == std::string::npos) return invalid("--bundle " + option + ": write TRUST-DOMAIN=FILE");
    CLOISTER_TRY(Bytes content, read_file(option.substr(equals + 1), identity::kBundleSizeMax));
    items.push_back({option.substr(0, equals), probe::path::ItemKind::kTrustBundle, std::move(content)});
  }
  return items;
}

}  // namespace cloister::cli
