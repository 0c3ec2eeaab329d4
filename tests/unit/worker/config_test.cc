#include "cloister-worker/config.h"

#include <algorithm>

#include "cloister-worker/engine_reach.h"
#include "tests/support/expect.h"
#include "tests/support/worker_config_text.h"

namespace cloister::worker {
namespace {

using testing::expect_refused;
using testing::kWorkerConfigText;
using testing::value_of;

std::string with(std::string_view from, std::string_view to) {
  std::string text = kWorkerConfigText;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

void expect_wrong(const std::string& text, std::string_view word) {
  expect_refused(parse_worker_config(text), Code::kInvalid, word);
}

bool has(const std::vector<Path>& paths, const Path& path) { return std::ranges::find(paths, path) != paths.end(); }

TEST(WorkerConfig, EverythingIsRead) {
  const WorkerConfig config = value_of(parse_worker_config(kWorkerConfigText));
  EXPECT_EQ(config.name, "scorer");
  EXPECT_EQ(config.target.role, "infer");
  EXPECT_EQ(config.target.tenant_name(), "acme/production");
  EXPECT_EQ(config.services.at(0).user, 990U);
  EXPECT_EQ(config.attester, attest::Kind::kInsecureSoftware);
  EXPECT_EQ(config.engine.command.size(), 3U);
  EXPECT_TRUE(config.executable_memory);
  EXPECT_FALSE(config.debug);
  EXPECT_EQ(config.digest, crypto::sha256(as_bytes(kWorkerConfigText)));
}

TEST(WorkerConfig, ReachIsWhatIsListed) {
  const WorkerConfig config = value_of(parse_worker_config(kWorkerConfigText));
  const LockdownRequest request = lockdown_request(config);
  EXPECT_EQ(request.reach.connect_ports, std::vector<std::uint16_t>{9000});
  EXPECT_EQ(egress_of(config), std::vector<std::string>{"10.0.0.7:9000"});
  EXPECT_TRUE(has(request.reach.readable, "/etc/engine"));
  EXPECT_TRUE(has(request.reach.executable, "/usr/bin/engine"));
  EXPECT_FALSE(has(request.reach.readable, "/etc/cloister"));
  EXPECT_FALSE(request.name_service);
}

TEST(WorkerConfig, NamesAreLookedUp) {
  const auto config = value_of(parse_worker_config(with("10.0.0.7:9000", "keys.acme.example:9000")));
  EXPECT_TRUE(lockdown_request(config).name_service);
  EXPECT_TRUE(has(lockdown_request(config).reach.readable, "/etc/resolv.conf"));
}

TEST(WorkerConfig, EngineReachesLessThanTheWorker) {
  const LandlockRules listed = engine_reach(value_of(parse_worker_config(kWorkerConfigText)));
  EXPECT_EQ(listed.connect_ports, std::vector<std::uint16_t>{9000});
  EXPECT_TRUE(has(listed.readable, "/etc/engine"));
  EXPECT_TRUE(has(listed.executable, "/usr/bin/engine"));
  EXPECT_FALSE(has(listed.readable, "/proc/self"));

  const std::string service = "socket = \"/run/cloister/keys.sock\"\nuser = 990";
  const std::string by_address = "address = \"keys.acme.example:8443\"\nid = \"spiffe://acme.example/cloister/keys\"";
  const std::string identity =
      "\n[identity]\ncertificate = \"/var/lib/w/svid.pem\"\nkey = \"/var/lib/w/svid.key\"\nbundle = "
      "\"/var/lib/w/bundle.pem\"\n";
  const WorkerConfig config = value_of(parse_worker_config(with(service, by_address) + identity));
  EXPECT_TRUE(has(lockdown_request(config).reach.readable, "/var/lib/w"));
  const LandlockRules reach = engine_reach(config);
  EXPECT_FALSE(has(reach.readable, "/var/lib/w"));
  EXPECT_EQ(reach.connect_ports, std::vector<std::uint16_t>{9000});
  EXPECT_FALSE(has(reach.readable, "/etc/resolv.conf"));  // the key service's name is the worker's to look up
  const auto named = value_of(parse_worker_config(with("10.0.0.7:9000", "data.acme.example:9000")));
  EXPECT_TRUE(has(engine_reach(named).readable, "/etc/resolv.conf"));
}

TEST(WorkerConfig, ServiceByAddress) {
  const std::string service = "socket = \"/run/cloister/keys.sock\"\nuser = 990";
  const std::string by_address = "address = \"10.0.0.9:8443\"\nid = \"spiffe://acme.example/cloister/keys\"";
  expect_wrong(with(service, by_address), "there is no [identity]");
  const std::string identity =
      "\n[identity]\ncertificate = \"/var/lib/w/svid.pem\"\nkey = \"/var/lib/w/svid.key\"\nbundle = "
      "\"/var/lib/w/bundle.pem\"\n";
  const WorkerConfig config = value_of(parse_worker_config(with(service, by_address) + identity));
  EXPECT_EQ(egress_of(config).front(), "10.0.0.9:8443");
  EXPECT_TRUE(has(lockdown_request(config).reach.readable, "/var/lib/w"));
  expect_wrong(with(service, service + "\n" + by_address), "address and id, or by socket and user");
  expect_wrong(with(service, ""), "address and id, or by socket and user");
}

const std::string kOneService = "[service]\nsocket = \"/run/cloister/keys.sock\"\nuser = 990";

std::string broker(const std::string& name, char digit, const std::string& more) {
  return "[[service]]\nname = \"" + name + "\"\nkeyring = \"" + std::string(32, digit) + "\"\n" + more + "\n";
}

TEST(WorkerConfig, SeveralServices) {
  const std::string socket = "socket = \"/run/a/keys.sock\"\nuser = 990";
  const std::string address = "address = \"10.0.0.9:8443\"\nid = \"spiffe://b.example/cloister/keys\"";
  const std::string own =
      "\ncertificate = \"/var/lib/b/svid.pem\"\nkey = \"/var/lib/b/svid.key\"\nbundle = \"/var/lib/b/bundle.pem\"";
  const std::string shared =
      "[identity]\ncertificate = \"/var/lib/w/svid.pem\"\nkey = \"/var/lib/w/svid.key\"\nbundle = "
      "\"/var/lib/w/bundle.pem\"\n";
  const std::string other = "address = \"10.0.0.8:8443\"\nid = \"spiffe://c.example/cloister/keys\"";
  const WorkerConfig config = value_of(parse_worker_config(with(
      kOneService, shared + broker("a", '1', socket) + broker("b", '2', address + own) + broker("c", '3', other))));
  ASSERT_EQ(config.services.size(), 3U);
  EXPECT_EQ(config.services[0].name, "a");
  EXPECT_EQ(config.services[1].keyring, std::string(32, '2'));
  EXPECT_EQ(config.services[1].identity.certificate, "/var/lib/b/svid.pem");
  EXPECT_EQ(config.services[2].identity.certificate, "/var/lib/w/svid.pem");
  EXPECT_EQ(egress_of(config), (std::vector<std::string>{"10.0.0.9:8443", "10.0.0.8:8443", "10.0.0.7:9000"}));
  EXPECT_EQ(lockdown_request(config).reach.connect_ports, (std::vector<std::uint16_t>{8443, 8443, 9000}));
  EXPECT_TRUE(has(lockdown_request(config).reach.readable, "/var/lib/b"));
  EXPECT_TRUE(has(lockdown_request(config).reach.readable, "/var/lib/w"));

  const auto wrong = [](const std::string& services, std::string_view word) {
    expect_wrong(with(kOneService, services), word);
  };
  wrong(broker("a", '1', socket), "there is one [[service]]");
  wrong(broker("a", '1', socket) + broker("b", '2', address), "there is no [identity]");
  wrong(broker("a", '1', socket) + broker("a", '2', socket), "the name is there twice");
  wrong(broker("a", '1', socket) + broker("b", '1', socket), "the keyring is there twice");
  wrong(broker("a", 'A', socket) + broker("b", '2', socket), "32 hexadecimal digits");
  wrong(broker("a", '1', socket) + broker("b", 'x', socket), "32 hexadecimal digits");
  wrong(broker("a", '1', socket + own) + broker("b", '2', socket), "an identity goes with an address");
  wrong(broker("a", '1', "") + broker("b", '2', socket), "address and id, or by socket and user");
  wrong(broker("a/b", '1', socket) + broker("b", '2', socket), "name isn't a name");
  wrong(kOneService + "\n" + broker("b", '2', socket), "a second service");
  wrong(broker("b", '2', socket) + kOneService, "a second service");
  wrong(broker("a", '1', socket + "\nshare = 1") + broker("b", '2', socket), "share");
  std::string many;
  for (int i = 0; i < 17; ++i) {
    std::string one = broker("s" + std::to_string(i), '1', socket);
    one.replace(one.find("1111"), 4, std::to_string(1000 + i));
    many += one;
  }
  wrong(many, "at most 16");
}

TEST(WorkerConfig, Inference) {
  const std::string engine = "[engine]\ncommand = [\"/usr/bin/engine\", \"--model\", \"{model}\"]";
  const std::string inference =
      "[inference]\nlisten = \"/run/w/requests.sock\"\nclients = \"any\"\nmodel = \"vad\"\ntokens = "
      "[\"acme sha256:1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3\"]\n";
  const std::string library = "library = \"/usr/lib/libonnxruntime.so\"\n";
  const std::string socket = "engine_socket = \"/run/e/e.sock\"\nengine_user = 1\nengine_path = \"/score\"\n";
  const WorkerConfig embedded = value_of(parse_worker_config(with(engine, inference + library)));
  EXPECT_TRUE(has(lockdown_request(embedded).reach.writable, "/run/w"));
  const WorkerConfig beside = value_of(parse_worker_config(with(engine, engine + "\n" + inference + socket)));
  EXPECT_TRUE(has(lockdown_request(beside).reach.writable, "/run/e"));
  expect_wrong(with(engine, ""), "neither [engine] nor [inference]");
  expect_wrong(with(engine, engine + "\n" + inference + library), "nothing for [engine] to do");
  expect_wrong(with(engine, inference + socket), "there is no [engine]");
  std::string other = with(engine, inference + library);
  const std::string role = "role = \"infer\"";
  other.replace(other.find(role), role.size(), "role = \"train\"");
  expect_wrong(other, "for the role infer");
}

TEST(WorkerConfig, Attesters) {
  const std::string key = "\nkey = \"/etc/cloister/attester.pem\"";
  for (const char* kind : {"snp", "tdx", "cca", "sgx"}) {
    const std::string text = with("\"insecure_software\"" + key, "\"" + std::string(kind) + "\"");
    EXPECT_EQ(attest::kind_name(value_of(parse_worker_config(text)).attester), kind);
  }
  EXPECT_FALSE(value_of(parse_worker_config(kWorkerConfigText)).gpus);
  EXPECT_TRUE(value_of(parse_worker_config(with(key, key + "\ngpus = true"))).gpus);
  const std::string of_tpm = with("\"insecure_software\"" + key, "\"tpm\"\ntpm = \"device:/dev/tpmrm0\"");
  EXPECT_EQ(value_of(parse_worker_config(of_tpm)).tpm, "device:/dev/tpmrm0");
  expect_wrong(with("\"insecure_software\"" + key, "\"tpm\""), "how to reach it");
  expect_wrong(with(key, key + "\ntpm = \"device:/dev/tpmrm0\""), "how to reach it");
  expect_wrong(with(key, ""), "a key belongs to insecure_software");
  expect_wrong(with("\"insecure_software\"", "\"snp\""), "a key belongs to insecure_software");
  expect_wrong(with("\"insecure_software\"", "\"nitro\""), "no attester of the kind nitro");
}

TEST(WorkerConfig, WrongOrMissing) {
  expect_wrong(with("[model]", "[mode]"), "did you mean");
  expect_wrong(with("[release]", "[[release]]"), "");
  expect_wrong(with("tenant = \"acme\"", "tenant = \"acme/x\""), "tenant isn't a name");
  expect_wrong(with("dataset = \"models\"", "dataset = \"..\""), "dataset isn't a name");
  expect_wrong(with("purpose = \"infer\"\n", ""), "purpose isn't written");
  expect_wrong(with("\"/srv/models", "\"srv/models"), "path isn't an absolute path");
  expect_wrong(with("sha256:1a", "sha256:1"), "sha256 isn't");
  expect_wrong(with("\"/usr/bin/engine\"", "\"engine\""), "command begins with an absolute path");
  expect_wrong(with("10.0.0.7:9000", "10.0.0.7"), "host:port");
  expect_wrong(with("[\"/etc/engine\"]", "[\"etc\"]"), "readable takes absolute paths");
  expect_wrong(with("name = \"scorer\"\n", ""), "name isn't written");
}

TEST(WorkerConfig, TableMissing) {
  for (const char* table : {"service", "release", "model", "attester"}) {
    std::string text = kWorkerConfigText;
    const std::size_t from = text.find("[" + std::string(table) + "]");
    text.erase(from, text.find("\n[", from) - from);
    expect_wrong(text, "there is no [" + std::string(table) + "]");
  }
}

}  // namespace
}  // namespace cloister::worker
