// cloister enroll: a workload's first identity, and the file it reaches its key service with from then on.
#include <unistd.h>

#include "commands.h"
#include "home/service_file.h"
#include "secret_input.h"

namespace cloister::cli {
namespace {

struct EnrollRequest {
  std::string file, service, at, server, bundle, token_file, socket;
  bool force = false;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister enroll trainer.service --service keys.acme.example:8443 \
      --at keys.acme.example:8444 --server spiffe://acme.example/cloister/keys \
      --bundle acme.bundle --token-file token
  cloister enroll trainer.service --service localhost:8443 \
      --server spiffe://acme.example/cloister/keys --unix /run/cloister/keys.sock
  cloister --service trainer.service --purpose train cat shard.sealed

NOTES
  A key is made here and certified by the service; it is kept, with the
  certificate, in FILE (mode 0600). A join token is good for one enrolment.
  --unix needs none where the service's configuration gives this user an
  identity: the kernel says who asks. The certificate is renewed whenever the
  file is used past the middle of its life.
)";

Result<std::unique_ptr<net::HttpClient>> first_connection(const EnrollRequest& request,
                                                          const identity::SpiffeId& server) {
  if (!request.socket.empty()) return home::connect_to_unix(request.socket);
  if (request.at.empty() || request.bundle.empty()) {
    return invalid("enrolment is over --unix PATH, or --at HOST:PORT with the --bundle that proves the service");
  }
  CLOISTER_TRY(auto address, net::parse_tcp_address(request.at).with_context("--at"));
  CLOISTER_TRY(const Bytes bytes, read_file(request.bundle, identity::kBundleSizeMax));
  CLOISTER_TRY(auto trusted,
               identity::parse_bundle(server.trust_domain(), as_text(bytes), identity::Conformance::kStrict)
                   .with_context("--bundle " + request.bundle));
  return home::connect_to(home::FirstContact{std::move(address), server.uri(), std::move(trusted)});
}

Result<Outcome> enroll(Session& session, const EnrollRequest& request) {
  CLOISTER_TRY(const auto server, identity::SpiffeId::parse(request.server).with_context("--server"));
  CLOISTER_TRY(const auto service, net::parse_tcp_address(request.service).with_context("--service"));
  const auto overwrite = request.force ? Overwrite::kReplace : Overwrite::kRefuse;
  if (overwrite == Overwrite::kRefuse && ::access(request.file.c_str(), F_OK) == 0) {
    return Error(Code::kExists, request.file + " is there already: --force replaces it");
  }
  home::Asking asking{"/v1/identity/enroll", service.to_string(), server.uri(), crypto::Secret()};
  if (!request.token_file.empty()) {
    CLOISTER_TRY(asking.join_token, read_secret_file(request.token_file));
  } else if (!request.socket.empty()) {
    asking.path = "/v1/identity/enroll-unix";
  } else {
    CLOISTER_TRY(asking.join_token, ask_secret("join token", session.progress()));
  }
  CLOISTER_TRY(const auto client, first_connection(request, server));
  const Time now = session.caller().now;
  auto file = home::ask_for_identity(*client, std::move(asking), now, session.random());
  if (!file.ok()) return file.error().with_context("enrol");
  CLOISTER_RETURN_IF_ERROR(home::write_service_file(request.file, *file, overwrite));
  const std::string id = file->snapshot->svid().id().uri();
  const std::string until = to_rfc3339(file->snapshot->not_after());
  Outcome outcome;
  outcome.terse = true;
  outcome.text = "enrolled as " + id + ", until " + until + ", in " + request.file + "\n";
  outcome.json = {{"file", request.file}, {"spiffe_id", id}, {"not_after", until}};
  return outcome;
}

}  // namespace

void add_enroll(CLI::App& app, Run& run) {
  auto request = std::make_shared<EnrollRequest>();
  CLI::App* verb = add_verb(app, "enroll", "get an identity from a key service", kManual);
  verb->add_option("FILE", request->file, "the service file to write")->required();
  verb->add_option("--service", request->service, "where the service is to be reached from now on")
      ->type_name("HOST:PORT")
      ->required();
  verb->add_option("--server", request->server, "who the service is")->type_name("SPIFFE-ID")->required();
  verb->add_option("--at", request->at, "where it enrols")->type_name("HOST:PORT");
  verb->add_option("--bundle", request->bundle, "its trust domain's bundle: what proves it")->type_name("FILE");
  verb->add_option("--token-file", request->token_file, "the join token, read from FILE (0600); asked for without it")
      ->type_name("FILE");
  verb->add_option("--unix", request->socket, "enrol over the service's socket on this machine")->type_name("PATH");
  verb->add_flag("-f,--force", request->force, "replace FILE");
  set_action(verb, run, request, enroll);
}

}  // namespace cloister::cli
