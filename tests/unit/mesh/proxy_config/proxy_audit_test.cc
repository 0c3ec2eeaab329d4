// The audit of HAProxy's, nginx's and stunnel's own configuration: a comment on each line says which rules find
// something.
#include "mesh/proxy_config/proxy_audit.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "mesh/proxy_config/directive.h"
#include "tests/support/expect.h"

namespace cloister::mesh {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::value_of;

constexpr const char* kHaproxy = R"(global
    ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
    mode tcp
frontend web
    bind :80  # H1
    bind 127.0.0.1:8080
    bind :443 ssl crt /a.pem  # H3
    bind :444 ssl crt "/a b.pem" ca-file /ca.pem verify required
backend models
    server plain 10.0.0.1:8000  # H2
    server local 127.0.0.1:8000
    server none 10.0.0.2:443 ssl verify none  # H4 H5
    server nameless 10.0.0.3:443 ssl verify required ca-file /ca.pem ssl-min-ver TLSv1.3  # H4
    server good 10.0.0.4:443 ssl verify required ca-file /ca.pem verifyhost m.example ssl-min-ver TLSv1.3
listen both
    default-server ssl verify required ca-file /ca.pem sni str(m.example) ssl-min-ver TLSv1.3
    server by-default 10.0.0.5:443
    server but-not-here 10.0.0.6:443 verify none  # H4
)";

constexpr const char* kNginx = R"(http {
  ssl_protocols TLSv1.3;
  server {
    listen 80;  # G1
    listen 127.0.0.1:81;
    location / { proxy_pass http://models:8000; }  # G2
    location /local { proxy_pass http://127.0.0.1:8000; }
  }
  server {  # G3
    listen 443 ssl;
    location / { proxy_pass https://models; }  # G4 G4
    location /grpc { grpc_pass grpc://models:50051; }  # G2
  }
  server {
    listen 444 ssl;
    ssl_verify_client on;
    proxy_ssl_verify on;
    proxy_ssl_certificate "/a;b}.pem";
    location / { proxy_pass https://models; }
  }
}
stream {
  server {  # G3 G5
    listen 9000 ssl;
    proxy_pass models:9000;  # G2
  }
}
)";

constexpr const char* kStunnel = R"(sslVersionMin = TLSv1.3
[good]
accept = 443
verifyChain = yes
checkHost = m.example
[pinned]
accept = 447
verifyPeer = yes
[nobody] ; S1
accept = 444
[nameless] ; S2
accept = 445
verifyChain = yes
[old] ; S3
accept = 446
verifyChain = yes
checkHost = m.example
sslVersionMin = TLSv1.2
)";

std::vector<std::string> expected_in(std::string_view text, char mark) {
  std::vector<std::string> expected;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string line(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    ++number;
    const std::size_t at = line.find(std::string(1, mark) + " ");
    if (at == std::string::npos) continue;
    std::string rules = line.substr(at + 2) + " ";
    for (std::size_t blank; (blank = rules.find(' ')) != std::string::npos; rules = rules.substr(blank + 1)) {
      expected.push_back(std::to_string(number) + " " + rules.substr(0, blank));
    }
  }
  std::ranges::sort(expected);
  return expected;
}

std::vector<std::string> found_in(ProxyKind kind, std::string_view text) {
  std::vector<std::string> found;
  for (const Finding& finding : value_of(audit_proxy(kind, "f", text))) {
    found.push_back(std::to_string(finding.line) + " " + std::string(finding.rule->id));
  }
  std::ranges::sort(found);
  return found;
}

TEST(ProxyAuditTest, Haproxy) { EXPECT_EQ(found_in(ProxyKind::kHaproxy, kHaproxy), expected_in(kHaproxy, '#')); }

TEST(ProxyAuditTest, Nginx) { EXPECT_EQ(found_in(ProxyKind::kNginx, kNginx), expected_in(kNginx, '#')); }

TEST(ProxyAuditTest, Stunnel) {
  std::string text = kStunnel;  // a comment of stunnel has a line of its own
  for (std::size_t at; (at = text.find(" ;")) != std::string::npos;) text.erase(at, text.find('\n', at) - at);
  EXPECT_EQ(found_in(ProxyKind::kStunnel, text), expected_in(kStunnel, ';'));
}

TEST(ProxyAuditTest, WhatIsNoConfiguration) {
  expect_refused(audit_proxy(ProxyKind::kHaproxy, "f", ""), Code::kInvalid, "no section");
  expect_refused(audit_proxy(ProxyKind::kHaproxy, "f", "bind :80\n"), Code::kInvalid, "line 1: a line before");
  expect_refused(audit_proxy(ProxyKind::kHaproxy, "f", "global\n x \"y\n"), Code::kInvalid, "line 2: a quote");
  expect_refused(audit_proxy(ProxyKind::kNginx, "f", "http {\n"), Code::kInvalid, "doesn't end");
  expect_refused(audit_proxy(ProxyKind::kNginx, "f", "}\n"), Code::kInvalid, "line 1: a }");
  expect_refused(audit_proxy(ProxyKind::kNginx, "f", "a;\nb"), Code::kInvalid, "line 2: a directive without");
  expect_refused(audit_proxy(ProxyKind::kNginx, "f", ";"), Code::kInvalid, "nothing stands before ;");
  expect_refused(audit_proxy(ProxyKind::kNginx, "f", "a 'b;"), Code::kInvalid, "a quote");
  expect_refused(audit_proxy(ProxyKind::kNginx, "f", "a ${b;"), Code::kInvalid, "a variable");
  expect_refused(audit_proxy(ProxyKind::kStunnel, "f", "[a\n"), Code::kInvalid, "line 1: a section");
  expect_refused(audit_proxy(ProxyKind::kStunnel, "f", "accept 443\n"), Code::kInvalid, "name = value");
}

TEST(ProxyAuditTest, TooDeepTooLongTooMany) {
  std::string deep;
  for (int i = 0; i < 33; ++i) deep += "a {";
  expect_refused(parse_nginx(deep), Code::kInvalid, "too deeply");
  expect_refused(parse_nginx(std::string(kProxyConfigSizeMax + 1, ' ')), Code::kInvalid, "at most");
  expect_refused(parse_haproxy(std::string_view("global\0", 7)), Code::kInvalid, "zero byte");
  std::string many;
  for (std::size_t i = 0; i <= kDirectivesMax; ++i) many += "a;";
  expect_refused(parse_nginx(many), Code::kInvalid, "too many");
}

}  // namespace
}  // namespace cloister::mesh
