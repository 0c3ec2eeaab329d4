#include "home/service_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "crypto/certificate_request.h"
#include "crypto/pem.h"
#include "kms/service_answer.h"
#include "kms/wiped_json.h"
#include "net/spiffe_credentials.h"
#include "net/spiffe_verifier.h"

namespace cloister::home {
namespace {

constexpr std::uint64_t kFileMax = std::uint64_t{1} << 20;
constexpr unsigned kVersion = 1;
constexpr Duration kPatience = seconds(20);
constexpr auto kConformance = identity::Conformance::kStrict;

using kms::view;
using kms::wiped;
using Json = kms::WipedJson;

Result<std::string_view> text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return Error(Code::kInvalid, "it has no " + std::string(name));
  return view(found->get_ref<const kms::WipedText&>());
}

// `bundle` is a SPIFFE bundle: of the id's trust domain.
Result<std::shared_ptr<const identity::Snapshot>> make_snapshot(std::string_view svid, crypto::PrivateKey key,
                                                                const Json& bundle, Time now) {
  CLOISTER_TRY(const auto blocks, crypto::parse_pem(svid, "CERTIFICATE", net::PeerVerifier::kChainMax));
  std::vector<crypto::Certificate> chain;
  for (const Bytes& der : blocks) {
    CLOISTER_TRY(auto certificate, crypto::Certificate::parse(der));
    chain.push_back(std::move(certificate));
  }
  CLOISTER_TRY(auto parsed, identity::X509Svid::from_chain(std::move(chain), kConformance));
  const kms::WipedText text = bundle.dump();
  CLOISTER_TRY(auto trusted, identity::parse_bundle(parsed.id().trust_domain(), view(text), kConformance));
  return identity::Snapshot::create(std::move(parsed), std::move(key), identity::BundleSet().with(std::move(trusted)),
                                    now);
}

Result<std::shared_ptr<const net::PeerVerifier>> verifier_of(std::shared_ptr<const identity::Source> source) {
  return std::shared_ptr<const net::PeerVerifier>(
      std::make_shared<net::SpiffeVerifier>(std::move(source), kConformance, identity::DenyList()));
}

// Trusts one bundle and has no identity.
class BundleVerifier final : public net::PeerVerifier {
 public:
  explicit BundleVerifier(identity::Bundle bundle) : bundles_(identity::BundleSet().with(std::move(bundle))) {}
  Result<net::Peer> verify(Time now, std::span<const Bytes> chain) const override {
    CLOISTER_TRY(const auto verified, net::verify_chain(now, chain, bundles_, kConformance));
    return net::Peer{verified.id.uri(), verified.not_after};
  }

 private:
  identity::BundleSet bundles_;
};

Status check_folder_of(const Path& socket, const struct stat& found) {
  struct stat folder{};
  const Path parent = socket.has_parent_path() ? socket.parent_path() : Path(".");
  if (::stat(parent.c_str(), &folder) != 0) return error_from_errno(errno, "look at " + parent.string());
  const bool known = folder.st_uid == 0 || folder.st_uid == ::getuid() || folder.st_uid == found.st_uid;
  if (known && (folder.st_mode & (S_IWGRP | S_IWOTH)) == 0) return {};
  return Error(Code::kDenied, "others may write " + parent.string() + ": who listens there isn't known");
}

net::Buffer asking_body(const Asking& asking, const std::string& request_pem) {
  Json body = Json::object();
  body["request"] = wiped(request_pem);
  if (!asking.join_token.empty()) {
    const std::string_view token = as_text(asking.join_token.expose());
    body["join_token"] = wiped(token);
  }
  return net::to_buffer(view(body.dump()));
}

}  // namespace

Result<ServiceFile> parse_service_file(ByteView bytes, Time now) {
  CLOISTER_TRY(const Json json, kms::parse_wiped(bytes));
  const auto version = json.find("version");
  if (version == json.end() || !version->is_number_unsigned()) return Error(Code::kInvalid, "it has no version");
  if (version->get<std::uint64_t>() != kVersion) return Error(Code::kUnsupported, "it is of another version");
  ServiceFile service;
  CLOISTER_TRY(const std::string_view address, text_of(json, "address"));
  service.address = address;
  CLOISTER_TRY(const std::string_view server, text_of(json, "server"));
  service.server = server;
  CLOISTER_TRY(const std::string_view svid, text_of(json, "svid"));
  CLOISTER_TRY(const std::string_view pem, text_of(json, "key"));
  CLOISTER_TRY(auto key, crypto::PrivateKey::from_pkcs8_pem(crypto::Secret::copy_of(as_bytes(pem))));
  const auto bundle = json.find("bundle");
  if (bundle == json.end() || !bundle->is_object()) return Error(Code::kInvalid, "it has no bundle");
  auto snapshot = make_snapshot(svid, std::move(key), *bundle, now);
  if (!snapshot.ok() && snapshot.error().code() == Code::kExpired) {
    return Error(Code::kExpired, "its certificate has run out: enrol again");
  }
  if (!snapshot.ok()) return snapshot.error();
  service.snapshot = std::move(snapshot).value();
  return service;
}

Result<ServiceFile> read_service_file(const Path& path, Time now) {
  const std::string doing = "read the service file " + path.string();
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kSecret).with_context(doing));
  CLOISTER_TRY(const std::uint64_t size, file.size());
  if (size > kFileMax) return Error(Code::kInvalid, doing + ": it is too large for one");
  net::Buffer bytes(size);
  CLOISTER_RETURN_IF_ERROR(file.read_at(0, bytes).with_context(doing));
  auto service = parse_service_file(bytes, now);
  if (!service.ok()) return service.error().with_context(doing);
  return service;
}

Status write_service_file(const Path& path, const ServiceFile& file, Overwrite overwrite) {
  std::string chain;
  for (const crypto::Certificate& certificate : file.snapshot->svid().chain()) {
    chain += crypto::to_pem(certificate.der(), "CERTIFICATE");
  }
  const crypto::Secret key = file.snapshot->key().to_pkcs8_pem();
  const std::string_view key_text = as_text(key.expose());
  const identity::Bundle* bundle = file.snapshot->bundles().find(file.snapshot->svid().id().trust_domain());
  CLOISTER_CHECK(bundle != nullptr);
  Json json = Json::object();
  json["version"] = kVersion;
  json["address"] = wiped(file.address);
  json["server"] = wiped(file.server);
  json["svid"] = wiped(chain);
  json["key"] = wiped(key_text);
  CLOISTER_TRY(json["bundle"], kms::parse_wiped(as_bytes(identity::format_bundle(*bundle))));
  const kms::WipedText text = json.dump(2) + "\n";
  return write_file(path, as_bytes(view(text)), overwrite, 0600);
}

Result<std::unique_ptr<net::HttpClient>> connect_to(const ServiceFile& file) {
  CLOISTER_TRY(auto address, net::parse_tcp_address(file.address));
  const auto source = std::make_shared<const identity::Source>(file.snapshot);
  CLOISTER_TRY(auto credentials, net::SpiffeCredentials::follow(source));
  CLOISTER_TRY(auto verifier, verifier_of(source));
  CLOISTER_TRY(auto tls, net::MutualTls::create(std::move(credentials), std::move(verifier), system_time));
  return net::HttpClient::create(net::TlsTarget{std::move(address), file.server, std::move(tls)}, {});
}

Result<std::unique_ptr<net::HttpClient>> connect_to_unix(const Path& socket) {
  struct stat found{};
  if (::stat(socket.c_str(), &found) != 0) return error_from_errno(errno, "look at " + socket.string());
  CLOISTER_RETURN_IF_ERROR(check_folder_of(socket, found));
  return net::HttpClient::create(net::UnixTarget{socket, found.st_uid}, {});
}

Result<std::unique_ptr<net::HttpClient>> connect_to(const FirstContact& contact) {
  CLOISTER_TRY(auto tls, net::AnonymousTls::create(std::make_shared<BundleVerifier>(contact.trusted), system_time));
  return net::HttpClient::create(net::AnonymousTlsTarget{contact.address, contact.server, std::move(tls)}, {});
}

Result<ServiceFile> ask_for_identity(net::HttpClient& client, Asking asking, Time now, crypto::Random& random) {
  CLOISTER_TRY(auto key, crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random));
  crypto::MemorySigner signer(key.duplicate());
  CLOISTER_TRY(const Bytes der, crypto::write_certificate_request("", signer));
  net::Request request;
  request.method = "POST";
  request.target = asking.path;
  request.headers.add("content-type", "application/json");
  request.body = asking_body(asking, crypto::to_pem(der, "CERTIFICATE REQUEST"));
  CLOISTER_TRY(const auto exchange, client.send(request, kPatience));
  if (exchange.response.status >= 300) {
    return kms::parse_problem(exchange.response.status, exchange.response.body);
  }
  const auto read = [&]() -> Result<ServiceFile> {
    CLOISTER_TRY(const Json json, kms::parse_wiped(exchange.response.body));
    CLOISTER_TRY(const std::string_view svid, text_of(json, "svid"));
    const auto bundle = json.find("bundle");
    if (bundle == json.end() || !bundle->is_object()) return Error(Code::kInvalid, "it has no bundle");
    CLOISTER_TRY(auto snapshot, make_snapshot(svid, std::move(key), *bundle, now));
    return ServiceFile{asking.address, asking.server, std::move(snapshot)};
  };
  auto file = read();
  if (!file.ok()) return file.error().with_context("the service's answer");
  CLOISTER_TRY(const auto server, identity::SpiffeId::parse(asking.server));
  if (server.trust_domain() != file->snapshot->svid().id().trust_domain()) {
    return Error(Code::kDenied, "the service answered for trust domain " +
                                    file->snapshot->svid().id().trust_domain().name() + ", not for " +
                                    server.trust_domain().name());
  }
  return file;
}

Result<ServiceFile> read_current_service_file(const Path& path, Time now, crypto::Random& random) {
  CLOISTER_TRY(ServiceFile file, read_service_file(path, now));
  const crypto::Certificate& leaf = file.snapshot->svid().leaf();
  const Time half{leaf.facts().not_before.unix_ms + (file.snapshot->not_after() - leaf.facts().not_before).ms / 2};
  if (now < half) return file;
  auto client = connect_to(file);
  if (!client.ok()) return file;
  auto renewed =
      ask_for_identity(**client, {"/v1/identity/renew", file.address, file.server, crypto::Secret()}, now, random);
  if (!renewed.ok() || !write_service_file(path, *renewed, Overwrite::kReplace).ok()) return file;
  return renewed;
}

}  // namespace cloister::home
