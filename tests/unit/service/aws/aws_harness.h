// The AWS dialect over the service of harness.h: requests signed with access keys, as a client signs them.
#pragma once

#include "net/sigv4.h"
#include "service/aws/aws_dialect.h"
#include "tests/unit/service/harness.h"

namespace cloister::service::aws {

inline constexpr const char* kRegion = "eu-test-1";
inline constexpr const char* kAppUri = "spiffe://acme.test/acme/app";
inline constexpr const char* kRivalUri = "spiffe://acme.test/rival/job-1";

struct Credentials {
  std::string id;
  std::string secret;
};

// Beside that of harness.h: acme's app may do everything in its tenant, rival's job makes and opens data keys.
inline constexpr const char* kAwsPolicy = R"(
[[allow]]
name = "acme"
caller = "spiffe://acme.test/acme/*"
operation = "any"
tenant = "acme"
environment = "any"
dataset = "any"
purpose = "any"
[[allow]]
name = "draw"
caller = "spiffe://acme.test/acme/*"
operation = "random"
purpose = "any"
[[allow]]
name = "rival"
caller = "spiffe://acme.test/rival/*"
operation = ["generate", "unwrap"]
tenant = "rival"
environment = "none"
dataset = "any"
purpose = "train"
)";

// How a request is signed; each test changes what it is about.
struct Signing {
  std::string region = kRegion;
  std::string service = "kms";
  std::vector<std::string> headers = {"content-type", "host", "x-amz-date", "x-amz-target"};
  Duration skew = {};
  std::function<void(net::Request&)> before = {};  // it is signed
  std::function<void(net::Request&)> after = {};   // it was signed
};

struct AwsAnswer {
  net::Response response;
  unsigned status() const { return response.status; }
  std::string body() const { return std::string(as_text(response.body)); }
  Json json() const { return Json::parse(body()); }
  std::string text(const char* member) const { return json().at(member).get<std::string>(); }
  std::string type() const { return json().value("__type", ""); }
  std::string header(std::string_view name) const {
    const std::string* value = response.headers.find(name);
    return value == nullptr ? "" : *value;
  }
};

class AwsHarness {
 public:
  AwsHarness() {
    testing::value_of(home.keys->create_tenant({"acme", ""}, std::nullopt, Harness::caller()));
    testing::value_of(home.keys->create_tenant({"rival", ""}, std::nullopt, Harness::caller()));
    AuthenticSettings settings =
        testing::value_of(AuthenticSettings::open(home.keys->store(), *home.root, home.random, Harness::caller()));
    access_keys = std::make_unique<AccessKeys>(settings, home.random);
    home.options.guard = [this](policy::Operation operation, const Target& target) {
      return guard ? guard(operation, target) : ok_status();
    };
    home.start(access_keys->routes());
    home.service->reload(Harness::snapshot_of(std::string(kPolicy) + kAwsPolicy));
    managed = std::make_shared<ManagedKeys>(settings, home.service->keyrings());
    handler = home.service->handler(
        std::make_shared<AwsDialect>(AwsDialectParts{kRegion, home.service->keyrings(), managed, access_keys.get()}));
    app = make_credentials("acme", kAppUri, "operate");
    rival = make_credentials("rival", kRivalUri, "train");
  }

  Credentials make_credentials(const std::string& tenant, const std::string& caller, const std::string& purpose,
                               std::optional<std::uint64_t> lifetime = {}) {
    Json body{{"caller", caller}, {"purpose", purpose}};
    if (lifetime) body["lifetime_seconds"] = *lifetime;
    const Answered made =
        home.send_unchecked("POST", "/v1/tenants/" + tenant + "/access-keys", {kAdmin, "operate"}, body.dump());
    EXPECT_EQ(made.status(), 201U) << made.body();
    return {made.json()["access_key_id"].get<std::string>(), made.json()["secret_access_key"].get<std::string>()};
  }

  net::Request signed_request(const Credentials& credentials, const std::string& operation, const std::string& body,
                              const Signing& signing = {}) {
    net::Request request;
    request.method = "POST";
    request.target = "/";
    request.headers.add("host", "keys.test:8443");
    request.headers.add("content-type", "application/x-amz-json-1.1");
    request.headers.add("x-amz-target", "TrentService." + operation);
    const std::string amz_date = net::sigv4_time(home.now.load() + signing.skew);
    request.headers.add("x-amz-date", amz_date);
    request.body = net::to_buffer(body);
    auto connection = std::make_shared<net::ConnectionInfo>();
    connection->remote = "192.0.2.9:40000";
    request.connection = std::move(connection);
    if (signing.before) signing.before(request);
    net::SigV4Authorization authorization;
    authorization.access_key_id = credentials.id;
    authorization.scope = {amz_date.substr(0, 8), signing.region, signing.service};
    authorization.signed_headers = signing.headers;
    const std::string canonical = testing::value_of(
        net::sigv4_canonical_request(request, signing.headers, net::sigv4_payload_hash(request.body)));
    const crypto::Secret key =
        net::sigv4_signing_key(crypto::Secret::copy_of(as_bytes(credentials.secret)), authorization.scope);
    authorization.signature =
        net::sigv4_signature(key, net::sigv4_string_to_sign(amz_date, authorization.scope, canonical));
    request.headers.add("authorization", authorization.serialize());
    if (signing.after) signing.after(request);
    return request;
  }

  AwsAnswer pass(net::Request request) {
    Waiting waiting;
    auto response = handler->handle(request, waiting);
    if (!response) {
      CLOISTER_CHECK(waiting.taken());
      response = waiting.wait();
    }
    AwsAnswer answer{std::move(*response)};
    EXPECT_EQ(answer.header("content-type"), "application/x-amz-json-1.1");
    EXPECT_FALSE(answer.header("x-amzn-requestid").empty());
    return answer;
  }

  // Each call at a later second, so that no two signatures are the same by accident.
  AwsAnswer call(const std::string& operation, const Json& body, const Credentials& credentials,
                 const Signing& signing = {}) {
    home.now = home.now.load() + seconds(1);
    return pass(signed_request(credentials, operation, body.dump(), signing));
  }
  AwsAnswer call(const std::string& operation, const Json& body) { return call(operation, body, app); }
  // The operation's answer, which must be a 200.
  Json good(const std::string& operation, const Json& body) {
    const AwsAnswer answer = call(operation, body);
    EXPECT_EQ(answer.status(), 200U) << operation << " " << answer.body();
    return answer.body().empty() ? Json::object() : answer.json();
  }

  std::string make_key(const Json& body = Json::object()) {
    return good("CreateKey", body)["KeyMetadata"]["KeyId"].get<std::string>();
  }

  std::function<Status(policy::Operation operation, const Target& target)> guard;  // as the service's
  Harness home;
  std::unique_ptr<AccessKeys> access_keys;
  std::shared_ptr<ManagedKeys> managed;
  std::shared_ptr<net::Handler> handler;
  Credentials app, rival;
};

inline void expect_fault(const AwsAnswer& answer, std::string_view type, unsigned status = 400) {
  EXPECT_EQ(answer.status(), status) << answer.body();
  EXPECT_EQ(answer.type(), type) << answer.body();
  EXPECT_FALSE(answer.text("message").empty());
}

}  // namespace cloister::service::aws
