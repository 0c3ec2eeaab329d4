#include "kms/pkcs11/pkcs11_module.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

namespace cloister::kms {
namespace {

// PKCS#11 3.0, 5.4.4. Own names: older headers lack the type, newer ones have it.
struct Interface {
  const char* name;
  const CK_FUNCTION_LIST* functions;
  CK_FLAGS flags;
};
using GetInterface = CK_RV (*)(CK_UTF8CHAR* name, CK_VERSION* version, Interface** found, CK_FLAGS flags);
using GetFunctionList = CK_RV (*)(const CK_FUNCTION_LIST** found);

// A 3.0 list begins as a 2.40 list, and 2.40 is all that is used here.
const CK_FUNCTION_LIST* find_functions(void* library) {
  if (const auto get = reinterpret_cast<GetInterface>(::dlsym(library, "C_GetInterface"))) {
    CK_UTF8CHAR name[] = "PKCS 11";
    Interface* found = nullptr;
    if (get(name, nullptr, &found, 0) == CKR_OK && found != nullptr) return found->functions;
  }
  const CK_FUNCTION_LIST* functions = nullptr;
  const auto get = reinterpret_cast<GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
  if (get == nullptr || get(&functions) != CKR_OK) return nullptr;
  return functions;
}

}  // namespace

Result<std::shared_ptr<Pkcs11Module>> Pkcs11Module::load(const Path& path, const std::string& parameters) {
  // A library's state is the process's, so what guards it must be, too.
  static std::mutex mutex;
  static std::map<std::pair<Path, std::string>, std::weak_ptr<Pkcs11Module>> loaded;
  const std::lock_guard lock(mutex);
  std::weak_ptr<Pkcs11Module>& known = loaded[{path, parameters}];
  if (auto module = known.lock()) return module;
  // Never closed again: modules keep threads and exit handlers of their own.
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const std::string why = ::dlerror();
    const bool absent = path.has_parent_path() && ::access(path.c_str(), F_OK) != 0;
    return Error(absent ? Code::kNotFound : Code::kInvalid, "load PKCS#11 module: " + why);
  }
  const CK_FUNCTION_LIST* functions = find_functions(library);
  if (functions == nullptr) {
    return Error(Code::kInvalid, "load PKCS#11 module " + path.string() + ": it has no C_GetFunctionList");
  }
  auto module = std::shared_ptr<Pkcs11Module>(new Pkcs11Module(path, parameters, functions));
  CLOISTER_RETURN_IF_ERROR(module->initialize());
  known = module;
  return module;
}

Status Pkcs11Module::initialize() {
  const std::unique_lock lock(gate_);
  return start();
}

Status Pkcs11Module::start() {
  // NSS calls the standard's reserved field its parameters, and reads one field more: it must find a null there.
  struct {
    CK_C_INITIALIZE_ARGS standard;
    void* nss_reserved;
  } arguments{};
  arguments.standard.flags = CKF_OS_LOCKING_OK;
  arguments.standard.pReserved = parameters_.empty() ? nullptr : parameters_.data();
  const CK_RV code = functions_->C_Initialize(&arguments);
  if (code == CKR_CRYPTOKI_ALREADY_INITIALIZED) return {};
  if (code == CKR_ARGUMENTS_BAD) {
    return Error(Code::kInvalid,
                 "start PKCS#11 module " + path_.string() +
                     ": CKR_ARGUMENTS_BAD: it doesn't start with these module parameters" +
                     (parameters_.empty() ? ", which are none; NSS softoken needs its folder there" : ""));
  }
  if (code != CKR_OK) {
    return Error(Code::kUnavailable, "start PKCS#11 module " + path_.string() + ": " + ckr_name(code));
  }
  initialized_here_ = true;
  return {};
}

Status Pkcs11Module::restart(std::uint64_t seen) {
  const std::unique_lock lock(gate_);
  if (epoch_ != seen) return {};
  if (!initialized_here_) {
    return Error(Code::kUnavailable, "PKCS#11 module " + path_.string() + " isn't ours to restart");
  }
  functions_->C_Finalize(nullptr);
  ++epoch_;
  return start();
}

Pkcs11Module::~Pkcs11Module() {
  if (initialized_here_) functions_->C_Finalize(nullptr);
}

Pkcs11Token::Pkcs11Token(std::shared_ptr<Pkcs11Module> module, const Pkcs11Location& location,
                         const crypto::Secret& pin)
    : module_(std::move(module)),
      label_(location.token_label),
      wanted_serial_(location.token_serial),
      sessions_max_(std::max<std::size_t>(location.sessions_max, 1)),
      pin_(crypto::Secret::copy_of(pin.expose())) {}

Pkcs11Token::~Pkcs11Token() {
  const std::shared_lock gate(module_->gate());
  drop_sessions();
}

// Handles from before a restart may name somebody else's sessions by now.
void Pkcs11Token::drop_sessions() {
  if (epoch_ == module_->epoch()) {
    for (const CK_SESSION_HANDLE session : idle_) functions().C_CloseSession(session);
    if (anchor_ != CK_INVALID_HANDLE) functions().C_CloseSession(anchor_);
  }
  idle_.clear();
  anchor_ = CK_INVALID_HANDLE;
  epoch_ = 0;
}

Result<std::unique_ptr<Pkcs11Token>> Pkcs11Token::open(const Pkcs11Location& location, const crypto::Secret& pin) {
  CLOISTER_TRY(auto module, Pkcs11Module::load(location.module, location.module_parameters));
  auto token = std::unique_ptr<Pkcs11Token>(new Pkcs11Token(std::move(module), location, pin));
  const std::shared_lock gate(token->module_->gate());
  CLOISTER_RETURN_IF_ERROR(token->connect(token->info_));
  // Another token with that label isn't this one come back.
  token->wanted_serial_ = token->serial();
  return token;
}

Status Pkcs11Token::connect(CK_TOKEN_INFO& info) {
  CLOISTER_RETURN_IF_ERROR(find_slot(info));
  const CK_FLAGS flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
  const CK_RV code = functions().C_OpenSession(slot_, flags, nullptr, nullptr, &anchor_);
  if (code != CKR_OK) {
    return Error(Code::kUnavailable, "open a session with token \"" + label_ + "\": " + ckr_name(code));
  }
  epoch_ = module_->epoch();
  return log_in(info);
}

Status Pkcs11Token::find_slot(CK_TOKEN_INFO& found) {
  CK_ULONG count = 0;
  CK_RV code = functions().C_GetSlotList(CK_TRUE, nullptr, &count);
  std::vector<CK_SLOT_ID> slots(count);
  if (code == CKR_OK) code = functions().C_GetSlotList(CK_TRUE, slots.data(), &count);
  if (code != CKR_OK) return Error(Code::kUnavailable, "list PKCS#11 tokens: " + ckr_name(code));
  slots.resize(std::min<std::size_t>(slots.size(), count));
  std::size_t matches = 0;
  for (const CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO info{};
    if (functions().C_GetTokenInfo(slot, &info) != CKR_OK || padded_text(info.label) != label_) continue;
    if (!wanted_serial_.empty() && padded_text(info.serialNumber) != wanted_serial_) continue;
    slot_ = slot;
    found = info;
    ++matches;
  }
  if (matches == 0) {
    const std::string serial = wanted_serial_.empty() ? "" : " and has the serial number " + wanted_serial_;
    return Error(Code::kNotFound, "no PKCS#11 token is labelled \"" + label_ + "\"" + serial);
  }
  if (matches > 1) return Error(Code::kInvalid, "several PKCS#11 tokens are labelled \"" + label_ + "\"");
  return {};
}

Status Pkcs11Token::log_in(const CK_TOKEN_INFO& info) {
  if ((info.flags & CKF_LOGIN_REQUIRED) == 0) return {};
  const ByteView pin = pin_.expose();
  const bool pin_pad = (info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0 && pin.empty();
  auto* text = pin_pad ? nullptr : const_cast<CK_UTF8CHAR*>(pin.data());
  const CK_RV code = functions().C_Login(anchor_, CKU_USER, text, pin_pad ? 0 : pin.size());
  switch (code) {
    case CKR_OK:
    case CKR_USER_ALREADY_LOGGED_IN: return {};
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE: return Error(Code::kDenied, "log in to token \"" + label_ + "\": the PIN is wrong");
    case CKR_PIN_LOCKED: return Error(Code::kDenied, "log in to token \"" + label_ + "\": the PIN is locked");
    case CKR_USER_TYPE_INVALID:  // NSS's word for it
    case CKR_USER_PIN_NOT_INITIALIZED:
      return Error(Code::kDenied, "log in to token \"" + label_ + "\": the token has no user PIN yet");
    default: return Error(Code::kUnavailable, "log in to token \"" + label_ + "\": " + ckr_name(code));
  }
}

CK_RV Pkcs11Token::take(CK_SESSION_HANDLE& session, std::uint64_t& generation) {
  CK_SLOT_ID slot = 0;
  {
    const std::lock_guard lock(mutex_);
    generation = generation_;
    slot = slot_;
    if (epoch_ != module_->epoch()) return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!idle_.empty()) {
      session = idle_.back();
      idle_.pop_back();
      return CKR_OK;
    }
  }
  return functions().C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session);
}

void Pkcs11Token::give_back(CK_SESSION_HANDLE session, std::uint64_t generation, Fit fit) {
  const std::lock_guard lock(mutex_);
  // A handle from before a reconnection may name somebody else's session by now.
  if (generation != generation_) return;
  if (fit == Fit::kForReuse) {
    idle_.push_back(session);
  } else {
    functions().C_CloseSession(session);
  }
}

CK_RV Pkcs11Token::rebuild(std::uint64_t lost_generation, const Use& recover, std::uint64_t& epoch) {
  // A restart that failed, for want of a token, has left the library finalised.
  const bool started = module_->initialize().ok();
  const std::shared_lock gate(module_->gate());
  const std::lock_guard lock(mutex_);
  epoch = module_->epoch();
  if (generation_ != lost_generation) return CKR_OK;  // another thread was quicker
  drop_sessions();
  CK_TOKEN_INFO info{};
  const bool connected = started && connect(info).ok();
  const CK_RV code = connected ? recover(anchor_) : static_cast<CK_RV>(CKR_DEVICE_REMOVED);
  if (code == CKR_OK) {
    ++generation_;
  } else {
    drop_sessions();
  }
  return code;
}

CK_RV Pkcs11Token::reconnect(std::uint64_t lost_generation, const Use& recover) {
  std::uint64_t epoch = 0;
  const CK_RV code = rebuild(lost_generation, recover, epoch);
  if (code == CKR_OK || !module_->restart(epoch).ok()) return code;
  return rebuild(lost_generation, recover, epoch);
}

// One of the sessions that may be open at once.
class Pkcs11Token::Turn {
 public:
  explicit Turn(Pkcs11Token& token) : token_(token) {
    std::unique_lock lock(token_.turn_mutex_);
    token_.turn_over_.wait(lock, [this] { return token_.in_use_ < token_.sessions_max_; });
    ++token_.in_use_;
  }
  ~Turn() {
    const std::lock_guard lock(token_.turn_mutex_);
    --token_.in_use_;
    token_.turn_over_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Pkcs11Token& token_;
};

CK_RV Pkcs11Token::once(const Use& use, std::uint64_t& generation) {
  const std::shared_lock gate(module_->gate());
  CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
  CK_RV code = take(session, generation);
  if (code != CKR_OK) return code;
  code = use(session);
  // A session in which something failed may have an operation under way: it is not used again.
  if (!means_lost(code)) give_back(session, generation, code == CKR_OK ? Fit::kForReuse : Fit::kForClosing);
  return code;
}

CK_RV Pkcs11Token::with_session(const Use& use, const Use& recover) {
  const Turn turn(*this);
  CK_RV code = CKR_OK;
  for (int attempt = 0; attempt < 2; ++attempt) {
    std::uint64_t generation = 0;
    code = once(use, generation);
    if (means_lost(code)) {
      const CK_RV rebuilt = reconnect(generation, recover);
      if (rebuilt != CKR_OK) return rebuilt;
    } else if (code != CKR_OPERATION_ACTIVE) {
      return code;
    }
  }
  return code;
}

}  // namespace cloister::kms
