// The functions of tpm2-tss that are called here, found in its libraries when the process runs: a worker without a TPM
// needs none of them.
#pragma once

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

#include "base/result.h"

namespace cloister::worker {

struct TpmLibrary {
  decltype(&Tss2_TctiLdr_Initialize) open_transport = nullptr;
  decltype(&Tss2_TctiLdr_Finalize) close_transport = nullptr;
  decltype(&Esys_Initialize) begin = nullptr;
  decltype(&Esys_Finalize) end = nullptr;
  decltype(&Esys_Free) free = nullptr;
  decltype(&Esys_GetCapability) get_capability = nullptr;
  decltype(&Esys_CreatePrimary) create_primary = nullptr;
  decltype(&Esys_FlushContext) flush = nullptr;
  decltype(&Esys_Quote) quote = nullptr;
  decltype(&Esys_PCR_Read) read_registers = nullptr;
  decltype(&Esys_StartAuthSession) start_session = nullptr;
  decltype(&Esys_PolicySecret) policy_secret = nullptr;
  decltype(&Esys_ActivateCredential) activate_credential = nullptr;
  decltype(&Esys_TR_FromTPMPublic) find_object = nullptr;
  decltype(&Esys_NV_ReadPublic) read_index_public = nullptr;
  decltype(&Esys_NV_Read) read_index = nullptr;
  decltype(&Tss2_MU_TPM2B_PUBLIC_Marshal) marshal_public = nullptr;
  decltype(&Tss2_MU_TPMT_SIGNATURE_Marshal) marshal_signature = nullptr;

  // They stay loaded. kUnsupported when one isn't there, or lacks a function.
  static Result<TpmLibrary> load();
};

}  // namespace cloister::worker
