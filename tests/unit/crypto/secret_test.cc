#include "crypto/secret.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <type_traits>

#include "crypto/secure_memory.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using cloister::testing::DeterministicRandom;

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(!std::is_copy_constructible_v<KeyMaterial> && !std::is_copy_constructible_v<Dek>);
static_assert(!std::is_convertible_v<Dek, Kek> && !std::is_constructible_v<Dek, Kek>);
static_assert(!std::is_constructible_v<Kek, const Dek&> && !std::is_assignable_v<DatasetKey&, RingKey>);

template <typename T>
concept Comparable = requires(const T& a, const T& b) { a == b; };
static_assert(!Comparable<Secret> && !Comparable<KeyMaterial> && !Comparable<Dek>);

TEST(Secret, StartsZeroedInSecureMemory) {
  Secret secret(100);
  EXPECT_EQ(secret.size(), 100U);
  EXPECT_TRUE(all_zero(secret.expose()));
  EXPECT_TRUE(is_secure(secret.expose().data()));
  EXPECT_TRUE(Secret().empty());
  EXPECT_TRUE(Secret(0).empty());
}

TEST(Secret, MovesAndLeavesNothingBehind) {
  Secret first = Secret::copy_of(as_bytes("0123456789"));
  Secret second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT: what a moved-from secret holds is the point
  EXPECT_EQ(as_text(second.expose()), "0123456789");
  Secret third(5);
  third = std::move(second);
  EXPECT_EQ(as_text(third.expose()), "0123456789");
  EXPECT_TRUE(second.empty());  // NOLINT
}

TEST(Secret, FreedMemoryIsWipedAndGivenBack) {
  const std::size_t before = [] {
    const Secret warm(1);
    return secure_bytes_used();
  }();
  const std::uint8_t* where = nullptr;
  {
    const Secret secret = Secret::copy_of(Bytes(64, 0xA5));
    where = secret.expose().data();
    EXPECT_GT(secure_bytes_used(), 0U);
  }
  EXPECT_LE(secure_bytes_used(), before);
  // The arena stays mapped.
  EXPECT_EQ(std::count(where, where + 64, 0xA5), 0);
}

TEST(Secret, ManyOfDifferentSizesDontOverlap) {
  std::vector<Secret> secrets;
  for (std::size_t i = 0; i < 5000; ++i) {
    secrets.push_back(Secret::copy_of(Bytes(1 + i % 97, static_cast<std::uint8_t>(i))));
    if (i % 3 == 0) secrets.erase(secrets.begin() + static_cast<std::ptrdiff_t>(secrets.size() / 2));
  }
  for (const Secret& secret : secrets) {
    const ByteView bytes = secret.expose();
    EXPECT_EQ(std::ranges::count(bytes, bytes.front()), static_cast<std::ptrdiff_t>(bytes.size()));
  }
}

TEST(Secret, AForkedChildHasSecretsOfItsOwnAndNoneOfItsParents) {
  const Secret secret = Secret::copy_of(Bytes(32, 0xA5));
  const auto run_child = [](const std::function<int()>& body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  EXPECT_EQ(run_child([] {
              const Secret own = Secret::copy_of(Bytes(32, 0x5A));
              return own.expose().front() == 0x5A && is_secure(own.expose().data()) ? 42 : 1;
            }),
            42);
  EXPECT_EQ(run_child([&secret] {
              Secret moved;
              moved = Secret::copy_of(Bytes(16, 1));
              Secret parents = std::move(const_cast<Secret&>(secret));
              parents = Secret();  // given up without being touched
              return 42;
            }),
            42);
  const int read = run_child([&secret] {
    ::close(STDERR_FILENO);
    return secret.expose().front() == 0 ? 43 : 44;
  });
  EXPECT_TRUE(read != 43 && read != 44) << "the child has read it, as " << read;
  EXPECT_EQ(secret.expose().front(), 0xA5);
}

TEST(SecretDeathTest, ExhaustedSecureMemoryStopsTheProcess) {
  EXPECT_DEATH(Secret(std::size_t{1} << 30), "internal check failed");
}

TEST(Secret, WipeAndCompare) {
  Bytes bytes(33, 7);
  wipe(bytes);
  EXPECT_TRUE(all_zero(bytes));
  wipe({});
  EXPECT_TRUE(equal_constant_time({}, {}));
  EXPECT_TRUE(equal_constant_time(Bytes{1, 2}, Bytes{1, 2}));
  EXPECT_FALSE(equal_constant_time(Bytes{1, 2}, Bytes{1, 3}));
  EXPECT_FALSE(equal_constant_time(Bytes{1, 2}, Bytes{1, 2, 3}));
  EXPECT_FALSE(equal_constant_time(Bytes{1, 2}, {}));
}

TEST(KeyMaterial, IsExactly32Bytes) {
  for (const std::size_t size : {0U, 1U, 16U, 31U, 33U, 64U}) {
    const auto key = KeyMaterial::from_secret(Secret(size));
    ASSERT_FALSE(key.ok());
    EXPECT_EQ(key.error().code(), Code::kInvalid);
  }
  EXPECT_TRUE(KeyMaterial::from_secret(Secret(32)).ok());
}

TEST(KeyMaterial, RandomKeysDifferAndDuplicatesDoNot) {
  DeterministicRandom random(1);
  const Dek first = Dek::random(random);
  const Dek second = Dek::random(random);
  EXPECT_FALSE(equal_constant_time(first.material().secret().expose(), second.material().secret().expose()));
  const Dek copy = first.duplicate();
  EXPECT_TRUE(equal_constant_time(first.material().secret().expose(), copy.material().secret().expose()));
  EXPECT_NE(first.material().secret().expose().data(), copy.material().secret().expose().data());
}

}  // namespace
}  // namespace cloister::crypto
