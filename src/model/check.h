// What loading a model's file would do besides giving numbers: run code, read other files, take more memory than the
// file says. Nothing is loaded to find out. docs/model-signing.md, "What a file would do".
#pragma once

#include <string>
#include <vector>

#include "base/file.h"

namespace cloister::model {

struct FileCheck {
  std::string format;                  // "safetensors", "GGUF", "pickle", …; "unknown"
  std::vector<std::string> runs_code;  // what would, and how
  std::vector<std::string> reads;      // other files that it names
  std::vector<std::string> refused;    // what is wrong with it
  std::vector<std::string> notes;
  // What may be loaded by whoever loads nothing that runs code, reads elsewhere or lies.
  bool harmless() const { return runs_code.empty() && reads.empty() && refused.empty() && format != "unknown"; }
};

// By its content, and by its name where only that tells. Errors are those of reading.
Result<FileCheck> check_file(const File& file, const std::string& name);

}  // namespace cloister::model
