// Bodies and names as clients of AWS KMS send them: whatever they are, what is read is within its bounds.
#include <string>
#include <vector>

#include "service/aws/body.h"
#include "service/aws/names.h"

using namespace cloister;

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view seed :
       {R"({"KeyId":"alias/mnist","Plaintext":"QUJD","EncryptionContext":{"a":"b","\u00e4":"c"}})",
        R"({"Tags":[{"TagKey":"a","TagValue":"b"}],"Limit":7,"DryRun":true,"GrantTokens":["x"]})",
        "arn:aws:kms:eu-test-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef", "alias/app/main"}) {
    seeds->push_back(to_bytes(as_bytes(seed)));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  const auto reference = service::aws::parse_key_reference(text, "eu-test-1", {"acme", ""});
  if (reference.ok()) CLOISTER_CHECK(!reference->text.empty() && reference->text.size() <= 250);
  service::Call call;
  call.request.body.assign(data, data + size);
  const auto body = service::aws::Body::parse(
      call, {"KeyId", "Plaintext", "EncryptionContext", "Tags", "Limit", "DryRun", "GrantTokens"});
  if (!body.ok()) return 0;
  const auto key = body->text("KeyId", 100);
  CLOISTER_CHECK(!key.ok() || key->size() <= 100);
  const auto blob = body->blob("Plaintext", 1, 64);
  CLOISTER_CHECK(!blob.ok() || (!blob->empty() && blob->size() <= 64));
  const auto number = body->number("Limit", 1, 10);
  CLOISTER_CHECK(!number.ok() || !*number || (**number >= 1 && **number <= 10));
  const auto context = body->texts_by_name("EncryptionContext", 4, 64);
  if (context.ok()) {
    CLOISTER_CHECK(context->size() <= 4);
    CLOISTER_CHECK(service::aws::canonical_context(*context).size() <= 128);
  }
  const auto tags = body->tags("Tags", 4);
  CLOISTER_CHECK(!tags.ok() || tags->size() <= 4);
  ignore_result(body->flag("DryRun"));
  ignore_result(body->texts("GrantTokens", 4, 64));
  return 0;
}
