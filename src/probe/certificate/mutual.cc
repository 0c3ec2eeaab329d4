#include "probe/certificate/mutual.h"

#include <algorithm>
#include <array>

#include "crypto/certificate_writer.h"
#include "identity/spiffe_id.h"
#include "probe/certificate/seen_certificate.h"
#include "probe/http/talk.h"

namespace cloister::probe {
namespace {

using Verdict = Admission::Verdict;

constexpr unsigned kNoApplicationProtocol = 120;
constexpr std::string_view kPreface{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33};

std::string question_for(Dialer& dialer, const net::TlsObservation& seen) {
  if (seen.protocol == "h2") return std::string(kPreface);
  const Endpoint& endpoint = dialer.endpoint();
  const std::string host = endpoint.server_name.empty() ? endpoint.address.to_string() : endpoint.server_name;
  return "GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
}

// Some servers let the handshake pass and refuse with HTTP, as nginx does.
bool refuses_by_http(std::string_view answer) {
  return answer.starts_with("HTTP/1.") && (answer.find("SSL certificate") != std::string_view::npos ||
                                           answer.find("client certificate") != std::string_view::npos);
}

Admission refused(const net::TlsObservation& seen, const Error& error) {
  return {error.code() == Code::kDenied ? Verdict::kRefused : Verdict::kUnclear, error.message(), seen};
}

Admission hear_out(Talk& talk, const std::string& question) {
  const Status asked = talk.write(as_bytes(question));
  if (!asked.ok()) return refused(*talk.tls(), asked.error());
  std::string answer;
  std::array<std::uint8_t, 4096> room;
  for (;;) {
    const auto count = talk.read(room);
    if (!count.ok() && answer.empty()) return refused(*talk.tls(), count.error());
    if (!count.ok() || *count == 0) break;
    answer.append(as_text(ByteView(room).first(*count)));
    if (!answer.starts_with("HTTP/1.") || answer.size() > 4096) break;
  }
  if (answer.empty()) return {Verdict::kUnclear, "closed without a word", *talk.tls()};
  if (refuses_by_http(answer)) return {Verdict::kRefused, "refused by HTTP, after the handshake", *talk.tls()};
  return {Verdict::kAdmitted, std::to_string(answer.size()) + " bytes were answered", *talk.tls()};
}

Result<Admission> try_once(Dialer& dialer, std::shared_ptr<const net::Credentials> own, Duration answer_time,
                           std::vector<std::string> protocols) {
  CLOISTER_TRY(auto wire, dialer.connect());
  wire->set_patience(answer_time);
  CLOISTER_TRY(const auto talk, Talk::over_tls(std::move(wire), {.server_name = dialer.endpoint().server_name,
                                                                 .protocols = std::move(protocols),
                                                                 .own = std::move(own)}));
  const Status shaken = talk->handshake();
  if (!shaken.ok()) return refused(*talk->tls(), shaken.error());
  return hear_out(*talk, question_for(dialer, *talk->tls()));
}

Seen accepted(const Admission& admission) {
  switch (admission.verdict) {
    case Verdict::kAdmitted: return Seen::kYes;
    case Verdict::kRefused: return Seen::kNo;
    case Verdict::kUnclear: break;
  }
  return Seen::kUnknown;
}

// A certificate with what is to be wrong about it.
struct Throwaway {
  std::string subject;  // of the fact
  std::string uri;
  std::string check = "M3";
  bool self_signed = false;
  bool expired = false;
  bool client_usage = true;
  bool foreign = false;  // by an authority that the endpoint can't know
};

class Battery {
 public:
  Battery(const TrustedIssuer* trusted, crypto::Random& random, Time now)
      : trusted_(trusted), random_(&random), now_(now) {}

  std::string trust_domain() const {
    if (trusted_ == nullptr) return "stranger.invalid";
    const auto& uris = trusted_->certificate.facts().names.uris;
    const auto id = uris.empty() ? Result<identity::SpiffeId>(Error(Code::kNotFound, ""))
                                 : identity::SpiffeId::parse(uris.front() + "/x");
    return id.ok() ? id->trust_domain().name() : "stranger.invalid";
  }

  Result<std::shared_ptr<const net::Credentials>> make(const Throwaway& what) {
    CLOISTER_TRY(crypto::PrivateKey key, crypto::PrivateKey::generate(crypto::KeyType::kEcP256, *random_));
    CLOISTER_TRY(const auto stranger, make_stranger());
    crypto::MemorySigner self(key.duplicate());
    const bool by_stranger = what.foreign || trusted_ == nullptr;
    crypto::Signer& signer = what.self_signed ? self : by_stranger ? *stranger_ : *trusted_->signer;
    const crypto::CertificateFacts& issuer = (by_stranger ? *stranger : trusted_->certificate).facts();
    const Bytes own_name = crypto::common_name("cloister scan");
    const std::int64_t shift = what.expired ? days(2).ms : 0;
    crypto::CertificateFields fields{{0x41, static_cast<std::uint8_t>(++serial_)},
                                     what.self_signed ? own_name : issuer.subject,
                                     own_name,
                                     Time{now_.unix_ms - hours(1).ms - shift},
                                     Time{now_.unix_ms + hours(1).ms - shift},
                                     key.public_key(),
                                     extensions(what, key.public_key(), issuer.subject_key_id)};
    CLOISTER_TRY(const crypto::Certificate leaf, crypto::sign_certificate(fields, signer));
    std::vector<Bytes> chain{leaf.der()};
    if (!what.self_signed && by_stranger) chain.push_back(stranger->der());
    return net::Credentials::from_der(chain, key.to_pkcs8());
  }

 private:
  static std::vector<Bytes> extensions(const Throwaway& what, const crypto::PublicKey& key, ByteView issuer_key_id) {
    // extKeyUsage of serverAuth alone.
    static constexpr std::uint8_t kServerAlone[] = {0x30, 0x13, 0x06, 0x03, 0x55, 0x1D, 0x25, 0x04, 0x0C, 0x30, 0x0A,
                                                    0x06, 0x08, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
    std::vector<Bytes> list{crypto::extension_leaf(), crypto::extension_leaf_key_usage(),
                            what.client_usage ? crypto::extension_server_and_client() : to_bytes(kServerAlone),
                            crypto::extension_subject_key_id(crypto::key_id_of(key)),
                            crypto::extension_uri(what.uri, crypto::Critical::kNo)};
    if (!what.self_signed && !issuer_key_id.empty()) {
      list.push_back(crypto::extension_authority_key_id(issuer_key_id));
    }
    return list;
  }

  // An authority of nobody's.
  Result<std::shared_ptr<const crypto::Certificate>> make_stranger() {
    if (stranger_certificate_) return stranger_certificate_;
    CLOISTER_TRY(crypto::PrivateKey key, crypto::PrivateKey::generate(crypto::KeyType::kEcP256, *random_));
    stranger_ = std::make_unique<crypto::MemorySigner>(key.duplicate());
    const Bytes name = crypto::common_name("cloister scan, an authority of nobody's");
    const crypto::CertificateFields fields{{0x40},
                                           name,
                                           name,
                                           Time{now_.unix_ms - hours(72).ms},
                                           Time{now_.unix_ms + hours(2).ms},
                                           key.public_key(),
                                           {crypto::extension_authority(0), crypto::extension_authority_key_usage(),
                                            crypto::extension_subject_key_id(crypto::key_id_of(key.public_key())),
                                            crypto::extension_uri("spiffe://stranger.invalid", crypto::Critical::kNo)}};
    CLOISTER_TRY(crypto::Certificate certificate, crypto::sign_certificate(fields, *stranger_));
    stranger_certificate_ = std::make_shared<const crypto::Certificate>(std::move(certificate));
    return stranger_certificate_;
  }

  const TrustedIssuer* trusted_;
  crypto::Random* random_;
  const Time now_;
  unsigned serial_ = 0;
  std::unique_ptr<crypto::MemorySigner> stranger_;
  std::shared_ptr<const crypto::Certificate> stranger_certificate_;
};

void show_negatives(Dialer& dialer, const MutualOptions& options, Battery& battery, Facts& facts) {
  const std::string own = "spiffe://" + battery.trust_domain();
  std::vector<Throwaway> all{
      {.subject = "self-signed", .uri = own + "/scan", .self_signed = true},
      {.subject = "expired", .uri = own + "/scan", .expired = true},
      {.subject = "without clientAuth", .uri = own + "/scan", .client_usage = false},
      {.subject = "foreign trust domain", .uri = "spiffe://stranger.invalid/scan", .foreign = true},
  };
  if (options.issuer != nullptr) {
    all.push_back({.subject = "wrong id", .uri = own + "/cloister-scan/nobody-lets-this-in", .check = "M4"});
  } else {
    facts.add("M4", "wrong id", Seen::kUnknown, "no authority was given that the endpoint trusts");
  }
  for (const Throwaway& one : all) {
    auto credentials = battery.make(one);
    const auto admission = credentials.ok() ? try_admission(dialer, std::move(credentials).value(), options.answer_time)
                                            : Result<Admission>(credentials.error());
    facts.add(one.check, one.subject, admission.ok() ? accepted(*admission) : Seen::kUnknown,
              admission.ok() ? admission->detail : admission.error().message());
  }
}

void tell_authorities(const net::TlsObservation& seen, Facts& facts) {
  std::string names;
  for (const Bytes& name : seen.authority_names) {
    if (names.size() < 200) names += (names.empty() ? "" : "; ") + name_text(name);
  }
  facts.add("M2", "authorities told", seen.authority_names.empty() ? Seen::kNo : Seen::kYes, names);
}

}  // namespace

Result<Admission> try_admission(Dialer& dialer, std::shared_ptr<const net::Credentials> own, Duration answer_time) {
  CLOISTER_TRY(Admission first, try_once(dialer, own, answer_time, {"http/1.1", "h2"}));
  if (first.seen.alert != kNoApplicationProtocol) return first;
  return try_once(dialer, std::move(own), answer_time, {});
}

Facts probe_mutual(Dialer& dialer, const MutualOptions& options, crypto::Random& random, Time now) {
  Facts facts;
  const auto bare = try_admission(dialer, nullptr, options.answer_time);
  if (!bare.ok() || (bare->verdict == Verdict::kUnclear && bare->seen.version.empty())) {
    const std::string why = bare.ok() ? bare->detail : bare.error().message();
    for (const char* subject : {"asked", "required"}) facts.add("M1", subject, Seen::kUnknown, why);
    return facts;
  }
  const bool asked = bare->seen.client_certificate_asked;
  // Refused before it was asked for a certificate: for another reason, then.
  if (!asked && bare->verdict == Verdict::kRefused && bare->seen.version.empty()) {
    for (const char* subject : {"asked", "required"}) facts.add("M1", subject, Seen::kUnknown, bare->detail);
    return facts;
  }
  facts.add("M1", "asked", asked ? Seen::kYes : Seen::kNo);
  const Seen admitted = accepted(*bare);
  const Seen required = !asked                       ? Seen::kNo
                        : admitted == Seen::kUnknown ? Seen::kUnknown
                        : admitted == Seen::kNo      ? Seen::kYes
                                                     : Seen::kNo;
  facts.add("M1", "required", required, bare->detail);
  if (!asked) return facts;
  tell_authorities(bare->seen, facts);
  if (options.own) {
    const auto own = try_admission(dialer, options.own, options.answer_time);
    facts.add("M1", "own certificate admitted", own.ok() ? accepted(*own) : Seen::kUnknown,
              own.ok() ? own->detail : own.error().message());
  }
  if (!options.negative) return facts;
  Battery battery(options.issuer, random, now);
  show_negatives(dialer, options, battery, facts);
  return facts;
}

}  // namespace cloister::probe
