// How one comes to know that a key is a TPM's: a secret is sealed to the TPM's endorsement key and to the name of the
// key in question, and a TPM opens it only when it holds both. Who gets the secret back vouches for the key by putting
// its endorsement among the collateral.
#pragma once

#include "attest/collateral.h"
#include "attest/tpm/tpm_public.h"
#include "crypto/tpm_credential.h"

namespace cloister::attest {

// The name covers the key's attributes: what is endorsed is a key that attests, and only that. kDenied when the
// endorsement key isn't one that decrypts and never leaves its TPM, or the other isn't one that attests (see
// TpmPublic). That the endorsement key is a TPM's at all is for the caller to know: from its certificate, or because
// it knows that machine. kUnsupported when it protects its children otherwise than with AES in CFB mode.
Result<crypto::SealedTpmCredential> make_tpm_credential(const TpmPublic& endorsement, const TpmPublic& attestation,
                                                        const crypto::Secret& credential, crypto::Random& random);

// Once the credential came back. The endorsement is the key's whole public area, and so of its name: what the key may
// do is read there, and not in what the guest shows of it.
CollateralItem tpm_endorsement(const TpmPublic& attestation, Time now);

}  // namespace cloister::attest
