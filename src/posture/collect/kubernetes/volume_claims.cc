#include "posture/collect/kubernetes/volume_claims.h"

#include "posture/collect/named_key.h"

namespace cloister::posture {
namespace {

using mesh::YamlValue;

StorageView with_key(const Estate& estate, StorageView view, const std::string& key) {
  view.key = key;
  view.key_manager = key.empty() ? "platform_default" : manager_of_named_key(estate, key);
  return view;
}

// What the provisioner makes of the parameters. Unknown for one that isn't known.
StorageView class_view(const Estate& estate, const YamlValue& document) {
  const std::string& provisioner = document.at("provisioner").text;
  const YamlValue& parameters = document.at("parameters");
  if (provisioner == "ebs.csi.aws.com" || provisioner == "kubernetes.io/aws-ebs") {
    StorageView view = with_key(estate, provider_encrypted("ebs", "service"), parameters.at("kmsKeyId").text);
    const auto encrypted = parameters.at("encrypted").truth();
    if (encrypted == std::optional(true)) return view;
    view.encrypted = encrypted ? "no" : "unknown";
    view.notes = {"encrypted isn't true: it depends on the account's default, which the class doesn't say"};
    return view;
  }
  if (provisioner == "pd.csi.storage.gke.io" || provisioner == "kubernetes.io/gce-pd") {
    return with_key(estate, provider_encrypted("gce-disk", "service"), parameters.at("disk-encryption-kms-key").text);
  }
  if (provisioner == "disk.csi.azure.com" || provisioner == "kubernetes.io/azure-disk") {
    return with_key(estate, provider_encrypted("azure-disk", "service"), parameters.at("diskEncryptionSetID").text);
  }
  StorageView view;
  view.notes = {"nothing is known of the provisioner " + provisioner};
  return view;
}

}  // namespace

void take_storage_class(const Estate& estate, const YamlValue& document, StorageClasses& classes) {
  const std::string& name = document.under("metadata.name").text;
  const YamlValue& annotations = document.under("metadata.annotations");
  // The names have dots in them.
  for (const char* mark :
       {"storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"}) {
    if (annotations.at(mark).truth() == std::optional(true)) classes.default_name = name;
  }
  classes.by_name.insert_or_assign(name, class_view(estate, document));
}

VolumeClaim volume_claim(const YamlValue& document) {
  const std::string& space = document.under("metadata.namespace").text;
  VolumeClaim claim;
  claim.name = (space.empty() ? "default" : space) + "/" + document.under("metadata.name").text;
  const YamlValue& spec = document.at("spec");
  if (const auto* member = spec.find("storageClassName"); member != nullptr) claim.class_name = member->value.text;
  return claim;
}

Result<StorageView> view_of_claim(const StorageClasses& classes, const VolumeClaim& claim) {
  const std::string name = claim.class_name.value_or(classes.default_name);
  const auto found = classes.by_name.find(name);
  if (found != classes.by_name.end()) return found->second;
  if (claim.class_name && claim.class_name->empty()) {
    return Error(Code::kNotFound, "its volume was made by hand: look at what is behind it");
  }
  return Error(Code::kNotFound, name.empty() ? "no class is marked as the default in these files"
                                             : "the storage class " + name + " isn't in these files");
}

}  // namespace cloister::posture
