// Headers of models' files, and what would run: everything that lies is refused within bounds.
#include "base/reader.h"
#include "model/check.h"
#include "model/gguf.h"
#include "model/onnx.h"
#include "model/pickle.h"
#include "model/zip_members.h"
#include "tests/unit/model/model_files.h"

namespace cloister::model {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kHeader =
    R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[2,2],"data_offsets":[8,16]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

Result<std::vector<Tensor>> parse(std::string_view header, std::uint64_t data) {
  return parse_safetensors(header, 8 + header.size() + data);
}

TEST(Safetensors, WhereTensorsLie) {
  const auto tensors = value_of(parse(kHeader, 16));
  ASSERT_EQ(tensors.size(), 2U);
  EXPECT_EQ(tensors[0].name, "a");
  EXPECT_EQ(tensors[0].begin, 8 + kHeader.size());
  EXPECT_EQ(tensors[1].end, 8 + kHeader.size() + 16);
  EXPECT_TRUE(parse("{}", 0).ok());
}

TEST(Safetensors, LengthsThatLie) {
  expect_refused(parse(kHeader, 15), Code::kCorrupt, "outside");
  expect_refused(parse(kHeader, 17), Code::kCorrupt, "longer");
  expect_refused(parse_safetensors(kHeader, 20), Code::kCorrupt, "longer");
  const auto one = [](const std::string& rest) { return parse(R"({"a":{"dtype":"U8",)" + rest + "}}", 8); };
  EXPECT_TRUE(one(R"("shape":[8],"data_offsets":[0,8])").ok());
  expect_refused(one(R"("shape":[8],"data_offsets":[8,0])"), Code::kCorrupt, "outside");
  expect_refused(one(R"("shape":[4],"data_offsets":[0,8])"), Code::kCorrupt, "shape");
  expect_refused(one(R"("shape":[-8],"data_offsets":[0,8])"), Code::kCorrupt, "numbers");
  expect_refused(one(R"("shape":[4294967296,4294967296],"data_offsets":[0,0])"), Code::kCorrupt, "shape");
  expect_refused(one(R"("shape":[7],"data_offsets":[1,8])"), Code::kCorrupt, "gaps");
  expect_refused(one(R"("shape":[8],"data_offsets":[0,8,8])"), Code::kCorrupt, "outside");
}

TEST(Safetensors, HeaderThatIsNone) {
  expect_refused(parse("\xef\xbb\xbf{}", 0), Code::kCorrupt, "object");
  expect_refused(parse("  ", 0), Code::kCorrupt, "object");
  expect_refused(parse("{", 0), Code::kCorrupt, "JSON");
  expect_refused(parse(R"({"__metadata__":{"a":1}})", 0), Code::kCorrupt, "metadata");
  expect_refused(parse(R"({"a":{"dtype":"X","shape":[],"data_offsets":[0,0]}})", 0), Code::kUnsupported, "unknown");
  const testing::TempDir folder;
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{9}, std::uint64_t{1} << 63}) {
    ASSERT_TRUE(write_file(folder / "f", Writer().u64(length).bytes(as_bytes("{}")).take(), Overwrite::kReplace).ok());
    expect_refused(read_safetensors(value_of(File::open(folder / "f"))), Code::kCorrupt, "bytes long");
  }
}

// One text value and one tensor of 8 floats at 0.
Bytes gguf(std::uint32_t alignment = 32, std::uint64_t dimension = 8, std::uint64_t offset = 0,
           std::string_view key = "tokenizer.chat_template") {
  Writer writer;
  writer.bytes(as_bytes("GGUF")).u32(3).u64(1).u64(2);
  writer.u64(key.size()).bytes(as_bytes(key)).u32(8).u64(2).bytes(as_bytes("{}"));
  writer.u64(17).bytes(as_bytes("general.alignment")).u32(4).u32(alignment);
  writer.u64(1).bytes(as_bytes("a")).u32(1).u64(dimension).u32(0).u64(offset);
  writer.zeros((alignment - writer.size() % alignment) % alignment);
  return writer.zeros(32).take();
}

TEST(Gguf, WhatLiesWhere) {
  const Bytes bytes = gguf();
  const GgufMap map = value_of(parse_gguf(bytes, bytes.size()));
  EXPECT_TRUE(map.chat_template);
  ASSERT_EQ(map.tensors.size(), 1U);
  EXPECT_EQ(map.tensors[0].end, bytes.size());
}

TEST(Gguf, EveryTruncation) {
  const Bytes bytes = gguf();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_gguf(ByteView(bytes).first(size), size).ok()) << size;
  }
}

TEST(Gguf, NumbersThatLie) {
  const auto refused = [](const Bytes& bytes, std::string_view word) {
    expect_refused(parse_gguf(bytes, bytes.size()), Code::kCorrupt, word);
  };
  refused(gguf(24), "alignment");
  refused(gguf(1 << 20), "alignment");
  refused(gguf(32, 9), "outside");
  refused(gguf(32, 8, 16), "aligned");
  refused(gguf(32, std::uint64_t{1} << 62), "shape");
  refused(gguf(32, 8, ~std::uint64_t{31}), "shape");
  refused(gguf(32, 8, 0, "general.alignment"), "alignment");
  Bytes bytes = gguf();
  bytes[4] = 1;
  expect_refused(parse_gguf(bytes, bytes.size()), Code::kUnsupported, "version");
}

TEST(Pickle, WhatItImportsAndCalls) {
  const PickleReport old = value_of(scan_pickle(as_bytes("cos\nsystem\n(S'true'\ntR.")));
  EXPECT_EQ(old.imports, std::vector<std::string>{"os.system"});
  EXPECT_TRUE(old.calls);
  // \x93 takes the two texts before it.
  const PickleReport newer =
      value_of(scan_pickle(as_bytes(std::string_view("\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93.", 18))));
  EXPECT_EQ(newer.imports, std::vector<std::string>{"os.system"});
  EXPECT_FALSE(newer.calls);
  // From the memo: it may be anything.
  EXPECT_EQ(value_of(scan_pickle(as_bytes(std::string_view("h\x00h\x01\x93.", 6)))).imports,
            std::vector<std::string>{"?"});
  const PickleReport numbers =
      value_of(scan_pickle(as_bytes(std::string_view("\x80\x02]q\x00(K\x01K\x02"
                                                     "e.",
                                                     12))));
  EXPECT_TRUE(numbers.imports.empty() && !numbers.calls);
}

TEST(Pickle, SecondOneBehindTheFirst) {
  EXPECT_EQ(value_of(scan_pickle(as_bytes("N.cos\nsystem\n."))).imports, std::vector<std::string>{"os.system"});
}

TEST(Pickle, CutShortOrNone) {
  for (const std::string_view text : {"", "N", "cos\nsystem", "\xff.",
                                      "X\xff\xff\xff\xff"
                                      "a."}) {
    expect_refused(scan_pickle(as_bytes(text)), Code::kCorrupt, "");
  }
}

TEST(Onnx, TruncatedAndLooping) {
  expect_refused(scan_onnx(as_bytes("")), Code::kCorrupt, "whole");
  expect_refused(scan_onnx(as_bytes("\x3a\x7f")), Code::kCorrupt, "whole");
  expect_refused(scan_onnx(as_bytes("\x3b")), Code::kCorrupt, "whole");
  EXPECT_TRUE(value_of(scan_onnx(as_bytes(std::string_view("\x3a\x00", 2)))).external.empty());
}

FileCheck check(const std::string& name, std::string_view content) {
  const testing::TempDir folder;
  put(folder / "f", content);
  return value_of(check_file(value_of(File::open(folder / "f")), name));
}

TEST(CheckFile, UnknownIsNotHarmless) {
  EXPECT_FALSE(check("weights.dat", "canary").harmless());
  EXPECT_EQ(check("weights.dat", "").format, "unknown");
  EXPECT_FALSE(check("archive.zip", "PK\x05\x06").harmless());
}

TEST(CheckFile, WhatLiesBesideModels) {
  EXPECT_EQ(check("docs/LICENSE", "canary").format, "text");
  EXPECT_TRUE(check("LICENSE", "canary").harmless());
  EXPECT_FALSE(check("LICENSE.dat", "canary").harmless());
  ModelFiles model;
  EXPECT_TRUE(check("model.sig", serialize_bundle(model.signed_by(7))).harmless());
  EXPECT_FALSE(check("model.sig", "{}").harmless());
  EXPECT_FALSE(check("model.sig", "canary").harmless());
}

TEST(CheckFile, Programs) {
  for (const std::string& name :
       {std::string("modeling.py"), std::string("lib.so"), std::string("chat.jinja"), std::string("notes.ipynb")}) {
    EXPECT_FALSE(check(name, "x").runs_code.empty()) << name;
  }
  EXPECT_FALSE(check("run", "#!/bin/sh\n").harmless());
}

TEST(CheckFile, ConfigurationThatLoadsCode) {
  EXPECT_TRUE(check("config.json", R"({"layers": 2})").harmless());
  EXPECT_FALSE(check("config.json", R"({"auto_map": {"AutoModel": "modeling.Evil"}})").harmless());
  EXPECT_FALSE(check("config.json", R"({"text_config": [{"auto_map": {}}]})").harmless());
  const FileCheck pipelines =
      check("config.json", R"({"custom_pipelines": {"evil": {"impl": "owner/repo--evil.Pipe"}}})");
  EXPECT_FALSE(pipelines.runs_code.empty());
  EXPECT_TRUE(check("config.json", R"({"names": ["auto_map", "custom_pipelines"]})").harmless());
  EXPECT_FALSE(check("config.json", "{").harmless());
  EXPECT_FALSE(check("tokenizer_config.json", R"({"chat_template": "x"})").notes.empty());
}

TEST(CheckFile, ImportOfALongName) {
  const FileCheck found = check("a.pkl", "c" + std::string(100'000, 'a') + "\nsystem\n.");
  ASSERT_EQ(found.runs_code.size(), 1U);
  EXPECT_EQ(found.runs_code.front(), "the pickle imports a name of 100007 bytes");
}

TEST(CheckFile, NameThatMeansPickle) {
  const Bytes model = gguf();
  EXPECT_TRUE(check("a.gguf", as_text(model)).harmless());
  EXPECT_FALSE(check("pytorch_model.bin", as_text(model)).harmless());
}

struct Packed {
  std::string name, content;
  std::uint16_t flags = 0;
};

// An archive's members and directory, and what an end says of them.
struct Parts {
  Writer bytes;
  std::uint32_t offset = 0, size = 0;
  std::uint16_t count = 0;

  Parts& end(std::uint16_t comment = 0) {
    bytes.u32(0x06054b50).u32(0).u16(count).u16(count).u32(size).u32(offset).u16(comment);
    return *this;
  }
  // The 64-bit end and its locator.
  Parts& wide(std::uint64_t said_offset) {
    const std::uint64_t at = bytes.size();
    bytes.u32(0x06064b50).u64(44).u16(45).u16(45).u32(0).u32(0).u64(count).u64(count).u64(size).u64(said_offset);
    bytes.u32(0x07064b50).u32(0).u64(at).u32(1);
    return *this;
  }
};

Parts zip_parts(const std::vector<Packed>& members) {
  Parts parts;
  Writer directory;
  for (const Packed& member : members) {
    const auto at = static_cast<std::uint32_t>(parts.bytes.size());
    const auto size = static_cast<std::uint32_t>(member.content.size());
    const auto name_size = static_cast<std::uint16_t>(member.name.size());
    parts.bytes.u32(0x04034b50).u16(20).u16(member.flags).u16(0).u32(0).u32(0).u32(size).u32(size);
    parts.bytes.u16(name_size).u16(0).bytes(as_bytes(member.name)).bytes(as_bytes(member.content));
    directory.u32(0x02014b50).u16(20).u16(20).u16(member.flags).u16(0).u32(0).u32(0).u32(size).u32(size);
    directory.u16(name_size).u16(0).u16(0).u16(0).u16(0).u32(0).u32(at).bytes(as_bytes(member.name));
  }
  parts.offset = static_cast<std::uint32_t>(parts.bytes.size());
  parts.size = static_cast<std::uint32_t>(directory.size());
  parts.count = static_cast<std::uint16_t>(members.size());
  parts.bytes.bytes(directory.view());
  return parts;
}

Result<std::vector<ZipMember>> members_in(ByteView bytes) {
  const testing::TempDir folder;
  CLOISTER_CHECK(write_file(folder / "f", bytes, Overwrite::kReplace).ok());
  return read_zip_members(value_of(File::open(folder / "f")));
}

Result<std::vector<ZipMember>> members_of(const Parts& parts) { return members_in(parts.bytes.view()); }

const std::vector<Packed> kTwo = {{"a/data.txt", "x"}, {"a/1", "canary"}};

TEST(ZipMembers, WhatIsInside) {
  const auto members = value_of(members_of(zip_parts(kTwo).end()));
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[1].name, "a/1");
  EXPECT_EQ(members[1].size, 6U);
  Parts commented = zip_parts(kTwo).end(6);
  commented.bytes.bytes(as_bytes("canary"));
  EXPECT_TRUE(members_of(commented).ok());
  // PyTorch writes both ends, also where every number fits the first.
  Parts both = zip_parts(kTwo);
  EXPECT_TRUE(members_of(both.wide(both.offset).end()).ok());
}

TEST(ZipMembers, SecondEndInTheComment) {
  const Bytes second = zip_parts({{"a/data.pkl", "N."}}).end(9).bytes.view();
  Parts parts = zip_parts(kTwo).end(static_cast<std::uint16_t>(second.size()));
  parts.bytes.bytes(second);
  expect_refused(members_of(parts), Code::kCorrupt, "behind its end");
  Parts cut = zip_parts(kTwo).end(4);
  cut.bytes.u32(0x06054b50);
  expect_refused(members_of(cut), Code::kCorrupt, "behind its end");
}

TEST(ZipMembers, EndsThatDiffer) {
  Parts parts = zip_parts(kTwo);
  const std::uint32_t offset = parts.offset;
  parts.offset = 0;
  expect_refused(members_of(parts.wide(offset).end()), Code::kCorrupt, "two stories");
  Parts elsewhere = zip_parts(kTwo);
  expect_refused(members_of(elsewhere.wide(0).end()), Code::kCorrupt, "elsewhere");
  Parts alone = zip_parts(kTwo);
  alone.offset = 0xFFFFFFFF;
  expect_refused(members_of(alone.end()), Code::kCorrupt, "64-bit end");
}

TEST(ZipMembers, DirectoryThatIsNotBeforeTheEnd) {
  Parts parts = zip_parts(kTwo);
  parts.bytes.zeros(1);
  expect_refused(members_of(parts.end()), Code::kCorrupt, "elsewhere");
  Parts wide = zip_parts(kTwo);
  wide.bytes.zeros(1);
  expect_refused(members_of(wide.wide(wide.offset).end()), Code::kCorrupt, "elsewhere");
}

TEST(ZipMembers, EncryptedTwiceOrLeadingOut) {
  expect_refused(members_of(zip_parts({{"a", "x", 1}}).end()), Code::kUnsupported, "encrypted");
  expect_refused(members_of(zip_parts({{"a", "x"}, {"a", "y"}}).end()), Code::kCorrupt, "twice");
  expect_refused(members_of(zip_parts({{"../a", "x"}}).end()), Code::kCorrupt, "leads out");
}

TEST(ZipMembers, EveryTruncation) {
  const Bytes bytes = zip_parts(kTwo).end().bytes.view();
  EXPECT_TRUE(members_in(bytes).ok());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(members_in(ByteView(bytes).first(size)).ok()) << size;
  }
}

TEST(ZipMembers, DirectoryThatLies) {
  const Parts parts = zip_parts(kTwo).end();
  const std::size_t first = parts.offset, second = first + 46 + kTwo.front().name.size();
  const auto refused = [&](const std::vector<std::pair<std::size_t, std::uint8_t>>& changes, Code code,
                           std::string_view word) {
    Bytes bytes = parts.bytes.view();
    for (const auto& [at, value] : changes) bytes[at] = value;
    expect_refused(members_in(bytes), code, word);
  };
  refused({{second + 42, 0}}, Code::kCorrupt, "over each other");
  refused({{first + 24, 2}}, Code::kCorrupt, "beyond measure");
  refused({{first + 10, 8}, {first + 25, 16}}, Code::kCorrupt, "beyond measure");
  refused({{first + 23, 0x7F}, {first + 27, 0x7F}}, Code::kCorrupt, "lies about a member");
  refused({{first, 'X'}}, Code::kCorrupt, "something else");
  const std::size_t end = parts.bytes.size() - 22;
  refused({{end + 4, 1}}, Code::kUnsupported, "several parts");
  refused({{end + 10, 1}}, Code::kCorrupt, "directory");
  refused({{end + 12, 1}}, Code::kCorrupt, "elsewhere");
}

TEST(ZipMembers, MemberThatTellsAnotherStory) {
  const testing::TempDir folder;
  Bytes bytes = zip_parts(kTwo).end().bytes.view();
  const auto ask = [&](std::uint64_t size_max) {
    CLOISTER_CHECK(write_file(folder / "f", bytes, Overwrite::kReplace).ok());
    const File file = value_of(File::open(folder / "f"));
    return read_stored(file, value_of(read_zip_members(file)).front(), size_max);
  };
  EXPECT_EQ(as_text(value_of(ask(1))), "x");
  expect_refused(ask(0), Code::kUnsupported, "too long");
  bytes[30] = 'b';
  expect_refused(ask(1), Code::kCorrupt, "two stories");
  bytes[30] = 'a';
  bytes[8] = 8;
  expect_refused(ask(1), Code::kCorrupt, "two stories");
}

TEST(ZipMembers, TooShortToBeAny) {
  const testing::TempDir folder;
  for (const std::string_view text : {"", "PK\x05\x06", "PK\x03\x04 canary"}) {
    put(folder / "f", text);
    expect_refused(read_zip_members(value_of(File::open(folder / "f"))), Code::kCorrupt, "archive");
  }
}

FileCheck check_archive(const std::string& name, const std::vector<Packed>& members) {
  return check(name, as_text(zip_parts(members).end().bytes.view()));
}

// As NumPy writes it.
std::string array_of(const std::string& type) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (1,), }";
  header.resize(117, ' ');
  return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + "\n12345678";
}

TEST(CheckFile, ArchiveOfNumbers) {
  for (const char* type : {"<f4", "|b1", "<U12", ">i8"}) {
    const FileCheck found = check_archive("a.npz", {{"a.npy", array_of(type)}, {"b.npy", array_of("<f8")}});
    EXPECT_EQ(found.format, "NumPy archive");
    EXPECT_TRUE(found.harmless()) << type;
  }
  EXPECT_FALSE(check_archive("a.pkl", {{"a.npy", array_of("<f4")}}).runs_code.empty());
}

TEST(CheckFile, ArrayOfObjects) {
  for (const char* type : {"|O", "O", "object", "|\\x4f", "<f4' 'O", "<f4', 'fortran_order': False, 'descr': '|O"}) {
    EXPECT_FALSE(check_archive("a.npz", {{"a.npy", array_of(type)}}).runs_code.empty()) << type;
  }
  EXPECT_FALSE(check_archive("a.npz", {{"a.npy", "canary"}}).harmless());
  EXPECT_FALSE(check_archive("a.npz", {{"a.npy", array_of("<f4").substr(0, 40)}}).harmless());
}

TEST(CheckFile, ArchiveOfAnythingElse) {
  EXPECT_EQ(check_archive("a.pt", {{"a/data.pkl", "N."}, {"a/data/0", "canary"}}).format, "PyTorch checkpoint");
  EXPECT_TRUE(check_archive("a.pt", {{"a/data.pkl", "N."}, {"a/data/0", "canary"}}).harmless());
  EXPECT_EQ(check_archive("a.pt", {{"a/data.pkl", "N."}, {"config.json", "{}"}}).format, "unknown");
  EXPECT_EQ(check_archive("a.keras", {{"config.json", "{}"}, {"model.weights.h5", "canary"}}).format, "unknown");
  EXPECT_EQ(check_archive("a.pt", {{"a/data.txt", "N."}}).format, "unknown");
  const std::string evil = "cos\nsystem\n(S'true'\ntR.";
  for (const char* name : {"a/x.pth", "a/x.joblib", "a/x.bin", "a/x.pkl"}) {
    EXPECT_FALSE(check_archive("a.pt", {{"a/data.pkl", "N."}, {name, evil}}).runs_code.empty()) << name;
  }
}

}  // namespace
}  // namespace cloister::model
