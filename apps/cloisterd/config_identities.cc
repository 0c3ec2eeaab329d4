#include "cloisterd/config_identities.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/reader.h"
#include "cloisterd/config_tables.h"

namespace cloister::daemon {
namespace {

constexpr std::size_t kUsersMax = 256;
constexpr std::size_t kFederatedMax = 32;
constexpr std::size_t kTargetMax = 1024;
constexpr std::string_view kScheme = "https://";

Result<BundleProfile> read_profile(const TomlFields& fields) {
  CLOISTER_TRY(const std::string word, fields.text("profile"));
  if (word == "https_spiffe") return BundleProfile::kSpiffe;
  if (word == "https_web") return BundleProfile::kWeb;
  return fields.error(fields.line_of("profile"), "profile is https_spiffe or https_web");
}

// A key that belongs to the other profile says that something was misunderstood.
Status check_without(const TomlFields& fields, std::initializer_list<std::string_view> keys, std::string_view profile) {
  for (const std::string_view key : keys) {
    if (!fields.has(key)) continue;
    return fields.error(fields.line_of(key), std::string(key) + " doesn't belong to " + std::string(profile));
  }
  return {};
}

Result<std::string> read_file_path(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(const auto path, fields.optional_text(key));
  if (!path) return std::string();
  CLOISTER_RETURN_IF_ERROR(check_absolute(fields, key, *path));
  return *path;
}

// Users by number, as text.
Result<std::vector<uid_t>> read_users(const TomlFields& fields, std::string_view key) {
  std::vector<uid_t> users;
  if (!fields.has(key)) return users;
  CLOISTER_TRY(const auto words, fields.words(key));
  if (words.size() > kUsersMax) return fields.error(fields.line_of(key), std::string(key) + " has more than 256");
  for (const TomlFields::Word& word : words) {
    std::uint32_t number = 0;
    const char* end = word.text.data() + word.text.size();
    const auto parsed = std::from_chars(word.text.data(), end, number);
    if (word.text.empty() || parsed.ec != std::errc() || parsed.ptr != end || number > kUserMax) {
      return fields.error(word.line, std::string(key) + " are numbers, as text: \"1000\"");
    }
    users.push_back(number);
  }
  return users;
}

Status read_attestors(const TomlFields& fields, WorkloadApiFace& face) {
  if (!fields.has("attestors")) return {};
  CLOISTER_TRY(const auto words, fields.words("attestors"));
  const std::array<std::pair<std::string_view, bool*>, 4> all = {
      {{"systemd", &face.systemd}, {"slurm", &face.slurm}, {"k8s", &face.kubernetes}, {"docker", &face.docker}}};
  for (const TomlFields::Word& word : words) {
    const auto found = std::ranges::find(all, word.text, &std::pair<std::string_view, bool*>::first);
    if (found == all.end()) {
      return fields.error(word.line, "attestors are of systemd, slurm, k8s, docker; unix always is one");
    }
    *found->second = true;
  }
  return {};
}

// "https://HOST:PORT/PATH".
Status read_url(const TomlFields& fields, Federated& federated) {
  CLOISTER_TRY(const std::string url, fields.text("url"));
  const auto wrong = [&](const std::string& why) { return fields.error(fields.line_of("url"), "url: " + why); };
  if (!url.starts_with(kScheme)) return wrong("it begins with https://");
  const std::string_view rest = std::string_view(url).substr(kScheme.size());
  const std::size_t slash = rest.find('/');
  std::string host(rest.substr(0, slash));
  if (host.find('@') != std::string::npos) return wrong("it names no user");
  const std::size_t colon = host.rfind(':');
  if (colon == std::string::npos || host.ends_with(']')) host += ":443";
  auto address = net::parse_tcp_address(host);
  if (!address.ok()) return wrong(address.error().message());
  federated.address = std::move(*address);
  federated.target = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  const bool plain = federated.target.size() <= kTargetMax &&
                     std::ranges::all_of(federated.target, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  return plain ? Status() : wrong("its path has something that a path doesn't have");
}

}  // namespace

Status read_workload_api(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 6> kKeys = {"socket",    "users",     "sds",
                                                     "attestors", "pods_file", "containers_file"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  WorkloadApiFace face;
  CLOISTER_TRY(face.socket, read_socket_path(fields, "socket"));
  CLOISTER_TRY(face.users, read_users(fields, "users"));
  CLOISTER_TRY(face.sds, fields.boolean_or("sds", true));
  CLOISTER_RETURN_IF_ERROR(read_attestors(fields, face));
  CLOISTER_TRY(face.pods_file, read_file_path(fields, "pods_file"));
  CLOISTER_TRY(face.containers_file, read_file_path(fields, "containers_file"));
  if (!face.pods_file.empty() && !face.kubernetes) {
    return fields.error(fields.line_of("pods_file"), "pods_file needs k8s among the attestors");
  }
  if (!face.containers_file.empty() && !face.docker) {
    return fields.error(fields.line_of("containers_file"), "containers_file needs docker among the attestors");
  }
  config.workload_api = std::move(face);
  return {};
}

Status read_bundle_endpoint(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 5> kKeys = {"listen", "path", "profile", "certificate", "key"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  BundleEndpoint endpoint;
  CLOISTER_TRY(endpoint.listen, read_addresses(fields, "listen"));
  if (endpoint.listen.empty()) return fields.error(fields.line(), "[bundle_endpoint] needs listen: addresses");
  CLOISTER_TRY(const auto path, fields.optional_text("path"));
  endpoint.path = path.value_or("/");
  if (!endpoint.path.starts_with('/') || endpoint.path.size() > kTargetMax || !is_plain_utf8(endpoint.path)) {
    return fields.error(fields.line_of("path"), "path begins with a slash");
  }
  CLOISTER_TRY(endpoint.profile, read_profile(fields));
  if (endpoint.profile == BundleProfile::kSpiffe) {
    CLOISTER_RETURN_IF_ERROR(check_without(fields, {"certificate", "key"}, "https_spiffe: its certificate is our own"));
  } else {
    for (const auto& [name, file] : {std::pair{"certificate", &endpoint.certificate}, {"key", &endpoint.key}}) {
      CLOISTER_TRY(*file, fields.text(name));
      CLOISTER_RETURN_IF_ERROR(check_absolute(fields, name, *file));
    }
  }
  config.bundle_endpoint = std::move(endpoint);
  return check_apart(fields, config);
}

Status read_federates_with(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 6> kKeys = {"trust_domain", "url",    "profile",
                                                     "endpoint_id",  "bundle", "authorities"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(const std::string name, fields.text("trust_domain"));
  auto domain = identity::TrustDomain::parse(name);
  if (!domain.ok()) return fields.error(fields.line_of("trust_domain"), domain.error().message());
  Federated federated{std::move(*domain), {}, {}, BundleProfile::kSpiffe, {}, {}, {}};
  CLOISTER_RETURN_IF_ERROR(read_url(fields, federated));
  CLOISTER_TRY(federated.profile, read_profile(fields));
  if (federated.profile == BundleProfile::kSpiffe) {
    CLOISTER_RETURN_IF_ERROR(check_without(fields, {"authorities"}, "https_spiffe"));
    CLOISTER_TRY(federated.endpoint_id, fields.text("endpoint_id"));
    const auto id = identity::SpiffeId::parse(federated.endpoint_id);
    if (!id.ok()) return fields.error(fields.line_of("endpoint_id"), id.error().message());
    if (id->path().empty()) return fields.error(fields.line_of("endpoint_id"), "endpoint_id names a trust domain");
    CLOISTER_TRY(federated.bundle_file, read_file_path(fields, "bundle"));
  } else {
    CLOISTER_RETURN_IF_ERROR(check_without(fields, {"endpoint_id", "bundle"}, "https_web"));
    CLOISTER_TRY(federated.authorities, read_file_path(fields, "authorities"));
  }
  const auto twin = std::ranges::find(config.federated, federated.trust_domain, &Federated::trust_domain);
  if (twin != config.federated.end()) {
    return fields.error(fields.line(), "trust domain " + federated.trust_domain.name() + " is there twice");
  }
  if (config.federated.size() == kFederatedMax) return fields.error(fields.line(), "there are more than 32");
  config.federated.push_back(std::move(federated));
  return {};
}

Status check_identities(const Config& config) {
  if (config.workload_api) {
    const std::string& socket = config.workload_api->socket;
    if (socket == config.unix_socket || (config.kubernetes && socket == config.kubernetes->socket)) {
      return Error(Code::kInvalid, "[workload_api] needs a socket of its own");
    }
  }
  if (!config.federated.empty() && !config.workload_api) {
    return Error(Code::kInvalid, "[[federates_with]] needs [workload_api]: nobody would be told of the bundles");
  }
  for (const Federated& one : config.federated) {
    if (one.trust_domain != config.trust_domain) continue;
    return Error(Code::kInvalid, "[[federates_with]]: " + one.trust_domain.name() + " is the own trust domain");
  }
  return {};
}

std::string describe_identities(const Config& config) {
  std::string text;
  if (config.workload_api) {
    const WorkloadApiFace& face = *config.workload_api;
    text += "  Workload API" + std::string(face.sds ? " and SDS" : "") + ": " + face.socket + ", by user";
    if (face.systemd) text += ", systemd unit";
    if (face.slurm) text += ", Slurm job";
    if (face.kubernetes) text += ", pod";
    if (face.docker) text += ", container";
    text += "\n";
  }
  if (config.bundle_endpoint) {
    const BundleEndpoint& endpoint = *config.bundle_endpoint;
    text += "  bundle endpoint:";
    for (const net::TcpAddress& address : endpoint.listen) text += " " + address.to_string();
    text += std::string(endpoint.profile == BundleProfile::kWeb ? ", https_web" : ", https_spiffe") + "\n";
  }
  for (const Federated& one : config.federated) {
    text += "  federates with " + one.trust_domain.name() + ", at " + one.address.to_string() + one.target + "\n";
  }
  return text;
}

}  // namespace cloister::daemon
