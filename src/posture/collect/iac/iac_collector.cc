#include "posture/collect/iac/iac_collector.h"

#include <algorithm>
#include <map>

#include "posture/collect/iac/iac_files.h"
#include "posture/inventory.h"

namespace cloister::posture {
namespace {

using mesh::YamlValue;
using Kind = IacFile::Kind;

constexpr std::string_view kName = "iac/1";

mesh::YamlLimits limits() {
  mesh::YamlLimits out;
  out.size = kInputFileMax;
  out.text = std::size_t{128} << 20;
  out.values = 2'000'000;
  out.documents = 1;
  return out;
}

std::set<std::string> customer_keys_of(const IacFile& file) {
  std::set<std::string> keys;
  for (const DeclaredResource& resource : file.resources) {
    if (resource.type != "aws_kms_key" && resource.type != "aws_kms_replica_key") continue;
    for (const char* name : {"arn", "id", "key_id"}) {
      const Attribute key = attribute_of(resource, name);
      if (key.kind == Attribute::Kind::kText) keys.insert(key.text);
    }
  }
  return keys;
}

// Facts about a bucket hold for the declared places in it.
std::vector<Subject> subjects_of(const Estate& estate, const std::string& address) {
  std::vector<Subject> subjects;
  for (const Location& location : estate.locations) {
    const bool inside = location.address == address || location.address.starts_with(address + "/");
    if (inside) subjects.push_back({SubjectKind::kLocation, location.name});
  }
  if (subjects.empty()) subjects.push_back({SubjectKind::kLocation, address});
  return subjects;
}

bool is_bad(const StorageView& view) {
  return view.encrypted == "no" || view.key_manager == "platform_default" || view.key_manager == "foreign";
}

class Reading {
 public:
  Reading(const CollectContext& context, FactSink& sink) : context_(context), sink_(&sink) {}

  void read(const InputFile& input) {
    const auto documents = mesh::parse_yaml(input.content, limits());
    if (!documents.ok()) return unread(input, documents.error().message());
    const IacFile file = documents->empty() ? IacFile() : read_iac(documents->front());
    if (file.kind == Kind::kEncrypted) return unread(input, "it is encrypted: hand in what `tofu show -json` prints");
    if (file.kind == Kind::kOther)
      return unread(input, "it is no plan, no state and no template that this program knows");
    const bool planned = file.kind != Kind::kState;
    const FactMaker maker(kName, input.name + (planned ? ", as it is meant to be" : ", as it was applied"), context_);
    for (const auto& [address, one] : merged(file)) add(maker, input, address, one, planned);
    if (file.sensitive > 0) add_sensitive(maker, input, file.sensitive);
    sink_->add(source_fact(kName, input.name, "infrastructure as code",
                           static_cast<std::int64_t>(file.resources.size()), context_.now));
  }

 private:
  void unread(const InputFile& input, const std::string& why) {
    sink_->add(unread_source_fact(kName, input.name, why, context_.now));
  }

  // By location, else by address in the file. A bucket's encryption may be a resource of its own, which is then what
  // counts.
  std::map<std::string, ResourceView> merged(const IacFile& file) const {
    const std::set<std::string> keys = customer_keys_of(file);
    std::map<std::string, ResourceView> out;
    for (const DeclaredResource& resource : file.resources) {
      auto view = view_of_resource(*context_.estate, resource, keys);
      if (!view) continue;
      const std::string place = view->location.empty() ? resource.type + " " + resource.address : view->location;
      const bool is_bucket = resource.type == "aws_s3_bucket";
      const auto [found, fresh] = out.try_emplace(place, *view);
      if (!fresh && !is_bucket) found->second = std::move(*view);
    }
    return out;
  }

  void add(const FactMaker& maker, const InputFile& input, const std::string& place, const ResourceView& one,
           bool planned) {
    const Estate& estate = *context_.estate;
    const Subject object = {SubjectKind::kObject, "file:" + input.name + "#" + place};
    Fact resource = maker.storage(object, one.view, "");
    resource.kind = "iac.resource";
    resource.values["planned"] = planned;
    sink_->add(std::move(resource));
    if (one.location.empty() || (planned && !is_bad(one.view))) return;
    for (const Subject& subject : subjects_of(estate, one.location)) {
      if (!planned) sink_->add(seen_fact(kName, input.name, subject, one.location, context_.now));
      sink_->add(maker.storage(subject, one.view, ""));
    }
  }

  void add_sensitive(const FactMaker& maker, const InputFile& input, std::size_t count) {
    Fact fact = maker.make("content.object", {SubjectKind::kObject, "file:" + input.name + "#state"});
    fact.values = {{"verdict", std::string("plaintext")}, {"type", std::string("terraform-state")}};
    fact.raw = "values that the state itself calls sensitive, in the clear: " + std::to_string(count);
    sink_->add(std::move(fact));
  }

  const CollectContext& context_;
  FactSink* sink_;
};

}  // namespace

void IacCollector::collect(const CollectContext& context, FactSink& sink) {
  Reading reading(context, sink);
  for (const InputFile& file : files_) {
    if (context.progress != nullptr && context.progress->stop_requested()) {
      sink.add(unread_source_fact(kName, file.name, "the audit was stopped", context.now));
    } else {
      reading.read(file);
    }
  }
}

}  // namespace cloister::posture
