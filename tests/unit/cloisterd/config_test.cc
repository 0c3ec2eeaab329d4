#include "cloisterd/config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace cloister::daemon {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kSmall = R"(home = "/var/lib/cloister"
trust_domain = "acme.example"
[listen]
unix = "/run/cloister/keys.sock"
[policy]
file = "/etc/cloister/policy.toml"
)";

std::string with(std::string_view more) { return std::string(kSmall) + std::string(more); }

void expect_line(const std::string& text, std::size_t line, std::string_view words) {
  expect_refused(parse_config(text), Code::kInvalid, "line " + std::to_string(line) + ": ");
  expect_refused(parse_config(text), Code::kInvalid, words);
}

TEST(Config, LittleIsEnough) {
  const Config config = value_of(parse_config(kSmall));
  EXPECT_EQ(config.home, "/var/lib/cloister");
  EXPECT_EQ(config.own_id.uri(), "spiffe://acme.example/cloister/keys");
  EXPECT_EQ(config.unix_socket, "/run/cloister/keys.sock");
  EXPECT_FALSE(config.unix_everybody);
  EXPECT_TRUE(config.rotate);
  EXPECT_EQ(config.rules.x509_svid_lifetime, hours(1));
  EXPECT_EQ(config.lease, minutes(5));
  EXPECT_FALSE(config.webhook);
}

TEST(Config, IdentitiesForOthers) {
  const Config config = value_of(parse_config(with(R"([workload_api]
socket = "/run/cloister/workload.sock"
users = ["0", "1000"]
attestors = ["systemd", "k8s"]
pods_file = "/var/lib/cloister/pods.json"
sds = false
[bundle_endpoint]
listen = "0.0.0.0:8445"
profile = "https_web"
certificate = "/etc/cloister/bundle.pem"
key = "/etc/cloister/bundle-key.pem"
path = "/bundle.json"
[[federates_with]]
trust_domain = "partner.example"
url = "https://spire.partner.example:8445/bundle"
profile = "https_spiffe"
endpoint_id = "spiffe://partner.example/spire/server"
bundle = "/etc/cloister/partner.json"
[[federates_with]]
trust_domain = "other.example"
url = "https://other.example"
profile = "https_web"
)")));
  EXPECT_EQ(config.workload_api->users, (std::vector<uid_t>{0, 1000}));
  EXPECT_TRUE(config.workload_api->systemd && config.workload_api->kubernetes);
  EXPECT_FALSE(config.workload_api->slurm || config.workload_api->docker || config.workload_api->sds);
  EXPECT_EQ(config.bundle_endpoint->path, "/bundle.json");
  ASSERT_EQ(config.federated.size(), 2U);
  EXPECT_EQ(config.federated[0].address.to_string(), "spire.partner.example:8445");
  EXPECT_EQ(config.federated[0].target, "/bundle");
  EXPECT_EQ(config.federated[1].address.to_string(), "other.example:443");
  EXPECT_EQ(config.federated[1].target, "/");
  EXPECT_NE(describe(config).find("federates with partner.example"), std::string::npos);
}

TEST(Config, WorkloadApiAloneIsEnough) {
  EXPECT_TRUE(parse_config("home = \"/h\"\ntrust_domain = \"a.example\"\n[policy]\nfile = \"/p\"\n"
                           "[workload_api]\nsocket = \"/w\"\n")
                  .ok());
}

TEST(Config, IdentitiesThatCannotBe) {
  const std::string api = "[workload_api]\nsocket = \"/w\"\n";
  expect_line(with("[workload_api]\nsocket = \"w\"\n"), 8, "absolute");
  expect_line(with(api + "attestors = [\"unix\"]\n"), 9, "systemd, slurm, k8s, docker");
  expect_line(with(api + "users = [\"root\"]\n"), 9, "numbers");
  expect_line(with(api + "pods_file = \"/p\"\n"), 9, "k8s among the attestors");
  expect_line(with(api + "containers_file = \"/p\"\n"), 9, "docker among the attestors");
  expect_refused(parse_config(with("[workload_api]\nsocket = \"/run/cloister/keys.sock\"\n")), Code::kInvalid,
                 "a socket of its own");
  const std::string endpoint = "[bundle_endpoint]\n";
  expect_line(with(endpoint + "profile = \"https_spiffe\"\n"), 7, "needs listen");
  expect_line(with(endpoint + "listen = \"0.0.0.0:1\"\nprofile = \"http\"\n"), 9, "https_spiffe or https_web");
  expect_line(with(endpoint + "listen = \"0.0.0.0:1\"\nprofile = \"https_spiffe\"\nkey = \"/k\"\n"), 10,
              "doesn't belong");
  const auto federated = [&](const std::string& more) {
    return with(api + "[[federates_with]]\ntrust_domain = \"b.example\"\n" + more);
  };
  expect_line(federated("url = \"http://b.example/\"\nprofile = \"https_web\"\n"), 11, "https://");
  expect_line(federated("url = \"https://u@b.example/\"\nprofile = \"https_web\"\n"), 11, "no user");
  expect_line(federated("url = \"https://b.example/a b\"\nprofile = \"https_web\"\n"), 11, "path");
  expect_line(federated("url = \"https://b.example/\"\nprofile = \"https_spiffe\"\n"), 9, "endpoint_id");
  expect_line(federated("url = \"https://b.example/\"\nprofile = \"https_spiffe\"\nendpoint_id = "
                        "\"spiffe://b.example\"\n"),
              13, "names a trust domain");
  expect_line(federated("url = \"https://b.example/\"\nprofile = \"https_web\"\nbundle = \"/b\"\n"), 13,
              "doesn't belong");
  const std::string good =
      "[[federates_with]]\ntrust_domain = \"b.example\"\nurl = \"https://b.example\"\nprofile = "
      "\"https_web\"\n";
  expect_refused(parse_config(with(good)), Code::kInvalid, "needs [workload_api]");
  expect_refused(parse_config(with(api + good + good)), Code::kInvalid, "there twice");
  expect_refused(parse_config(with(api + "[[federates_with]]\ntrust_domain = \"acme.example\"\nurl = "
                                         "\"https://b.example\"\nprofile = \"https_web\"\n")),
                 Code::kInvalid, "own trust domain");
}

TEST(Config, Everything) {
  const Config config = value_of(parse_config(R"(
home = "/var/lib/cloister"
trust_domain = "acme.example"
[server]
id = "keys-1"
[listen]
tls = ["0.0.0.0:8443", "[::]:8443"]
enroll = "0.0.0.0:8444"
unix = "/run/cloister/keys.sock"
unix_everybody = true
[policy]
file = "/etc/cloister/policy.toml"
[identity]
id = "spiffe://acme.example/services/keys"
svid_lifetime_seconds = 600
token_lifetime_seconds = 60
authority_lifetime_seconds = 86400
refresh_hint_seconds = 60
propagation_seconds = 3600
poll_seconds = 1
name_constraints = false
[leases]
seconds = 30
[limits]
connections = 100
handshakes = 10
connections_per_address = 50
connections_per_peer = 20
body_bytes = 65536
io_threads = 2
workers = 3
queue = 4
cached_keyrings = 5
idle_seconds = 6
answer_seconds = 7
drain_seconds = 8
[log]
level = "debug"
format = "text"
[rotation]
enabled = false
check_every_seconds = 10
jitter_seconds = 0
[anomalies]
enabled = false
webhook_address = "alerts.acme.example:443"
webhook_id = "spiffe://acme.example/alerts"
webhook_path = "/hook"
[collateral]
intel_pcs = "https://pccs.acme.example"
authorities = "/etc/ssl/acme.pem"
[[unix_user]]
uid = 1000
id = "spiffe://acme.example/admin/alice"
[[unix_workload]]
uid = 1001
gid = 100
executable = "/usr/bin/trainer"
id = "spiffe://acme.example/acme/trainer"
)"));
  EXPECT_EQ(config.tls.size(), 2U);
  EXPECT_EQ(config.enroll.at(0).port, 8444);
  EXPECT_EQ(config.own_id.uri(), "spiffe://acme.example/services/keys");
  EXPECT_EQ(config.rules.propagation, hours(1));
  EXPECT_EQ(config.rules.name_constraints, identity::NameConstraints::kNone);
  EXPECT_EQ(config.limits.body_bytes, 65536U);
  EXPECT_EQ(config.drain, seconds(8));
  EXPECT_EQ(config.log_level, LogLevel::kDebug);
  EXPECT_EQ(config.webhook.value().server_id, "spiffe://acme.example/alerts");
  EXPECT_EQ(config.collateral.value().addresses.intel_pcs, "https://pccs.acme.example");
  EXPECT_EQ(config.collateral->addresses.amd_kds, "https://kdsintf.amd.com");
  EXPECT_EQ(config.unix_callers.at(1000), "spiffe://acme.example/admin/alice");
  EXPECT_EQ(config.unix_workloads.at(0).gid, gid_t{100});
  EXPECT_FALSE(describe(config).empty());
}

TEST(Config, CollateralIsFetchedOnlyWhenSaid) {
  EXPECT_FALSE(value_of(parse_config(with(""))).collateral);
  EXPECT_FALSE(value_of(parse_config(with("[collateral]\nfetch = false\n"))).collateral);
  EXPECT_TRUE(value_of(parse_config(with("[collateral]\n"))).collateral);
  expect_line(with("[collateral]\namd_kds = \"ftp://x\"\n"), 8, "amd_kds");
  expect_line(with("[collateral]\namd_kds = \"http://mirror.example\"\n"), 8, "plain http");
  expect_line(with("[collateral]\nauthorities = \"ca.pem\"\n"), 8, "absolute");
  expect_line(with("[collateral]\nintel = \"https://x\"\n"), 8, "there is no key intel");
}

TEST(Config, MistypedKeysAndTables) {
  expect_line("hom = \"/x\"\n", 1, "did you mean home?");
  expect_line(with("[lisen]\n"), 7, "there is no table [lisen]: did you mean listen?");
  expect_line(with("[[unix_usr]]\n"), 7, "did you mean unix_user?");
  expect_line(with("[identity]\nlifetime = 3\n"), 8, "there is no key lifetime");
  expect_line(with("[log]\nlevl = \"info\"\n"), 8, "did you mean level?");
  expect_line(with("[unix_user]\n"), 7, "write [[unix_user]]");
  expect_line(with("[[log]]\n"), 7, "write [log]");
  expect_line(with("[policy]\n"), 7, "a second policy");
}

TEST(Config, MissingParts) {
  expect_refused(parse_config(""), Code::kInvalid, "home isn't written");
  expect_refused(parse_config("home = \"/h\"\n"), Code::kInvalid, "trust_domain isn't written");
  expect_refused(parse_config("home = \"/h\"\ntrust_domain = \"a.b\"\n[listen]\nunix = \"/s\"\n"), Code::kInvalid,
                 "there is no [policy]");
  expect_refused(parse_config("home = \"/h\"\ntrust_domain = \"a.b\"\n[policy]\nfile = \"/p\"\n"), Code::kInvalid,
                 "there is no [listen]");
}

TEST(Config, WrongValues) {
  expect_line("home = \"here\"\ntrust_domain = \"a.b\"\n", 1, "home is an absolute path");
  expect_line("home = \"/h\"\ntrust_domain = \"A B\"\n", 2, "trust_domain");
  expect_line(with("[log]\nlevel = \"loud\"\n"), 8, "debug, info, warning, error");
  expect_line(with("[identity]\nsvid_lifetime_seconds = 59\n"), 8, "from 60 to 86400");
  expect_line(with("[leases]\nseconds = \"5\"\n"), 8, "must be a whole number");
  expect_line(with("[rotation]\nenabled = 1\n"), 8, "not true or false");
  expect_line(with("[limits]\nworkers = 0\n"), 8, "from 1 to 256");
  expect_line(with("[server]\nid = \"\"\n"), 8, "1 to 128 bytes");
  expect_refused(parse_config(with("[identity]\nauthority_lifetime_seconds = 600\n")), Code::kInvalid, "[identity]");
}

std::string listening(std::string_view lines) {
  return "home = \"/h\"\ntrust_domain = \"a.b\"\n[policy]\nfile = \"/p\"\n[listen]\n" + std::string(lines);
}

TEST(Config, WrongListeners) {
  expect_line(listening("tls = \"0.0.0.0\"\n"), 6, "tls");
  expect_line(listening("tls = \"keys.acme.example:8443\"\n"), 6, "tls");
  expect_line(listening("tls = \"0.0.0.0:1\"\nenroll = \"0.0.0.0:1\"\n"), 5, "0.0.0.0:1 is there twice");
  expect_line(listening("unix = \"keys.sock\"\n"), 6, "absolute path");
  expect_line(listening("unix = \"/" + std::string(200, 'x') + "\"\n"), 6, "unix");
  expect_line(listening("tls = \"0.0.0.0:1\"\nunix_everybody = true\n"), 7, "belongs to unix");
  EXPECT_TRUE(parse_config(listening("tls = \"0.0.0.0:0\"\nenroll = \"0.0.0.0:0\"\n")).ok());
}

TEST(Config, IdentitiesOfOtherTrustDomains) {
  expect_line(with("[identity]\nid = \"spiffe://other.example/keys\"\n"), 8, "isn't an identity of trust domain");
  expect_line(with("[identity]\nid = \"spiffe://acme.example\"\n"), 8, "isn't an identity of trust domain");
  expect_line(with("[[unix_user]]\nuid = 1\nid = \"spiffe://other.example/a\"\n"), 9, "isn't an identity");
  expect_line(with("[[unix_workload]]\nuid = 1\nid = \"trainer\"\n"), 9, "id: ");
}

TEST(Config, UsersTwiceAndWithoutSocket) {
  const std::string user = "[[unix_user]]\nuid = 7\nid = \"spiffe://acme.example/a\"\n";
  EXPECT_TRUE(parse_config(with(user)).ok());
  expect_line(with(user + user), 11, "user 7 is there twice");
  expect_refused(parse_config("home = \"/h\"\ntrust_domain = \"acme.example\"\n[policy]\nfile = \"/p\"\n[listen]\n"
                              "tls = \"0.0.0.0:1\"\n" +
                              user),
                 Code::kInvalid, "needs [listen] unix");
  expect_line(with("[[unix_user]]\nuid = 4294967295\nid = \"spiffe://acme.example/a\"\n"), 8, "uid must be");
  expect_line(with("[[unix_workload]]\nuid = 1\nexecutable = \"x\"\nid = \"spiffe://acme.example/a\"\n"), 9,
              "absolute path");
}

TEST(Config, Kubernetes) {
  const std::string user = "[[unix_user]]\nuid = 0\nid = \"spiffe://acme.example/k8s/apiserver\"\n";
  const std::string face = "[dialect_kubernetes]\nunix = \"/run/cloister/kms.sock\"\ndataset = \"acme/prod/etcd\"\n";
  const Config config = value_of(parse_config(with(face + user)));
  ASSERT_TRUE(config.kubernetes);
  EXPECT_EQ(config.kubernetes->socket, "/run/cloister/kms.sock");
  EXPECT_EQ(config.kubernetes->dataset.text(), "acme/prod/etcd");
  EXPECT_EQ(config.kubernetes->purpose, policy::Purpose::kOperate);
  EXPECT_NE(describe(config).find("KMS v2: /run/cloister/kms.sock, under acme/prod/etcd"), std::string::npos);
  const Config backup = value_of(parse_config(with(face + "purpose = \"backup\"\n" + user)));
  EXPECT_EQ(backup.kubernetes->purpose, policy::Purpose::kBackup);
}

TEST(Config, KubernetesWithoutASocketADatasetOrACaller) {
  const std::string user = "[[unix_user]]\nuid = 0\nid = \"spiffe://acme.example/k8s/apiserver\"\n";
  expect_line(with("[dialect_kubernetes]\ndataset = \"acme/etcd\"\n"), 7, "unix isn't written");
  expect_line(with("[dialect_kubernetes]\nunix = \"kms.sock\"\ndataset = \"acme/etcd\"\n"), 8, "absolute path");
  expect_line(with("[dialect_kubernetes]\nunix = \"/kms.sock\"\n"), 7, "dataset isn't written");
  expect_line(with("[dialect_kubernetes]\nunix = \"/kms.sock\"\ndataset = \"acme\"\n"), 9, "dataset: ");
  expect_line(with("[dialect_kubernetes]\nunix = \"/kms.sock\"\ndataset = \"acme/etcd\"\npurpose = \"trian\"\n"), 10,
              "train");
  expect_line(with("[dialect_kubernetes]\nkey = \"x\"\n"), 8, "key");
  expect_refused(parse_config(with("[dialect_kubernetes]\nunix = \"/kms.sock\"\ndataset = \"acme/etcd\"\n")),
                 Code::kInvalid, "needs a [[unix_user]]");
  expect_refused(
      parse_config(with("[dialect_kubernetes]\nunix = \"/run/cloister/keys.sock\"\ndataset = \"acme/etcd\"\n" + user)),
      Code::kInvalid, "a socket each");
}

TEST(Config, AwsKms) {
  const std::string face =
      "[dialect_aws]\nlisten = [\"0.0.0.0:8445\"]\nregion = \"eu-central-1\"\ncertificate = \"/etc/kms.pem\"\n"
      "key = \"/etc/kms.key\"\n";
  const Config config = value_of(parse_config(with(face)));
  ASSERT_TRUE(config.aws);
  EXPECT_EQ(config.aws->listen.size(), 1U);
  EXPECT_EQ(config.aws->region, "eu-central-1");
  EXPECT_EQ(config.aws->certificate, "/etc/kms.pem");
  EXPECT_EQ(config.aws->key, "/etc/kms.key");
  EXPECT_NE(describe(config).find("AWS KMS: 0.0.0.0:8445, region eu-central-1"), std::string::npos);
}

TEST(Config, AwsKmsWithoutAnAddressARegionOrACertificate) {
  const std::string listen = "[dialect_aws]\nlisten = [\"0.0.0.0:8445\"]\n", region = "region = \"eu-central-1\"\n";
  expect_line(with("[dialect_aws]\n" + region), 7, "listen");
  expect_line(with(listen), 7, "region isn't written");
  expect_line(with(listen + "region = \"EU central\"\n"), 9, "region is of");
  expect_line(with(listen + region), 7, "certificate isn't written");
  expect_line(with(listen + region + "certificate = \"kms.pem\"\nkey = \"/k\"\n"), 10, "absolute path");
  expect_line(with(listen + region + "certificate = \"/c\"\n"), 7, "key isn't written");
}

TEST(Config, ConfidentialContainers) {
  const std::string files = "certificate = \"/etc/kbs.pem\"\nkey = \"/etc/kbs.key\"\n";
  const std::string table = "[dialect_kbs]\nlisten = \"0.0.0.0:8446\"\n" + files;
  const Config config = value_of(parse_config(with(table + "resources = \"/srv/kbs\"\n")));
  ASSERT_TRUE(config.kbs);
  EXPECT_EQ(config.kbs->listen.size(), 1U);
  EXPECT_EQ(config.kbs->resources, "/srv/kbs");
  EXPECT_EQ(config.kbs->purpose, policy::Purpose::kInfer);
  EXPECT_EQ(config.kbs->session_lifetime, minutes(5));
  EXPECT_EQ(config.kbs->fetches_per_minute, 0U);
  const std::string more = "resources = \"/srv/kbs\"\nfetches_per_minute = ";
  EXPECT_EQ(value_of(parse_config(with(table + more + "6\n"))).kbs->fetches_per_minute, 6U);
  expect_line(with(table + more + "601\n"), 12, "fetches_per_minute");
  EXPECT_NE(describe(config).find("guests: 0.0.0.0:8446, secrets in /srv/kbs"), std::string::npos);

  expect_line(with("[dialect_kbs]\n" + files + "resources = \"/srv/kbs\"\n"), 7, "listen");
  expect_line(with(table), 7, "resources isn't written");
  expect_line(with(table + "resources = \"kbs\"\n"), 11, "absolute path");
  expect_line(with(table + "resources = \"/srv/kbs\"\nsession_lifetime_seconds = 9\n"), 12, "session_lifetime_seconds");
}

TEST(Config, Vault) {
  const std::string files = "certificate = \"/etc/vault.pem\"\nkey = \"/etc/vault.key\"\n";
  const Config config = value_of(parse_config(
      with("[dialect_vault]\ntls = \"0.0.0.0:8200\"\nmutual_tls = [\"0.0.0.0:8201\", \"[::]:8201\"]\n" + files)));
  ASSERT_TRUE(config.vault);
  EXPECT_EQ(config.vault->tls.size(), 1U);
  EXPECT_EQ(config.vault->mutual_tls.size(), 2U);
  EXPECT_EQ(config.vault->certificate, "/etc/vault.pem");
  EXPECT_EQ(config.vault->key, "/etc/vault.key");
  EXPECT_EQ(config.vault->token_lifetime, hours(1));
  EXPECT_NE(describe(config).find("Vault's API: 0.0.0.0:8200; by certificate: 0.0.0.0:8201"), std::string::npos);
}

TEST(Config, VaultWithoutListenersOrCertificate) {
  const std::string table = "[dialect_vault]\ntls = \"0.0.0.0:8200\"\n";
  expect_line(with("[dialect_vault]\ncertificate = \"/c\"\nkey = \"/k\"\n"), 7, "nobody could reach it");
  expect_line(with(table + "key = \"/k\"\n"), 7, "certificate isn't written");
  expect_line(with(table + "certificate = \"/c\"\n"), 7, "key isn't written");
  expect_line(with(table + "certificate = \"c\"\nkey = \"/k\"\n"), 9, "absolute path");
  expect_line(with(table + "certificate = \"/c\"\nkey = \"/k\"\ntoken_lifetime_seconds = 59\n"), 11,
              "token_lifetime_seconds");
  expect_line(with(table + "certificate = \"/c\"\nkey = \"/k\"\nmutual_tls = \"0.0.0.0:8200\"\n"), 7, "is there twice");
  expect_line(with(table + "certificate = \"/c\"\nkey = \"/k\"\nmount = \"x\"\n"), 11, "mount");
}

TEST(Config, HalfAWebhook) {
  expect_line(with("[anomalies]\nwebhook_path = \"/x\"\n"), 8, "needs webhook_socket or webhook_address");
  expect_line(with("[anomalies]\nwebhook_socket = \"/s\"\nwebhook_path = \"/x\"\n"), 7, "webhook_user isn't written");
  expect_line(with("[anomalies]\nwebhook_socket = \"/s\"\nwebhook_user = 1\n"), 7, "webhook_path isn't written");
  expect_line(with("[anomalies]\nwebhook_socket = \"/s\"\nwebhook_user = 1\nwebhook_path = \"x\"\n"), 10, "a slash");
  expect_line(with("[anomalies]\nwebhook_socket = \"/s\"\nwebhook_address = \"a:1\"\n"), 9, "not both");
  expect_line(with("[anomalies]\nwebhook_address = \"a:1\"\nwebhook_path = \"/x\"\n"), 7, "webhook_id isn't written");
}

TEST(Config, WritableByOthers) {
  const testing::TempDir folder;
  const Path path = folder / "cloisterd.toml";
  ASSERT_TRUE(write_file(path, as_bytes(kSmall), Overwrite::kRefuse, 0644).ok());
  EXPECT_TRUE(read_config(path).ok());
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  expect_refused(read_config(path), Code::kDenied, "cloisterd.toml");
  expect_refused(read_config(folder / "none"), Code::kNotFound, "none");
}

TEST(Config, WhoMayConnect) {
  const Config config = value_of(parse_config(
      with("[[unix_user]]\nuid = 4000000000\nid = \"spiffe://acme.example/a\"\n[[unix_workload]]\nuid = 4000000000\n"
           "id = \"spiffe://acme.example/acme/b\"\n")));
  const auto users = config.unix_users();
  EXPECT_EQ(std::count(users.begin(), users.end(), uid_t{4'000'000'000}), 1);
  EXPECT_EQ(std::count(users.begin(), users.end(), uid_t{0}), 1);
}

}  // namespace
}  // namespace cloister::daemon
