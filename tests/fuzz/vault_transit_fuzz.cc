// A body of Vault's transit engine, for every verb: the first byte says which. What it holds lies within the body.
#include <string>
#include <vector>

#include "service/vault/transit_body.h"

using namespace cloister;
using namespace cloister::service;

namespace {

void expect_within(const Bytes& body, const TransitItem::Text& text) {
  if (!text || text->empty()) return;
  const auto* from = reinterpret_cast<const std::uint8_t*>(text->data());
  CLOISTER_CHECK(from >= body.data() && from + text->size() <= body.data() + body.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Bytes body(data + 1, data + size);
  const auto parsed = parse_transit_body(body, static_cast<TransitVerb>(data[0] % 7));
  if (!parsed.ok()) {
    CLOISTER_CHECK(parsed.error().code() == Code::kInvalid);
    return 0;
  }
  CLOISTER_CHECK(!parsed->items.empty() && parsed->items.size() <= kTransitItemsMax);
  for (const TransitItem& item : parsed->items) {
    for (const auto& text : {item.plaintext, item.ciphertext, item.input, item.hmac, item.signature}) {
      expect_within(body, text);
    }
    if (!item.ciphertext) continue;
    const auto parts = parse_vault_text(*item.ciphertext);
    CLOISTER_CHECK(!parts || parts->version != 0);
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const std::vector<std::pair<TransitVerb, std::string>> bodies = {
      {TransitVerb::kEncrypt, R"({"plaintext":"c2VjcmV0","associated_data":"YQ==","key_version":"1"})"},
      {TransitVerb::kDecrypt, R"({"batch_input":[{"ciphertext":"vault:v1:c2VjcmV0","reference":"a"}]})"},
      {TransitVerb::kDataKey, R"({"bits":512,"context":"","nonce":null})"},
  };
  for (const auto& [verb, text] : bodies) {
    seeds->emplace_back(1, static_cast<std::uint8_t>(verb));
    seeds->back().insert(seeds->back().end(), text.begin(), text.end());
  }
}
