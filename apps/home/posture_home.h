// What a home says of itself to the posture audit: its keys and whose they are, who shares them, whether its log is
// whole, who may use keys, what was released to attested workers, and dumps of the programs that run. Keys of tenants
// and datasets aren't unwrapped. docs/posture-home.md says which controls that proves.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "audit/checkpoint.h"
#include "home/home.h"
#include "kms/posture.h"
#include "posture/collect/fact_maker.h"
#include "service/attestation/archive.h"

namespace cloister::home {

inline constexpr std::string_view kHomeCollector = "home/1";

// Where facts go, and what they have in common.
struct HomeFacts {
  const posture::FactMaker& maker;
  posture::FactSink& sink;
  void fact(std::string_view kind, posture::Subject subject, posture::FactValues values, std::string raw = {}) const;
  void unseen(std::string_view kind, posture::Subject subject, const Error& why) const;
};

// Of the store: KEKs, keyrings and what else slots are sealed to (`key.posture`), and who shares them
// (`tenant.separation`). `root_name` is what facts call a root, by the id that wraps name it by.
Status add_store_facts(keys::Store& store, const HomeFacts& facts,
                       const std::function<std::string(const std::string& id)>& root_name);
// Heads of the log that somebody else keeps: notes with their cosignatures, and whose word is taken.
struct Witnessed {
  std::vector<std::string> notes;
  std::vector<audit::VerifierKey> witnesses;
  std::function<Result<audit::VerifierKey>(std::string_view origin)> log_key;
};
// Whether every tree of the store continues a head that a witness cosigned in the last seven days. Nothing where that
// can't be told: no heads or no witnesses were named, or one doesn't verify, or is older.
struct Anchored {
  std::optional<bool> holds;
  std::string why;  // a line for each tree
};
Anchored anchored_by(keys::Store& store, const Witnessed& witnessed, Time now);

// `audit.log`: the log verified whole; every tenant, key version and dataset of the store against its record; and
// whether the verifier notices a record that is changed or left out.
void add_log_fact(keys::Store& store, const HomeFacts& facts, const Anchored& anchored = {});

// What facts call a root.
std::string root_subject(const RootConfig& root);
// How a provider's root describes itself: opens the provider, asks, and closes it.
using DescribeRoot = std::function<Result<kms::KeyPosture>(const std::string& name, const RootConfig& root)>;
DescribeRoot ask_providers(RootSecret secret);
// `key.posture` of every root, and `key.access` of key files. `since` is when each became the home's, as far as known.
void add_root_facts(const Path& folder, const HomeConfig& config, const DescribeRoot& describe,
                    const std::map<std::string, Time>& since, const HomeFacts& facts);
// By name, as the log has it.
Result<std::map<std::string, Time>> roots_since(keys::Store& store);

// `key.access` of the platform, by the policy that the key service decides by. Somebody who isn't in it asks for every
// dataset of the store.
void add_policy_fact(keys::Store& store, std::string_view policy_text, Time now, const HomeFacts& facts);

// `attestation.policy`: claims that it doesn't ask for.
void add_attestation_policy_fact(std::string_view policy_text, const HomeFacts& facts);
// `attestation.releases`, every one decided again; `attestation.workload` of each workload that got a key. Those of
// software attesters are simulated.
Status add_release_facts(const service::Archive& archive, keys::Store& store, const posture::Estate& estate,
                         const HomeFacts& facts);

// `process.dumps` of Cloister's programs that hold keys, as /proc shows them to who asks.
void add_process_facts(const Path& proc, const posture::Estate& estate, const HomeFacts& facts);

// All of the above.
class HomeCollector final : public posture::Collector {
 public:
  struct Parts {
    Path folder;
    HomeConfig config;
    keys::Store* store = nullptr;  // outlives it
    DescribeRoot describe;
    std::optional<std::string> policy_text;  // none: nobody said where the policy is
    // Nothing where nothing was ever released; may open a root.
    std::function<Result<std::optional<service::Archive>>()> archive;
    std::function<Result<std::string>()> attestation_policy;  // its text; empty: none is in force
    Witnessed witnessed;
    Path proc = "/proc";
  };
  explicit HomeCollector(Parts parts) : parts_(std::move(parts)) {}
  std::string_view name() const override { return kHomeCollector; }
  void collect(const posture::CollectContext& context, posture::FactSink& sink) override;

 private:
  void collect_releases(const posture::Estate& estate, const HomeFacts& facts);
  Parts parts_;
};

}  // namespace cloister::home
