// A PKCS#11 module and one logged-in token in it, with a pool of sessions. Used by the PKCS#11 sources alone.
#pragma once

#include <p11-kit/pkcs11.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/file.h"
#include "crypto/secret.h"
#include "kms/pkcs11/pkcs11_codes.h"
#include "kms/pkcs11/pkcs11_key.h"

namespace cloister::kms {

// The shared library, loaded and initialised. A process has each library once, whoever uses it, so its users share one
// of these. C_Finalize is called only by the one who initialised. Any thread may call.
class Pkcs11Module {
 public:
  // `parameters` as in Pkcs11Location.
  static Result<std::shared_ptr<Pkcs11Module>> load(const Path& path, const std::string& parameters);
  ~Pkcs11Module();

  const CK_FUNCTION_LIST& functions() const { return *functions_; }
  // Held (shared) around every use of the library: it must not be restarted under anybody.
  std::shared_mutex& gate() { return gate_; }
  // Changes with every restart: sessions and handles from before mean nothing any more. To be read behind the gate.
  std::uint64_t epoch() const { return epoch_; }
  // Unless it is. Not behind the gate: nobody may be in the library meanwhile.
  Status initialize();
  // Finalises and initialises, unless somebody has since `seen`: software tokens that were away are seen only then.
  // Not behind the gate. kUnavailable when the library is somebody else's to finalise.
  Status restart(std::uint64_t seen);

 private:
  Pkcs11Module(Path path, std::string parameters, const CK_FUNCTION_LIST* functions)
      : path_(std::move(path)), parameters_(std::move(parameters)), functions_(functions) {}
  Status start();
  Path path_;
  std::string parameters_;
  const CK_FUNCTION_LIST* functions_;
  std::shared_mutex gate_;
  std::uint64_t epoch_ = 1;
  std::atomic<bool> initialized_here_{false};
};

// Text that PKCS#11 pads with blanks.
template <std::size_t kSize>
std::string padded_text(const CK_UTF8CHAR (&text)[kSize]) {
  const std::string_view whole(reinterpret_cast<const char*>(text), kSize);
  const std::size_t last = whole.find_last_not_of(std::string_view(" \0", 2));
  return std::string(whole.substr(0, last == std::string_view::npos ? 0 : last + 1));
}

// A token found by label, the user logged in. Any thread may call.
class Pkcs11Token {
 public:
  static Result<std::unique_ptr<Pkcs11Token>> open(const Pkcs11Location& location, const crypto::Secret& pin);
  ~Pkcs11Token();

  const CK_FUNCTION_LIST& functions() const { return module_->functions(); }
  CK_SLOT_ID slot() const { return slot_; }
  const CK_TOKEN_INFO& info() const { return info_; }
  std::string serial() const { return padded_text(info_.serialNumber); }

  // What is to be done with a session of one's own; returns the module's code.
  using Use = std::function<CK_RV(CK_SESSION_HANDLE session)>;
  // Runs `use` with a session of the pool, after waiting for one while all are in use. When the session turns out to be
  // lost, everything is built up again, `recover` is called (object handles may have changed) and `use` runs once more.
  CK_RV with_session(const Use& use, const Use& recover);

 private:
  class Turn;
  Pkcs11Token(std::shared_ptr<Pkcs11Module> module, const Pkcs11Location& location, const crypto::Secret& pin);
  Status connect(CK_TOKEN_INFO& info);
  Status find_slot(CK_TOKEN_INFO& found);
  Status log_in(const CK_TOKEN_INFO& info);
  CK_RV take(CK_SESSION_HANDLE& session, std::uint64_t& generation);
  enum class Fit { kForReuse, kForClosing };
  void give_back(CK_SESSION_HANDLE session, std::uint64_t generation, Fit fit);
  CK_RV once(const Use& use, std::uint64_t& generation);
  CK_RV reconnect(std::uint64_t lost_generation, const Use& recover);
  CK_RV rebuild(std::uint64_t lost_generation, const Use& recover, std::uint64_t& epoch);
  void drop_sessions();

  const std::shared_ptr<Pkcs11Module> module_;
  std::string label_;
  std::string wanted_serial_;
  const std::size_t sessions_max_;
  crypto::Secret pin_;
  std::atomic<CK_SLOT_ID> slot_{0};
  CK_TOKEN_INFO info_{};  // as it was first found
  // Kept open and idle: a token logs its user out when the last session closes.
  CK_SESSION_HANDLE anchor_ = CK_INVALID_HANDLE;
  std::mutex mutex_;
  std::uint64_t generation_ = 0;
  std::uint64_t epoch_ = 0;  // the module's when the sessions were opened; 0: there are none
  std::vector<CK_SESSION_HANDLE> idle_;
  std::mutex turn_mutex_;
  std::condition_variable turn_over_;
  std::size_t in_use_ = 0;
};

}  // namespace cloister::kms
