// A key broker for other people's libraries, and a simulated machine for their guests: kbs_server SOCKET.
// Speaks the protocol over HTTP on that Unix socket, and gives acme/key/1 to guests that it attested. For each line of
// report data in hexadecimal on its input it writes a line of evidence as guests send it. Ends with its input.
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "net/http_server.h"
#include "seal/writer.h"
#include "service/kbs/kbs_dialect.h"
#include "tests/support/coco_snp_json.h"
#include "tests/support/hex.h"
#include "tests/unit/service/harness.h"

using namespace cloister;
using cloister::testing::value_of;

namespace {

constexpr const char* kGuestPolicy = R"(version = 1
id = "kbs"
not_after = "never"
[[allow]]
name = "guests"
caller = "spiffe://acme.test/kbs/*"
operation = "release"
tenant = "acme"
environment = "any"
dataset = "key"
purpose = "infer"
[[quota]]
tenant = "any"
requests_per_second = 1000
burst = 1000
keys_per_batch = 10
)";

void put_secret(service::Harness& harness, const Path& folder) {
  const keys::Caller caller = service::Harness::caller();
  CLOISTER_CHECK(harness.keys->create_tenant({"acme", ""}, std::nullopt, caller).ok());
  CLOISTER_CHECK(harness.keys->create_dataset({"acme", "", "key"}, caller).ok());
  const auto keyring = value_of(harness.keys->unlock_keyring({"acme", "", "key"}, "seal", caller));
  const auto wrapper = value_of(seal::KeyringWrapper::create(keyring, harness.random));
  crypto::KeyWrapper* const wrappers[] = {wrapper.get()};
  std::filesystem::create_directories(folder / "acme" / "key");
  const Path plain = harness.directory / "plain";
  CLOISTER_CHECK(value_of(File::create_new(plain)).write_all(as_bytes("the secret resource")).ok());
  seal::SealOptions options;
  options.context = {"acme", "key", keyring.outline().keyring_id, std::nullopt};
  Progress progress;
  const File target = value_of(File::create_new(folder / "acme" / "key" / "1"));
  CLOISTER_CHECK(
      seal::seal_payload(value_of(File::open(plain)), target, options, wrappers, harness.random, progress).ok());
}

service::KbsOptions options_of(service::Harness& harness, const attest::Anchors& anchors,
                               const attest::Collateral& collateral) {
  service::KbsOptions options;
  options.callers = "spiffe://acme.test/kbs";
  options.resources = harness.directory / "resources";
  options.sessions = std::make_shared<service::KbsSessions>(service::KbsLimits{}, harness.random);
  options.keyrings = harness.service->keyrings();
  options.token_signer = std::make_shared<crypto::MemorySigner>(cloister::testing::key_of_seed(5));
  options.judge = [&](const service::KbsEvidence& given) {
    const service::GuestQuestion& asked = given.question;
    return service::KbsJudgement{attest::verify(
        given.evidence, {asked.judged, asked.report_data, &collateral, &anchors, nullptr}, asked.device_nonce)};
  };
  options.refresh = [](keys::Store&) { return ok_status(); };
  options.epoch = [] { return std::uint64_t{0}; };
  options.keep = [](const service::KbsEvidence&, const service::KbsJudgement&) { return service::KeptItems(); };
  options.raise_floors = [](keys::Store&, const attest::SetVerdict&, std::uint64_t epoch, const keys::Caller&) {
    return epoch;
  };
  options.decide = [](const service::KbsGuest&, const service::Target&, Time) {
    return service::KbsDecision{true, {}};
  };
  return options;
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 2;
  service::Harness harness;
  cloister::testing::SimulatedAmd amd;
  const attest::Anchors anchors = amd.anchors();
  attest::Collateral collateral;
  collateral.add(amd.revocations({}, service::kStart + days(-1)));
  put_secret(harness, harness.directory / "resources");
  harness.start();
  harness.service->reload(service::Harness::snapshot_of(kGuestPolicy));
  const auto handler =
      harness.service->handler(std::make_shared<service::KbsDialect>(options_of(harness, anchors, collateral)));
  net::ServerOptions server_options;
  server_options.clock = system_time;
  const auto server = value_of(net::HttpServer::create(server_options, handler));
  CLOISTER_CHECK(server->listen(net::UnixListener{words[1], net::UnixUsers::everybody(), 0600}).ok());
  std::printf("listening\n");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    cloister::testing::SnpParts parts;
    parts.report_data = cloister::testing::unhex(line);
    parts.report_data.resize(64);
    parts.not_after = service::kStart + days(100);
    std::printf("%s\n", cloister::testing::coco_snp_json(amd.snp(parts)).serialize().c_str());
    std::fflush(stdout);
  }
  return 0;
}
