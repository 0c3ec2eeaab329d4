#include "kms/pkcs11/pkcs11_provider.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/reader.h"
#include "kms/pkcs11/pkcs11_ciphers.h"
#include "kms/pkcs11/pkcs11_module.h"
#include "kms/pkcs11/pkcs11_posture.h"
#include "kms/pkcs11/pkcs11_uri.h"

namespace cloister::kms {
namespace {

constexpr std::size_t kKeysOfAPage = 100;

// A key, where it is at the moment and how it is used.
struct ReadyKey {
  TokenKey key;
  CK_OBJECT_HANDLE public_half = CK_INVALID_HANDLE;
  std::optional<TokenCipher> cipher;  // nothing: it was only looked at
  GcmLayout layout = GcmLayout::kWithIvBits;
};

bool plain_label(const std::string& label) { return !label.empty() && is_plain_utf8(label); }

}  // namespace

struct Pkcs11Provider::State {
  std::unique_ptr<Pkcs11Token> token;
  std::string name;
  std::shared_ptr<EvidenceSink> evidence;
  Waiting waiting;
  crypto::SystemRandom random;
  TokenCiphers ciphers;
  TokenHome home = TokenHome::kUnknown;

  std::mutex mutex;
  std::map<std::string, ReadyKey> ready;  // by the name in full; forgotten when the token was lost

  // For a session of the pool; what is found again after a loss is found by `use` itself.
  CK_RV run(const Pkcs11Token::Use& use) {
    return token->with_session(use, [this](CK_SESSION_HANDLE) {
      const std::lock_guard lock(mutex);
      ready.clear();
      return static_cast<CK_RV>(CKR_OK);
    });
  }
  std::string doing(const char* operation, const std::string& key) const {
    return name + ": " + operation + (key.empty() ? "" : " " + key);
  }
  std::string full_name(const TokenKeyFacts& facts) const;
  bool is_this_token(const Pkcs11Uri& uri) const;
  Result<Pkcs11Uri> pattern_of(const std::string& key) const;
  Result<std::vector<TokenKey>> find(const char* operation, const std::string& key, const Pkcs11Uri& uri);
  Result<TokenKey> find_one(const char* operation, const std::string& key);
  void keep(const char* operation, const std::string& key, CK_RV code, std::string body, bool withheld);

  CK_RV find_present(CK_SESSION_HANDLE session, const Pkcs11Uri& uri, std::vector<TokenKey>& found);

  using Operation = std::function<CK_RV(const CipherUse&)>;
  Result<CK_RV> with_key(const char* operation, const std::string& key, std::optional<TokenCipher> cipher,
                         const Operation& operate);
  CK_RV make_ready(CK_SESSION_HANDLE session, const Pkcs11Uri& uri, std::size_t& matches, ReadyKey& out);
  CK_RV probe(const CipherUse& use);
  CK_RV choose_cipher(CK_SESSION_HANDLE session, ReadyKey& ready_key);
  Status look_at_token();
};

std::string Pkcs11Provider::State::full_name(const TokenKeyFacts& facts) const {
  Pkcs11Uri uri;
  uri.token = padded_text(token->info().label);
  uri.serial = token->serial();
  if (plain_label(facts.label)) uri.object = facts.label;
  if (!facts.id.empty()) uri.id = facts.id;
  uri.type = facts.object_class == CKO_SECRET_KEY ? Pkcs11Uri::Type::kSecretKey : Pkcs11Uri::Type::kPrivateKey;
  return to_string(uri);
}

bool Pkcs11Provider::State::is_this_token(const Pkcs11Uri& uri) const {
  const auto fits = [](const std::optional<std::string>& wanted, const std::string& is) {
    return !wanted || *wanted == is;
  };
  const CK_TOKEN_INFO& info = token->info();
  return fits(uri.token, padded_text(info.label)) && fits(uri.serial, padded_text(info.serialNumber)) &&
         fits(uri.model, padded_text(info.model)) && fits(uri.manufacturer, padded_text(info.manufacturerID));
}

// A label, or a URI.
Result<Pkcs11Uri> Pkcs11Provider::State::pattern_of(const std::string& key) const {
  if (key.starts_with("pkcs11:")) return parse_pkcs11_uri(key).with_context(name);
  if (!plain_label(key) || key.size() > kPkcs11UriMax) {
    return Error(Code::kInvalid, name + ": a key is named by its label or by a PKCS#11 URI");
  }
  Pkcs11Uri uri;
  uri.object = key;
  return uri;
}

void Pkcs11Provider::State::keep(const char* operation, const std::string& key, CK_RV code, std::string body,
                                 bool withheld) {
  if (!evidence) return;
  evidence->keep({waiting.now(), name, operation, key, {}, static_cast<unsigned>(code), std::move(body), withheld});
}

// A token that is gone may answer that it has no keys: SoftHSM does.
CK_RV Pkcs11Provider::State::find_present(CK_SESSION_HANDLE session, const Pkcs11Uri& uri,
                                          std::vector<TokenKey>& found) {
  const CK_RV code = find_token_keys(token->functions(), session, uri, found);
  CK_TOKEN_INFO info{};
  if (code != CKR_OK || !found.empty() || token->functions().C_GetTokenInfo(token->slot(), &info) == CKR_OK) {
    return code;
  }
  return CKR_TOKEN_NOT_PRESENT;
}

Result<std::vector<TokenKey>> Pkcs11Provider::State::find(const char* operation, const std::string& key,
                                                          const Pkcs11Uri& uri) {
  std::vector<TokenKey> found;
  if (!is_this_token(uri)) return found;
  const CK_RV code = run([&](CK_SESSION_HANDLE session) { return find_present(session, uri, found); });
  if (code != CKR_OK) return pkcs11_error(doing(operation, key), code);
  return found;
}

Result<TokenKey> Pkcs11Provider::State::find_one(const char* operation, const std::string& key) {
  CLOISTER_TRY(const Pkcs11Uri uri, pattern_of(key));
  CLOISTER_TRY(std::vector<TokenKey> found, find(operation, key, uri));
  if (found.empty()) return Error(Code::kNotFound, doing(operation, key) + ": the token has no such key");
  if (found.size() > 1) return Error(Code::kInvalid, doing(operation, key) + ": the token has several such keys");
  return std::move(found.front());
}

// A wrap must open again; what binds a context must not open in another; no changed bit may pass.
CK_RV Pkcs11Provider::State::probe(const CipherUse& use) {
  crypto::Secret known(64);
  random.fill(known.expose_mutable());
  const Bytes context = canonical({{"purpose", "probe"}});
  Bytes wrapped;
  CK_RV code = wrap_bytes(use, known, context, random, wrapped);
  if (code != CKR_OK) return code;
  crypto::Secret opened;
  code = unwrap_bytes(use, wrapped, context, opened);
  if (code != CKR_OK) return code;
  if (!crypto::equal_constant_time(opened.expose(), known.expose())) return CKR_MECHANISM_INVALID;
  if (use.cipher != TokenCipher::kAesGcm) return CKR_OK;
  const Bytes other = canonical({{"purpose", "other"}});
  if (unwrap_bytes(use, wrapped, other, opened) == CKR_OK) return CKR_MECHANISM_INVALID;
  wrapped.back() ^= 1;
  return unwrap_bytes(use, wrapped, context, opened) == CKR_OK ? CKR_MECHANISM_INVALID : CKR_OK;
}

CK_RV Pkcs11Provider::State::choose_cipher(CK_SESSION_HANDLE session, ReadyKey& ready_key) {
  CK_RV last = CKR_MECHANISM_INVALID;
  for (const TokenCipher cipher : ciphers_for(ready_key.key.facts, ciphers)) {
    for (const GcmLayout layout : {GcmLayout::kWithIvBits, GcmLayout::kWithoutIvBits}) {
      if (layout == GcmLayout::kWithoutIvBits && cipher != TokenCipher::kAesGcm) continue;
      const CipherUse use{token->functions(),
                          session,
                          ready_key.key.handle,
                          ready_key.public_half,
                          cipher,
                          layout,
                          ciphers.key_wrap_with_padding.value_or(0)};
      last = probe(use);
      if (means_lost(last)) return last;
      if (last != CKR_OK) continue;
      ready_key.cipher = cipher;
      ready_key.layout = layout;
      return CKR_OK;
    }
  }
  return last;
}

CK_RV Pkcs11Provider::State::make_ready(CK_SESSION_HANDLE session, const Pkcs11Uri& uri, std::size_t& matches,
                                        ReadyKey& out) {
  std::vector<TokenKey> found;
  CK_RV code = find_present(session, uri, found);
  if (code != CKR_OK) return code;
  matches = found.size();
  if (matches != 1) return code;
  ReadyKey ready_key;
  ready_key.key = std::move(found.front());
  if (ready_key.key.facts.type == CKK_RSA) {
    code = find_public_half(token->functions(), session, ready_key.key.facts.id, ready_key.public_half);
    if (code != CKR_OK) return code;
    if (ready_key.public_half == CK_INVALID_HANDLE) return CKR_MECHANISM_INVALID;
  }
  code = choose_cipher(session, ready_key);
  if (code != CKR_OK) return code;
  out = ready_key;
  const std::lock_guard lock(mutex);
  ready[to_string(uri)] = std::move(ready_key);
  return CKR_OK;
}

// Finds the key and its cipher when they aren't known, and runs `operate`; the value it returned is the result. With
// `cipher`, that one is used in place of the key's best.
Result<CK_RV> Pkcs11Provider::State::with_key(const char* operation, const std::string& key,
                                              std::optional<TokenCipher> cipher, const Operation& operate) {
  CLOISTER_TRY(const Pkcs11Uri uri, pattern_of(key));
  std::size_t matches = is_this_token(uri) ? 1 : 0;
  const std::string spelled = to_string(uri);
  bool prepared = false;
  const CK_RV code = matches == 0 ? CKR_OK : run([&](CK_SESSION_HANDLE session) {
    ReadyKey ready_key;
    {
      const std::lock_guard lock(mutex);
      const auto known = ready.find(spelled);
      if (known != ready.end()) ready_key = known->second;
    }
    prepared = ready_key.cipher.has_value();
    if (!prepared) {
      const CK_RV made = make_ready(session, uri, matches, ready_key);
      if (made != CKR_OK || matches != 1) return made;
      prepared = true;
    }
    const CipherUse use{token->functions(),
                        session,
                        ready_key.key.handle,
                        ready_key.public_half,
                        cipher.value_or(*ready_key.cipher),
                        ready_key.layout,
                        ciphers.key_wrap_with_padding.value_or(0)};
    return operate(use);
  });
  const std::string what = doing(operation, key);
  if (matches == 0) return Error(Code::kNotFound, what + ": the token has no such key");
  if (matches > 1) return Error(Code::kInvalid, what + ": the token has several such keys");
  if (code != CKR_OK && !prepared && code_of(code) != Code::kUnavailable) {
    return Error(Code::kUnsupported, what + ": no cipher of the token works with this key: " + ckr_name(code));
  }
  return code;
}

Status Pkcs11Provider::State::look_at_token() {
  const CK_RV code = run([this](CK_SESSION_HANDLE session) {
    CK_SLOT_INFO info{};
    if (token->functions().C_GetSlotInfo(token->slot(), &info) == CKR_OK) {
      home = (info.flags & CKF_HW_SLOT) != 0 ? TokenHome::kHardware : TokenHome::kSoftware;
    }
    return look_at_ciphers(token->functions(), token->slot(), session, ciphers);
  });
  if (code != CKR_OK) return pkcs11_error(doing("look at the token", ""), code);
  return {};
}

Pkcs11Provider::Pkcs11Provider(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pkcs11Provider::~Pkcs11Provider() = default;

Result<std::shared_ptr<Pkcs11Provider>> Pkcs11Provider::create(const Pkcs11ProviderOptions& options,
                                                               const crypto::Secret& pin,
                                                               std::shared_ptr<EvidenceSink> evidence,
                                                               Waiting waiting) {
  auto state = std::make_unique<State>();
  state->name = "pkcs11 " + options.token_label;
  state->evidence = std::move(evidence);
  state->waiting = std::move(waiting);
  const Pkcs11Location location{options.module,       options.token_label, "", options.module_parameters,
                                options.token_serial, options.sessions_max};
  CLOISTER_TRY(state->token, Pkcs11Token::open(location, pin).with_context(state->name));
  CLOISTER_RETURN_IF_ERROR(state->look_at_token());
  return std::shared_ptr<Pkcs11Provider>(new Pkcs11Provider(std::move(state)));
}

const std::string& Pkcs11Provider::name() const { return state_->name; }

Result<std::string> Pkcs11Provider::resolve(const std::string& key) {
  CLOISTER_TRY(const TokenKey found, state_->find_one("resolve", key));
  if (!plain_label(found.facts.label) && found.facts.id.empty()) {
    return Error(Code::kInvalid, state_->doing("resolve", key) + ": the key has neither a label nor an id");
  }
  return state_->full_name(found.facts);
}

Result<ProviderWrap> Pkcs11Provider::wrap(const std::string& key, const crypto::Secret& plaintext,
                                          const ContextMap& context) {
  const std::string what = state_->doing("wrap with", key);
  if (plaintext.empty() || plaintext.size() > kProviderPlaintextMax) {
    return Error(Code::kInvalid, what + ": 1 to 128 bytes can be wrapped");
  }
  const Bytes bound = canonical(context);
  ProviderWrap made;
  CLOISTER_TRY(const CK_RV code, state_->with_key("wrap with", key, {}, [&](const CipherUse& use) {
    made.key_version = token_cipher_name(use.cipher);
    return wrap_bytes(use, plaintext, bound, state_->random, made.ciphertext);
  }));
  state_->keep("wrap", key, code, {}, true);
  if (code != CKR_OK) return pkcs11_error(what, code);
  return made;
}

Result<crypto::Secret> Pkcs11Provider::unwrap(const std::string& key, const ProviderWrap& wrapped,
                                              const ContextMap& context) {
  const std::string what = state_->doing("unwrap with", key);
  const auto cipher = token_cipher_of(wrapped.key_version);
  if (!cipher) return Error(Code::kCorrupt, what + ": the wrap says of no known cipher that it was made by it");
  const Bytes bound = canonical(context);
  crypto::Secret opened;
  const auto open = [&](const CipherUse& use) { return unwrap_bytes(use, wrapped.ciphertext, bound, opened); };
  CLOISTER_TRY(CK_RV code, state_->with_key("unwrap with", key, cipher, open));
  state_->keep("unwrap", key, code, {}, true);
  if (code == CKR_OK) return opened;
  // Modules have many words for a wrap that doesn't open, and use the same ones for trouble of their own. In a session
  // of its own: this one may be in the middle of something.
  CLOISTER_TRY(const CK_RV works, state_->with_key("unwrap with", key, cipher,
                                                   [this](const CipherUse& use) { return state_->probe(use); }));
  if (works != CKR_OK) return pkcs11_error(what, means_lost(code) ? code : works);
  CLOISTER_TRY(code, state_->with_key("unwrap with", key, cipher, open));
  if (code == CKR_OK) return opened;
  if (means_lost(code)) return pkcs11_error(what, code);
  return Error(Code::kDenied, what + ": the wrap doesn't open: " + ckr_name(code));
}

Result<KeyPosture> Pkcs11Provider::describe(const std::string& key) {
  CLOISTER_TRY(const TokenKey found, state_->find_one("describe", key));
  state_->keep("describe", key, CKR_OK, to_json(found.facts), false);
  return posture_of(state_->full_name(found.facts), found.facts, state_->home, state_->waiting.now());
}

Result<KeyPage> Pkcs11Provider::list(const std::string& cursor) {
  std::size_t from = 0;
  const auto [end, error] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), from);
  if (!cursor.empty() && (error != std::errc() || end != cursor.data() + cursor.size())) {
    return Error(Code::kInvalid, state_->doing("list", "") + ": no such cursor");
  }
  CLOISTER_TRY(const std::vector<TokenKey> found, state_->find("list", "", {}));
  std::vector<std::string> names;
  for (const TokenKey& key : found) {
    if (plain_label(key.facts.label) || !key.facts.id.empty()) names.push_back(state_->full_name(key.facts));
  }
  std::ranges::sort(names);
  // Two keys that nothing tells apart are one name, which no call will take.
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  state_->keep("list", "", CKR_OK, std::to_string(found.size()) + " keys", false);
  KeyPage page;
  const std::size_t begin = std::min(from, names.size());
  const std::size_t stop = std::min(begin + kKeysOfAPage, names.size());
  page.keys.assign(names.begin() + static_cast<std::ptrdiff_t>(begin),
                   names.begin() + static_cast<std::ptrdiff_t>(stop));
  if (stop < names.size()) page.next = std::to_string(stop);
  return page;
}

Result<ProviderHealth> Pkcs11Provider::health() {
  CK_SESSION_INFO session_info{};
  CK_TOKEN_INFO token_info{};
  const CK_RV code = state_->run([&](CK_SESSION_HANDLE session) {
    const CK_FUNCTION_LIST& functions = state_->token->functions();
    const CK_RV asked = functions.C_GetSessionInfo(session, &session_info);
    return asked == CKR_OK ? functions.C_GetTokenInfo(state_->token->slot(), &token_info) : asked;
  });
  state_->keep("health", "", code, code == CKR_OK ? padded_text(token_info.label) : "", false);
  if (code != CKR_OK) return ProviderHealth{false, ckr_name(code)};
  std::string detail = "token " + padded_text(token_info.label) + " present, " + padded_text(token_info.model);
  const bool logged_in = session_info.state == CKS_RW_USER_FUNCTIONS || session_info.state == CKS_RO_USER_FUNCTIONS;
  const bool login_needed = (token_info.flags & CKF_LOGIN_REQUIRED) != 0;
  if (login_needed && !logged_in) return ProviderHealth{false, detail + ", not logged in"};
  return ProviderHealth{true, std::move(detail)};
}

}  // namespace cloister::kms
