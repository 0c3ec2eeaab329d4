#include "kms/pkcs11/pkcs11_key.h"

#include <algorithm>
#include <atomic>

#include "crypto/aead.h"
#include "kms/pkcs11/pkcs11_module.h"
#include "kms/pkcs11/pkcs11_probe.h"

namespace cloister::kms {
namespace {

constexpr std::uint32_t kKeyVersion = 1;
constexpr std::size_t kSealedSize = crypto::kKeySize + crypto::kTagSize;

Error token_error(const std::string& doing, CK_RV code) {
  return Error(Code::kUnavailable, doing + ": " + ckr_name(code));
}

struct Search {
  CK_RV code = CKR_OK;
  CK_ULONG matches = 0;
  CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
};

Search find_key(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session, const std::string& label) {
  CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
  CK_BBOOL yes = CK_TRUE;
  CK_ATTRIBUTE pattern[] = {{CKA_CLASS, &object_class, sizeof object_class},
                            {CKA_TOKEN, &yes, sizeof yes},
                            {CKA_LABEL, const_cast<char*>(label.data()), label.size()}};
  Search search;
  search.code = functions.C_FindObjectsInit(session, pattern, std::size(pattern));
  if (search.code != CKR_OK) return search;
  CK_OBJECT_HANDLE found[2] = {};
  search.code = functions.C_FindObjects(session, found, 2, &search.matches);
  functions.C_FindObjectsFinal(session);
  search.key = found[0];
  return search;
}

CK_RV generate_key(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session, const std::string& label) {
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_ULONG size = crypto::kKeySize;
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  CK_ATTRIBUTE attributes[] = {
      {CKA_TOKEN, &yes, sizeof yes},
      {CKA_PRIVATE, &yes, sizeof yes},
      {CKA_SENSITIVE, &yes, sizeof yes},
      {CKA_EXTRACTABLE, &no, sizeof no},
      {CKA_MODIFIABLE, &no, sizeof no},
      {CKA_ENCRYPT, &yes, sizeof yes},
      {CKA_DECRYPT, &yes, sizeof yes},
      {CKA_WRAP, &no, sizeof no},
      {CKA_UNWRAP, &no, sizeof no},
      {CKA_SIGN, &no, sizeof no},
      {CKA_VERIFY, &no, sizeof no},
      {CKA_VALUE_LEN, &size, sizeof size},
      {CKA_LABEL, const_cast<char*>(label.data()), label.size()},
  };
  CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
  return functions.C_GenerateKey(session, &mechanism, attributes, std::size(attributes), &key);
}

crypto::WrapContext probe_context(std::string_view object) {
  crypto::WrapContext context;
  context.purpose = "probe";
  context.object = to_bytes(as_bytes(object));
  return context;
}

}  // namespace

struct Pkcs11Key::State {
  std::unique_ptr<Pkcs11Token> token;
  std::string key_label;
  std::string key_id;
  crypto::Random* random = nullptr;
  std::atomic<CK_OBJECT_HANDLE> key{CK_INVALID_HANDLE};
  GcmLayout layout = GcmLayout::kWithIvBits;
  CK_RV wrong_tag_code = CKR_ENCRYPTED_DATA_INVALID;
  Pkcs11Description description;

  CK_RV run(const Pkcs11Token::Use& use) {
    return token->with_session(use, [this](CK_SESSION_HANDLE session) {
      const Search search = find_key(token->functions(), session, key_label);
      if (search.code != CKR_OK) return search.code;
      if (search.matches != 1) return static_cast<CK_RV>(CKR_OBJECT_HANDLE_INVALID);
      key = search.key;
      return static_cast<CK_RV>(CKR_OK);
    });
  }
  Status locate(IfAbsent if_absent);
  Status look_at_attributes();
  Status probe();
  Status probe_gcm();
  CK_RV encrypt(ByteView aad, const crypto::KeyMaterial& plaintext, crypto::WrappedKey& out);
  CK_RV decrypt(ByteView aad, const crypto::WrappedKey& wrapped, crypto::Secret& out);
};

Status Pkcs11Key::State::locate(IfAbsent if_absent) {
  const std::string doing = "find key \"" + key_label + "\"";
  const CK_FUNCTION_LIST& functions = token->functions();
  Search search;
  CK_RV code = run([&](CK_SESSION_HANDLE session) {
    search = find_key(functions, session, key_label);
    if (search.code != CKR_OK || search.matches != 0 || if_absent == IfAbsent::kRefuse) return search.code;
    const CK_RV generated = generate_key(functions, session, key_label);
    if (generated != CKR_OK) return generated;
    search = find_key(functions, session, key_label);
    return search.code;
  });
  if (code != CKR_OK) return token_error(doing, code);
  if (search.matches == 0) return Error(Code::kNotFound, doing + ": the token has no secret key with this label");
  if (search.matches > 1) return Error(Code::kInvalid, doing + ": the token has several keys with this label");
  key = search.key;
  return {};
}

// What the token doesn't say counts against the key.
Status Pkcs11Key::State::look_at_attributes() {
  KeyAttributes attributes;
  const CK_RV code = run([&](CK_SESSION_HANDLE session) {
    attributes = read_key_attributes(token->functions(), session, key);
    return static_cast<CK_RV>(CKR_OK);
  });
  if (code != CKR_OK) return token_error("read the attributes of key \"" + key_label + "\"", code);
  const auto is = [](const std::optional<bool>& value, bool wanted) { return value.has_value() && *value == wanted; };
  const std::string key_name = "key \"" + key_label + "\" in the token ";
  if (!attributes.aes_256) return Error(Code::kDenied, key_name + "isn't a 256-bit AES key");
  if (!is(attributes.sensitive, true)) return Error(Code::kDenied, key_name + "isn't sensitive: it can be read out");
  if (!is(attributes.extractable, false))
    return Error(Code::kDenied, key_name + "is extractable: it can leave the token");
  description.sensitive = true;
  description.extractable = false;
  description.always_sensitive = is(attributes.always_sensitive, true);
  description.never_extractable = is(attributes.never_extractable, true);
  description.local = is(attributes.local, true);
  return {};
}

CK_RV Pkcs11Key::State::encrypt(ByteView aad, const crypto::KeyMaterial& plaintext, crypto::WrappedKey& out) {
  const CK_FUNCTION_LIST& functions = token->functions();
  return run([&](CK_SESSION_HANDLE session) {
    // The token may write an IV of its own choice into this buffer: what is there afterwards is what counts.
    out.parameters.assign(crypto::kNonceSize, 0);
    random->fill(out.parameters);
    out.ciphertext.assign(kSealedSize, 0);
    GcmMechanism mechanism(layout, out.parameters, aad);
    CK_RV code = functions.C_EncryptInit(session, mechanism.get(), key);
    if (code != CKR_OK) return code;
    auto* raw = const_cast<CK_BYTE*>(plaintext.secret().expose().data());
    CK_ULONG size = out.ciphertext.size();
    code = functions.C_Encrypt(session, raw, crypto::kKeySize, out.ciphertext.data(), &size);
    return code == CKR_OK && size != kSealedSize ? static_cast<CK_RV>(CKR_DEVICE_ERROR) : code;
  });
}

CK_RV Pkcs11Key::State::decrypt(ByteView aad, const crypto::WrappedKey& wrapped, crypto::Secret& out) {
  const CK_FUNCTION_LIST& functions = token->functions();
  return run([&](CK_SESSION_HANDLE session) {
    Bytes iv = wrapped.parameters;
    GcmMechanism mechanism(layout, iv, aad);
    CK_RV code = functions.C_DecryptInit(session, mechanism.get(), key);
    if (code != CKR_OK) return code;
    // Some modules want room for the ciphertext's length.
    crypto::Secret room(kSealedSize);
    CK_ULONG size = room.size();
    auto* sealed = const_cast<CK_BYTE*>(wrapped.ciphertext.data());
    code = functions.C_Decrypt(session, sealed, wrapped.ciphertext.size(), room.expose_mutable().data(), &size);
    if (code == CKR_OK && size != crypto::kKeySize) code = CKR_DEVICE_ERROR;
    if (code == CKR_OK) out = crypto::Secret::copy_of(room.expose().first(crypto::kKeySize));
    return code;
  });
}

// A wrap must open again, and must not open with one bit of its context or its bytes changed.
Status Pkcs11Key::State::probe_gcm() {
  const crypto::KeyMaterial known = crypto::KeyMaterial::random(*random);
  const Bytes aad = probe_context("known").canonical(crypto::WrapType::kPkcs11, key_id, kKeyVersion);
  const Bytes other_aad = probe_context("other").canonical(crypto::WrapType::kPkcs11, key_id, kKeyVersion);
  crypto::WrappedKey wrapped;
  crypto::Secret opened;
  CK_RV code = encrypt(aad, known, wrapped);
  if (code != CKR_OK) return Error(Code::kUnsupported, "CKM_AES_GCM doesn't wrap: " + ckr_name(code));
  code = decrypt(aad, wrapped, opened);
  if (code != CKR_OK || !crypto::equal_constant_time(opened.expose(), known.secret().expose())) {
    return Error(Code::kUnsupported, "CKM_AES_GCM doesn't open what it wrapped: " + ckr_name(code));
  }
  wrong_tag_code = decrypt(other_aad, wrapped, opened);
  if (wrong_tag_code == CKR_OK) return Error(Code::kUnsupported, "CKM_AES_GCM doesn't bind the context");
  wrapped.ciphertext.back() ^= 1;
  if (decrypt(aad, wrapped, opened) == CKR_OK) return Error(Code::kUnsupported, "CKM_AES_GCM doesn't check its tag");
  return {};
}

Status Pkcs11Key::State::probe() {
  Status status = probe_gcm();
  if (!status.ok()) {
    layout = GcmLayout::kWithoutIvBits;
    // Of two failures the first says more.
    if (!probe_gcm().ok()) return status;
  }
  description.wrap_mechanism = "CKM_AES_GCM";
  CK_RV code = run([&](CK_SESSION_HANDLE session) {
    description.key_wrap_pad_meaning = probe_key_wrap_pad(token->functions(), token->slot(), session);
    return static_cast<CK_RV>(CKR_OK);
  });
  if (code != CKR_OK) return token_error("probe the token", code);
  description.token_serial = token->serial();
  description.token_model = padded_text(token->info().model);
  description.manufacturer = padded_text(token->info().manufacturerID);
  description.library = library_text(token->functions());
  return {};
}

Pkcs11Key::Pkcs11Key(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pkcs11Key::~Pkcs11Key() = default;

Result<std::unique_ptr<Pkcs11Key>> Pkcs11Key::open(const Pkcs11Location& location, const crypto::Secret& pin,
                                                   IfAbsent if_absent, crypto::Random& random) {
  auto state = std::make_unique<State>();
  CLOISTER_TRY(state->token, Pkcs11Token::open(location, pin));
  state->key_label = location.key_label;
  state->key_id = "pkcs11:" + state->token->serial() + ":" + location.key_label;
  if (location.key_label.empty() || state->key_id.size() > 512) {
    return Error(Code::kInvalid, "a PKCS#11 key's label has 1 to 480 bytes");
  }
  state->random = &random;
  const std::string doing = "open PKCS#11 token \"" + location.token_label + "\"";
  CLOISTER_RETURN_IF_ERROR(state->locate(if_absent).with_context(doing));
  CLOISTER_RETURN_IF_ERROR(state->look_at_attributes().with_context(doing));
  CLOISTER_RETURN_IF_ERROR(state->probe().with_context(doing));
  return std::unique_ptr<Pkcs11Key>(new Pkcs11Key(std::move(state)));
}

std::string Pkcs11Key::key_id() const { return state_->key_id; }
const Pkcs11Description& Pkcs11Key::description() const { return state_->description; }

Result<crypto::WrappedKey> Pkcs11Key::wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) {
  crypto::WrappedKey wrapped{crypto::WrapType::kPkcs11, state_->key_id, kKeyVersion, {}, {}};
  const Bytes aad = context.canonical(wrapped.type, wrapped.key_id, wrapped.key_version);
  const CK_RV code = state_->encrypt(aad, key, wrapped);
  if (code != CKR_OK) return token_error("wrap with " + state_->key_id, code);
  return wrapped;
}

Result<crypto::KeyMaterial> Pkcs11Key::unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) {
  if (wrapped.type != crypto::WrapType::kPkcs11 || wrapped.key_id != state_->key_id ||
      wrapped.key_version != kKeyVersion) {
    return Error(Code::kNotFound, "not wrapped by " + state_->key_id);
  }
  if (wrapped.parameters.size() != crypto::kNonceSize || wrapped.ciphertext.size() != kSealedSize) {
    return Error(Code::kCorrupt, "a PKCS#11 wrap has 12 bytes of parameters and 48 of ciphertext");
  }
  const Bytes aad = context.canonical(wrapped.type, wrapped.key_id, wrapped.key_version);
  crypto::Secret opened;
  const CK_RV code = state_->decrypt(aad, wrapped, opened);
  if (code == state_->wrong_tag_code || code == CKR_ENCRYPTED_DATA_INVALID || code == CKR_ENCRYPTED_DATA_LEN_RANGE) {
    return Error(Code::kDenied, "the wrap doesn't open with " + state_->key_id + " in this context");
  }
  if (code != CKR_OK) return token_error("unwrap with " + state_->key_id, code);
  return crypto::KeyMaterial::from_secret(std::move(opened));
}

}  // namespace cloister::kms
