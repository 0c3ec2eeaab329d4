#include "kms/key_service.h"

#include <chrono>
#include <thread>

#include "base/base64.h"
#include "kms/service_answer.h"

namespace cloister::kms {
namespace {

void append_base64(net::Buffer& out, ByteView bytes) {
  const std::size_t start = out.size();
  out.resize(start + base64_encoded_size(bytes.size()));
  encode_base64(bytes, Base64::kStandard, MutableByteView(out).subspan(start));
}

// {"keys":[{…}]} with what a wrap is bound to; `rest` adds the members that follow.
template <typename Rest>
net::Buffer one_key_body(const ServiceSlot& slot, const Rest& rest) {
  net::Buffer body;
  body.reserve(512);
  net::append(body, R"({"keys":[{"object":")");
  append_base64(body, slot.object);
  net::append(body, R"(","commitment":")");
  append_base64(body, slot.commitment);
  rest(body);
  net::append(body, R"("}]})");
  return body;
}

net::Buffer slot_body(const ServiceSlot& slot) {
  return one_key_body(slot, [&slot](net::Buffer& body) {
    net::append(body, R"(","version":)" + std::to_string(slot.version) + R"(,"wrapped":")");
    append_base64(body, slot.wrapped);
  });
}

}  // namespace

std::string ServiceDataset::tenant_name() const { return environment.empty() ? tenant : tenant + "/" + environment; }

std::string ServiceDataset::text() const { return tenant_name() + "/" + dataset; }

std::string ServiceDataset::path() const {
  return "/v1/tenants/" + tenant + (environment.empty() ? "" : "/environments/" + environment) + "/datasets/" + dataset;
}

KeyService::KeyService(std::unique_ptr<net::HttpClient> client, std::string name, std::string purpose,
                       ServicePatience patience)
    : client_(std::move(client)), name_(std::move(name)), purpose_(std::move(purpose)), patience_(patience) {}

Result<net::Response> KeyService::send(std::string method, std::string target, net::Buffer body) {
  net::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers.add("accept", "application/json");
  request.headers.add("cloister-purpose", purpose_);
  if (!body.empty()) request.headers.add("content-type", "application/json");
  request.body = std::move(body);
  const std::string doing = "ask the key service " + name_;
  Duration pause = patience_.pause;
  for (unsigned attempt = 1;; ++attempt) {
    auto exchange = client_->send(request, patience_.answer);
    if (exchange.ok() && exchange->response.status < 300) return std::move(exchange->response);
    const Error error =
        exchange.ok() ? parse_problem(exchange->response.status, exchange->response.body) : exchange.error();
    if (error.code() != Code::kUnavailable || attempt >= patience_.attempts) return error.with_context(doing);
    std::this_thread::sleep_for(std::chrono::milliseconds(pause.ms));
    pause.ms *= 2;
  }
}

Result<ServiceKeyring> KeyService::describe(const ServiceDataset& dataset) {
  CLOISTER_TRY(const auto response, send("GET", dataset.path(), {}));
  return parse_keyring_answer(response.body);
}

Result<ServiceSlot> KeyService::wrap(const ServiceDataset& dataset, const ServiceSlot& context,
                                     const crypto::KeyMaterial& key) {
  net::Buffer body = one_key_body(context, [&key](net::Buffer& out) {
    net::append(out, R"(","key":")");
    append_base64(out, key.secret().expose());
  });
  CLOISTER_TRY(const auto response, send("POST", dataset.path() + "/wrap", std::move(body)));
  return parse_wrap_answer(response.body);
}

Result<LeasedKey> KeyService::unwrap(const ServiceDataset& dataset, const ServiceSlot& slot) {
  CLOISTER_TRY(const auto response, send("POST", dataset.path() + "/unwrap", slot_body(slot)));
  return parse_unwrap_answer(response.body);
}

Result<ServiceSlot> KeyService::rewrap(const ServiceDataset& dataset, const ServiceSlot& slot) {
  CLOISTER_TRY(const auto response, send("POST", dataset.path() + "/rewrap", slot_body(slot)));
  return parse_wrap_answer(response.body);
}

}  // namespace cloister::kms
