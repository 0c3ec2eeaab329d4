// Receipts as tokens: RFC 7515 around a JSON object of ours.
#include "mesh/receipt/receipt.h"

#include <algorithm>

#include "base/base64.h"
#include "base/json.h"
#include "crypto/jws.h"

namespace cloister::mesh {
namespace {

constexpr std::string_view kTokenType = "cloister-receipt+jws";
constexpr JsonLimits kLimits{kReceiptSizeMax, 3, 64};
constexpr std::size_t kChainMax = 4;
constexpr std::size_t kTextMax = 128;
constexpr std::size_t kMembers = 19;

Error no_receipt(std::string_view why) { return Error(Code::kInvalid, "no receipt: " + std::string(why)); }

bool is_word(std::string_view text) {
  if (text.empty() || text.size() > kTextMax) return false;
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7f || c == '"' || c == '\\') return false;
  }
  return true;
}

JsonValue chain_json(const std::vector<crypto::Certificate>& chain) {
  JsonValue::Array all;
  for (const crypto::Certificate& certificate : chain) all.emplace_back(to_base64(certificate.der()));
  return JsonValue(std::move(all));
}

std::string payload_of(const ConnectionFacts& facts, const ReceiptPlace& place, const identity::SpiffeId& own,
                       const std::vector<crypto::Certificate>& chain) {
  JsonValue::Object members{
      {"version", std::uint64_t{1}},
      {"role", facts.role == ReceiptRole::kClient ? "client" : "server"},
      {"own_id", own.uri()},
      {"peer_id", facts.peer_id},
      {"exporter", to_hex(facts.exporter)},
      {"peer_leaf", to_hex(facts.peer_leaf)},
      {"protocol", facts.protocol},
      {"cipher", facts.cipher},
      {"group", facts.group},
      {"local", facts.local},
      {"remote", facts.remote},
      {"begun", to_rfc3339(facts.begun)},
      {"ended", to_rfc3339(facts.ended)},
      {"sent", facts.sent},
      {"received", facts.received},
      {"orderly", facts.orderly},
      {"log", to_hex(place.log) + "/" + std::to_string(place.sequence)},
      {"previous", to_hex(place.previous)},
      {"svid", chain_json(chain)},
  };
  return JsonValue(std::move(members)).serialize();
}

Result<std::string> text_of(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.find(name);
  if (member == nullptr || member->string() == nullptr) return no_receipt(std::string(name) + " is no text");
  return *member->string();
}

Result<std::string> word_of(const JsonValue& object, std::string_view name) {
  CLOISTER_TRY(std::string word, text_of(object, name));
  if (!is_word(word)) return no_receipt(std::string(name) + " is no word");
  return word;
}

Result<std::uint64_t> number_of(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.find(name);
  const auto number = member == nullptr ? std::nullopt : member->unsigned_integer();
  if (!number) return no_receipt(std::string(name) + " is no number");
  return *number;
}

template <std::size_t N>
Status decode_hex(std::string_view text, std::string_view name, std::array<std::uint8_t, N>& out) {
  const auto bytes = from_hex(text);
  if (!bytes.ok() || bytes->size() != N) {
    return no_receipt(std::string(name) + " isn't " + std::to_string(N) + " bytes in hexadecimal");
  }
  std::ranges::copy(*bytes, out.begin());
  return {};
}

template <std::size_t N>
Status read_hex(const JsonValue& object, std::string_view name, std::array<std::uint8_t, N>& out) {
  CLOISTER_TRY(const std::string text, text_of(object, name));
  return decode_hex(text, name, out);
}

Result<Time> time_of(const JsonValue& object, std::string_view name) {
  CLOISTER_TRY(const std::string text, text_of(object, name));
  const auto time = parse_rfc3339(text);
  if (!time.ok()) return no_receipt(std::string(name) + " is no time");
  return time.value();
}

Result<ConnectionFacts> facts_of(const JsonValue& object) {
  ConnectionFacts facts;
  CLOISTER_TRY(const std::string role, text_of(object, "role"));
  if (role != "client" && role != "server") return no_receipt("role is neither client nor server");
  facts.role = role == "client" ? ReceiptRole::kClient : ReceiptRole::kServer;
  CLOISTER_TRY(facts.peer_id, text_of(object, "peer_id"));
  const auto peer = identity::SpiffeId::parse(facts.peer_id);
  if (!peer.ok()) return no_receipt("peer_id: " + peer.error().message());
  facts.peer_id = peer->uri();
  CLOISTER_RETURN_IF_ERROR(read_hex(object, "exporter", facts.exporter));
  CLOISTER_RETURN_IF_ERROR(read_hex(object, "peer_leaf", facts.peer_leaf));
  CLOISTER_TRY(facts.protocol, word_of(object, "protocol"));
  CLOISTER_TRY(facts.cipher, word_of(object, "cipher"));
  CLOISTER_TRY(facts.group, word_of(object, "group"));
  CLOISTER_TRY(facts.local, word_of(object, "local"));
  CLOISTER_TRY(facts.remote, word_of(object, "remote"));
  CLOISTER_TRY(facts.begun, time_of(object, "begun"));
  CLOISTER_TRY(facts.ended, time_of(object, "ended"));
  CLOISTER_TRY(facts.sent, number_of(object, "sent"));
  CLOISTER_TRY(facts.received, number_of(object, "received"));
  const JsonValue* orderly = object.find("orderly");
  if (orderly == nullptr || !orderly->boolean()) return no_receipt("orderly is neither true nor false");
  facts.orderly = *orderly->boolean();
  return facts;
}

Result<ReceiptPlace> place_of(const JsonValue& object) {
  ReceiptPlace place;
  CLOISTER_TRY(const std::string log, text_of(object, "log"));
  const std::size_t slash = log.find('/');
  const std::string_view number = slash == std::string::npos ? "" : std::string_view(log).substr(slash + 1);
  if (number.empty() || number.size() > 18) return no_receipt("log isn't a log's id and a number");
  CLOISTER_RETURN_IF_ERROR(decode_hex(std::string_view(log).substr(0, slash), "log", place.log));
  for (const char c : number) {
    if (c < '0' || c > '9') return no_receipt("log isn't a log's id and a number");
    place.sequence = place.sequence * 10 + static_cast<std::uint64_t>(c - '0');
  }
  CLOISTER_RETURN_IF_ERROR(read_hex(object, "previous", place.previous));
  return place;
}

Result<std::vector<crypto::Certificate>> chain_of(const JsonValue& object) {
  const JsonValue* member = object.find("svid");
  const JsonValue::Array* all = member == nullptr ? nullptr : member->array();
  if (all == nullptr || all->empty() || all->size() > kChainMax) return no_receipt("svid is no chain of certificates");
  std::vector<crypto::Certificate> chain;
  for (const JsonValue& one : *all) {
    if (one.string() == nullptr) return no_receipt("svid is no chain of certificates");
    auto der = from_base64(*one.string());
    if (!der.ok()) return no_receipt("a certificate isn't base64");
    auto certificate = crypto::Certificate::parse(*der);
    if (!certificate.ok()) return no_receipt(certificate.error().message());
    chain.push_back(std::move(certificate).value());
  }
  return chain;
}

std::optional<crypto::JwsAlgorithm> algorithm_of(crypto::KeyType type) {
  if (type == crypto::KeyType::kEcP256) return crypto::JwsAlgorithm::kEs256;
  if (type == crypto::KeyType::kEcP384) return crypto::JwsAlgorithm::kEs384;
  return std::nullopt;
}

}  // namespace

Result<std::string> sign_receipt(const ConnectionFacts& facts, const ReceiptPlace& place,
                                 const identity::Snapshot& own) {
  const auto algorithm = algorithm_of(own.key().type());
  if (!algorithm) return Error(Code::kUnsupported, "sign a receipt: the SVID's key is neither on P-256 nor on P-384");
  crypto::MemorySigner signer(own.key().duplicate());
  const std::string payload = payload_of(facts, place, own.svid().id(), own.svid().chain());
  CLOISTER_TRY(std::string token,
               crypto::sign_jws({*algorithm, std::nullopt, std::string(kTokenType)}, as_bytes(payload), signer));
  // Facts come from a peer in part: what nobody could read isn't written.
  CLOISTER_RETURN_IF_ERROR(parse_receipt(token));
  return token;
}

crypto::Sha256Digest Receipt::digest() const { return crypto::sha256(as_bytes(token)); }

Result<Receipt> parse_receipt(std::string_view token) {
  auto jws = crypto::Jws::parse(token);
  if (!jws.ok()) return no_receipt(jws.error().message());
  if (jws->header().type != kTokenType) return no_receipt("its type is another");
  const Bytes& payload = jws->unverified_payload();
  auto object = parse_json(as_text(payload), kLimits);
  if (!object.ok() || object->object() == nullptr) return no_receipt("it is no JSON object");
  CLOISTER_TRY(const std::uint64_t version, number_of(*object, "version"));
  if (version != 1) return no_receipt("its version isn't 1");
  CLOISTER_TRY(ConnectionFacts facts, facts_of(*object));
  CLOISTER_TRY(const ReceiptPlace place, place_of(*object));
  CLOISTER_TRY(std::vector<crypto::Certificate> chain, chain_of(*object));
  CLOISTER_TRY(const identity::SpiffeId id, identity::check_leaf(chain.front(), identity::Conformance::kGoSpiffe));
  // One connection has one spelling: a reader that takes another way to write it could be told two stories.
  if (object->object()->size() != kMembers || payload_of(facts, place, id, chain) != as_text(payload)) {
    return no_receipt("it isn't written as receipts are");
  }
  return Receipt{std::move(facts), place, id, std::move(chain), std::string(token)};
}

Status verify_receipt(const Receipt& receipt, const identity::BundleSet& bundles) {
  CLOISTER_TRY(const crypto::Jws jws, crypto::Jws::parse(receipt.token));
  CLOISTER_TRY(const crypto::PublicKey key, receipt.chain.front().public_key());
  CLOISTER_RETURN_IF_ERROR(jws.verified_payload(key));
  CLOISTER_TRY(const identity::X509Svid svid,
               identity::X509Svid::from_chain(receipt.chain, identity::Conformance::kGoSpiffe));
  CLOISTER_RETURN_IF_ERROR(identity::verify_x509_svid(svid, bundles, receipt.facts.begun));
  return {};
}

}  // namespace cloister::mesh
