#include "posture/collect/cloud/s3.h"

#include <algorithm>

#include "base/parallel.h"
#include "kms/form_body.h"
#include "posture/collect/cloud/sample.h"
#include "posture/collect/cloud/worst.h"

namespace cloister::posture {
namespace {

constexpr std::size_t kObjectFactsMax = 100;
constexpr std::size_t kBucketNameMax = 255;  // of buckets from before 2018
constexpr std::size_t kPagesMax = 1000;

bool is_bucket(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  };
  return !name.empty() && name.size() <= kBucketNameMax && std::ranges::all_of(name, fits) && name != "." &&
         name != "..";
}

// S3 wants every byte but the unreserved ones escaped, and slashes as they are.
std::string object_target(const std::string& bucket, std::string_view key) {
  std::string target = "/" + bucket + "/";
  for (const char c : key) target += c == '/' ? std::string("/") : kms::percent_encode({&c, 1});
  return target;
}

bool is_stopped(const CollectContext& context) {
  return context.progress != nullptr && context.progress->stop_requested();
}

}  // namespace

Result<S3Location> parse_s3_address(std::string_view address) {
  static constexpr std::string_view kScheme = "s3://";
  if (!address.starts_with(kScheme)) return Error(Code::kInvalid, "it isn't s3://bucket/prefix");
  address.remove_prefix(kScheme.size());
  const std::size_t slash = std::min(address.find('/'), address.size());
  S3Location location{std::string(address.substr(0, slash)),
                      std::string(address.substr(std::min(slash + 1, address.size())))};
  if (!is_bucket(location.bucket)) return Error(Code::kInvalid, "it names no bucket");
  return location;
}

// Asked in the wrong region, S3 says which is the right one: then there, once.
Result<net::Response> S3Examiner::ask(const kms::AwsAsk& ask, std::string& region) {
  CLOISTER_TRY(kms::AwsClient * client, access_.client(kS3, region));
  CLOISTER_TRY(net::Response answer, client->exchange(ask));
  if (answer.status == 200) return answer;
  const std::string* elsewhere = answer.headers.find("x-amz-bucket-region");
  const bool misplaced = answer.status == 301 || answer.status == 400;
  if (!misplaced || elsewhere == nullptr || *elsewhere == region) return client->refusal_of(ask, answer);
  CLOISTER_TRY(client, access_.client(kS3, *elsewhere));
  region = *elsewhere;
  return client->call(ask);
}

std::string S3Examiner::examine_default_in(const S3Location& location, const Subject& subject, FactSink& sink) {
  std::string region = access_.region();
  const auto answer =
      ask({"GetBucketEncryption", location.bucket, "GET", "/" + location.bucket + "?encryption"}, region);
  if (!answer.ok() && answer.error().message().find("ServerSideEncryptionConfigurationNotFound") == std::string::npos) {
    sink.add(maker_.not_assessed("storage.encryption", subject, answer.error().message()));
    return region;
  }
  auto encryption = answer.ok() ? parse_bucket_encryption(as_text(answer->body)) : Result<S3Encryption>(S3Encryption{});
  if (!encryption.ok()) {
    sink.add(maker_.not_assessed("storage.encryption", subject, encryption.error().message()));
    return region;
  }
  StorageView view = s3_view(*encryption, S3Place::kDefault);
  keys_.resolve(view, region);
  sink.add(maker_.storage(subject, view, answer.ok() ? raw_excerpt(as_text(answer->body)) : answer.error().message()));
  return region;
}

void S3Examiner::examine_default(const S3Location& location, const Subject& subject, FactSink& sink) {
  examine_default_in(location, subject, sink);
}

Result<S3Examiner::Listed> S3Examiner::list(const S3Location& location, std::string& region, Progress* progress) {
  Listed listed;
  std::string token;
  for (std::size_t pages = 0; pages < kPagesMax; ++pages) {
    std::string target = "/" + location.bucket + "?list-type=2&encoding-type=url";
    if (!location.prefix.empty()) target += "&prefix=" + kms::percent_encode(location.prefix);
    if (!token.empty()) target += "&continuation-token=" + kms::percent_encode(token);
    CLOISTER_TRY(const net::Response answer, ask({"ListObjectsV2", location.bucket, "GET", target}, region));
    CLOISTER_TRY(S3Page page, parse_object_list(as_text(answer.body)).with_context("ListObjectsV2"));
    if (!page.next.empty() && (page.next == token || page.objects.empty())) {
      return Error(Code::kCorrupt, "ListObjectsV2: the list goes on without coming further");
    }
    std::ranges::move(page.objects, std::back_inserter(listed.objects));
    token = std::move(page.next);
    listed.whole = token.empty();
    if (listed.whole || listed.objects.size() >= limits_.listed) return listed;
    if (progress != nullptr && progress->stop_requested()) return Error(Code::kUnavailable, "it was stopped");
  }
  return listed;
}

Result<std::vector<S3Examiner::Looked>> S3Examiner::look(const S3Location& location, const std::string& region,
                                                         const std::vector<S3Object>& objects,
                                                         const CollectContext& context) {
  CLOISTER_TRY(kms::AwsClient * client, access_.client(kS3, region));
  std::vector<Looked> looked(objects.size());
  const auto head = [&](std::uint64_t i) -> Status {
    if (is_stopped(context)) return Error(Code::kUnavailable, "it was stopped");
    looked[i].object = objects[i];
    const kms::AwsAsk ask{"HeadObject", location.bucket, "HEAD", object_target(location.bucket, objects[i].key)};
    const auto answer = client->exchange(ask);
    if (!answer.ok()) {
      looked[i].why_not = answer.error().message();
    } else if (answer->status == 200) {
      looked[i].view = s3_view(read_object_encryption(answer->headers), S3Place::kObject);
    } else if (answer->status != 404) {
      looked[i].why_not = client->refusal_of(ask, *answer).message();
    }
    return {};
  };
  CLOISTER_RETURN_IF_ERROR(parallel_pieces(context.threads, objects.size(), [&]() -> PieceWorker { return head; }));
  return looked;
}

void S3Examiner::report_objects(const Subject& subject, const Listed& listed, std::vector<Looked> looked,
                                FactSink& sink) {
  std::vector<StorageView> views;
  std::size_t refused = 0, told = 0;
  std::string why_not;
  for (const Looked& one : looked) {
    if (one.view) views.push_back(*one.view);
    if (one.why_not.empty()) continue;
    ++refused;
    why_not = one.why_not;
  }
  StorageView all = worst_of(views);
  // What was seen to be bad is bad, whatever couldn't be seen.
  const bool bad = all.encrypted == "no" || all.key_manager == "foreign" || all.key_manager == "platform_default";
  if (refused > 0 && !bad) {
    sink.add(maker_.not_assessed("storage.encryption", subject,
                                 std::to_string(refused) + " of " + std::to_string(looked.size()) +
                                     " objects couldn't be looked at: " + why_not));
    return;
  }
  if (views.empty()) return;  // all that were listed are gone
  all.level = "object";
  all.sample = {static_cast<std::int64_t>(listed.objects.size()), static_cast<std::int64_t>(views.size()),
                listed.whole ? sample_bound_permille(listed.objects.size(), views.size()) : 1000};
  if (!listed.whole) all.notes.emplace_back("there are more objects than were listed: nothing is claimed of those");
  if (refused > 0) all.notes.push_back(std::to_string(refused) + " objects couldn't be looked at: " + why_not);
  sink.add(maker_.storage(subject, all, {}));
  for (const Looked& one : looked) {
    if (!one.view || one.view->key_manager == "operator") continue;
    if (told++ == kObjectFactsMax) break;
    sink.add(maker_.storage({SubjectKind::kObject, subject.id + "#" + one.object.key}, *one.view,
                            "last modified " + to_rfc3339(one.object.modified)));
  }
}

void S3Examiner::examine(const S3Location& location, const Subject& subject, const CollectContext& context,
                         FactSink& sink) {
  std::string region = examine_default_in(location, subject, sink);
  auto listed = list(location, region, context.progress);
  if (!listed.ok()) {
    sink.add(maker_.not_assessed("storage.encryption", subject, listed.error().message()));
    return;
  }
  if (listed->objects.empty()) return;
  std::ranges::sort(listed->objects, {}, &S3Object::modified);
  std::vector<S3Object> sample;
  for (const std::size_t i : stratified_sample(listed->objects.size(), limits_.sample, access_.waiting().random)) {
    sample.push_back(listed->objects[i]);
  }
  auto looked = look(location, region, sample, context);
  if (!looked.ok()) {
    sink.add(maker_.not_assessed("storage.encryption", subject, looked.error().message()));
    return;
  }
  for (Looked& one : *looked) {
    if (one.view) keys_.resolve(*one.view, region);
  }
  report_objects(subject, *listed, std::move(looked).value(), sink);
}

Result<std::vector<std::string>> S3Examiner::buckets() {
  std::string region = access_.region();
  CLOISTER_TRY(const net::Response answer, ask({"ListBuckets", "", "GET", "/"}, region));
  return parse_bucket_list(as_text(answer.body));
}

}  // namespace cloister::posture
