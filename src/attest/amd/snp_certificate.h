// What AMD's certificates say of the key that signs reports: the chip's own (VCEK) or one that a cloud was lent (VLEK).
// AMD's specifications 57230 and 57896; extensions below 1.3.6.1.4.1.3704.1.
#pragma once

#include "attest/amd/snp_report.h"
#include "crypto/verification_cache.h"

namespace cloister::attest {

struct SnpEndorsement {
  crypto::Certificate certificate;
  SnpSigningKey signer = SnpSigningKey::kVcek;  // by its common name
  SnpProduct product = SnpProduct::kMilan;
  SnpTcb tcb;
  Bytes hardware_id;     // VCEK: 64 bytes, on Turin 8. Empty in a VLEK
  std::string provider;  // VLEK: "CN=cc-us-east-2.amazonaws.com"
};

// kInvalid for what isn't such a certificate: another common name, an extension that is missing or malformed, a number
// above 255, a product not known here, a spare component that isn't zero.
Result<SnpEndorsement> read_snp_endorsement(ByteView der, crypto::VerificationCache* cache = nullptr);

// The common name of a subject. Empty when there is none.
std::string common_name_of(const crypto::Certificate& certificate);

}  // namespace cloister::attest
