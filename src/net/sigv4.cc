#include "net/sigv4.h"

#include <algorithm>
#include <optional>

namespace cloister::net {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr std::size_t kHeaderMax = 2048;
constexpr std::size_t kAccessKeyIdMax = 128;
constexpr std::size_t kScopePartMax = 64;
constexpr std::size_t kSignedHeadersMax = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_unreserved(char c) { return is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

std::string encode(std::string_view text, bool keep_slashes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c) || (keep_slashes && c == '/')) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return encoded;
}

Result<std::string> decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte.ok() || byte->size() != 1) return Error(Code::kInvalid, "the query has a broken percent-escape");
    decoded += static_cast<char>(byte->front());
    i += 2;
  }
  return decoded;
}

// Without "." and "..", and without empty segments: RFC 3986 5.2.4 as AWS normalises.
std::string canonical_path(std::string_view path) {
  std::vector<std::string_view> segments;
  const bool slash_at_end = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      segments.push_back(segment);
    } else if (!segments.empty()) {
      segments.pop_back();
    }
  }
  std::string canonical;
  for (const std::string_view segment : segments) canonical += "/" + encode(segment, false);
  if (canonical.empty() || slash_at_end) canonical += '/';
  return canonical;
}

Result<std::string> canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view parameter = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (parameter.empty()) continue;
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    CLOISTER_TRY(const std::string name, decode(parameter.substr(0, equals)));
    CLOISTER_TRY(const std::string value, decode(parameter.substr(std::min(equals + 1, parameter.size()))));
    parameters.emplace_back(encode(name, false), encode(value, false));
  }
  std::ranges::sort(parameters);
  std::string canonical;
  for (const auto& [name, value] : parameters) canonical += (canonical.empty() ? "" : "&") + name + "=" + value;
  return canonical;
}

// Trimmed, and every run of spaces made one.
std::string canonical_value(std::string_view value) {
  std::string canonical;
  for (const char c : value) {
    const bool space = c == ' ' || c == '\t';
    if (!space) {
      canonical += c;
    } else if (!canonical.empty() && canonical.back() != ' ') {
      canonical += ' ';
    }
  }
  if (canonical.ends_with(' ')) canonical.pop_back();
  return canonical;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ";") + name;
  return text;
}

bool is_scope_part(std::string_view text) {
  const auto fits = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; };
  return !text.empty() && text.size() <= kScopePartMax && std::ranges::all_of(text, fits);
}

bool is_date(std::string_view text) { return text.size() == 8 && std::ranges::all_of(text, is_digit); }

// "AKID/20150830/us-east-1/kms/aws4_request". Access key ids have no slash.
Status parse_credential(std::string_view text, SigV4Authorization& into) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t slash = text.find('/');
    parts.push_back(text.substr(0, slash));
    if (slash == std::string_view::npos || parts.size() > 5) break;
    text.remove_prefix(slash + 1);
  }
  const auto plain = [](char c) { return c > ' ' && c < 0x7f && c != ',' && c != '='; };
  const bool fits = parts.size() == 5 && !parts[0].empty() && parts[0].size() <= kAccessKeyIdMax &&
                    std::ranges::all_of(parts[0], plain) && is_date(parts[1]) && is_scope_part(parts[2]) &&
                    is_scope_part(parts[3]) && parts[4] == kTerminator;
  if (!fits) return Error(Code::kInvalid, "the signature's credential isn't KEY/DATE/REGION/SERVICE/aws4_request");
  into.access_key_id = parts[0];
  into.scope = {std::string(parts[1]), std::string(parts[2]), std::string(parts[3])};
  return {};
}

Status parse_signed_headers(std::string_view text, SigV4Authorization& into) {
  const auto fits = [](char c) { return is_unreserved(c) && !(c >= 'A' && c <= 'Z'); };
  for (;;) {
    const std::size_t end = text.find(';');
    const std::string name(text.substr(0, end));
    const bool next = into.signed_headers.empty() || into.signed_headers.back() < name;
    if (name.empty() || !next || !std::ranges::all_of(name, fits) || into.signed_headers.size() == kSignedHeadersMax) {
      return Error(Code::kInvalid, "the signed headers aren't at most 64 lower case names, ascending, none twice");
    }
    into.signed_headers.push_back(name);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  if (std::ranges::find(into.signed_headers, "host") != into.signed_headers.end()) return {};
  return Error(Code::kInvalid, "the signature doesn't cover the host");
}

Status parse_signature(std::string_view text, SigV4Authorization& into) {
  const auto bytes = from_hex(text);
  if (!bytes.ok() || bytes->size() != into.signature.size()) {
    return Error(Code::kInvalid, "the signature isn't 64 hexadecimal digits");
  }
  std::ranges::copy(*bytes, into.signature.begin());
  return {};
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string SigV4Scope::text() const { return date + "/" + region + "/" + service + "/" + std::string(kTerminator); }

std::string SigV4Authorization::serialize() const {
  return std::string(kAlgorithm) + " Credential=" + access_key_id + "/" + scope.text() +
         ", SignedHeaders=" + joined(signed_headers) + ", Signature=" + to_hex(signature);
}

Result<SigV4Authorization> parse_sigv4_authorization(std::string_view header) {
  if (header.size() > kHeaderMax) return Error(Code::kInvalid, "the signature's header is too long");
  if (!header.starts_with(std::string(kAlgorithm) + " ")) {
    return Error(Code::kInvalid, "the authorization isn't AWS4-HMAC-SHA256");
  }
  header.remove_prefix(kAlgorithm.size() + 1);
  std::optional<std::string_view> credential, signed_headers, signature;
  for (bool more = true; more;) {
    const std::size_t comma = header.find(',');
    more = comma != std::string_view::npos;
    const std::string_view part = trimmed(header.substr(0, comma));
    if (more) header.remove_prefix(comma + 1);
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view name = part.substr(0, equals);
    auto* into = name == "Credential"      ? &credential
                 : name == "SignedHeaders" ? &signed_headers
                 : name == "Signature"     ? &signature
                                           : nullptr;
    if (into == nullptr || into->has_value() || equals == part.size()) {
      return Error(Code::kInvalid, "the authorization isn't Credential, SignedHeaders and Signature, each once");
    }
    *into = part.substr(equals + 1);
  }
  if (!credential || !signed_headers || !signature) {
    return Error(Code::kInvalid, "the authorization isn't Credential, SignedHeaders and Signature, each once");
  }
  SigV4Authorization authorization;
  CLOISTER_RETURN_IF_ERROR(parse_credential(*credential, authorization));
  CLOISTER_RETURN_IF_ERROR(parse_signed_headers(*signed_headers, authorization));
  CLOISTER_RETURN_IF_ERROR(parse_signature(*signature, authorization));
  return authorization;
}

std::string sigv4_time(Time time) {
  std::string text;
  for (const char c : to_rfc3339(time).substr(0, 19)) {
    if (c != '-' && c != ':') text += c;
  }
  return text + "Z";
}

Result<Time> parse_sigv4_time(std::string_view text) {
  const Error refusal(Code::kInvalid, "a time like 20150830T123600Z is needed");
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return refusal;
  const auto part = [text](std::size_t at, std::size_t size) { return std::string(text.substr(at, size)); };
  const auto time = parse_rfc3339(part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + "T" + part(9, 2) + ":" +
                                  part(11, 2) + ":" + part(13, 2) + "Z");
  if (!time.ok() || time->unix_ms < 0) return refusal;
  return time;
}

std::string sigv4_payload_hash(ByteView body) { return to_hex(crypto::sha256(body)); }

Result<std::string> sigv4_canonical_request(const Request& request, const std::vector<std::string>& signed_headers,
                                            std::string_view payload_hash, SigV4Path path) {
  CLOISTER_TRY(const std::string query, canonical_query(request.query()));
  const std::string uri = path == SigV4Path::kAsSent ? std::string(request.path()) : canonical_path(request.path());
  std::string canonical = request.method + "\n" + uri + "\n" + query + "\n";
  for (const std::string& name : signed_headers) {
    std::string values;
    bool there = false;
    for (const Header& header : request.headers.all()) {
      if (header.name != name) continue;
      values += (there ? "," : "") + canonical_value(header.value);
      there = true;
    }
    if (!there) return Error(Code::kInvalid, "the request lacks a header that is signed");
    canonical += name + ":" + values + "\n";
  }
  return canonical + "\n" + joined(signed_headers) + "\n" + std::string(payload_hash);
}

std::string sigv4_string_to_sign(std::string_view amz_date, const SigV4Scope& scope,
                                 std::string_view canonical_request) {
  return std::string(kAlgorithm) + "\n" + std::string(amz_date) + "\n" + scope.text() + "\n" +
         to_hex(crypto::sha256(as_bytes(canonical_request)));
}

crypto::Secret sigv4_signing_key(const crypto::Secret& secret_access_key, const SigV4Scope& scope) {
  constexpr std::string_view kPrefix = "AWS4";
  crypto::Secret key(kPrefix.size() + secret_access_key.size());
  std::ranges::copy(as_bytes(kPrefix), key.expose_mutable().begin());
  std::ranges::copy(secret_access_key.expose(), key.expose_mutable().begin() + kPrefix.size());
  for (const std::string_view part :
       {std::string_view(scope.date), std::string_view(scope.region), std::string_view(scope.service), kTerminator}) {
    crypto::Sha256Digest next = crypto::hmac_sha256(key, as_bytes(part));
    key = crypto::Secret::copy_of(next);
    crypto::wipe(next);
  }
  return key;
}

crypto::Sha256Digest sigv4_signature(const crypto::Secret& signing_key, std::string_view string_to_sign) {
  return crypto::hmac_sha256(signing_key, as_bytes(string_to_sign));
}

Status verify_sigv4(const Request& request, const SigV4Authorization& authorization, std::string_view amz_date,
                    std::string_view payload_hash, const crypto::Secret& signing_key) {
  CLOISTER_TRY(const std::string canonical,
               sigv4_canonical_request(request, authorization.signed_headers, payload_hash));
  const std::string to_sign = sigv4_string_to_sign(amz_date, authorization.scope, canonical);
  if (crypto::equal_constant_time(sigv4_signature(signing_key, to_sign), authorization.signature)) return {};
  return Error(Code::kDenied, "the request's signature isn't that of its key");
}

}  // namespace cloister::net
