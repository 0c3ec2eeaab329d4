#include "posture/collect/kubernetes/secrets_at_rest.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/base64.h"
#include "posture/collect/named_key.h"

namespace cloister::posture {
namespace {

using mesh::YamlMember;
using mesh::YamlValue;

struct Provider {
  std::string_view name, scheme, algorithm, integrity;
};
constexpr std::array<Provider, 5> kProviders = {{{"kms", "k8s-kms", "", "aead"},
                                                 {"aescbc", "k8s-aescbc", "aes-256-cbc", "none"},
                                                 {"aesgcm", "k8s-aesgcm", "aes-256-gcm", "aead"},
                                                 {"secretbox", "k8s-secretbox", "xsalsa20-poly1305", "aead"},
                                                 {"identity", "k8s-identity", "", "none"}}};

const Provider* provider_of(std::string_view name) {
  const auto found = std::ranges::find(kProviders, name, &Provider::name);
  return found == kProviders.end() ? nullptr : &*found;
}

StorageView in_the_clear(std::string note) {
  StorageView view;
  view.encrypted = "no";
  view.scheme = "k8s-identity";
  view.key_manager = "none";
  view.integrity = "none";
  view.notes = {std::move(note)};
  return view;
}

// "secrets", and the wildcards that cover it.
bool covers_secrets(const YamlValue& entry) {
  constexpr std::array<std::string_view, 3> kCovering = {"secrets", "*.", "*.*"};
  return std::ranges::any_of(entry.at("resources").items, [&](const YamlValue& resource) {
    return std::ranges::find(kCovering, resource.text) != kCovering.end();
  });
}

Error malformed(const std::string& what) { return Error(Code::kInvalid, what); }

// A slot's weakest possible key: the file gives each in base64, of 16, 24 or 32 bytes. Only its size is looked at.
std::optional<std::int64_t> key_bits_of(const YamlValue& provider) {
  const YamlValue& keys = provider.at("keys");
  if (keys.items.empty()) return std::nullopt;
  const std::size_t characters = keys.items.front().at("secret").text.size();
  switch (characters) {
    case 24: return 128;
    case 32: return 192;
    case 44: return 256;
    default: return std::nullopt;
  }
}

Result<StorageView> provider_view(const Estate& estate, const YamlMember& member) {
  const Provider* provider = provider_of(member.name);
  if (provider == nullptr) return malformed("the first provider is one that isn't known");
  if (provider->name == "identity") {
    return in_the_clear("identity is the first provider: secrets are written in the clear, whatever follows it");
  }
  StorageView view;
  view.encrypted = "yes";
  view.scheme = provider->scheme;
  view.algorithm = provider->algorithm;
  view.integrity = provider->integrity;
  if (provider->name == "kms") {
    const std::string& name = member.value.at("name").text;
    if (name.empty()) return malformed("a kms provider has no name");
    view.key = "k8s-kms:" + name;
    view.key_manager = manager_of_named_key(estate, view.key);
    return view;
  }
  view.key_bits = key_bits_of(member.value);
  if (!view.key_bits) return malformed("a provider has no key of a possible size");
  if (provider->name == "aescbc" && *view.key_bits != 256) {
    view.algorithm = "aes-" + std::to_string(*view.key_bits) + "-cbc";
  } else if (provider->name == "aesgcm" && *view.key_bits != 256) {
    view.algorithm = "aes-" + std::to_string(*view.key_bits) + "-gcm";
  }
  view.key_manager = "none";
  view.notes = {"the key stands in the configuration file, on the disk beside the data"};
  return view;
}

// Where a value out of etcd begins with "k8s:enc:PROVIDER:", it went through that provider.
std::string provider_of_value(std::string_view value) {
  constexpr std::string_view kPrefix = "k8s:enc:";
  if (!value.starts_with(kPrefix)) return "";
  value.remove_prefix(kPrefix.size());
  return std::string(value.substr(0, value.find(':')));
}

StorageView by_provider(const Estate& estate, std::string scheme, const std::string& key) {
  StorageView view = provider_encrypted(std::move(scheme), "service");
  view.algorithm.clear();  // nobody says which
  view.key_bits.reset();
  view.key = key;
  view.key_manager = key.empty() ? "platform_default" : manager_of_named_key(estate, key);
  return view;
}

// From Kubernetes 1.28 on EKS encrypts what the API server writes by a key of its own where the customer names none.
bool encrypts_by_default(const std::string& version) {
  if (!version.starts_with("1.")) return false;
  const std::string minor = version.substr(2);
  const bool digits = !minor.empty() && minor.size() <= 3 && minor.find_first_not_of("0123456789") == std::string::npos;
  return digits && std::stoi(minor) >= 28;
}

StorageView eks_view(const Estate& estate, const YamlValue& cluster) {
  for (const YamlValue& entry : cluster.at("encryptionConfig").items) {
    const auto& resources = entry.at("resources").items;
    const bool secrets = std::ranges::any_of(resources, [](const YamlValue& one) { return one.text == "secrets"; });
    const std::string& key = entry.under("provider.keyArn").text;
    if (secrets && !key.empty()) return by_provider(estate, "k8s-kms", key);
  }
  StorageView view = by_provider(estate, "k8s-kms", "");
  view.notes = {"no encryptionConfig: AWS's own key from Kubernetes 1.28 on"};
  if (!encrypts_by_default(cluster.at("version").text)) view.encrypted = "unknown";
  return view;
}

StorageView gke_view(const Estate& estate, const YamlValue& cluster) {
  const YamlValue& database = cluster.at("databaseEncryption");
  const std::string& state = database.at("state").text;
  const std::string& key = database.at("keyName").text;
  const std::string& current = database.at("currentState").text;
  if (state != "ENCRYPTED" || key.empty()) {
    StorageView view = by_provider(estate, "gce-disk", "");
    view.notes = {"databaseEncryption is off: secrets lie under Google's own disk encryption alone"};
    return view;
  }
  StorageView view = by_provider(estate, "k8s-kms", key);
  // While it is being turned on, or failed to, some secrets are as they were.
  if (!current.empty() && current != "CURRENT_STATE_ENCRYPTED") {
    view.encrypted = "unknown";
    view.notes = {"databaseEncryption is " + current};
  }
  return view;
}

StorageView aks_view(const Estate& estate, const YamlValue& cluster) {
  const YamlValue& kms = cluster.under("securityProfile.azureKeyVaultKms");
  const std::string& key = kms.at("keyId").text;
  if (kms.at("enabled").truth() == std::optional(true) && !key.empty()) return by_provider(estate, "k8s-kms", key);
  StorageView view = by_provider(estate, "azure-disk", "");
  view.notes = {"azureKeyVaultKms is off: secrets lie under Azure's own disk encryption alone"};
  return view;
}

// etcd says how many values there are, and whether it left some out.
bool is_whole(const YamlValue& document) {
  const YamlValue& more = document.at("more");
  const YamlValue& count = document.at("count");
  const auto here = static_cast<std::int64_t>(document.at("kvs").items.size());
  return (more.is_null() || more.truth() == std::optional(false)) && (count.is_null() || count.integer() == here);
}

}  // namespace

Result<StorageView> encryption_configuration_view(const Estate& estate, const YamlValue& document) {
  const YamlValue& resources = document.at("resources");
  if (!resources.is_list()) return malformed("resources isn't a list");
  for (const YamlValue& entry : resources.items) {
    if (!covers_secrets(entry)) continue;
    const YamlValue& providers = entry.at("providers");
    if (!providers.is_list() || providers.items.empty()) return malformed("there are no providers for secrets");
    const YamlValue& first = providers.items.front();
    if (!first.is_map() || first.members.size() != 1) return malformed("a provider isn't a map of one name");
    CLOISTER_TRY(StorageView view, provider_view(estate, first.members.front()));
    const bool reads_plain =
        std::ranges::any_of(providers.items, [](const YamlValue& one) { return one.find("identity") != nullptr; });
    if (reads_plain && view.encrypted == "yes") {
      view.notes.push_back("identity is in the list: secrets from before may still be in the clear");
    }
    return view;
  }
  return in_the_clear("nothing in the configuration is about secrets: they are written in the clear");
}

Result<StorageView> etcd_view(const YamlValue& document) {
  const YamlValue& values = document.at("kvs");
  if (!values.is_list()) return malformed("kvs isn't a list");
  std::int64_t objects = 0, plain = 0;
  std::set<std::string> providers;
  for (const YamlValue& entry : values.items) {
    const auto key = from_base64(entry.at("key").text);
    const auto value = from_base64(entry.at("value").text);
    if (!key.ok() || !value.ok()) return malformed("a key or a value isn't in base64");
    if (as_text(*key).find("/secrets/") == std::string_view::npos) continue;
    if (value->empty()) return malformed("a secret has no value: keys alone say nothing");
    ++objects;
    const std::string provider = provider_of_value(as_text(*value));
    if (provider.empty()) {
      ++plain;
    } else {
      providers.insert(provider);
    }
  }
  if (objects == 0) return malformed("there is no secret in it");
  if (plain == 0 && !is_whole(document)) return malformed("etcd has more than these: they prove nothing of the rest");
  StorageView view;
  if (plain > 0) {
    view = in_the_clear(std::to_string(plain) + " of " + std::to_string(objects) + " secrets are in the clear");
  } else {
    view.encrypted = "yes";
    const Provider* provider = providers.size() == 1 ? provider_of(*providers.begin()) : nullptr;
    if (provider != nullptr) {
      view.scheme = provider->scheme;
      view.algorithm = provider->name == "kms" ? "" : std::string(provider->algorithm);
      view.integrity = provider->integrity;
      if (provider->name != "kms") view.key_manager = "none";
    }
  }
  view.level = "object";
  view.sample = StorageView::Sample{objects, objects, 0};
  return view;
}

std::optional<ManagedCluster> managed_cluster(const Estate& estate, const YamlValue& document) {
  const YamlValue& eks = document.at("cluster");
  if (eks.at("arn").text.find(":eks:") != std::string::npos) {
    return ManagedCluster{eks.at("name").text, eks_view(estate, eks)};
  }
  if (document.at("type").text == "Microsoft.ContainerService/ManagedClusters") {
    return ManagedCluster{document.at("name").text, aks_view(estate, document)};
  }
  if (document.at("selfLink").text.starts_with("https://container.googleapis.com/")) {
    return ManagedCluster{document.at("name").text, gke_view(estate, document)};
  }
  return std::nullopt;
}

}  // namespace cloister::posture
