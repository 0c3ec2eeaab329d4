#include "worker/attester/tpm_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string>

namespace cloister::worker {
namespace {

// Bound at once: resolving functions at their first call leaves copies of vector registers on the stack.
Result<void*> open_library(const char* name) {
  void* library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) return library;
  return Error(Code::kUnsupported, std::string("load tpm2-tss: ") + ::dlerror() +
                                       " (Debian's packages are libtss2-esys-3.0.2-0, libtss2-mu0, libtss2-tctildr0)");
}

template <typename Function>
void find(void* library, const char* name, Function& function, bool& complete) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) complete = false;
}

}  // namespace

Result<TpmLibrary> TpmLibrary::load() {
  // It writes lines of its own to standard error, for what is expected, too. Whoever wants them sets it.
  ::setenv("TSS2_LOG", "all+none", 0);
  CLOISTER_TRY(void* const loader, open_library("libtss2-tctildr.so.0"));
  CLOISTER_TRY(void* const esys, open_library("libtss2-esys.so.0"));
  CLOISTER_TRY(void* const marshal, open_library("libtss2-mu.so.0"));
  TpmLibrary tss;
  bool complete = true;
  find(loader, "Tss2_TctiLdr_Initialize", tss.open_transport, complete);
  find(loader, "Tss2_TctiLdr_Finalize", tss.close_transport, complete);
  find(esys, "Esys_Initialize", tss.begin, complete);
  find(esys, "Esys_Finalize", tss.end, complete);
  find(esys, "Esys_Free", tss.free, complete);
  find(esys, "Esys_GetCapability", tss.get_capability, complete);
  find(esys, "Esys_CreatePrimary", tss.create_primary, complete);
  find(esys, "Esys_FlushContext", tss.flush, complete);
  find(esys, "Esys_Quote", tss.quote, complete);
  find(esys, "Esys_PCR_Read", tss.read_registers, complete);
  find(esys, "Esys_StartAuthSession", tss.start_session, complete);
  find(esys, "Esys_PolicySecret", tss.policy_secret, complete);
  find(esys, "Esys_ActivateCredential", tss.activate_credential, complete);
  find(esys, "Esys_TR_FromTPMPublic", tss.find_object, complete);
  find(esys, "Esys_NV_ReadPublic", tss.read_index_public, complete);
  find(esys, "Esys_NV_Read", tss.read_index, complete);
  find(marshal, "Tss2_MU_TPM2B_PUBLIC_Marshal", tss.marshal_public, complete);
  find(marshal, "Tss2_MU_TPMT_SIGNATURE_Marshal", tss.marshal_signature, complete);
  if (!complete) return Error(Code::kUnsupported, "load tpm2-tss: it lacks functions that are needed");
  return tss;
}

}  // namespace cloister::worker
