#include "posture/collect/cloud/google_collector.h"

#include <algorithm>

#include "kms/form_body.h"
#include "kms/google/google_answer.h"
#include "posture/collect/cloud/bearer_client.h"
#include "posture/collect/cloud/google_answers.h"
#include "posture/collect/cloud/google_keys.h"
#include "posture/collect/cloud/object_views.h"
#include "posture/inventory.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kPlatformScope = "https://www.googleapis.com/auth/cloud-platform";
constexpr std::string_view kBucketPrefix = "gs://", kDiskPrefix = "gce-disk:", kVertexPrefix = "vertex:";
constexpr std::size_t kPagesMax = 1000;
constexpr std::int64_t kFoundMax = 20'000;  // of one kind in a project
constexpr JsonLimits kListLimits{std::size_t{8} << 20, 16, 1 << 19};

// Path segments that go into a target as they are.
bool is_plain_path(std::string_view path) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '/' || c == ':';
  };
  return !path.empty() && std::ranges::all_of(path, fits) && path.find("..") == std::string_view::npos;
}

// Own accounts that can be projects' ids: an estate's others are other clouds'.
bool is_project(std::string_view name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return name.size() >= 4 && name.size() <= 30 && name[0] >= 'a' && name[0] <= 'z' && std::ranges::all_of(name, fits);
}

// "europe-west1-b" is a zone of region "europe-west1".
bool is_zone(std::string_view place) {
  return place.size() > 2 && place[place.size() - 2] == '-' && place.back() >= 'a' && place.back() <= 'z';
}

class Round {
 public:
  Round(const GoogleOptions& options, const kms::Waiting& waiting, const kms::Connect& connect,
        const CollectContext& context, FactSink& sink)
      : options_(options),
        context_(context),
        sink_(sink),
        maker_(kGoogleCollector, "Google Cloud, by the credential's roles", context),
        keys_(options_, waiting, connect, own_accounts(*context.estate)) {
    auto credential = kms::GoogleCredential::create(options_.credential, options_.web, waiting, connect);
    if (!credential.ok()) {
      no_client_ = credential.error().message();
      return;
    }
    credential_ = std::move(credential).value();
    BearerService service{
        "google", [this] { return credential_->fetch(); },
        [random = waiting.random](const net::Response& answer) { return kms::judge_google(answer, random()); },
        kms::google_error};
    client_ = std::make_unique<BearerClient>(std::move(service), options_.web, waiting, connect);
  }

  void run() {
    for (const Location& location : context_.estate->locations) {
      const std::string& address = location.address;
      const Subject subject{SubjectKind::kLocation, location.name};
      const auto is = [&address](std::string_view prefix) { return address.starts_with(prefix); };
      if (!is(kBucketPrefix) && !is(kDiskPrefix) && !is(kVertexPrefix)) continue;
      if (client_ == nullptr) {
        refuse(subject, no_client_);
      } else if (context_.progress != nullptr && context_.progress->stop_requested()) {
        refuse(subject, "it was stopped");
      } else if (is(kBucketPrefix)) {
        examine_bucket(address.substr(kBucketPrefix.size()), subject);
      } else if (is(kDiskPrefix)) {
        examine_disk(address.substr(kDiskPrefix.size()), subject);
      } else {
        examine_vertex(address.substr(kVertexPrefix.size()), subject);
      }
    }
    if (client_ != nullptr) discover();
    for (const DeclaredKey& key : context_.estate->keys) {
      if (!google_key_of(key.name).empty()) keys_.look_at(key.name);
    }
    keys_.report(maker_, sink_);
  }

 private:
  using Page = Result<FoundAtGooglePage> (*)(const JsonValue& answer);
  // A list of one kind of thing: where, as addresses begin, as what.
  struct Listing {
    const std::string& endpoint;
    std::string target;  // with a query already
    std::string what, prefix;
    Page parse;
  };

  // What is in the operator's projects and nobody declared.
  void discover() {
    std::set<std::string> projects = own_accounts(*context_.estate);
    std::erase_if(projects, [](const std::string& account) { return !is_project(account); });
    if (projects.empty()) {
      sink_.add(
          unread_source_fact(kGoogleCollector, "Google Cloud", "the estate names no project of its own", context_.now));
    }
    for (const std::string& project : projects) {
      list_found({options_.storage_endpoint, "/storage/v1/b?maxResults=1000&project=" + project,
                  "buckets of Google project " + project, std::string(kBucketPrefix), parse_gcs_buckets});
      list_found({options_.compute_endpoint, "/compute/v1/projects/" + project + "/aggregated/disks?maxResults=500",
                  "disks of Google project " + project, std::string(kDiskPrefix) + project + "/", parse_gce_disks});
    }
  }

  void list_found(const Listing& listing) {
    std::int64_t entries = 0;
    const Status read = each_page(listing, entries);
    sink_.add(read.ok() ? source_fact(kGoogleCollector, listing.what, listing.what, entries, context_.now)
                        : unread_source_fact(kGoogleCollector, listing.what, read.error().message(), context_.now));
  }

  Status each_page(const Listing& listing, std::int64_t& entries) {
    std::string token;
    for (std::size_t pages = 0; pages < kPagesMax; ++pages) {
      if (context_.progress != nullptr && context_.progress->stop_requested()) {
        return Error(Code::kUnavailable, "it was stopped");
      }
      const std::string more = token.empty() ? "" : "&pageToken=" + kms::percent_encode(token);
      CLOISTER_TRY(const JsonValue json, get(listing.endpoint, listing.target + more, "list " + listing.what));
      CLOISTER_TRY(FoundAtGooglePage page, listing.parse(json));
      if (!page.next.empty() && page.next == token) break;
      for (FoundAtGoogle& found : page.found) {
        if (++entries > kFoundMax) return Error(Code::kUnsupported, "there are more than are looked at");
        const std::string address = listing.prefix + found.name;
        found_undeclared(address, std::move(found));
      }
      token = std::move(page.next);
      if (token.empty()) return {};
    }
    return Error(Code::kCorrupt, "the list doesn't end");
  }

  void found_undeclared(const std::string& address, FoundAtGoogle found) {
    // A declared part of a bucket speaks for the whole.
    const auto covers = [&address](const Location& location) {
      return location.address == address || location.address.starts_with(address + "/");
    };
    if (std::ranges::any_of(context_.estate->locations, covers)) return;
    const Subject subject{SubjectKind::kLocation, address};
    sink_.add(seen_fact(kGoogleCollector, "Google Cloud, by the credential's roles", subject, address, context_.now));
    keys_.resolve(found.view);
    sink_.add(maker_.storage(subject, found.view, std::move(found.raw)));
  }

  void refuse(const Subject& subject, std::string why) {
    sink_.add(maker_.not_assessed("storage.encryption", subject, std::move(why)));
  }

  Result<JsonValue> get(const std::string& url, const std::string& target, std::string_view what) {
    CLOISTER_TRY(const kms::Endpoint endpoint, kms::parse_endpoint(url));
    CLOISTER_TRY(const net::Response answer, client_->get(endpoint, target, what));
    return parse_json(as_text(answer.body), kListLimits);
  }

  void report(const Subject& subject, Result<StorageView> view, const Result<JsonValue>& raw) {
    if (!view.ok()) return refuse(subject, view.error().message());
    keys_.resolve(*view);
    sink_.add(maker_.storage(subject, *view, raw_excerpt(raw->serialize())));
  }

  void examine_disk(const std::string& place, const Subject& subject) {
    const std::size_t zone = place.find('/'), name = place.rfind('/');
    if (!is_plain_path(place) || zone == name || std::ranges::count(place, '/') != 2) {
      return refuse(subject, "it isn't gce-disk:PROJECT/ZONE/NAME");
    }
    const std::string within = place.substr(zone + 1, name - zone - 1);
    const auto json = get(options_.compute_endpoint,
                          "/compute/v1/projects/" + place.substr(0, zone) +
                              (is_zone(within) ? "/zones/" : "/regions/") + within + "/disks/" + place.substr(name + 1),
                          "get disk " + place);
    report(subject, json.ok() ? parse_gce_disk(*json, place.substr(name + 1)) : json.error(), json);
  }

  void examine_vertex(const std::string& resource, const Subject& subject) {
    static constexpr std::string_view kLocations = "/locations/";
    const std::size_t at = resource.find(kLocations);
    if (!is_plain_path(resource) || !resource.starts_with("projects/") || at == std::string::npos) {
      return refuse(subject, "it isn't vertex:projects/…/locations/…/…");
    }
    const std::string behind = resource.substr(at + kLocations.size());
    const std::string region = behind.substr(0, behind.find('/'));
    const std::string url = options_.vertex_endpoint.empty() ? "https://" + region + "-aiplatform.googleapis.com"
                                                             : options_.vertex_endpoint;
    const auto json = get(url, "/v1/" + resource, "get " + resource);
    report(subject, json.ok() ? parse_vertex(*json, resource) : json.error(), json);
  }

  void list(const std::string& bucket, const std::string& prefix, ObjectViews& objects) {
    std::string token;
    for (std::size_t pages = 0; pages < kPagesMax; ++pages) {
      std::string target = "/storage/v1/b/" + bucket + "/o?maxResults=1000";
      if (!prefix.empty()) target += "&prefix=" + kms::percent_encode(prefix);
      if (!token.empty()) target += "&pageToken=" + kms::percent_encode(token);
      const auto json = get(options_.storage_endpoint, target, "list objects of " + bucket);
      auto page = json.ok() ? parse_gcs_objects(*json) : json.error();
      if (!page.ok()) return objects.miss(page.error().message());
      if (!page->next.empty() && page->next == token) return objects.miss("the list goes on without coming further");
      for (GcsObject& object : page->objects) {
        keys_.resolve(object.view);
        objects.add(object.name, std::move(object.view));
      }
      token = std::move(page->next);
      if (token.empty()) return;
      if (objects.size() >= options_.objects_max) break;
    }
    objects.leave_out();
  }

  void examine_bucket(const std::string& address, const Subject& subject) {
    const std::string bucket = address.substr(0, address.find('/'));
    const std::string prefix = bucket.size() < address.size() ? address.substr(bucket.size() + 1) : std::string();
    if (!is_plain_path(bucket)) return refuse(subject, "it names no bucket");
    const auto json = get(options_.storage_endpoint, "/storage/v1/b/" + bucket, "get bucket " + bucket);
    auto by_default = json.ok() ? parse_gcs_bucket(*json, bucket) : json.error();
    if (by_default.ok()) keys_.resolve(*by_default);
    ObjectViews objects(maker_, subject, sink_);
    list(bucket, prefix, objects);
    objects.report(by_default, json.ok() ? raw_excerpt(json->serialize()) : std::string());
  }

  const GoogleOptions options_;
  const CollectContext& context_;
  FactSink& sink_;
  const FactMaker maker_;
  GoogleKeys keys_;
  std::unique_ptr<kms::GoogleCredential> credential_;
  std::unique_ptr<BearerClient> client_;
  std::string no_client_;
};

GoogleOptions with_scope(GoogleOptions options) {
  options.credential.scope = kPlatformScope;
  return options;
}

}  // namespace

GoogleCollector::GoogleCollector(GoogleOptions options, kms::Waiting waiting, kms::Connect connect)
    : options_(with_scope(std::move(options))), waiting_(std::move(waiting)), connect_(std::move(connect)) {}

void GoogleCollector::collect(const CollectContext& context, FactSink& sink) {
  Round(options_, waiting_, connect_, context, sink).run();
}

}  // namespace cloister::posture
