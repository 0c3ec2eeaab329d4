#include "tree.h"

namespace cloister::cli {
namespace {

// A longer list of values is for completion, not for a line of help.
constexpr std::size_t kValueSizeMax = 80;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::string part;
  for (const char c : text) {
    if (c == separator) {
      parts.push_back(part);
      part.clear();
    } else {
      part += c;
    }
  }
  if (!part.empty()) parts.push_back(part);
  return parts;
}

void walk(const CLI::App& app, const std::string& path, std::vector<VerbView>& out) {
  VerbView view{path, &app, {}};
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
    view.children.push_back(child);
  out.push_back(view);
  for (const CLI::App* child : view.children)
    walk(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), out);
}

}  // namespace

std::vector<OptionView> options_of(const CLI::App& app) {
  std::vector<OptionView> views;
  for (const CLI::Option* option : app.get_options()) {
    OptionView view;
    view.positional = !option->nonpositional();
    view.name = view.positional ? option->get_name(true) : option->get_name(false, true);
    for (const std::string& name : option->get_lnames()) view.flags.push_back("--" + name);
    for (const std::string& name : option->get_snames()) view.flags.push_back("-" + name);
    view.about = option->get_description();
    view.required = option->get_required();
    view.repeatable = option->get_items_expected_max() > 1 || option->get_expected_max() > 1;
    if (option->get_items_expected_max() > 0) {
      // CLI11 gives "TEXT:{a,b}" for a closed list and "UINT:INT in [1 - 9]" for a range.
      const std::string type = option->get_type_name();
      const std::size_t colon = type.find(':');
      view.value = type.substr(0, colon);
      if (colon != std::string::npos && type.substr(colon + 1).starts_with('{')) {
        view.value = type.substr(colon + 1);
        view.choices = split(view.value.substr(1, view.value.size() - 2), ',');
        if (view.value.size() > kValueSizeMax) view.value = "WORD";
      }
      view.standard = option->get_default_str();
    }
    views.push_back(std::move(view));
  }
  return views;
}

std::vector<VerbView> verbs_of(const CLI::App& root) {
  std::vector<VerbView> verbs;
  walk(root, "", verbs);
  return verbs;
}

}  // namespace cloister::cli
