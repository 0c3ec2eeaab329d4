#include "posture/collect/kubernetes/kubernetes_collector.h"

#include <algorithm>
#include <set>

#include "posture/collect/kubernetes/secrets_at_rest.h"
#include "posture/collect/kubernetes/volume_claims.h"
#include "posture/inventory.h"

namespace cloister::posture {
namespace {

using mesh::YamlValue;

constexpr std::string_view kName = "kubernetes/1";
constexpr std::string_view kSecrets = "k8s-secrets:";
constexpr std::string_view kFlag = "--encryption-provider-config";

mesh::YamlLimits limits() {
  mesh::YamlLimits out;
  out.size = kInputFileMax;
  out.text = std::size_t{128} << 20;
  out.values = 2'000'000;
  return out;
}

bool starts_secret_scheme(const Location& location) { return location.address.starts_with(kSecrets); }

// Of a Secret in a manifest: whether it has values that anybody who reads the file can read.
bool has_values(const YamlValue& document) {
  return !document.at("data").members.empty() || !document.at("stringData").members.empty();
}

std::string object_name(const YamlValue& document) {
  const std::string& space = document.under("metadata.namespace").text;
  return document.at("kind").text + "/" + (space.empty() ? "default" : space) + "/" +
         document.under("metadata.name").text;
}

// A container of a static pod that runs the API server; null: none.
const YamlValue* api_server(const YamlValue& document) {
  for (const YamlValue& container : document.under("spec.containers").items) {
    const auto& command = container.at("command").items;
    if (!command.empty() && command.front().text.ends_with("kube-apiserver")) return &container;
  }
  return nullptr;
}

bool has_flag(const YamlValue& container) {
  const auto is_flag = [](const YamlValue& word) { return word.text.starts_with(kFlag); };
  return std::ranges::any_of(container.at("command").items, is_flag) ||
         std::ranges::any_of(container.at("args").items, is_flag);
}

class Reading {
 public:
  Reading(const CollectContext& context, FactSink& sink) : estate_(*context.estate), context_(context), sink_(&sink) {}

  void read(const InputFile& file) {
    file_ = file.name;
    const auto documents = mesh::parse_yaml(file.content, limits());
    if (!documents.ok()) {
      sink_->add(unread_source_fact(kName, file_, documents.error().message(), context_.now));
      return;
    }
    found_ = 0;
    for (const YamlValue& document : *documents) take(document);
    if (found_ == 0) {
      sink_->add(
          unread_source_fact(kName, file_, "nothing of Kubernetes is in it that this program knows", context_.now));
      return;
    }
    sink_->add(source_fact(kName, file_, "Kubernetes", found_, context_.now));
  }

  // What needs all files: claims and their classes, the API servers' flags, and secrets that several files are about.
  void finish() {
    for (const auto& [claim, file] : claims_) add_claim(claim, file);
    for (const auto& [file, flagged] : api_servers_) {
      if (flagged && configured_) continue;
      secrets_.push_back({secrets_subject("", file), file, flagged ? unread_configuration() : unconfigured()});
    }
    std::set<Subject> plain;
    for (const Secrets& one : secrets_) {
      if (one.is_plain()) plain.insert(one.subject);
    }
    for (const Secrets& one : secrets_) {
      const FactMaker maker(kName, one.file, context_);
      if (!one.view.ok()) {
        sink_->add(maker.not_assessed("storage.encryption", one.subject, one.view.error().message()));
      } else if (one.is_plain() || !plain.contains(one.subject)) {
        // Only one fact of a subject and level counts, and that must be the one in the clear.
        sink_->add(maker.storage(one.subject, *one.view, ""));
      }
    }
  }

 private:
  // What one file says of the secrets of one cluster.
  struct Secrets {
    Subject subject;
    std::string file;
    Result<StorageView> view;
    bool is_plain() const { return view.ok() && view->encrypted == "no"; }
  };

  static Error unread_configuration() {
    return Error(Code::kNotFound, std::string(kFlag) +
                                      " names a file that wasn't handed in: that there is one says "
                                      "nothing of what is in it");
  }

  static Result<StorageView> unconfigured() {
    StorageView view;
    view.encrypted = "no";
    view.scheme = "k8s-identity";
    view.key_manager = "none";
    view.notes = {"the API server runs without " + std::string(kFlag) + ": secrets are written in the clear"};
    return view;
  }

  void take(const YamlValue& document) {
    if (document.at("kind").text.ends_with("List") && document.at("items").is_list()) {
      for (const YamlValue& item : document.at("items").items) take_one(item);
      ++found_;
    } else {
      take_one(document);
    }
  }

  void take_one(const YamlValue& document) {
    const std::string& kind = document.at("kind").text;
    if (kind == "EncryptionConfiguration" || kind == "EncryptionConfig") {
      configured_ = true;
      add_secrets("", encryption_configuration_view(estate_, document));
    } else if (kind == "Secret") {
      add_secret(document);
    } else if (kind == "StorageClass") {
      take_storage_class(estate_, document, classes_);
    } else if (kind == "PersistentVolumeClaim") {
      claims_.emplace_back(volume_claim(document), file_);
    } else if (kind == "StatefulSet") {
      take_templates(document);
    } else if (kind == "Pod" && api_server(document) != nullptr) {
      api_servers_.emplace_back(file_, has_flag(*api_server(document)));
    } else if (document.at("kvs").is_list()) {
      add_secrets("", etcd_view(document));
    } else if (const auto cluster = managed_cluster(estate_, document)) {
      add_secrets(cluster->name, cluster->view);
    } else if (kind.empty() || document.at("apiVersion").text.empty()) {
      return;
    }
    ++found_;
  }

  // Each of its pods claims a volume of its own.
  void take_templates(const YamlValue& document) {
    const std::string& space = document.under("metadata.namespace").text;
    for (const YamlValue& claim : document.under("spec.volumeClaimTemplates").items) {
      VolumeClaim one = volume_claim(claim);
      one.name = (space.empty() ? "default" : space) + "/" + claim.under("metadata.name").text + "-" +
                 document.under("metadata.name").text;
      claims_.emplace_back(std::move(one), file_);
    }
  }

  Subject secrets_subject(const std::string& cluster, const std::string& file) const {
    if (!cluster.empty()) return location_subject(estate_, std::string(kSecrets) + cluster);
    const auto count = std::ranges::count_if(estate_.locations, starts_secret_scheme);
    if (count == 1) {
      return {SubjectKind::kLocation, std::ranges::find_if(estate_.locations, starts_secret_scheme)->name};
    }
    return {SubjectKind::kLocation, std::string(kSecrets) + file};
  }

  void add_secrets(const std::string& cluster, Result<StorageView> view) {
    secrets_.push_back({secrets_subject(cluster, file_), file_, std::move(view)});
  }

  void add_secret(const YamlValue& document) {
    if (!has_values(document)) return;
    Fact fact = FactMaker(kName, file_, context_)
                    .make("content.object", {SubjectKind::kObject, "file:" + file_ + "#" + object_name(document)});
    fact.values = {{"verdict", std::string("plaintext")}, {"type", std::string("kubernetes-secret")}};
    fact.raw = "line " + std::to_string(document.line) + ": a Secret with its values, which are only in base64";
    sink_->add(std::move(fact));
  }

  void add_claim(const VolumeClaim& claim, const std::string& file) {
    const Subject subject = location_subject(estate_, "k8s-pvc:" + claim.name);
    const FactMaker maker(kName, file, context_);
    sink_->add(seen_fact(kName, file, subject, "k8s-pvc:" + claim.name, context_.now));
    const auto view = view_of_claim(classes_, claim);
    if (view.ok()) {
      sink_->add(maker.storage(subject, *view, ""));
    } else {
      sink_->add(maker.not_assessed("storage.encryption", subject, view.error().message()));
    }
  }

  const Estate& estate_;
  const CollectContext& context_;
  FactSink* sink_;
  std::string file_;
  std::int64_t found_ = 0;
  std::vector<Secrets> secrets_;
  StorageClasses classes_;
  std::vector<std::pair<VolumeClaim, std::string>> claims_;  // with the file it is in
  std::vector<std::pair<std::string, bool>> api_servers_;    // files, and whether the flag is set
  bool configured_ = false;
};

}  // namespace

void KubernetesCollector::collect(const CollectContext& context, FactSink& sink) {
  Reading reading(context, sink);
  for (const InputFile& file : files_) {
    if (context.progress != nullptr && context.progress->stop_requested()) {
      sink.add(unread_source_fact(kName, file.name, "the audit was stopped", context.now));
    } else {
      reading.read(file);
    }
  }
  reading.finish();
}

}  // namespace cloister::posture
