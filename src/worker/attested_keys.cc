#include "worker/attested_keys.h"

#include "attest/release_info.h"
#include "base/base64.h"
#include "base/json.h"

namespace cloister::worker {
namespace {

constexpr std::size_t kKeysMax = 10'000;  // of one request

class HttpChannel final : public ReleaseChannel {
 public:
  HttpChannel(std::unique_ptr<net::HttpConnection> connection, const Patience& patience)
      : connection_(std::move(connection)), patience_(patience) {}
  const net::ConnectionInfo& info() const override { return connection_->info(); }
  Result<net::Response> send(const net::Request& request) override {
    CLOISTER_TRY(const Duration left, patience_.left());
    return connection_->send(request, left);
  }

 private:
  std::unique_ptr<net::HttpConnection> connection_;
  const Patience& patience_;
};

// Over mutual TLS evidence is bound to the connection; over a Unix socket there is nothing to be bound to.
Status bind_to(const net::ConnectionInfo& info, attest::Binding& binding) {
  if (!info.own_key) return {};
  if (!info.channel_binding) return Error(Code::kInternal, "the connection has no exporter value");
  binding.exporter = to_bytes(*info.channel_binding);
  binding.peer_key = info.own_key;
  return {};
}

}  // namespace

OpenReleaseChannel release_channels(net::HttpClient& client, const Patience& patience) {
  return [&client, &patience]() -> Result<std::unique_ptr<ReleaseChannel>> {
    CLOISTER_TRY(const Duration left, patience.left());
    CLOISTER_TRY(auto connection, client.open(left));
    return std::unique_ptr<ReleaseChannel>(std::make_unique<HttpChannel>(std::move(connection), patience));
  };
}

std::string ReleaseTarget::tenant_name() const { return environment.empty() ? tenant : tenant + "/" + environment; }

AttestedKeys::AttestedKeys(const LockedDown& locked, AttestedKeysParts parts)
    : locked_(locked), parts_(std::move(parts)) {
  CLOISTER_CHECK(parts_.open && parts_.machine != nullptr && parts_.random != nullptr && parts_.clock);
}

Result<crypto::WrappedKey> AttestedKeys::wrap(const crypto::KeyMaterial&, const crypto::WrapContext&) {
  return Error(Code::kDenied, "keys are released to this worker to read with, not to seal with");
}

Result<crypto::KeyMaterial> AttestedKeys::unwrap(const crypto::WrappedKey& wrapped,
                                                 const crypto::WrapContext& context) {
  if (wrapped.type != crypto::WrapType::kDatasetKey) return Error(Code::kNotFound, "the slot isn't a dataset key's");
  if (context.tenant != parts_.target.tenant_name() || context.dataset != parts_.target.dataset ||
      context.purpose != "dek") {
    return Error(Code::kDenied, "the object belongs to another tenant or dataset than this worker reads");
  }
  const std::lock_guard lock(mutex_);
  Wanted wanted{context.object, wrapped.ciphertext, context.commitment, wrapped.key_version};
  const std::pair name(wanted.object, wanted.wrapped);
  if (given_.size() >= kKeysMax && !given_.contains(name)) {
    return Error(Code::kInvalid, "one worker reads at most " + std::to_string(kKeysMax) + " objects");
  }
  CLOISTER_TRY(auto keys, ask({wanted}));
  given_.insert_or_assign(name, std::move(wanted));
  return std::move(keys.front());
}

std::optional<Time> AttestedKeys::lease_end() const {
  const std::lock_guard lock(mutex_);
  return lease_ ? std::optional(lease_->end) : std::nullopt;
}

std::string AttestedKeys::policy() const {
  const std::lock_guard lock(mutex_);
  return lease_ ? lease_->policy : std::string();
}

Status AttestedKeys::renew() {
  const std::lock_guard lock(mutex_);
  std::vector<Wanted> wanted;
  for (const auto& [name, one] : given_) wanted.push_back(one);
  if (wanted.empty()) return {};
  const auto keys = ask_with_evidence(wanted);
  return keys.ok() ? Status() : Status(keys.error());
}

Result<std::vector<crypto::KeyMaterial>> AttestedKeys::ask(const std::vector<Wanted>& wanted) {
  if (lease_ && parts_.clock() < lease_->end) {
    auto keys = ask_under_lease(wanted);
    // A lease ends early when the policy or collateral changes, or the service starts anew.
    if (keys.ok() || keys.error().code() != Code::kDenied) return keys;
  }
  return ask_with_evidence(wanted);
}

namespace {

template <typename Keys>
JsonValue::Array keys_json(const Keys& keys) {
  JsonValue::Array list;
  for (const auto& key : keys) {
    list.emplace_back(JsonValue::Object{{"object", to_base64(key.object)},
                                        {"commitment", to_base64(key.commitment)},
                                        {"version", std::uint64_t{key.version}},
                                        {"wrapped", to_base64(key.wrapped)}});
  }
  return list;
}

}  // namespace

net::Request AttestedKeys::request(std::string path, std::string body) const {
  net::Request made;
  made.method = "POST";
  made.target = std::move(path);
  made.headers.add("content-type", "application/json");
  made.headers.add("cloister-purpose", parts_.target.purpose);
  made.body = net::to_buffer(body);
  return made;
}

Result<Bytes> AttestedKeys::challenge(ReleaseChannel& channel) {
  const JsonValue body(JsonValue::Object{{"role", parts_.target.role}});
  CLOISTER_TRY(const net::Response response, channel.send(request("/v1/attestation/challenges", body.serialize())));
  if (response.status != 201) return refusal_of(response);
  return parse_challenge_answer(response.body);
}

Result<ReleaseAnswer> AttestedKeys::release(ReleaseChannel& channel, std::string body, std::size_t keys) {
  const ReleaseTarget& target = parts_.target;
  std::string path = "/v1/tenants/" + target.tenant;
  if (!target.environment.empty()) path += "/environments/" + target.environment;
  path += "/datasets/" + target.dataset + "/release";
  CLOISTER_TRY(const net::Response response, channel.send(request(std::move(path), std::move(body))));
  if (response.status != 200) return refusal_of(response);
  return parse_release_answer(response.body, keys);
}

Result<std::vector<crypto::KeyMaterial>> AttestedKeys::ask_under_lease(const std::vector<Wanted>& wanted) {
  CLOISTER_TRY(const auto channel, parts_.open());
  const JsonValue body(JsonValue::Object{{"keys", keys_json(wanted)}, {"lease", lease_->id}});
  CLOISTER_TRY(const ReleaseAnswer answer, release(*channel, body.serialize(), wanted.size()));
  return open(answer, wanted, lease_->recipient);
}

Result<std::vector<crypto::KeyMaterial>> AttestedKeys::ask_with_evidence(const std::vector<Wanted>& wanted) {
  CLOISTER_TRY(const auto channel, parts_.open());
  CLOISTER_TRY(Bytes nonce, challenge(*channel));
  crypto::HpkePrivateKey recipient = crypto::HpkePrivateKey::generate(crypto::HpkeKem::kX25519, *parts_.random);
  attest::Binding binding;
  binding.role = parts_.target.role;
  binding.nonce = nonce;
  binding.recipient = to_bytes(recipient.public_key().bytes());
  binding.manifest = crypto::sha256(parts_.manifest);
  CLOISTER_RETURN_IF_ERROR(bind_to(channel->info(), binding));
  CLOISTER_TRY(const attest::EvidenceSet evidence,
               collect_evidence(locked_, *parts_.machine, parts_.devices, std::move(binding)));
  const JsonValue body(
      JsonValue::Object{{"keys", keys_json(wanted)},
                        {"attestation", JsonValue::Object{{"challenge", to_base64(nonce, Base64::kUrl)},
                                                          {"role", parts_.target.role},
                                                          {"recipient", recipient.public_key().text()},
                                                          {"manifest", to_base64(parts_.manifest)},
                                                          {"evidence", to_base64(attest::encode(evidence))}}}});
  CLOISTER_TRY(const ReleaseAnswer answer, release(*channel, body.serialize(), wanted.size()));
  auto keys = open(answer, wanted, recipient);
  if (keys.ok()) lease_ = Lease{answer.release, answer.lease_end, std::move(recipient), answer.policy};
  return keys;
}

Result<std::vector<crypto::KeyMaterial>> AttestedKeys::open(const ReleaseAnswer& answer,
                                                            const std::vector<Wanted>& wanted,
                                                            const crypto::HpkePrivateKey& recipient) {
  const std::string tenant = parts_.target.tenant_name();
  const Bytes info = attest::release_info({answer.release, tenant, parts_.target.dataset, parts_.target.purpose});
  std::vector<crypto::KeyMaterial> keys;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (const auto* refused = std::get_if<Error>(&answer.keys[i])) return *refused;
    const auto& sealed = std::get<crypto::HpkeSealed>(answer.keys[i]);
    auto secret = crypto::hpke_open(recipient, info, wanted[i].object, sealed);
    if (!secret.ok()) return secret.error().with_context("open a released key");
    CLOISTER_TRY(crypto::KeyMaterial key, crypto::KeyMaterial::from_secret(std::move(secret).value()));
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace cloister::worker
