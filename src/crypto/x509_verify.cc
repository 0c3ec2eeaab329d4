// The path from a certificate to an anchor: RFC 5280 6.1 by OpenSSL, and what OpenSSL lets pass.
#include <algorithm>
#include <cctype>

#include "crypto/openssl_handles.h"
#include "crypto/x509.h"

namespace cloister::crypto {
namespace {

constexpr int kSecurityLevel = 2;

struct StackFree {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }  // not the certificates
};
using Stack = std::unique_ptr<STACK_OF(X509), StackFree>;

Stack stack_of(std::span<const Certificate> certificates) {
  Stack stack(sk_X509_new_null());
  CLOISTER_CHECK(stack != nullptr);
  for (const Certificate& certificate : certificates) {
    CLOISTER_CHECK(sk_X509_push(stack.get(), certificate.handle()) > 0);
  }
  return stack;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && std::ranges::all_of(label, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// Labels with dots between them; the first may be a wildcard.
bool is_dns_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253) return false;
  while (true) {
    const std::size_t dot = name.find('.');
    if (!is_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

bool is_email(std::string_view address) {
  const std::size_t at = address.find('@');
  return at != std::string_view::npos && at > 0 && address.find('@', at + 1) == std::string_view::npos &&
         is_dns_name(address.substr(at + 1)) && address[at + 1] != '*';
}

// Whether some authority of the path excludes a DNS name that the wildcard covers.
bool wildcard_covers_excluded(std::string_view wildcard, const Certificate& authority) {
  const NameConstraintsHandle constraints(
      static_cast<NAME_CONSTRAINTS*>(X509_get_ext_d2i(authority.handle(), NID_name_constraints, nullptr, nullptr)));
  if (constraints == nullptr) return false;
  const std::string parent = "." + lower(wildcard.substr(2));
  for (int i = 0; i < sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees); ++i) {
    const GENERAL_NAME* base = sk_GENERAL_SUBTREE_value(constraints->excludedSubtrees, i)->base;
    if (base->type != GEN_DNS) continue;
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(base->d.dNSName));
    const std::string excluded = lower({text, static_cast<std::size_t>(ASN1_STRING_length(base->d.dNSName))});
    if (excluded.ends_with(parent)) return true;
  }
  return false;
}

Status check_leaf(const Certificate& leaf, LeafAuthority authority) {
  const CertificateFacts& facts = leaf.facts();
  if (facts.is_authority && authority == LeafAuthority::kRefuse)
    return Error(Code::kDenied, "the leaf is an authority's certificate");
  if (facts.has_name_constraints) return Error(Code::kDenied, "the leaf has name constraints");
  if (!std::ranges::all_of(facts.names.dns_names, is_dns_name)) {
    return Error(Code::kDenied, "the leaf has a malformed DNS name");
  }
  if (!std::ranges::all_of(facts.names.emails, is_email)) {
    return Error(Code::kDenied, "the leaf has a malformed e-mail address");
  }
  return {};
}

Status check_wildcards(const std::vector<Certificate>& path) {
  for (const std::string& name : path.front().facts().names.dns_names) {
    if (!name.starts_with("*.")) continue;
    for (std::size_t i = 1; i < path.size(); ++i) {
      if (wildcard_covers_excluded(name, path[i])) {
        return Error(Code::kDenied, "the leaf's wildcard covers a name that an authority excludes");
      }
    }
  }
  return {};
}

int purpose_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::kServer:
    case Purpose::kServerAndClient: return X509_PURPOSE_SSL_SERVER;
    case Purpose::kClient: return X509_PURPOSE_SSL_CLIENT;
    case Purpose::kAny: break;
  }
  return X509_PURPOSE_ANY;
}

Error refusal(X509_STORE_CTX* context) {
  const int code = X509_STORE_CTX_get_error(context);
  const bool date = code == X509_V_ERR_CERT_HAS_EXPIRED || code == X509_V_ERR_CERT_NOT_YET_VALID;
  const int depth = X509_STORE_CTX_get_error_depth(context);
  return Error(date ? Code::kExpired : Code::kDenied,
               std::string(X509_verify_cert_error_string(code)) + ", at depth " + std::to_string(depth));
}

// OpenSSL's path holds the very objects it was given.
std::vector<Certificate> path_of(X509_STORE_CTX* context, const Certificate& leaf, const ChainRequest& request) {
  std::vector<Certificate> path;
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const X509* const handle = sk_X509_value(chain, i);
    const auto is_it = [handle](const Certificate& candidate) { return candidate.handle() == handle; };
    const auto anchor = std::ranges::find_if(request.anchors, is_it);
    const auto intermediate = std::ranges::find_if(request.intermediates, is_it);
    if (anchor != request.anchors.end()) {
      path.push_back(*anchor);
    } else if (intermediate != request.intermediates.end()) {
      path.push_back(*intermediate);
    } else {
      CLOISTER_CHECK(is_it(leaf));
      path.push_back(leaf);
    }
  }
  return path;
}

Status check_clients(X509_STORE_CTX* context) {
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    if (X509_check_purpose(sk_X509_value(chain, i), X509_PURPOSE_SSL_CLIENT, i > 0 ? 1 : 0) != 1) {
      return Error(Code::kDenied, "not for clients, at depth " + std::to_string(i));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Certificate>> verify_chain(const Certificate& leaf, const ChainRequest& request) {
  if (request.intermediates.size() > kChainLengthMax || request.anchors.size() > kAnchorsMax) {
    return Error(Code::kInvalid, "too many certificates");
  }
  CLOISTER_RETURN_IF_ERROR(check_leaf(leaf, request.leaf));
  const QuietErrors quiet;
  const Stack anchors = stack_of(request.anchors);
  const Stack intermediates = stack_of(request.intermediates);
  const StoreContext context(X509_STORE_CTX_new());
  CLOISTER_CHECK(context != nullptr &&
                 X509_STORE_CTX_init(context.get(), nullptr, leaf.handle(), intermediates.get()) == 1);
  X509_STORE_CTX_set0_trusted_stack(context.get(), anchors.get());
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  const unsigned long strict = request.rules == PathRules::kStrict ? X509_V_FLAG_X509_STRICT : 0;
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN | strict);
  X509_VERIFY_PARAM_set_auth_level(parameters, kSecurityLevel);
  X509_VERIFY_PARAM_set_depth(parameters, static_cast<int>(kChainLengthMax) - 2);
  X509_VERIFY_PARAM_set_time(parameters, static_cast<std::time_t>(request.at.unix_ms / 1000));
  CLOISTER_CHECK(X509_VERIFY_PARAM_set_purpose(parameters, purpose_of(request.purpose)) == 1);
  if (X509_verify_cert(context.get()) != 1) return refusal(context.get());
  if (request.purpose == Purpose::kServerAndClient) CLOISTER_RETURN_IF_ERROR(check_clients(context.get()));
  std::vector<Certificate> path = path_of(context.get(), leaf, request);
  if (path.size() < 2) return Error(Code::kDenied, "the leaf is among the anchors");
  CLOISTER_RETURN_IF_ERROR(check_wildcards(path));
  return path;
}

bool Certificate::is_signed_by(const Certificate& issuer) const {
  const QuietErrors quiet;
  EVP_PKEY* key = X509_get0_pubkey(issuer.handle());
  return key != nullptr && X509_verify(handle(), key) == 1;
}

bool names_host(const Certificate& certificate, std::string_view host) {
  // OpenSSL takes a leading dot for "any name below", and stops at a zero byte.
  if (host.empty() || host.front() == '.' || host.find('\0') != std::string_view::npos) return false;
  const std::string text(host);
  const QuietErrors quiet;
  // An address is never compared with a DNS name that happens to look like it.
  const AddressHandle address(a2i_IPADDRESS(text.c_str()));
  if (address != nullptr) {
    return X509_check_ip(certificate.handle(), ASN1_STRING_get0_data(address.get()),
                         static_cast<std::size_t>(ASN1_STRING_length(address.get())), 0) == 1;
  }
  static constexpr unsigned kFlags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
  return X509_check_host(certificate.handle(), text.data(), text.size(), kFlags, nullptr) == 1;
}

}  // namespace cloister::crypto
