#include "kms/form_body.h"

#include <gtest/gtest.h>

namespace cloister::kms {
namespace {

TEST(FormBody, OnlyUnreservedCharactersStay) {
  EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode("a b&c=d/+%\n\xff"), "a%20b%26c%3Dd%2F%2B%25%0A%FF");
}

TEST(FormBody, NoValueCanBecomeAnotherParameter) {
  const net::Buffer body = FormBody().add("client_id", "x&scope=all").add("scope", "one").take();
  EXPECT_EQ(as_text(body), "client_id=x%26scope%3Dall&scope=one");
}

}  // namespace
}  // namespace cloister::kms
