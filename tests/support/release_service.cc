#include "tests/support/release_service.h"

#include <algorithm>

#include "attest/release_info.h"
#include "base/base64.h"
#include "tests/support/value_of.h"

namespace cloister::testing {
namespace {

constexpr std::string_view kPath = "/v1/tenants/acme/environments/production/datasets/models/release";

Bytes bytes_of(const JsonValue& object, std::string_view name, Base64 alphabet = Base64::kStandard) {
  return value_of(from_base64(*object.find(name)->string(), alphabet));
}

}  // namespace

class ReleaseService::Channel final : public worker::ReleaseChannel {
 public:
  explicit Channel(ReleaseService& service) : service_(service) {
    if (!service.over_tls) return;
    // Another one for each connection.
    info_.channel_binding.emplace().fill(static_cast<std::uint8_t>(service.connections));
    info_.own_key.emplace().fill(0x33);
  }
  const net::ConnectionInfo& info() const override { return info_; }
  Result<net::Response> send(const net::Request& request) override {
    CLOISTER_RETURN_IF_ERROR(service_.wait());
    return service_.answer(request, info_);
  }

 private:
  ReleaseService& service_;
  net::ConnectionInfo info_;
};

worker::OpenReleaseChannel ReleaseService::channels() {
  return [this]() -> Result<std::unique_ptr<worker::ReleaseChannel>> {
    if (!reachable) return Error(Code::kUnavailable, "connect: refused");
    CLOISTER_RETURN_IF_ERROR(wait());
    ++connections;
    return std::unique_ptr<worker::ReleaseChannel>(std::make_unique<Channel>(*this));
  };
}

Status ReleaseService::wait() {
  if (patience == nullptr) return {};
  CLOISTER_TRY(const Duration left, patience->left());
  pass(std::min(takes, left));
  return takes <= left ? Status() : Status(Error(Code::kUnavailable, "no answer in time"));
}

crypto::KeyMaterial ReleaseService::key_of(ByteView object) {
  return value_of(crypto::KeyMaterial::from_secret(crypto::Secret::copy_of(crypto::sha256(object))));
}

net::Response ReleaseService::answer(const net::Request& request, const net::ConnectionInfo& info) {
  const std::string* purpose = request.headers.find("cloister-purpose");
  if (purpose == nullptr || *purpose != "infer") return net::problem(403, "the policy allows no such purpose");
  const JsonValue body = value_of(parse_json(as_text(request.body)));
  if (request.target == "/v1/attestation/challenges") {
    if (*body.find("role")->string() != "infer") return net::problem(403, "no such role");
    challenge_.resize(worker::kChallengeSize);
    random_.fill(challenge_);
    return net::json_response(201, JsonValue(JsonValue::Object{{"challenge", to_base64(challenge_, Base64::kUrl)},
                                                               {"expires", to_rfc3339(now + minutes(5))}})
                                       .serialize());
  }
  if (request.target != kPath) return net::problem(404, "no such dataset");
  const JsonValue* attestation = body.find("attestation");
  const auto id = attestation != nullptr ? admit(*attestation, info) : find_lease(*body.find("lease")->string());
  if (!id.ok()) return net::problem(403, id.error().message());
  return hand_out(*id, *body.find("keys"));
}

Result<std::string> ReleaseService::admit(const JsonValue& attestation, const net::ConnectionInfo& info) {
  if (bytes_of(attestation, "challenge", Base64::kUrl) != challenge_) return Error(Code::kDenied, "another challenge");
  attest::Binding binding;
  binding.role = *attestation.find("role")->string();
  binding.nonce = std::exchange(challenge_, {});
  binding.recipient =
      to_bytes(value_of(crypto::HpkePublicKey::parse_text(*attestation.find("recipient")->string())).bytes());
  binding.manifest = crypto::sha256(bytes_of(attestation, "manifest"));
  if (info.channel_binding) binding.exporter = to_bytes(*info.channel_binding);
  binding.peer_key = info.own_key;
  const attest::EvidenceSet set = value_of(attest::decode_evidence(bytes_of(attestation, "evidence")));
  binding.devices = attest::devices_digest(set);
  attest::Question question;
  question.now = now;
  question.report_data = attest::report_data(binding);
  question.anchors = &anchors;
  const attest::SetVerdict verdict = attest::verify(set, question, attest::device_nonce(binding));
  if (!verdict.sound()) {
    return Error(Code::kDenied, std::string("evidence refused: ") + verdict.primary.first_problem()->name);
  }
  ++attested;
  const std::string id = "release-" + std::to_string(attested);
  leases_[id] = {binding.recipient, now + lease_length};
  return id;
}

Result<std::string> ReleaseService::find_lease(const std::string& id) {
  if (!leases_hold || !leases_.contains(id)) return Error(Code::kDenied, "no such lease holds: attest again");
  ++leased;
  return id;
}

crypto::KeyMaterial ReleaseService::unwrap(const JsonValue& key) {
  const Bytes object = bytes_of(key, "object");
  if (keyring == nullptr) return key_of(object);
  crypto::WrapContext context{"acme/production", "models", object, "dek", {}};
  std::ranges::copy(bytes_of(key, "commitment"), context.commitment.begin());
  const auto version = static_cast<std::uint32_t>(*key.find("version")->unsigned_integer());
  return value_of(
      keyring->unwrap({crypto::WrapType::kDatasetKey, keyring_id, version, {}, bytes_of(key, "wrapped")}, context));
}

net::Response ReleaseService::hand_out(const std::string& id, const JsonValue& keys) {
  const Granted& granted = leases_.at(id);
  const auto recipient = value_of(crypto::HpkePublicKey::parse(crypto::HpkeKem::kX25519, granted.recipient));
  const Bytes info = attest::release_info({id, "acme/production", "models", "infer"});
  JsonValue::Array list;
  for (const JsonValue& key : *keys.array()) {
    if (refuses_keys) {
      const JsonValue::Object error{{"code", "wrap-does-not-open"}, {"detail", "the wrapped key doesn't open"}};
      list.emplace_back(JsonValue::Object{{"error", JsonValue(error)}});
      continue;
    }
    const Bytes object = bytes_of(key, "object");
    const auto sealed = value_of(crypto::hpke_seal(recipient, random_, info, object, unwrap(key).secret()));
    list.emplace_back(JsonValue::Object{{"encapsulated", to_base64(sealed.encapsulated)},
                                        {"ciphertext", to_base64(sealed.ciphertext)}});
  }
  JsonValue::Object body{{"release", names_another_release ? "release-0" : id},
                         {"lease", JsonValue::Object{{"expires", to_rfc3339(granted.end)}}},
                         {"keys", std::move(list)}};
  if (!policy.empty()) body.emplace_back("policy", JsonValue::Object{{"id", policy}});
  return net::json_response(200, JsonValue(std::move(body)).serialize());
}

}  // namespace cloister::testing
