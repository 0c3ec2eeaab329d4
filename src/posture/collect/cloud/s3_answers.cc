#include "posture/collect/cloud/s3_answers.h"

#include "kms/plain_line.h"
#include "posture/collect/cloud/xml_rows.h"

namespace cloister::posture {
namespace {

// A page of 1000 objects, with names of 1 KiB that are escaped.
constexpr kms::XmlLimits kListLimits{std::size_t{6} << 20, 8, 32'768};
// The same of versions, each with its owner and checksums.
constexpr kms::XmlLimits kVersionLimits{std::size_t{12} << 20, 8, 65'536};
constexpr std::size_t kTokenMax = 4096;

Result<std::string> decode_url(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      decoded += ' ';
      continue;
    }
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte.ok() || byte->size() != 1) return Error(Code::kCorrupt, "the list has a name with a broken escape");
    decoded += static_cast<char>(byte->front());
    i += 2;
  }
  return decoded;
}

Result<S3Object> object_of(const XmlRow& row) {
  CLOISTER_TRY(std::string key, decode_url(text_in(row, "Key")));
  const auto modified = parse_rfc3339(text_in(row, "LastModified"));
  if (key.empty() || !modified.ok()) return Error(Code::kCorrupt, "the list has an object without name or date");
  return S3Object{std::move(key), *modified, {}};
}

Result<bool> is_truncated(const std::vector<kms::XmlText>& texts, std::string_view path) {
  const std::string_view word = kms::find_text(texts, path);
  if (word != "true" && word != "false") return Error(Code::kCorrupt, "the list doesn't say if it goes on");
  return word == "true";
}

std::string header(const net::Headers& headers, std::string_view name) {
  const std::string* value = headers.find(name);
  return value == nullptr ? std::string() : *value;
}

}  // namespace

Result<S3Encryption> parse_bucket_encryption(std::string_view body) {
  CLOISTER_TRY(const auto texts, kms::read_xml(body));
  const auto rules = xml_rows(texts, "ServerSideEncryptionConfiguration/Rule");
  if (rules.size() != 1) return Error(Code::kCorrupt, "the bucket's default encryption isn't one rule");
  S3Encryption encryption;
  encryption.algorithm = text_in(rules.front(), "ApplyServerSideEncryptionByDefault/SSEAlgorithm");
  encryption.key = text_in(rules.front(), "ApplyServerSideEncryptionByDefault/KMSMasterKeyID");
  if (encryption.algorithm.empty()) return Error(Code::kCorrupt, "the bucket's default encryption names no algorithm");
  return encryption;
}

S3Encryption read_object_encryption(const net::Headers& headers) {
  const std::string of_customer = header(headers, "x-amz-server-side-encryption-customer-algorithm");
  if (!of_customer.empty()) return {of_customer, {}, true};
  return {header(headers, "x-amz-server-side-encryption"),
          header(headers, "x-amz-server-side-encryption-aws-kms-key-id"), false};
}

Result<S3Page> parse_object_list(std::string_view body) {
  CLOISTER_TRY(const auto texts, kms::read_xml(body, kListLimits));
  if (kms::find_text(texts, "ListBucketResult/Name").empty()) {
    return Error(Code::kCorrupt, "the answer is no list of a bucket's objects");
  }
  S3Page page;
  for (const XmlRow& row : xml_rows(texts, "ListBucketResult/Contents")) {
    CLOISTER_TRY(S3Object object, object_of(row));
    page.objects.push_back(std::move(object));
  }
  CLOISTER_TRY(const bool truncated, is_truncated(texts, "ListBucketResult/IsTruncated"));
  if (!truncated) return page;
  page.next = kms::find_text(texts, "ListBucketResult/NextContinuationToken");
  if (page.next.empty() || page.next.size() > kTokenMax) {
    return Error(Code::kCorrupt, "the list goes on without a token");
  }
  return page;
}

Result<S3Page> parse_version_list(std::string_view body) {
  CLOISTER_TRY(const auto texts, kms::read_xml(body, kVersionLimits));
  if (kms::find_text(texts, "ListVersionsResult/Name").empty()) {
    return Error(Code::kCorrupt, "the answer is no list of a bucket's versions");
  }
  S3Page page;
  for (const XmlRow& row : xml_rows(texts, "ListVersionsResult/Version")) {
    CLOISTER_TRY(S3Object object, object_of(row));
    if (text_in(row, "IsLatest") != "true") object.version = text_in(row, "VersionId");
    if (text_in(row, "IsLatest") != "true" && object.version.empty()) {
      return Error(Code::kCorrupt, "the list has an older version without an id");
    }
    page.objects.push_back(std::move(object));
  }
  CLOISTER_TRY(const bool truncated, is_truncated(texts, "ListVersionsResult/IsTruncated"));
  if (!truncated) return page;
  CLOISTER_TRY(page.next, decode_url(kms::find_text(texts, "ListVersionsResult/NextKeyMarker")));
  page.next_version = kms::find_text(texts, "ListVersionsResult/NextVersionIdMarker");
  if (page.next.empty() || page.next.size() > kTokenMax || page.next_version.size() > kTokenMax) {
    return Error(Code::kCorrupt, "the list goes on without a marker");
  }
  return page;
}

Result<bool> parse_versioning(std::string_view body) {
  CLOISTER_TRY(const auto texts, kms::read_xml(body));
  if (!texts.front().path.starts_with("VersioningConfiguration")) {
    return Error(Code::kCorrupt, "the answer isn't about versions");
  }
  return !kms::find_text(texts, "VersioningConfiguration/Status").empty();
}

Result<S3Buckets> parse_bucket_list(std::string_view body) {
  CLOISTER_TRY(const auto texts, kms::read_xml(body, kListLimits));
  if (!texts.front().path.starts_with("ListAllMyBucketsResult")) {
    return Error(Code::kCorrupt, "the answer is no list of buckets");
  }
  S3Buckets buckets;
  for (const XmlRow& row : xml_rows(texts, "ListAllMyBucketsResult/Buckets/Bucket")) {
    buckets.names.emplace_back(text_in(row, "Name"));
    if (buckets.names.back().empty()) return Error(Code::kCorrupt, "the list has a bucket without a name");
  }
  buckets.next = kms::find_text(texts, "ListAllMyBucketsResult/ContinuationToken");
  if (buckets.next.size() > kTokenMax) return Error(Code::kCorrupt, "the list's token is too long");
  return buckets;
}

StorageView s3_view(const S3Encryption& encryption, S3Place place) {
  const std::string& algorithm = encryption.algorithm;
  StorageView view;
  view.level = place == S3Place::kDefault ? "service" : "object";
  if (algorithm.empty()) {
    view.encrypted = "no";
    view.key_manager = "none";
    return view;
  }
  const bool by_kms = algorithm == "aws:kms" || algorithm == "aws:kms:dsse";
  if (!by_kms && algorithm != "AES256") {
    view.notes.push_back("S3 names an algorithm that isn't known: " + kms::plain_line(algorithm));
    return view;
  }
  view = provider_encrypted(encryption.customer_key       ? "sse-c"
                            : algorithm == "aws:kms"      ? "sse-kms"
                            : algorithm == "aws:kms:dsse" ? "dsse-kms"
                                                          : "sse-s3",
                            view.level);
  view.algorithm = "aes-256-gcm";
  view.integrity = "aead";
  if (encryption.customer_key) {
    view.notes.emplace_back("the key comes with every request, from the client: no KMS holds it");
  } else if (!by_kms || (encryption.key.empty() && place == S3Place::kDefault)) {
    view.key_manager = "platform_default";
  }
  view.key = encryption.key;
  return view;
}

}  // namespace cloister::posture
