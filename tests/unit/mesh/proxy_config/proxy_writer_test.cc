// What is written for other people's proxies: the relay's peers and no more, and a refusal where a proxy couldn't.
#include "mesh/proxy_config/proxy_writer.h"

#include <nlohmann/json.hpp>

#include "mesh/proxy_config/proxy_audit.h"
#include "tests/support/expect.h"

namespace cloister::mesh {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kFiles =
    "[identity]\ncertificate = \"/etc/id/svid.pem\"\nkey = \"/etc/id/key.pem\"\nbundle = \"/etc/id/bundle.pem\"\n";
constexpr std::string_view kApi = "[identity]\nworkload_api = \"unix:///run/workload.sock\"\n";

std::string inbound(std::string_view allow) {
  return "[[inbound]]\nname = \"in\"\nlisten = \"127.0.0.1:8443\"\nworkload = \"127.0.0.1:8000\"\nallow = [" +
         std::string(allow) + "]\n";
}
constexpr std::string_view kOutbound =
    "[[outbound]]\nname = \"out\"\nlisten = \"127.0.0.1:9000\"\ntarget = \"10.0.0.7:8443\"\n"
    "expect = \"spiffe://acme.example/model\"\n";
constexpr std::string_view kDomain = "\"spiffe://acme.example/*\"";
constexpr std::string_view kTwo = "\"spiffe://acme.example/gateway\", \"spiffe://acme.example/batch/*\"";

Result<std::string> write(ProxyTarget target, const std::string& text) {
  return write_proxy(target, value_of(parse_relay_config(text)));
}

TEST(ProxyWriterTest, EnvoyFromFiles) {
  const auto text = value_of(write(ProxyTarget::kEnvoy, std::string(kFiles) + inbound(kTwo) + std::string(kOutbound)));
  const auto bootstrap = nlohmann::json::parse(text);
  const auto& listeners = bootstrap["static_resources"]["listeners"];
  ASSERT_EQ(listeners.size(), 2u);
  const auto& tls = listeners[0]["filter_chains"][0]["transport_socket"]["typed_config"];
  EXPECT_TRUE(tls["require_client_certificate"].get<bool>());
  const auto& names = tls["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"];
  EXPECT_EQ(names.dump(), R"([{"matcher":{"exact":"spiffe://acme.example/gateway"},"san_type":"URI"},)"
                          R"({"matcher":{"prefix":"spiffe://acme.example/batch/"},"san_type":"URI"}])");
  EXPECT_FALSE(listeners[1]["filter_chains"][0].contains("transport_socket"));
  const auto& peer = bootstrap["static_resources"]["clusters"][1]["transport_socket"]["typed_config"];
  EXPECT_EQ(peer["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"].size(), 1u);
  EXPECT_EQ(peer["common_tls_context"]["tls_params"]["tls_minimum_protocol_version"].get<std::string>(), "TLSv1_3");
}

TEST(ProxyWriterTest, EnvoyWithSecretsOverSds) {
  const auto text = value_of(write(ProxyTarget::kEnvoy, std::string(kApi) + inbound(kTwo)));
  const auto bootstrap = nlohmann::json::parse(text);
  const auto& sds = bootstrap["static_resources"]["clusters"][1]["load_assignment"]["endpoints"][0]["lb_endpoints"][0];
  EXPECT_EQ(sds["endpoint"]["address"]["pipe"]["path"].get<std::string>(), "/run/workload.sock");
}

TEST(ProxyWriterTest, Ghostunnel) {
  const auto text =
      value_of(write(ProxyTarget::kGhostunnel, std::string(kApi) + inbound(kTwo) + std::string(kOutbound)));
  EXPECT_NE(text.find("ghostunnel server --listen '127.0.0.1:8443' --target '127.0.0.1:8000'"
                      " --allow-uri 'spiffe://acme.example/gateway' --allow-uri 'spiffe://acme.example/batch/**'"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("ghostunnel client --listen '127.0.0.1:9000' --target '10.0.0.7:8443'"
                      " --verify-uri 'spiffe://acme.example/model'"),
            std::string::npos)
      << text;
}

TEST(ProxyWriterTest, WhatIsWrittenPassesTheAudit) {
  const std::pair<ProxyTarget, ProxyKind> pairs[] = {{ProxyTarget::kHaproxy, ProxyKind::kHaproxy},
                                                     {ProxyTarget::kNginx, ProxyKind::kNginx},
                                                     {ProxyTarget::kStunnel, ProxyKind::kStunnel}};
  for (const auto& [target, kind] : pairs) {
    const auto text = value_of(write(target, std::string(kFiles) + inbound(kDomain)));
    for (const Finding& finding : value_of(audit_proxy(kind, "written", text))) {
      // That stunnel takes any name of the trust domain is what was asked for.
      if (finding.rule->id == "S2") continue;
      ADD_FAILURE() << finding.rule->id << " " << finding.what << "\n" << text;
    }
  }
}

TEST(ProxyWriterTest, ProxiesThatKnowNoSpiffeIds) {
  for (const ProxyTarget target : {ProxyTarget::kHaproxy, ProxyTarget::kNginx, ProxyTarget::kStunnel}) {
    expect_refused(write(target, std::string(kFiles) + inbound(kTwo)), Code::kInvalid, "one SPIFFE ID");
    expect_refused(write(target, std::string(kFiles) + inbound("\"spiffe://acme.example/a/*\"")), Code::kInvalid,
                   "one SPIFFE ID");
    expect_refused(write(target, std::string(kFiles) + std::string(kOutbound)), Code::kInvalid, "verify a peer");
    expect_refused(write(target, std::string(kApi) + inbound(kDomain)), Code::kInvalid, "in files");
  }
}

TEST(ProxyWriterTest, TransparentListenersAreTheRelaysAlone) {
  expect_refused(write(ProxyTarget::kEnvoy, std::string(kApi) + inbound(kTwo) + "transparent = \"redirect\"\n"),
                 Code::kInvalid, "transparent");
}

}  // namespace
}  // namespace cloister::mesh
