#include "posture/collect/tls/ct_collector.h"

#include <algorithm>
#include <map>

#include "base/base64.h"
#include "base/json.h"
#include "net/address.h"
#include "posture/inventory.h"
#include "probe/certificate/seen_certificate.h"

namespace cloister::posture {
namespace {

constexpr JsonLimits kLimits = {kInputFileMax, 8, std::size_t{1} << 21};
constexpr std::size_t kNotesMax = 20, kNoteSizeMax = 300;

std::string text_of(const JsonValue& object, std::string_view name) {
  const JsonValue* found = object.find(name);
  return found == nullptr || found->string() == nullptr ? std::string() : *found->string();
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

std::string serial_of(std::string text) {
  text = lower(std::move(text));
  text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
  return text;
}

// Monitors write the parts of a name forwards or backwards, some with quotes.
std::string issuer_of(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    const bool printable = static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7F;
    if (c == ',') parts.emplace_back();
    if (c != ',' && c != ' ' && c != '"' && c != '\\') parts.back() += printable ? c : '?';
  }
  std::ranges::sort(parts);
  std::string issuer;
  for (const std::string& part : parts) issuer += (issuer.empty() ? "" : ", ") + part;
  return issuer;
}

// Serial numbers are each authority's own.
std::string key_of(const std::string& serial, const std::string& issuer) { return serial + " of " + issuer; }

std::vector<std::string> texts_of(const JsonValue& object, std::string_view name) {
  std::vector<std::string> out;
  const JsonValue* found = object.find(name);
  if (found == nullptr || found->array() == nullptr) return out;
  for (const JsonValue& one : *found->array()) {
    if (one.string() != nullptr) out.push_back(lower(*one.string()));
  }
  return out;
}

// crt.sh leaves the zone out of its times, which are UTC.
Result<Time> time_of(std::string text) {
  if (!text.empty() && text.find('Z') == std::string::npos && text.find('+') == std::string::npos) text += "Z";
  return parse_rfc3339(text);
}

// Names separated by newlines, as crt.sh has them.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) out.push_back(lower(text.substr(at, end - at)));
    at = end + 1;
  }
  return out;
}

Result<LoggedCertificate> sighting_of(const JsonValue& one) {
  LoggedCertificate certificate;
  certificate.serial = serial_of(text_of(one, "serial"));
  certificate.issuer = issuer_of(text_of(one, "issuer"));
  certificate.names = texts_of(one, "names");
  CLOISTER_TRY(certificate.not_after, parse_rfc3339(text_of(one, "not_after")));
  const JsonValue* known = one.find("known");
  if (known == nullptr || !known->boolean()) return Error(Code::kInvalid, "a sighting doesn't say if it is known");
  certificate.known = *known->boolean();
  certificate.told_of = !certificate.known;
  return certificate;
}

Result<LoggedCertificate> crtsh_of(const JsonValue& one) {
  LoggedCertificate certificate;
  certificate.serial = serial_of(text_of(one, "serial_number"));
  certificate.issuer = issuer_of(text_of(one, "issuer_name"));
  certificate.names = lines_of(text_of(one, "name_value"));
  CLOISTER_TRY(certificate.not_after, time_of(text_of(one, "not_after")));
  return certificate;
}

Result<LoggedCertificate> certspotter_of(const JsonValue& one) {
  CLOISTER_TRY(const Bytes der, from_base64(text_of(one, "cert_der")));
  CLOISTER_TRY(const auto read, crypto::Certificate::parse(der));
  LoggedCertificate certificate;
  certificate.serial = serial_of(to_hex(read.facts().serial));
  certificate.issuer = issuer_of(probe::name_text(read.facts().issuer));
  certificate.names = texts_of(one, "dns_names");
  certificate.not_after = read.facts().not_after;
  return certificate;
}

using ReadCertificate = Result<LoggedCertificate> (*)(const JsonValue& one);

Status read_all(const JsonValue::Array& list, ReadCertificate read, TransparencyAnswer& answer) {
  for (const JsonValue& one : list) {
    CLOISTER_TRY(LoggedCertificate certificate, read(one));
    if (certificate.serial.empty() || certificate.issuer.empty() || certificate.names.empty()) {
      return Error(Code::kInvalid, "a certificate has no serial number, no issuer or no names");
    }
    answer.certificates.push_back(std::move(certificate));
  }
  return {};
}

Result<TransparencyAnswer> parse_scan(const JsonValue& document, const JsonValue::Array& sightings) {
  TransparencyAnswer answer;
  answer.domains = texts_of(document, "domains");
  if (answer.domains.empty()) return Error(Code::kInvalid, "the answer doesn't say what was looked for");
  CLOISTER_TRY(answer.at, parse_rfc3339(text_of(document, "head")));
  const JsonValue* unreadable = document.find("unreadable");
  if (unreadable == nullptr || unreadable->unsigned_integer() != 0U) {
    answer.incomplete = "the log has entries that couldn't be read";
  }
  const JsonValue *size = document.find("size"), *read = document.find("read");
  answer.log = text_of(document, "origin");
  if (answer.log.empty() || size == nullptr || !size->unsigned_integer() || read == nullptr ||
      !read->unsigned_integer() || *read->unsigned_integer() > *size->unsigned_integer()) {
    return Error(Code::kInvalid, "the answer doesn't say which entries of which log were read");
  }
  // A look reads from where the one before ended to the log's end.
  answer.entries = {*size->unsigned_integer() - *read->unsigned_integer(), *size->unsigned_integer()};
  CLOISTER_RETURN_IF_ERROR(read_all(sightings, sighting_of, answer));
  // Whoever knows no certificate at all tells of every one, and nobody listens.
  const JsonValue* known = document.find("known_certificates");
  if (known != nullptr && known->unsigned_integer().value_or(0) > 0) return answer;
  for (LoggedCertificate& one : answer.certificates) one.told_of = false;
  return answer;
}

bool lies_below(std::string_view name, std::string_view domain) {
  if (!name.ends_with(domain)) return false;
  return name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.';
}

bool names_host(const std::string& name, const std::string& host) {
  if (name == host) return true;
  const std::size_t dot = host.find('.');
  return name.starts_with("*.") && dot != std::string::npos && name.substr(1) == host.substr(dot);
}

// An answer that doesn't say what it looked for speaks of what it names.
bool speaks_of(const TransparencyAnswer& answer, const std::string& host) {
  if (!answer.domains.empty()) {
    return std::ranges::any_of(answer.domains, [&](const std::string& domain) { return lies_below(host, domain); });
  }
  return std::ranges::any_of(answer.certificates, [&](const LoggedCertificate& one) {
    return std::ranges::any_of(one.names, [&](const std::string& name) { return names_host(name, host); });
  });
}

// Entries that looks at one log left out, from its first to where the last one ended; empty: none.
std::string unread_of(const std::string& log, std::vector<LogEntries> looks) {
  std::ranges::sort(looks, {}, &LogEntries::from);
  const std::string whose = log.substr(0, kNoteSizeMax);
  std::uint64_t reached = 0;
  for (const LogEntries& look : looks) {
    if (look.from > reached) {
      return "nobody read entries " + std::to_string(reached) + " to " + std::to_string(look.from - 1) + " of " + whose;
    }
    reached = std::max(reached, look.to);
  }
  return reached == 0 ? "nobody read an entry of " + whose : std::string();
}

class Endpoints {
 public:
  Endpoints(const std::vector<TransparencyAnswer>& answers, const std::set<std::string>& known,
            const CollectContext& context)
      : answers_(answers), known_(known), context_(context) {}

  std::optional<Fact> look(const Endpoint& endpoint) const {
    const auto address = net::parse_tcp_address(endpoint.address);
    if (!address.ok()) return std::nullopt;
    const std::string host = lower(address->host);
    std::optional<Time> looked, answered;
    std::string incomplete;
    std::map<std::string, std::vector<LogEntries>> looks;  // by log
    std::map<std::string, bool> certificates;              // by key_of(): known
    bool told_of = false;
    for (const TransparencyAnswer& answer : answers_) {
      if (!answer.at || !speaks_of(answer, host)) continue;
      std::optional<Time>& when = answer.log.empty() ? answered : looked;
      when = std::max(when.value_or(*answer.at), *answer.at);
      if (!answer.incomplete.empty()) incomplete = answer.incomplete;
      if (!answer.log.empty()) looks[answer.log].push_back(answer.entries);
      for (const LoggedCertificate& one : answer.certificates) {
        const bool ours = std::ranges::any_of(one.names, [&](const auto& name) { return names_host(name, host); });
        if (!ours || one.not_after < context_.now) continue;
        const std::string key = key_of(one.serial, one.issuer);
        bool& known = certificates[key];
        known = known || one.known || known_.contains(key);
        told_of = told_of || (one.told_of && known_.contains(key));
      }
    }
    if (!looked) looked = answered;
    if (!looked) return std::nullopt;
    // Who asked what of a service, and of which of its pages this is one, isn't in its answer.
    if (looks.empty() && incomplete.empty()) incomplete = "the answer doesn't say what was asked for, nor when";
    for (const auto& [log, entries] : looks) {
      if (incomplete.empty()) incomplete = unread_of(log, entries);
    }
    return fact_of({SubjectKind::kEndpoint, endpoint.name}, *looked, certificates, told_of, incomplete);
  }

 private:
  Fact fact_of(Subject subject, Time at, const std::map<std::string, bool>& certificates, bool told_of,
               const std::string& incomplete) const {
    Fact fact;
    fact.kind = "ct.monitor";
    fact.subject = std::move(subject);
    fact.collector = kTransparencyCollector;
    fact.scope = std::to_string(answers_.size()) + " answers of monitors";
    fact.at = at;
    fact.valid_until = at + kProbeValid;
    std::int64_t unmatched = 0;
    for (const auto& [key, known] : certificates) {
      if (known || ++unmatched > static_cast<std::int64_t>(kNotesMax)) continue;
      fact.raw += "not known: serial number " + key.substr(0, kNoteSizeMax) + "\n";
    }
    if (unmatched == 0 && !incomplete.empty()) {
      fact.not_assessed = incomplete;
      return fact;
    }
    fact.raw += std::to_string(certificates.size()) + " certificates that are valid now or later";
    fact.values["unmatched"] = unmatched;
    if (told_of) fact.values["alert_seen"] = true;
    return fact;
  }

  const std::vector<TransparencyAnswer>& answers_;
  const std::set<std::string>& known_;
  const CollectContext& context_;
};

}  // namespace

Result<TransparencyAnswer> parse_transparency(std::string_view json) {
  CLOISTER_TRY(const JsonValue document, parse_json(json, kLimits));
  const JsonValue* sightings = document.find("sightings");
  if (sightings != nullptr && sightings->array() != nullptr) return parse_scan(document, *sightings->array());
  TransparencyAnswer answer;
  if (document.array() == nullptr) return Error(Code::kInvalid, "this is no answer of a monitor that is known");
  const JsonValue::Array& list = *document.array();
  const bool certspotter = !list.empty() && list.front().find("dns_names") != nullptr;
  if (certspotter && list.front().find("cert_der") == nullptr) {
    return Error(Code::kInvalid, "Cert Spotter's answer has no certificates: ask with expand=cert_der");
  }
  CLOISTER_RETURN_IF_ERROR(read_all(list, certspotter ? certspotter_of : crtsh_of, answer));
  return answer;
}

TransparencyCollector::TransparencyCollector(std::vector<InputFile> files,
                                             const std::vector<crypto::Certificate>& known)
    : files_(std::move(files)) {
  for (const crypto::Certificate& one : known) {
    const std::string issuer = issuer_of(probe::name_text(one.facts().issuer));
    known_.insert(key_of(serial_of(to_hex(one.facts().serial)), issuer));
  }
}

void TransparencyCollector::collect(const CollectContext& context, FactSink& sink) {
  std::vector<TransparencyAnswer> answers;
  for (const InputFile& file : files_) {
    auto answer = parse_transparency(file.content);
    if (!answer.ok()) {
      sink.add(unread_source_fact(kTransparencyCollector, file.name, answer.error().message(), context.now));
      continue;
    }
    if (!answer->at) answer->at = file.modified;
    answers.push_back(std::move(*answer));
  }
  const Endpoints endpoints(answers, known_, context);
  for (const Endpoint& endpoint : context.estate->endpoints) {
    if (auto fact = endpoints.look(endpoint)) sink.add(std::move(*fact));
  }
}

}  // namespace cloister::posture
