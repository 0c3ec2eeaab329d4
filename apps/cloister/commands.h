// The verbs. Each function adds one to the tree, with its options, help and examples; when it is the one that was asked
// for, it leaves in `run` what is to be done.
#pragma once

#include <CLI/App.hpp>
#include <functional>

#include "output.h"
#include "session.h"

namespace cloister::cli {

using Run = std::function<Result<Outcome>(Session&)>;

void add_init(CLI::App& app, Run& run);
void add_tenant(CLI::App& app, Run& run);
void add_key(CLI::App& app, Run& run);
void add_root(CLI::App& app, Run& run);
void add_kms(CLI::App& app, Run& run);
void add_mesh(CLI::App& app, Run& run);
void add_model(CLI::App& app, Run& run);
void add_dataset(CLI::App& app, Run& run);
void add_identity(CLI::App& app, Run& run);
void add_entry(CLI::App& app, Run& run);
void add_key_file(CLI::App& app, Run& run);
void add_seal(CLI::App& app, Run& run);
void add_open(CLI::App& app, Run& run);
void add_cat(CLI::App& app, Run& run);
void add_append(CLI::App& app, Run& run);
void add_ask(CLI::App& app, Run& run);
void add_inspect(CLI::App& app, Run& run);
void add_verify(CLI::App& app, Run& run);
void add_rewrap(CLI::App& app, Run& run);
void add_rekey(CLI::App& app, Run& run);
void add_audit(CLI::App& app, Run& run);
void add_enroll(CLI::App& app, Run& run);
void add_paths(CLI::App& app, Run& run);
void add_posture(CLI::App& app, Run& run);
void add_redteam(CLI::App& app, Run& run);
void add_policy(CLI::App& app, Run& run);
void add_receipt(CLI::App& app, Run& run);
void add_store(CLI::App& app, Run& run);
void add_scan(CLI::App& app, Run& run);
void add_attest(CLI::App& app, Run& run);
void add_version(CLI::App& app, Run& run);
void add_help(CLI::App& app, Run& run);
void add_completion(CLI::App& app, Run& run);

// Makes a verb with its text: `about` is one line, `manual` what `help` prints below the options (examples and notes).
CLI::App* add_verb(CLI::App& parent, const std::string& name, const std::string& about, const std::string& manual);

// Leaves `action` in `run` when `verb` is parsed. `options` live as long as the tree.
template <typename Options>
void set_action(CLI::App* verb, Run& run, std::shared_ptr<Options> options,
                Result<Outcome> (*action)(Session&, const Options&)) {
  verb->callback([&run, options, action] { run = [options, action](Session& s) { return action(s, *options); }; });
}

}  // namespace cloister::cli
