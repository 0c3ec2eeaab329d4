#include "posture/collect/content/classify.h"

#include <algorithm>

#include "posture/collect/content/compressed.h"
#include "posture/collect/content/containers.h"
#include "posture/collect/content/key_material.h"
#include "posture/collect/content/magic.h"
#include "posture/collect/content/parquet.h"
#include "posture/collect/content/sealed.h"
#include "posture/collect/content/text.h"

namespace cloister::posture::content {
namespace {

constexpr std::size_t kTextHead = 4096;

Finding found(Verdict verdict, std::string type, std::string reason = {}) {
  Finding finding;
  finding.verdict = verdict;
  finding.type = std::move(type);
  finding.reason = std::move(reason);
  return finding;
}

Prior prior_of(const std::vector<std::string>& names, const KnownKeys& keys) {
  const bool known = std::ranges::any_of(names, [&](const std::string& name) { return keys.names.contains(name); });
  return known ? Prior::kKnownKey : Prior::kNone;
}

class Classifier {
 public:
  Classifier(const Sample& sample, const ClassifyOptions& options, MutableByteView buffer)
      : sample_(sample), options_(options), buffer_(buffer) {}

  Finding run(bool within) {
    if (sample_.size == 0) return found(Verdict::kEmpty, "");
    if (has_sealed_magic(sample_.head) && !within) {
      return judge_sealed(sample_, *options_.keys, {options_.statistics_budget, buffer_});
    }
    if (auto container = by_container()) return std::move(*container);
    if (auto parquet = by_parquet()) return std::move(*parquet);
    if (const auto type = plaintext_format(sample_)) return found(Verdict::kPlaintext, std::string(*type));
    if (auto text = by_text(within)) return std::move(*text);
    if (auto packed = by_compressor(within)) return std::move(*packed);
    return by_statistics();
  }

 private:
  Looks look(Region region, Prior prior) {
    const auto looks = look_at_region(sample_, region, options_.statistics_budget, buffer_, prior);
    return looks.ok() ? *looks : Looks::kTooSmall;
  }

  // A header that parsed; what follows must not look like plaintext, and its key must be known.
  static Finding by_key(std::string type, Prior prior, Looks looks) {
    if (looks == Looks::kPlain) {
      return found(Verdict::kPlaintextUnknownType, type + "-look-alike", "its header before plaintext");
    }
    if (prior == Prior::kKnownKey) return found(Verdict::kEncrypted, std::move(type));
    return found(Verdict::kHighEntropyUnknown, std::move(type), "no key that is known opens it");
  }

  std::optional<Finding> by_container() {
    const auto container = parse_container(sample_);
    if (!container.ok() || !*container) return std::nullopt;  // a broken one is judged by what it holds
    const Container& parsed = **container;
    const Prior prior = prior_of(parsed.keys, *options_.keys);
    Looks looks = Looks::kEmpty;
    if (parsed.payload) {
      looks = look(*parsed.payload, prior);
    } else {
      WindowTally tally;
      tally.add(measure(parsed.decoded));
      looks = tally.looks(prior);
    }
    return by_key(std::string(parsed.type), prior, looks);
  }

  std::optional<Finding> by_parquet() {
    const auto outline = read_parquet(sample_);
    if (!outline.ok()) return std::nullopt;
    if (!outline->is_protected()) {
      const bool columns = outline->encrypted_columns != 0;
      const bool all = columns && outline->encrypted_columns == outline->columns;
      return found(Verdict::kPlaintext, columns ? "parquet-partly-encrypted" : "parquet",
                   all       ? "schema and statistics in the clear"
                   : columns ? "some columns in the clear"
                             : "");
    }
    return by_modules(*outline);
  }

  // Behind an encrypted footer columns without a key are as readable as ever.
  Finding by_modules(const ParquetOutline& outline) {
    const Prior prior = prior_of(outline.keys, *options_.keys);
    const ParquetModules modules = read_parquet_modules(sample_, outline.footer_at, buffer_);
    WindowTally tally;
    tally.add(measure(buffer_.first(modules.filled)));
    const Looks looks = tally.looks(prior);
    if (modules.end == outline.footer_at) return by_key("parquet-encrypted", prior, looks);
    if (looks == Looks::kPlain || look({modules.end, outline.footer_at}, Prior::kNone) == Looks::kPlain) {
      return found(Verdict::kPlaintextUnknownType, "parquet-partly-encrypted", "some of it in the clear");
    }
    return found(Verdict::kHighEntropyUnknown, "parquet-encrypted", "not all of it is encrypted modules");
  }

  std::optional<Finding> by_text(bool within) {
    const ByteView head = sample_.head.first(std::min(sample_.head.size(), kTextHead));
    if (!is_mostly_text(head)) return std::nullopt;
    if (head.size() < sample_.head.size() && !is_mostly_text(sample_.head)) return std::nullopt;
    const std::string_view text = as_text(sample_.head);
    if (!within) {
      if (auto decoded = decode_all_base64(text)) return by_decoded(*decoded);
    }
    return found(Verdict::kPlaintext, std::string(text_type(text, sample_.head.size() == sample_.size)));
  }

  // Base64 of whatever it stands for, one level in.
  Finding by_decoded(ByteView decoded) {
    Finding inner = classify_within(decoded);
    if (!is_readable(inner.verdict)) return found(Verdict::kHighEntropyUnknown, "base64:" + inner.type, inner.reason);
    return found(Verdict::kPlaintext, "base64:" + inner.type);
  }

  std::optional<Finding> by_compressor(bool within) {
    if (const auto zip = zip_format(sample_.head)) {
      if (*zip == "zip-encrypted") return found(Verdict::kHighEntropyUnknown, "zip-encrypted", "by an unknown key");
      return found(Verdict::kCompressed, std::string(*zip));
    }
    if (sample_.starts_with("7z\xBC\xAF\x27\x1C")) {
      return found(Verdict::kHighEntropyUnknown, "7z", "may be encrypted: it isn't looked into");
    }
    if (within) return std::nullopt;
    const auto packed = unpack_head(sample_.head, kWindow);
    if (!packed) return std::nullopt;
    const std::string type(packed->type);
    if (!packed->looked_inside) return found(Verdict::kCompressed, type);
    Finding inner = classify_within(packed->inside);
    Finding outer = found(Verdict::kCompressed, type + (inner.type.empty() ? "" : ":" + inner.type));
    if (!is_readable(inner.verdict)) outer.verdict = Verdict::kHighEntropyUnknown;
    outer.reason = outer.verdict == Verdict::kCompressed ? "" : "what was packed may be ciphertext";
    return outer;
  }

  Finding classify_within(ByteView bytes) {
    Bytes space(kWindow);
    Sample inner = sample_of(bytes);
    return Classifier(inner, options_, space).run(true);
  }

  Finding by_statistics() {
    const auto looks = look_at_region(sample_, {0, sample_.size}, options_.statistics_budget, buffer_);
    if (!looks.ok()) return found(Verdict::kUnreadable, "", looks.error().message());
    switch (*looks) {
      case Looks::kEmpty: return found(Verdict::kEmpty, "zeros");
      case Looks::kPlain: return found(Verdict::kPlaintextUnknownType, "");
      case Looks::kTooSmall: return found(Verdict::kHighEntropyUnknown, "", "too small to tell");
      case Looks::kRandom: return found(Verdict::kHighEntropyUnknown, "", "looks like ciphertext, or like xz");
    }
    return found(Verdict::kUnreadable, "");
  }

  const Sample& sample_;
  const ClassifyOptions& options_;
  MutableByteView buffer_;
};

}  // namespace

Finding classify(const Sample& sample, const ClassifyOptions& options, MutableByteView buffer) {
  Finding finding = Classifier(sample, options, buffer).run(false);
  if (finding.verdict == Verdict::kSealed || finding.verdict == Verdict::kEncrypted) return finding;
  finding.raw_keys = find_raw_keys(sample);
  if (finding.raw_keys.empty()) return finding;
  // Whatever else it is: somebody who has the file has a key.
  finding.verdict = Verdict::kPlaintext;
  finding.type = "key:" + finding.raw_keys.front().kind;
  return finding;
}

}  // namespace cloister::posture::content
