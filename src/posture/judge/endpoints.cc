// TRN-01 to TRN-05: what clients from outside meet.
#include <algorithm>
#include <array>

#include "posture/judge/judge.h"
#include "posture/judge/proof.h"
#include "posture/subjects.h"

namespace cloister::posture {
namespace {

constexpr std::int64_t kShortLivedDays = 10;  // a certificate that lives no longer needs no revocation
constexpr Duration kScanCadence = days(30);

std::string scan_of(const Subject& endpoint) { return "cloister scan " + shell_word(endpoint.id); }

// Every endpoint by its facts of that kind.
std::vector<SubjectVerdict> each_endpoint(const View& view, std::string_view kind, const Look& look) {
  std::vector<SubjectVerdict> out;
  for (const Subject& subject : known_subjects(view)) {
    if (subject.kind != SubjectKind::kEndpoint) continue;
    const Question question = {subject, "nobody looked at it", scan_of(subject)};
    out.push_back(judge_by(view, question, view.about(kind, subject), look));
  }
  return out;
}

Finding look_at_plaintext(const Fact& fact) {
  const auto refused = fact.truth("plaintext_refused");
  const auto* versions = fact.list("versions");
  if (!refused) return unproven("whether it answers in the clear wasn't tried");
  if (!*refused)
    return fails("it answers in the clear",
                 "close its plaintext listener, or let it redirect before it reads anything");
  if (versions == nullptr || versions->empty()) return unproven("it refuses plaintext, and no TLS was seen either");
  return passes("it refuses plaintext and speaks TLS");
}

std::vector<SubjectVerdict> tls_only(const View& view) {
  return each_endpoint(view, "tls.endpoint", look_at_plaintext);
}

bool is_modern(std::string_view version) {
  if (version.starts_with("TLS ")) version.remove_prefix(4);
  return version == "1.2" || version == "1.3";
}

Finding look_at_tls(const Fact& fact) {
  const auto* versions = fact.list("versions");
  const auto* weak = fact.list("weak");
  const auto modern = fact.truth("tls13");
  const auto early = fact.truth("early_data_refused");
  const auto downgrade = fact.truth("downgrade_resisted");
  const std::string repair = "apply the server configuration that cloister scan prints, and scan again";
  if (versions != nullptr) {
    const auto old = std::ranges::find_if_not(*versions, is_modern);
    if (old != versions->end()) return fails("it offers " + *old, repair);
  }
  if (weak != nullptr && !weak->empty()) return fails("it offers what is weak: " + joined(*weak, ", "), repair);
  if (modern && !*modern) return fails("it doesn't speak TLS 1.3", repair);
  if (early && !*early) return fails("it takes early data, which can be replayed", "turn early data off");
  if (downgrade && !*downgrade) return fails("a downgrade goes unnoticed", repair);
  if (versions == nullptr || versions->empty() || weak == nullptr || !modern || !early || !downgrade)
    return unproven("not all of its TLS was looked at");
  return passes("TLS 1.3, nothing weak, a downgrade is noticed");
}

std::vector<SubjectVerdict> modern_tls(const View& view) { return each_endpoint(view, "tls.endpoint", look_at_tls); }

bool excused_from_stapling(const View& view, const Subject& endpoint) {
  return std::ranges::any_of(records(view, "not-applicable", endpoint), [&](const Fact* record) {
    const std::string* control = record->text("control");
    return control != nullptr && *control == "TRN-03" && why_no_proof(view, *record).empty() &&
           check_record(view, *record).status == Status::kPass;
  });
}

Finding look_at_staple(const View& view, const Fact& fact) {
  const std::string* staple = fact.text("staple");
  const std::string repair =
      "turn OCSP stapling on, or use certificates that live for " + std::to_string(kShortLivedDays) + " days at most";
  if (staple == nullptr) return unproven("whether it staples wasn't asked");
  if (*staple == "valid") return passes("a valid OCSP response is stapled");
  if (*staple == "bad") return fails("what it staples isn't valid", repair);
  if (*staple != "none") return unproven("what it staples isn't known");
  if (fact.truth("must_staple").value_or(false))
    return fails("its certificate demands a staple, and there is none", repair);
  const auto lifetime = fact.number("lifetime_days");
  if (lifetime && *lifetime > 0 && *lifetime <= kShortLivedDays)
    return passes("no staple, and a certificate that lives for " + std::to_string(*lifetime) + " days");
  const auto responder = fact.truth("ocsp_responder");
  if (responder && !*responder && excused_from_stapling(view, fact.subject))
    return passes("its certificate names no OCSP responder, and how revocation is watched is recorded");
  if (responder && !*responder)
    return unproven("its certificate names no OCSP responder, and nobody recorded how revocation is watched instead",
                    "record it: cloister posture record not-applicable --control TRN-03");
  return fails("it staples nothing", repair);
}

Finding look_at_hsts(const Fact& fact) {
  const auto applicable = fact.truth("hsts_applicable");
  if (!applicable) return unproven("whether browsers come there isn't known");
  if (!*applicable) return passes("no browser comes there");
  const auto hsts = fact.truth("hsts");
  if (!hsts) return unproven("whether it sends HSTS wasn't seen");
  if (!*hsts) return fails("it sends no HSTS for a year", "send Strict-Transport-Security: max-age=31536000");
  return passes("it sends HSTS");
}

Finding both(const Finding& one, const Finding& other) {
  const auto rank = [](Status status) { return status == Status::kFail ? 2 : status == Status::kPass ? 0 : 1; };
  if (rank(one.status) != rank(other.status)) return rank(one.status) > rank(other.status) ? one : other;
  const std::string between = one.remediation.empty() || other.remediation.empty() ? "" : "; ";
  return {one.status, one.reason + "; " + other.reason, one.remediation + between + other.remediation};
}

std::vector<SubjectVerdict> revocation(const View& view) {
  return each_endpoint(view, "tls.endpoint",
                       [&](const Fact& fact) { return both(look_at_staple(view, fact), look_at_hsts(fact)); });
}

// That a monitor tells somebody is seen where it did, or somebody tried it and says so.
std::optional<bool> alert_of(const View& view, const Fact& fact) {
  if (const auto alert = fact.truth("alert_seen")) return alert;
  Facts tried = records(view, "ct-alert", fact.subject);
  const Facts of_platform = records(view, "ct-alert", the_platform());
  tried.insert(tried.end(), of_platform.begin(), of_platform.end());
  const auto holds = [&](const Fact* record) {
    const auto old = age(view, record->text("date"));
    return why_no_proof(view, *record).empty() && check_record(view, *record).status == Status::kPass && old &&
           *old <= kDrillValid;
  };
  if (std::ranges::any_of(tried, holds)) return true;
  return std::nullopt;
}

Finding look_at_transparency(const View& view, const Fact& fact) {
  const auto unmatched = fact.number("unmatched");
  const auto alert = alert_of(view, fact);
  if (unmatched && *unmatched > 0)
    return fails(std::to_string(*unmatched) + " certificates were issued for it that nobody knows",
                 "find out who asked for them, and have them revoked");
  if (alert && !*alert)
    return fails("a certificate that wasn't expected raised no alert", "let the monitor tell somebody");
  if (unmatched != 0) return unproven("its certificates weren't all looked for", "cloister scan logs, and --ct");
  if (!alert)
    return unproven("nobody saw the monitor alert of a certificate that it doesn't know",
                    "have one issued that the monitor doesn't know, and: cloister posture record ct-alert");
  return passes("every certificate issued for it is known, and another one raises an alert");
}

Finding look_at_caa(const Fact& fact) {
  const auto caa = fact.truth("caa");
  if (!caa) return unproven("CAA wasn't looked up");
  if (!*caa)
    return fails("no CAA record says who may issue for it", "publish a CAA record with your authorities alone");
  return passes("CAA says who may issue for it");
}

std::vector<SubjectVerdict> transparency(const View& view) {
  std::vector<SubjectVerdict> monitored =
      each_endpoint(view, "ct.monitor", [&](const Fact& fact) { return look_at_transparency(view, fact); });
  std::vector<SubjectVerdict> issuance = each_endpoint(view, "tls.endpoint", look_at_caa);
  std::vector<SubjectVerdict> out;
  for (std::size_t i = 0; i < monitored.size(); ++i) {
    const Subject subject = monitored[i].subject;
    out.push_back(all_of(subject, {std::move(monitored[i]), std::move(issuance[i])}));
  }
  return out;
}

Finding look_at_scan_record(const View& view, const Fact& record) {
  Finding checked = check_record(view, record);
  if (checked.status != Status::kPass) return checked;
  const auto old = age(view, record.text("date"));
  if (old && *old > kScanCadence)
    return fails("the last scan from outside is older than 30 days", "scan from outside, and record it");
  const auto orphans = record.number("orphans");
  if (!old || !orphans || *orphans < 0)
    return unproven("the record doesn't say whether its findings are in the threat model");
  if (*orphans > 0)
    return fails(std::to_string(*orphans) + " findings aren't in the threat model", "add them to the threat model");
  return passes("scanned from outside within 30 days, every finding in the threat model");
}

Finding look_at_vantage(const Fact& fact) {
  const auto external = fact.truth("external");
  if (!external || !*external) return unproven("it wasn't scanned from outside", "scan it from outside of its network");
  return passes("it was scanned from outside");
}

std::vector<SubjectVerdict> external_scans(const View& view) {
  std::vector<SubjectVerdict> out = each_endpoint(view, "tls.endpoint", look_at_vantage);
  if (out.empty()) return out;
  const Question question = {the_platform(), "no scan from outside is recorded",
                             "cloister posture record external-scan"};
  out.push_back(judge_by(view, question, records(view, "external-scan", the_platform()),
                         [&](const Fact& record) { return look_at_scan_record(view, record); }));
  return out;
}

constexpr std::array<JudgeOf, 5> kJudges = {{{"TRN-01", tls_only},
                                             {"TRN-02", modern_tls},
                                             {"TRN-03", revocation},
                                             {"TRN-04", transparency},
                                             {"TRN-05", external_scans}}};

}  // namespace

std::span<const JudgeOf> endpoint_judges() { return kJudges; }

}  // namespace cloister::posture
