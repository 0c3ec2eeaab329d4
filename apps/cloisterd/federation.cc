#include "cloisterd/federation.h"

#include <algorithm>

#include "crypto/hash.h"

namespace cloister::daemon {
namespace {

constexpr Duration kPatience = seconds(10);
constexpr Duration kRetryFirst = seconds(2);
constexpr Duration kRetryMax = minutes(5);
constexpr std::size_t kBootstrapSize = 64;  // hexadecimal digits, or as many dashes

std::string setting_of(const identity::TrustDomain& domain) { return "federated_bundle:" + domain.name(); }

// SS-10: the hash of the file it began with, a line feed, the bundle.
std::string value_of(const std::string& bootstrap, const identity::Bundle& bundle) {
  return (bootstrap.empty() ? std::string(kBootstrapSize, '-') : bootstrap) + "\n" + identity::format_bundle(bundle);
}

struct StoredBundle {
  std::string bootstrap;
  identity::Bundle bundle;
};

Result<StoredBundle> parse_value(const identity::TrustDomain& domain, std::string_view value) {
  if (value.size() <= kBootstrapSize || value[kBootstrapSize] != '\n') {
    return Error(Code::kCorrupt, "the stored bundle of " + domain.name() + " is malformed");
  }
  CLOISTER_TRY(identity::Bundle bundle,
               identity::parse_bundle(domain, value.substr(kBootstrapSize + 1), identity::Conformance::kGoSpiffe));
  const std::string_view bootstrap = value.substr(0, kBootstrapSize);
  return StoredBundle{bootstrap.front() == '-' ? std::string() : std::string(bootstrap), std::move(bundle)};
}

Result<std::vector<crypto::Certificate>> authorities_of(const Federated& config) {
  return config.authorities.empty() ? net::system_authorities() : net::read_authorities(config.authorities);
}

std::string detail_of(const identity::Bundle& bundle) {
  const auto sequence = bundle.sequence();
  return (sequence ? "sequence " + std::to_string(*sequence) + ", " : std::string()) +
         std::to_string(bundle.x509_authorities().size()) + " authorities of certificates, " +
         std::to_string(bundle.jwt_authorities().size()) + " of tokens";
}

}  // namespace

Result<std::unique_ptr<Federation>> Federation::start(FederationParts parts, const std::vector<Federated>& all) {
  std::unique_ptr<Federation> federation(new Federation(std::move(parts)));
  for (const Federated& config : all) {
    CLOISTER_RETURN_IF_ERROR(federation->add(config).with_context("federate with " + config.trust_domain.name()));
  }
  for (const auto& relation : federation->relations_) {
    CLOISTER_TRY(
        relation->ticker,
        Ticker::start([self = federation.get(), one = relation.get()] { return self->tick(*one); }, Duration{0}));
  }
  return federation;
}

Federation::~Federation() {
  for (const auto& relation : relations_) relation->ticker.reset();
}

std::shared_ptr<const identity::BundleSet> Federation::bundles() const {
  const std::lock_guard lock(mutex_);
  return bundles_;
}

void Federation::publish(const identity::Bundle& bundle) {
  const std::lock_guard lock(mutex_);
  bundles_ = std::make_shared<const identity::BundleSet>(bundles_->with(bundle));
}

Status Federation::add(const Federated& config) {
  auto relation = std::make_unique<Relation>(config);
  if (config.profile == BundleProfile::kWeb) {
    CLOISTER_TRY(auto authorities, authorities_of(config));
    CLOISTER_TRY(relation->web, net::WebTls::create(std::move(authorities), nullptr, parts_.clock));
  }
  CLOISTER_RETURN_IF_ERROR(begin(*relation));
  relations_.push_back(std::move(relation));
  return {};
}

// What the store has counts, unless it began with another file than is there now: a new file is an operator's word.
Status Federation::begin(Relation& relation) {
  const Federated& config = relation.config;
  std::string text;
  if (!config.bundle_file.empty()) {
    CLOISTER_TRY(const File file, File::open(config.bundle_file));
    CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kUnwritten));
    CLOISTER_TRY(const Bytes bytes, read_rest(file, identity::kBundleSizeMax));
    text = as_text(bytes);
    relation.bootstrap = to_hex(crypto::sha256(bytes));
  }
  CLOISTER_TRY(keys::Store store, parts_.open_store());
  const auto stored = parts_.settings.read(store, setting_of(config.trust_domain));
  if (!stored.ok() && stored.error().code() != Code::kNotFound) return stored.error();
  if (stored.ok()) {
    CLOISTER_TRY(const StoredBundle known, parse_value(config.trust_domain, *stored));
    if (text.empty() || known.bootstrap == relation.bootstrap) {
      relation.bootstrap = known.bootstrap;
      publish(known.bundle);
      return {};
    }
  }
  if (text.empty()) return {};
  CLOISTER_TRY(const identity::Bundle first,
               identity::parse_bundle(config.trust_domain, text, identity::Conformance::kGoSpiffe)
                   .with_context(config.bundle_file));
  return take(relation, first);
}

Result<identity::Bundle> Federation::fetch(const Relation& relation) const {
  const Federated& config = relation.config;
  const mesh::BundleLocation location{config.address, config.target};
  const auto known = bundles();
  std::string document;
  if (config.profile == BundleProfile::kWeb) {
    CLOISTER_TRY(document, mesh::fetch_web_bundle(location, relation.web, kPatience));
  } else {
    const identity::BundleSet trusted = known->with(parts_.issuer.current()->bundle());
    CLOISTER_TRY(document, mesh::fetch_spiffe_bundle(location, {config.endpoint_id, trusted, parts_.clock}, kPatience));
  }
  return mesh::accept_bundle(config.trust_domain, known->find(config.trust_domain), document);
}

Status Federation::take(const Relation& relation, const identity::Bundle& bundle) {
  const identity::TrustDomain& domain = relation.config.trust_domain;
  const std::string value = value_of(relation.bootstrap, bundle);
  audit::Event event;
  event.time = parts_.clock();
  event.actor = parts_.actor;
  event.action = "federation.update";
  event.subject = domain.uri();
  event.detail = detail_of(bundle);
  const std::lock_guard lock(store_mutex_);
  if (!store_) {
    CLOISTER_TRY(store_, parts_.open_store());
  }
  const auto stored = parts_.settings.read(*store_, setting_of(domain));
  if (!stored.ok() || *stored != value) {
    Status written = store_->change(
        event, [&](keys::Store::Change& change) { return parts_.settings.put(change, setting_of(domain), value); });
    if (!written.ok()) {
      store_.reset();
      return written;
    }
  }
  publish(bundle);
  return {};
}

Duration Federation::tick(Relation& relation) {
  const std::string& name = relation.config.trust_domain.name();
  const auto before = bundles();
  const auto bundle = fetch(relation);
  Status taken = bundle.ok() ? Status() : Status(bundle.error());
  const identity::Bundle* last = before->find(relation.config.trust_domain);
  if (bundle.ok() && (last == nullptr || !(*last == *bundle))) {
    taken = take(relation, *bundle);
    if (taken.ok()) parts_.log.info("federated-bundle", {{"trust_domain", name}, {"bundle", detail_of(*bundle)}});
  }
  if (taken.ok()) {
    relation.failures = 0;
    return mesh::refresh_after(*bundle);
  }
  parts_.metrics.federation_failures.fetch_add(1);
  // Once is enough to say it: it is tried again and again, with the last good bundle in its place.
  if (relation.failures == 0) {
    parts_.log.warning("federated-bundle-not-fetched", {{"trust_domain", name}, {"error", taken.error().message()}});
  }
  relation.failures = std::min(relation.failures + 1, 16U);
  return std::min(kRetryMax, Duration{kRetryFirst.ms << (relation.failures - 1)});
}

}  // namespace cloister::daemon
