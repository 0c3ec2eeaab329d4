// Revocation and transparency: what was stapled, and what logs promised.
#include <algorithm>
#include <set>

#include "probe/certificate/judgement.h"
#include "probe/certificate/ocsp.h"
#include "probe/certificate/timestamps.h"

namespace cloister::probe {
namespace {

constexpr Duration kClockSkew = minutes(5);
constexpr Duration kListAgeMax = days(70);  // browsers stop to rely on theirs then
constexpr Duration kShortLife = days(180);  // up to here two timestamps are enough, beyond three

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

Result<OcspAnswer> read_staple(const CertificateQuestion& question, const SeenCertificate& leaf,
                               const SeenCertificate* issuer) {
  CLOISTER_TRY(const OcspResponse response, parse_ocsp(question.ocsp_response));
  if (issuer == nullptr) return Error(Code::kUnsupported, "the certificate's issuer isn't known");
  return verify_ocsp(response, leaf, *issuer, question.now);
}

bool is_fresh(const OcspAnswer& answer, Time now) {
  return answer.this_update <= now + kClockSkew && answer.next_update && now <= *answer.next_update;
}

void judge_staple(const CertificateQuestion& question, const SeenCertificate& leaf, const SeenCertificate* issuer,
                  Facts& facts) {
  const auto answer = read_staple(question, leaf, issuer);
  if (!answer.ok()) {
    const bool unknown = answer.error().code() == Code::kUnsupported;
    facts.add("X9", "signed", unknown ? Seen::kUnknown : Seen::kNo, answer.error().message());
    facts.add("X9", "fresh", Seen::kUnknown);
    facts.add("X9", "revoked", Seen::kUnknown);
    return;
  }
  facts.add("X9", "signed", Seen::kYes);
  facts.add("X9", "fresh", seen_if(is_fresh(*answer, question.now)),
            to_rfc3339(answer->this_update) +
                (answer->next_update ? " to " + to_rfc3339(*answer->next_update) : " without an end"));
  const bool unknown = answer->state == OcspState::kUnknown;
  facts.add("X9", "revoked", unknown ? Seen::kUnknown : seen_if(answer->state == OcspState::kRevoked),
            std::string(name_of(answer->state)));
}

struct Source {
  std::string name;
  Bytes list;
};

struct Tally {
  std::size_t promises = 0, good = 0, bad = 0, unknown_log = 0;
  std::set<std::string> operators, logs;
  bool tiled = false, classic = false;
  std::vector<std::string> words;
};

void count_one(const CertificateQuestion& question, const SignedTimestamp& timestamp, const Result<LoggedEntry>& entry,
               Tally& tally) {
  ++tally.promises;
  const CtLog* log = question.logs == nullptr ? nullptr : question.logs->find(timestamp.log_id);
  if (log == nullptr || !entry.ok()) {
    ++tally.unknown_log;
    tally.words.push_back(log == nullptr ? "a log that isn't in the list" : entry.error().message());
    return;
  }
  const bool in_time = timestamp.at <= question.now + kClockSkew;
  const bool before_end = log->state != LogState::kRetired || !log->state_since || timestamp.at < *log->state_since;
  const bool in_service = log->state != LogState::kRejected && log->state != LogState::kPending && before_end;
  const bool good = in_time && in_service && verify_timestamp(timestamp, *entry, log->key).ok();
  ++(good ? tally.good : tally.bad);
  tally.words.push_back(log->name + (good         ? ""
                                     : in_service ? ": not signed by it"
                                                  : ": " + std::string(name_of(log->state))));
  if (!good) return;
  tally.operators.insert(log->operator_name);
  tally.logs.insert(log->name);
  (log->tiled ? tally.tiled : tally.classic) = true;
}

std::vector<Source> sources_of(const CertificateQuestion& question, const SeenCertificate& leaf,
                               const SeenCertificate* issuer) {
  std::vector<Source> sources{{"embedded", leaf.timestamps}, {"tls", question.timestamps}, {"ocsp", {}}};
  const auto answer = question.ocsp_response.empty() ? Result<OcspAnswer>(Error(Code::kNotFound, ""))
                                                     : read_staple(question, leaf, issuer);
  if (answer.ok()) sources[2].list = answer->timestamps;
  return sources;
}

void judge_tally(const CertificateQuestion& question, const SeenCertificate& leaf, const Tally& tally, Facts& facts) {
  if (tally.promises == 0) {
    for (const char* subject : {"verified", "operators", "enough"})
      facts.add("T2", subject, Seen::kNo, "there are none");
    return;
  }
  if (question.logs == nullptr) {
    for (const char* subject : {"verified", "operators", "enough"}) {
      facts.add("T2", subject, Seen::kUnknown, "no list of logs was given");
    }
    return;
  }
  const bool fresh = (question.now - question.logs->made_at()) <= kListAgeMax;
  facts.add("T2", "list of logs is fresh", seen_if(fresh), to_rfc3339(question.logs->made_at()));
  const std::size_t wanted = (leaf.not_after - leaf.not_before) <= kShortLife ? 2 : 3;
  facts.add("T2", "verified", seen_if(tally.good > 0 && tally.bad == 0), joined(tally.words));
  facts.add("T2", "operators", seen_if(tally.operators.size() >= 2), std::to_string(tally.operators.size()));
  facts.add("T2", "enough", seen_if(tally.logs.size() >= wanted),
            std::to_string(tally.logs.size()) + " of " + std::to_string(wanted));
  facts.add("T3", "static-ct-api", seen_if(tally.tiled));
  facts.add("T3", "rfc6962", seen_if(tally.classic));
}

}  // namespace

void judge_status(const CertificateQuestion& question, const SeenCertificate& leaf, const SeenCertificate* issuer,
                  Facts& facts) {
  const bool responder = !leaf.ocsp_urls.empty();
  const bool stapled = !question.ocsp_response.empty();
  facts.add("X7", "ocsp", seen_if(responder), joined(leaf.ocsp_urls));
  facts.add("X7", "issuer", seen_if(!leaf.issuer_urls.empty()), joined(leaf.issuer_urls));
  facts.add("X8", "crl", seen_if(!leaf.crl_urls.empty()), joined(leaf.crl_urls));
  // Without a responder there is nothing that could be stapled.
  facts.add("X9", "stapled", stapled ? Seen::kYes : responder ? Seen::kNo : Seen::kNotApplicable);
  if (stapled) judge_staple(question, leaf, issuer, facts);
  facts.add("X10", "must-staple", seen_if(leaf.must_staple));
  facts.add("X10", "must-staple without staple", seen_if(leaf.must_staple && !stapled));
  facts.add("X10", "must-staple without responder", seen_if(leaf.must_staple && !responder));
}

void judge_timestamps(const CertificateQuestion& question, const SeenCertificate& leaf, const SeenCertificate* issuer,
                      Facts& facts) {
  Tally tally;
  for (const Source& source : sources_of(question, leaf, issuer)) {
    const auto timestamps = source.list.empty() ? Result<std::vector<SignedTimestamp>>(std::vector<SignedTimestamp>())
                                                : parse_timestamps(source.list);
    if (!timestamps.ok()) {
      facts.add("T1", source.name, Seen::kUnknown, timestamps.error().message());
      ++tally.promises;
      ++tally.bad;
      tally.words.push_back(source.name + ": " + timestamps.error().message());
      continue;
    }
    facts.add("T1", source.name, seen_if(!timestamps->empty()), std::to_string(timestamps->size()));
    const bool precertificate = source.name == "embedded";
    const auto entry = !precertificate     ? Result<LoggedEntry>(entry_of(leaf))
                       : issuer == nullptr ? Result<LoggedEntry>(Error(Code::kNotFound, "the issuer isn't known"))
                                           : precertificate_of(leaf, *issuer);
    for (const SignedTimestamp& one : *timestamps) count_one(question, one, entry, tally);
  }
  judge_tally(question, leaf, tally, facts);
}

}  // namespace cloister::probe
