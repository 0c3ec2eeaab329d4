// The file that enrolment leaves a workload: where its key service is, who that is, and who the workload is to it.
// docs/cli.md, "Through a key service".
#pragma once

#include <memory>
#include <string>

#include "base/file.h"
#include "crypto/random.h"
#include "identity/source.h"
#include "net/http_client.h"

namespace cloister::home {

struct ServiceFile {
  std::string address;  // "keys.acme.example:8443"
  std::string server;   // "spiffe://acme.example/cloister/keys"
  std::shared_ptr<const identity::Snapshot> snapshot;
};

// kDenied for a file that others can read; kInvalid for one that isn't a service file; kExpired, saying so, when its
// certificate has run out.
Result<ServiceFile> read_service_file(const Path& path, Time now);
// Its bytes alone; the same codes, without the path.
Result<ServiceFile> parse_service_file(ByteView bytes, Time now);
// Written aside with mode 0600 and renamed: certificate and key never part.
Status write_service_file(const Path& path, const ServiceFile& file, Overwrite overwrite);

// Over mutual TLS, as the file says.
Result<std::unique_ptr<net::HttpClient>> connect_to(const ServiceFile& file);

// Whoever listens on the Unix socket, when that is the socket's owner and nobody else could have put it there: kDenied
// where others may write its folder.
Result<std::unique_ptr<net::HttpClient>> connect_to_unix(const Path& socket);

// How somebody without a certificate asks for the first one.
struct FirstContact {
  net::TcpAddress address;   // of the service's enrolment
  std::string server;        // SPIFFE ID
  identity::Bundle trusted;  // of the server's trust domain
};
Result<std::unique_ptr<net::HttpClient>> connect_to(const FirstContact& contact);

// What the service says to who asks: `path` is /v1/identity/enroll, /enroll-unix or /renew; `join_token` may be empty.
// A new key is made for it, which never leaves this process but in the file. `address` and `server` go into the result;
// kDenied when the answer is of another trust domain than `server`.
struct Asking {
  std::string path;
  std::string address, server;
  crypto::Secret join_token;
};
Result<ServiceFile> ask_for_identity(net::HttpClient& client, Asking asking, Time now, crypto::Random& random);

// The file as it is, or renewed and written back when more than half of its certificate's life is over. A renewal that
// fails is no error while the certificate is good.
Result<ServiceFile> read_current_service_file(const Path& path, Time now, crypto::Random& random);

}  // namespace cloister::home
