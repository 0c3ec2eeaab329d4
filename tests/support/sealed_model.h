// A model sealed under a real keyring of acme/production's data set "models", and the service that gives out its key.
#pragma once

#include "seal/keyring.h"
#include "seal/writer.h"
#include "tests/support/locked_down.h"
#include "tests/support/release_service.h"
#include "tests/support/temp_dir.h"
#include "tests/support/value_of.h"
#include "worker/attester/software.h"

namespace cloister::testing {

struct SealedModel {
  explicit SealedModel(Bytes plaintext) : model(std::move(plaintext)) {
    wrapper = value_of(seal::KeyringWrapper::create(keyring, random));
    service.keyring = wrapper.get();
    service.keyring_id = to_hex(keyring.outline().keyring_id);
    seal::SealOptions options;
    options.context.tenant = "acme/production";
    options.context.dataset = "models";
    options.context.keyring_id = keyring.outline().keyring_id;
    const File target = value_of(File::create_new(path));
    crypto::KeyWrapper* const wrappers[] = {wrapper.get()};
    CLOISTER_CHECK(seal::seal_bytes(model, target, options, wrappers, random).ok());
  }

  worker::AttestedKeysParts parts() {
    return {{"acme", "production", "models", "infer", "infer"}, service.channels(), &attester, {}, {}, &random, [this] {
              return service.now;
            }};
  }
  crypto::Sha256Digest digest() const { return crypto::sha256(model); }

  TempDir folder;
  Path path = folder.path() / "model.sealed";
  Bytes model;
  DeterministicRandom random{21};
  seal::Keyring keyring = value_of(seal::Keyring::create({"acme", "production", "models"}, Time{1}, random));
  std::unique_ptr<seal::KeyringWrapper> wrapper;
  crypto::SigningKey key = crypto::SigningKey::generate(random);
  ReleaseService service{attest::Anchors::with_insecure_software({attest::software_key_fingerprint(key.public_key())})};
  worker::SoftwareAttester attester{
      crypto::SigningKey::from_seed(key.seed().duplicate()), {}, crypto::sha256(ByteView{}), [this] {
        return service.now;
      }};
};

}  // namespace cloister::testing
