// Who the clouds' own programs are told they are.
#include "posture/collect/cloud/cloud_environment.h"

#include <sys/stat.h>

#include <fstream>
#include <map>

#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

kms::Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(CloudEnvironment, Google) {
  EXPECT_EQ(value_of(google_options(environment_of({}))).credential.kind, kms::GoogleCredentialKind::kMetadata);
  const testing::TempDir folder;
  const std::string file = folder.path() / "credentials.json";
  const auto options = [&](const std::string& text) {
    std::ofstream(file) << text;
    ::chmod(file.c_str(), 0600);
    return google_options(environment_of({{"GOOGLE_APPLICATION_CREDENTIALS", file}}));
  };
  EXPECT_EQ(value_of(options(R"({"type":"service_account"})")).credential.kind,
            kms::GoogleCredentialKind::kServiceAccount);
  EXPECT_EQ(value_of(options(R"({"type":"external_account"})")).credential.kind,
            kms::GoogleCredentialKind::kExternalAccount);
  for (const char* text : {R"({"type":"authorized_user"})", R"({"type":7})", "{}", "[]", "x"}) {
    expect_refused(options(text), Code::kInvalid, "neither");
  }
  expect_refused(google_options(environment_of({{"GOOGLE_APPLICATION_CREDENTIALS", "/nowhere"}})), Code::kNotFound,
                 "nowhere");
}

TEST(CloudEnvironment, Azure) {
  EXPECT_EQ(azure_options(environment_of({})).credential.kind, kms::AzureCredentialKind::kManagedIdentity);
  const AzureOptions options = azure_options(environment_of(
      {{"AZURE_FEDERATED_TOKEN_FILE", "/t"}, {"AZURE_CLIENT_ID", "c"}, {"AZURE_TENANT_ID", "acme.example"}}));
  EXPECT_EQ(options.credential.kind, kms::AzureCredentialKind::kWorkloadIdentity);
  EXPECT_EQ(options.credential.client_id, "c");
  EXPECT_EQ(options.tenant, "acme.example");
}

}  // namespace
}  // namespace cloister::posture
