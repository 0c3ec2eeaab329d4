#include "posture/collect/cloud/cloud_environment.h"

#include "kms/secret_text.h"
#include "kms/wiped_json.h"

namespace cloister::posture {
Result<GoogleOptions> google_options(const kms::Environment& environment) {
  GoogleOptions options;
  const std::string file = environment("GOOGLE_APPLICATION_CREDENTIALS").value_or("");
  if (file.empty()) return options;
  options.credential.file = file;
  CLOISTER_TRY(const crypto::Secret text, kms::read_secret_text(file, Guard::kUnwritten));
  const auto json = kms::parse_wiped(text.expose());
  const bool object = json.ok() && json->is_object() && json->contains("type") && (*json)["type"].is_string();
  const std::string word(object ? kms::view((*json)["type"].get_ref<const kms::WipedText&>()) : std::string_view());
  if (word == "service_account") {
    options.credential.kind = kms::GoogleCredentialKind::kServiceAccount;
  } else if (word == "external_account") {
    options.credential.kind = kms::GoogleCredentialKind::kExternalAccount;
  } else {
    return Error(Code::kInvalid, "read " + file + ": it is neither a service account's key nor an external account");
  }
  return options;
}

AzureOptions azure_options(const kms::Environment& environment) {
  AzureOptions options;
  options.tenant = environment("AZURE_TENANT_ID").value_or("");
  options.credential.client_id = environment("AZURE_CLIENT_ID").value_or("");
  options.credential.federated_token_file = environment("AZURE_FEDERATED_TOKEN_FILE").value_or("");
  options.credential.kind = options.credential.federated_token_file.empty()
                                ? kms::AzureCredentialKind::kManagedIdentity
                                : kms::AzureCredentialKind::kWorkloadIdentity;
  return options;
}

}  // namespace cloister::posture
