#include "net/ohttp.h"

#include <gtest/gtest.h>

#include "tests/support/deterministic_random.h"

namespace cloister::net {
namespace {

using cloister::testing::DeterministicRandom;
using crypto::HpkeAead;
using crypto::HpkeKem;
using crypto::HpkePrivateKey;

constexpr std::size_t kHead = 7 + 32;

class EachForm : public ::testing::TestWithParam<OhttpForm> {
 protected:
  OhttpKey key(std::uint8_t id = 3) const { return {id, private_key_.public_key(), {HpkeAead::kAes128Gcm}}; }
  OhttpSender sender() { return OhttpSender::create(key(), GetParam(), random_).value(); }
  Result<OhttpReceiver> receive(ByteView request) {
    return OhttpReceiver::create(key(), private_key_, GetParam(), request);
  }
  Code refusal(ByteView request, std::size_t max = 1000) {
    auto receiver = receive(request);
    if (!receiver.ok()) return receiver.error().code();
    const auto opened = receiver->open(max);
    return opened.ok() ? Code::kInternal : opened.error().code();
  }
  bool chunked() const { return GetParam() == OhttpForm::kChunked; }

  DeterministicRandom random_{1};
  HpkePrivateKey private_key_ = HpkePrivateKey::generate(HpkeKem::kX25519, random_);
  HpkePrivateKey other_ = HpkePrivateKey::generate(HpkeKem::kX25519, random_);
};

TEST_P(EachForm, RequestAndResponse) {
  for (const HpkeAead aead : {HpkeAead::kAes128Gcm, HpkeAead::kAes256Gcm, HpkeAead::kChaCha20Poly1305}) {
    const OhttpKey key{3, private_key_.public_key(), {aead}};
    OhttpSender sender = OhttpSender::create(key, GetParam(), random_).value();
    Buffer request;
    if (chunked()) sender.seal(as_bytes("quest"), Last::kNo, request);
    sender.seal(as_bytes("ion"), Last::kYes, request);
    auto receiver = OhttpReceiver::create(key, private_key_, GetParam(), request);
    ASSERT_TRUE(receiver.ok());
    const auto opened = receiver->open(8);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(as_text(opened->plaintext), chunked() ? "question" : "ion");

    Buffer response;
    OhttpResponder responder = receiver->respond(random_);
    if (chunked()) responder.seal(as_bytes("ans"), Last::kNo, response);
    const std::size_t last_chunk = response.size();
    responder.seal(as_bytes("wer"), Last::kYes, response);
    const auto answer = sender.open(response, 6);
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(as_text(answer->plaintext), chunked() ? "answer" : "wer");
    if (chunked()) {
      EXPECT_EQ(answer->last_chunk, last_chunk);
      EXPECT_EQ(answer->last_plaintext, 3U);
    }
  }
}

TEST_P(EachForm, EveryBitOfARequestCounts) {
  OhttpSender sender = this->sender();
  Buffer request;
  sender.seal(as_bytes("question"), Last::kYes, request);
  for (std::size_t bit = 0; bit < request.size() * 8; ++bit) {
    Buffer changed = request;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_NE(refusal(changed), Code::kInternal) << "bit " << bit;
  }
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_NE(refusal(ByteView(request).first(size)), Code::kInternal) << "of " << size << " bytes";
  }
}

TEST_P(EachForm, EveryBitOfAResponseCounts) {
  OhttpSender sender = this->sender();
  Buffer request;
  sender.seal(as_bytes("question"), Last::kYes, request);
  Buffer response;
  receive(request)->respond(random_).seal(as_bytes("answer"), Last::kYes, response);
  for (std::size_t bit = 0; bit < response.size() * 8; ++bit) {
    Buffer changed = response;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(sender.open(changed, 1000).ok()) << "bit " << bit;
  }
  for (std::size_t size = 0; size < response.size(); ++size) {
    EXPECT_FALSE(sender.open(ByteView(response).first(size), 1000).ok()) << "of " << size << " bytes";
  }
}

TEST_P(EachForm, AnotherRequestsResponse) {
  OhttpSender first = sender();
  OhttpSender second = sender();
  Buffer request;
  first.seal(as_bytes("question"), Last::kYes, request);
  Buffer response;
  receive(request)->respond(random_).seal(as_bytes("answer"), Last::kYes, response);
  EXPECT_TRUE(first.open(response, 1000).ok());
  EXPECT_EQ(second.open(response, 1000).error().code(), Code::kDenied);
}

TEST_P(EachForm, TheOtherFormIsNotTaken) {
  OhttpSender sender = this->sender();
  Buffer request;
  sender.seal(as_bytes("question"), Last::kYes, request);
  const OhttpForm other = chunked() ? OhttpForm::kWhole : OhttpForm::kChunked;
  auto receiver = OhttpReceiver::create(key(), private_key_, other, request);
  ASSERT_TRUE(receiver.ok());
  EXPECT_EQ(receiver->open(1000).error().code(), Code::kDenied);
}

TEST_P(EachForm, AnotherKeyOrSuite) {
  OhttpSender sender = this->sender();
  Buffer request;
  sender.seal(as_bytes("question"), Last::kYes, request);
  EXPECT_EQ(OhttpReceiver::create(key(4), private_key_, GetParam(), request).error().code(), Code::kNotFound);
  OhttpKey longer = key();
  longer.aeads = {HpkeAead::kAes256Gcm};
  EXPECT_EQ(OhttpReceiver::create(longer, private_key_, GetParam(), request).error().code(), Code::kUnsupported);
  Buffer kdf = request;
  kdf[4] = 3;
  EXPECT_EQ(refusal(kdf), Code::kUnsupported);
  auto stranger = OhttpReceiver::create({3, other_.public_key(), {HpkeAead::kAes128Gcm}}, other_, GetParam(), request);
  ASSERT_TRUE(stranger.ok());
  EXPECT_EQ(stranger->open(1000).error().code(), Code::kDenied);
}

TEST_P(EachForm, LongerThanIsTaken) {
  OhttpSender sender = this->sender();
  Buffer request;
  sender.seal(as_bytes("question"), Last::kYes, request);
  EXPECT_EQ(refusal(request, 7), Code::kInvalid);
}

INSTANTIATE_TEST_SUITE_P(Forms, EachForm, ::testing::Values(OhttpForm::kWhole, OhttpForm::kChunked));

class OhttpKeys : public ::testing::Test {
 protected:
  DeterministicRandom random_{1};
  OhttpKey key_{7,
                HpkePrivateKey::generate(HpkeKem::kX25519, random_).public_key(),
                {HpkeAead::kAes128Gcm, HpkeAead::kChaCha20Poly1305}};
  Bytes bytes_ = encode_ohttp_key(key_);
};

TEST_F(OhttpKeys, ThereAndBack) {
  const auto read = parse_ohttp_key(bytes_);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->id, 7);
  EXPECT_EQ(read->aeads, key_.aeads);
  EXPECT_EQ(encode_ohttp_key(*read), bytes_);
}

TEST_F(OhttpKeys, CutShortOrLonger) {
  for (std::size_t size = 0; size < bytes_.size(); ++size) {
    EXPECT_EQ(parse_ohttp_key(ByteView(bytes_).first(size)).error().code(), Code::kInvalid) << size;
  }
  bytes_.push_back(0);
  EXPECT_EQ(parse_ohttp_key(bytes_).error().code(), Code::kInvalid);
}

TEST_F(OhttpKeys, UnknownKemOrSuites) {
  Bytes other = bytes_;
  other[2] = 0x10;
  EXPECT_EQ(parse_ohttp_key(other).error().code(), Code::kUnsupported);
  Bytes one = bytes_;
  one[kHead + 1] = 9;  // the first suite's AEAD
  EXPECT_EQ(parse_ohttp_key(one).value().aeads, std::vector{HpkeAead::kChaCha20Poly1305});
  one[kHead + 5] = 9;
  EXPECT_EQ(parse_ohttp_key(one).error().code(), Code::kUnsupported);
  Bytes low = bytes_;
  std::fill_n(low.begin() + 3, 32, std::uint8_t{0});
  EXPECT_EQ(parse_ohttp_key(low).error().code(), Code::kInvalid) << "a point of low order";
}

TEST_F(OhttpKeys, AListLeavesOutWhatItDoesNotKnow) {
  Bytes list{0, 4, 9, 0, 0x10, 1};  // another KEM
  const Bytes ours = encode_ohttp_keys({key_, key_});
  list.insert(list.end(), ours.begin(), ours.end());
  EXPECT_EQ(parse_ohttp_keys(list).value().size(), 2U);
  EXPECT_EQ(parse_ohttp_keys({}).error().code(), Code::kUnsupported);
  EXPECT_EQ(parse_ohttp_keys(ByteView(list).first(6)).error().code(), Code::kUnsupported);
  list.pop_back();
  EXPECT_EQ(parse_ohttp_keys(list).error().code(), Code::kInvalid);
  EXPECT_EQ(parse_ohttp_keys(encode_ohttp_keys(std::vector<OhttpKey>(17, key_))).error().code(), Code::kInvalid);
}

TEST(Ohttp, MediaTypes) {
  EXPECT_EQ(ohttp_request_type(OhttpForm::kWhole), "message/ohttp-req");
  EXPECT_EQ(ohttp_response_type(OhttpForm::kChunked), "message/ohttp-chunked-res");
}

TEST(Ohttp, NothingAfterTheLastChunk) {
  DeterministicRandom random(1);
  const OhttpKey key{1, HpkePrivateKey::generate(HpkeKem::kX25519, random).public_key(), {HpkeAead::kAes128Gcm}};
  OhttpSender sender = OhttpSender::create(key, OhttpForm::kChunked, random).value();
  Buffer out;
  EXPECT_DEATH(sender.seal({}, Last::kNo, out), "internal check failed") << "a chunk without content";
  sender.seal({}, Last::kYes, out);
  EXPECT_DEATH(sender.seal(as_bytes("x"), Last::kYes, out), "internal check failed");
}

// A response in chunks, opened as it comes.
class Opener : public ::testing::Test {
 protected:
  void SetUp() override {
    Buffer request;
    sender_.seal(as_bytes("question"), Last::kYes, request);
    auto receiver = OhttpReceiver::create(key_, private_key_, OhttpForm::kChunked, request);
    ASSERT_TRUE(receiver.ok() && receiver->open(100).ok());
    for (const std::string_view text : {"one ", "two ", "three ", ""}) add(*receiver, text);
  }
  // What was handed out, and how it ended, when these come one after the other.
  std::pair<std::string, Code> open(const std::vector<Buffer>& chunks) {
    OhttpOpener opener = sender_.opener();
    Buffer out;
    Status status = opener.put(nonce_, out);
    for (std::size_t i = 0; status.ok() && i < chunks.size(); ++i) status = opener.put(chunks[i], out);
    if (status.ok()) status = opener.finish(out);
    return {std::string(as_text(out)), status.ok() ? kGood : status.error().code()};
  }

  static constexpr Code kGood = Code::kExists;  // nothing of this fails so
  DeterministicRandom random_{1};
  HpkePrivateKey private_key_ = HpkePrivateKey::generate(HpkeKem::kX25519, random_);
  OhttpKey key_{3, private_key_.public_key(), {HpkeAead::kAes128Gcm}};
  OhttpSender sender_ = OhttpSender::create(key_, OhttpForm::kChunked, random_).value();
  Buffer nonce_;
  std::vector<Buffer> chunks_;

 private:
  void add(const OhttpReceiver& receiver, std::string_view text) {
    if (!responder_) responder_.emplace(receiver.respond(random_));
    Buffer out;
    responder_->seal(as_bytes(text), text.empty() ? Last::kYes : Last::kNo, out);
    if (chunks_.empty()) {
      nonce_.assign(out.begin(), out.begin() + 16);
      out.erase(out.begin(), out.begin() + 16);
    }
    chunks_.push_back(std::move(out));
  }
  std::optional<OhttpResponder> responder_;
};

TEST_F(Opener, ChunksComeOneByOne) {
  EXPECT_EQ(open(chunks_), (std::pair<std::string, Code>{"one two three ", kGood}));
  OhttpOpener opener = sender_.opener();
  Buffer all = nonce_, out;
  for (const Buffer& chunk : chunks_) append(all, chunk);
  for (const std::uint8_t byte : all) EXPECT_TRUE(opener.put({&byte, 1}, out).ok());
  EXPECT_EQ(as_text(out), "one two three ");
  EXPECT_TRUE(opener.finish(out).ok());
  const std::size_t before_last = all.size() - chunks_.back().size();
  EXPECT_EQ(opener.before_last(), before_last);
  EXPECT_EQ(opener.digest_before_last(), crypto::sha256(ByteView(all).first(before_last)));
  EXPECT_EQ(sender_.open(all, 100)->last_chunk, before_last);
}

TEST_F(Opener, LastChunkDropped) {
  chunks_.pop_back();
  EXPECT_EQ(open(chunks_), (std::pair<std::string, Code>{"one two three ", Code::kDenied}));
  EXPECT_EQ(open({}), (std::pair<std::string, Code>{"", Code::kDenied}));
}

TEST_F(Opener, ChunkDroppedReorderedOrRepeated) {
  const auto expect_one = [this](std::vector<Buffer> chunks) {
    EXPECT_EQ(open(chunks), (std::pair<std::string, Code>{"one ", Code::kDenied}));
  };
  expect_one({chunks_[0], chunks_[2], chunks_[3]});
  expect_one({chunks_[0], chunks_[2], chunks_[1], chunks_[3]});
  expect_one({chunks_[0], chunks_[0], chunks_[1], chunks_[2], chunks_[3]});
  expect_one({chunks_[0], chunks_[3]});
}

TEST_F(Opener, ChunkOfAnotherAnswer) {
  Buffer request, strange;
  OhttpSender sender = OhttpSender::create(key_, OhttpForm::kChunked, random_).value();
  sender.seal(as_bytes("question"), Last::kYes, request);
  auto receiver = OhttpReceiver::create(key_, private_key_, OhttpForm::kChunked, request);
  OhttpResponder responder = receiver->respond(random_);
  responder.seal(as_bytes("uno "), Last::kNo, strange);
  Buffer second;
  responder.seal(as_bytes("due "), Last::kNo, second);
  EXPECT_EQ(open({chunks_[0], second, chunks_[2], chunks_[3]}), (std::pair<std::string, Code>{"one ", Code::kDenied}));
}

TEST_F(Opener, ChangedAnywhere) {
  Buffer all = nonce_;
  for (const Buffer& chunk : chunks_) append(all, chunk);
  for (std::size_t at = 0; at < all.size(); ++at) {
    Buffer changed = all, out;
    changed[at] ^= 1;
    OhttpOpener opener = sender_.opener();
    Status status = opener.put(changed, out);
    if (status.ok()) status = opener.finish(out);
    EXPECT_FALSE(status.ok()) << at;
    EXPECT_TRUE(std::string_view("one two three ").starts_with(as_text(out))) << at;
    EXPECT_FALSE(opener.put(changed, out).ok()) << "nothing follows an error";
  }
}

TEST_F(Opener, ChunkThatIsTooLong) {
  Buffer out;
  OhttpOpener opener = sender_.opener();
  ASSERT_TRUE(opener.put(nonce_, out).ok());
  EXPECT_EQ(opener.put(Bytes{0x80, 2, 0, 0}, out).error().code(), Code::kInvalid);
  OhttpOpener last = sender_.opener();
  ASSERT_TRUE(last.put(nonce_, out).ok());
  EXPECT_EQ(last.put(Bytes(kOhttpChunkMax + 100, 0), out).error().code(), Code::kInvalid);
}

}  // namespace
}  // namespace cloister::net
