// Judges every file of a folder as a content audit does: content_tool FOLDER [KEY-NAME]... prints {"name": ["verdict",
// "type"]}.
#include <cstdio>

#include "base/json.h"
#include "posture/collect/content/file_look.h"

int main(int count, char** arguments) {
  using namespace cloister;                    // NOLINT
  using namespace cloister::posture::content;  // NOLINT
  if (count < 2) return 2;
  KnownKeys keys;
  for (int i = 2; i < count; ++i) keys.names.insert(arguments[i]);
  ClassifyOptions options;
  options.keys = &keys;
  LookBuffers buffers;
  Progress progress;
  WalkOptions walk;
  walk.progress = &progress;
  JsonValue::Object out;
  const auto report = walk_tree(arguments[1], walk, [&](const FileBatch& batch) {
    for (const std::string& name : batch.names) {
      const FileLook look = look_at_file(batch.directory->descriptor(), name, options, buffers);
      const JsonValue::Array judged = {std::string(name_of(look.finding.verdict)), look.finding.type};
      out.emplace_back(batch.folder.empty() ? name : batch.folder + "/" + name, judged);
    }
  });
  if (!report.ok()) {
    std::fprintf(stderr, "%s\n", report.error().message().c_str());
    return 1;
  }
  std::printf("%s\n", JsonValue(std::move(out)).serialize().c_str());
  return 0;
}
