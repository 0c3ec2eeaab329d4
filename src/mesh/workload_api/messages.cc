#include "mesh/workload_api/messages.h"

#include <set>

#include "mesh/workload_api/protobuf_struct.h"
#include "net/protobuf.h"

namespace cloister::mesh {
namespace {

using net::ProtobufReader;
using net::ProtobufWriter;

Error invalid(const std::string& what) { return Error(Code::kInvalid, what); }

// One certificate behind the other, with nothing between.
Bytes concatenated(const std::vector<crypto::Certificate>& certificates) {
  Bytes all;
  for (const crypto::Certificate& one : certificates) all.insert(all.end(), one.der().begin(), one.der().end());
  return all;
}

void write_svid(net::Buffer& out, const HeldSvid& held, const identity::Bundle& own) {
  const crypto::Secret key = held.key->to_pkcs8();
  net::Buffer svid;
  ProtobufWriter(svid)
      .text(1, held.svid.id().uri())
      .bytes(2, concatenated(held.svid.chain()))
      .bytes(3, key.expose())
      .bytes(4, concatenated(own.x509_authorities()))
      .text(5, held.hint);
  ProtobufWriter(out).present(1, svid);
}

// JWKS with the keys for tokens alone: clients that take only these stumble over others.
std::string jwt_keys(const identity::Bundle& bundle) {
  identity::BundleContents contents;
  contents.jwt_authorities = bundle.jwt_authorities();
  const auto alone =
      identity::Bundle::create(bundle.trust_domain(), std::move(contents), identity::Conformance::kGoSpiffe);
  CLOISTER_CHECK(alone.ok());
  return identity::format_bundle(*alone);
}

}  // namespace

Status parse_empty_request(ByteView message) {
  ProtobufReader reader(message);
  for (;;) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) return {};
  }
}

Result<JwtSvidRequest> parse_jwt_svid_request(ByteView message) {
  JwtSvidRequest request;
  std::string id;
  ProtobufReader reader(message);
  for (;;) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) break;
    if (field->number == 1) {
      if (request.audience.size() == kAudiencesMax) return invalid("there are too many audiences");
      CLOISTER_TRY(const std::string_view audience, field->as_string("audience", kAudienceSizeMax));
      if (audience.empty()) return invalid("an audience is empty");
      request.audience.emplace_back(audience);
    } else if (field->number == 2) {
      CLOISTER_TRY(id, field->as_string("spiffe_id", identity::kSpiffeIdMax));
    }
  }
  if (request.audience.empty()) return invalid("audience must be specified");
  if (id.empty()) return request;
  CLOISTER_TRY(request.id, identity::SpiffeId::parse(id));
  return request;
}

Result<ValidateJwtSvidRequest> parse_validate_jwt_svid_request(ByteView message) {
  ValidateJwtSvidRequest request;
  ProtobufReader reader(message);
  for (;;) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) break;
    if (field->number == 1) {
      CLOISTER_TRY(request.audience, field->as_string("audience", kAudienceSizeMax));
    } else if (field->number == 2) {
      CLOISTER_TRY(request.token, field->as_string("svid", kTokenSizeMax));
    }
  }
  if (request.audience.empty()) return invalid("audience must be specified");
  if (request.token.empty()) return invalid("svid must be specified");
  return request;
}

Result<net::Buffer> write_x509_svids(const WorkloadState& state) {
  if (state.svids.empty()) return Error(Code::kDenied, "there is no SVID");
  net::Buffer out;
  std::set<identity::TrustDomain> federated;
  for (const HeldSvid& held : state.svids) {
    const identity::TrustDomain& own = held.svid.id().trust_domain();
    const identity::Bundle* bundle = state.bundles.find(own);
    if (bundle == nullptr) return Error(Code::kInternal, "there is no bundle of " + own.name());
    write_svid(out, held, *bundle);
    federated.insert(held.federates_with.begin(), held.federates_with.end());
  }
  for (const identity::TrustDomain& domain : federated) {
    const identity::Bundle* bundle = state.bundles.find(domain);
    if (bundle == nullptr || bundle->x509_authorities().empty()) continue;
    ProtobufWriter(out).entry(3, domain.uri(), concatenated(bundle->x509_authorities()));
  }
  return out;
}

net::Buffer write_x509_bundles(const identity::BundleSet& bundles) {
  net::Buffer out;
  for (const auto& [domain, bundle] : bundles.all()) {
    if (bundle.x509_authorities().empty()) continue;
    ProtobufWriter(out).entry(2, domain.uri(), concatenated(bundle.x509_authorities()));
  }
  return out;
}

net::Buffer write_jwt_bundles(const identity::BundleSet& bundles) {
  net::Buffer out;
  for (const auto& [domain, bundle] : bundles.all()) {
    if (bundle.jwt_authorities().empty()) continue;
    ProtobufWriter(out).entry(1, domain.uri(), as_bytes(jwt_keys(bundle)));
  }
  return out;
}

net::Buffer write_jwt_svids(const std::vector<HeldToken>& tokens) {
  net::Buffer out;
  for (const HeldToken& held : tokens) {
    net::Buffer svid;
    ProtobufWriter(svid).text(1, held.id.uri()).text(2, held.token).text(3, held.hint);
    ProtobufWriter(out).present(1, svid);
  }
  return out;
}

net::Buffer write_validated(const identity::JwtSvid& svid) {
  net::Buffer claims;
  write_struct(claims, svid.claims);
  net::Buffer out;
  ProtobufWriter(out).text(1, svid.id.uri()).present(2, claims);
  return out;
}

}  // namespace cloister::mesh
