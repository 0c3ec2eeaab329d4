// Collects components and dependencies first, since they name one another, then writes them.
#include "posture/report/cyclonedx.h"

#include <algorithm>
#include <map>
#include <set>

#include "crypto/uuid.h"
#include "posture/report/index.h"
#include "posture/report/json_writer.h"
#include "posture/report/text.h"

namespace cloister::posture::report {
namespace {

constexpr crypto::Uuid kUuidUrl = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
                                   0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

std::string algorithm_ref(std::string_view name) { return "algorithm:" + plain(name); }
std::string key_ref(std::string_view name) { return "key:" + plain(name); }
std::string subject_ref(const Subject& subject) { return plain(subject.text()); }

std::string_view primitive_of(std::string_view name) {
  if (name.find("gcm") != std::string_view::npos || name.find("ccm") != std::string_view::npos ||
      name.find("poly1305") != std::string_view::npos) {
    return "ae";
  }
  if (name.starts_with("aes") || name.starts_with("serpent") || name.starts_with("twofish")) return "block-cipher";
  if (name.starts_with("chacha") || name.starts_with("xchacha")) return "stream-cipher";
  if (name.starts_with("ml-kem")) return "kem";
  if (name.starts_with("ml-dsa") || name.starts_with("ecdsa") || name.starts_with("ed25519")) return "signature";
  return name.starts_with("rsa") ? "pke" : "unknown";
}

// Empty: none that the format knows.
std::string_view mode_of(std::string_view name) {
  for (const std::string_view mode : {"gcm", "ccm", "cbc", "ecb", "cfb", "ofb", "ctr"}) {
    if (name.find(mode) != std::string_view::npos) return mode;
  }
  return name.find("xts") == std::string_view::npos ? "" : "other";
}

// By the first number of the name: what follows is of a hash or of a counter. Empty: none that a key has.
std::string_view key_bits_of(std::string_view name) {
  constexpr std::string_view kDigits = "0123456789";
  const std::size_t begin = name.find_first_of(kDigits);
  if (begin == std::string_view::npos) return "";
  for (const std::string_view hash : {"sha", "sha-", "SHA", "SHA_"}) {
    if (name.substr(0, begin).ends_with(hash)) return "";
  }
  const std::size_t end = std::min(name.find_first_not_of(kDigits, begin), name.size());
  const std::string_view bits = name.substr(begin, end - begin);
  return bits == "128" || bits == "192" || bits == "256" ? bits : "";
}

// States of SP 800-57, as the format names them.
std::string_view state_of(std::string_view state) {
  if (state == "enabled") return "active";
  if (state == "disabled") return "suspended";
  if (state == "pending-deletion") return "deactivated";
  if (state == "destroyed") return "destroyed";
  return state == "not-ready" ? "pre-activation" : "";
}

std::string text_of(const Fact& fact, std::string_view name) {
  const std::string* text = fact.text(name);
  return text == nullptr ? "" : *text;
}

class Cbom {
 public:
  explicit Cbom(const Posture& posture) : posture_(posture), index_(posture) {}

  std::string write() {
    json_.begin_object().text("bomFormat", "CycloneDX").text("specVersion", "1.7");
    json_.text("serialNumber",
               "urn:uuid:" + crypto::uuid_text(crypto::name_uuid(kUuidUrl, "urn:cloister:cbom:" + posture_.run)));
    json_.number("version", 1).object("metadata").text("timestamp", to_rfc3339(posture_.assessment.at));
    json_.object("tools").array("components").begin_object().text("type", "application").text("name", "cloister");
    if (const std::size_t blank = posture_.program.find(' '); blank != std::string::npos) {
      json_.text("version", plain(posture_.program.substr(blank + 1)));
    }
    json_.end_object().end_array().end_object().object("component").text("type", "platform").text("bom-ref", "estate");
    json_.text("name", plain(posture_.assessment.estate)).end_object().end_object().array("components");
    add_keys();
    add_data();
    add_protocols();
    add_algorithms();
    json_.end_array().array("dependencies");
    add_dependencies();
    json_.end_array().end_object();
    return json_.take();
  }

 private:
  void property(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    json_.begin_object().text("name", "cloister:" + std::string(name)).text("value", plain(value)).end_object();
  }

  void uses_algorithm(const std::string& from, const std::string& algorithm) {
    if (algorithm.empty()) return;
    algorithms_.insert(algorithm);
    depends_[from].insert(algorithm_ref(algorithm));
  }

  template <typename Use>
  void each_newest(std::string_view kind, const Use& use) {
    const Subject* last = nullptr;
    for (const std::size_t at : index_.of_kind(kind)) {
      const Fact& fact = posture_.facts[at];
      if (fact.not_assessed || (last != nullptr && *last == fact.subject)) continue;
      last = &fact.subject;
      use(fact);
    }
  }

  void add_keys() {
    each_newest("key.posture", [this](const Fact& fact) { add_key(fact); });
    // Keys that data names and nobody described.
    each_newest("storage.encryption", [this](const Fact& fact) {
      const std::string key = text_of(fact, "key");
      if (!key.empty() && known_.insert(key_ref(key)).second) {
        json_.begin_object().text("type", "cryptographic-asset").text("bom-ref", key_ref(key)).text("name", plain(key));
        json_.object("cryptoProperties")
            .text("assetType", "related-crypto-material")
            .object("relatedCryptoMaterialProperties");
        json_.text("type", "unknown").end_object().end_object().end_object();
      }
    });
  }

  void add_key(const Fact& fact) {
    const std::string ref = key_ref(fact.subject.id);
    known_.insert(ref);
    const std::string algorithm = text_of(fact, "algorithm");
    uses_algorithm(ref, algorithm);
    if (const std::string above = text_of(fact, "wrapped_by"); !above.empty()) depends_[ref].insert(key_ref(above));
    json_.begin_object().text("type", "cryptographic-asset").text("bom-ref", ref).text("name", plain(fact.subject.id));
    json_.object("cryptoProperties")
        .text("assetType", "related-crypto-material")
        .object("relatedCryptoMaterialProperties");
    json_.text("type",
               primitive_of(algorithm) == "pke" || primitive_of(algorithm) == "signature" ? "key" : "secret-key");
    json_.text_if("state", state_of(text_of(fact, "state")));
    if (!algorithm.empty()) json_.text("algorithmRef", algorithm_ref(algorithm));
    add_dates(fact);
    if (const std::string held = text_of(fact, "protection"); held == "hsm" || held == "software") {
      json_.object("securedBy").text("mechanism", held == "hsm" ? "HSM" : "Software").end_object();
    }
    json_.end_object().end_object().array("properties");
    for (const std::string_view name : {"manager", "key_class", "origin", "protection"})
      property(name, text_of(fact, name));
    if (const std::vector<std::string>* tenants = fact.list("tenants"); tenants != nullptr) {
      for (const std::string& tenant : *tenants) property("tenant", tenant);
    }
    property("evidence", index_.id_of(fact));
    json_.end_array().end_object();
  }

  void add_dates(const Fact& fact) {
    const Result<Time> created = parse_rfc3339(text_of(fact, "created"));
    if (!created.ok()) return;
    json_.text("creationDate", to_rfc3339(*created));
    const std::optional<std::int64_t> period = fact.number("cryptoperiod_days");
    if (period && *period > 0 && *period < 36'500) json_.text("expirationDate", to_rfc3339(*created + days(*period)));
  }

  void add_data() {
    std::map<std::string, std::vector<const Fact*>> data;
    each_newest("storage.encryption", [&data](const Fact& fact) { data[subject_ref(fact.subject)].push_back(&fact); });
    each_newest("seal.location", [&data](const Fact& fact) { data[subject_ref(fact.subject)].push_back(&fact); });
    for (const auto& [ref, facts] : data) {
      const Location* location = index_.location_of(facts.front()->subject);
      json_.begin_object().text(
          "type", location != nullptr && location->kind == DataKind::kModel ? "machine-learning-model" : "data");
      json_.text("bom-ref", ref).text("name", plain(facts.front()->subject.id)).array("properties");
      if (location != nullptr) {
        property("address", location->address);
        property("tenant", location->label.tenant);
        if (location->label.sensitivity) property("sensitivity", name_of(*location->label.sensitivity));
      }
      for (const Fact* fact : facts) add_protection(ref, *fact);
      json_.end_array().end_object();
    }
  }

  void add_protection(const std::string& ref, const Fact& fact) {
    property("encrypted", text_of(fact, "encrypted"));
    property("scheme", text_of(fact, "scheme"));
    property("key_manager", text_of(fact, "key_manager"));
    property("evidence", index_.id_of(fact));
    uses_algorithm(ref, text_of(fact, "algorithm"));
    if (const std::string key = text_of(fact, "key"); !key.empty()) depends_[ref].insert(key_ref(key));
    if (const std::vector<std::string>* algorithms = fact.list("algorithms"); algorithms != nullptr) {
      for (const std::string& one : *algorithms) uses_algorithm(ref, one);
    }
    if (const std::vector<std::string>* rings = fact.list("keyring_ids"); rings != nullptr) {
      for (const std::string& ring : *rings) depends_[ref].insert(key_ref("cloister:keyring:" + ring));
    }
  }

  void add_protocols() {
    each_newest("tls.endpoint", [this](const Fact& fact) {
      const std::vector<std::string>* versions = fact.list("versions");
      if (versions == nullptr) return;
      for (const std::string& version : *versions) {
        const std::string ref = "tls:" + subject_ref(fact.subject) + ":" + plain(version);
        if (!known_.insert(ref).second) continue;
        json_.begin_object()
            .text("type", "cryptographic-asset")
            .text("bom-ref", ref)
            .text("name", "TLS " + plain(version));
        json_.object("cryptoProperties").text("assetType", "protocol").object("protocolProperties").text("type", "tls");
        json_.text("version", plain(version)).end_object().end_object().array("properties");
        property("endpoint", fact.subject.id);
        property("evidence", index_.id_of(fact));
        json_.end_array().end_object();
      }
    });
  }

  void add_algorithms() {
    for (const std::string& name : algorithms_) {
      json_.begin_object()
          .text("type", "cryptographic-asset")
          .text("bom-ref", algorithm_ref(name))
          .text("name", plain(name));
      json_.object("cryptoProperties").text("assetType", "algorithm").object("algorithmProperties");
      json_.text("primitive", primitive_of(name)).text_if("mode", mode_of(name));
      json_.text_if("parameterSetIdentifier", key_bits_of(name));
      json_.end_object().end_object().end_object();
    }
  }

  void add_dependencies() {
    for (const auto& [from, to] : depends_) {
      std::vector<std::string> kept;
      for (const std::string& one : to) {
        if (one != from && (known_.contains(one) || one.starts_with("algorithm:"))) kept.push_back(one);
      }
      if (kept.empty()) continue;
      json_.begin_object().text("ref", from).array("dependsOn");
      for (const std::string& one : kept) json_.text(one);
      json_.end_array().end_object();
    }
  }

  const Posture& posture_;
  Index index_;
  JsonWriter json_;
  std::set<std::string> known_;       // refs of keys and protocols that are written
  std::set<std::string> algorithms_;  // names
  std::map<std::string, std::set<std::string>> depends_;
};

}  // namespace

std::string cyclonedx_cbom(const Posture& posture) { return Cbom(posture).write(); }

}  // namespace cloister::posture::report
