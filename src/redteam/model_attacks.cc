#include "redteam/model_attacks.h"

#include "model/sign.h"

namespace cloister::redteam {
namespace {

constexpr std::string_view kVerifyFirst =
    "a model is loaded that nobody trusted signed as it is: verify its signature before anything of it is read "
    "(docs/model-signing.md)";
constexpr std::string_view kNoExtras =
    "a file is loaded that no signature covers: refuse models with files that their signature doesn't list";
constexpr std::string_view kLedger =
    "a version that was withdrawn is loaded: hold models against a ledger of versions, and keep the number of the "
    "newest that was seen";
constexpr std::string_view kSameBytes =
    "what is loaded isn't what was verified: hold the bytes against the signed digest as they are read";

constexpr const char* kFiles[] = {"config.json", "weights/part-1", "weights/part-2"};

class ModelAttack {
 public:
  ModelAttack(const Field& field, const char* id, std::string_view remedy, ModelLab& lab, ModelLoader loader)
      : field_(field), lab_(lab), loader_(std::move(loader)), tally_(field, id, std::string(remedy)) {
    tally_.note("on a canary model");
  }

  // Everything of it loads, and is what was signed.
  Status load_all(const Path& folder, const Path& ledger, Time now) const {
    CLOISTER_TRY(const LoadFile load, loader_.verify(folder, ledger, now));
    for (const char* name : kFiles) {
      CLOISTER_TRY([[maybe_unused]] const Bytes bytes, load(name));
    }
    return {};
  }
  Status load_all(const Path& folder) const { return load_all(folder, lab_.ledger(), field_.now); }

  // A copy that somebody changed.
  void on_copy(const std::string& what, const std::function<Status(const Path& folder)>& change) {
    on_copy(what, lab_.ledger(), change);
  }
  void on_copy(const std::string& what, const Path& ledger, const std::function<Status(const Path& folder)>& change) {
    if (tally_.over()) return;
    auto folder = lab_.copy("copy-" + std::to_string(++copies_));
    Status made = folder.ok() ? change(*folder) : Status(folder.error());
    if (!made.ok()) return tally_.cannot(what + ": " + made.error().message());
    tally_.attack(what, load_all(*folder, ledger, field_.now));
  }
  void with_bundle(const std::string& what, const std::function<void(model::Bundle& bundle)>& change) {
    on_copy(what, [&](const Path& folder) -> Status {
      CLOISTER_TRY(model::Bundle bundle, lab_.bundle_of(folder));
      change(bundle);
      return lab_.put_bundle(folder, bundle);
    });
  }
  void with_signature(const std::string& what, std::string_view text) {
    on_copy(what, [&](const Path& folder) { return put_file(folder / "model.sig", as_bytes(text)); });
  }

  const Field& field_;
  ModelLab& lab_;
  const ModelLoader loader_;
  Tally tally_;
  int copies_ = 0;
};

using Attacks = void (*)(ModelAttack& attack);

Report attack_canary(const Field& field, const char* id, std::string_view remedy, const MakeLoader& make,
                     Attacks attacks) {
  const auto lab = ModelLab::create(field);
  if (!lab.ok()) return not_run(id, lab.error().message());
  ModelAttack attack(field, id, remedy, **lab, make(**lab, field.now + days(1)));
  const Status honest = attack.load_all((*lab)->folder("canary"));
  attack.tally_.honest("the model as it was signed", honest);
  if (honest.ok()) attacks(attack);
  return std::move(attack.tally_).finish();
}

void swap_signatures(ModelAttack& attack) {
  attack.tally_.cover("positive");
  attack.on_copy("the signature is taken away", [](const Path& folder) -> Status {
    std::error_code failed;
    std::filesystem::remove(folder / "model.sig", failed);
    return failed ? Status(error_from_errno(failed.value(), "remove the signature")) : ok_status();
  });
  attack.on_copy("another model's signature", [&](const Path& folder) -> Status {
    CLOISTER_TRY(const Path other, attack.lab_.copy("another"));
    CLOISTER_RETURN_IF_ERROR(put_file(other / "config.json", as_bytes(R"({"layers": 3})")));
    CLOISTER_RETURN_IF_ERROR(attack.lab_.sign(other, attack.lab_.key()));
    CLOISTER_TRY(const model::Bundle bundle, attack.lab_.bundle_of(other));
    return attack.lab_.put_bundle(folder, bundle);
  });
  attack.on_copy("a changed model, signed with a key that nobody trusts", [&](const Path& folder) -> Status {
    CLOISTER_RETURN_IF_ERROR(put_file(folder / "weights/part-2", as_bytes("other weights!")));
    return attack.lab_.sign(folder, attack.lab_.stranger());
  });
  attack.with_bundle("the same, said to be the trusted key's", [&](model::Bundle& bundle) {
    const auto forged = attack.lab_.stranger().sign(model::signed_bytes(bundle.payload_type, bundle.payload));
    if (forged.ok()) bundle.signature = *forged;
  });
  attack.with_bundle("a key that is said not at all", [&](model::Bundle& bundle) {
    bundle.hint.clear();
    const auto forged = attack.lab_.stranger().sign(model::signed_bytes(bundle.payload_type, bundle.payload));
    if (forged.ok()) bundle.signature = *forged;
  });
  attack.with_bundle("a bit of the statement is changed", [](model::Bundle& bundle) { bundle.payload.back() ^= 1; });
  attack.with_bundle("a blank behind the statement", [](model::Bundle& bundle) { bundle.payload.push_back(' '); });
  attack.with_bundle("a bit of the signature is changed", [](model::Bundle& bundle) { bundle.signature.back() ^= 1; });
  attack.with_bundle("a byte behind the signature", [](model::Bundle& bundle) { bundle.signature.push_back(0); });
  attack.with_bundle("another type of payload", [](model::Bundle& bundle) { bundle.payload_type = "text/plain"; });
  attack.with_bundle("a certificate of nobody's", [](model::Bundle& bundle) {
    bundle.method = model::Method::kCertificate;
    bundle.certificates = {Bytes{0x30, 0x00}};
  });
  attack.with_signature("an empty signature", "");
  attack.with_signature("no signature in the bundle", R"({"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",)"
                                                      R"("verificationMaterial":{"publicKey":{}},"dsseEnvelope":)"
                                                      R"({"payload":"e30=","payloadType":"x","signatures":[]}})");
  attack.on_copy("a bit of the weights is changed", [](const Path& folder) -> Status {
    CLOISTER_TRY(Bytes weights, read_file(folder / "weights/part-1", 1 << 20));
    weights[weights.size() / 2] ^= 1;
    return put_file(folder / "weights/part-1", weights);
  });
  if (attack.tally_.over()) return;
  attack.tally_.attack(
      "a signer who counts no longer",
      attack.load_all(attack.lab_.folder("canary"), attack.lab_.ledger(), attack.field_.now + days(2)));
}

void add_files(ModelAttack& attack) {
  for (const char* name : {"tokenizer.json", "modeling_canary.py", "adapter/adapter_model.safetensors", ".hidden",
                           "weights/part-3", "weights/.git/config", "model.sig.bak"}) {
    attack.on_copy(std::string("a file that isn't signed: ") + name,
                   [&](const Path& folder) { return put_file(folder / name, as_bytes("canary")); });
  }
  attack.on_copy("a symbolic link that isn't signed", [](const Path& folder) -> Status {
    std::error_code failed;
    std::filesystem::create_symlink("config.json", folder / "link.json", failed);
    return failed ? Status(error_from_errno(failed.value(), "make a link")) : ok_status();
  });
  attack.on_copy("a signed file that is missing", [](const Path& folder) -> Status {
    std::error_code failed;
    std::filesystem::remove(folder / "weights/part-2", failed);
    return failed ? Status(error_from_errno(failed.value(), "remove a file")) : ok_status();
  });
  attack.on_copy("two files that changed places", [](const Path& folder) -> Status {
    CLOISTER_TRY(const Bytes one, read_file(folder / "weights/part-1", 1 << 20));
    CLOISTER_TRY(const Bytes two, read_file(folder / "weights/part-2", 1 << 20));
    CLOISTER_RETURN_IF_ERROR(put_file(folder / "weights/part-1", two));
    return put_file(folder / "weights/part-2", one);
  });
}

void offer_old_versions(ModelAttack& attack) {
  ModelLab& lab = attack.lab_;
  const auto offer = [&](const std::string& what, const Path& ledger) {
    if (!attack.tally_.over())
      attack.tally_.attack(what, attack.load_all(lab.folder("canary"), ledger, attack.field_.now));
  };
  model::Ledger newer = lab.versions();
  const Path withdrawn = lab.folder("withdrawn.ledger"), old = lab.folder("old.ledger");
  const Status made = [&]() -> Status {
    CLOISTER_RETURN_IF_ERROR(lab.write_ledger(newer, old, lab.key()));
    CLOISTER_RETURN_IF_ERROR(model::withdraw(newer, "2", "it was poisoned"));
    return lab.write_ledger(newer, withdrawn, lab.key());
  }();
  if (!made.ok()) return attack.tally_.cannot(made.error().message());
  offer("a version that was withdrawn, with its right signature", withdrawn);
  offer("the same, with the ledger from before", old);
  offer("the same, without a ledger", lab.folder("no.ledger"));
  model::Ledger forged = newer;
  forged.sequence += 10;
  forged.versions.front().withdrawn.reset();
  const Status signed_by_stranger = lab.write_ledger(forged, lab.folder("forged.ledger"), lab.stranger());
  if (!signed_by_stranger.ok()) return attack.tally_.cannot(signed_by_stranger.error().message());
  offer("the same, with a ledger that nobody trusted signed", lab.folder("forged.ledger"));
  offer("the same, with the model's signature in the ledger's place", lab.folder("canary") / "model.sig");
  // With the newest ledger, so that nothing else is wrong with it.
  attack.on_copy("a version that was never approved", withdrawn, [&](const Path& folder) -> Status {
    CLOISTER_RETURN_IF_ERROR(put_file(folder / "config.json", as_bytes(R"({"layers": 1})")));
    return lab.sign(folder, lab.key());
  });
}

// Verified first, changed then, and loaded last: what comes must be what was verified, or nothing.
void swap_after(ModelAttack& attack, const std::string& what, const std::string& name,
                const std::function<Status(const Path& folder)>& change) {
  if (attack.tally_.over()) return;
  const auto folder = attack.lab_.copy("copy-" + std::to_string(++attack.copies_));
  if (!folder.ok()) return attack.tally_.cannot(folder.error().message());
  const auto before = read_file(*folder / name, 1 << 20);
  const auto load = attack.loader_.verify(*folder, attack.lab_.ledger(), attack.field_.now);
  if (!load.ok()) return attack.tally_.cannot(what + ": " + load.error().message());
  const Status changed = before.ok() ? change(*folder) : Status(before.error());
  if (!changed.ok()) return attack.tally_.cannot(what + ": " + changed.error().message());
  const auto came = (*load)(name);
  if (!came.ok()) return attack.tally_.attack(what, came);
  attack.tally_.attack(what,
                       *came == *before ? Status(Error(Code::kDenied, "what was verified was read")) : ok_status());
}

void swap_files(ModelAttack& attack) {
  const auto failing = [](const std::error_code& failed) {
    return failed ? Status(error_from_errno(failed.value(), "change the model")) : ok_status();
  };
  swap_after(attack, "another file under its name", "weights/part-2",
             [](const Path& folder) { return put_file(folder / "weights/part-2", as_bytes("other weights!")); });
  swap_after(attack, "other bytes in the same file", "weights/part-2", [](const Path& folder) -> Status {
    CLOISTER_TRY(const File file, File::open(folder / "weights/part-2", File::Access::kReadWrite));
    return file.write_at(0, as_bytes("other weights!"));
  });
  swap_after(attack, "bytes behind the file", "weights/part-2", [](const Path& folder) -> Status {
    CLOISTER_TRY(const File file, File::open(folder / "weights/part-2", File::Access::kReadWrite));
    return file.write_at(14, as_bytes("!"));
  });
  swap_after(attack, "a file that is cut", "weights/part-1", [](const Path& folder) -> Status {
    CLOISTER_TRY(const File file, File::open(folder / "weights/part-1", File::Access::kReadWrite));
    return file.truncate(10);
  });
  swap_after(attack, "a symbolic link in its place", "weights/part-2", [&](const Path& folder) -> Status {
    CLOISTER_RETURN_IF_ERROR(put_file(folder / "aside", as_bytes("other weights!")));
    std::error_code failed;
    std::filesystem::remove(folder / "weights/part-2", failed);
    if (!failed) std::filesystem::create_symlink("../aside", folder / "weights/part-2", failed);
    return failing(failed);
  });
  swap_after(attack, "another folder in the place of its folder", "weights/part-2", [&](const Path& folder) -> Status {
    CLOISTER_RETURN_IF_ERROR(put_file(folder / "aside/part-2", as_bytes("other weights!")));
    std::error_code failed;
    std::filesystem::rename(folder / "weights", folder / "old", failed);
    if (!failed) std::filesystem::rename(folder / "aside", folder / "weights", failed);
    return failing(failed);
  });
  swap_after(attack, "a link in the place of its folder", "weights/part-2", [&](const Path& folder) -> Status {
    CLOISTER_RETURN_IF_ERROR(put_file(folder / "aside/part-2", as_bytes("other weights!")));
    std::error_code failed;
    std::filesystem::rename(folder / "weights", folder / "old", failed);
    if (!failed) std::filesystem::create_directory_symlink("aside", folder / "weights", failed);
    return failing(failed);
  });
}

}  // namespace

Report run_signature_swap(const Field& field, const MakeLoader& make) {
  return attack_canary(field, "RT-M01", kVerifyFirst, make, swap_signatures);
}

Report run_unsigned_files(const Field& field, const MakeLoader& make) {
  return attack_canary(field, "RT-M02", kNoExtras, make, add_files);
}

Report run_old_version(const Field& field, const MakeLoader& make) {
  return attack_canary(field, "RT-M03", kLedger, make, offer_old_versions);
}

Report run_swap_after_check(const Field& field, const MakeLoader& make) {
  return attack_canary(field, "RT-M04", kSameBytes, make, swap_files);
}

}  // namespace cloister::redteam
