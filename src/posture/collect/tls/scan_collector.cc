// From what a prober saw to what controls ask.
#include "posture/collect/tls/scan_collector.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "net/address.h"
#include "posture/inventory.h"
#include "probe/path/network.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kFormat = "cloister-scan/1";
constexpr JsonLimits kLimits = {std::size_t{64} << 20, 12, std::size_t{1} << 20};
constexpr std::size_t kRawMax = std::size_t{64} << 10;

struct VersionCheck {
  std::string_view check, name;
};
constexpr std::array<VersionCheck, 6> kVersions = {
    {{"P1", "SSL 2"}, {"P2", "SSL 3"}, {"P3", "TLS 1.0"}, {"P4", "TLS 1.1"}, {"P5", "TLS 1.2"}, {"P6", "TLS 1.3"}}};

// What no endpoint may have; an empty subject: any.
struct WeakCheck {
  std::string_view check, subject;
};
constexpr std::array<WeakCheck, 19> kWeak = {{{"C2", ""},
                                              {"C3", "static RSA"},
                                              {"C3", "static DH"},
                                              {"C3", "no forward secrecy"},
                                              {"S1", "SHA-1"},
                                              {"S1", "MD5"},
                                              {"H3", ""},
                                              {"H4", "Heartbleed"},
                                              {"H5", ""},
                                              {"H6", ""},
                                              {"H7", ""},
                                              {"H13", ""},
                                              {"H19", "BEAST"},
                                              {"H19", "POODLE"},
                                              {"H19", "FREAK"},
                                              {"H19", "LOGJAM"},
                                              {"H19", "DROWN"},
                                              {"H19", "CRIME"},
                                              {"H19", "SWEET32"}}};

std::string text_of(const JsonValue& object, std::string_view name) {
  const JsonValue* found = object.find(name);
  return found == nullptr || found->string() == nullptr ? std::string() : *found->string();
}

// The facts of one target, asked by check and subject.
class Target {
 public:
  explicit Target(const JsonValue& json) : json_(&json) {
    const JsonValue* facts = json.find("facts");
    if (facts != nullptr && facts->array() != nullptr) facts_ = facts->array();
  }

  const JsonValue& json() const { return *json_; }
  bool has_facts() const { return facts_ != nullptr; }
  const JsonValue::Array& facts() const { return *facts_; }

  // "" where it wasn't looked at.
  std::string seen(std::string_view check, std::string_view subject) const {
    for (const JsonValue& fact : *facts_) {
      if (text_of(fact, "check") == check && text_of(fact, "subject") == subject) return text_of(fact, "seen");
    }
    return "";
  }

  std::string detail(std::string_view check, std::string_view subject) const {
    for (const JsonValue& fact : *facts_) {
      if (text_of(fact, "check") == check && text_of(fact, "subject") == subject) return text_of(fact, "detail");
    }
    return "";
  }

  bool has_unknown(std::string_view check) const {
    return std::ranges::any_of(*facts_, [&](const JsonValue& fact) {
      return text_of(fact, "check") == check && text_of(fact, "seen") == "unknown";
    });
  }

  // The worst of every subject of a check; "" where there is none.
  std::string least(std::string_view check) const {
    constexpr std::array<std::string_view, 4> kWorstFirst = {"no", "unknown", "yes", "not-applicable"};
    for (const std::string_view word : kWorstFirst) {
      const auto is_it = [&](const JsonValue& fact) {
        return text_of(fact, "check") == check && text_of(fact, "seen") == word;
      };
      if (std::ranges::any_of(*facts_, is_it)) return std::string(word);
    }
    return "";
  }

 private:
  const JsonValue* json_;
  const JsonValue::Array* facts_ = nullptr;
};

// A value is written only where the prober knows: "yes" and "no".
void add_truth(FactValues& values, std::string_view name, std::string_view seen, bool when_yes) {
  if (seen == "yes") values.emplace(name, when_yes);
  if (seen == "no") values.emplace(name, !when_yes);
}

void add_plaintext(const Target& target, FactValues& values) {
  const std::string answers = target.seen("W2", "plaintext answers");
  const std::string h2c = target.seen("W6", "h2c");
  const bool plain_port =
      target.seen("W2", "plain port answers") == "yes" && target.seen("W2", "plain port redirects") != "yes";
  if (answers == "yes" || h2c == "yes" || plain_port) {
    values.emplace("plaintext_refused", false);
  } else if (answers == "no" && (h2c == "no" || h2c == "not-applicable")) {
    values.emplace("plaintext_refused", true);
  }
}

void add_versions(const Target& target, FactValues& values) {
  std::vector<std::string> versions;
  for (const VersionCheck& version : kVersions) {
    const std::string seen = target.seen(version.check, "");
    if (seen != "yes" && seen != "no") return;  // the list would be shorter than the truth may be
    if (seen == "yes") versions.emplace_back(version.name);
  }
  values.emplace("versions", std::move(versions));
}

bool is_weak_check(std::string_view check, std::string_view subject) {
  return std::ranges::any_of(kWeak, [&](const WeakCheck& weak) {
    // S1's subject has the version before it.
    return weak.check == check &&
           (weak.subject.empty() || weak.subject == subject || (check == "S1" && subject.ends_with(weak.subject)));
  });
}

void add_weak(const Target& target, FactValues& values) {
  std::vector<std::string> weak;
  for (const JsonValue& fact : target.facts()) {
    const std::string check = text_of(fact, "check");
    const std::string subject = text_of(fact, "subject");
    if (!is_weak_check(check, subject) || text_of(fact, "seen") != "yes") continue;
    weak.push_back(subject.empty() ? check : check + " " + subject);
  }
  // That there is nothing weak is known once every kind of suite was looked at.
  const bool all_known = !target.least("C2").empty() && !target.has_unknown("C2");
  if (!weak.empty() || all_known) values.emplace("weak", std::move(weak));
}

void add_downgrade(const Target& target, FactValues& values) {
  const std::string fallback = target.seen("P8", "");
  const std::string mark = target.least("P9");
  if (fallback == "no" || mark == "no") {
    values.emplace("downgrade_resisted", false);
    return;
  }
  const auto holds = [](std::string_view seen) { return seen == "yes" || seen == "not-applicable"; };
  if (holds(fallback) && holds(mark)) values.emplace("downgrade_resisted", true);
}

void add_staple(const Target& target, FactValues& values) {
  const std::string stapled = target.seen("X9", "stapled");
  if (stapled == "no" || stapled == "not-applicable") values.emplace("staple", std::string("none"));
  if (stapled != "yes") return;
  const std::string is_signed = target.seen("X9", "signed");
  const std::string fresh = target.seen("X9", "fresh");
  const std::string revoked = target.seen("X9", "revoked");
  if (is_signed == "no" || fresh == "no" || revoked == "yes") {
    values.emplace("staple", std::string("bad"));
  } else if (is_signed == "yes" && fresh == "yes" && revoked == "no") {
    values.emplace("staple", std::string("valid"));
  }
}

// Whether the address that was asked is one that anybody can reach.
void add_external(const Target& target, FactValues& values) {
  const auto address = net::parse_tcp_address(text_of(target.json(), "address"));
  if (!address.ok()) return;
  const auto ip = probe::path::IpAddress::parse(address->host);
  if (!ip.ok()) return;
  constexpr std::array<std::string_view, 9> kInside = {"127.0.0.0/8",    "10.0.0.0/8",     "172.16.0.0/12",
                                                       "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
                                                       "::1/128",        "fc00::/7",       "fe80::/10"};
  const bool inside = std::ranges::any_of(kInside, [&](std::string_view text) {
    const auto network = probe::path::Network::parse(text);
    return network.ok() && network->contains(*ip);
  });
  values.emplace("external", !inside);
}

// The certificate's time is said as "FROM to UNTIL", with a word before it where it isn't valid now.
void add_lifetime(const Target& target, FactValues& values) {
  const std::string detail = target.detail("X3", "valid");
  const std::size_t middle = detail.find(" to ");
  if (middle == std::string::npos) return;
  const std::size_t word = detail.rfind(": ", middle);
  const std::size_t begin = word == std::string::npos ? 0 : word + 2;
  const auto from = parse_rfc3339(std::string_view(detail).substr(begin, middle - begin));
  const auto until = parse_rfc3339(std::string_view(detail).substr(middle + 4));
  if (!from.ok() || !until.ok() || *until < *from) return;
  // Both ends are part of it: a second too much is no day too much.
  const Duration life = *until - *from;
  values.emplace("lifetime_days", (life.ms + days(1).ms - 1) / days(1).ms);
  values.emplace("lifetime_minutes", (life.ms + minutes(1).ms - 1) / minutes(1).ms);
  values.emplace("valid_from", to_rfc3339(*from));
}

FactValues values_of(const Target& target) {
  FactValues values;
  add_plaintext(target, values);
  add_versions(target, values);
  add_weak(target, values);
  add_truth(values, "tls13", target.seen("P6", ""), true);
  const std::string early = target.seen("H12", "");
  add_truth(values, "early_data_refused", early == "not-applicable" ? "no" : early, false);
  add_downgrade(target, values);
  add_staple(target, values);
  add_truth(values, "must_staple", target.seen("X10", "must-staple"), true);
  add_truth(values, "ocsp_responder", target.seen("X7", "ocsp"), true);
  add_lifetime(target, values);
  const std::string hsts = target.seen("W1", "hsts");
  add_truth(values, "hsts", hsts, true);
  const bool among_workloads = text_of(target.json(), "profile") == "mesh-workload";
  if (!hsts.empty() && hsts != "unknown")
    values.emplace("hsts_applicable", hsts != "not-applicable" && !among_workloads);
  values.emplace("grade", text_of(target.json(), "grade"));
  add_external(target, values);
  return values;
}

std::string raw_of(const Target& target) {
  std::string raw;
  for (const JsonValue& fact : target.facts()) {
    raw += text_of(fact, "check") + " " + text_of(fact, "subject") + ": " + text_of(fact, "seen");
    const std::string detail = text_of(fact, "detail");
    raw += (detail.empty() ? "" : " (" + detail + ")") + "\n";
    if (raw.size() > kRawMax) return raw + "and more\n";
  }
  return raw;
}

Subject endpoint_subject(const Estate& estate, const std::string& target) {
  const auto found = std::ranges::find(estate.endpoints, target, &Endpoint::address);
  return {SubjectKind::kEndpoint, found == estate.endpoints.end() ? target : found->name};
}

Result<Fact> target_fact(const Estate& estate, const JsonValue& json) {
  const Target target(json);
  Fact fact;
  fact.kind = "tls.endpoint";
  const std::string name = text_of(json, "target");
  if (name.empty()) return Error(Code::kInvalid, "a target has no name");
  fact.subject = endpoint_subject(estate, name);
  fact.collector = kScanCollector;
  fact.scope = "a scan of " + name + " by the profile " + text_of(json, "profile");
  fact.method = Method::kTest;
  CLOISTER_TRY(fact.at, parse_rfc3339(text_of(json, "time")));
  fact.valid_until = fact.at + kProbeValid;
  if (const JsonValue* error = json.find("error"); error != nullptr) {
    fact.scope = "a scan of " + name;
    fact.not_assessed = "it couldn't be scanned: " + text_of(*error, "message");
    return fact;
  }
  if (!target.has_facts()) return Error(Code::kInvalid, "the target " + name + " has neither facts nor an error");
  fact.values = values_of(target);
  fact.raw = raw_of(target);
  return fact;
}

}  // namespace

Result<std::vector<ScannedTarget>> scanned_targets(const Estate& estate, std::string_view json) {
  CLOISTER_TRY(const JsonValue document, parse_json(json, kLimits));
  const JsonValue* targets = document.find("targets");
  if (text_of(document, "format") != kFormat || targets == nullptr || targets->array() == nullptr) {
    return Error(Code::kInvalid, "this is no result of `cloister scan --json`");
  }
  std::vector<ScannedTarget> scanned;
  for (const JsonValue& target : *targets->array()) {
    CLOISTER_TRY(Fact fact, target_fact(estate, target));
    scanned.push_back({text_of(target, "address"), text_of(target, "profile"), std::move(fact)});
  }
  return scanned;
}

Result<std::vector<Fact>> scan_facts(const Estate& estate, std::string_view json) {
  CLOISTER_TRY(auto scanned, scanned_targets(estate, json));
  std::vector<Fact> facts;
  for (ScannedTarget& target : scanned) facts.push_back(std::move(target.fact));
  return facts;
}

void ScanCollector::collect(const CollectContext& context, FactSink& sink) {
  for (const InputFile& file : files_) {
    Result<std::vector<Fact>> facts = scan_facts(*context.estate, file.content);
    if (!facts.ok()) {
      sink.add(unread_source_fact(kScanCollector, file.name, facts.error().message(), context.now));
      continue;
    }
    const auto count = static_cast<std::int64_t>(facts->size());
    for (Fact& fact : *facts) {
      if (fact.at > context.now) {
        fact.values.clear();
        fact.not_assessed = "the scan is of a time that is yet to come";
      }
      sink.add(std::move(fact));
    }
    sink.add(source_fact(kScanCollector, file.name, "scans of endpoints", count, context.now));
  }
}

}  // namespace cloister::posture
