#include "redteam/evidence_attacks.h"

#include <algorithm>

#include "attest/binding.h"
#include "attest/software/statement.h"

namespace cloister::redteam {
namespace {

constexpr std::string_view kRemedy =
    "evidence is believed that must not be: ask each time with a new nonce, bind evidence to the connection, and take "
    "no claim from a field that its machine's user fills";

// A simulated machine and who asks it.
class Machine {
 public:
  Machine(const Field& field, const JudgeEvidence& judge, std::string id)
      : field_(field),
        judge_(judge),
        key_(crypto::SigningKey::generate(*field.random)),
        anchors_(attest::Anchors::with_insecure_software({attest::software_key_fingerprint(key_.public_key())})),
        tally_(field, std::move(id), std::string(kRemedy)) {
    asked_ = binding();
    tally_.simulated();
    tally_.honest("evidence as it should be", judged(said(asked_), asked_));
  }

  // A question of its own: new nonce, key and connection.
  attest::Binding binding() const {
    attest::Binding out;
    out.role = "infer";
    out.nonce = random_bytes();
    out.recipient = random_bytes();
    out.exporter = random_bytes();
    out.manifest.fill(2);
    out.peer_key.emplace();
    field_.random->fill(*out.peer_key);
    return out;
  }
  const attest::Binding& asked() const { return asked_; }
  const crypto::SigningKey& key() const { return key_; }

  attest::SoftwareStatement said(const attest::Binding& binding) const {
    attest::SoftwareStatement out;
    out.measurement.fill(1);
    out.manifest = binding.manifest;
    out.time = field_.now;
    std::ranges::copy(attest::report_data(binding), out.report_data.begin());
    return out;
  }
  void attack(std::string_view what, const attest::SoftwareStatement& said) { attack(what, said, key_); }
  void attack(std::string_view what, const attest::SoftwareStatement& said, const crypto::SigningKey& key) {
    if (!tally_.over()) tally_.attack(what, judge_(evidence(said, key), question(asked_)));
  }
  void attack(std::string_view what, const attest::Evidence& evidence) {
    if (!tally_.over()) tally_.attack(what, judge_(evidence, question(asked_)));
  }
  attest::Evidence evidence(const attest::SoftwareStatement& said, const crypto::SigningKey& key) const {
    return {attest::Kind::kInsecureSoftware, {{"statement", attest::sign_statement(said, key)}}};
  }
  Report finish() && { return std::move(tally_).finish(); }
  Time now() const { return field_.now; }

 private:
  Bytes random_bytes() const {
    Bytes out(32);
    field_.random->fill(out);
    return out;
  }
  attest::Question question(const attest::Binding& asked) const {
    attest::Question out;
    out.now = field_.now;
    out.report_data = attest::report_data(asked);
    out.anchors = &anchors_;
    return out;
  }
  Status judged(const attest::SoftwareStatement& said, const attest::Binding& asked) const {
    return judge_(evidence(said, key_), question(asked));
  }

  const Field& field_;
  const JudgeEvidence& judge_;
  const crypto::SigningKey key_;
  const attest::Anchors anchors_;
  attest::Binding asked_;
  Tally tally_;
};

}  // namespace

Status judge_evidence(const attest::Evidence& evidence, const attest::Question& question) {
  const attest::Verdict verdict = attest::verify(evidence, question);
  if (verdict.sound()) return {};
  const attest::Check* problem = verdict.first_problem();
  return Error(Code::kDenied, problem == nullptr ? "nothing was checked" : problem->name + ": " + problem->detail);
}

Report run_evidence_replay(const Field& field, const JudgeEvidence& judge) {
  Machine machine(field, judge, "RT-A01");
  machine.attack("an answer to an earlier question", machine.said(machine.binding()));
  attest::Binding older = machine.asked();
  older.nonce = machine.binding().nonce;
  machine.attack("everything the same but the nonce", machine.said(older));
  older.nonce.clear();
  machine.attack("no nonce", machine.said(older));
  older.nonce.assign(32, 0);
  machine.attack("a nonce of zeros", machine.said(older));
  return std::move(machine).finish();
}

Report run_evidence_relay(const Field& field, const JudgeEvidence& judge) {
  Machine machine(field, judge, "RT-A02");
  const attest::Binding other = machine.binding();
  attest::Binding relayed = machine.asked();
  relayed.exporter = other.exporter;
  machine.attack("evidence for another connection", machine.said(relayed));
  relayed.exporter.reset();
  machine.attack("evidence for no connection", machine.said(relayed));
  relayed = machine.asked();
  relayed.peer_key = other.peer_key;
  machine.attack("evidence of who shows another certificate", machine.said(relayed));
  relayed = machine.asked();
  relayed.recipient = other.recipient;
  machine.attack("keys sealed to somebody else", machine.said(relayed));
  relayed = machine.asked();
  relayed.role = "train";
  machine.attack("evidence for another role", machine.said(relayed));
  return std::move(machine).finish();
}

Report run_evidence_debug(const Field& field, const JudgeEvidence& judge) {
  Machine machine(field, judge, "RT-A03");
  attest::SoftwareStatement said = machine.said(machine.asked());
  said.debug = true;
  machine.attack("a machine that may be debugged", said);
  return std::move(machine).finish();
}

Report run_evidence_stale(const Field& field, const JudgeEvidence& judge) {
  Machine machine(field, judge, "RT-A04");
  attest::SoftwareStatement said = machine.said(machine.asked());
  said.time = machine.now() + hours(-48);
  machine.attack("evidence of two days ago", said);
  said.time = machine.now() + days(-400);
  machine.attack("evidence of last year", said);
  said.time = machine.now() + hours(48);
  machine.attack("evidence of a clock that is ahead", said);
  return std::move(machine).finish();
}

Report run_evidence_spoof(const Field& field, const JudgeEvidence& judge) {
  Machine machine(field, judge, "RT-A06");
  attest::SoftwareStatement said = machine.said(machine.asked());
  said.report_data.fill(0);
  std::ranges::copy(as_bytes("gpu=verified;tcb=UpToDate"), said.report_data.begin());
  machine.attack("a claim in the field of the question's answer", said);
  const crypto::SigningKey other = crypto::SigningKey::generate(*field.random);
  machine.attack("the right words by a key that nobody named", machine.said(machine.asked()), other);
  attest::Evidence spliced = machine.evidence(machine.said(machine.asked()), machine.key());
  Bytes& statement = spliced.parts["statement"];
  for (const std::size_t at : {statement.size() / 4, statement.size() / 2, statement.size() - 1}) {
    statement[at] ^= 1;
    machine.attack("signed evidence with byte " + std::to_string(at) + " changed", spliced);
    statement[at] ^= 1;
  }
  spliced.kind = attest::Kind::kSnp;
  machine.attack("the same under a TEE's name", spliced);
  return std::move(machine).finish();
}

}  // namespace cloister::redteam
