#include "audit/signed_note.h"

#include "base/base64.h"
#include "base/reader.h"
#include "tests/unit/audit/log_fixture.h"

namespace cloister::audit {
namespace {

constexpr std::string_view kText = "first line\n\nlast line, after an empty one\n";

class Notes : public ::testing::Test {
 protected:
  std::string signed_by(const NoteSigner& signer) const {
    return value_of(write_note(SignedNote{std::string(kText), {signer.sign(kText, kNow)}}));
  }
  static std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }
  Result<std::vector<VerifiedSignature>> verify(std::string_view note, std::vector<VerifierKey> keys) const {
    return verify_note(value_of(parse_note(note)), keys);
  }

  LogKeys keys_;
};

// The worked example of c2sp.org/signed-note.
TEST_F(Notes, ExampleOfTheSpecification) {
  const auto key =
      value_of(VerifierKey::parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"));
  constexpr std::string_view kNote =
      "This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1E"
      "RYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
  EXPECT_EQ(key.name(), "example.com/foo");
  EXPECT_TRUE(verify(kNote, {key}).ok());
  EXPECT_EQ(value_of(write_note(value_of(parse_note(kNote)))), kNote);
}

TEST_F(Notes, TextWithEmptyLinesIsReadAsItWasSigned) {
  const std::string note = signed_by(keys_.log);
  EXPECT_EQ(value_of(parse_note(note)).text, kText);
  const auto verified = value_of(verify(note, {keys_.witness.verifier(), keys_.log.verifier()}));
  ASSERT_EQ(verified.size(), 1u);
  EXPECT_EQ(verified[0].key, 1u);
  EXPECT_FALSE(verified[0].unix_seconds.has_value());
}

TEST_F(Notes, CosignatureSaysItsTime) {
  const auto verified = value_of(verify(signed_by(keys_.witness), {keys_.witness.verifier()}));
  ASSERT_EQ(verified.size(), 1u);
  EXPECT_EQ(verified[0].unix_seconds, 1'700'000'100u);
}

TEST_F(Notes, KeyIsWrittenAsItWasRead) {
  for (const NoteSigner* signer : {&keys_.log, &keys_.witness}) {
    const VerifierKey& key = signer->verifier();
    const VerifierKey read = value_of(VerifierKey::parse(key.text()));
    EXPECT_EQ(read.text(), key.text());
    EXPECT_EQ(read.type(), key.type());
    EXPECT_EQ(read.public_key(), key.public_key());
  }
  // The same key and name under another type is another key.
  EXPECT_NE(value_of(NoteSigner::make(kOrigin, NoteKeyType::kCosignatureV1, keys_.log_key)).verifier().id(),
            keys_.log.verifier().id());
}

TEST_F(Notes, EveryChangedOrCutKeyIsRefused) {
  const std::string text = keys_.log.verifier().text();
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(VerifierKey::parse(text.substr(0, i)).ok()) << i;
    if (i != 0) {
      EXPECT_FALSE(VerifierKey::parse(text.substr(i)).ok()) << i;
    }
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      EXPECT_FALSE(VerifierKey::parse(changed).ok()) << changed;
    }
  }
  EXPECT_FALSE(VerifierKey::parse(text + "\n").ok());
  EXPECT_FALSE(VerifierKey::parse(" " + text).ok());
}

TEST_F(Notes, KeyOfAnotherTypeOrLength) {
  const auto written = [](std::uint8_t type, std::size_t size) {
    Writer id;
    Bytes raw{type};
    raw.resize(1 + size, 7);
    id.bytes(as_bytes("k")).u8('\n').bytes(raw);
    return "k+" + to_hex(ByteView(crypto::sha256(id.view())).first(4)) + "+" + to_base64(raw);
  };
  EXPECT_TRUE(VerifierKey::parse(written(1, 32)).ok());
  EXPECT_TRUE(VerifierKey::parse(written(4, 32)).ok());
  for (const std::uint8_t type : {0, 2, 3, 5, 6, 255}) {
    expect_refused(VerifierKey::parse(written(type, 32)), Code::kUnsupported, "type " + std::to_string(type));
  }
  for (const std::size_t size : {0, 31, 33, 64}) {
    expect_refused(VerifierKey::parse(written(1, size)), Code::kInvalid, "wrong length");
  }
  expect_refused(VerifierKey::parse("k+00000000+"), Code::kInvalid, "");
  expect_refused(VerifierKey::parse("k+00000000"), Code::kInvalid, "eight digits");
  expect_refused(VerifierKey::parse(std::string(100, 'k')), Code::kInvalid, "NAME+ID+KEY");
  expect_refused(VerifierKey::parse("k+00000000+" + std::string(8000, 'A')), Code::kInvalid, "too long");
}

TEST_F(Notes, NamesNoKeyCanHave) {
  for (const std::string_view name :
       {"", "a b", "a+b", "a\nb", "a\tb", "a\x7f", "a\u00a0b", "a\u0085", "\u2003a", "a\u3000", "a\u2028b", "\xff"}) {
    EXPECT_FALSE(is_key_name(name)) << name;
    EXPECT_FALSE(VerifierKey::make(name, NoteKeyType::kEd25519, {}).ok());
  }
  EXPECT_TRUE(is_key_name("größe.example/\u200b"));  // a zero width space is none to Unicode
  EXPECT_TRUE(is_key_name(std::string(255, 'a')));
  EXPECT_FALSE(is_key_name(std::string(256, 'a')));
}

TEST_F(Notes, ChangedText) {
  const std::string note = signed_by(keys_.log);
  for (std::size_t i = 0; i < kText.size(); ++i) {
    std::string changed = note;
    changed[i] ^= 1;
    const auto parsed = parse_note(changed);
    EXPECT_FALSE(parsed.ok() && verify_note(*parsed, std::vector{keys_.log.verifier()}).ok()) << i;
  }
}

TEST_F(Notes, SignatureOfAKnownKeyThatIsWrong) {
  SignedNote note{std::string(kText), {keys_.log.sign(kText, kNow), keys_.witness.sign(kText, kNow)}};
  const std::vector keys{keys_.log.verifier(), keys_.witness.verifier()};
  EXPECT_EQ(value_of(verify_note(note, keys)).size(), 2u);
  for (std::size_t line = 0; line < 2; ++line) {
    for (std::size_t i = 0; i < note.signatures[line].signature.size(); i += 5) {
      SignedNote wrong = note;
      wrong.signatures[line].signature[i] ^= 1;
      expect_refused(verify_note(wrong, keys), Code::kCorrupt, "isn't this key's");
    }
    SignedNote cut = note;
    cut.signatures[line].signature.pop_back();
    expect_refused(verify_note(cut, keys), Code::kCorrupt, "isn't this key's");
    SignedNote longer = note;
    longer.signatures[line].signature.push_back(0);
    expect_refused(verify_note(longer, keys), Code::kCorrupt, "isn't this key's");
  }
  // A second, wrong signature of the same key isn't passed over because the first was right.
  SignedNote twice = note;
  twice.signatures.push_back(note.signatures[0]);
  EXPECT_EQ(value_of(verify_note(twice, keys)).size(), 2u);
  twice.signatures.back().signature[0] ^= 1;
  expect_refused(verify_note(twice, keys), Code::kCorrupt, "isn't this key's");
}

TEST_F(Notes, NobodyKnownSigned) {
  const std::string note = signed_by(keys_.log);
  expect_refused(verify(note, {}), Code::kDenied, "no trusted key");
  expect_refused(verify(note, {keys_.witness.verifier()}), Code::kDenied, "no trusted key");
}

TEST_F(Notes, SameKeyUnderAnotherName) {
  const auto other = value_of(NoteSigner::make("audit.example.com/rival", NoteKeyType::kEd25519, keys_.log_key));
  expect_refused(verify(signed_by(keys_.log), {other.verifier()}), Code::kDenied, "no trusted key");
  // The line's name is changed to the trusted one; its id isn't that of the trusted key then.
  const std::string renamed =
      replaced(signed_by(other), "\u2014 audit.example.com/rival", "\u2014 " + std::string(kOrigin));
  expect_refused(verify(renamed, {keys_.log.verifier()}), Code::kDenied, "no trusted key");
}

TEST_F(Notes, UnknownKeysAreIgnoredWhateverTheyHold) {
  SignedNote note{std::string(kText), {keys_.log.sign(kText, kNow)}};
  note.signatures.push_back(NoteSignature{"unknown", {1, 2, 3, 4}, Bytes{9}});
  note.signatures.push_back(NoteSignature{std::string(kOrigin), {1, 2, 3, 4}, Bytes{9}});
  note.signatures.push_back(NoteSignature{"unknown", keys_.log.verifier().id(), Bytes{9}});
  EXPECT_EQ(value_of(verify(value_of(write_note(note)), {keys_.log.verifier()})).size(), 1u);
}

TEST_F(Notes, TimeOfACosignatureIsSigned) {
  SignedNote note{std::string(kText), {keys_.witness.sign(kText, kNow)}};
  store_be64(note.signatures[0].signature.data(), 1'700'000'101);
  expect_refused(verify_note(note, std::vector{keys_.witness.verifier()}), Code::kCorrupt, "isn't this key's");
}

TEST_F(Notes, TimeOver63Bits) {
  constexpr std::uint64_t kSeconds = std::uint64_t{1} << 63;
  const std::string message = "cosignature/v1\ntime " + std::to_string(kSeconds) + "\n" + std::string(kText);
  const auto raw = keys_.witness_key.sign(as_bytes(message));
  NoteSignature signature{std::string(kWitness), keys_.witness.verifier().id(), Bytes(8)};
  store_be64(signature.signature.data(), kSeconds);
  signature.signature.insert(signature.signature.end(), raw.begin(), raw.end());
  const SignedNote note{std::string(kText), {signature}};
  expect_refused(verify_note(note, std::vector{keys_.witness.verifier()}), Code::kCorrupt, "isn't this key's");
}

TEST_F(Notes, PlainSignatureIsNoCosignature) {
  // The witness's key signed the text itself; the line is dressed up as a cosignature of time 0.
  const auto raw = keys_.witness_key.sign(as_bytes(kText));
  NoteSignature signature{std::string(kWitness), keys_.witness.verifier().id(), Bytes(8)};
  signature.signature.insert(signature.signature.end(), raw.begin(), raw.end());
  const SignedNote note{std::string(kText), {signature}};
  expect_refused(verify_note(note, std::vector{keys_.witness.verifier()}), Code::kCorrupt, "isn't this key's");
}

TEST_F(Notes, OneKeyGivenTwice) {
  expect_refused(verify(signed_by(keys_.log), {keys_.log.verifier(), keys_.log.verifier()}), Code::kInvalid, "twice");
}

TEST_F(Notes, Malformed) {
  const std::string note = signed_by(keys_.log);
  const std::string line = note.substr(kText.size() + 1);
  const std::string text(kText);
  const auto refused = [](std::string_view bad, std::string_view part) {
    expect_refused(parse_note(bad), Code::kCorrupt, part);
  };
  refused("", "line feed");
  refused("\n", "empty line");
  refused("\n\n", "no signature");
  refused(text, "isn't one");  // what stands after its own empty line is no signature
  refused("text\n", "no empty line");
  refused("text\n\n", "no signature");
  refused(note.substr(0, note.size() - 1), "line feed");
  refused(note + "\n", "no signature");
  refused(note + "more\n", "isn't one");
  refused(text + "\n " + line, "isn't one");
  refused(text + "\n-" + line.substr(3), "isn't one");
  refused(replaced(note, "\u2014 ", "\u2014"), "isn't one");
  refused(replaced(note, std::string(kOrigin) + " ", std::string(kOrigin) + "  "), "isn't one");
  refused(replaced(note, std::string(kOrigin) + " ", "two words "), "isn't one");
  refused(replaced(note, std::string(kOrigin) + " ", "a+b "), "isn't one");
  refused(text + "\n\u2014 name AAAA\n", "isn't one");   // an id, no signature
  refused(text + "\n\u2014 name AAAAA\n", "isn't one");  // not base64
  refused(text + "\n\u2014 name \n", "isn't one");
  refused(text + "\n\u2014  AAAAAAA=\n", "isn't one");
  refused(replaced(note, "first", "fir\tst"), "plain");
  refused(replaced(note, "first", "fir\rst"), "plain");
  refused(replaced(note, "first", "fir\xffst"), "plain");
  refused(replaced(note, "first", "fir\u0085st"), "plain");
  refused(replaced(note, "first", std::string_view("fir\0st", 6)), "plain");
}

TEST_F(Notes, BoundsOfANote) {
  const std::string line = write_note_signature(keys_.log.sign("text\n", kNow));
  std::string many = "text\n\n";
  for (int i = 0; i < 100; ++i) many += line;
  EXPECT_TRUE(verify(many, {keys_.log.verifier()}).ok());
  expect_refused(parse_note(many + line), Code::kCorrupt, "more than 100");
  const std::string large = std::string(kNoteSizeMax - line.size() - 2, 'x') + "\n\n" + line;
  EXPECT_TRUE(parse_note(large).ok());
  expect_refused(parse_note("x" + large), Code::kCorrupt, "131072");
  const SignedNote longest{"text\n", {NoteSignature{"k", {}, Bytes(kNoteSignatureSizeMax)}}};
  EXPECT_TRUE(write_note(longest).ok());
  const SignedNote longer{"text\n", {NoteSignature{"k", {}, Bytes(kNoteSignatureSizeMax + 1)}}};
  expect_refused(write_note(longer), Code::kInvalid, "isn't one");
}

TEST_F(Notes, WhatAReaderWouldRefuseIsNotWritten) {
  const NoteSignature signature = keys_.log.sign(kText, kNow);
  expect_refused(write_note({"no line feed", {signature}}), Code::kInvalid, "");
  expect_refused(write_note({"", {signature}}), Code::kInvalid, "");
  expect_refused(write_note({"text\n", {}}), Code::kInvalid, "no signature");
  expect_refused(write_note({"te\x01xt\n", {signature}}), Code::kInvalid, "plain");
  // A text that ends in what looks like a signature of somebody else's would be read as another text.
  const std::string hidden = "text\n\n" + write_note_signature(signature);
  const auto written = write_note({hidden, {signature}});
  EXPECT_TRUE(written.ok());
  EXPECT_EQ(value_of(parse_note(*written)).text, hidden);
}

}  // namespace
}  // namespace cloister::audit
