// Service files: written and read again, refused, and got from a service that certifies what it is asked to.
#include "home/service_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "crypto/pem.h"
#include "net/http_server.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/identity/fixture.h"

namespace cloister::home {
namespace {

using identity::Realm;
using testing::expect_refused;
using testing::kNow;
using testing::value_of;

constexpr std::string_view kServer = "spiffe://example.org/cloister/keys";
using Json = nlohmann::json;

std::string pem_of(const identity::X509Svid& svid) { return crypto::to_pem(svid.leaf().der(), "CERTIFICATE"); }

// Certifies every request for the same id, whatever else it says; remembers what it was asked.
class Certifier final : public net::Handler {
 public:
  std::optional<net::Response> handle(net::Request& request, net::Deferral&) override {
    path = std::string(request.path());
    body = Json::parse(as_text(request.body));
    if (status != 200) return net::json_response(status, R"({"code":"refused","detail":"the token was used"})");
    const auto asked = value_of(crypto::CertificateRequest::parse_pem(body["request"].get<std::string>()));
    const auto svid = value_of(realm.authority().issue_x509_svid(
        identity::id_of("spiffe://" + trust_domain + "/trainer"), asked, kNow, realm.random));
    const Json answer{{"svid", pem_of(svid)},
                      {"bundle", Json::parse(identity::format_bundle(realm.rotation.bundle()))},
                      {"trust_domain", trust_domain}};
    return net::json_response(200, answer.dump());
  }

  explicit Certifier(std::string name = "example.org") : trust_domain(std::move(name)), realm(trust_domain) {}
  std::string trust_domain;
  Realm realm;
  std::string path;
  Json body;
  unsigned status = 200;
};

class ServiceFileTest : public ::testing::Test {
 protected:
  void start(std::shared_ptr<Certifier> certifier) {
    certifier_ = std::move(certifier);
    net::ServerOptions options;
    options.clock = [] { return kNow; };
    server_ = value_of(net::HttpServer::create(std::move(options), certifier_));
    ASSERT_TRUE(server_->listen({socket_, net::UnixUsers::only({::getuid()})}).ok());
  }
  Result<ServiceFile> ask(std::string token = "") {
    const auto client = value_of(connect_to_unix(socket_));
    return ask_for_identity(*client,
                            {token.empty() ? "/v1/identity/enroll-unix" : "/v1/identity/enroll", "keys.test:8443",
                             std::string(kServer), crypto::Secret::copy_of(as_bytes(token))},
                            kNow, random_);
  }
  void write_example() {
    start(std::make_shared<Certifier>());
    const auto file = ask();
    ASSERT_TRUE(file.ok()) << file.error().message();
    const Status written = write_service_file(path_, *file, Overwrite::kRefuse);
    ASSERT_TRUE(written.ok()) << written.error().message();
  }
  Json contents() { return Json::parse(as_text(value_of(read_file(path_, 1 << 20)))); }
  void replace(const Json& json) {
    ASSERT_TRUE(write_file(path_, as_bytes(json.dump()), Overwrite::kReplace, 0600).ok());
  }

  const testing::TempDir folder_;
  const Path path_ = folder_ / "trainer.service";
  const Path socket_ = folder_ / "socket";
  testing::DeterministicRandom random_{7};
  std::shared_ptr<Certifier> certifier_;
  std::unique_ptr<net::HttpServer> server_;
};

TEST_F(ServiceFileTest, EnrolledWrittenAndReadAgain) {
  write_example();
  EXPECT_EQ(certifier_->path, "/v1/identity/enroll-unix");
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  const auto file = read_service_file(path_, kNow);
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->address, "keys.test:8443");
  EXPECT_EQ(file->server, kServer);
  EXPECT_EQ(file->snapshot->svid().id().uri(), "spiffe://example.org/trainer");
  EXPECT_TRUE(connect_to(*file).ok());
}

TEST_F(ServiceFileTest, TheTokenIsSentAndARefusalIsSaid) {
  start(std::make_shared<Certifier>());
  ASSERT_TRUE(ask("a-token").ok());
  EXPECT_EQ(certifier_->body["join_token"].get<std::string>(), "a-token");
  certifier_->status = 403;
  expect_refused(ask("a-token"), Code::kDenied, "the token was used (refused)");
}

TEST_F(ServiceFileTest, AnotherTrustDomainThanTheServers) {
  start(std::make_shared<Certifier>("globex.org"));
  expect_refused(ask("a-token"), Code::kDenied, "trust domain globex.org");
}

TEST_F(ServiceFileTest, OpenToOthers) {
  write_example();
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  expect_refused(read_service_file(path_, kNow), Code::kDenied, path_.string());
}

TEST_F(ServiceFileTest, RunOut) {
  write_example();
  expect_refused(read_service_file(path_, kNow + hours(2)), Code::kExpired, "enrol again");
}

TEST_F(ServiceFileTest, WhatIsNoServiceFile) {
  write_example();
  const Json good = contents();
  for (const char* member : {"version", "address", "server", "svid", "key", "bundle"}) {
    Json without = good;
    without.erase(member);
    replace(without);
    expect_refused(read_service_file(path_, kNow), Code::kInvalid, member);
    Json wrong = good;
    wrong[member] = Json::array();
    replace(wrong);
    expect_refused(read_service_file(path_, kNow), Code::kInvalid, member);
  }
  Json newer = good;
  newer["version"] = 2;
  replace(newer);
  expect_refused(read_service_file(path_, kNow), Code::kUnsupported, "another version");
  ASSERT_TRUE(write_file(path_, as_bytes("{"), Overwrite::kReplace, 0600).ok());
  expect_refused(read_service_file(path_, kNow), Code::kInvalid, "JSON");
}

TEST_F(ServiceFileTest, AKeyThatIsNotTheCertificates) {
  write_example();
  Json json = contents();
  json["key"] = std::string(as_text(testing::key_of_seed(4).to_pkcs8_pem().expose()));
  replace(json);
  expect_refused(read_service_file(path_, kNow), Code::kInvalid, "service file");
}

TEST_F(ServiceFileTest, ASocketThatOthersCouldHavePutThere) {
  start(std::make_shared<Certifier>());
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0777), 0);
  expect_refused(connect_to_unix(socket_), Code::kDenied, "others may write");
  expect_refused(connect_to_unix(folder_ / "none"), Code::kNotFound, "none");
}

}  // namespace
}  // namespace cloister::home
