#include "home/posture_home.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "crypto/hpke.h"
#include "keys/audit_verify.h"
#include "keys/hierarchy.h"
#include "seal/keyring.h"

namespace cloister::home {
namespace {

using posture::FactValues;
using posture::Subject;
using posture::SubjectKind;

std::string text_of(std::string_view text) { return std::string(text); }
std::int64_t whole(std::uint64_t number) { return static_cast<std::int64_t>(number); }

Subject key_named(std::string name) { return {SubjectKind::kKey, std::move(name)}; }

std::string state_word(keys::KeyState state) {
  switch (state) {
    case keys::KeyState::kEnabled: return "enabled";
    case keys::KeyState::kDisabled: return "disabled";
    case keys::KeyState::kDestructionScheduled: return "pending-deletion";
    case keys::KeyState::kDestroyed: return "destroyed";
  }
  return "unknown";
}

// What software made, and who holds the home manages.
FactValues own_key(std::string_view key_class, const std::string& tenant, std::string wrapped_by) {
  return {{"manager", text_of("operator")},      {"origin", text_of("software")},
          {"protection", text_of("software")},   {"key_class", text_of(key_class)},
          {"algorithm", text_of("aes-256-gcm")}, {"tenants", std::vector<std::string>{tenant}},
          {"wrapped_by", std::move(wrapped_by)}};
}

// Names of tenants whose newest rotation was the schedule's.
Result<std::map<std::string, bool>> rotations(keys::Store& store) {
  std::map<std::string, bool> by_schedule;
  CLOISTER_RETURN_IF_ERROR(store.for_each_audit_row([&](const audit::Row& row) {
    if (row.event.action == "kek.rotate" && row.event.outcome == audit::Outcome::kAllowed) {
      by_schedule[row.event.tenant] = row.event.detail.starts_with("reason: due; ");
    }
    return ok_status();
  }));
  return by_schedule;
}

void add_kek(const keys::TenantRecord& tenant, const std::map<std::string, bool>& by_schedule, const HomeFacts& facts,
             const std::function<std::string(const std::string& id)>& root_name) {
  if (tenant.versions.empty()) return;
  const keys::KekVersion& newest = tenant.versions.back();
  FactValues values = own_key("kek", tenant.name(), root_name(newest.wrapped.key_id));
  std::vector<std::string> retired;
  for (const keys::KekVersion& version : tenant.versions) {
    if (&version != &newest && version.state == keys::KeyState::kEnabled) {
      retired.push_back(std::to_string(version.version));
    }
  }
  values["state"] = state_word(newest.state);
  values["deletion_scheduled"] = newest.state == keys::KeyState::kDestructionScheduled;
  values["created"] = to_rfc3339(tenant.created);
  values["rotation_automatic"] = tenant.rotate_after.has_value();
  if (tenant.rotate_after) values["rotation_period_days"] = tenant.rotate_after->ms / days(1).ms;
  if (tenant.versions.size() > 1) values["last_rotated"] = to_rfc3339(newest.created);
  if (const auto found = by_schedule.find(tenant.name()); found != by_schedule.end()) {
    values["rotated_automatically"] = found->second;
  }
  values["versions_retired"] = std::move(retired);
  facts.fact("key.posture", key_named("cloister:" + tenant.kek_id), std::move(values));
}

void add_keyring(const keys::DatasetRecord& dataset, const seal::KeyringOutline& ring, const std::string& kek,
                 const HomeFacts& facts) {
  const std::string tenant = keys::TenantName{dataset.tenant, dataset.environment}.text();
  FactValues values = own_key("dataset", tenant, kek);
  std::vector<std::string> retired;
  values["state"] = text_of("disabled");
  for (const seal::DatasetKeyEntry& key : ring.keys) {
    if (key.state == seal::DatasetKeyState::kPrimary) {
      values["state"] = text_of("enabled");
      if (key.version > 1) values["last_rotated"] = to_rfc3339(key.created);
    } else if (key.state == seal::DatasetKeyState::kEnabled) {
      retired.push_back(std::to_string(key.version));
    }
  }
  values["created"] = to_rfc3339(dataset.created);
  values["rotation_automatic"] = false;
  values["versions_retired"] = std::move(retired);
  facts.fact("key.posture", key_named("cloister:keyring:" + to_hex(ring.keyring_id)), values);
  // Slots may be sealed to a recipient of the keyring instead: it lives and dies with it.
  values["versions_retired"] = std::vector<std::string>();
  for (const crypto::HpkePublicKey& recipient : ring.recipients) {
    facts.fact("key.posture", key_named(recipient.key_id()), values);
  }
}

using TenantsOfKeys = std::map<std::string, std::set<std::string>>;

std::int64_t most_tenants(const TenantsOfKeys& keys) {
  std::size_t most = 0;
  for (const auto& [key, tenants] : keys) most = std::max(most, tenants.size());
  return whole(most);
}

// What the store holds must have been recorded when it was made: one row for each, by action and subject.
Result<std::map<std::string, std::int64_t>> implied_operations(keys::Store& store) {
  std::map<std::string, std::int64_t> implied;
  CLOISTER_TRY(const auto tenants, store.tenants());
  for (const keys::TenantRecord& tenant : tenants) {
    ++implied["tenant " + tenant.name()];
    if (tenant.versions.size() > 1) implied["versions " + tenant.name()] = whole(tenant.versions.size() - 1);
    CLOISTER_TRY(const auto datasets, store.datasets(tenant.tenant, tenant.environment));
    for (const keys::DatasetRecord& dataset : datasets) ++implied["dataset " + dataset.name()];
  }
  return implied;
}

std::string implied_by(const audit::Event& event) {
  if (event.outcome != audit::Outcome::kAllowed) return {};
  if (event.action == "tenant.create") return "tenant " + event.subject;
  if (event.action == "kek.rotate" || event.action == "kek.move") return "versions " + event.tenant;
  if (event.action == "dataset.create" || event.action == "dataset.import") return "dataset " + event.subject;
  return {};
}

bool looks_secret(const audit::Event& event) {
  return std::ranges::any_of(std::initializer_list<const std::string*>{&event.subject, &event.detail, &event.actor},
                             [](const std::string* text) {
                               return text->find("PRIVATE KEY") != std::string::npos ||
                                      text->find("-----BEGIN") != std::string::npos ||
                                      text->find("\"d\":\"") != std::string::npos;
                             });
}

// On copies of the first rows: one that says something else, and a log that begins with the second.
bool tampering_noticed(const std::vector<audit::Row>& first) {
  audit::Row changed = first[0];
  changed.event.detail += " ";
  if (audit::ChainVerifier().next(changed).ok()) return false;
  return !audit::ChainVerifier().next(first[1]).ok();
}

}  // namespace

void HomeFacts::fact(std::string_view kind, Subject subject, FactValues values, std::string raw) const {
  posture::Fact made = maker.make(kind, std::move(subject));
  made.values = std::move(values);
  made.raw = posture::raw_excerpt(raw);
  sink.add(std::move(made));
}

void HomeFacts::unseen(std::string_view kind, Subject subject, const Error& why) const {
  sink.add(maker.not_assessed(kind, std::move(subject), why.message()));
}

Status add_store_facts(keys::Store& store, const HomeFacts& facts,
                       const std::function<std::string(const std::string& id)>& root_name) {
  CLOISTER_TRY(const auto by_schedule, rotations(store));
  CLOISTER_TRY(const auto tenants, store.tenants());
  TenantsOfKeys keks, rings;
  for (const keys::TenantRecord& tenant : tenants) {
    add_kek(tenant, by_schedule, facts, root_name);
    keks[tenant.kek_id].insert(tenant.tenant);
    CLOISTER_TRY(const auto datasets, store.datasets(tenant.tenant, tenant.environment));
    for (const keys::DatasetRecord& dataset : datasets) {
      const auto ring = seal::parse_keyring(dataset.keyring);
      if (!ring.ok()) {
        facts.unseen("key.posture", key_named("cloister:keyring of " + dataset.name()), ring.error());
        continue;
      }
      add_keyring(dataset, *ring, "cloister:" + tenant.kek_id, facts);
      rings[to_hex(ring->keyring_id)].insert(dataset.tenant);
    }
  }
  facts.fact("tenant.separation", {},
             {{"tenants_per_dek_max", most_tenants(rings)},
              {"tenants_per_kek_max", most_tenants(keks)},
              {"per_environment", false}});
  return ok_status();
}

void add_log_fact(keys::Store& store, const HomeFacts& facts, const Anchored& anchored) {
  auto implied = implied_operations(store);
  if (!implied.ok()) return facts.unseen("audit.log", {}, implied.error());
  std::int64_t operations = 0, missing = 0, secrets = 0;
  for (const auto& [what, count] : *implied) operations += count;
  std::vector<audit::Row> first;
  const Status read = store.for_each_audit_row([&](const audit::Row& row) {
    if (first.size() < 2) first.push_back(row);
    if (looks_secret(row.event)) ++secrets;
    if (const auto found = implied->find(implied_by(row.event)); found != implied->end() && found->second > 0) {
      --found->second;
    }
    return ok_status();
  });
  for (const auto& [what, count] : *implied) missing += count;
  const auto verified = keys::verify_audit(store);
  // A log that isn't whole shows nothing of what was done.
  const bool good = read.ok() && verified.ok();
  FactValues values = {{"operations", operations},
                       {"observed", good ? operations - missing : std::int64_t{0}},
                       {"secrets_found", secrets}};
  if (good && first.size() == 2) values["tamper_detected"] = tampering_noticed(first);
  if (anchored.holds) values["anchored"] = *anchored.holds;
  facts.fact("audit.log", {}, std::move(values),
             (good ? std::to_string(verified->rows) + " rows, head " + to_hex(verified->head)
                   : (read.ok() ? verified.error() : read.error()).message()) +
                 (anchored.why.empty() ? "" : "\n" + anchored.why));
}

void HomeCollector::collect(const posture::CollectContext& context, posture::FactSink& sink) {
  const posture::FactMaker maker(kHomeCollector,
                                 "uid " + std::to_string(geteuid()) + ", the home " + parts_.folder.string(), context);
  const HomeFacts facts{maker, sink};
  const posture::Estate& estate = *context.estate;
  // A configuration may leave ids out: the store knows them by the same names.
  HomeConfig config = parts_.config;
  if (const auto known = keys::known_roots(*parts_.store); known.ok()) {
    for (const keys::KnownRoot& root : *known) {
      const auto found = config.roots.find(root.name);
      if (found != config.roots.end() && found->second.id.empty()) found->second.id = root.id;
    }
  }
  const auto root_name = [&](const std::string& id) {
    for (const auto& [name, root] : config.roots) {
      if (root.id == id) return root_subject(root);
    }
    return "cloister:root:" + id;
  };
  if (const Status done = add_store_facts(*parts_.store, facts, root_name); !done.ok()) {
    facts.unseen("tenant.separation", {}, done.error());
  }
  const auto since = roots_since(*parts_.store);
  add_root_facts(parts_.folder, config, parts_.describe, since.ok() ? *since : std::map<std::string, Time>{}, facts);
  add_log_fact(*parts_.store, facts, anchored_by(*parts_.store, parts_.witnessed, context.now));
  if (parts_.policy_text) {
    add_policy_fact(*parts_.store, *parts_.policy_text, context.now, facts);
  } else {
    facts.unseen("key.access", {}, Error(Code::kNotFound, "nobody said where the key service's policy is (--policy)"));
  }
  collect_releases(estate, facts);
  add_process_facts(parts_.proc, estate, facts);
}

void HomeCollector::collect_releases(const posture::Estate& estate, const HomeFacts& facts) {
  auto archive = parts_.archive();
  if (!archive.ok()) return facts.unseen("attestation.releases", {}, archive.error());
  if (*archive) {
    const Status done = add_release_facts(**archive, *parts_.store, estate, facts);
    if (!done.ok()) facts.unseen("attestation.releases", {}, done.error());
  }
  const auto policy = parts_.attestation_policy();
  if (!policy.ok()) return facts.unseen("attestation.policy", {}, policy.error());
  if (!policy->empty()) add_attestation_policy_fact(*policy, facts);
}

}  // namespace cloister::home
