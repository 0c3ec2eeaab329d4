// RT-A05 and the drill "attested-release": a key is asked for as the worker that the policy names, and as others.
#include <algorithm>

#include "attest/software/statement.h"
#include "attest/workload_manifest.h"
#include "home/redteam_parts.h"

namespace cloister::home {
namespace {

constexpr std::string_view kRemedy =
    "a key goes to a worker that isn't the one that the policy names: name its measurement and its manifest in the "
    "policy's rule, and take no release of this build until it is understood";

// A worker on a simulated machine, and who has its keys.
class Worker {
 public:
  Worker(const redteam::Field& field, const DecideRelease& decide, std::string id)
      : field_(field),
        decide_(decide),
        key_(crypto::SigningKey::generate(*field.random)),
        tally_(field, std::move(id), std::string(kRemedy)) {
    tally_.simulated();
    manifest_.name = "canary";
    manifest_.role = "infer";
    field.random->fill(manifest_.image);
    field.random->fill(manifest_.configuration);
    field.random->fill(manifest_.model.emplace());
    field.random->fill(measurement_);
    const auto policy = policy::load_attestation_policy(policy_text());
    if (policy.ok()) {
      policy_ = *policy;
    } else {
      tally_.cannot(policy.error().message());
    }
    tally_.holds("the worker that the policy names", decided(right()), "positive");
  }

  // As it should be, with a question of its own.
  service::ReleaseCase right() const { return asked_by(manifest_, measurement_); }
  service::ReleaseCase asked_by(const attest::WorkloadManifest& manifest, const crypto::Sha256Digest& measured) const {
    service::ReleaseCase out;
    out.now = field_.now;
    out.tenant = "redteam-alder";
    out.dataset = "canary";
    out.purpose = policy::Purpose::kInfer;
    const std::string text = attest::write_workload_manifest(manifest);
    out.manifest = to_bytes(as_bytes(text));
    out.binding.role = manifest.role;
    out.binding.nonce = random_bytes();
    out.binding.recipient = random_bytes();
    out.binding.exporter = random_bytes();
    field_.random->fill(out.binding.peer_key.emplace());
    answer(out, measured);
    return out;
  }
  // What the machine says to the question; `change` is what is wrong with it.
  void answer(service::ReleaseCase& asked, const crypto::Sha256Digest& measured,
              const std::function<void(attest::SoftwareStatement&)>& change = nullptr) const {
    attest::Binding bound = asked.binding;
    bound.manifest = crypto::sha256(asked.manifest);
    attest::SoftwareStatement said;
    said.measurement = measured;
    said.manifest = bound.manifest;
    said.time = field_.now;
    std::ranges::copy(attest::report_data(bound), said.report_data.begin());
    if (change) change(said);
    asked.evidence = {};
    asked.evidence.primary = {attest::Kind::kInsecureSoftware, {{"statement", attest::sign_statement(said, key_)}}};
  }

  void attack(const std::string& what, const service::ReleaseCase& asked, std::string_view cover = {}) {
    if (!tally_.over()) tally_.attack(what, decided(asked), cover);
  }
  // One byte of what is measured differs.
  void measured_otherwise(std::string_view cover = {}) {
    crypto::Sha256Digest other = measurement_;
    for (const std::size_t at : {std::size_t{0}, other.size() / 2, other.size() - 1}) {
      other[at] ^= 1;
      attack("an image that differs in one byte: " + std::to_string(at), asked_by(manifest_, other), cover);
      other[at] ^= 1;
    }
  }
  const attest::WorkloadManifest& manifest() const { return manifest_; }
  const crypto::Sha256Digest& measurement() const { return measurement_; }
  Time now() const { return field_.now; }
  redteam::Report finish() && { return std::move(tally_).finish(); }

 private:
  Status decided(const service::ReleaseCase& asked) const { return decide_(asked, policy_); }
  Bytes random_bytes() const {
    Bytes out(32);
    field_.random->fill(out);
    return out;
  }
  std::string policy_text() const {
    return "version = 1\nid = \"redteam\"\nnot_after = \"never\"\ninsecure_software_keys = \"" +
           to_hex(attest::software_key_fingerprint(key_.public_key())) +
           "\"\n[[release]]\nname = \"canary\"\ntenant = \"redteam-alder\"\nenvironment = \"none\"\ndataset = "
           "\"canary\"\n"
           "purpose = \"infer\"\nrole = \"infer\"\nmanifest = \"" +
           to_hex(crypto::sha256(as_bytes(attest::write_workload_manifest(manifest_)))) +
           "\"\nassurance = \"insecure_software\"\nplatform = \"insecure_software\"\nproduct = \"any\"\nchip = "
           "\"any\"\n"
           "measurement = \"" +
           to_hex(measurement_) + "\"\nlease_seconds = 300\n";
  }

  const redteam::Field& field_;
  const DecideRelease& decide_;
  const crypto::SigningKey key_;
  attest::WorkloadManifest manifest_;
  crypto::Sha256Digest measurement_{};
  policy::AttestationPolicy policy_;
  redteam::Tally tally_;
};

}  // namespace

Status decide_release(const service::ReleaseCase& asked, const policy::AttestationPolicy& policy) {
  const service::Judgement came = service::judge(asked, policy, nullptr, {});
  return came.decision.allowed ? Status() : Status(Error(Code::kDenied, came.decision.reason));
}

redteam::Report run_measurement_substitution(const redteam::Field& field, const DecideRelease& decide) {
  Worker worker(field, decide, "RT-A05");
  worker.measured_otherwise();
  using Manifest = attest::WorkloadManifest;
  const std::pair<const char*, std::function<void(Manifest&)>> changes[] = {
      {"a container's image", [](Manifest& manifest) { manifest.image[0] ^= 1; }},
      {"a configuration", [](Manifest& manifest) { manifest.configuration[0] ^= 1; }},
      {"a model", [](Manifest& manifest) { (*manifest.model)[0] ^= 1; }},
      {"no model", [](Manifest& manifest) { manifest.model.reset(); }},
      {"a way out to the network", [](Manifest& manifest) { manifest.egress.push_back("192.0.2.1:443"); }},
      {"a name", [](Manifest& manifest) { manifest.name += "x"; }}};
  for (const auto& [what, change] : changes) {
    Manifest other = worker.manifest();
    change(other);
    worker.attack(std::string(what) + " that differs in the manifest", worker.asked_by(other, worker.measurement()));
  }
  service::ReleaseCase swapped = worker.right();
  Manifest other = worker.manifest();
  other.image[0] ^= 1;
  swapped.manifest = to_bytes(as_bytes(attest::write_workload_manifest(other)));
  worker.attack("the right evidence, and another manifest beside it", swapped);
  return std::move(worker).finish();
}

redteam::Report run_attested_release(const redteam::Field& field, const DecideRelease& decide) {
  Worker worker(field, decide, "attested-release");
  service::ReleaseCase asked = worker.right();
  asked.evidence = {};
  worker.attack("no evidence", asked, "no-evidence");
  asked = worker.right();
  worker.answer(asked, worker.measurement(), [&](auto& said) { said.time = worker.now() + hours(-48); });
  worker.attack("evidence of two days ago", asked, "stale");
  worker.measured_otherwise("measurement");
  asked = worker.right();
  worker.answer(asked, worker.measurement(), [](auto& said) { said.debug = true; });
  worker.attack("a machine that may be debugged", asked, "debug");
  asked = worker.right();
  asked.tenant = "redteam-birch";
  worker.attack("another tenant's key", asked, "tenant");
  asked = worker.right();
  asked.dataset = "other";
  worker.attack("another dataset's key", asked, "tenant");
  asked = worker.right();
  asked.purpose = policy::Purpose::kTrain;
  worker.attack("another purpose", asked, "tenant");
  asked = worker.right();
  asked.evidence = worker.right().evidence;
  worker.attack("the answer to an earlier question", asked, "replay");
  asked = worker.right();
  (*asked.binding.exporter)[0] ^= 1;
  worker.attack("evidence for another connection", asked, "channel");
  asked = worker.right();
  asked.binding.recipient[0] ^= 1;
  worker.attack("a key sealed to somebody else", asked, "channel");
  return std::move(worker).finish();
}

}  // namespace cloister::home
