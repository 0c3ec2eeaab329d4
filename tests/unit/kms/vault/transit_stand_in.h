// A transit engine that lives in a test: what the contract of providers needs of one.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "net/http_message.h"

namespace cloister::testing {

// Any thread may call. What it "encrypts" it keeps, under a number.
class TransitStandIn {
 public:
  void add(const std::string& name) { keys_[name]; }

  net::Response answer(const net::Request& request) {
    const std::lock_guard lock(mutex_);
    const std::string target = request.target;
    if (target == "/v1/auth/token/lookup-self") return said(R"({"data":{"ttl":0}})");
    if (target.starts_with("/v1/sys/")) return said(R"({"type":"shamir","initialized":true,"sealed":false})");
    if (target == "/v1/transit/keys?list=true") return list();
    const std::size_t slash = target.rfind('/');
    const auto key = keys_.find(target.substr(slash + 1));
    if (key == keys_.end()) return refused(404, "");
    const std::string verb = target.substr(0, slash);
    if (verb == "/v1/transit/keys")
      return said(R"({"data":{"type":"aes256-gcm96","latest_version":1,"keys":{"1":7}}})");
    const Json body = Json::parse(request.body.begin(), request.body.end());
    return verb == "/v1/transit/encrypt" ? encrypt(key->second, body) : decrypt(key->second, body);
  }

 private:
  using Json = nlohmann::json;
  struct Kept {
    std::string plaintext, associated;
  };

  static net::Response said(const std::string& json) { return net::json_response(200, json); }
  static net::Response refused(unsigned status, const std::string& why) {
    Json errors = Json::array();
    if (!why.empty()) errors.push_back(why);
    return net::json_response(status, Json{{"errors", errors}}.dump());
  }

  net::Response list() const {
    Json names = Json::array();
    for (const auto& [name, kept] : keys_) names.push_back(name);
    return said(Json{{"data", {{"keys", names}}}}.dump());
  }

  net::Response encrypt(std::map<std::string, Kept>& kept, const Json& body) {
    const std::string number = std::to_string(++made_);
    const std::string ciphertext = "vault:v1:" + to_base64(as_bytes("made-" + number));
    kept[ciphertext] = {body.at("plaintext").get<std::string>(), body.at("associated_data").get<std::string>()};
    return said(Json{{"data", {{"ciphertext", ciphertext}, {"key_version", 1}}}}.dump());
  }

  static net::Response decrypt(const std::map<std::string, Kept>& kept, const Json& body) {
    const auto found = kept.find(body.at("ciphertext").get<std::string>());
    if (found == kept.end() || found->second.associated != body.at("associated_data").get<std::string>()) {
      return refused(400, "cipher: message authentication failed");
    }
    return said(Json{{"data", {{"plaintext", found->second.plaintext}}}}.dump());
  }

  std::mutex mutex_;
  std::map<std::string, std::map<std::string, Kept>> keys_;
  std::size_t made_ = 0;
};

}  // namespace cloister::testing
