// What raw answers must not carry into the evidence store: keys, tokens, passwords.
#pragma once

#include <string>
#include <string_view>

namespace cloister::posture {

enum class RedactEmails { kNo, kYes };

// The text with each secret replaced by "[redacted: WHAT]". Known are private keys in PEM and JWK, access keys and
// tokens of clouds and code hosts, JSON Web Tokens, what follows a name like password or client_secret in JSON, XML,
// addresses and settings, and user:password@ in addresses. What looks like none of these stays: it is a net, not a
// proof. Applying it again changes nothing. Takes time in proportion to the text.
std::string redact(std::string_view text, RedactEmails emails = RedactEmails::kNo);

}  // namespace cloister::posture
