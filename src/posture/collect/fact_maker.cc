#include "posture/collect/fact_maker.h"

namespace cloister::posture {

FactMaker::FactMaker(std::string_view collector, std::string scope, const CollectContext& context)
    : collector_(collector), scope_(std::move(scope)), at_(context.now), estate_(context.estate) {}

Fact FactMaker::make(std::string_view kind, Subject subject) const {
  Fact fact;
  fact.kind = kind;
  fact.subject = std::move(subject);
  fact.collector = collector_;
  fact.scope = scope_;
  fact.at = at_;
  fact.valid_until = at_ + kConfigurationValid;
  return fact;
}

Fact FactMaker::not_assessed(std::string_view kind, Subject subject, std::string why) const {
  Fact fact = make(kind, std::move(subject));
  fact.not_assessed = std::move(why);
  return fact;
}

Fact FactMaker::storage(Subject subject, const StorageView& view, std::string raw) const {
  Fact fact = make("storage.encryption", std::move(subject));
  fact.values = {
      {"encrypted", view.encrypted},     {"scheme", view.scheme}, {"algorithm", view.algorithm}, {"key", view.key},
      {"key_manager", view.key_manager}, {"level", view.level},   {"integrity", view.integrity}};
  if (view.key_bits) fact.values["key_bits"] = *view.key_bits;
  if (view.integrity != "unknown") fact.values["aead"] = view.integrity == "aead";
  if (view.sample) {
    fact.values["objects"] = view.sample->objects;
    fact.values["objects_sampled"] = view.sample->sampled;
    fact.values["sample_bound_permille"] = view.sample->bound_permille;
  }
  if (!view.other_keys.empty()) fact.values["other_keys"] = view.other_keys;
  if (!view.notes.empty()) fact.values["notes"] = view.notes;
  fact.raw = std::move(raw);
  return fact;
}

StorageView provider_encrypted(std::string scheme, std::string level) {
  StorageView view;
  view.encrypted = "yes";
  view.scheme = std::move(scheme);
  view.algorithm = "aes-256";
  view.key_bits = 256;
  view.level = std::move(level);
  return view;
}

std::string raw_excerpt(std::string_view text) {
  if (text.size() <= kRawMax) return std::string(text);
  return std::string(text.substr(0, kRawMax)) + "…";
}

}  // namespace cloister::posture
