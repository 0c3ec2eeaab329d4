#include "identity/source.h"

namespace cloister::identity {

Result<std::shared_ptr<const Snapshot>> Snapshot::create(X509Svid svid, crypto::PrivateKey key, BundleSet bundles,
                                                         Time now) {
  CLOISTER_TRY(const crypto::PublicKey certified, svid.leaf().public_key());
  if (!(certified == key.public_key())) {
    return Error(Code::kInvalid, "the private key isn't that of the certificate of " + svid.id().uri());
  }
  CLOISTER_TRY(const VerifiedSvid verified, verify_x509_svid(svid, bundles, now));
  return std::shared_ptr<const Snapshot>(
      new Snapshot(std::move(svid), std::move(key), std::move(bundles), verified.not_after));
}

}  // namespace cloister::identity
