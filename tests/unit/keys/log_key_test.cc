// The log's signing key and the checkpoints it signs.
#include "audit/checkpoint.h"
#include "audit/export.h"
#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

class LogKey : public OnBoth {
 protected:
  LogKey() : home_(GetParam()) { expect_ok(keys().create_tenant(kAcme, std::nullopt, home_.caller())); }
  Hierarchy& keys() { return *home_.keys; }
  std::string origin(std::string_view tree = "acme") {
    return keys().store().log_server().value() + "/" + std::string(tree);
  }
  Result<audit::VerifiedCheckpoint> signed_head(std::string_view tree = "acme") {
    CLOISTER_TRY(const std::string note, keys().sign_checkpoint(origin(tree), kStart));
    CLOISTER_TRY(const audit::VerifierKey key, keys().log_key(origin(tree)));
    return audit::verify_checkpoint(note, {key});
  }
  Home home_;
};
INSTANTIATE_TEST_SUITE_P(On, LogKey, ::testing::ValuesIn(kinds()), kind_name);

TEST_P(LogKey, SignsTheHeadOfEachTree) {
  for (const char* tree : {"acme", "-"}) {
    const auto verified = signed_head(tree);
    expect_ok(verified);
    EXPECT_EQ(verified->checkpoint.head, keys().store().tree_head(origin(tree)).value());
    EXPECT_EQ(verified->checkpoint.origin, origin(tree));
  }
  expect_error(keys().sign_checkpoint("elsewhere/acme", kStart), Code::kInvalid, "this store keeps");
  expect_error(keys().log_key("elsewhere/acme"), Code::kInvalid, "this store keeps");
}

TEST_P(LogKey, IsTheSameAfterOpening) {
  const std::string before = keys().log_key(origin())->text();
  home_.reopen();
  EXPECT_EQ(keys().log_key(origin())->text(), before);
  expect_ok(signed_head());
}

TEST_P(LogKey, IsMadeAtTheFirstNeed) {
  home_.sql("DELETE FROM settings WHERE name = 'log_key'");
  home_.reopen();
  expect_error(keys().log_key(origin()), Code::kNotFound);
  expect_ok(keys().sign_checkpoint(origin(), kStart));
  EXPECT_EQ(home_.last_event().action, "log.create_key");
  const std::string made = keys().log_key(origin())->text();
  auto second = home_.open();
  expect_ok(second);
  expect_ok(second->sign_checkpoint(origin(), kStart));
  EXPECT_EQ(second->log_key(origin())->text(), made);
}

TEST_P(LogKey, FromAnotherHomeDoesntOpen) {
  Home other(GetParam());
  const std::string theirs = other.keys->store().setting("log_key").value();
  home_.sql("UPDATE settings SET value = '" + theirs + "' WHERE name = 'log_key'");
  home_.reopen();
  expect_error(keys().sign_checkpoint(origin(), kStart), Code::kDenied, "open the log's signing key");
  home_.sql("UPDATE settings SET value = 'aa' WHERE name = 'log_key'");
  expect_error(keys().sign_checkpoint(origin(), kStart), Code::kCorrupt);
}

// The root check is wrapped by the same root for the same home.
TEST_P(LogKey, RootCheckIsNoSigningKey) {
  home_.sql(
      "UPDATE settings SET value = (SELECT value FROM settings WHERE name = 'root_check') "
      "WHERE name = 'log_key'");
  home_.reopen();
  expect_error(keys().sign_checkpoint(origin(), kStart), Code::kDenied);
}

TEST_P(LogKey, SignsNothingThatDoesntContinueWhatItSigned) {
  for (int i = 0; i < 5; ++i) expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  expect_ok(signed_head());
  expect_ok(signed_head());
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  expect_ok(signed_head());
  home_.place.sql_on_audit("UPDATE audit SET leaf = " + home_.place.blob(Bytes(32)) +
                           " WHERE tree = 'acme' AND tree_index = 6");
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  expect_error(signed_head(), Code::kCorrupt, "sign a checkpoint of " + origin());
}

TEST_P(LogKey, SignsNoShorterTree) {
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  expect_ok(signed_head());
  home_.place.sql_on_audit("DELETE FROM audit WHERE tree = 'acme' AND tree_index = 1");
  expect_error(signed_head(), Code::kCorrupt, "it has 1 records, and had 2");
}

TEST_P(LogKey, ExportVerifiesWithNothingButTheKey) {
  Caller caller = home_.caller();
  caller.extras.set_text(audit::Extra::kRequestId, "r-1");
  expect_ok(keys().rotate_kek(kAcme, caller));
  Bytes exported;
  auto writer = audit::ExportWriter::begin(
      [&](ByteView bytes) {
        exported.insert(exported.end(), bytes.begin(), bytes.end());
        return ok_status();
      },
      origin());
  expect_ok(writer);
  expect_ok(keys().store().for_each_record(origin(), 0, 99,
                                           [&](const audit::LogRecord& record) { return writer->add(record); }));
  expect_ok(writer->finish(keys().sign_checkpoint(origin(), kStart).value()));
  EXPECT_NE(as_text(exported).find("\"request_id\":\"r-1\""), std::string_view::npos);
  std::size_t read = 0;
  const auto source = [&](MutableByteView out) -> Result<std::size_t> {
    const std::size_t count = std::min(out.size(), exported.size() - read);
    std::copy_n(exported.begin() + static_cast<std::ptrdiff_t>(read), count, out.begin());
    read += count;
    return count;
  };
  expect_ok(audit::verify_export(source, {keys().log_key(origin()).value()}));
}

TEST_P(LogKey, ServerIsChosenAtInit) {
  for (const bool named : {false, true}) {
    StorePlace place(GetParam());
    HomeNames names("root");
    if (named) names.log_server = "audit.example.com";
    auto made = Hierarchy::create(place.create().value(), *home_.root, names, home_.random, home_.caller());
    expect_ok(made);
    const std::string server = made->store().log_server().value();
    EXPECT_EQ(server == "audit.example.com", named);
    EXPECT_EQ(place.open()->log_server().value(), server);
    expect_ok(made->sign_checkpoint(server + "/-", kStart));
  }
  StorePlace place(GetParam());
  for (const std::string& bad : {std::string("a b"), std::string("a+b"), std::string(191, 'x')}) {
    expect_error(
        Hierarchy::create(place.create().value(), *home_.root, HomeNames("root", bad), home_.random, home_.caller()),
        Code::kInvalid, "log's server");
    if (GetParam() == Kind::kSqlite) std::filesystem::remove(place.path());
  }
}

}  // namespace
}  // namespace cloister::keys
