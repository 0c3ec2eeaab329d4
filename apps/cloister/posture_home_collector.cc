#include "posture_home_collector.h"

#include "home/posture_home.h"
#include "service/attestation/release_state.h"

namespace cloister::cli {
namespace {

constexpr std::uint64_t kPolicySizeMax = std::uint64_t{4} << 20;

Result<std::optional<service::Archive>> archive_of(Session& session) {
  const Path folder = session.home() / "attestation";
  std::error_code ignored;
  if (!std::filesystem::exists(folder, ignored)) return std::optional<service::Archive>();
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(service::AuthenticSettings settings, session.service_settings());
  CLOISTER_TRY(crypto::KeyMaterial key, service::ReleaseSettings(std::move(settings))
                                            .archive_key(hierarchy->store(), session.random(), session.caller()));
  CLOISTER_TRY(service::Archive archive, service::Archive::open(folder, std::move(key)));
  return std::optional(std::move(archive));
}

Result<std::string> attestation_policy_of(Session& session) {
  CLOISTER_TRY(keys::Store * store, session.store());
  CLOISTER_TRY(const auto settings, store->settings("attestation_policy"));
  if (settings.empty()) return std::string();
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(service::AuthenticSettings authentic, session.service_settings());
  CLOISTER_TRY(const auto state, service::ReleaseSettings(std::move(authentic)).load(hierarchy->store(), nullptr));
  return state->policy_text;
}

}  // namespace

Result<std::unique_ptr<posture::Collector>> make_home_collector(Session& session, const AuditOptions& options,
                                                                const posture::Estate&) {
  CLOISTER_TRY(const bool home, session.has_home());
  if (!home) return std::unique_ptr<posture::Collector>();
  home::HomeCollector::Parts parts;
  parts.folder = session.home();
  CLOISTER_TRY(parts.config, session.read_config());
  CLOISTER_TRY(parts.store, session.store());
  if (!options.policy.empty()) {
    CLOISTER_TRY(const Bytes text, read_file(options.policy, kPolicySizeMax));
    parts.policy_text = std::string(as_text(text));
  }
  parts.describe = home::ask_providers([&session](const std::string& name, const RootConfig& root) {
    return session.root_secret(name, root, Session::Ask::kOnce);
  });
  parts.archive = [&session] { return archive_of(session); };
  parts.attestation_policy = [&session] { return attestation_policy_of(session); };
  return std::unique_ptr<posture::Collector>(std::make_unique<home::HomeCollector>(std::move(parts)));
}

}  // namespace cloister::cli
