#include "mesh/workload_api/x509_svid_answer.h"

#include <set>

#include "net/protobuf.h"

namespace cloister::mesh {
namespace {

using identity::Bundle;
using identity::BundleSet;
using identity::Conformance;
using identity::SpiffeId;
using identity::TrustDomain;
using net::ProtobufField;
using net::ProtobufReader;

constexpr std::size_t kHintMax = 1024;

// An SVID's fields, as they lie there.
struct SvidFields {
  std::string_view id;
  ByteView chain;
  ByteView key;
  ByteView bundle;
  std::string_view hint;
};

Result<SvidFields> fields_of(ByteView message) {
  ProtobufReader reader(message);
  SvidFields fields;
  for (;;) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) return fields;
    switch (field->number) {
      case 1: {
        CLOISTER_TRY(fields.id, field->as_string("spiffe_id", identity::kSpiffeIdMax));
        break;
      }
      case 2: {
        CLOISTER_TRY(fields.chain, field->as_message("x509_svid"));
        break;
      }
      case 3: {
        CLOISTER_TRY(fields.key, field->as_message("x509_svid_key"));
        break;
      }
      case 4: {
        CLOISTER_TRY(fields.bundle, field->as_message("bundle"));
        break;
      }
      case 5: {
        CLOISTER_TRY(fields.hint, field->as_string("hint", kHintMax));
        break;
      }
      default: break;
    }
  }
}

Result<Bundle> bundle_of(const TrustDomain& trust_domain, ByteView certificates, Conformance conformance) {
  identity::BundleContents contents;
  CLOISTER_TRY(contents.x509_authorities, crypto::Certificate::parse_all(certificates, crypto::kAnchorsMax));
  return Bundle::create(trust_domain, std::move(contents), conformance);
}

Result<HeldSvid> svid_of(const SvidFields& fields, Conformance conformance) {
  CLOISTER_TRY(const SpiffeId id, SpiffeId::parse(fields.id));
  CLOISTER_TRY(auto chain, crypto::Certificate::parse_all(fields.chain, net::PeerVerifier::kChainMax));
  CLOISTER_TRY(auto svid, identity::X509Svid::from_chain(std::move(chain), conformance));
  if (svid.id() != id) return Error(Code::kInvalid, "the certificate is that of " + svid.id().uri());
  CLOISTER_TRY(auto key, crypto::PrivateKey::from_pkcs8(crypto::Secret::copy_of(fields.key)));
  CLOISTER_TRY(const auto certified, svid.leaf().public_key());
  if (!(certified == key.public_key())) return Error(Code::kInvalid, "the private key isn't the certificate's");
  return HeldSvid{
      std::move(svid), std::make_shared<const crypto::PrivateKey>(std::move(key)), std::string(fields.hint), {}};
}

Status add_svid(WorkloadState& state, std::set<std::string, std::less<>>& hints, ByteView message,
                Conformance conformance) {
  if (state.svids.size() >= kAnswerSvidsMax) return Error(Code::kInvalid, "there are too many SVIDs");
  CLOISTER_TRY(const SvidFields fields, fields_of(message));
  const std::string doing = "the SVID of " + std::string(fields.id);
  auto held = svid_of(fields, conformance);
  if (!held.ok()) return held.error().with_context(doing);
  const TrustDomain& trust_domain = held->svid.id().trust_domain();
  auto bundle = bundle_of(trust_domain, fields.bundle, conformance);
  if (!bundle.ok()) return bundle.error().with_context(doing + ": its bundle");
  if (!held->hint.empty() && !hints.insert(held->hint).second) held->hint.clear();
  if (state.bundles.find(trust_domain) == nullptr) state.bundles = state.bundles.with(std::move(bundle).value());
  state.svids.push_back(std::move(held).value());
  return {};
}

Status add_federated(WorkloadState& state, const std::vector<ByteView>& entries, Conformance conformance) {
  if (entries.size() > kAnswerBundlesMax) return Error(Code::kInvalid, "there are too many federated bundles");
  std::vector<TrustDomain> added;
  for (const ByteView bytes : entries) {
    CLOISTER_TRY(const auto entry, net::read_entry(bytes, identity::kSpiffeIdMax));
    CLOISTER_TRY(const SpiffeId id, SpiffeId::parse(entry.key));
    if (!id.path().empty()) return Error(Code::kInvalid, "a federated bundle is named by a workload's id");
    // The own one came with the SVID; nobody else speaks for it.
    if (entry.value.empty() || state.bundles.find(id.trust_domain()) != nullptr) continue;
    auto bundle = bundle_of(id.trust_domain(), entry.value, conformance);
    if (!bundle.ok()) return bundle.error().with_context("the bundle of " + id.uri());
    state.bundles = state.bundles.with(std::move(bundle).value());
    added.push_back(id.trust_domain());
  }
  for (HeldSvid& held : state.svids) held.federates_with = added;
  return {};
}

}  // namespace

Result<WorkloadState> parse_x509_svids(ByteView message, Conformance conformance) {
  ProtobufReader reader(message);
  WorkloadState state;
  std::set<std::string, std::less<>> hints;
  std::vector<ByteView> federated;
  for (;;) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) break;
    if (field->number == 1) {
      CLOISTER_TRY(const ByteView svid, field->as_message("svids"));
      CLOISTER_RETURN_IF_ERROR(add_svid(state, hints, svid, conformance));
    } else if (field->number == 3) {
      CLOISTER_TRY(const ByteView entry, field->as_message("federated_bundles"));
      federated.push_back(entry);
    }
  }
  if (state.svids.empty()) return Error(Code::kNotFound, "the answer holds no SVID");
  CLOISTER_RETURN_IF_ERROR(add_federated(state, federated, conformance));
  return state;
}

}  // namespace cloister::mesh
