#include "probe/path/draft.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace cloister::probe::path {
namespace {

constexpr std::size_t kNameMax = 64;

struct Drafted {
  std::set<std::string> spiffe_ids, addresses, executables, workloads;
};
using Components = std::map<std::string, Drafted>;

// Of the letters that names have.
std::string name_from(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, kNameMax)) {
    const bool lower = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
    const bool upper = c >= 'A' && c <= 'Z';
    name += lower ? c : upper ? static_cast<char>(c - 'A' + 'a') : '-';
  }
  return name;
}

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool is_address_alone(const Party& party) {
  return party.component.empty() && !party.spiffe_id && party.workload.empty() && party.executable.empty();
}

std::string own_name(const Party& party) {
  if (!party.component.empty()) return name_from(party.component);
  if (party.spiffe_id) return name_from(last_part(party.spiffe_id->uri()));
  if (!party.workload.empty()) return name_from(last_part(party.workload));
  if (!party.executable.empty()) return name_from(last_part(party.executable));
  return name_from(party.address->to_string());
}

// Whoever is the only one at that address, else one that is called like it.
std::string name_among(const Components& components, const Party& party) {
  if (!is_address_alone(party)) return own_name(party);
  std::string only;
  for (const auto& [name, drafted] : components) {
    if (!drafted.addresses.contains(party.address->to_string())) continue;
    if (!only.empty()) return own_name(party);
    only = name;
  }
  return only.empty() ? own_name(party) : only;
}

void note(Components& components, const std::string& name, const Party& party) {
  Drafted& drafted = components[name];
  if (party.spiffe_id) drafted.spiffe_ids.insert(party.spiffe_id->uri());
  if (party.address) drafted.addresses.insert(party.address->to_string());
  if (party.executable.starts_with('/')) drafted.executables.insert(plain_detail(party.executable));
  if (party.workload.find('/') != std::string::npos) drafted.workloads.insert(plain_detail(party.workload));
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string list_line(std::string_view key, const std::set<std::string>& values) {
  if (values.empty()) return "";
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ", ") + quoted(value);
  return std::string(key) + " = [" + text + "]\n";
}

}  // namespace

std::string draft_graph(const std::vector<Statement>& statements) {
  std::vector<const Statement*> seen;
  for (const Statement& statement : statements) {
    const bool traffic = statement.source == Source::kSockets || statement.source == Source::kCapture ||
                         statement.source == Source::kReceipt;
    if (traffic && !statement.from.is_any() && !statement.to.is_any() && statement.port != 0)
      seen.push_back(&statement);
  }
  Components components;
  for (const Statement* statement : seen) {
    for (const Party* party : {&statement->from, &statement->to}) {
      if (!is_address_alone(*party)) note(components, own_name(*party), *party);
    }
  }
  std::set<std::tuple<std::string, std::string, Transport, std::uint16_t>> edges;
  for (const Statement* statement : seen) {
    const std::string from = name_among(components, statement->from), to = name_among(components, statement->to);
    note(components, from, statement->from);
    note(components, to, statement->to);
    edges.insert({from, to, statement->transport, statement->port});
  }
  std::string text =
      "# Drafted from what was seen. Read every line: what was seen isn't thereby allowed.\nversion = 1\nid = "
      "\"drafted\"\n";
  for (const auto& [name, drafted] : components) {
    text += "\n[[component]]\nname = " + quoted(name) + "\n" + list_line("spiffe_id", drafted.spiffe_ids) +
            list_line("workload", drafted.workloads) + list_line("executable", drafted.executables) +
            list_line("address", drafted.addresses);
  }
  for (const auto& [from, to, transport, port] : edges) {
    text += "\n[[edge]]\nfrom = " + quoted(from) + "\nto = " + quoted(to) + "\nport = " + std::to_string(port) + "\n";
    if (transport != Transport::kTcp) text += "transport = " + quoted(std::string(name_of(transport))) + "\n";
  }
  return text;
}

}  // namespace cloister::probe::path
