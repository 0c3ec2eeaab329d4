// The key services that let a worker go on: one that gave the whole key, or k of n that each gave a share of it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "seal/slots.h"
#include "worker/attested_keys.h"

namespace cloister::worker {

// One thread at a time.
class BrokerSet {
 public:
  struct Broker {
    std::string name;     // for messages; empty where there is one alone
    std::string keyring;  // in hexadecimal: whose wraps it is asked for; empty: every dataset key's
    std::unique_ptr<AttestedKeys> keys;
  };
  // Asked in this order. At least one. `patience`, which outlives it, is what their channels wait by.
  BrokerSet(std::vector<Broker> brokers, Patience& patience);
  ~BrokerSet();

  // Who is asked for the object's key: as many as are needed, in order. What refuses is passed over.
  std::vector<crypto::KeyWrapper*> wrappers();

  // Who was passed over, or didn't let it go on, since this was asked last, and why.
  struct Refusal {
    std::string broker;
    Error error;
  };
  std::vector<Refusal> take_refusals();

  // Once the object is open: as many as it needed to release its key have to go on saying yes. Its slots say what the
  // others may be asked for in their stead. Both are the opened reader's: a look at the file before may be at another
  // object.
  void opened(const seal::Preamble& preamble, const seal::SlotTable& slots);

  // Until when enough leases hold; nothing when fewer do than are needed.
  std::optional<Time> lease_end() const;
  // Attests to every service whose lease holds, each with its own challenge, then to others until enough said yes. A
  // service that refuses ends its lease at once; the lease of one that can't be reached holds to its end. No step goes
  // on beyond lease_end(), and one that keeps it waiting leaves time for those after it. True: enough said yes just
  // now.
  bool renew();
  // The attestation policies by which they released, "eu-1, us-7": as many as 256 bytes hold.
  std::string policies() const;

 private:
  class Asked;
  void limit(Time end, std::size_t left);

  std::vector<std::unique_ptr<Asked>> all_;
  Patience& patience_;
  std::size_t needed_ = 1;
};

}  // namespace cloister::worker
