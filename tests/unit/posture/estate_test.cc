// Estates in both spellings, and everything that isn't one.
#include "posture/estate.h"

#include <gtest/gtest.h>

namespace cloister::posture {
namespace {

constexpr std::string_view kToml = R"(version = 1
id = "acme"
own_account = ["111122223333", "acme-prod"]
home_owner = "security"

[[location]]
name = "corpus"
address = "s3://acme-corpus/v3"
kind = "training-data"
owner = "data-team"
environment = "production"
tenant = ["acme", "globex"]
sensitivity = "regulated-personal-data"

[[location]]
name = "weights"
address = "file:/srv/models"
kind = "model"
plaintext_allowed = "published weights"

[[workload]]
name = "serving"
use = "inference"
reads = "weights"
host_trusted = true
accelerator = true

[[endpoint]]
name = "api"
address = "api.acme.example:443"

[[key]]
name = "arn:aws:kms:eu-central-1:111122223333:key/k"
account = "111122223333"
class = "kek"
cryptoperiod_days = 365

[[component]]
name = "serving"
address = "10.0.3.0/24"

[[component]]
name = "gateway"
address = "10.0.1.0/24"

[[edge]]
from = "gateway"
to = "serving"
port = 8443
)";

constexpr std::string_view kYaml = R"(version: 1
id: acme
own_account: ["111122223333", acme-prod]
home_owner: security
location:
  - name: corpus
    address: s3://acme-corpus/v3
    kind: training-data
    owner: data-team
    environment: production
    tenant: [acme, globex]
    sensitivity: regulated-personal-data
  - name: weights
    address: file:/srv/models
    kind: model
    plaintext_allowed: published weights
workload:
  - {name: serving, use: inference, reads: weights, host_trusted: true, accelerator: true}
endpoint:
  - name: api
    address: "api.acme.example:443"
key:
  - name: arn:aws:kms:eu-central-1:111122223333:key/k
    account: "111122223333"
    class: kek
    cryptoperiod_days: 365
component:
  - {name: serving, address: 10.0.3.0/24}
  - {name: gateway, address: 10.0.1.0/24}
edge:
  - {from: gateway, to: serving, port: 8443}
)";

void expect_sample(const Estate& estate) {
  EXPECT_EQ(estate.id, "acme");
  EXPECT_EQ(estate.own_accounts, (std::vector<std::string>{"111122223333", "acme-prod"}));
  EXPECT_EQ(estate.home_owner, "security");
  ASSERT_EQ(estate.locations.size(), 2U);
  EXPECT_EQ(estate.locations[0].address, "s3://acme-corpus/v3");
  EXPECT_EQ(estate.locations[0].kind, DataKind::kTrainingData);
  EXPECT_EQ(estate.locations[0].label.owner, "data-team");
  EXPECT_EQ(estate.locations[0].label.tenant, "acme,globex");
  EXPECT_EQ(estate.locations[0].label.sensitivity, Sensitivity::kRegulated);
  EXPECT_EQ(estate.locations[1].plaintext_allowed, "published weights");
  EXPECT_FALSE(estate.locations[1].label.sensitivity.has_value());
  ASSERT_EQ(estate.workloads.size(), 1U);
  EXPECT_EQ(estate.workloads[0].use, WorkloadUse::kInference);
  EXPECT_EQ(estate.workloads[0].reads, std::vector<std::string>{"weights"});
  EXPECT_TRUE(estate.workloads[0].host_trusted);
  EXPECT_TRUE(estate.workloads[0].accelerator);
  EXPECT_FALSE(estate.workloads[0].several_parties);
  ASSERT_EQ(estate.endpoints.size(), 1U);
  EXPECT_EQ(estate.endpoints[0].address, "api.acme.example:443");
  ASSERT_EQ(estate.keys.size(), 1U);
  EXPECT_EQ(estate.keys[0].key_class, "kek");
  EXPECT_EQ(estate.keys[0].cryptoperiod, days(365));
  ASSERT_EQ(estate.graph.edges.size(), 1U);
  EXPECT_EQ(estate.graph.components[estate.graph.edges[0].from].name, "gateway");
  EXPECT_EQ(estate.digest.size(), 64U);
}

TEST(EstateTest, Toml) {
  const Result<Estate> estate = parse_estate(kToml, "estate.toml");
  ASSERT_TRUE(estate.ok()) << estate.error().message();
  expect_sample(*estate);
}

TEST(EstateTest, YamlSaysTheSame) {
  const Result<Estate> estate = parse_estate(kYaml, "estate.yaml");
  ASSERT_TRUE(estate.ok()) << estate.error().message();
  expect_sample(*estate);
  EXPECT_NE(estate->digest, parse_estate(kToml, "estate.toml")->digest) << "of the file as it stands";
}

TEST(EstateTest, WithoutEntriesItIsStillOne) {
  const Result<Estate> estate = parse_estate("version = 1\nid = \"a\"\n", "estate.toml");
  ASSERT_TRUE(estate.ok()) << estate.error().message();
  EXPECT_TRUE(estate->locations.empty());
  EXPECT_TRUE(estate->graph.components.empty());
}

struct Refused {
  std::string_view what, name, text, message;
};

// Each is appended to a good top.
const Refused kRefused[] = {
    {"UnknownTable", "x.toml", "[[locations]]\n", "line 3: there is no table [[locations]]"},
    {"SingleTable", "x.toml", "[location]\n", "line 3: write [[location]]"},
    {"UnknownKey", "x.toml", "[[location]]\nname = \"a\"\nadress = \"file:/x\"\n", "did you mean address"},
    {"NoAddress", "x.toml", "[[location]]\nname = \"a\"\nkind = \"model\"\n", "address isn't written"},
    {"UnknownKind", "x.toml", "[[location]]\nname = \"a\"\naddress = \"file:/x\"\nkind = \"picture\"\n",
     "there is no kind"},
    {"RelativePath", "x.toml", "[[location]]\nname = \"a\"\naddress = \"file:x\"\nkind = \"model\"\n", "absolute"},
    {"PathWithDots", "x.toml", "[[location]]\nname = \"a\"\naddress = \"file:/x/../y\"\nkind = \"model\"\n",
     "absolute"},
    {"SlashAtTheEnd", "x.toml", "[[location]]\nname = \"a\"\naddress = \"s3://b/\"\nkind = \"model\"\n", "end with /"},
    {"AddressWithoutScheme", "x.toml", "[[location]]\nname = \"a\"\naddress = \"/x\"\nkind = \"model\"\n", "scheme"},
    {"ControlCharacter", "x.toml", "[[location]]\nname = \"a\"\naddress = \"s3:\\u001b\"\nkind = \"model\"\n",
     "control characters"},
    {"SameName", "x.toml",
     "[[location]]\nname = \"a\"\naddress = \"file:/x\"\nkind = \"model\"\n"
     "[[location]]\nname = \"a\"\naddress = \"file:/y\"\nkind = \"model\"\n",
     "line 7: [[location]] \"a\": that name is taken"},
    {"SameAddress", "x.toml",
     "[[location]]\nname = \"a\"\naddress = \"file:/x\"\nkind = \"model\"\n"
     "[[location]]\nname = \"b\"\naddress = \"file:/x\"\nkind = \"model\"\n",
     "another location has that address"},
    {"ReadsNothingDeclared", "x.toml", "[[workload]]\nname = \"a\"\nuse = \"training\"\nreads = \"b\"\n",
     "there is no location \"b\""},
    {"EndpointWithoutPort", "x.toml", "[[endpoint]]\nname = \"a\"\naddress = \"host\"\n", "HOST:PORT"},
    {"EndpointPortTooLarge", "x.toml", "[[endpoint]]\nname = \"a\"\naddress = \"host:65536\"\n", "HOST:PORT"},
    {"EdgeToNobody", "x.toml", "[[edge]]\nfrom = \"a\"\nto = \"b\"\nport = 1\n", "there is no component"},
    {"NumberAsName", "x.yaml", "location:\n  - {name: 7, address: \"file:/x\", kind: model}\n", "line 4"},
    {"ListInList", "x.yaml", "own_account: [[a]]\n", "line 3"},
    {"MapAsValue", "x.yaml", "own_account: {a: b}\n", "line 3"},
    {"MixedList", "x.yaml", "location:\n  - {name: a, address: \"file:/x\", kind: model}\n  - b\n", "line 5"},
    {"SecondDocument", "x.yaml", "---\nid: b\n", "documents"},
};

TEST(EstateTest, RefusedWithItsLine) {
  for (const Refused& refused : kRefused) {
    SCOPED_TRACE(refused.what);
    const bool is_yaml = refused.name == "x.yaml";
    const std::string top = is_yaml ? "version: 1\nid: a\n" : "version = 1\nid = \"a\"\n";
    const Result<Estate> estate = parse_estate(top + std::string(refused.text), refused.name);
    ASSERT_FALSE(estate.ok());
    EXPECT_EQ(estate.error().code(), Code::kInvalid);
    EXPECT_NE(estate.error().message().find(refused.message), std::string::npos) << estate.error().message();
  }
}

TEST(EstateTest, NewerVersionIsUnsupported) {
  const Result<Estate> estate = parse_estate("version = 2\nid = \"a\"\n", "estate.toml");
  ASSERT_FALSE(estate.ok());
  EXPECT_EQ(estate.error().code(), Code::kUnsupported);
}

TEST(EstateTest, YamlThatIsNoMap) {
  EXPECT_FALSE(parse_estate("- a\n", "estate.yaml").ok());
  EXPECT_FALSE(parse_estate("", "estate.yaml").ok());
}

}  // namespace
}  // namespace cloister::posture
