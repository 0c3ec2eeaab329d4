#include "collateral_commands.h"

#include <algorithm>
#include <filesystem>

#include "attest/collateral/merge.h"
#include "attest/collateral/refresh.h"
#include "collateral_input.h"
#include "home/collateral_cache.h"
#include "home/collateral_folder.h"
#include "home/collateral_wanted.h"
#include "service/attestation/release_state.h"

namespace cloister::cli {
namespace {

struct ListRequest {
  CollateralOptions collateral;
  std::string at;
};

struct ImportRequest {
  std::string path;
  std::vector<std::string> keys;
};

struct ExportRequest {
  CollateralOptions collateral;
  std::vector<std::string> only;  // names, or beginnings of names
  std::string output, folder;
  bool force = false;
};

struct FetchRequest {
  std::vector<std::string> names, evidence, addresses;
  std::string authorities;
  bool all = false;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister attest collateral fetch --for quote.bin --for gpu.evidence
      what verifying them needs and this home doesn't keep yet
  cloister attest collateral fetch
      what is kept and due to be fetched anew, ahead of its expiry
  cloister attest collateral fetch amd-crl/Milan/vcek intel-crl/root \
      --address intel-pcs=https://pccs.example
  cloister attest collateral list
  cloister attest collateral export -o site.bundle
      everything that this home keeps, of all vendors, signed with its log key
  cloister audit key - > lab.vkey
  cloister attest collateral import site.bundle --key lab.vkey
      on the other side, where there is no network
  cloister attest collateral import downloads/
      loose files: intel-crl/root.der, intel-tcb-info/tdx/00806f050000.json and
      beside it intel-tcb-info/tdx/00806f050000.chain.pem

NOTES
  What vendors issued is verified each time it is used. Endorsements of Arm CCA
  and TPM keys are nobody's signature: they are as good as the bundle's signer,
  or as the folder that they are imported from.
  The newer of two pieces is kept, by its evaluation number, then by its date.
  A bundle that is older than the last one of the same signer is refused.
  `fetch` asks Intel's PCS or a PCCS, AMD's KDS and NVIDIA's RIM and OCSP services,
  and says which piece didn't come, and why; what came is kept all the same.
)";

std::string date_text(const std::optional<Time>& time) { return time ? to_rfc3339(*time).substr(0, 10) : "-"; }

std::string state_of(const attest::CollateralItem& item, Time now) {
  if (attest::expired(item, now)) return "expired";
  const auto when = attest::due(item, {});
  return when && *when <= now ? "due" : "current";
}

Result<Outcome> list(Session& session, const ListRequest& request) {
  Time now = system_time();
  if (!request.at.empty()) {
    CLOISTER_TRY(now, parse_rfc3339(request.at).with_context("--at"));
  }
  CLOISTER_TRY(const attest::CollateralBundle known, gather_collateral(session, request.collateral, now));
  Outcome outcome;
  outcome.json = {{"at", to_rfc3339(now)}, {"items", Json::array()}, {"floors", Json::object()}};
  Table table({"COLLATERAL", "ISSUED", "EXPIRES", "STATE"});
  for (const auto& [name, item] : known.collateral.items()) {
    table.row({name, date_text(item.issued), date_text(item.expires), state_of(item, now)});
    Json json = {{"name", name}, {"sha256", to_hex(item.digest())}, {"state", state_of(item, now)}};
    json["fetched"] = to_rfc3339(item.fetched);
    if (item.issued) json["issued"] = to_rfc3339(*item.issued);
    if (item.expires) json["expires"] = to_rfc3339(*item.expires);
    outcome.json["items"].push_back(std::move(json));
  }
  outcome.text = known.collateral.items().empty() ? "there is no collateral\n" : table.text();
  for (const auto& [name, floor] : known.floors) {
    outcome.text += "floor " + printable(name) + " " + std::to_string(floor) + "\n";
    outcome.json["floors"][printable(name)] = floor;
  }
  return outcome;
}

void tell(const attest::MergeReport& report, Outcome& outcome) {
  outcome.text = count_text(report.added, "new piece") + ", " + std::to_string(report.replaced) + " newer, " +
                 std::to_string(report.same) + " the same, " + std::to_string(report.older.size()) + " older\n";
  outcome.json = {
      {"added", report.added}, {"replaced", report.replaced}, {"same", report.same}, {"older", report.older}};
  for (const std::string& name : report.older) {
    outcome.text += "  " + name + " was left out: what is kept is newer\n";
  }
}

// When which bundles were taken is this home's own affair; the rest are vendors' numbers.
attest::Floors of_vendors(const attest::Floors& floors) {
  attest::Floors some;
  for (const auto& [name, floor] : floors) {
    if (!name.starts_with(attest::bundle_floor(""))) some.emplace(name, floor);
  }
  return some;
}

// What a release is decided by, too: where one rises, older leases end.
Status raise_floors(Session& session, keys::Hierarchy& hierarchy, const attest::Floors& floors) {
  if (floors.empty()) return {};
  CLOISTER_TRY(const service::AuthenticSettings settings, session.service_settings());
  const keys::Caller caller = session.caller();
  const audit::Event event{
      caller.now, caller.actor, "collateral.raise-floors", "", "collateral", audit::Outcome::kAllowed, ""};
  return hierarchy.store().change(event, [&](keys::Store::Change& change) -> Status {
    CLOISTER_TRY([[maybe_unused]] const std::uint64_t epoch,
                 service::ReleaseSettings(settings).raise_floors(hierarchy.store(), change, floors));
    return {};
  });
}

Result<Outcome> import_collateral(Session& session, const ImportRequest& request) {
  std::error_code failure;
  const bool loose = std::filesystem::is_directory(request.path, failure);
  const keys::Caller caller = session.caller();
  attest::OpenedBundle opened;
  if (loose) {
    CLOISTER_TRY(opened.bundle.collateral, home::read_collateral_folder(request.path, caller.now));
  } else {
    CLOISTER_TRY(opened, read_bundle(request.path, request.keys));
  }
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  const std::string signer = loose ? "a folder" : opened.signer;
  CLOISTER_RETURN_IF_ERROR(session.record("collateral.import", "", signer,
                                          to_hex(crypto::sha256(as_bytes(attest::bundle_text(opened.bundle))))));
  Outcome outcome;
  CLOISTER_RETURN_IF_ERROR(
      home::update_collateral(session.home(), *hierarchy, caller.now, [&](attest::CollateralBundle& kept) -> Status {
        attest::MergeReport report;
        if (loose) {
          report = attest::merge(kept.collateral, opened.bundle.collateral);
        } else {
          CLOISTER_TRY(report, attest::take_bundle(opened, kept.collateral, kept.floors));
        }
        tell(report, outcome);
        return {};
      }));
  CLOISTER_RETURN_IF_ERROR(raise_floors(session, *hierarchy, of_vendors(opened.bundle.floors)));
  outcome.text = "imported from " + printable(signer) + ": " + outcome.text;
  return outcome;
}

bool chosen(std::string_view name, const std::vector<std::string>& only) {
  return only.empty() ||
         std::ranges::any_of(only, [name](const std::string& start) { return name.starts_with(start); });
}

Result<Outcome> export_collateral(Session& session, const ExportRequest& request) {
  if (request.output.empty() == request.folder.empty()) return invalid("say where to: -o FILE, or --folder DIR");
  const keys::Caller caller = session.caller();
  CLOISTER_TRY(const attest::CollateralBundle known, gather_collateral(session, request.collateral, caller.now));
  attest::CollateralBundle chosen_ones;
  chosen_ones.at = caller.now;
  for (const auto& [name, item] : known.collateral.items()) {
    if (chosen(name, request.only)) chosen_ones.collateral.add(item);
  }
  chosen_ones.floors = of_vendors(known.floors);
  const std::size_t count = chosen_ones.collateral.items().size();
  if (count == 0) return Error(Code::kNotFound, "there is no collateral to export");
  Outcome outcome;
  outcome.terse = true;
  outcome.json = {{"items", count}, {"at", to_rfc3339(caller.now)}};
  if (!request.folder.empty()) {
    CLOISTER_RETURN_IF_ERROR(home::write_collateral_folder(request.folder, chosen_ones.collateral));
    outcome.text = "exported " + count_text(count, "piece") + " as loose files, which nobody signed\n";
    return outcome;
  }
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_RETURN_IF_ERROR(session.record("collateral.export", "", "collateral",
                                          to_hex(crypto::sha256(as_bytes(attest::bundle_text(chosen_ones))))));
  CLOISTER_TRY(const Bytes bytes, home::sign_bundle(*hierarchy, chosen_ones));
  CLOISTER_RETURN_IF_ERROR(write_file(request.output, bytes, request.force ? Overwrite::kReplace : Overwrite::kRefuse));
  outcome.text =
      "exported " + count_text(count, "piece") + ", signed; to import: the key `cloister audit key -` prints\n";
  outcome.json["bytes"] = bytes.size();
  return outcome;
}

Result<attest::CollateralNeed> need_of(const std::string& name) {
  const std::size_t slash = std::min(name.find('/'), name.size());
  const auto kind = attest::collateral_kind_of(name.substr(0, slash));
  if (!kind || slash == name.size()) return invalid(printable(name) + " is no name of collateral: KIND/KEY");
  return attest::CollateralNeed{*kind, name.substr(slash + 1)};
}

Result<home::VendorAddresses> addresses_of(const std::vector<std::string>& options) {
  home::VendorAddresses addresses;
  for (const std::string& option : options) {
    const std::size_t equals = std::min(option.find('='), option.size());
    std::string* address = addresses.find(option.substr(0, equals));
    if (address == nullptr || equals == option.size()) {
      return invalid("--address " + printable(option) + ": write SERVICE=URL");
    }
    *address = option.substr(equals + 1);
  }
  return addresses;
}

Result<home::Wanted> wanted_of(const FetchRequest& request) {
  home::Wanted wanted;
  for (const std::string& name : request.names) {
    CLOISTER_TRY(attest::CollateralNeed need, need_of(name));
    wanted.needs.push_back(std::move(need));
  }
  for (const std::string& file : request.evidence) {
    CLOISTER_TRY(const Bytes bytes, read_file(file, attest::kEvidenceSizeMax));
    CLOISTER_TRY(const attest::EvidenceSet set, attest::recognise(bytes).with_context("read " + file));
    wanted.add(home::wanted_by(set));
  }
  return wanted;
}

void tell_failures(const home::Fetched& fetched, Outcome& outcome) {
  outcome.json["failed"] = Json::array();
  for (const home::Fetched::Failure& failure : fetched.failures) {
    outcome.text += "  " + failure.need.name() + ": " + printable(failure.error.message()) + "\n";
    outcome.json["failed"].push_back({{"name", failure.need.name()},
                                      {"code", code_name(failure.error.code())},
                                      {"message", printable(failure.error.message())}});
  }
  if (fetched.failures.empty()) return;
  const home::Fetched::Failure& first = fetched.failures.front();
  outcome.failure =
      Error(first.error.code(), count_text(fetched.failures.size(), "piece") + " didn't come: " + first.need.name() +
                                    ": " + printable(first.error.message()));
}

Result<Outcome> fetch(Session& session, const FetchRequest& request) {
  CLOISTER_TRY(home::Wanted wanted, wanted_of(request));
  CLOISTER_TRY(const home::VendorAddresses addresses, addresses_of(request.addresses));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(const attest::CollateralBundle kept, home::read_collateral(session.home(), *hierarchy));
  const keys::Caller caller = session.caller();
  const auto plan = attest::plan_refresh(kept.collateral, wanted.needs, caller.now, {});
  CLOISTER_TRY(const auto fetcher, home::CollateralFetcher::create(addresses, home::web_transports(request.authorities),
                                                                   kms::real_waiting(), home::Attempts::kSeveral));
  if (!request.all) wanted.needs = plan.now;
  const home::Fetched fetched = home::fetch_wanted(*fetcher, std::move(wanted), kept.collateral, [] { return true; });
  Outcome outcome;
  tell({}, outcome);
  if (const std::size_t count = fetched.collateral.items().size(); count > 0) {
    CLOISTER_RETURN_IF_ERROR(session.record("collateral.fetch", "", "collateral", count_text(count, "piece")));
    CLOISTER_RETURN_IF_ERROR(home::update_collateral(
        session.home(), *hierarchy, caller.now, [&](attest::CollateralBundle& bundle) -> Status {
          tell(attest::merge(bundle.collateral, fetched.collateral), outcome);
          return {};
        }));
  }
  tell_failures(fetched, outcome);
  return outcome;
}

}  // namespace

void add_collateral(CLI::App& attest, Run& run) {
  CLI::App* group = add_verb(attest, "collateral", "what vendors say of their chips: kept, and carried", kManual);
  group->require_subcommand(1);

  auto listing = std::make_shared<ListRequest>();
  CLI::App* verb = add_verb(*group, "list", "what is at hand, and until when", "");
  add_collateral_options(verb, listing->collateral);
  verb->add_option("--at", listing->at, "as of that time; else now")->type_name("TIME");
  set_action(verb, run, listing, list);

  auto fetching = std::make_shared<FetchRequest>();
  verb = add_verb(*group, "fetch", "from vendors, into the home: what is named, needed or due", "");
  verb->add_option("NAME", fetching->names, "pieces by name: KIND/KEY");
  verb->add_option("--for", fetching->evidence, "what this evidence would be verified with")
      ->type_name("EVIDENCE")
      ->allow_extra_args(false);
  verb->add_flag("--all", fetching->all, "what was named or is needed, also where it is kept already; nothing else");
  verb->add_option("--address", fetching->addresses,
                   "a mirror in place of a vendor's service: intel-pcs, intel-root-crl, amd-kds, nvidia-rim, "
                   "nvidia-ocsp")
      ->type_name("SERVICE=URL")
      ->allow_extra_args(false);
  verb->add_option("--authorities", fetching->authorities, "who may vouch for those servers; else the system's")
      ->type_name("PEM");
  set_action(verb, run, fetching, fetch);

  auto importing = std::make_shared<ImportRequest>();
  verb = add_verb(*group, "import", "a signed bundle, or loose files, into the home", "");
  verb->add_option("PATH", importing->path, "the bundle, or the folder")->required();
  verb->add_option("--key", importing->keys, "who may have signed the bundle")
      ->type_name("KEY")
      ->allow_extra_args(false);
  set_action(verb, run, importing, import_collateral);

  auto exporting = std::make_shared<ExportRequest>();
  verb = add_verb(*group, "export", "a bundle that the home signs, or loose files", "");
  add_collateral_options(verb, exporting->collateral);
  verb->add_option("--only", exporting->only, "those whose names begin so: intel-, amd-crl/Milan")->type_name("NAME");
  verb->add_option("-o,--output", exporting->output, "the bundle to make")->type_name("FILE");
  verb->add_option("--folder", exporting->folder, "loose files instead, for people to look at")->type_name("DIR");
  verb->add_flag("-f,--force", exporting->force, "replace a bundle that is there");
  set_action(verb, run, exporting, export_collateral);
}

}  // namespace cloister::cli
