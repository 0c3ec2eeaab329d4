// Commands that encrypt what lies there, and that bring it under a key of the operator's own.
#include "posture/judge/migration.h"

#include <algorithm>

namespace cloister::posture {
namespace {

// "s3://bucket/prefix" is bucket and prefix.
struct StoreAddress {
  std::string first, rest;
};
StoreAddress split(std::string_view address) {
  const std::size_t scheme = address.find("://");
  std::string_view path = scheme == address.npos ? address.substr(address.find(':') + 1) : address.substr(scheme + 3);
  const std::size_t slash = path.find('/');
  if (slash == path.npos) return {std::string(path), {}};
  return {std::string(path.substr(0, slash)), std::string(path.substr(slash + 1))};
}

std::string s3(const std::string& address) {
  const StoreAddress at = split(address);
  const std::string bucket = shell_word(at.first);
  const std::string url = shell_word("s3://" + at.first + "/" + at.rest);
  return "make a key of your own (aws kms create-key), name it by its ARN, not by an alias, in the bucket's default: "
         "aws s3api put-bucket-encryption --bucket " +
         bucket +
         " --server-side-encryption-configuration '{\"Rules\":[{\"ApplyServerSideEncryptionByDefault\":"
         "{\"SSEAlgorithm\":\"aws:kms\",\"KMSMasterKeyID\":\"KEY-ARN\"},\"BucketKeyEnabled\":true}]}'; then rewrite "
         "what is there already, old versions too: aws s3 cp " +
         url + " " + url + " --recursive --sse aws:kms --sse-kms-key-id KEY-ARN";
}

std::string ebs(const std::string& address) {
  const std::string volume = shell_word(split(address).first);
  return "aws ec2 modify-ebs-default-kms-key-id --kms-key-id KEY-ARN; aws ec2 enable-ebs-encryption-by-default; then "
         "copy the volume: aws ec2 create-snapshot --volume-id " +
         volume +
         "; aws ec2 copy-snapshot --source-region REGION --source-snapshot-id SNAPSHOT --encrypted --kms-key-id "
         "KEY-ARN; aws ec2 create-volume --snapshot-id COPY --availability-zone ZONE; attach it in the old one's "
         "place, and delete the old volume and its snapshots";
}

std::string rds(const std::string& address) {
  const std::string database = shell_word(split(address).first);
  return "aws rds create-db-snapshot --db-instance-identifier " + database +
         " --db-snapshot-identifier before; aws rds copy-db-snapshot --source-db-snapshot-identifier before "
         "--target-db-snapshot-identifier after --kms-key-id KEY-ARN; aws rds restore-db-instance-from-db-snapshot "
         "--db-snapshot-identifier after --db-instance-identifier NEW; move clients over, and delete the old instance "
         "with its snapshots";
}

std::string azure(const std::string& address) {
  const std::string account = shell_word(split(address).first);
  return "az keyvault key create --vault-name VAULT --name KEY --kty RSA-HSM; let the account's identity use it (az "
         "role assignment create --role \"Key Vault Crypto Service Encryption User\"); az storage account update "
         "--name " +
         account +
         " --resource-group GROUP --encryption-key-source Microsoft.Keyvault --encryption-key-vault "
         "https://VAULT.vault.azure.net --encryption-key-name KEY; scopes with a source of their own: az storage "
         "account encryption-scope update --account-name " +
         account + " --name SCOPE --key-source Microsoft.KeyVault --key-uri KEY-URI";
}

std::string gcs(const std::string& address) {
  const StoreAddress at = split(address);
  const std::string key = "projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY";
  return "gcloud storage buckets update " + shell_word("gs://" + at.first) + " --default-encryption-key=" + key +
         "; then rewrite what is there already: gcloud storage objects update " +
         shell_word("gs://" + at.first + "/" + at.rest + (at.rest.empty() || at.rest.ends_with('/') ? "" : "/") +
                    "**") +
         " --encryption-key=" + key;
}

std::string disk(std::string_view scheme) {
  if (scheme == "azure-disk") {
    return "az disk-encryption-set create --name SET --resource-group GROUP --key-url KEY-URI "
           "--enable-auto-key-rotation "
           "true; az disk update --name DISK --resource-group GROUP --encryption-type EncryptionAtRestWithCustomerKey "
           "--disk-encryption-set SET";
  }
  return "gcloud compute snapshots create SNAPSHOT --source-disk=DISK; gcloud compute disks create NEW "
         "--source-snapshot=SNAPSHOT "
         "--kms-key=projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY; attach it in the old one's "
         "place, and delete the old disk";
}

constexpr std::string_view kLuks =
    "keep the volume's key where you can revoke it: clevis luks bind -d DEVICE tang|tpm2 …, or a LUKS token whose "
    "passphrase your key service wraps (systemd-cryptenroll --pkcs11-token-uri=… DEVICE); then remove the passphrase: "
    "cryptsetup luksKillSlot DEVICE SLOT";

}  // namespace

std::string how_to_encrypt(const LocationFacts& location) {
  const std::string& address = location.address();
  if (address.starts_with("s3://")) return "cloister seal what is written there, or " + s3(address);
  if (address.starts_with("ebs:")) return ebs(address);
  if (address.starts_with("rds:")) return rds(address);
  if (address.starts_with("azure-blob://")) return "cloister seal what is written there, or " + azure(address);
  if (address.starts_with("gs://")) return "cloister seal what is written there, or " + gcs(address);
  if (address.starts_with("postgresql:")) {
    return "keep the database's files on an encrypted volume (cryptsetup luksFormat --type luks2 --key-size 512), or "
           "seal values before they are stored";
  }
  if (address.starts_with("k8s-secrets:")) {
    return "put a KMS v2 provider first in the API server's EncryptionConfiguration, \"identity\" nowhere or last, and "
           "write every Secret again: kubectl get secrets -A -o json | kubectl replace -f -";
  }
  const bool is_file = address.starts_with("file:");
  const std::string path = shell_word(is_file ? std::string_view(address).substr(5) : std::string_view("DIRECTORY"));
  return "cloister seal " + path +
         " --dataset TENANT/DATASET, and remove the originals once cloister verify says that all is there";
}

std::string how_to_migrate(const Fact& encryption, const std::string& address) {
  const std::string* scheme_text = encryption.text("scheme");
  const std::string_view scheme = scheme_text == nullptr ? std::string_view() : std::string_view(*scheme_text);
  if (scheme.starts_with("sse-") || scheme == "dsse-kms") return s3(address);
  if (scheme == "ebs") return ebs(address);
  if (scheme == "rds") return rds(address);
  if (scheme == "azure") return azure(address);
  if (scheme == "gcs") return gcs(address);
  if (scheme == "azure-disk" || scheme == "gce-disk") return disk(scheme);
  if (scheme == "sagemaker") {
    return "name a key of your own in every place where the job writes: ResourceConfig.VolumeKmsKeyId and "
           "OutputDataConfig.KmsKeyId of the training job, KmsKeyId and DataCaptureConfig.KmsKeyId of the endpoint's "
           "configuration; run the job again, and rewrite earlier output: aws s3 cp … --sse aws:kms --sse-kms-key-id "
           "KEY-ARN";
  }
  if (scheme == "bedrock") {
    return "aws bedrock create-model-customization-job … --custom-model-kms-key-id KEY-ARN, and a log group and bucket "
           "under KEY-ARN for invocation logs; delete the model under the default key";
  }
  if (scheme == "vertex") {
    return "create it again with encryptionSpec.kmsKeyName=projects/PROJECT/locations/LOCATION/keyRings/RING/"
           "cryptoKeys/KEY, which can't be changed later, and delete the old one";
  }
  if (scheme == "azure-ml")
    return "create the workspace again with encryption.keyVaultProperties of your own key vault";
  if (scheme == "luks1" || scheme == "luks2" || scheme == "dm-crypt" || scheme == "opal") return std::string(kLuks);
  if (scheme.starts_with("k8s-")) {
    return "replace the static key in EncryptionConfiguration by a KMS v2 provider with a key of your own, first in "
           "the "
           "list, and write every Secret again: kubectl get secrets -A -o json | kubectl replace -f -";
  }
  return "bring it under a key that you manage in an HSM or key service, or seal it with one: cloister root add, "
         "cloister seal";
}

}  // namespace cloister::posture
