// A PKCS#11 module in front of another one ($PKCS11_SHIM_MODULE) whose functions can be told to fail: for the faults
// that no real token can be brought to on demand.
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

namespace {

struct Failure {
  CK_RV code;
  int times;
};

struct Shim {
  CK_FUNCTION_LIST* real = nullptr;
  CK_FUNCTION_LIST list{};
  std::mutex mutex;
  std::map<std::string, Failure> failures;
};

// Never destroyed: modules outlive what static destructors would take away.
Shim& shim() {
  static Shim* const one = new Shim;
  return *one;
}

// The code with which this call fails, or CKR_OK.
CK_RV failure_of(const char* function) {
  const std::lock_guard lock(shim().mutex);
  const auto found = shim().failures.find(function);
  if (found == shim().failures.end() || found->second.times == 0) return CKR_OK;
  --found->second.times;
  return found->second.code;
}

template <typename Function, typename... Arguments>
CK_RV call(const char* name, Function CK_FUNCTION_LIST::* function, Arguments... arguments) {
  const CK_RV code = failure_of(name);
  return code == CKR_OK ? (shim().real->*function)(arguments...) : code;
}

}  // namespace

extern "C" {

// The next `times` calls of `function` return `code`.
void pkcs11_shim_fail(const char* function, CK_RV code, int times) {
  const std::lock_guard lock(shim().mutex);
  shim().failures[function] = {code, times};
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID* slots, CK_ULONG* count) {
  return call("C_GetSlotList", &CK_FUNCTION_LIST::C_GetSlotList, present, slots, count);
}
static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void* application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE* session) {
  return call("C_OpenSession", &CK_FUNCTION_LIST::C_OpenSession, slot, flags, application, notify, session);
}
static CK_RV log_in(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR* pin, CK_ULONG size) {
  return call("C_Login", &CK_FUNCTION_LIST::C_Login, session, user, pin, size);
}
static CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE* pattern, CK_ULONG count) {
  return call("C_FindObjectsInit", &CK_FUNCTION_LIST::C_FindObjectsInit, session, pattern, count);
}
static CK_RV encrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE key) {
  return call("C_EncryptInit", &CK_FUNCTION_LIST::C_EncryptInit, session, mechanism, key);
}
static CK_RV encrypt(CK_SESSION_HANDLE session, CK_BYTE* in, CK_ULONG in_size, CK_BYTE* out, CK_ULONG* out_size) {
  return call("C_Encrypt", &CK_FUNCTION_LIST::C_Encrypt, session, in, in_size, out, out_size);
}
static CK_RV decrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE key) {
  return call("C_DecryptInit", &CK_FUNCTION_LIST::C_DecryptInit, session, mechanism, key);
}
static CK_RV decrypt(CK_SESSION_HANDLE session, CK_BYTE* in, CK_ULONG in_size, CK_BYTE* out, CK_ULONG* out_size) {
  return call("C_Decrypt", &CK_FUNCTION_LIST::C_Decrypt, session, in, in_size, out, out_size);
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  Shim& one = shim();
  if (one.real == nullptr) {
    const char* path = std::getenv("PKCS11_SHIM_MODULE");
    void* library = path == nullptr ? nullptr : ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return CKR_GENERAL_ERROR;
    const auto get = reinterpret_cast<CK_RV (*)(CK_FUNCTION_LIST**)>(::dlsym(library, "C_GetFunctionList"));
    if (get == nullptr || get(&one.real) != CKR_OK) return CKR_GENERAL_ERROR;
    one.list = *one.real;
    one.list.C_GetSlotList = get_slot_list;
    one.list.C_OpenSession = open_session;
    one.list.C_Login = log_in;
    one.list.C_FindObjectsInit = find_objects_init;
    one.list.C_EncryptInit = encrypt_init;
    one.list.C_Encrypt = encrypt;
    one.list.C_DecryptInit = decrypt_init;
    one.list.C_Decrypt = decrypt;
  }
  *list = &one.list;
  return CKR_OK;
}

}  // extern "C"
