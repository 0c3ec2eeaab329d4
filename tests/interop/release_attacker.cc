// A worker that lies, for the demonstration and for tests of cloisterd: it has the software attester's key and an
// honest manifest, and asks over a daemon's Unix socket for the key of a sealed object.
//   release_attacker SOCKET USER KEY.pem MANIFEST MEASUREMENT OBJECT.sealed TENANT DATASET MODE
// MODE: honest, or what is wrong: debug (it may be traced), stale (evidence of two days ago), replayed (evidence of its
// own earlier, honest answer), relayed (evidence that another worker made for a connection of its own). Prints what the
// service says; status 0 when the key was released, 4 when it was refused.
#include <algorithm>
#include <cstdio>
#include <string_view>

#include "attest/software/statement.h"
#include "base/file.h"
#include "crypto/asymmetric_key.h"
#include "crypto/library.h"
#include "crypto/signature.h"
#include "seal/reader.h"
#include "tests/support/hex.h"
#include "tests/support/locked_down.h"
#include "tests/support/value_of.h"
#include "worker/attested_keys.h"

using namespace cloister;
using testing::value_of;

namespace {

constexpr Duration kPatience = seconds(30);

enum class Lie { kNone, kDebug, kStale, kReplayed, kRelayed };

Lie lie_of(std::string_view mode) {
  if (mode == "debug") return Lie::kDebug;
  if (mode == "stale") return Lie::kStale;
  if (mode == "replayed") return Lie::kReplayed;
  if (mode == "relayed") return Lie::kRelayed;
  CLOISTER_CHECK(mode == "honest");
  return Lie::kNone;
}

class Attester final : public worker::Attester {
 public:
  Attester(crypto::SigningKey key, attest::SoftwareStatement statement, Lie lie)
      : key_(std::move(key)), statement_(std::move(statement)), lie_(lie) {}

  attest::Kind kind() const override { return attest::Kind::kInsecureSoftware; }
  Result<attest::Evidence> collect(const worker::LockedDown&, ByteView report_data) override {
    if (lie_ == Lie::kReplayed && made_) return *made_;
    attest::SoftwareStatement statement = statement_;
    std::copy(report_data.begin(), report_data.end(), statement.report_data.begin());
    statement.time = lie_ == Lie::kStale ? system_time() + hours(-48) : system_time();
    statement.debug = lie_ == Lie::kDebug;
    made_ = attest::Evidence{kind(), {{"statement", attest::sign_statement(statement, key_)}}};
    return *made_;
  }

 private:
  crypto::SigningKey key_;
  attest::SoftwareStatement statement_;
  Lie lie_;
  std::optional<attest::Evidence> made_;
};

// What goes through it says of itself that it belongs to a connection of somebody else's.
class RelayedChannel final : public worker::ReleaseChannel {
 public:
  explicit RelayedChannel(std::unique_ptr<worker::ReleaseChannel> own) : own_(std::move(own)), info_(own_->info()) {
    info_.channel_binding.emplace().fill(7);
    info_.own_key.emplace().fill(7);
  }
  const net::ConnectionInfo& info() const override { return info_; }
  Result<net::Response> send(const net::Request& request) override { return own_->send(request); }

 private:
  std::unique_ptr<worker::ReleaseChannel> own_;
  net::ConnectionInfo info_;
};

worker::OpenReleaseChannel relayed(worker::OpenReleaseChannel open) {
  return [open = std::move(open)]() -> Result<std::unique_ptr<worker::ReleaseChannel>> {
    CLOISTER_TRY(auto own, open());
    return std::unique_ptr<worker::ReleaseChannel>(std::make_unique<RelayedChannel>(std::move(own)));
  };
}

crypto::SigningKey key_in(const char* path) {
  const Bytes text = value_of(read_file(path, 4096));
  const auto key = value_of(crypto::PrivateKey::from_pkcs8_pem(crypto::Secret::copy_of(text)));
  return crypto::SigningKey::from_seed(testing::key_of(key.scalar().expose()));
}

Status opened(worker::AttestedKeys& keys, const char* object) {
  crypto::KeyWrapper* const wrappers[] = {&keys};
  CLOISTER_TRY(File file, File::open(object));
  const auto reader = seal::ObjectReader::open(std::move(file), wrappers);
  return reader.ok() ? Status() : Status(reader.error());
}

}  // namespace

int main(int argc, char** argv) {
  CLOISTER_CHECK(argc == 10 && crypto::start_process().ok());
  const Lie lie = lie_of(argv[9]);
  const Bytes manifest = value_of(read_file(argv[4], 1 << 16));
  attest::SoftwareStatement statement;
  statement.manifest = crypto::sha256(manifest);
  const Bytes measurement = testing::unhex(argv[5]);
  CLOISTER_CHECK(measurement.size() == statement.measurement.size());
  std::copy(measurement.begin(), measurement.end(), statement.measurement.begin());
  Attester attester(key_in(argv[3]), statement, lie);

  const auto client = value_of(
      net::HttpClient::create(net::UnixTarget{argv[1], static_cast<uid_t>(std::stoul(argv[2]))}, net::ClientOptions()));
  const worker::Patience patience(kPatience, system_time);
  crypto::SystemRandom random;
  worker::AttestedKeysParts parts;
  parts.target = {argv[7], "", argv[8], "infer", "infer"};
  parts.open = worker::release_channels(*client, patience);
  if (lie == Lie::kRelayed) parts.open = relayed(std::move(parts.open));
  parts.machine = &attester;
  parts.manifest = manifest;
  parts.random = &random;
  parts.clock = system_time;
  const worker::LockedDown locked = worker::LockedDownForTests::make();
  worker::AttestedKeys keys(locked, std::move(parts));

  Status status = opened(keys, argv[6]);
  if (status.ok() && lie == Lie::kReplayed) status = keys.renew();
  std::printf("%s\n", status.ok() ? "released" : status.error().message().c_str());
  return status.ok() ? 0 : exit_status(status.error().code());
}
