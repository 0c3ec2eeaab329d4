// H, G and S: listeners that take plaintext, upstreams that are sent plaintext, peers that aren't verified.
#include "mesh/proxy_config/proxy_audit.h"

#include <algorithm>

#include "mesh/manifest/audit_state.h"
#include "mesh/proxy_config/directive.h"

namespace cloister::mesh {
namespace {

struct Found {
  std::string file;
  std::vector<Finding> findings;

  void add(std::string_view id, const Directive& at, const std::string& subject, std::string what) {
    const Rule& of = rule(id);
    findings.push_back({&of, of.severity, file, at.line, shown(subject), std::move(what)});
  }
};

// "127.0.0.1:80", "[::1]:80", "localhost:80", "unix@/run/x", "/run/x", "unix:/run/x".
bool is_local(std::string_view address) {
  if (address.starts_with("ipv4@") || address.starts_with("ipv6@")) address.remove_prefix(5);
  for (const std::string_view begin : {"127.", "[::1]", "::1:", "localhost", "unix@", "unix:", "/", "abns@", "fd@"}) {
    if (address.starts_with(begin)) return true;
  }
  return false;
}

std::string name_of_section(const Directive& section) {
  std::string name = section.words.front();
  if (section.words.size() > 1) name += " " + section.words[1];
  return name;
}

// HAProxy.

// What default-server and ssl-default-… of `global` say counts where a line says nothing itself.
struct HaproxyDefaults {
  std::string server, bind_options, server_options;
};

std::string joined(const Directive& directive) {
  std::string all = " ";
  for (std::size_t i = 1; i < directive.words.size(); ++i) all += directive.words[i] + " ";
  return all;
}

bool has_words(const std::string& line, std::string_view words) {
  return line.find(" " + std::string(words) + " ") != std::string::npos;
}

void audit_version(Found& found, std::string_view id, const Directive& at, const std::string& subject,
                   const std::string& line, const std::string& options) {
  const bool strict = has_words(line, "ssl-min-ver TLSv1.3") || has_words(line, "force-tlsv13") ||
                      has_words(options, "ssl-min-ver TLSv1.3") || has_words(options, "force-tlsv13");
  if (!strict) found.add(id, at, subject, "ssl-min-ver isn't TLSv1.3");
}

void audit_bind(Found& found, const Directive& bind, const std::string& subject, const HaproxyDefaults& defaults) {
  const std::string line = joined(bind);
  if (bind.words.size() < 2) return;
  if (!bind.has("ssl")) {
    if (!is_local(bind.words[1])) found.add("H1", bind, subject, "bind " + shown(bind.words[1]) + " without ssl");
    return;
  }
  if (!has_words(line, "verify required")) found.add("H3", bind, subject, "bind without verify required");
  audit_version(found, "H5", bind, subject, line, defaults.bind_options);
}

void audit_server(Found& found, const Directive& server, const std::string& subject, const HaproxyDefaults& defaults,
                  const std::string& of_section) {
  if (server.words.size() < 3) return;
  const std::string line = joined(server) + of_section;
  if (!has_words(line, "ssl")) {
    if (!is_local(server.words[2]))
      found.add("H2", server, subject, "server " + shown(server.words[1]) + " without ssl");
    return;
  }
  // "none" in the line beats what default-server says; HAProxy takes the last of two.
  const bool verifies = has_words(line, "verify required") || line.find(" ca-file ") != std::string::npos;
  if (has_words(joined(server), "verify none") || !verifies) {
    found.add("H4", server, subject, "server " + shown(server.words[1]) + " isn't verified");
  } else if (line.find(" verifyhost ") == std::string::npos && line.find(" sni ") == std::string::npos) {
    found.add("H4", server, subject, "server " + shown(server.words[1]) + " without verifyhost: any name will do");
  }
  audit_version(found, "H5", server, subject, line, defaults.server_options);
}

Status audit_haproxy(Found& found, std::string_view text) {
  CLOISTER_TRY(const std::vector<Directive> sections, parse_haproxy(text));
  HaproxyDefaults defaults;
  for (const Directive& section : sections) {
    for (const Directive& line : section.block) {
      if (line.name() == "ssl-default-bind-options") defaults.bind_options += joined(line);
      if (line.name() == "ssl-default-server-options") defaults.server_options += joined(line);
      if (section.name() == "defaults" && line.name() == "default-server") defaults.server += joined(line);
    }
  }
  for (const Directive& section : sections) {
    if (section.name() != "frontend" && section.name() != "backend" && section.name() != "listen") continue;
    std::string of_section = defaults.server;
    for (const Directive& line : section.block) {
      if (line.name() == "default-server") of_section += joined(line);
      if (line.name() == "bind") audit_bind(found, line, name_of_section(section), defaults);
      if (line.name() == "server") audit_server(found, line, name_of_section(section), defaults, of_section);
    }
  }
  return ok_status();
}

// nginx: a directive counts in its block and those within, unless they have it themselves.

struct NginxScope {
  std::vector<const std::vector<Directive>*> blocks;  // the innermost last

  const Directive* find(std::string_view name) const {
    for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
      const auto found = std::ranges::find(**block, name, &Directive::name);
      if (found != (*block)->end()) return &*found;
    }
    return nullptr;
  }
  bool is(std::string_view name, std::string_view value) const {
    const Directive* directive = find(name);
    return directive != nullptr && directive->words.size() > 1 && directive->words[1] == value;
  }
};

bool takes_only_newest(const Directive* protocols) {
  return protocols != nullptr && protocols->words.size() == 2 && protocols->words[1] == "TLSv1.3";
}

void audit_nginx_server(Found& found, const Directive& server, const NginxScope& scope) {
  const Directive* name = scope.find("server_name");
  const std::string subject =
      "server " + (name != nullptr && name->words.size() > 1 ? name->words[1] : std::string("without a name"));
  bool any_tls = false;
  for (const Directive& listen : server.block) {
    if (listen.name() != "listen" || listen.words.size() < 2) continue;
    const bool tls = listen.has("ssl") || listen.has("quic");
    any_tls |= tls;
    if (!tls && !is_local(listen.words[1]))
      found.add("G1", listen, subject, "listen " + shown(listen.words[1]) + " without ssl");
  }
  if (!any_tls) return;
  if (!scope.is("ssl_verify_client", "on")) found.add("G3", server, subject, "ssl_verify_client isn't on");
  if (!takes_only_newest(scope.find("ssl_protocols")))
    found.add("G5", server, subject, "ssl_protocols isn't TLSv1.3 alone");
}

void audit_pass(Found& found, const Directive& pass, const NginxScope& scope, bool in_stream) {
  if (pass.words.size() < 2) return;
  std::string_view target = pass.words[1];
  const bool grpc = pass.name() == "grpc_pass";
  const std::string subject = std::string(pass.name()) + " " + std::string(target.substr(0, target.find("://")));
  const bool tls = in_stream ? scope.is("proxy_ssl", "on") : target.starts_with(grpc ? "grpcs://" : "https://");
  if (!tls) {
    const std::size_t scheme = target.find("://");
    if (scheme != std::string_view::npos) target = target.substr(scheme + 3);
    if (!is_local(target)) found.add("G2", pass, subject, in_stream ? "proxy_ssl isn't on" : "an upstream without TLS");
    return;
  }
  const std::string begin = grpc ? "grpc_ssl_" : "proxy_ssl_";
  if (!scope.is(begin + "verify", "on"))
    found.add("G4", pass, subject, begin + "verify isn't on, and off is the default");
  if (scope.find(begin + "certificate") == nullptr)
    found.add("G4", pass, subject, "no " + begin + "certificate: nginx shows none");
}

void walk_nginx(Found& found, const std::vector<Directive>& block, NginxScope& scope, bool in_stream) {
  scope.blocks.push_back(&block);
  for (const Directive& directive : block) {
    if (directive.name() == "proxy_pass" || directive.name() == "grpc_pass")
      audit_pass(found, directive, scope, in_stream);
    if (directive.block.empty()) continue;
    const bool stream = in_stream || directive.name() == "stream";
    walk_nginx(found, directive.block, scope, stream);
    if (directive.name() != "server") continue;
    scope.blocks.push_back(&directive.block);
    audit_nginx_server(found, directive, scope);
    scope.blocks.pop_back();
  }
  scope.blocks.pop_back();
}

Status audit_nginx(Found& found, std::string_view text) {
  CLOISTER_TRY(const std::vector<Directive> top, parse_nginx(text));
  NginxScope scope;
  walk_nginx(found, top, scope, false);
  return ok_status();
}

// stunnel.

std::string_view stunnel_value(const Directive& section, const Directive& global, std::string_view name) {
  for (const Directive* from : {&section, &global}) {
    const auto line = std::ranges::find_if(
        from->block, [name](const Directive& one) { return equals_ignoring_case(one.name(), name); });
    if (line != from->block.end()) return line->words[1];
  }
  return {};
}

Status audit_stunnel(Found& found, std::string_view text) {
  CLOISTER_TRY(const std::vector<Directive> sections, parse_stunnel(text));
  const Directive& global = sections.front();
  for (const Directive& section : sections) {
    const auto value = [&](std::string_view name) { return stunnel_value(section, global, name); };
    if (&section == &global || value("accept").empty()) continue;
    const std::string subject = "[" + section.words.front() + "]";
    const bool peer = value("verifyPeer") == "yes";
    if (!peer && value("verifyChain") != "yes") {
      found.add("S1", section, subject, "neither verifyChain nor verifyPeer is on");
    } else if (!peer && value("checkHost").empty() && value("checkIP").empty() && value("checkEmail").empty()) {
      found.add("S2", section, subject, "verifyChain without checkHost: any name will do");
    }
    if (value("sslVersionMin") != "TLSv1.3" && value("sslVersion") != "TLSv1.3") {
      found.add("S3", section, subject, "sslVersionMin isn't TLSv1.3");
    }
  }
  return ok_status();
}

}  // namespace

Result<std::vector<Finding>> audit_proxy(ProxyKind kind, const std::string& file, std::string_view text) {
  Found found{file, {}};
  const auto audit = kind == ProxyKind::kHaproxy ? audit_haproxy
                     : kind == ProxyKind::kNginx ? audit_nginx
                                                 : audit_stunnel;
  CLOISTER_RETURN_IF_ERROR(audit(found, text));
  std::ranges::sort(found.findings, {},
                    [](const Finding& finding) { return std::pair(finding.line, finding.rule->id); });
  return std::move(found.findings);
}

}  // namespace cloister::mesh
