// What S3 answers about encryption, read: a bucket's default, lists of buckets and objects, an object's headers.
#pragma once

#include "net/http_message.h"
#include "posture/collect/fact_maker.h"

namespace cloister::posture {

struct S3Encryption {
  std::string algorithm;      // "AES256", "aws:kms", "aws:kms:dsse", or whatever was said; empty: none
  std::string key;            // as it was named; empty: none was
  bool customer_key = false;  // SSE-C: the client brings the key with every request
};

// GetBucketEncryption. kCorrupt for what isn't one rule.
Result<S3Encryption> parse_bucket_encryption(std::string_view body);
// HeadObject.
S3Encryption read_object_encryption(const net::Headers& headers);

struct S3Object {
  std::string key;
  Time modified;
  std::string version;  // of one that was written over or deleted; empty: the current one
};
struct S3Page {
  std::vector<S3Object> objects;
  std::string next;          // token, or of versions the key that the page ended with; empty: the last page
  std::string next_version;  // of versions: which of that key
};
// ListObjectsV2 with encoding-type=url. kCorrupt for what isn't one, and for a page that goes on without a token.
Result<S3Page> parse_object_list(std::string_view body);
// ListObjectVersions with encoding-type=url, without the marks of what was deleted. kCorrupt likewise.
Result<S3Page> parse_version_list(std::string_view body);
// GetBucketVersioning: whether older versions may be there, also of a bucket that makes no new ones any more. kCorrupt.
Result<bool> parse_versioning(std::string_view body);

struct S3Buckets {
  std::vector<std::string> names;
  std::string next;  // token; empty: the last page
};
// ListBuckets. kCorrupt.
Result<S3Buckets> parse_bucket_list(std::string_view body);

enum class S3Place { kDefault, kObject };
// Everything but whose the key is, where there is one: "unknown" until that is resolved. What has no key of its own is
// AWS's to manage; a default of aws:kms without a key is AWS's key for S3.
StorageView s3_view(const S3Encryption& encryption, S3Place place);

}  // namespace cloister::posture
