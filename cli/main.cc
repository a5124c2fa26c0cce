// The command line of ebb. Exit codes: 0 done, 1 failed, 2 wrong usage or file.
#include <CLI/CLI.hpp>

#include "cli/replay.h"

int main(int argc, char** argv) {
  CLI::App app{"ebb turns streams of customer events into early warnings"};
  app.require_subcommand(1);
  ebb::ReplayOptions replay;
  CLI::App* command = app.add_subcommand("replay", "Run a pipeline over files until their end");
  command->add_option("PIPELINE", replay.pipeline)->required();
  command->add_option("--input,-i", replay.inputs);
  command->add_option("--output,-o", replay.outputs);
  command->add_option("--state", replay.state);
  command->add_option("--tasks", replay.tasks);
  command->add_option("--batch", replay.batch_records);
  command->add_flag("--json", replay.json);
  command->add_flag("--quiet,-q", replay.quiet);
  command->add_flag("--digest", replay.digest);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return ebb::RunReplay(replay);
}
