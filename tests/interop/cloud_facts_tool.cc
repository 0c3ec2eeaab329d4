// Runs a collector over the addresses it is given and prints the facts, one on a line: "cloud_facts_tool aws ACCOUNT
// ADDRESS…", "cloud_facts_tool postgresql "" ADDRESS…". Credentials and endpoints come from the environment.
#include <cstdio>
#include <cstdlib>

#include "posture/collect/cloud/aws_collector.h"
#include "posture/collect/database/postgres_collector.h"

using namespace cloister;

namespace {

struct Printing final : posture::FactSink {
  void add(posture::Fact fact) override { std::printf("%s\n", posture::fact_json(fact).c_str()); }
};

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::unique_ptr<posture::Collector> collector_of(std::string_view name) {
  if (name == "postgresql") return std::make_unique<posture::PostgresCollector>();
  if (name != "aws") return nullptr;
  posture::AwsOptions options;
  options.environment = environment;
  return std::make_unique<posture::AwsCollector>(std::move(options), kms::real_waiting());
}

}  // namespace

int main(int argc, char** argv) {
  const auto collector = argc < 3 ? nullptr : collector_of(argv[1]);
  if (collector == nullptr) {
    std::fputs("usage: cloud_facts_tool aws|postgresql ACCOUNT ADDRESS...\n", stderr);
    return 2;
  }
  posture::Estate estate;
  estate.own_accounts = {argv[2]};
  for (int i = 3; i < argc; ++i) {
    estate.locations.push_back({argv[i], argv[i], posture::DataKind::kTrainingData, {}, {}, 0});
  }
  Printing sink;
  posture::CollectContext context;
  context.estate = &estate;
  context.now = system_time();
  context.threads = 4;
  collector->collect(context, sink);
  return 0;
}
