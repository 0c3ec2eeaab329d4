// Azure: accounts, scopes, blobs, disks and workspaces, whose vaults they name, and answers that say nothing.
#include "posture/collect/cloud/azure_collector.h"

#include "posture/collect/cloud/azure_answers.h"
#include "posture/collect/cloud/bearer_client.h"
#include "tests/support/expect.h"
#include "tests/support/recorded_hosts.h"
#include "unit/posture/collect/cloud/cloud_parts.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kStorage = "storage.encryption";
constexpr std::string_view kCorpus = "location:corpus";
const std::string kSubscription = "11111111-2222-3333-4444-555555555555";
const std::string kGroup = "/subscriptions/" + kSubscription + "/resourceGroups/ml/providers/";
const std::string kAccountId = kGroup + "Microsoft.Storage/storageAccounts/acme";
const std::string kManager = "management.azure.com";
const std::string kBlobs = "azure-blob://acme/corpus";

// Answers by what was asked, without the API's version; everything else is refused.
struct AzureWorld {
  std::map<std::string, std::pair<unsigned, std::string>> answers;
  std::vector<std::string> asked;
  testing::TestWaiting waiting;
  testing::FunctionTransport script{[this](const net::Request& request) -> Result<net::Response> {
    asked.push_back(request.method + " " + request.target);
    if (request.target.starts_with("169.254.169.254/")) {
      return net::Response{
          200, {}, net::to_buffer(R"({"access_token":"t0ken","expires_in":"3599","token_type":"Bearer"})"), {}};
    }
    const auto found = answers.find(request.target.substr(0, request.target.find("?api-version=")));
    if (found == answers.end()) return net::Response{403, {}, net::to_buffer("{}"), {}};
    return net::Response{found->second.first, {}, net::to_buffer(found->second.second), {}};
  }};

  AzureWorld() {
    vaults(R"({"properties":{"vaultUri":"https://acme.vault.azure.net/"}})");
    answers[kManager + "/subscriptions/" + kSubscription + "/providers/Microsoft.KeyVault/managedHSMs"] = {
        200, R"({"value":[]})"};
    container("");
    blobs(R"(<Blob><Name>a</Name><Properties><ServerEncrypted>true</ServerEncrypted></Properties></Blob>)");
  }
  void vaults(const std::string& items) {
    answers[kManager + "/subscriptions/" + kSubscription + "/providers/Microsoft.KeyVault/vaults"] = {
        200, R"({"value":[)" + items + "]}"};
  }
  void account(const std::string& encryption) {
    answers[kManager + "/subscriptions/" + kSubscription + "/providers/Microsoft.Storage/storageAccounts"] = {
        200,
        R"({"value":[{"name":"acme","id":")" + kAccountId + R"(","properties":{"encryption":{)" + encryption + "}}}]}"};
  }
  void container(const std::string& scope) {
    const std::string named = scope.empty() ? "" : R"("defaultEncryptionScope":")" + scope + "\"";
    answers[kManager + kAccountId + "/blobServices/default/containers/corpus"] = {
        200, R"({"name":"corpus","properties":{)" + named + "}}"};
  }
  void scope(const std::string& name, const std::string& properties) {
    answers[kManager + kAccountId + "/encryptionScopes/" + name] = {
        200, R"({"name":")" + name + R"(","properties":{)" + properties + "}}"};
  }
  void blobs(const std::string& items) {
    answers["acme.blob.core.windows.net/corpus?restype=container&comp=list"] = {
        200, "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>" + items +
                 "</Blobs><NextMarker /></EnumerationResults>"};
  }
  KeptFacts collect(const std::string& address, const std::string& own = kSubscription) {
    Estate estate = estate_of(address);
    estate.own_accounts.push_back(own);
    KeptFacts facts;
    CollectContext context;
    context.estate = &estate;
    context.now = waiting.now;
    AzureCollector({}, waiting.waiting(), testing::connect_to(script)).collect(context, facts);
    return facts;
  }
  std::string manager(const std::string& address) {
    return text_in(collect(address).only(kStorage, kCorpus), "key_manager");
  }
};

std::string vault_key(const std::string& vault) {
  return R"("keySource":"Microsoft.Keyvault","keyvaultproperties":{"keyvaulturi":"https://)" + vault +
         R"(.vault.azure.net/","keyname":"corpus"})";
}

struct AzureTest : ::testing::Test {
  AzureWorld world;
};

TEST_F(AzureTest, WhoseVaultAnAccountNames) {
  world.account(vault_key("acme"));
  const KeptFacts facts = world.collect(kBlobs);
  const Fact& fact = facts.only(kStorage, kCorpus);
  EXPECT_EQ(text_in(fact, "key_manager"), "operator");
  EXPECT_EQ(text_in(fact, "key"), "https://acme.vault.azure.net/keys/corpus");
  EXPECT_EQ(text_in(fact, "level"), "object");
  EXPECT_EQ(fact.number("objects_sampled"), 1);
  EXPECT_TRUE(facts.only("key.posture", "key:https://acme.vault.azure.net/keys/corpus").not_assessed)
      << "the vault doesn't tell us";
  world.account(vault_key("elsewhere"));
  EXPECT_EQ(world.manager(kBlobs), "foreign");
  for (const std::string& asked : world.asked) EXPECT_EQ(asked.find("elsewhere.vault"), std::string::npos) << asked;
  world.account(R"("keySource":"Microsoft.Storage")");
  EXPECT_EQ(world.manager(kBlobs), "platform_default");
  world.account(R"("keySource":"Microsoft.Moon")");
  EXPECT_EQ(world.manager(kBlobs), "unknown");
}

TEST_F(AzureTest, VaultsThatCannotBeListed) {
  world.account(vault_key("elsewhere"));
  world.answers.erase(kManager + "/subscriptions/" + kSubscription + "/providers/Microsoft.KeyVault/managedHSMs");
  EXPECT_EQ(world.manager(kBlobs), "unknown") << "it may be one that we can't see";
  world.account(vault_key("acme"));
  EXPECT_EQ(world.manager(kBlobs), "operator");
  EXPECT_TRUE(world.collect(kBlobs, "not-a-subscription").only(kStorage, kCorpus).not_assessed);
}

TEST_F(AzureTest, ScopesAndBlobs) {
  world.account(vault_key("acme"));
  world.container("platform");
  world.scope("platform", R"("source":"Microsoft.Storage","state":"Enabled")");
  world.scope("own",
              R"("source":"Microsoft.KeyVault","keyVaultProperties":{"keyUri":"https://acme.vault.azure.net/keys/k"})");
  world.blobs(
      "<Blob><Name>a</Name><Properties><ServerEncrypted>true</ServerEncrypted></Properties></Blob>"
      "<Blob><Name>b</Name><Properties><ServerEncrypted>true</ServerEncrypted><EncryptionScope>own</EncryptionScope>"
      "</Properties></Blob><Blob><Name>c</Name><Properties><ServerEncrypted>true</ServerEncrypted><EncryptionScope>"
      "platform</EncryptionScope></Properties></Blob><Blob><Name>d</Name><Properties><ServerEncrypted>true"
      "</ServerEncrypted><CustomerProvidedKeySha256>x</CustomerProvidedKeySha256></Properties></Blob>");
  KeptFacts facts = world.collect(kBlobs);
  EXPECT_EQ(text_in(facts.only(kStorage, kCorpus), "key_manager"), "platform_default");
  EXPECT_TRUE(notes_say(facts.only(kStorage, kCorpus), "default: azure, platform_default"));
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#c"), "key_manager"), "platform_default");
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#d"), "key_manager"), "unknown");
  EXPECT_EQ(facts.count(kStorage), 3U);
  world.blobs("<Blob><Name>a</Name><Properties><ServerEncrypted>false</ServerEncrypted></Properties></Blob>");
  facts = world.collect(kBlobs);
  EXPECT_EQ(text_in(facts.only(kStorage, kCorpus), "encrypted"), "no");
}

TEST_F(AzureTest, WhatCannotBeReadIsNotAssessed) {
  world.account(vault_key("acme"));
  const std::string list = "acme.blob.core.windows.net/corpus?restype=container&comp=list";
  for (const char* body :
       {"", "<x/>", "<EnumerationResults><Blobs><Blob><x>1</x></Blob></Blobs></EnumerationResults>"}) {
    world.answers[list] = {200, body};
    EXPECT_TRUE(world.collect(kBlobs).only(kStorage, kCorpus).not_assessed) << body;
  }
  const std::string page = "<EnumerationResults><Blobs/><NextMarker>m</NextMarker></EnumerationResults>";
  world.answers[list] = {200, page};
  world.answers[list + "&marker=m"] = {200, page};
  EXPECT_TRUE(world.collect(kBlobs).only(kStorage, kCorpus).not_assessed) << "a list that doesn't end";
  world.answers[list] = {429, ""};
  EXPECT_TRUE(world.collect(kBlobs).only(kStorage, kCorpus).not_assessed) << "throttled";
  for (const char* address :
       {"azure-blob://acme", "azure-blob://A/b", "azure-blob://other/corpus", "azure-blob://acme/Über", "azure-disk:x",
        "azure-disk:/subscriptions/../x", "azure-ml:/subscriptions/s/x"}) {
    EXPECT_TRUE(world.collect(address).only(kStorage, kCorpus).not_assessed) << address;
  }
  EXPECT_EQ(world.collect("gs://x").count(kStorage), 0U);
}

TEST_F(AzureTest, DisksAndWorkspaces) {
  const std::string disk = kGroup + "Microsoft.Compute/disks/d",
                    set = kGroup + "Microsoft.Compute/diskEncryptionSets/s";
  const auto answer = [&](const std::string& id, const std::string& properties) {
    world.answers[kManager + id] = {200, R"({"id":")" + id + R"(","properties":{)" + properties + "}}"};
  };
  answer(disk, R"("encryption":{"type":"EncryptionAtRestWithCustomerKey","diskEncryptionSetId":")" + set + "\"}");
  EXPECT_EQ(world.manager("azure-disk:" + disk), "unknown") << "the set can't be read";
  answer(set, R"("activeKey":{"keyUrl":"https://acme.vault.azure.net/keys/k/0123456789abcdef0123456789abcdef"})");
  EXPECT_EQ(world.manager("azure-disk:" + disk), "operator");
  answer(disk, R"("encryption":{"type":"EncryptionAtRestWithPlatformKey"})");
  EXPECT_EQ(world.manager("azure-disk:" + disk), "platform_default");
  answer(disk, R"("encryption":{"type":"New"})");
  EXPECT_EQ(world.manager("azure-disk:" + disk), "unknown");
  const std::string workspace = kGroup + "Microsoft.MachineLearningServices/workspaces/w";
  answer(workspace, R"("hbiWorkspace":false)");
  EXPECT_EQ(world.manager("azure-ml:" + workspace), "platform_default");
  answer(
      workspace,
      R"("encryption":{"status":"Enabled","keyVaultProperties":{"keyIdentifier":"https://acme.vault.azure.net/keys/k"}})");
  EXPECT_EQ(world.manager("azure-ml:" + workspace), "operator");
}

TEST_F(AzureTest, AnswersAboutSomethingElse) {
  const auto json = [](std::string_view text) { return value_of(parse_json(text)); };
  expect_refused(parse_azure_scope(json(R"({"name":"a"})"), "b"), Code::kCorrupt, "about");
  expect_refused(parse_azure_container(json("{}"), "b"), Code::kCorrupt, "about");
  expect_refused(parse_azure_disk(json("{}"), "/x"), Code::kCorrupt, "about");
  expect_refused(parse_azure_workspace(json("[]"), "/x"), Code::kCorrupt, "about");
  expect_refused(parse_azure_account(json("{}")), Code::kCorrupt, "nothing");
  expect_refused(parse_azure_page(json("{}")), Code::kCorrupt, "list");
  expect_refused(parse_azure_encryption_set(json("{}")), Code::kCorrupt, "names no key");
  EXPECT_EQ(azure_key_of("http://acme.vault.azure.net/keys/k"), "");
  EXPECT_EQ(azure_key_of("https://acme.vault.azure.net/secrets/k"), "");
}

// Our token goes nowhere else because of a list's next page.
TEST_F(AzureTest, NextPageSomewhereElse) {
  world.account(vault_key("acme"));
  auto& vaults = world.answers[kManager + "/subscriptions/" + kSubscription + "/providers/Microsoft.KeyVault/vaults"];
  vaults = {200, R"({"value":[],"nextLink":"https://evil.example/x"})"};
  EXPECT_EQ(world.manager(kBlobs), "unknown");
  for (const std::string& asked : world.asked) EXPECT_EQ(asked.find("evil"), std::string::npos) << asked;
  const kms::Endpoint manager = value_of(kms::parse_endpoint("https://management.azure.com"));
  EXPECT_EQ(value_of(BearerClient::target_of_link(manager, "https://management.azure.com/a?b")), "/a?b");
  for (const char* link : {"https://management.azure.com.evil.example/", "http://management.azure.com/", "/a", "",
                           "https://management.azure.com/a b"}) {
    EXPECT_FALSE(BearerClient::target_of_link(manager, link).ok()) << link;
  }
}

// Of a source's fact why it couldn't be read, or "" where it could.
std::string unread(const KeptFacts& facts, const std::string& what) {
  for (const Fact& fact : facts.all) {
    if (fact.kind == "inventory.source" && fact.scope.starts_with(what)) return fact.not_assessed.value_or("");
  }
  return "nobody looked";
}

TEST_F(AzureTest, WhatNobodyDeclared) {
  const std::string at = kManager + "/subscriptions/" + kSubscription + "/providers/";
  world.account(vault_key("acme"));
  world.answers[kManager + kAccountId + "/blobServices/default/containers"] = {
      200, R"({"value":[{"name":"corpus","properties":{}},{"name":"forgotten","properties":{}}]})"};
  const std::string disk = kGroup + "Microsoft.Compute/disks/";
  const std::string platform = R"(,"properties":{"encryption":{"type":"EncryptionAtRestWithPlatformKey"}}})";
  world.answers[at + "Microsoft.Compute/disks"] = {
      200, R"({"value":[{"id":")" + disk + R"(D1")" + platform + R"(,{"id":")" + disk + R"(d2")" + platform + "]}"};
  world.answers[at + "Microsoft.MachineLearningServices/workspaces"] = {
      200, R"({"value":[{"id":")" + kGroup + R"(Microsoft.MachineLearningServices/workspaces/w","properties":{}}]})"};
  KeptFacts facts = world.collect(kBlobs + "/data");
  EXPECT_EQ(text_in(facts.only(kStorage, "location:azure-blob://acme/forgotten"), "key_manager"), "operator");
  EXPECT_EQ(text_in(facts.only(kStorage, "location:azure-blob://acme/forgotten"), "level"), "service");
  EXPECT_EQ(text_in(facts.only(kStorage, "location:azure-disk:" + disk + "d2"), "key_manager"), "platform_default");
  EXPECT_EQ(facts.count("inventory.seen"), 4U) << "a part of corpus is declared";
  for (const char* what : {"disks", "workspaces", "storage accounts"}) EXPECT_EQ(unread(facts, what), "") << what;
  facts = world.collect("azure-disk:" + disk + "d1");
  EXPECT_EQ(facts.count("inventory.seen"), 4U) << "ids are told in any case of letters, and this disk is declared";
}

TEST_F(AzureTest, AccountThatRefusesHidesNoneBehindIt) {
  const std::string files = kGroup + "Microsoft.Storage/storageAccounts/files";
  world.answers[kManager + "/subscriptions/" + kSubscription + "/providers/Microsoft.Storage/storageAccounts"] = {
      200, R"({"value":[{"name":"files","id":")" + files + R"(","properties":{}},{"name":"acme","id":")" + kAccountId +
               R"(","properties":{"encryption":{)" + vault_key("acme") + "}}}]}"};
  world.answers[kManager + kAccountId + "/blobServices/default/containers"] = {
      200, R"({"value":[{"name":"forgotten","properties":{}}]})"};
  const KeptFacts facts = world.collect(kBlobs);
  EXPECT_EQ(text_in(facts.only(kStorage, "location:azure-blob://acme/forgotten"), "key_manager"), "operator");
  EXPECT_NE(unread(facts, "storage accounts"), "");
}

TEST_F(AzureTest, ListsThatCannotBeRead) {
  const std::string at = kManager + "/subscriptions/" + kSubscription + "/providers/";
  world.account(vault_key("acme"));
  KeptFacts facts = world.collect(kBlobs);
  for (const char* what : {"disks", "workspaces", "storage accounts"}) EXPECT_NE(unread(facts, what), "") << what;
  world.answers[at + "Microsoft.Compute/disks"] = {200, R"({"value":[{"id":"/elsewhere"}]})"};
  EXPECT_NE(unread(world.collect(kBlobs), "disks").find("proper id"), std::string::npos);
  EXPECT_NE(unread(world.collect(kBlobs, "not-a-subscription"), "Azure"), "");
}

TEST_F(AzureTest, OnlyRequestsThatRead) {
  world.account(vault_key("acme"));
  world.collect(kBlobs);
  for (const std::string& asked : world.asked) EXPECT_TRUE(asked.starts_with("GET ")) << asked;
}

}  // namespace
}  // namespace cloister::posture
