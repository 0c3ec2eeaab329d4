// Roots of a home as facts: what their providers say of them, or what a key file is.
#include <sys/stat.h>

#include <algorithm>

#include "home/posture_home.h"
#include "home/providers.h"
#include "keys/root_use.h"
#include "posture/collect/key_facts.h"

namespace cloister::home {
namespace {

using posture::Subject;
using posture::SubjectKind;

// A token of software stands for one of hardware, and proves nothing about it.
bool is_software_token(const RootConfig& root) {
  std::string module = root.option("module");
  std::ranges::transform(module, module.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return root.kind == "pkcs11" && module.find("softhsm") != std::string::npos;
}

std::string manager_of(const kms::KeyPosture& posture) {
  if (!posture.managed_by.known()) return "unknown";
  return posture.managed_by.value() == kms::ManagedBy::kProvider ? "platform_default" : "operator";
}

void add_provider_root(const std::string& name, const RootConfig& root, const DescribeRoot& describe,
                       const HomeFacts& facts) {
  const Subject subject{SubjectKind::kKey, root_subject(root)};
  const auto posture = describe(name, root);
  if (!posture.ok()) return facts.unseen("key.posture", subject, posture.error());
  posture::Fact fact = posture::key_posture_fact(facts.maker, *posture, manager_of(*posture));
  fact.subject = subject;  // as KEKs name it
  fact.simulated = is_software_token(root);
  if (!fact.not_assessed) fact.values["key_class"] = std::string("root");
  facts.sink.add(std::move(fact));
}

// Whoever may read the file can both use the key and give it away.
void add_key_file(const Path& file, const RootConfig& root, std::optional<Time> since, const HomeFacts& facts) {
  const Subject subject{SubjectKind::kKey, root_subject(root)};
  struct stat status = {};
  if (::stat(file.c_str(), &status) != 0) {
    const Error gone(Code::kNotFound, "its key file can't be looked at: " + file.string());
    facts.unseen("key.posture", subject, gone);
    return facts.unseen("key.access", subject, gone);
  }
  posture::FactValues values = {{"manager", std::string("operator")},
                                {"origin", std::string("software")},
                                {"protection", std::string("software")},
                                {"state", std::string("enabled")},
                                {"exportable", true},
                                {"rotation_automatic", false},
                                {"deletion_scheduled", false},
                                {"key_class", std::string("root")},
                                {"algorithm", std::string("xaes-256-gcm")}};
  if (since) values["created"] = to_rfc3339(*since);
  facts.fact("key.posture", subject, std::move(values),
             "key file, " + std::string(root.passphrase == RootConfig::Passphrase::kNone ? "without" : "under") +
                 " a passphrase");
  const bool others = (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
  facts.fact("key.access", subject,
             {{"wildcards", std::int64_t{others ? 1 : 0}},
              {"admin_and_user", std::int64_t{1}},
              {"findings", std::vector<std::string>{"who may read the file has the key"}}});
}

}  // namespace

std::string root_subject(const RootConfig& root) {
  const std::string prefix = root.kind + ":";
  const bool full = root.kind != "pkcs11" && is_provider_kind(root.kind) && root.id.starts_with(prefix);
  return full ? root.id.substr(prefix.size()) : "cloister:root:" + root.id;
}

DescribeRoot ask_providers(RootSecret secret) {
  return [secret = std::move(secret)](const std::string& name, const RootConfig& root) -> Result<kms::KeyPosture> {
    ProviderContext context;
    CLOISTER_TRY(context.pin, secret(name, root));
    CLOISTER_TRY(const auto provider, open_provider(root, std::move(context)));
    return provider->describe(provider_key(root));
  };
}

Result<std::map<std::string, Time>> roots_since(keys::Store& store) {
  std::map<std::string, Time> since;
  CLOISTER_RETURN_IF_ERROR(store.for_each_audit_row([&](const audit::Row& row) {
    if (row.sequence == 1) since[std::string(keys::kFirstRoot)] = row.event.time;
    constexpr std::string_view kBegin = "root:";
    const std::string& subject = row.event.subject;
    if (row.event.action == "root.add" && row.event.outcome == audit::Outcome::kAllowed &&
        subject.starts_with(kBegin)) {
      since[subject.substr(kBegin.size())] = row.event.time;
    }
    return ok_status();
  }));
  return since;
}

void add_root_facts(const Path& folder, const HomeConfig& config, const DescribeRoot& describe,
                    const std::map<std::string, Time>& since, const HomeFacts& facts) {
  for (const auto& [name, root] : config.roots) {
    if (root.kind == "software") {
      const auto known = since.find(name);
      add_key_file(key_file_of(folder, root), root, known == since.end() ? std::nullopt : std::optional(known->second),
                   facts);
    } else {
      add_provider_root(name, root, describe, facts);
    }
  }
}

}  // namespace cloister::home
