#include "probe/grade/scan.h"

#include "base/clock.h"
#include "probe/http/talk.h"

namespace cloister::probe {
namespace {

std::string host_of(const Endpoint& endpoint) {
  return endpoint.server_name.empty() ? endpoint.address.host : endpoint.server_name;
}

Result<net::TlsObservation> observe(Dialer& dialer, const ScanRequest& request) {
  CLOISTER_TRY(auto wire, dialer.connect());
  wire->set_patience(request.tls.answer_time);
  CLOISTER_TRY(const auto talk, Talk::over_tls(std::move(wire), {.server_name = request.endpoint.server_name,
                                                                 .protocols = {"h2", "http/1.1"},
                                                                 .own = request.mutual.own}));
  const Status shaken = talk->handshake();
  // A server that refuses us has shown its certificate before.
  if (!shaken.ok() && talk->tls()->chain.empty()) return shaken.error();
  return *talk->tls();
}

void tell_handshake(const net::TlsObservation& seen, Facts& facts) {
  facts.add("K1", "version", seen.version.empty() ? Seen::kUnknown : Seen::kYes, seen.version);
  facts.add("K1", "cipher", seen.cipher.empty() ? Seen::kUnknown : Seen::kYes, seen.cipher);
  facts.add("K1", "group", seen.group.empty() ? Seen::kUnknown : Seen::kYes, seen.group);
  facts.add("K1", "protocol", seen.protocol.empty() ? Seen::kNo : Seen::kYes, seen.protocol);
}

}  // namespace

Facts probe_certificate(Dialer& dialer, const ScanRequest& request) {
  Facts facts;
  const auto seen = observe(dialer, request);
  if (!seen.ok()) facts.add("K1", "version", Seen::kUnknown, seen.error().message());
  CertificateQuestion question;
  if (seen.ok()) {
    tell_handshake(*seen, facts);
    question.chain = seen->chain;
    question.ocsp_response = seen->ocsp_response;
    question.timestamps = seen->timestamps;
  }
  question.anchors = request.anchors;
  if (request.profile->names_host) question.host = host_of(request.endpoint);
  question.lifetime = request.profile->lifetime;
  question.logs = request.logs.get();
  question.now = request.now;
  facts.append(judge_certificate(question));
  return facts;
}

Result<ScanReport> scan(const ScanRequest& request, crypto::Random& random) {
  CLOISTER_CHECK(request.profile != nullptr);
  const double began = monotonic_seconds();
  Dialer dialer(request.endpoint, request.politeness);
  ScanReport report{request.endpoint, request.profile, request.now, 0, 0, {}, {}};
  CLOISTER_TRY(TlsFindings tls, probe_tls(dialer, request.tls, random));
  report.facts = std::move(tls.facts);
  report.facts.append(probe_certificate(dialer, request));
  report.facts.append(probe_mutual(dialer, request.mutual, random, request.now));
  report.facts.append(probe_http(dialer, request.http));
  report.grade = grade(*request.profile, report.facts);
  report.connections = dialer.connections_made();
  report.seconds = monotonic_seconds() - began;
  return report;
}

}  // namespace cloister::probe
