// Kubernetes by its files: what only looks as if secrets were encrypted.
#include "posture/collect/kubernetes/kubernetes_collector.h"

#include <gtest/gtest.h>

#include "base/base64.h"

namespace cloister::posture {
namespace {

class Sink final : public FactSink {
 public:
  void add(Fact fact) override { facts.push_back(std::move(fact)); }
  std::vector<Fact> facts;
};

constexpr std::string_view kTop = "version = 1\nid = \"a\"\nown_account = [\"111122223333\", \"acme\"]\n";
constexpr std::string_view kDeclared =
    "[[location]]\nname = \"etcd\"\naddress = \"k8s-secrets:prod\"\nkind = \"secrets\"\n";

std::vector<Fact> facts_of(std::vector<InputFile> files, const std::string& more = "") {
  const auto estate = parse_estate(std::string(kTop) + std::string(kDeclared) + more, "x.toml");
  CLOISTER_CHECK(estate.ok());
  Sink sink;
  CollectContext context;
  context.estate = &*estate;
  context.now = Time{1'795'000'000'000};
  KubernetesCollector(std::move(files)).collect(context, sink);
  return std::move(sink.facts);
}

Fact first(const std::string& kind, const std::string& text, const std::string& more = "") {
  for (Fact& fact : facts_of({{"f.yaml", text}}, more)) {
    if (fact.kind == kind) return fact;
  }
  return {};
}

std::string configuration(const std::string& providers, const std::string& resources = "secrets") {
  return "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [" +
         resources + "]\n  providers:\n" + providers;
}

constexpr const char* kKey = "- aescbc: {keys: [{name: k, secret: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}]}\n";

TEST(KubernetesTest, IdentityFirstWritesPlaintext) {
  const Fact fact = first("storage.encryption", configuration(std::string("  - identity: {}\n  ") + kKey));
  EXPECT_EQ(fact.subject.id, "etcd") << "the one such location of the estate";
  EXPECT_EQ(*fact.text("encrypted"), "no") << "whatever follows it";
}

TEST(KubernetesTest, KeyInTheFileIsManagedByNobody) {
  const Fact fact = first("storage.encryption", configuration(std::string("  ") + kKey + "  - identity: {}\n"));
  EXPECT_EQ(*fact.text("encrypted"), "yes");
  EXPECT_EQ(*fact.text("scheme"), "k8s-aescbc");
  EXPECT_EQ(*fact.text("algorithm"), "aes-256-cbc");
  EXPECT_EQ(*fact.text("integrity"), "none");
  EXPECT_EQ(*fact.text("key_manager"), "none");
  EXPECT_EQ(fact.list("notes")->size(), 2U) << "old secrets may be in the clear";
  EXPECT_EQ(fact_json(fact).find("MDEyMzQ1"), std::string::npos) << "the key is in no fact";
}

TEST(KubernetesTest, KmsProviderByTheKeyThatTheEstateDeclares) {
  const std::string text = configuration("  - kms: {apiVersion: v2, name: vault, endpoint: unix:///x}\n");
  EXPECT_EQ(*first("storage.encryption", text).text("key_manager"), "unknown");
  EXPECT_EQ(
      *first("storage.encryption", text, "[[key]]\nname = \"k8s-kms:vault\"\nclass = \"kek\"\n").text("key_manager"),
      "operator");
}

TEST(KubernetesTest, ConfigurationThatIsNotAboutSecrets) {
  EXPECT_EQ(*first("storage.encryption", configuration(std::string("  ") + kKey, "configmaps")).text("encrypted"),
            "no");
  EXPECT_EQ(*first("storage.encryption", configuration(std::string("  ") + kKey, "'*.*'")).text("encrypted"), "yes");
}

TEST(KubernetesTest, ConfigurationThatIsNone) {
  for (const char* providers : {"", "  - x\n", "  - rot13: {}\n", "  - aescbc: {keys: []}\n", "  - kms: {}\n",
                                "  - aescbc: {keys: [{secret: c2hvcnQ=}]}\n", "  - {identity: {}, aescbc: {}}\n"}) {
    const Fact fact = first("storage.encryption", configuration(providers));
    EXPECT_TRUE(fact.not_assessed.has_value()) << providers;
  }
}

std::string api_server(const std::string& flag) {
  return "apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver}\nspec:\n  containers:\n  - command: "
         "[kube-apiserver, --secure-port=6443" +
         flag + "]\n";
}

TEST(KubernetesTest, FlagAloneSaysNothing) {
  const std::string flagged = api_server(", --encryption-provider-config=/etc/enc.yaml");
  EXPECT_TRUE(first("storage.encryption", flagged).not_assessed.has_value());
  EXPECT_EQ(*first("storage.encryption", api_server("")).text("encrypted"), "no");
  const auto facts =
      facts_of({{"pod.yaml", flagged}, {"enc.yaml", configuration(std::string("  - identity: {}\n  ") + kKey)}});
  std::vector<std::string> verdicts;
  for (const Fact& fact : facts) {
    if (fact.kind == "storage.encryption") verdicts.push_back(*fact.text("encrypted"));
  }
  EXPECT_EQ(verdicts, std::vector<std::string>{"no"}) << "by the file that the flag names";
}

TEST(KubernetesTest, OneServerOfSeveralWithoutTheFlag) {
  const std::string flagged = api_server(", --encryption-provider-config=/etc/enc.yaml");
  const InputFile enc = {"enc.yaml", configuration(std::string("  ") + kKey)};
  const auto verdicts = [](std::vector<InputFile> files) {
    std::vector<std::string> found;
    for (const Fact& fact : facts_of(std::move(files))) {
      if (fact.kind == "storage.encryption") found.push_back(*fact.text("encrypted"));
    }
    return found;
  };
  EXPECT_EQ(verdicts({{"a.yaml", flagged}, {"b.yaml", flagged}, enc}), std::vector<std::string>{"yes"});
  EXPECT_EQ(verdicts({{"a.yaml", flagged}, {"b.yaml", api_server("")}, enc}), std::vector<std::string>{"no"});
}

std::string etcd(const std::vector<std::pair<std::string, std::string>>& values) {
  std::string text;
  for (const auto& [key, value] : values) {
    text += std::string(text.empty() ? "" : ",") + R"({"key":")" + to_base64(as_bytes(key)) + R"(","value":")" +
            to_base64(as_bytes(value)) + "\"}";
  }
  return R"({"header":{},"kvs":[)" + text + "]}";
}

TEST(KubernetesTest, ValuesOutOfEtcd) {
  const std::pair<std::string, std::string> sealed = {"/registry/secrets/a/b", "k8s:enc:kms:v2:vault:\x01\x02"};
  const Fact good = first("storage.encryption", etcd({sealed, sealed}));
  EXPECT_EQ(*good.text("encrypted"), "yes");
  EXPECT_EQ(*good.text("scheme"), "k8s-kms");
  EXPECT_EQ(good.number("objects"), 2);
  EXPECT_EQ(*good.text("level"), "object");
  const Fact bad =
      first("storage.encryption", etcd({sealed, {"/registry/secrets/a/c", std::string("k8s\0v1 hunter2", 15)}}));
  EXPECT_EQ(*bad.text("encrypted"), "no") << "one of two is in the clear";
  EXPECT_EQ(fact_json(bad).find("hunter2"), std::string::npos) << "no value is in a fact";
  EXPECT_TRUE(first("storage.encryption", etcd({{"/registry/pods/a/b", "x"}})).not_assessed.has_value());
  EXPECT_TRUE(first("storage.encryption", R"({"kvs":[{"key":"!","value":""}]})").not_assessed.has_value());
}

TEST(KubernetesTest, PartOfWhatEtcdHasProvesNothingGood) {
  const std::pair<std::string, std::string> sealed = {"/registry/secrets/a/b", "k8s:enc:kms:v2:vault:\x01\x02"};
  const std::pair<std::string, std::string> plain = {"/registry/secrets/a/c", "k8s"};
  const auto with = [](std::string text, const std::string& more) {
    text.insert(text.size() - 1, more);
    return first("storage.encryption", text);
  };
  EXPECT_EQ(*with(etcd({sealed}), R"(,"count":1)").text("encrypted"), "yes");
  EXPECT_EQ(*with(etcd({sealed}), R"(,"more":false,"count":1)").text("encrypted"), "yes");
  EXPECT_TRUE(with(etcd({sealed}), R"(,"more":true,"count":1)").not_assessed.has_value());
  EXPECT_TRUE(with(etcd({sealed}), R"(,"count":2)").not_assessed.has_value());
  EXPECT_TRUE(with(etcd({sealed}), R"(,"count":"x")").not_assessed.has_value());
  EXPECT_EQ(*with(etcd({sealed, plain}), R"(,"more":true,"count":9)").text("encrypted"), "no") << "that was seen";
}

TEST(KubernetesTest, KeysOfEtcdWithoutTheirValues) {
  const Fact fact = first("storage.encryption", etcd({{"/registry/secrets/a/b", ""}}));
  EXPECT_TRUE(fact.not_assessed.has_value());
  const std::string key = to_base64(as_bytes(std::string_view("/registry/secrets/a/b")));
  EXPECT_TRUE(first("storage.encryption", R"({"kvs":[{"key":")" + key + R"("}]})").not_assessed.has_value());
}

TEST(KubernetesTest, SecretWithItsValuesInAManifest) {
  const Fact fact = first("content.object",
                          "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: n}\n"
                          "data: {password: aHVudGVyMg==}\n");
  EXPECT_EQ(fact.subject.id, "file:f.yaml#Secret/n/s");
  EXPECT_EQ(*fact.text("verdict"), "plaintext");
  EXPECT_EQ(fact_json(fact).find("aHVudGVyMg"), std::string::npos);
  EXPECT_EQ(first("content.object", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n").kind, "");
}

std::string claim(const std::string& storage_class) {
  return "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: ml}\nspec: {" +
         storage_class + "}\n";
}

std::string storage_class(const std::string& provisioner, const std::string& parameters,
                          const std::string& marks = "") {
  return "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast" + marks +
         "}\nprovisioner: " + provisioner + "\nparameters: {" + parameters + "}\n";
}

TEST(KubernetesTest, ClaimsByTheirClass) {
  const std::string ours = "\"kmsKeyId\": \"arn:aws:kms:eu-central-1:111122223333:key/k\", encrypted: \"true\"";
  const Fact fact =
      first("storage.encryption", storage_class("ebs.csi.aws.com", ours) + claim("storageClassName: fast"));
  EXPECT_EQ(fact.subject.id, "k8s-pvc:ml/data");
  EXPECT_EQ(*fact.text("encrypted"), "yes");
  EXPECT_EQ(*fact.text("key_manager"), "unknown") << "an ARN doesn't say who manages the key";
  const auto manager = [&](const std::string& provisioner, const std::string& parameters) {
    return *first("storage.encryption", storage_class(provisioner, parameters) + claim("storageClassName: fast"))
                .text("key_manager");
  };
  EXPECT_EQ(manager("ebs.csi.aws.com", "encrypted: 'true'"), "platform_default");
  EXPECT_EQ(manager("ebs.csi.aws.com", "encrypted: 'true', kmsKeyId: 'arn:aws:kms:x:999:key/k'"), "foreign");
  EXPECT_EQ(manager("ebs.csi.aws.com", "encrypted: 'true', kmsKeyId: alias/aws/ebs"), "platform_default");
  EXPECT_EQ(manager("pd.csi.storage.gke.io", "type: pd-ssd"), "platform_default");
  EXPECT_EQ(
      manager("pd.csi.storage.gke.io", "disk-encryption-kms-key: projects/acme/locations/l/keyRings/r/cryptoKeys/k"),
      "operator");
  EXPECT_EQ(
      *first("storage.encryption", storage_class("ebs.csi.aws.com", "type: gp3") + claim("storageClassName: fast"))
           .text("encrypted"),
      "unknown");
  EXPECT_EQ(*first("storage.encryption", storage_class("nfs.csi.k8s.io", "") + claim("storageClassName: fast"))
                 .text("encrypted"),
            "unknown");
}

TEST(KubernetesTest, ClaimsWithoutAClass) {
  const std::string marked = storage_class("pd.csi.storage.gke.io", "",
                                           ", annotations: {storageclass.kubernetes.io/is-default-class: \"true\"}");
  EXPECT_FALSE(first("storage.encryption", marked + claim("")).not_assessed.has_value());
  EXPECT_TRUE(first("storage.encryption", claim("")).not_assessed.has_value());
  EXPECT_TRUE(first("storage.encryption", claim("storageClassName: slow")).not_assessed.has_value());
  EXPECT_TRUE(first("storage.encryption", marked + claim("storageClassName: ''")).not_assessed.has_value());
}

TEST(KubernetesTest, ManagedClusters) {
  const std::string eks = R"({"cluster":{"name":"prod","arn":"arn:aws:eks:x:1:cluster/prod","version":"1.31")";
  Fact fact = first("storage.encryption", eks + "}}");
  EXPECT_EQ(fact.subject.id, "etcd");
  EXPECT_EQ(*fact.text("key_manager"), "platform_default");
  fact = first(
      "storage.encryption",
      eks + R"(,"encryptionConfig":[{"resources":["secrets"],"provider":{"keyArn":"arn:aws:kms:x:999:key/k"}}]}})");
  EXPECT_EQ(*fact.text("key_manager"), "foreign");
  EXPECT_EQ(*first("storage.encryption", R"({"cluster":{"name":"old","arn":"arn:aws:eks:x:1:c","version":"1.27"}})")
                 .text("encrypted"),
            "unknown");

  const std::string gke = R"({"name":"prod","selfLink":"https://container.googleapis.com/v1/x","databaseEncryption":)";
  const std::string key = R"("keyName":"projects/acme/locations/l/keyRings/r/cryptoKeys/k")";
  EXPECT_EQ(*first("storage.encryption", gke + R"({"state":"DECRYPTED"}})").text("key_manager"), "platform_default");
  EXPECT_EQ(*first("storage.encryption", gke + R"({"state":"ENCRYPTED",)" + key + "}}").text("key_manager"),
            "operator");
  EXPECT_EQ(*first("storage.encryption",
                   gke + R"({"state":"ENCRYPTED","currentState":"CURRENT_STATE_ENCRYPTION_ERROR",)" + key + "}}")
                 .text("encrypted"),
            "unknown");

  const std::string aks = R"({"name":"prod","type":"Microsoft.ContainerService/ManagedClusters","securityProfile":)";
  EXPECT_EQ(*first("storage.encryption", aks + "{}}").text("key_manager"), "platform_default");
  EXPECT_EQ(*first("storage.encryption",
                   aks + R"({"azureKeyVaultKms":{"enabled":true,"keyId":"https://v.vault.azure.net/keys/k/1"}}})")
                 .text("key_manager"),
            "unknown");
}

TEST(KubernetesTest, FilesThatAreNoneAreSaid) {
  for (const char* text : {"a: [", "just: text\n", "", "- 1\n- 2\n"}) {
    const auto facts = facts_of({{"f.yaml", text}});
    ASSERT_EQ(facts.size(), 1U) << text;
    EXPECT_EQ(facts[0].kind, "inventory.source");
    EXPECT_TRUE(facts[0].not_assessed.has_value()) << text;
  }
}

TEST(KubernetesTest, StoppedAuditSaysWhatItDidNotRead) {
  const Estate estate;
  Progress progress;
  progress.request_stop();
  CollectContext context;
  context.estate = &estate;
  context.progress = &progress;
  Sink sink;
  KubernetesCollector({{"f.yaml", claim("")}}).collect(context, sink);
  ASSERT_EQ(sink.facts.size(), 1U);
  EXPECT_TRUE(sink.facts[0].not_assessed.has_value());
}

}  // namespace
}  // namespace cloister::posture
