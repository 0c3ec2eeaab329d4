// The pages that `cloister help` prints, from the command tree.
#include <algorithm>

#include "base/error.h"
#include "tree.h"

namespace cloister::cli {
namespace {

constexpr std::size_t kLeft = 30;
constexpr std::size_t kWidth = 80;

std::string exit_status_list() {
  std::string out = "EXIT STATUS\n";
  for (const ExitStatus& row : exit_statuses()) {
    std::string number = std::to_string(row.status);
    number.insert(0, 4 - number.size(), ' ');
    out += number + "  " + std::string(row.name) + (row.status == 0 ? "" : ": " + std::string(row.meaning)) + "\n";
  }
  return out;
}

// Text at column kLeft, wrapped.
std::string entry(const std::string& left, const std::string& right) {
  std::string out = "  " + left;
  std::string line;
  const auto put = [&out, &line] {
    if (out.ends_with('\n') || out.empty()) {
      out.append(kLeft, ' ');
    } else if (out.size() - (out.rfind('\n') + 1) + 2 > kLeft) {
      out += "\n" + std::string(kLeft, ' ');
    } else {
      out.resize(out.rfind('\n') + 1 + kLeft, ' ');
    }
    out += line + "\n";
    line.clear();
  };
  std::string word;
  for (const char c : right + " ") {
    if (c != ' ') {
      word += c;
      continue;
    }
    if (!line.empty() && kLeft + line.size() + 1 + word.size() > kWidth) put();
    line += (line.empty() ? "" : " ") + word;
    word.clear();
  }
  put();
  return out;
}

std::string option_entry(const OptionView& option) {
  std::string left = option.name;
  if (!option.positional && !option.value.empty()) left += " " + option.value;
  std::string right = option.about;
  if (!option.standard.empty()) right += " (" + option.standard + ")";
  if (option.required && !option.positional) right += " (required)";
  if (option.repeatable && !option.positional) right += "; may be repeated";
  return entry(left, right);
}

std::string option_list(const CLI::App& app, bool positional) {
  std::string out;
  for (const OptionView& option : options_of(app)) {
    const bool is_help = option.name.find("--help") != std::string::npos;
    if (option.positional == positional && !is_help) out += option_entry(option);
  }
  return out;
}

std::string synopsis(const VerbView& verb) {
  std::string line = "  cloister" + (verb.path.empty() ? "" : " " + verb.path);
  if (!verb.children.empty()) return line + " VERB …\n";
  for (const OptionView& option : options_of(*verb.app)) {
    if (!option.positional && option.required) line += " " + option.flags.front() + " " + option.value;
  }
  const bool has_options = std::ranges::any_of(options_of(*verb.app), [](const OptionView& option) {
    return !option.positional && !option.required && option.name.find("--help") == std::string::npos;
  });
  if (has_options) line += " [OPTION]…";
  for (const OptionView& option : options_of(*verb.app)) {
    if (!option.positional) continue;
    const std::string name = option.name + (option.repeatable ? "…" : "");
    line += option.required ? " " + name : " [" + name + "]";
  }
  return line + "\n";
}

std::string child_pages(const std::vector<VerbView>& verbs, const VerbView& parent) {
  std::string out;
  for (const VerbView& verb : verbs) {
    if (!verb.path.starts_with(parent.path + " ") || !verb.children.empty()) continue;
    out += "\n" + synopsis(verb) + "      " + verb.app->get_description() + "\n" + option_list(*verb.app, true) +
           option_list(*verb.app, false);
  }
  return out;
}

}  // namespace

std::string manual_page(const CLI::App& root, const std::string& path) {
  const std::vector<VerbView> verbs = verbs_of(root);
  const auto found = std::ranges::find(verbs, path, &VerbView::path);
  if (found == verbs.end()) return "";
  std::string out = "cloister" + (path.empty() ? "" : " " + path) + " - " + found->app->get_description() +
                    "\n\nSYNOPSIS\n" + synopsis(*found) + "\n";
  if (path.empty()) {
    out += "VERBS\n";
    for (const CLI::App* child : found->children) out += entry(child->get_name(), child->get_description());
    out += "\n";
  } else if (!found->children.empty()) {
    out += "VERBS" + child_pages(verbs, *found) + "\n";
  }
  const std::string positionals = option_list(*found->app, true);
  if (!positionals.empty()) out += "ARGUMENTS\n" + positionals + "\n";
  const std::string options = path.empty() ? "" : option_list(*found->app, false);
  if (!options.empty()) out += "OPTIONS\n" + options + "\n";
  out += "OPTIONS OF EVERY VERB\n" + option_list(root, false) + "\n";
  const std::string notes = found->app->get_footer();
  if (!notes.empty()) out += notes + "\n";
  return out + exit_status_list();
}

}  // namespace cloister::cli
