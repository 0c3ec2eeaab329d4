// Bundles of other trust domains: fetched from where those publish them, and taken only when nothing speaks against it.
// SPIFFE Federation, sections 5 and 6.
#pragma once

#include "identity/bundle_set.h"
#include "net/address.h"
#include "net/web_tls.h"

namespace cloister::mesh {

struct BundleLocation {
  net::TcpAddress address;
  std::string target;  // a request's path and query
};

// The document there, unchecked, from a server that authorities of the web vouch for. kDenied: not that server.
// kUnavailable: out of reach, or any other answer than the document. Waits no longer than `patience`.
Result<std::string> fetch_web_bundle(const BundleLocation& location, std::shared_ptr<const net::WebTls> tls,
                                     Duration patience);

// How a server with a SPIFFE ID is known.
struct BundleServer {
  std::string id;
  identity::BundleSet bundles;  // has that of the id's trust domain
  net::Clock clock;
};
// The same from a server that proves to be `server.id`. Nothing is shown to it.
Result<std::string> fetch_spiffe_bundle(const BundleLocation& location, const BundleServer& server, Duration patience);

// `document` as the bundle of that trust domain in the place of `last`. kInvalid: it is none. kCorrupt: it is older
// than `last`, by its sequence number.
Result<identity::Bundle> accept_bundle(const identity::TrustDomain& domain, const identity::Bundle* last,
                                       std::string_view document);

// When it is to be fetched again: as it says itself, between ten seconds and a day; after five minutes when it doesn't.
Duration refresh_after(const identity::Bundle& bundle);

}  // namespace cloister::mesh
