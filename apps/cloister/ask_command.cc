// cloister ask: a question to an attested inference worker, sealed to it alone.
#include "base/base64.h"
#include "base/json.h"
#include "base/toml.h"
#include "collateral_input.h"
#include "commands.h"
#include "home/inference_client.h"
#include "keys/hierarchy.h"
#include "payload_output.h"

namespace cloister::cli {
namespace {

using home::InferenceClient;
using home::VerifiedWorker;
using home::WorkerAnswer;
using home::WorkerExpectation;
using home::WorkerQuestion;

constexpr std::uint64_t kQuestionMax = 4 << 20;
constexpr std::uint64_t kTokenMax = 4096;
constexpr std::uint64_t kKeptMax = 128 << 20;
constexpr Duration kPatience = minutes(2);

struct AskRequest {
  std::string worker, policy, dataset, model, token_file, file;
  std::string content_type = "application/json";
  std::string authorities, keep, kept;
  CollateralOptions collateral;
  bool check = false, stream = false;
};

// Prints an answer while it comes; what isn't to be printed, a refusal or an answer for JSON, is held back.
class Shown final : public net::BodySink {
 public:
  explicit Shown(bool holds_back) : holds_back_(holds_back) {}
  Status begin(const net::Response& head) override {
    holds_back_ = holds_back_ || head.status >= 300;
    return {};
  }
  Status take(ByteView piece) override {
    if (!holds_back_) return output_.write(piece);
    if (piece.size() > home::kAnswerMax - held_.size())
      return Error(Code::kCorrupt, "the answer is longer than is taken");
    net::append(held_, piece);
    return {};
  }
  bool anything() const { return output_.bytes() > 0; }
  net::Buffer held() { return std::move(held_); }

 private:
  PayloadOutput output_{BinaryToTerminal::kRefuse};
  net::Buffer held_;
  bool holds_back_;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister ask --worker https://gateway.example --policy workers.toml \
      --dataset acme/prompts --model vad --token-file token question.json
      verify the worker, seal the question to it, print its answer
  cloister ask --worker unix:/run/cloister/worker.sock --policy workers.toml \
      --dataset acme/prompts --check
      only verify the worker
  cloister ask --worker unix:/run/cloister/worker.sock --policy workers.toml \
      --dataset acme/prompts --model llm --token-file token --stream chat.json
      print the answer as it comes
  cloister ask --policy workers.toml --dataset acme/prompts --kept answer/
      verify again what --keep answer/ left, at its own date, without asking

NOTES
  The worker's bundle is fetched and held against the policy before anything is
  sent: what the policy doesn't allow isn't asked (status 4). The policy is one
  for attested release; its rule for --dataset, role "infer" and purpose infer
  decides. Whatever lies between, a gateway or a relay, sees sealed bytes and
  their size. An answer that isn't whole, or comes without the worker's receipt
  for exactly this question and this answer, isn't printed (status 3).
  With --stream each piece is printed as soon as it is authentic. When the answer
  breaks off, or its receipt doesn't fit, what was printed isn't all of it and
  nobody vouches for it: the status is 11.
  A question is JSON of the Open Inference Protocol: {"inputs":[{"name",
  "datatype","shape","data"}]}.
)";

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  return std::string(text);
}

Result<WorkerExpectation> expectation_of(Session& session, const AskRequest& request) {
  CLOISTER_TRY(const Bytes text, read_file(request.policy, kTomlSizeMax));
  auto loaded = policy::load_attestation_policy(as_text(text)).with_context(request.policy);
  if (!loaded.ok()) return loaded.error();
  CLOISTER_TRY(const keys::DatasetName name, keys::parse_dataset_name(request.dataset));
  CLOISTER_TRY(attest::CollateralBundle known, gather_collateral(session, request.collateral, system_time()));
  return WorkerExpectation{
      std::move(loaded).value(), name.tenant, name.environment, name.dataset, std::move(known.collateral),
      std::move(known.floors)};
}

Result<WorkerQuestion> question_of(const AskRequest& request) {
  if (request.model.empty() || request.token_file.empty() || request.file.empty()) {
    return invalid("--model, --token-file and a question are needed, or --check");
  }
  WorkerQuestion question{request.model, {}, request.content_type, {}};
  CLOISTER_TRY(const File token_file, File::open(request.token_file));
  CLOISTER_RETURN_IF_ERROR(check_guarded(token_file, Guard::kSecret));
  CLOISTER_TRY(const Bytes token, read_rest(token_file, kTokenMax));
  question.token = trimmed(as_text(token));
  if (request.file == "-") {
    CLOISTER_TRY(question.content,
                 read_rest(File::from_descriptor(0, "standard input", File::Owned::kNo), kQuestionMax));
  } else {
    CLOISTER_TRY(question.content, read_file(request.file, kQuestionMax));
  }
  return question;
}

Json worker_json(const VerifiedWorker& worker) {
  const attest::WorkerBundle& bundle = worker.bundle();
  return {{"assurance", std::string(attest::assurance_name(worker.judgement().verdict.assurance()))},
          {"rule", worker.judgement().decision.rule},
          {"evidence", to_hex(attest::evidence_id(bundle.evidence))},
          {"manifest", to_hex(crypto::sha256(bundle.manifest))},
          {"not_after", to_rfc3339(bundle.not_after)},
          {"verdict", Json::parse(service::verdict_json(worker.judgement().verdict), nullptr, false)}};
}

std::string worker_text(const VerifiedWorker& worker) {
  const attest::SetVerdict& verdict = worker.judgement().verdict;
  return "worker verified: " + std::string(attest::kind_name(verdict.primary.kind)) + ", " +
         std::string(attest::assurance_name(verdict.assurance())) + ", by rule " +
         printable(worker.judgement().decision.rule) + ", until " + to_rfc3339(worker.bundle().not_after) + "\n";
}

Json receipt_json(const WorkerAnswer& answer) {
  const attest::InferenceReceipt& receipt = answer.receipt;
  Json json = {{"sequence", receipt.sequence},
               {"time", to_rfc3339(receipt.time)},
               {"request", to_hex(receipt.request)},
               {"response", to_hex(receipt.response)},
               {"manifest", to_hex(receipt.manifest)},
               {"evidence", to_hex(receipt.evidence)},
               {"policy", receipt.policy},
               {"bytes", to_base64(answer.receipt_bytes)}};
  if (receipt.model) json["model"] = to_hex(*receipt.model);
  return json;
}

using AskOnce = std::function<Result<WorkerAnswer>(const VerifiedWorker&)>;

// A key that has just ended is no reason to give up: the new one's worker is verified like the first.
Result<WorkerAnswer> ask_verified(InferenceClient& client, const WorkerExpectation& expectation, VerifiedWorker& worker,
                                  const AskOnce& ask_once) {
  auto answer = ask_once(worker);
  if (answer.ok() || answer.error().code() != Code::kExpired) return answer;
  CLOISTER_TRY(worker, client.verify(expectation, system_time(), kPatience));
  return ask_once(worker);
}

Result<Outcome> answered(const Session& session, const AskRequest& request, const WorkerAnswer& answer,
                         const VerifiedWorker& worker) {
  Outcome outcome;
  const std::string_view content = as_text(answer.response.body);
  outcome.json = {
      {"status", answer.response.status}, {"worker", worker_json(worker)}, {"receipt", receipt_json(answer)}};
  if (answer.response.status >= 300) {
    outcome.text = printable(content) + "\n";
    outcome.json["problem"] = printable(content);
    const Code code = answer.response.status == 401   ? Code::kDenied
                      : answer.response.status == 503 ? Code::kUnavailable
                                                      : Code::kInvalid;
    outcome.failure = Error(code, "the worker refuses: status " + std::to_string(answer.response.status));
    return outcome;
  }
  outcome.text = worker_text(worker);
  outcome.terse = true;
  if (request.stream && !session.globals().json) {
    outcome.payload_on_stdout = true;
    return outcome;
  }
  if (session.globals().json) {
    const Json parsed = Json::parse(content, nullptr, false);
    outcome.json["answer"] = parsed.is_discarded() ? Json(to_base64(answer.response.body)) : parsed;
    return outcome;
  }
  PayloadOutput output(BinaryToTerminal::kRefuse);
  CLOISTER_RETURN_IF_ERROR(output.write(answer.response.body));
  outcome.payload_on_stdout = true;
  return outcome;
}

// Named for what they are, so that another program finds them.
constexpr const char *kBundleFile = "bundle", *kRequestFile = "request", *kResponseFile = "response",
                     *kReceiptFile = "receipt";

Status keep(const Path& folder, const VerifiedWorker& worker, const WorkerAnswer& answer) {
  std::error_code failure;
  if (!std::filesystem::create_directory(folder, failure)) {
    return Error(failure ? Code::kInvalid : Code::kExists, "make the folder " + folder.string());
  }
  const auto write = [&](const char* name, ByteView bytes) {
    return write_file(folder / name, bytes, Overwrite::kRefuse, 0600);
  };
  CLOISTER_RETURN_IF_ERROR(write(kBundleFile, attest::encode(worker.bundle())));
  CLOISTER_RETURN_IF_ERROR(write(kRequestFile, answer.sealed_request));
  CLOISTER_RETURN_IF_ERROR(write(kResponseFile, answer.sealed_response));
  return write(kReceiptFile, answer.receipt_bytes);
}

// The same judgement as before the question, at the date that the receipt says.
Result<Outcome> check_kept(const WorkerExpectation& expectation, const Path& folder) {
  const auto read = [&](const char* name) { return read_file(folder / name, kKeptMax); };
  CLOISTER_TRY(const Bytes bundle, read(kBundleFile));
  WorkerAnswer answer;
  CLOISTER_TRY(answer.sealed_request, read(kRequestFile));
  CLOISTER_TRY(answer.sealed_response, read(kResponseFile));
  CLOISTER_TRY(answer.receipt_bytes, read(kReceiptFile));
  CLOISTER_TRY(const attest::WorkerBundle shown, attest::decode_worker_bundle(bundle));
  CLOISTER_TRY(answer.receipt, attest::open_receipt(answer.receipt_bytes, shown.receipt_key));
  CLOISTER_TRY(const VerifiedWorker worker, InferenceClient::judge(bundle, expectation, answer.receipt.time));
  CLOISTER_TRY(answer.receipt,
               home::check_receipt(worker, answer.receipt_bytes, answer.sealed_request, answer.sealed_response));
  Outcome outcome;
  outcome.text =
      worker_text(worker) + "it signed this question and this answer at " + to_rfc3339(answer.receipt.time) + "\n";
  outcome.json = {{"worker", worker_json(worker)}, {"receipt", receipt_json(answer)}};
  return outcome;
}

Outcome incomplete(const Error& why) {
  Outcome outcome;
  outcome.payload_on_stdout = true;
  outcome.failure =
      Error(why.code(),
            "the answer is incomplete: what was printed isn't all of it, and nobody vouches for it: " + why.message());
  outcome.exit_status = kIncompleteStatus;
  return outcome;
}

Result<Outcome> ask(Session& session, const AskRequest& request) {
  CLOISTER_TRY(const WorkerExpectation expectation, expectation_of(session, request));
  if (!request.kept.empty()) return check_kept(expectation, request.kept);
  if (request.worker.empty()) return invalid("--worker is needed, or --kept");
  CLOISTER_TRY(const WorkerQuestion question, request.check ? WorkerQuestion() : question_of(request));
  CLOISTER_TRY(auto client, InferenceClient::create(request.worker, {.authorities_file = request.authorities}));
  CLOISTER_TRY(VerifiedWorker worker, client->verify(expectation, system_time(), kPatience));
  if (request.check) {
    Outcome outcome;
    outcome.text = worker_text(worker);
    outcome.json = {{"worker", worker_json(worker)}};
    return outcome;
  }
  Shown shown(session.globals().json);
  const auto ask_once = [&](const VerifiedWorker& verified) {
    if (!request.stream) return client->ask(verified, question, system_time(), session.random(), kPatience);
    const auto keeps = request.keep.empty() ? home::KeepSealed::kNo : home::KeepSealed::kYes;
    return client->ask_streaming(verified, question, {system_time(), &session.random(), kPatience, keeps}, shown);
  };
  auto answer = ask_verified(*client, expectation, worker, ask_once);
  if (!answer.ok() && shown.anything()) return incomplete(answer.error());
  if (!answer.ok()) return answer.error();
  if (request.stream) answer->response.body = shown.held();
  if (!request.keep.empty()) CLOISTER_RETURN_IF_ERROR(keep(request.keep, worker, *answer));
  return answered(session, request, *answer, worker);
}

}  // namespace

void add_ask(CLI::App& app, Run& run) {
  CLI::App* verb = add_verb(app, "ask", "ask an attested inference worker, sealed to it alone", kManual);
  auto request = std::make_shared<AskRequest>();
  verb->add_option("FILE", request->file, "the question; - for standard input");
  verb->add_option("--worker", request->worker, "where it, or its gateway, is: https://…, http://127.0.0.1:…, unix:…");
  verb->add_option("--policy", request->policy, "what it must be: a policy for attested release")->required();
  verb->add_option("--dataset", request->dataset, "whose rule decides: acme/prompts")->required();
  verb->add_option("--model", request->model, "the model's name");
  verb->add_option("--token-file", request->token_file, "the tenant's token, alone in a file")->type_name("FILE");
  verb->add_option("--content-type", request->content_type, "of the question")->capture_default_str();
  verb->add_option("--authorities", request->authorities, "who vouches for a gateway's name, in PEM")
      ->type_name("FILE");
  add_collateral_options(verb, request->collateral);
  verb->add_option("--keep", request->keep, "what proves the answer later, in a new folder")->type_name("DIR");
  verb->add_option("--kept", request->kept, "verify again what --keep left")->type_name("DIR");
  verb->add_flag("--stream", request->stream, "print the answer as it comes; status 11 when it breaks off");
  verb->add_flag("--check", request->check, "only verify the worker");
  set_action(verb, run, request, ask);
}

}  // namespace cloister::cli
