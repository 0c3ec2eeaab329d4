#include "posture/collect/cloud/s3.h"

#include <algorithm>
#include <atomic>

#include "base/parallel.h"
#include "kms/form_body.h"
#include "posture/collect/cloud/sample.h"

namespace cloister::posture {
namespace {

constexpr std::size_t kBucketNameMax = 255;  // of buckets from before 2018
constexpr std::size_t kPagesMax = 1000;
constexpr std::size_t kBucketsMax = 20'000;
constexpr int kUnreachableMax = 8;  // then the rest isn't asked for: each may cost a minute

bool is_bucket(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  };
  return !name.empty() && name.size() <= kBucketNameMax && std::ranges::all_of(name, fits) && name != "." &&
         name != "..";
}

// S3 wants every byte but the unreserved ones escaped, and slashes as they are.
std::string object_target(const std::string& bucket, const S3Object& object) {
  std::string target = "/" + bucket + "/";
  for (const char c : object.key) target += c == '/' ? std::string("/") : kms::percent_encode({&c, 1});
  if (!object.version.empty()) target += "?versionId=" + kms::percent_encode(object.version);
  return target;
}

std::string name_of(const S3Object& object) {
  return object.version.empty() ? object.key : object.key + "?versionId=" + object.version;
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

S3Examiner::Default S3Examiner::default_of(const S3Location& location) {
  static constexpr std::string_view kNone = "ServerSideEncryptionConfigurationNotFound";
  std::string region = access_.region();
  const auto answer =
      ask({"GetBucketEncryption", location.bucket, "GET", "/" + location.bucket + "?encryption"}, region);
  const bool none = !answer.ok() && answer.error().message().find(kNone) != std::string::npos;
  if (!answer.ok() && !none) return {answer.error(), {}, region};
  const auto encryption = none ? Result<S3Encryption>(S3Encryption{}) : parse_bucket_encryption(as_text(answer->body));
  if (!encryption.ok()) return {encryption.error(), {}, region};
  StorageView view = s3_view(*encryption, S3Place::kDefault);
  keys_.resolve(view, region);
  return {std::move(view), none ? answer.error().message() : raw_excerpt(as_text(answer->body)), region};
}

void S3Examiner::examine_default(const S3Location& location, const Subject& subject, FactSink& sink) {
  const Default found = default_of(location);
  sink.add(found.view.ok() ? maker_.storage(subject, *found.view, found.raw)
                           : maker_.not_assessed("storage.encryption", subject, found.view.error().message()));
}

Result<bool> S3Examiner::keeps_versions(const S3Location& location, std::string& region) {
  CLOISTER_TRY(const net::Response answer,
               ask({"GetBucketVersioning", location.bucket, "GET", "/" + location.bucket + "?versioning"}, region));
  return parse_versioning(as_text(answer.body));
}

Result<S3Page> S3Examiner::page(const S3Location& location, std::string& region, bool versions, const S3Page& before) {
  std::string target = "/" + location.bucket + (versions ? "?versions" : "?list-type=2") + "&encoding-type=url";
  if (!location.prefix.empty()) target += "&prefix=" + kms::percent_encode(location.prefix);
  if (!before.next.empty()) {
    target += (versions ? "&key-marker=" : "&continuation-token=") + kms::percent_encode(before.next);
  }
  if (!before.next_version.empty()) target += "&version-id-marker=" + kms::percent_encode(before.next_version);
  const std::string operation = versions ? "ListObjectVersions" : "ListObjectsV2";
  CLOISTER_TRY(const net::Response answer, ask({operation, location.bucket, "GET", target}, region));
  auto read = versions ? parse_version_list(as_text(answer.body)) : parse_object_list(as_text(answer.body));
  if (!read.ok()) return std::move(read).with_context(operation);
  // A page of versions may hold nothing but marks of what was deleted.
  const bool stuck = read->next == before.next && read->next_version == before.next_version;
  if (!read->next.empty() && (stuck || (!versions && read->objects.empty()))) {
    return Error(Code::kCorrupt, operation + ": the list goes on without coming further");
  }
  return read;
}

Result<S3Examiner::Listed> S3Examiner::list(const S3Location& location, std::string& region, bool versions,
                                            Progress* progress) {
  Listed listed;
  S3Page last;
  for (std::size_t pages = 0; pages < kPagesMax; ++pages) {
    CLOISTER_TRY(last, page(location, region, versions, last));
    std::ranges::move(last.objects, std::back_inserter(listed.objects));
    listed.whole = last.next.empty();
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
  std::atomic<int> unreachable{0};
  const auto head = [&](std::uint64_t i) -> Status {
    if (is_stopped(context)) return Error(Code::kUnavailable, "it was stopped");
    looked[i].object = objects[i];
    if (unreachable >= kUnreachableMax) {
      looked[i].why_not = "S3 was out of reach before";
      return {};
    }
    const kms::AwsAsk ask{"HeadObject", location.bucket, "HEAD", object_target(location.bucket, objects[i])};
    const auto answer = client->exchange(ask);
    if (!answer.ok()) {
      looked[i].why_not = answer.error().message();
    } else if (answer->status == 200) {
      looked[i].view = s3_view(read_object_encryption(answer->headers), S3Place::kObject);
    } else if (answer->status != 404) {
      looked[i].why_not = client->refusal_of(ask, *answer).message();
    }
    if (!answer.ok() || answer->status >= 500) ++unreachable;
    return {};
  };
  CLOISTER_RETURN_IF_ERROR(parallel_pieces(context.threads, objects.size(), [&]() -> PieceWorker { return head; }));
  return looked;
}

Status S3Examiner::sample(const S3Location& location, std::string& region, const CollectContext& context,
                          ObjectViews& objects) {
  const auto versions = keeps_versions(location, region);
  if (!versions.ok()) objects.miss("whether older versions are kept isn't known: " + versions.error().message());
  CLOISTER_TRY(Listed listed, list(location, region, versions.ok() && *versions, context.progress));
  if (!listed.whole) objects.leave_out();
  objects.sample_of(listed.objects.size());
  std::ranges::sort(listed.objects, {}, &S3Object::modified);
  std::vector<S3Object> chosen;
  for (const std::size_t i : stratified_sample(listed.objects.size(), limits_.sample, access_.waiting().random)) {
    chosen.push_back(listed.objects[i]);
  }
  CLOISTER_TRY(std::vector<Looked> looked, look(location, region, chosen, context));
  std::size_t refused = 0;
  std::string why_not;
  for (Looked& one : looked) {
    if (!one.why_not.empty()) {
      ++refused;
      why_not = one.why_not;
    }
    if (!one.view) continue;
    keys_.resolve(*one.view, region);
    objects.add(name_of(one.object), std::move(*one.view));
  }
  if (refused == 0) return {};
  return Error(Code::kDenied, std::to_string(refused) + " of " + std::to_string(looked.size()) +
                                  " objects couldn't be looked at: " + why_not);
}

void S3Examiner::examine(const S3Location& location, const Subject& subject, const CollectContext& context,
                         FactSink& sink, const std::string& unseen) {
  Default found = default_of(location);
  ObjectViews objects(maker_, subject, sink);
  const Status sampled = sample(location, found.region, context, objects);
  if (!sampled.ok()) objects.miss(sampled.error().message());
  if (!unseen.empty()) objects.miss(unseen);
  objects.report(found.view, std::move(found.raw));
}

Result<std::vector<std::string>> S3Examiner::buckets() {
  std::string region = access_.region();
  S3Buckets all;
  for (std::size_t pages = 0; pages < kPagesMax; ++pages) {
    const std::string target = all.next.empty() ? "/" : "/?continuation-token=" + kms::percent_encode(all.next);
    CLOISTER_TRY(const net::Response answer, ask({"ListBuckets", "", "GET", target}, region));
    CLOISTER_TRY(S3Buckets page, parse_bucket_list(as_text(answer.body)));
    std::ranges::move(page.names, std::back_inserter(all.names));
    if (page.next.empty()) return std::move(all.names);
    if (page.next == all.next || all.names.size() > kBucketsMax) break;
    all.next = std::move(page.next);
  }
  return Error(Code::kCorrupt, "ListBuckets: the list doesn't end");
}

}  // namespace cloister::posture
