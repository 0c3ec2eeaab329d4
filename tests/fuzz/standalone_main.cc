// Runs a fuzz target without libFuzzer: the files of a corpus folder, then simple mutations of them, a fixed number of
// times with a fixed seed. A smoke test for compilers that have no fuzzer; the real search is the fuzz preset's.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// A target may offer well-formed inputs of its own to start from.
extern "C" __attribute__((weak)) void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds);

namespace {

using Input = std::vector<std::uint8_t>;

std::vector<Input> read_corpus(const std::filesystem::path& folder) {
  std::vector<Input> inputs;
  if (!std::filesystem::is_directory(folder)) return inputs;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

void mutate(Input& input, std::mt19937_64& random) {
  const auto below = [&random](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  for (std::size_t i = below(4) + 1; i-- > 0;) {
    if (input.empty()) {
      input.push_back(static_cast<std::uint8_t>(random()));
      continue;
    }
    switch (below(5)) {
      case 0: input[below(input.size())] ^= static_cast<std::uint8_t>(1u << below(8)); break;
      case 1: input[below(input.size())] = static_cast<std::uint8_t>(random()); break;
      case 2: input.resize(below(input.size() + 1)); break;
      case 3: input.insert(input.begin() + static_cast<std::ptrdiff_t>(below(input.size() + 1)), 0xFF); break;
      default: input.erase(input.begin() + static_cast<std::ptrdiff_t>(below(input.size()))); break;
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<Input> seeds{{}};
  for (int i = 1; i < count; ++i) {
    for (Input& input : read_corpus(arguments[i])) seeds.push_back(std::move(input));
  }
  if (CloisterFuzzSeeds != nullptr) CloisterFuzzSeeds(&seeds);
  for (const Input& seed : seeds) LLVMFuzzerTestOneInput(seed.data(), seed.size());
  constexpr int kMutations = 20000;
  std::mt19937_64 random(20260101);
  for (int i = 0; i < kMutations; ++i) {
    Input input = seeds[random() % seeds.size()];
    mutate(input, random);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("%zu seeds and %d mutations of them\n", seeds.size(), kMutations);
}
