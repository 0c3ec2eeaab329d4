// What tests of the clouds' collectors share: a sink that keeps facts, and an AWS of buckets, objects and keys.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "posture/collect/cloud/aws_collector.h"
#include "tests/support/recorded_transport.h"

namespace cloister::posture {

struct KeptFacts final : FactSink {
  std::vector<Fact> all;
  void add(Fact fact) override { all.push_back(std::move(fact)); }

  // The one of that kind and subject ("location:corpus").
  const Fact& only(std::string_view kind, std::string_view subject) const {
    static const Fact kNone;
    const Fact* found = nullptr;
    for (const Fact& fact : all) {
      if (fact.kind != kind || fact.subject.text() != subject) continue;
      EXPECT_EQ(found, nullptr) << kind << " " << subject << " is there twice";
      found = &fact;
    }
    EXPECT_NE(found, nullptr) << kind << " " << subject << " isn't there";
    return found == nullptr ? kNone : *found;
  }
  std::size_t count(std::string_view kind) const {
    std::size_t number = 0;
    for (const Fact& fact : all) number += fact.kind == kind ? 1 : 0;
    return number;
  }
};

inline std::string text_in(const Fact& fact, std::string_view name) {
  const std::string* text = fact.text(name);
  return text == nullptr ? "(none)" : *text;
}

inline bool notes_say(const Fact& fact, std::string_view what) {
  const auto* notes = fact.list("notes");
  if (notes == nullptr) return false;
  for (const std::string& note : *notes) {
    if (note.find(what) != std::string::npos) return true;
  }
  return false;
}

inline constexpr std::string_view kOwnAccount = "111122223333";
inline const std::string kOwnKey = "arn:aws:kms:us-east-1:111122223333:key/own";
inline const std::string kAwsKey = "arn:aws:kms:us-east-1:111122223333:key/default";
inline const std::string kForeignKey = "arn:aws:kms:us-east-1:999999999999:key/theirs";

// S3, EC2 and the like by whole answers, KMS by what it knows of keys. One thread at a time.
struct AwsWorld {
  struct Answer {
    unsigned status = 200;
    std::string body;
    net::Headers headers = {};
  };
  // By "GET s3.us-east-1.amazonaws.com/corpus?encryption"; of a query service also by what is asked and from where on:
  // "POST ec2.us-east-1.amazonaws.com/ DescribeVolumes TOKEN".
  std::map<std::string, Answer> answers;
  std::map<std::string, std::string> keys;     // "CUSTOMER" or "AWS", by ARN; one that isn't here is denied
  std::map<std::string, std::string> aliases;  // ARN by alias
  std::vector<std::string> asked;
  testing::TestWaiting waiting;

  void bucket(const std::string& name, const std::string& algorithm, const std::string& key) {
    const std::string named = key.empty() ? "" : "<KMSMasterKeyID>" + key + "</KMSMasterKeyID>";
    answers["GET s3.us-east-1.amazonaws.com/" + name + "?encryption"] = {
        200, "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>" + algorithm +
                 "</SSEAlgorithm>" + named +
                 "</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"};
  }
  void object(const std::string& bucket, const std::string& key, net::Headers headers) {
    listed[bucket] +=
        "<Contents><Key>" + key + "</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>";
    answers["HEAD s3.us-east-1.amazonaws.com/" + bucket + "/" + key] = {200, "", std::move(headers)};
  }
  std::map<std::string, std::string> listed;

  net::Response answer(const std::string& host, const net::Request& request) {
    const std::string place = request.method + " " + host + request.target;
    const std::string action = field(request, "Action=", " ");
    asked.push_back(place + action);
    if (host.starts_with("kms.")) return kms(request);
    auto found = answers.find(place + action + field(request, "NextToken=", " ") + field(request, "Marker=", " "));
    if (found == answers.end()) found = answers.find(place);
    if (found != answers.end()) {
      return {found->second.status, found->second.headers, net::to_buffer(found->second.body), {}};
    }
    if (request.target.find("?list-type=2") != std::string::npos) return list(request);
    if (request.target.ends_with("?versioning")) return respond(200, "<VersioningConfiguration/>");
    if (request.target == "/" && host.starts_with("s3."))
      return respond(403, "<Error><Code>AccessDenied</Code></Error>");
    return respond(404, "<Error><Code>NoSuchBucket</Code></Error>");
  }

  kms::OpenTransport open() {
    return [this](const kms::Endpoint& endpoint,
                  const kms::WebTransportOptions&) -> Result<std::unique_ptr<kms::HttpTransport>> {
      return std::unique_ptr<kms::HttpTransport>(std::make_unique<testing::FunctionTransport>(
          [this, host = endpoint.authority()](const net::Request& request) -> Result<net::Response> {
            return answer(host, request);
          }));
    };
  }

  AwsOptions options() {
    AwsOptions options;
    options.region = "us-east-1";
    options.environment = [](const std::string& name) -> std::optional<std::string> {
      if (name == "AWS_ACCESS_KEY_ID") return "AKIDEXAMPLE";
      if (name == "AWS_SECRET_ACCESS_KEY") return "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
      return std::nullopt;
    };
    options.open_transport = open();
    return options;
  }

  KeptFacts collect(const Estate& estate, S3Limits limits = {}) {
    KeptFacts facts;
    CollectContext context;
    context.estate = &estate;
    context.now = waiting.now;
    AwsCollector(options(), waiting.waiting(), limits).collect(context, facts);
    return facts;
  }

 private:
  static std::string field(const net::Request& request, std::string_view name, const std::string& before = "") {
    const std::string_view body = as_text(request.body);
    const std::size_t at = body.find(name);
    if (at == std::string_view::npos) return "";
    const std::string_view value = body.substr(at + name.size());
    return before + std::string(value.substr(0, value.find('&')));
  }
  static net::Response respond(unsigned status, const std::string& body) {
    return {status, {}, net::to_buffer(body), {}};
  }
  net::Response list(const net::Request& request) {
    const std::string bucket(request.path().substr(1));
    return respond(200, "<ListBucketResult><Name>" + bucket + "</Name>" + listed[bucket] +
                            "<IsTruncated>false</IsTruncated></ListBucketResult>");
  }
  net::Response kms(const net::Request& request) {
    const std::string* operation = request.headers.find("x-amz-target");
    const auto body = parse_json(as_text(request.body));
    if (operation == nullptr || *operation != "TrentService.DescribeKey" || !body.ok()) {
      return respond(400, R"({"__type":"AccessDeniedException"})");
    }
    std::string key = *body->find("KeyId")->string();
    if (const auto alias = aliases.find(key); alias != aliases.end()) key = alias->second;
    const auto known = keys.find(key);
    if (known == keys.end()) return respond(400, R"({"__type":"AccessDeniedException","message":"no"})");
    return respond(200, R"({"KeyMetadata":{"Arn":")" + key + R"(","KeyManager":")" + known->second +
                            R"(","Origin":"AWS_KMS","KeyState":"Enabled","CreationDate":1}})");
  }
};

inline Estate estate_of(const std::string& address) {
  Estate estate;
  estate.own_accounts = {std::string(kOwnAccount)};
  estate.locations.push_back({"corpus", address, DataKind::kTrainingData, {}, {}, 1});
  return estate;
}

}  // namespace cloister::posture
