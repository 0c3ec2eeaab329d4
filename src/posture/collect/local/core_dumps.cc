#include "posture/collect/local/core_dumps.h"

#include <array>

namespace cloister::posture {
namespace {

// In the order in which later ones win. Of drop-ins all are read by name.
constexpr std::array<const char*, 3> kFiles = {"/usr/lib/systemd/coredump.conf", "/run/systemd/coredump.conf",
                                               "/etc/systemd/coredump.conf"};
constexpr std::array<const char*, 3> kFolders = {"/usr/lib/systemd/coredump.conf.d", "/run/systemd/coredump.conf.d",
                                                 "/etc/systemd/coredump.conf.d"};

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

void take_file(const SystemTree& tree, const std::string& path, std::string& storage, CoreDumps& dumps) {
  const auto text = tree.read(path);
  if (!text.ok()) {
    if (text.error().code() != Code::kNotFound) dumps = {CoreDumps::Kind::kUnread, text.error().message(), ""};
    return;
  }
  if (const std::string value = last_setting(*text, "Storage"); !value.empty()) storage = value;
}

CoreDumps by_systemd(const SystemTree& tree, std::string raw) {
  CoreDumps dumps;
  dumps.kind = CoreDumps::Kind::kFolder;
  std::string storage = "external";
  // A main file of a higher place hides that of a lower one.
  for (const char* file : kFiles) take_file(tree, file, storage, dumps);
  for (const char* folder : kFolders) {
    const auto names = tree.list(folder);
    for (const std::string& name : names.ok() ? *names : std::vector<std::string>()) {
      if (name.ends_with(".conf")) take_file(tree, std::string(folder) + "/" + name, storage, dumps);
    }
  }
  if (dumps.kind == CoreDumps::Kind::kUnread) return dumps;
  dumps.raw = raw + "\nStorage=" + storage;
  if (storage == "none") return {CoreDumps::Kind::kNone, "systemd-coredump keeps none", dumps.raw};
  dumps.where = storage == "journal" ? "/var/log/journal" : "/var/lib/systemd/coredump";
  return dumps;
}

CoreDumps by_program(const SystemTree& tree, const std::string& pattern) {
  const std::string program = pattern.substr(1, pattern.find(' ') - 1);
  const std::string name = program.substr(program.rfind('/') + 1);
  if (name == "false" || name == "true") return {CoreDumps::Kind::kNone, "dumps are handed to " + program, pattern};
  if (name == "systemd-coredump") return by_systemd(tree, pattern);
  if (name == "apport") return {CoreDumps::Kind::kFolder, "/var/crash", pattern};
  return {CoreDumps::Kind::kUnknown, "dumps are handed to " + program, pattern};
}

}  // namespace

std::string last_setting(std::string_view text, std::string_view name) {
  std::string found;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = line.find('=');
    if (line.starts_with('#') || line.starts_with(';') || equals == std::string_view::npos) continue;
    if (trimmed(line.substr(0, equals)) == name) found = trimmed(line.substr(equals + 1));
  }
  return found;
}

CoreDumps read_core_dumps(const SystemTree& tree) {
  const auto pattern = tree.read("/proc/sys/kernel/core_pattern");
  if (!pattern.ok()) return {CoreDumps::Kind::kUnread, pattern.error().message(), ""};
  if (pattern->starts_with('|')) return by_program(tree, *pattern);
  if (pattern->empty()) {
    const auto with_pid = tree.read("/proc/sys/kernel/core_uses_pid");
    if (with_pid.ok() && *with_pid == "0") return {CoreDumps::Kind::kNone, "core_pattern is empty", ""};
    return {CoreDumps::Kind::kUnknown, "the working folder of whatever crashes", ""};
  }
  if (!pattern->starts_with('/')) {
    return {CoreDumps::Kind::kUnknown, "the working folder of whatever crashes", *pattern};
  }
  // A folder that depends on who crashes can't be looked at beforehand.
  const std::string folder = pattern->substr(0, std::max<std::size_t>(pattern->rfind('/'), 1));
  if (folder.find('%') != std::string::npos) return {CoreDumps::Kind::kUnknown, *pattern, *pattern};
  return {CoreDumps::Kind::kFolder, folder, *pattern};
}

}  // namespace cloister::posture
