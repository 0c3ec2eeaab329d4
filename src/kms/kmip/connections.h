// Connections to a KMIP server, kept and used again.
#pragma once

#include <memory>
#include <mutex>

#include "kms/kmip/message.h"

namespace cloister::kms {

// Bytes to and from a KMIP server: mutual TLS, or what a test puts in its place. One thread at a time; after an error
// nothing but destruction.
class KmipChannel {
 public:
  virtual ~KmipChannel() = default;
  // All of them. kUnavailable: not in time, or the server is gone.
  virtual Status write(ByteView bytes, Duration patience) = 0;
  // At least one byte; 0 when the server has closed.
  virtual Result<std::size_t> read(MutableByteView out, Duration patience) = 0;
  // False when something says already that it can't be used any more.
  virtual bool usable() const = 0;
};

using KmipDial = std::function<Result<std::unique_ptr<KmipChannel>>(Duration patience)>;

namespace kmip {

// Any thread may call; each exchange has a connection to itself.
class Connections {
 public:
  Connections(KmipDial dial, std::size_t kept_max) : dial_(std::move(dial)), kept_max_(kept_max) {}

  // The answer's bytes, of kMessageMax at most. A connection that was kept and turns out to be gone is replaced, and
  // the request sent again: everything asked here may be asked twice. Errors as net::WebStream; kCorrupt when what
  // comes isn't a response message.
  Result<net::Buffer> exchange(ByteView request, Duration patience);

 private:
  struct Kept {
    std::unique_ptr<KmipChannel> channel;
    double since;  // by monotonic_seconds()
  };

  std::unique_ptr<KmipChannel> take_kept();
  void keep(std::unique_ptr<KmipChannel> channel);

  const KmipDial dial_;
  const std::size_t kept_max_;
  std::mutex mutex_;
  std::vector<Kept> kept_;
};

}  // namespace kmip
}  // namespace cloister::kms
