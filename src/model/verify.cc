#include "model/verify.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "base/parallel.h"
#include "model/sign.h"

namespace cloister::model {
namespace {

constexpr std::size_t kShown = 8;

Error denied(std::string message) { return Error(Code::kDenied, std::move(message)); }

Status check_still_trusted(const TrustedSigner& signer, Time now) {
  if (!signer.until || now < *signer.until) return {};
  return Error(Code::kExpired, signer.name + " signed it, who is trusted no longer");
}

Status check_signature(const Bundle& bundle, const crypto::PublicKey& key) {
  CLOISTER_RETURN_IF_ERROR(check_key_type(key));
  const Status verified = key.verify(crypto::signature_algorithm(key.type()),
                                     signed_bytes(bundle.payload_type, bundle.payload), bundle.signature);
  if (verified.ok()) return {};
  if (verified.error().code() == Code::kInternal) return verified;
  return denied("the signature isn't the trusted key's over this statement");
}

Result<Voucher> by_key(const Bundle& bundle, std::span<const TrustedSigner> trusted, Time now) {
  Voucher out;
  if (bundle.hint.empty()) out.warnings.emplace_back("the signature doesn't say which key it was made with");
  bool any = false;
  Status last;
  for (const TrustedSigner& signer : trusted) {
    if (!signer.key) continue;
    any = true;
    if (!bundle.hint.empty() && bundle.hint != key_hint(*signer.key)) continue;
    Status came = check_signature(bundle, *signer.key);
    if (came.ok()) came = check_still_trusted(signer, now);
    if (came.ok()) {
      out.signer = signer.name;
      return out;
    }
    // The same key may count under another name; that it counted once is said before that another key's didn't fit.
    if (last.ok() || last.error().code() != Code::kExpired) last = came;
  }
  if (!any) return denied("it is signed with a key, and no key is trusted");
  if (!last.ok()) return last.error();
  return denied("it is signed with a key that nobody trusts");
}

std::vector<std::string> identities_of(const crypto::Certificate& leaf) {
  const crypto::AlternativeNames& names = leaf.facts().names;
  std::vector<std::string> out = names.emails;
  out.insert(out.end(), names.uris.begin(), names.uris.end());
  out.insert(out.end(), names.dns_names.begin(), names.dns_names.end());
  return out;
}

// The identity by which the certificate is this signer's.
Result<std::string> check_certificate(std::span<const crypto::Certificate> chain, const TrustedSigner& signer,
                                      Time now) {
  const crypto::ChainRequest request{.intermediates = chain.subspan(1),
                                     .anchors = signer.roots,
                                     .purpose = crypto::Purpose::kAny,
                                     .at = now,
                                     .rules = crypto::PathRules::kCommon,
                                     .leaf = crypto::LeafAuthority::kAllow};
  CLOISTER_TRY([[maybe_unused]] const auto path, crypto::verify_chain(chain.front(), request));
  const std::vector<std::string> found = identities_of(chain.front());
  for (const std::string& identity : found) {
    if (std::ranges::find(signer.identities, identity) != signer.identities.end()) return identity;
  }
  if (signer.any_identity) return found.empty() ? std::string() : found.front();
  return denied("its certificate is of somebody else than " + signer.name);
}

Result<Voucher> by_certificate(const Bundle& bundle, std::span<const TrustedSigner> trusted, Time now) {
  std::vector<crypto::Certificate> chain;
  for (const Bytes& der : bundle.certificates) {
    auto certificate = crypto::Certificate::parse(der);
    if (!certificate.ok())
      return Error(Code::kCorrupt, "a certificate of the signature: " + certificate.error().message());
    chain.push_back(std::move(certificate).value());
  }
  std::optional<Error> why;
  for (const TrustedSigner& signer : trusted) {
    if (signer.roots.empty()) continue;
    const auto identity = check_certificate(chain, signer, now);
    if (!identity.ok()) {
      if (!why || identity.error().code() == Code::kExpired) why = identity.error();
      continue;
    }
    CLOISTER_RETURN_IF_ERROR(check_signing_usage(chain.front()));
    CLOISTER_TRY(const crypto::PublicKey key, chain.front().public_key());
    CLOISTER_RETURN_IF_ERROR(check_signature(bundle, key));
    const Status still = check_still_trusted(signer, now);
    if (still.ok()) return Voucher{signer.name, *identity, {}};
    why = still.error();
  }
  if (!why) return denied("it is signed by a certificate, and no root is trusted");
  return Error(why->code() == Code::kExpired ? Code::kExpired : Code::kDenied, "its certificate: " + why->message());
}

// What has to be where; with shards, the parts of a file one after the other.
using Listed = std::map<std::string, std::vector<const Resource*>>;

Listed listed_files(const Tree& tree, const Statement& statement) {
  Listed out;
  for (const Resource& resource : statement.resources) {
    // The specification calls a single file by its name, the reference by a dot.
    const bool itself = tree.is_one_file() && resource.path == tree.name();
    out[itself ? std::string(kOnlyFile) : resource.path].push_back(&resource);
  }
  for (auto& [name, parts] : out) std::ranges::sort(parts, {}, &Resource::start);
  return out;
}

class Comparison {
 public:
  Comparison(const Tree& tree, const Statement& statement, const CheckFiles& how, Progress& progress)
      : tree_(tree), statement_(statement), how_(how), progress_(progress), listed_(listed_files(tree, statement)) {}

  struct Found {
    Differences differences;
    std::map<std::string, std::uint64_t> sizes;  // of what was hashed
  };

  Result<Found> run() && {
    TreeRules rules{statement_.ignored, links()};
    rules.ignored.insert(rules.ignored.end(), how_.ignored.begin(), how_.ignored.end());
    CLOISTER_TRY(const std::vector<TreeFile> files, tree_.list(rules, progress_));
    std::set<std::string> there;
    for (const TreeFile& file : files) {
      there.insert(file.name);
      if (listed_.contains(file.name)) {
        present_.push_back(&file);
        progress_.expect(file.size);
      } else if (how_.unsigned_files == UnsignedFiles::kRefuse && !(statement_.shard_size && file.size == 0)) {
        out_.differences.extra.push_back(file.name);
      }
    }
    for (const auto& [name, parts] : listed_) {
      if (!there.contains(name)) out_.differences.missing.push_back(name);
    }
    const auto make_worker = [this]() -> PieceWorker { return [this](std::uint64_t i) { return one(*present_[i]); }; };
    CLOISTER_RETURN_IF_ERROR(parallel_pieces(how_.threads, present_.size(), make_worker));
    std::ranges::sort(out_.differences.changed);
    return std::move(out_);
  }

 private:
  Symlinks links() const {
    const bool both = how_.symlinks == Symlinks::kFollow && statement_.allow_symlinks;
    return both ? Symlinks::kFollow : Symlinks::kRefuse;
  }

  Status one(const TreeFile& listed) {
    CLOISTER_TRY(const File file, tree_.open_file(listed.name, links()));
    CLOISTER_TRY(const std::uint64_t size, file.size());
    CLOISTER_TRY(const bool same, is_same(file, size, listed_.at(listed.name)));
    progress_.add_object();
    const std::lock_guard lock(mutex_);
    out_.sizes[listed.name] = size;
    if (!same) out_.differences.changed.push_back(listed.name);
    return {};
  }

  Result<bool> is_same(const File& file, std::uint64_t size, const std::vector<const Resource*>& parts) {
    if (statement_.shard_size && parts.back()->end != size) return false;
    for (const Resource* part : parts) {
      const std::uint64_t end = statement_.shard_size ? part->end : size;
      CLOISTER_TRY(const crypto::Sha256Digest digest, hash_range(file, part->start, end, progress_));
      if (digest != part->digest) return false;
    }
    return true;
  }

  const Tree& tree_;
  const Statement& statement_;
  const CheckFiles& how_;
  Progress& progress_;
  const Listed listed_;
  std::vector<const TreeFile*> present_;
  std::mutex mutex_;
  Found out_;
};

std::string some_of(std::string_view what, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  std::string out(what);
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) out += (i == 0 ? ": " : ", ") + names[i];
  if (names.size() > kShown) out += " and " + std::to_string(names.size() - kShown) + " more";
  return out;
}

}  // namespace

Result<Voucher> vouch(const Bundle& bundle, std::span<const TrustedSigner> trusted, Time now) {
  if (trusted.empty()) return Error(Code::kInvalid, "nobody is trusted to sign models: name a key or a root");
  if (bundle.method == Method::kSigstore) return denied("it is signed without a key of the signer's own");
  return bundle.method == Method::kKey ? by_key(bundle, trusted, now) : by_certificate(bundle, trusted, now);
}

Result<Signed> verify_signature(const Bundle& bundle, std::span<const TrustedSigner> trusted, Time now) {
  CLOISTER_TRY(Voucher voucher, vouch(bundle, trusted, now));
  if (bundle.payload_type != kPayloadType) return Error(Code::kUnsupported, "a signature over another kind of payload");
  CLOISTER_TRY(Statement statement, parse_statement(bundle.payload));
  Signed out{std::move(voucher), std::move(statement)};
  if (out.statement.shard_size) out.warnings.emplace_back("empty files aren't covered by a signature over shards");
  return out;
}

std::string to_text(const Differences& differences) {
  std::string out;
  for (const std::string& part : {some_of("changed", differences.changed), some_of("missing", differences.missing),
                                  some_of("not signed", differences.extra)}) {
    if (!part.empty()) out += (out.empty() ? "" : "; ") + part;
  }
  return out;
}

Result<Differences> compare_files(const Tree& tree, const Statement& statement, const CheckFiles& how,
                                  Progress& progress) {
  CLOISTER_TRY(Comparison::Found found, Comparison(tree, statement, how, progress).run());
  return std::move(found.differences);
}

Result<VerifiedModel> VerifiedModel::verify(Tree tree, const Bundle& bundle, std::span<const TrustedSigner> trusted,
                                            const CheckFiles& how, Time now, Progress& progress) {
  CLOISTER_TRY(Signed what, verify_signature(bundle, trusted, now));
  CLOISTER_TRY(Comparison::Found found, Comparison(tree, what.statement, how, progress).run());
  if (!found.differences.none()) {
    return Error(Code::kCorrupt, "the model isn't what was signed: " + to_text(found.differences));
  }
  const bool follow = how.symlinks == Symlinks::kFollow && what.statement.allow_symlinks;
  return VerifiedModel(std::move(tree), std::move(what), follow ? Symlinks::kFollow : Symlinks::kRefuse,
                       std::move(found.sizes));
}

Status VerifiedModel::load(const std::string& name, const File& memory, Progress& progress) const {
  const Listed listed = listed_files(tree_, signed_.statement);
  const auto found = listed.find(name);
  if (found == listed.end()) return Error(Code::kNotFound, name + " isn't a file of the model that was signed");
  CLOISTER_TRY(const File file, tree_.open_file(name, symlinks_));
  CLOISTER_TRY(const std::uint64_t size, file.size());
  // Before anything is read: what grew since would fill the memory first, and be refused then.
  if (size != sizes_.at(name)) {
    return Error(Code::kCorrupt, "load " + name + ": it has another length than what was verified");
  }
  const bool shards = signed_.statement.shard_size.has_value();
  for (const Resource* part : found->second) {
    crypto::Sha256 hash;
    const std::uint64_t end = shards ? part->end : size;
    const auto take = [&](ByteView piece) {
      hash.update(piece);
      return memory.write_all(piece);
    };
    CLOISTER_RETURN_IF_ERROR(read_steadily(file, part->start, end, progress, take));
    if (hash.finish() != part->digest) {
      return Error(Code::kCorrupt, "load " + name + ": it isn't what was verified: somebody changed it since");
    }
  }
  return {};
}

}  // namespace cloister::model
