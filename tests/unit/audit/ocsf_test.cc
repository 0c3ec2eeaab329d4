#include "audit/ocsf.h"

#include <nlohmann/json.hpp>

#include "tests/unit/audit/log_fixture.h"

namespace cloister::audit {
namespace {

using Json = nlohmann::json;

const OcsfOptions kOptions{std::string(kOrigin), "0.1.0"};

Json mapped(const LogRecord& record) { return Json::parse(ocsf_api_activity(record, kOptions)); }
Json mapped(const std::string& action) { return mapped(LogRecord::make(0, event_of(action), {})); }

TEST(Ocsf, RequiredAttributesAreThere) {
  for (const LogRecord& record : example_records()) {
    const Json json = mapped(record);
    EXPECT_EQ(json.at("class_uid"), 6003);
    EXPECT_EQ(json.at("category_uid"), 6);
    EXPECT_EQ(json.at("type_uid"), 600300 + json.at("activity_id").get<int>());
    EXPECT_EQ(json.at("time"), record.event().time.unix_ms);
    EXPECT_TRUE(json.at("severity_id").is_number_integer());
    EXPECT_EQ(json.at("metadata").at("version"), "1.3.0");
    EXPECT_EQ(json.at("metadata").at("product").at("name"), "Cloister");
    EXPECT_FALSE(json.at("actor").at("user").at("name").get<std::string>().empty());
    EXPECT_EQ(json.at("api").at("operation"), record.event().action);
    EXPECT_EQ(json.at("src_endpoint").size(), 1u);
  }
}

TEST(Ocsf, WhatTheRecordSays) {
  const Json json = mapped(example_records()[1]);
  EXPECT_EQ(json["activity_id"], 99);
  EXPECT_EQ(json["activity_name"], "key.release");
  EXPECT_EQ(json["status_id"], 2);
  EXPECT_EQ(json["status"], "Failure");
  EXPECT_EQ(json["status_code"], "refused");
  EXPECT_EQ(json["status_detail"], "the policy \"gpu\" says no: Größe 7 µm");
  EXPECT_EQ(json["severity_id"], 0);
  EXPECT_EQ(json["metadata"]["uid"], "audit.example.com/acme#1");
  EXPECT_EQ(json["metadata"]["sequence"], 1);
  EXPECT_EQ(json["metadata"]["tenant_uid"], "acme/production");
  EXPECT_EQ(json["actor"]["user"]["name"], "spiffe://example.com/w");
  EXPECT_EQ(json["actor"]["authorizations"], Json::parse(R"([{"decision":"refused","policy":{"uid":"some policy"}}])"));
  EXPECT_EQ(json["api"]["request"]["uid"], "some request_id");
  EXPECT_EQ(json["api"]["service"]["name"], "some server");
  EXPECT_EQ(json["src_endpoint"], Json::parse(R"({"name":"some source"})"));
  EXPECT_EQ(json["resources"], Json::parse(R"([{"name":"mnist"}])"));
  EXPECT_EQ(json["unmapped"]["tee"], "some tee");
  EXPECT_EQ(json["unmapped"]["key_use"], 7);
  EXPECT_EQ(json["unmapped"]["leaf"], to_hex(leaf_hash(example_records()[1].encode())));
  EXPECT_FALSE(json["unmapped"].contains("source"));
  EXPECT_EQ(mapped(example_records()[2])["unmapped"]["type-4711"], "0001ff");
}

TEST(Ocsf, NothingIsInvented) {
  Event bare;
  bare.action = "x";
  const Json json = mapped(LogRecord::make(0, bare, {}));
  EXPECT_EQ(json["src_endpoint"], Json::parse(R"({"name":"unknown"})"));
  EXPECT_EQ(json["actor"], Json::parse(R"({"user":{"name":"unknown"}})"));
  EXPECT_EQ(json["api"], Json::parse(R"({"operation":"x"})"));
  for (const std::string_view absent : {"resources", "status_detail", "device", "cloud", "http_request"}) {
    EXPECT_FALSE(json.contains(absent)) << absent;
  }
  EXPECT_FALSE(json["metadata"].contains("tenant_uid"));
  EXPECT_EQ(json["unmapped"].size(), 1u);
}

TEST(Ocsf, AddressesAreToldFromNames) {
  for (const std::string address : {"192.0.2.1", "2001:db8::1"}) {
    Extras extras;
    extras.set_text(Extra::kSource, address);
    EXPECT_EQ(mapped(LogRecord::make(0, event_of("x"), extras))["src_endpoint"], (Json{{"ip", address}}));
  }
  Extras extras;
  extras.set_text(Extra::kSource, "192.0.2.1:443");
  EXPECT_EQ(mapped(LogRecord::make(0, event_of("x"), extras))["src_endpoint"], (Json{{"name", "192.0.2.1:443"}}));
}

TEST(Ocsf, ActivityIsTheActionsVerb) {
  EXPECT_EQ(mapped("tenant.create")["activity_id"], 1);
  EXPECT_EQ(mapped("keyring.unlock")["activity_id"], 2);
  EXPECT_EQ(mapped("kek.rotate")["activity_id"], 3);
  EXPECT_EQ(mapped("kek.move")["activity_id"], 3);
  EXPECT_EQ(mapped("root.default")["activity_id"], 3);
  EXPECT_EQ(mapped("root.remove")["activity_id"], 4);
  EXPECT_EQ(mapped("kek.destroy")["activity_id"], 4);
  EXPECT_EQ(mapped("kek.rotate")["type_uid"], 600303);
  EXPECT_EQ(mapped("create.unheard_of")["activity_id"], 99);
  EXPECT_EQ(mapped("")["activity_id"], 99);
}

}  // namespace
}  // namespace cloister::audit
