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
};
struct S3Page {
  std::vector<S3Object> objects;
  std::string next;  // token; empty: the last page
};
// ListObjectsV2 with encoding-type=url. kCorrupt for what isn't one, and for a page that goes on without a token.
Result<S3Page> parse_object_list(std::string_view body);
// ListBuckets: the names. kCorrupt.
Result<std::vector<std::string>> parse_bucket_list(std::string_view body);

enum class S3Place { kDefault, kObject };
// Everything but whose the key is, where there is one: "unknown" until that is resolved. What has no key of its own is
// AWS's to manage; a default of aws:kms without a key is AWS's key for S3.
StorageView s3_view(const S3Encryption& encryption, S3Place place);

}  // namespace cloister::posture
