#include "tests/support/revocation_lists.h"

#include "crypto/certificate_writer.h"
#include "crypto/der.h"
#include "crypto/pem.h"
#include "tests/support/certificates.h"
#include "tests/support/value_of.h"

namespace cloister::testing {
namespace {

using namespace crypto;

Bytes general_time(Time time) {
  std::string digits;
  for (const char c : to_rfc3339(time).substr(0, 19)) {
    if (c >= '0' && c <= '9') digits.push_back(c);
  }
  return der_element(der::kGeneralizedTime, {as_bytes(digits + "Z")});
}

constexpr std::string_view kPssAuthority =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIDajCCAh6gAwIBAgIUHyUMBcgTSOa1eG8SEWxgOQunWs4wQQYJKoZIhvcNAQEK\n"
    "MDSgDzANBglghkgBZQMEAgIFAKEcMBoGCSqGSIb3DQEBCDANBglghkgBZQMEAgIF\n"
    "AKIDAgEwMBgxFjAUBgNVBAMMDXBzcyBhdXRob3JpdHkwIBcNMjYxMTI2MTIyNDQx\n"
    "WhgPMjA1MTA3MTgxMjI0NDFaMBgxFjAUBgNVBAMMDXBzcyBhdXRob3JpdHkwggEi\n"
    "MA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQChRCEpn2zgqC1EIYt2kAwehVGm\n"
    "IGJS1pckJfAUaCT2BbiNQQUgjSkp09vyzcrZ6vz39uuZWBBbqmQMxuaF1tn66d0E\n"
    "jjFtfWUy5XxOM8LttkSz+WHUAsJ9xkpffkyBkf+pI5N4qy/WHC+c626lHk61SQm2\n"
    "1p5D0xI0hrcrMdE2MXvNEAMGjcZ+25vUXAqcv8jDmdMvpyWL4T3sWjjZxaqkq1dX\n"
    "BGcRFDQS2KL3JOclvh//fZJXRlE0zjMLN07sB70qVI1CLqO0OvUfTnhf8jUcvNsL\n"
    "a/0YoE2e2aldwtTQW1k5R0jTT5f7WWi/dgwkKSXE0vNSJ9RXMdvZJWA2+yCXAgMB\n"
    "AAGjQjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEGMB0GA1UdDgQW\n"
    "BBT/tGvIWJki4nozXAfD6rbdS4339zBBBgkqhkiG9w0BAQowNKAPMA0GCWCGSAFl\n"
    "AwQCAgUAoRwwGgYJKoZIhvcNAQEIMA0GCWCGSAFlAwQCAgUAogMCATADggEBACYw\n"
    "sxPZ3FBvIO7tu0s4G/Yo9QHdFsJnMl/0Ga/ggSZqgs6qW+R8+VVVZ/wdL71FgmGj\n"
    "RXlW8s1wSzajUCf3bj0CllevgNSVkuVyYG2L1yEfnJGJq5W6DB99UcUGEElbJwwd\n"
    "rp3dDb/jDRI5rk2Xzl2BxvrJj8DcFF6VzarSplgdYAxqJ6rYRhX9Gdsu0Caahkb4\n"
    "scIqTGT05fjkVhGLIiIG+OQLeB7N1obRpldspZtz3PDjf3ICO87kjhPtpPXrjrBw\n"
    "LwEOMMB8bFKYmK5hWJ4s5UpfMCh3GoW60+S10PbsxfOryLsBXryTReqZcDkxNNF/\n"
    "5F6crO2oSqyeTdDK5SQ=\n"
    "-----END CERTIFICATE-----\n";
constexpr std::string_view kPssList =
    "-----BEGIN X509 CRL-----\n"
    "MIICQzCB+AIBATBBBgkqhkiG9w0BAQowNKAPMA0GCWCGSAFlAwQCAgUAoRwwGgYJ\n"
    "KoZIhvcNAQEIMA0GCWCGSAFlAwQCAgUAogMCATAwGDEWMBQGA1UEAwwNcHNzIGF1\n"
    "dGhvcml0eRcNMjYxMTI2MTIyNDQxWhcNMzYxMTIzMTIyNDQxWjBHMCECAgoLFw0y\n"
    "NjExMjYwMDAwMDBaMAwwCgYDVR0VBAMKAQEwIgIDAP8AFw0yNjExMjYwMDAwMDBa\n"
    "MAwwCgYDVR0VBAMKAQagLzAtMB8GA1UdIwQYMBaAFP+0a8hYmSLiejNcB8Pqtt1L\n"
    "jff3MAoGA1UdFAQDAgEFMEEGCSqGSIb3DQEBCjA0oA8wDQYJYIZIAWUDBAICBQCh\n"
    "HDAaBgkqhkiG9w0BAQgwDQYJYIZIAWUDBAICBQCiAwIBMAOCAQEAlor5ELwwE9pm\n"
    "UHtt41jJ4AEb8UK3RKx6KjAodr/ZZqQrm/pVkM+ouZ0vzMn+6D0gLb8J8V3Y9XQM\n"
    "vQM0fnBT++HcGxxRSxMhXi4ki+HPTKDldqO/+RGzymNdcuNaMGivNPk0J3OVkLhb\n"
    "p7odisXkY3zkMZnJzk7oy8kmaymm4W74Hj5Nann8PXBClwBHSWNaTbAhyxIznxsv\n"
    "+Q5OOfXlIykB1flqOQxlwehbfXps8FwmtKaJef+to7to8YUAq2H/tx5GtL3mgMSj\n"
    "oIvy/PpmhpIodwkkZOaSjAi8zegXyFREJMzZ3UpcylVRnngp9sGXNentOtqrCaQk\n"
    "eNgaapLlgw==\n"
    "-----END X509 CRL-----\n";

}  // namespace

Bytes make_revocation_list(const RevocationParts& parts, const Certificate& authority, Signer& signer) {
  Bytes entries;
  for (const Bytes& serial : parts.serials) {
    const Bytes extensions = parts.entry_more.empty() ? Bytes() : der_element(der::kSequence, {parts.entry_more});
    const Bytes entry =
        der_element(der::kSequence, {der_positive_integer(serial), general_time(parts.this_update), extensions});
    entries.insert(entries.end(), entry.begin(), entry.end());
  }
  if (!entries.empty()) entries = der_element(der::kSequence, {entries});
  const ByteView algorithm = signature_algorithm_identifier(signature_algorithm(signer.public_key().type()));
  const Bytes issuer = parts.issuer.empty() ? authority.facts().subject : parts.issuer;
  const Bytes number =
      parts.number.empty() ? Bytes() : raw_extension("551d14", Critical::kNo, der_positive_integer(parts.number));
  const Bytes extensions = der_element(der::kSequence, {number, parts.more});
  const Bytes data = der_element(
      der::kSequence, {der_small_integer(1), algorithm, issuer, general_time(parts.this_update),
                       general_time(parts.next_update), entries, der_element(der::constructed(0), {extensions})});
  return der_element(der::kSequence, {data, algorithm, der_bit_string(value_of(signer.sign(data)))});
}

std::string_view pss_authority_pem() { return kPssAuthority; }

Bytes pss_revocation_list() { return value_of(parse_pem(kPssList, "X509 CRL", 1)).front(); }

}  // namespace cloister::testing
