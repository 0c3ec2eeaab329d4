// The command tree as help and completion read it.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace cloister::cli {

struct OptionView {
  std::string name;                  // "-f,--force", or "SOURCE" for a positional
  std::vector<std::string> flags;    // {"--force", "-f"}
  std::string value;                 // "FILE", "{a,b}"; empty for a flag
  std::vector<std::string> choices;  // what value can be, where that is a closed list
  std::string about;
  std::string standard;  // the value when it isn't given
  bool positional = false;
  bool required = false;
  bool repeatable = false;
};

std::vector<OptionView> options_of(const CLI::App& app);

// A verb and where it is in the tree: "dataset recipient add".
struct VerbView {
  std::string path;
  const CLI::App* app = nullptr;
  std::vector<const CLI::App*> children;
};
// The program itself first (empty path), then every verb below it, depth first.
std::vector<VerbView> verbs_of(const CLI::App& root);

// What `cloister help VERB` prints.
std::string manual_page(const CLI::App& root, const std::string& path);

std::string bash_completion(const CLI::App& root);
std::string zsh_completion(const CLI::App& root);
std::string fish_completion(const CLI::App& root);

}  // namespace cloister::cli
