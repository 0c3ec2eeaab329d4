// The client of Cloister's own key service: datasets' keys that are used without being had. docs/api/openapi.json.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/secret.h"
#include "crypto/signature.h"
#include "net/http_client.h"

namespace cloister::kms {

struct ServiceDataset {
  std::string tenant, environment, dataset;  // environment empty: none
  std::string tenant_name() const;           // "acme" or "acme/production": what wraps are bound to
  std::string text() const;                  // "acme/production/mnist"
  std::string path() const;                  // below /v1
};

struct ServiceKeyVersion {
  std::uint32_t version = 0;
  bool usable = false;  // for unwrapping
};

// What a service tells of a dataset.
struct ServiceKeyring {
  std::array<std::uint8_t, 16> id{};
  std::vector<ServiceKeyVersion> versions;
  crypto::Ed25519PublicKey signing_public_key{};
};

// How long a request waits for its answer, and how often one that got none is sent again: everything asked here may be
// asked twice.
struct ServicePatience {
  Duration answer = seconds(15);
  unsigned attempts = 3;
  Duration pause{250};  // before the second attempt; doubled before each that follows
};

// A wrapped DEK and what it is bound to, beside the dataset.
struct ServiceSlot {
  Bytes object;
  std::array<std::uint8_t, 32> commitment{};
  std::uint32_t version = 0;
  Bytes wrapped;
};

struct LeasedKey {
  crypto::KeyMaterial key;
  Duration lease;  // for how long it may be kept
};

// Any thread may call; a call waits for its answer. Errors: kUnavailable when the service can't be reached or asks to
// come back later, kDenied when it refuses, isn't the one expected, or can't open the wrapped
// key; kNotFound, kInvalid. Messages say what the service said, its code and the request's id.
class KeyService {
 public:
  // `purpose` is sent with every request: "train". `name` is for messages: the address.
  KeyService(std::unique_ptr<net::HttpClient> client, std::string name, std::string purpose, ServicePatience patience);

  const std::string& name() const { return name_; }

  Result<ServiceKeyring> describe(const ServiceDataset& dataset);
  Result<ServiceSlot> wrap(const ServiceDataset& dataset, const ServiceSlot& context, const crypto::KeyMaterial& key);
  Result<LeasedKey> unwrap(const ServiceDataset& dataset, const ServiceSlot& slot);
  Result<ServiceSlot> rewrap(const ServiceDataset& dataset, const ServiceSlot& slot);

 private:
  Result<net::Response> send(std::string method, std::string target, net::Buffer body);

  std::unique_ptr<net::HttpClient> client_;
  std::string name_;
  std::string purpose_;
  ServicePatience patience_;
};

}  // namespace cloister::kms
