// ROBOT (Böck, Somorovsky, Young 2018): does the server tell whether an RSA block was padded well?
#include <algorithm>

#include "crypto/rsa_public.h"
#include "probe/tls/bytes.h"
#include "probe/tls/checks.h"
#include "probe/tls/cipher_suites.h"
#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

constexpr std::size_t kPremasterSize = 48;
constexpr std::size_t kVariants = 5;

// PKCS #1 v1.5 blocks around a premaster secret: a right one, and four that are wrong in one place each.
Bytes block_of(std::size_t variant, std::size_t size, std::uint16_t version, ByteView random) {
  Bytes block(size);
  for (std::size_t i = 0; i < size; ++i) block[i] = static_cast<std::uint8_t>(random[i % random.size()] | 1);
  block[0] = 0;
  block[1] = 2;
  const std::size_t zero = size - kPremasterSize - 1;
  block[zero] = 0;
  block[zero + 1] = static_cast<std::uint8_t>(version >> 8);
  block[zero + 2] = static_cast<std::uint8_t>(version);
  switch (variant) {
    case 1: block[0] = 0x41, block[1] = 0x17; break;          // not a block of this kind
    case 2: block[zero] = 0x11, block[size - 1] = 0; break;   // the zero is in another place
    case 3: block[zero] = 0x11; break;                        // no zero at all
    case 4: block[zero + 1] = 2, block[zero + 2] = 2; break;  // another version
    default: break;
  }
  return block;
}

std::string word_of(const Event& event) {
  switch (event.came) {
    case Came::kAlert: return alert_name(event.incoming.description);
    case Came::kClosed: return "closed";
    case Came::kSilent: return "silence";
    case Came::kRecord: return "record " + std::to_string(event.incoming.type);
    case Came::kMessage: return "message " + std::to_string(event.incoming.type);
    default: return {};
  }
}

struct Reaction {
  std::string word;  // empty: unknown
  std::string why;
};

struct Target {
  std::uint16_t version;
  std::vector<std::uint16_t> suites;
};

Reaction try_variant(Asker& asker, const Target& target, std::size_t variant) {
  auto opened = asker.open();
  if (opened.conversation == nullptr) return {{}, opened.reason};
  Conversation& conversation = *opened.conversation;
  conversation.send(asker.hello(target.version, target.suites).records());
  const Answer answer = Asker::hear(conversation, Want::kFlight);
  if (!answer.flight_whole || answer.chain.empty()) return {{}, answer.to_string()};
  const auto key = crypto::RsaPublic::of_certificate(answer.chain.front());
  if (!key.ok()) return {{}, key.error().message()};
  if (key->size_bytes() < kPremasterSize + 11) return {{}, "the key is too short for a premaster secret"};
  const auto sealed =
      key->insecure_apply_unpadded(block_of(variant, key->size_bytes(), target.version, asker.random32()));
  if (!sealed.ok()) return {{}, sealed.error().message()};

  TlsWriter messages;
  if (answer.wants_certificate) messages.u8(11).vector24(Bytes{0, 0, 0});
  const Bytes exchange = target.version == kSsl3 ? *sealed : TlsWriter().vector16(*sealed).take();
  messages.u8(16).vector24(exchange);
  Bytes out = record(RecordType::kHandshake, target.version, messages.view());
  const auto noise = asker.random32();
  Bytes finished(noise.begin(), noise.end());
  finished.insert(finished.end(), noise.begin(), noise.end());
  for (const Bytes& more : {record(RecordType::kChangeCipherSpec, target.version, Bytes{1}),
                            record(RecordType::kHandshake, target.version, finished)}) {
    out.insert(out.end(), more.begin(), more.end());
  }
  conversation.send(out);
  Reaction reaction{word_of(conversation.next()), "something that doesn't belong there came"};
  // Some send an alert and then reset, some don't: that difference tells as well.
  if (!reaction.word.empty() && reaction.word != "closed" && reaction.word != "silence") {
    reaction.word += ", then " + word_of(conversation.next_within(Duration{500}));
  }
  return reaction;
}

struct Reactions {
  std::vector<std::string> words;
  std::string why;  // they are unknown
  bool known() const { return words.size() == kVariants; }
  bool differ() const {
    return std::ranges::any_of(words, [&](const std::string& word) { return word != words.front(); });
  }
};

Reactions try_all(Asker& asker, const Target& target) {
  Reactions all;
  for (std::size_t variant = 0; variant < kVariants; ++variant) {
    Reaction one = try_variant(asker, target, variant);
    if (one.word.empty()) {
      all.why = one.why;
      return all;
    }
    all.words.push_back(std::move(one.word));
  }
  return all;
}

std::string listed(const Reactions& reactions) {
  std::string text;
  for (const std::string& word : reactions.words) text += (text.empty() ? "" : "; ") + word;
  return text;
}

}  // namespace

Facts check_robot(Asker& asker, const Known& known) {
  Facts facts;
  Target target{0, {}};
  bool complete = true;
  for (const auto& [version, taken] : known.suites) {
    complete = complete && taken.complete;
    for (const std::uint16_t code : taken.codes) {
      const SuiteTraits traits = traits_of(code);
      if (!traits.static_rsa || traits.exported) continue;
      if (target.version != version) target = {version, {}};
      target.suites.push_back(code);
    }
  }
  if (target.suites.empty()) {
    facts.add("H6", "", complete ? Seen::kNotApplicable : Seen::kUnknown, "no RSA key exchange is known to be taken");
    return facts;
  }
  const Reactions first = try_all(asker, target);
  if (!first.known() || !first.differ()) {
    facts.add("H6", "", first.known() ? Seen::kNo : Seen::kUnknown, first.known() ? first.words.front() : first.why);
    return facts;
  }
  const Reactions second = try_all(asker, target);
  const bool same = second.words == first.words;
  facts.add("H6", "", same ? Seen::kYes : Seen::kUnknown, same ? listed(first) : "its answers vary: " + listed(first));
  return facts;
}

}  // namespace cloister::probe
