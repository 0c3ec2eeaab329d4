// The parts of judge_certificate(). Used by its sources alone.
#pragma once

#include "probe/certificate/judge.h"

namespace cloister::probe {

// A chain that was read: never empty, leaf first.
using SeenChain = std::vector<SeenCertificate>;

inline Seen seen_if(bool yes) { return yes ? Seen::kYes : Seen::kNo; }

// The certificate of the chain, or the anchor, that signed this one by name and key; null when there is none.
const SeenCertificate* issuer_of(const SeenCertificate& certificate, std::span<const SeenCertificate> candidates);

void judge_path(const CertificateQuestion& question, const SeenChain& chain, Facts& facts);        // X1
void judge_keys(const SeenChain& chain, Facts& facts);                                             // X2, X12, S2, S3
void judge_time(const CertificateQuestion& question, const SeenCertificate& leaf, Facts& facts);   // X3
void judge_names(const CertificateQuestion& question, const SeenCertificate& leaf, Facts& facts);  // X4
void judge_usage(const SeenChain& chain, Facts& facts);                                            // X5, X6
void judge_svid(const SeenChain& chain, Facts& facts);                                             // X11
// X7 to X10. `issuer` is null when it isn't known.
void judge_status(const CertificateQuestion& question, const SeenCertificate& leaf, const SeenCertificate* issuer,
                  Facts& facts);
// T1 to T3.
void judge_timestamps(const CertificateQuestion& question, const SeenCertificate& leaf, const SeenCertificate* issuer,
                      Facts& facts);

}  // namespace cloister::probe
