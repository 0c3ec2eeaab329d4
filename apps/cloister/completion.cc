// Completion scripts for bash, zsh and fish, from the command tree.
#include "tree.h"

namespace cloister::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const OptionView& option : options_of(app)) flags.insert(flags.end(), option.flags.begin(), option.flags.end());
  return flags;
}

// Single quotes, as all three shells read them.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("’") : std::string(1, c);
  return out + "'";
}

std::string path_cases(const std::vector<VerbView>& verbs) {
  std::string out;
  for (const VerbView& verb : verbs) {
    if (!verb.path.empty()) out += (out.empty() ? "" : " | ") + quoted(" " + verb.path);
  }
  return out;
}

// "--suite) values='a b' ;;" for every option with a closed list of values.
std::string value_cases(const std::vector<VerbView>& verbs) {
  std::string out;
  for (const VerbView& verb : verbs) {
    for (const OptionView& option : options_of(*verb.app)) {
      if (option.choices.empty() || option.positional) continue;
      const std::string words = quoted(joined(option.choices));
      out += "    " + quoted(" " + verb.path + " " + option.flags.front()) + ") values=" + words + " ;;\n";
    }
  }
  return out;
}

std::string word_cases(const CLI::App& root, const std::vector<VerbView>& verbs) {
  const std::string global = joined(flags_of(root));
  std::string out;
  for (const VerbView& verb : verbs) {
    std::vector<std::string> children;
    for (const CLI::App* child : verb.children) children.push_back(child->get_name());
    const std::string flags = verb.path.empty() ? global : joined(flags_of(*verb.app)) + " " + global;
    out += "    " + quoted(verb.path.empty() ? "" : " " + verb.path) + ") verbs=" + quoted(joined(children)) +
           " options=" + quoted(flags) + " ;;\n";
  }
  return out;
}

}  // namespace

std::string bash_completion(const CLI::App& root) {
  const auto verbs = verbs_of(root);
  return R"(# bash completion for cloister: cloister completion bash > /etc/bash_completion.d/cloister
_cloister() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local path='' verbs='' options='' values='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path ${COMP_WORDS[i]}" in
    )" + path_cases(verbs) +
         R"() path="$path ${COMP_WORDS[i]}" ;;
    esac
  done
  case "$path $previous" in
)" + value_cases(verbs) +
         R"(  esac
  case "$path" in
)" + word_cases(root, verbs) +
         R"(  esac
  local words=$verbs
  if [[ -n $values ]]; then
    words=$values
  elif [[ $current == -* ]]; then
    words=$options
  fi
  COMPREPLY=()
  [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o default -F _cloister cloister
)";
}

std::string zsh_completion(const CLI::App& root) {
  const auto verbs = verbs_of(root);
  return R"(#compdef cloister
# zsh completion for cloister: cloister completion zsh > a folder of $fpath, as _cloister
_cloister() {
  local current=${words[CURRENT]} previous=${words[CURRENT - 1]}
  local path_='' verbs='' options='' values='' i
  for ((i = 2; i < CURRENT; i++)); do
    case "$path_ ${words[i]}" in
    )" + path_cases(verbs) +
         R"() path_="$path_ ${words[i]}" ;;
    esac
  done
  case "$path_ $previous" in
)" + value_cases(verbs) +
         R"(  esac
  case "$path_" in
)" + word_cases(root, verbs) +
         R"(  esac
  if [[ -n $values ]]; then
    compadd -- ${=values}
  elif [[ $current == -* ]]; then
    compadd -- ${=options}
  elif [[ -n $verbs ]]; then
    compadd -- ${=verbs}
  else
    _files
  fi
}
compdef _cloister cloister
)";
}

std::string fish_completion(const CLI::App& root) {
  const auto verbs = verbs_of(root);
  std::string out =
      R"(# fish completion for cloister: cloister completion fish > ~/.config/fish/completions/cloister.fish
function __cloister_path
    set -l path
    for word in (commandline -opc)[2..]
        switch "$path $word"
            case )";
  for (const VerbView& verb : verbs) {
    if (verb.path.empty()) continue;
    const bool deep = verb.path.find(' ') != std::string::npos;
    out += quoted(deep ? verb.path : " " + verb.path) + " ";
  }
  out += R"(
                set path (string trim "$path $word")
        end
    end
    test "$path" = "$argv[1]"
end
)";
  for (const VerbView& verb : verbs) {
    const std::string condition = "complete -c cloister -n " +
                                  quoted("__cloister_path " + (verb.path.empty() ? "\"\"" : "\"" + verb.path + "\""));
    for (const CLI::App* child : verb.children) {
      out += condition + " -f -a " + child->get_name() + " -d " + quoted(child->get_description()) + "\n";
    }
    for (const OptionView& option : options_of(*verb.app)) {
      if (option.positional) continue;
      // The program's own options are good everywhere.
      std::string line = verb.path.empty() ? "complete -c cloister" : condition;
      for (const std::string& flag : option.flags) {
        line += flag.starts_with("--") ? " -l " + flag.substr(2) : " -s " + flag.substr(1);
      }
      if (!option.value.empty()) line += option.choices.empty() ? " -r" : " -x -a " + quoted(joined(option.choices));
      out += line + " -d " + quoted(option.about) + "\n";
    }
  }
  return out;
}

}  // namespace cloister::cli
