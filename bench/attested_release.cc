// What attested release costs beyond verifying evidence: one worker of software alone asks one service, in this
// process, for one key at a time; the store in a file, evidence kept and every release recorded durably before it is
// answered. Beside it an unwrap of the same key, which is recorded just so.
//   bench_attested_release
// BENCH_ROUNDS shrinks it.
#include <algorithm>
#include <cstdlib>
#include <future>

#include "attest/software/statement.h"
#include "attest/workload_manifest.h"
#include "base/base64.h"
#include "base/json.h"
#include "bench.h"
#include "kms/software_key.h"
#include "service/attestation/attested_release.h"
#include "service/service.h"

using namespace cloister;

namespace {

constexpr const char* kWorker = "spiffe://bench.test/worker";
constexpr std::string_view kPolicy = R"(version = 1
id = "bench"
not_after = "never"
[[allow]]
name = "workers"
caller = "spiffe://bench.test/*"
operation = ["generate", "unwrap", "release"]
tenant = "acme"
environment = "none"
dataset = "any"
purpose = "infer"
[[quota]]
tenant = "acme"
requests_per_second = 1000000000
burst = 1000000000
keys_per_batch = 10000
)";

class Waiting final : public net::Deferral {
 public:
  net::Answer take() override {
    return net::Answer([promise = promise_](net::Response response) { promise->set_value(std::move(response)); });
  }
  net::Response wait() { return promise_->get_future().get(); }

 private:
  std::shared_ptr<std::promise<net::Response>> promise_ = std::make_shared<std::promise<net::Response>>();
};

std::string text_of(const JsonValue& json, std::string_view name) {
  const JsonValue* found = json.find(name);
  if (found == nullptr || found->string() == nullptr) bench::fail("an answer without " + std::string(name));
  return *found->string();
}

// A home with a service, and the worker that asks it.
class Pair {
 public:
  Pair() {
    const char* base = std::getenv("TMPDIR");
    std::string name = std::string(base == nullptr ? "/tmp" : base) + "/cloister-bench-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) bench::fail("no folder for temporary files");
    folder_ = name;
    bench::must(kms::create_key_file(folder_ / "root.key", std::nullopt, {}, random_));
    root_ = bench::must(kms::SoftwareKey::open(folder_ / "root.key", std::nullopt, random_));
    const keys::Caller caller{"bench", system_time()};
    auto keys = bench::must(keys::Hierarchy::create(bench::must(keys::Store::create(folder_ / "store.db")), *root_,
                                                    root_->key_id(), random_, caller));
    bench::must(keys.create_tenant({"acme", ""}, std::nullopt, caller));
    for (const char* dataset : {"models", "images"}) bench::must(keys.create_dataset({"acme", "", dataset}, caller));
    keys::Store& store = keys.store();
    auto settings = bench::must(service::AuthenticSettings::open(store, *root_, random_, caller));
    const service::ReleaseSettings state(settings);
    bench::must(store.change(audit::Event{caller.now, "bench", "policy.set", "", "", audit::Outcome::kAllowed, ""},
                             [&](keys::Store::Change& change) { return state.put_policy(store, change, policy_); }));
    releases_ =
        bench::must(service::AttestedRelease::open({settings, folder_ / "attestation", {}, &random_}, store, caller));
    service::ServiceOptions options;
    options.clock = system_time;
    options.random = &random_;
    options.workers = 1;
    service::Backend backend;
    backend.open_store = [this] { return keys::Store::open(folder_ / "store.db"); };
    backend.open_hierarchy = [this]() -> Result<keys::Hierarchy> {
      CLOISTER_TRY(keys::Store opened, keys::Store::open(folder_ / "store.db"));
      return keys::Hierarchy::open(std::move(opened), *root_, root_->key_id(), random_);
    };
    auto snapshot = std::make_shared<service::Snapshot>();
    snapshot->policy = bench::must(policy::load_policy(kPolicy));
    service_ = bench::must(
        service::Service::create(std::move(options), std::move(backend), std::move(snapshot), releases_->routes()));
  }
  ~Pair() {
    service_.reset();
    std::filesystem::remove_all(folder_);
  }

  JsonValue post(const std::string& target, const std::string& body) {
    net::Request request;
    request.method = "POST";
    request.target = target;
    request.headers.add("host", "bench");
    request.headers.add("content-type", "application/json");
    request.headers.add("cloister-purpose", "infer");
    request.body = net::to_buffer(body);
    auto connection = std::make_shared<net::ConnectionInfo>();
    connection->peer = net::Peer{kWorker, system_time() + hours(1)};
    connection->channel_binding.emplace();
    connection->peer_key.emplace();
    request.connection = std::move(connection);
    Waiting waiting;
    auto response = service_->handle(request, waiting);
    if (!response) response = waiting.wait();
    if (response->status >= 300) bench::fail(std::string(as_text(response->body)));
    return bench::must(parse_json(as_text(response->body)));
  }

  // One wrapped key of that dataset, as an order names it.
  JsonValue wanted(const std::string& dataset) {
    const JsonValue made =
        post("/v1/tenants/acme/datasets/" + dataset + "/generate", R"({"keys":[{"object":"b2JqZWN0"}]})");
    const JsonValue& key = made.find("keys")->array()->front();
    return JsonValue::Object{
        {"object", "b2JqZWN0"}, {"version", *key.find("version")}, {"wrapped", text_of(key, "wrapped")}};
  }

  // Everything of one release but the request itself.
  service::ReleaseCase prepare(const std::string& challenge) {
    service::ReleaseCase asked;
    asked.now = system_time();
    asked.tenant = "acme";
    asked.dataset = "models";
    asked.purpose = policy::Purpose::kInfer;
    asked.manifest = to_bytes(as_bytes(manifest_));
    asked.binding.role = "infer";
    asked.binding.nonce = bench::must(from_base64(challenge, Base64::kUrl));
    asked.binding.recipient = to_bytes(recipient_.public_key().bytes());
    asked.binding.manifest = crypto::sha256(asked.manifest);
    asked.binding.exporter = Bytes(32);
    asked.binding.peer_key.emplace();
    attest::SoftwareStatement statement;
    statement.manifest = asked.binding.manifest;
    const Bytes data = attest::report_data(asked.binding);
    std::ranges::copy(data, statement.report_data.begin());
    statement.time = asked.now;
    asked.evidence.primary = {attest::Kind::kInsecureSoftware,
                              {{"statement", attest::sign_statement(statement, key_)}}};
    return asked;
  }
  std::string order(const JsonValue& key, const service::ReleaseCase& asked, const std::string& challenge) {
    return JsonValue(JsonValue::Object{
                         {"keys", JsonValue::Array{key}},
                         {"attestation", JsonValue::Object{{"challenge", challenge},
                                                           {"role", "infer"},
                                                           {"recipient", recipient_.public_key().text()},
                                                           {"manifest", to_base64(asked.manifest)},
                                                           {"evidence", to_base64(attest::encode(asked.evidence))}}}})
        .serialize();
  }
  const std::string& attestation_policy() const { return policy_; }

 private:
  static std::string make_manifest() {
    attest::WorkloadManifest manifest;
    manifest.name = "bench";
    manifest.role = "infer";
    return attest::write_workload_manifest(manifest);
  }

  Path folder_;
  crypto::SystemRandom random_;
  const crypto::SigningKey key_ = crypto::SigningKey::generate(random_);
  const crypto::HpkePrivateKey recipient_ = crypto::HpkePrivateKey::generate(crypto::HpkeKem::kX25519, random_);
  const std::string manifest_ = make_manifest();
  const std::string policy_ =
      "version = 1\nid = \"bench\"\nnot_after = \"never\"\ninsecure_software_keys = \"" +
      to_hex(attest::software_key_fingerprint(key_.public_key())) +
      "\"\n[[release]]\nname = \"bench\"\ntenant = \"acme\"\nenvironment = \"none\"\ndataset = \"models\"\n"
      "purpose = \"infer\"\nrole = \"infer\"\nmanifest = \"any\"\nassurance = \"insecure_software\"\n"
      "platform = \"insecure_software\"\nproduct = \"any\"\nchip = \"any\"\nlease_seconds = 300\nmeasurement = \"" +
      std::string(64, '0') + "\"\n";
  std::unique_ptr<kms::SoftwareKey> root_;
  std::unique_ptr<service::AttestedRelease> releases_;
  std::shared_ptr<service::Service> service_;
};

double median(std::vector<double> seconds) {
  std::ranges::sort(seconds);
  return seconds[seconds.size() / 2];
}

template <typename Body>
double timed(const Body& body) {
  const double began = monotonic_seconds();
  body();
  return monotonic_seconds() - began;
}

}  // namespace

int main() {
  const char* wanted_rounds = std::getenv("BENCH_ROUNDS");
  const int rounds = wanted_rounds == nullptr ? 300 : std::max(1, std::atoi(wanted_rounds));
  Pair pair;
  const JsonValue guarded = pair.wanted("models");
  const std::string plain = JsonValue(JsonValue::Object{{"keys", JsonValue::Array{pair.wanted("images")}}}).serialize();
  const policy::AttestationPolicy policy = bench::must(policy::load_attestation_policy(pair.attestation_policy()));
  std::vector<double> verified, released, further, unwrapped;
  for (int i = 0; i < rounds; ++i) {
    const std::string challenge = text_of(pair.post("/v1/attestation/challenges", R"({"role":"infer"})"), "challenge");
    const service::ReleaseCase asked = pair.prepare(challenge);
    verified.push_back(timed([&] {
      if (!service::judge(asked, policy, nullptr, {}).decision.allowed) bench::fail("the evidence is refused");
    }));
    const std::string body = pair.order(guarded, asked, challenge);
    std::string id;
    released.push_back(
        timed([&] { id = text_of(pair.post("/v1/tenants/acme/datasets/models/release", body), "release"); }));
    const std::string more =
        JsonValue(JsonValue::Object{{"keys", JsonValue::Array{guarded}}, {"lease", id}}).serialize();
    further.push_back(timed([&] { pair.post("/v1/tenants/acme/datasets/models/release", more); }));
    unwrapped.push_back(timed([&] { pair.post("/v1/tenants/acme/datasets/images/unwrap", plain); }));
  }
  const double verify = median(verified), release = median(released), unwrap = median(unwrapped);
  std::printf("verify and decide   p50 %8.3f ms\n", verify * 1000);
  std::printf("release             p50 %8.3f ms, %.3f ms beyond verification\n", release * 1000,
              (release - verify) * 1000);
  std::printf("further, by lease   p50 %8.3f ms\n", median(further) * 1000);
  std::printf("unwrap              p50 %8.3f ms; a release is %.2f of it\n", unwrap * 1000, release / unwrap);
  return 0;
}
