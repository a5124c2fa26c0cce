// The command line of ebb. Exit codes: 0 done, 1 failed, 2 wrong usage or file. What each command does stands in its
// own file; here are only names, options and help.
#include <malloc.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/arguments.h"
#include "cli/bench.h"
#include "cli/check.h"
#include "cli/completion.h"
#include "cli/demo.h"
#include "cli/explain.h"
#include "cli/generate.h"
#include "cli/parity.h"
#include "cli/plan.h"
#include "cli/replay.h"
#include "cli/run.h"
#include "cli/state.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "config/diagnostic.h"
#include "config/language.h"

namespace ebb {
namespace {

constexpr size_t kLeastMemory = size_t{1} << 20;
constexpr const char* kExitCodes = "Exit codes: 0 done, 1 failed, 2 wrong usage or file";

// Everything that options are read into. Confined to its task's thread.
struct Settings {
  std::vector<std::string> check_files;
  bool check_json = false;
  ExplainOptions explain;
  TestOptions test;
  PlanOptions plan;
  BenchOptions bench;
  ReplayOptions replay;
  std::string replay_from, replay_to, replay_interval = "10s", replay_start, replay_disorder = "2h";
  std::string replay_horizon = FormatDuration(kVerdictHorizon);
  RunOptions run;
  std::string run_spacing = "100ms", run_commit = "3s", run_state = "30s", run_snapshots = "10m";
  ParityOptions capture, verify;
  StateOptions state;
  std::vector<std::string> state_words;
  std::string state_start, state_disorder = "2h";
  GenerateOptions generate;
  std::string generate_start, generate_disorder = "2h";
  DemoOptions demo;
  bool version_json = false;
  std::string shell;
};

// One meaning for both commands.
void AddMemory(CLI::App* command, size_t* bytes) {
  command
      ->add_option("--memory", *bytes, "What ebb may take of the memory, as in 512MB (with --state); changes no result")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(kLeastMemory, size_t{1} << 50, "at least 1MB"));
}

// The command line while it is made and read. Confined to its task's thread.
class CommandLine {
 public:
  explicit CommandLine(std::string program);
  int RunCommand(int argc, char** argv);

 private:
  CLI::App* Add(const std::string& name, const std::string& text, const std::string& example, std::function<int()> run);
  void AddFileCommands();
  void AddReplay();
  void AddRun();
  void AddState();
  void AddGenerators();
  void AddRest();
  int Complaint(const CLI::ParseError& error);
  std::string UnknownWord(const CLI::App& command, const std::string& word) const;
  std::vector<CommandHelp> Commands() const;
  int Replay();
  int Run();
  int State();
  int Generate();

  CLI::App app_{"ebb turns streams of customer events into early warnings", "ebb"};
  Settings settings_;
  std::function<int()> chosen_;
};

// How much the generators make; replay, generate and demo share it.
void AddAmounts(CLI::App* command, GeneratorOptions* generator, const std::string& note) {
  command->add_option("--customers", generator->customers, "Number of customers" + note)->capture_default_str();
  command->add_option("--days", generator->days, "Days of history" + note)->capture_default_str();
  command->add_option("--seed", generator->seed, "The same seed gives the same data" + note)->capture_default_str();
}

// What else replay and generate can ask of them.
void AddVariations(CLI::App* command, GeneratorOptions* generator, std::string* start, std::string* disorder,
                   const std::string& note) {
  command->add_option("--start", *start, "First day" + note);
  command->add_option("--disorder", *disorder, "How far records may stand behind newer ones" + note)
      ->capture_default_str();
  command->add_flag("--no-cause", generator->no_cause, "Let leavers leave without any trace before" + note);
  command->add_option("--duplicates", generator->duplicates, "Share of records written twice, 0 to 0.5" + note)
      ->capture_default_str();
  command->add_option("--bad-records", generator->bad_records, "Broken records for each good one, 0 to 0.5" + note)
      ->capture_default_str();
}

std::vector<std::string> IndustryNames() {
  std::vector<std::string> names;
  for (const Industry* industry : Industries()) names.emplace_back(industry->name);
  return names;
}

// Calls `use` with the value, or complains and gives false.
template <typename T, typename Use>
bool Read(const absl::StatusOr<T>& value, const Use& use) {
  if (value.ok()) {
    use(*value);
    return true;
  }
  Complain(value.status());
  return false;
}

// Those of AddVariations that need reading.
bool ReadVariations(const std::string& start, const std::string& disorder, GeneratorOptions* generator) {
  const auto set_start = [&](TimeMs time) { generator->start = time; };
  const auto set_disorder = [&](DurationMs duration) { generator->disorder = duration; };
  return (start.empty() || Read(ParseInstant("--start", start), set_start)) &&
         Read(ParseSpan("--disorder", disorder), set_disorder);
}

CommandLine::CommandLine(std::string program) {
  settings_.demo.program = std::move(program);
  app_.require_subcommand(1);
  app_.set_version_flag("--version", "ebb " EBB_VERSION);
  app_.footer(fmt::format("\nebb COMMAND --help says more of a command.\n{}", kExitCodes));
  AddFileCommands();
  AddReplay();
  AddRun();
  AddState();
  AddGenerators();
  AddRest();
}

CLI::App* CommandLine::Add(const std::string& name, const std::string& text, const std::string& example,
                           std::function<int()> run) {
  CLI::App* command = app_.add_subcommand(name, text);
  command->footer(fmt::format("\nExample:\n  {}\n\n{}", example, kExitCodes));
  command->callback([this, run = std::move(run)] { chosen_ = run; });
  return command;
}

void CommandLine::AddFileCommands() {
  CLI::App* check = Add("check", "Check pipeline files and show every error in them", "ebb check telecom.yaml",
                        [this] { return RunCheck(settings_.check_files, settings_.check_json); });
  check->add_option("FILE", settings_.check_files, "Pipeline files")->required();
  check->add_flag("--json", settings_.check_json, "One JSON object per file");

  CLI::App* explain =
      Add("explain", "Say in words what a pipeline file does, or what an error code means",
          "ebb explain telecom.yaml ; ebb explain E0104", [this] { return RunExplain(settings_.explain); });
  explain->add_option("FILE", settings_.explain.what, "A pipeline file, or the code of an error")->required();
  CLI::Option* json = explain->add_flag("--json", settings_.explain.json, "As one JSON object");
  explain->add_flag("--svg", settings_.explain.svg, "A picture of the flow as SVG")->excludes(json);
  explain
      ->add_option("--records-a-day", settings_.explain.records_a_day,
                   "Of the customer whose bytes are measured, over all sources")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();

  CLI::App* test = Add("test", "Run the tests that stand in a pipeline file", "ebb test telecom.yaml --thorough",
                       [this] { return RunTest(settings_.test); });
  test->add_option("FILE", settings_.test.pipeline, "Pipeline file")->required();
  test->add_flag("--verbose,-v", settings_.test.verbose, "Show every expectation and what happened");
  test->add_flag("--thorough", settings_.test.thorough,
                 "Run each also in batches of 1, on 4 tasks, and stopped and resumed");
  CLI::Option* test_json = test->add_flag("--json", settings_.test.json, "Results as one JSON object");
  test->add_flag("--update", settings_.test.update,
                 "Write what happened into the file, where it isn't what is expected")
      ->excludes(test_json);

  CLI::App* plan = Add("plan", "Say what becomes of a pipeline when another file takes its place",
                       "ebb plan running.yaml next.yaml", [this] { return RunPlan(settings_.plan); });
  plan->add_option("OLD", settings_.plan.old_file, "Pipeline file")->required();
  plan->add_option("NEW", settings_.plan.new_file, "The file that is to take its place")->required();
  plan->add_flag("--json", settings_.plan.json, "As one JSON object");

  BenchOptions& bench = settings_.bench;
  CLI::App* speed = Add("bench", "Measure how fast a pipeline is on this machine; writes no outputs",
                        "ebb bench retail.yaml -i lines=lines.csv.zst", [this] { return RunBench(settings_.bench); });
  speed->add_option("FILE", bench.pipeline, "Pipeline file")->required();
  speed->add_option("--input,-i", bench.inputs, "NAME=PATH, as of ebb replay; repeatable")->allow_extra_args(false);
  speed->add_option("--state", bench.state, "Directory to be made: with a store and its commits");
  speed->add_option("--tasks", bench.tasks, "Threads that share the customers")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  AddAmounts(speed, &bench.generator, ", for `generate:` sources");
  speed->add_flag("--json", bench.json, "As one JSON object");

  Add("schema", "Print the JSON Schema of a pipeline file, for editors", "ebb schema > pipeline.schema.json", [] {
    fmt::print("{}", PipelineSchema());
    return 0;
  });
}

void CommandLine::AddReplay() {
  ReplayOptions& replay = settings_.replay;
  CLI::App* command = Add("replay", "Run a pipeline over files until their end",
                          "ebb replay retail.yaml -i lines=lines.csv.zst -o alerts=alerts.jsonl --state state/",
                          [this] { return Replay(); });
  command->add_option("FILE", replay.pipeline, "Pipeline file")->required();
  command
      ->add_option("--input,-i", replay.inputs, "NAME=PATH: a source's file or glob (- is standard input); repeatable")
      ->allow_extra_args(false);
  command
      ->add_option("--output,-o", replay.outputs,
                   "STREAM=PATH for alerts, scores, quarantine or shadow (- is standard output); repeatable")
      ->allow_extra_args(false);
  command->add_option("--from", settings_.replay_from,
                      "Leave out records before this instant (a date is its midnight, UTC)");
  command->add_option(
      "--to", settings_.replay_to,
      "Leave out records after this instant, and let time go on to it (a date is its midnight, not its end)");
  command->add_option("--state", replay.state,
                      "Directory in which the state is kept: a stopped replay goes on from there");
  command->add_option("--tasks", replay.tasks, "Threads that share the customers; changes no result")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->add_option("--batch", replay.batch_records, "Records read at a time; changes no result")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
      ->capture_default_str();
  command->add_option("--commit-interval", settings_.replay_interval, "Time between commits; changes no result")
      ->capture_default_str();
  AddMemory(command, &replay.memory_bytes);
  command->add_option("--truth", replay.truth,
                      "Truth file (customer_id,leaves_at,cause): say how right and how early the warnings were");
  command->add_option("--horizon", settings_.replay_horizon, "With --truth: how long before the leaving is in time")
      ->capture_default_str();
  AddAmounts(command, &replay.generator, ", for `generate:` sources");
  AddVariations(command, &replay.generator, &settings_.replay_start, &settings_.replay_disorder,
                ", for `generate:` sources");
  command->add_flag("--json", replay.json, "The summary as one JSON object on standard output");
  command->add_flag("--quiet,-q", replay.quiet, "No progress and no summary");
  command->add_flag("--digest", replay.digest, "Print digests of outputs and state: equal results have equal digests");
}

void CommandLine::AddRun() {
  RunOptions& run = settings_.run;
  CLI::App* command = Add("run", "Run a pipeline over Kafka topics, exactly once, until it is stopped",
                          "ebb run telecom.yaml --state /var/lib/ebb --http :8080", [this] { return Run(); });
  command->add_option("FILE", run.pipeline, "Pipeline file")->required();
  command->add_option("--state", run.state, "Directory of this process's state; NAME-state if not given");
  command->add_flag("--create-topics", run.create_topics, "Make the topics that don't exist");
  command->add_option("--partitions", run.partitions, "Of topics that are made; as many as the sources have, or else 4")
      ->check(CLI::Range(1, 10000));
  command->add_option("--http", run.http, "HOST:PORT for /livez, /readyz and /metrics");
  command->add_option("--log", run.log, "Form of the log's lines on standard error: text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_flag("--watch", run.watch, "A live view on the terminal in the place of the log");
  command->add_option("--output-spacing", settings_.run_spacing, "Time between commits while alerts wait")
      ->capture_default_str();
  command->add_option("--commit-interval", settings_.run_commit, "Time between commits while none do")
      ->capture_default_str();
  command->add_option("--state-interval", settings_.run_state, "Time between writes of the state")
      ->capture_default_str();
  AddMemory(command, &run.memory_bytes);
  command->add_option("--snapshots", run.snapshots, "Directory that all machines reach, for copies of the state");
  command->add_option("--snapshot-interval", settings_.run_snapshots, "Time between such copies")
      ->capture_default_str();

  CLI::App* capture = Add("capture", "Copy the topics of a live run into files",
                          "ebb capture telecom.yaml --to capture", [this] { return RunCapture(settings_.capture); });
  capture->add_option("FILE", settings_.capture.pipeline, "Pipeline file")->required();
  capture->add_option("--to", settings_.capture.folder, "Folder for the files; made if it isn't there")->required();

  CLI::App* verify = Add("verify", "Do a captured run again, and compare every line that it sent",
                         "ebb verify telecom.yaml --from capture", [this] { return RunVerify(settings_.verify); });
  verify->add_option("FILE", settings_.verify.pipeline, "Pipeline file")->required();
  verify->add_option("--from", settings_.verify.folder, "Folder that ebb capture has filled")->required();
  verify->add_flag("--json", settings_.verify.json, "The result as one JSON object");
}

void CommandLine::AddState() {
  StateOptions& state = settings_.state;
  CLI::App* command = Add("state", "Look into a state directory; changes nothing in it",
                          "ebb state state/ --customer c_7d19f2 --pipeline telecom.yaml", [this] { return State(); });
  command
      ->add_option("DIR", settings_.state_words,
                   "State directory of a replay or a service; `verify DIR` checks all that is in it, snapshots, too")
      ->required()
      ->expected(1, 2);
  command->add_option("--customer", state.customer,
                      "Show this customer's features, scores and alerts (with --pipeline)");
  command->add_option("--pipeline", state.pipeline, "The pipeline file that made the state");
  command
      ->add_option("--history", state.history.days,
                   "With --customer: read the inputs again, and draw the values of so many days")
      ->check(CLI::Range(1, 36500));
  command->add_option("--input,-i", state.history.inputs, "With --history: NAME=PATH, as of the replay; repeatable")
      ->allow_extra_args(false);
  AddAmounts(command, &state.history.generator, ", for `generate:` sources");
  AddVariations(command, &state.history.generator, &settings_.state_start, &settings_.state_disorder,
                ", for `generate:` sources");
  command->add_flag("--features", state.features, "One JSON line per customer with all values (with --pipeline)");
  command->add_flag("--json", state.json, "JSON instead of a table");
}

void CommandLine::AddGenerators() {
  CLI::App* generate = Add("generate", "Write made-up data with known truth",
                           "ebb generate telecom --out data --customers 500", [this] { return Generate(); });
  generate
      ->add_option("NAME", settings_.generate.industry,
                   fmt::format("What to generate: {}", fmt::join(IndustryNames(), ", ")))
      ->required()
      ->check(CLI::IsMember(IndustryNames()));
  generate->add_option("--out", settings_.generate.directory, "Directory for the files; made if it doesn't exist")
      ->required();
  AddAmounts(generate, &settings_.generate.generator, "");
  AddVariations(generate, &settings_.generate.generator, &settings_.generate_start, &settings_.generate_disorder, "");

  CLI::App* demo = Add("demo", "Warn made-up customers of a telephone company, and see how many warnings were right",
                       "ebb demo --customers 1000", [this] { return RunDemo(settings_.demo); });
  demo->add_option("--out", settings_.demo.directory, "Directory for the files; else a new temporary one");
  AddAmounts(demo, &settings_.demo.generator, "");
  demo->add_flag("--json", settings_.demo.json, "The figures as one JSON object");
  demo->add_flag("--quiet,-q", settings_.demo.quiet, "No progress");
}

void CommandLine::AddRest() {
  CLI::App* version = Add("version", "Print the version and what this binary is built with", "ebb version --json",
                          [this] { return RunVersion(settings_.version_json); });
  version->add_flag("--json", settings_.version_json, "As one JSON object");
  CLI::App* completion = Add("completion", "Print a script that completes commands, options and files",
                             "source <(ebb completion bash)", [this] {
                               fmt::print("{}", CompletionScript(settings_.shell, Commands()));
                               return 0;
                             });
  completion->add_option("SHELL", settings_.shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
}

std::vector<CommandHelp> CommandLine::Commands() const {
  std::vector<CommandHelp> commands;
  for (const CLI::App* command : app_.get_subcommands({})) {
    CommandHelp help{command->get_name(), command->get_description(), {}, {}};
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames())
        help.options.push_back({"--" + name, option->get_description()});
    }
    if (help.name == "state") help.words = {"verify"}, help.or_files = true;
    if (help.name == "completion") help.words = {"bash", "zsh"};
    if (help.name == "generate") help.words = IndustryNames();
    commands.push_back(std::move(help));
  }
  return commands;
}

int CommandLine::Replay() {
  ReplayOptions& replay = settings_.replay;
  const auto set = [](std::optional<TimeMs>* out) { return [out](TimeMs time) { *out = time; }; };
  if (!settings_.replay_from.empty() && !Read(ParseInstant("--from", settings_.replay_from), set(&replay.from)))
    return 2;
  if (!settings_.replay_to.empty() && !Read(ParseInstant("--to", settings_.replay_to), set(&replay.to))) return 2;
  if (!Read(ParseSpan("--commit-interval", settings_.replay_interval),
            [&](DurationMs d) { replay.commit_interval = d; }))
    return 2;
  if (!Read(ParseSpan("--horizon", settings_.replay_horizon), [&](DurationMs d) { replay.horizon = d; })) return 2;
  if (!ReadVariations(settings_.replay_start, settings_.replay_disorder, &replay.generator)) return 2;
  return RunReplay(replay);
}

int CommandLine::Run() {
  RunOptions& run = settings_.run;
  const auto set = [](DurationMs* out) { return [out](DurationMs span) { *out = span; }; };
  if (!Read(ParseSpan("--output-spacing", settings_.run_spacing), set(&run.output_spacing)) ||
      !Read(ParseSpan("--commit-interval", settings_.run_commit), set(&run.commit_interval)) ||
      !Read(ParseSpan("--state-interval", settings_.run_state), set(&run.state_interval)) ||
      !Read(ParseSpan("--snapshot-interval", settings_.run_snapshots), set(&run.snapshot_interval))) {
    return 2;
  }
  return RunLive(run);
}

int CommandLine::State() {
  if (!ReadVariations(settings_.state_start, settings_.state_disorder, &settings_.state.history.generator)) return 2;
  const std::vector<std::string>& words = settings_.state_words;
  if (words.size() == 2 && words[0] != "verify") {
    Complain(fmt::format("ebb state takes one directory: '{}' or '{}'", words[0], words[1]));
    return 2;
  }
  settings_.state.verify = words.size() == 2;
  settings_.state.directory = words.back();
  return RunState(settings_.state);
}

int CommandLine::Generate() {
  if (!ReadVariations(settings_.generate_start, settings_.generate_disorder, &settings_.generate.generator)) return 2;
  return RunGenerate(settings_.generate);
}

// What is wrong with a word that `command` doesn't know.
std::string CommandLine::UnknownWord(const CLI::App& command, const std::string& word) const {
  const bool top = command.get_parent() == nullptr;
  const bool option = word.size() > 1 && word[0] == '-';
  std::vector<std::string> known;
  if (option) {
    for (const CLI::Option* o : command.get_options()) {
      for (const std::string& name : o->get_lnames()) known.push_back("--" + name);
    }
  } else if (top) {
    for (const CommandHelp& help : Commands()) known.push_back(help.name);
  }
  const std::string name = word.substr(0, word.find('='));
  const std::string hint = DidYouMean(option ? name : word, known);
  const std::string what = option ? "unknown option" : top ? "unknown command" : "unexpected word";
  const std::string where = top ? "" : fmt::format(" after 'ebb {}'", command.get_name());
  return fmt::format("{} {}{}{}{}", what, Quoted(option ? name : word), where, hint.empty() ? "" : "; ", hint);
}

int CommandLine::Complaint(const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app_.exit(error);  // --help, --version
  const std::vector<CLI::App*> chosen = app_.get_subcommands();
  const CLI::App& command = chosen.empty() ? app_ : *chosen.back();
  // An unknown word often is the reason why something else is missing.
  for (const CLI::App* app : {static_cast<const CLI::App*>(&app_), &command}) {
    const std::vector<std::string> words = app->remaining();
    if (words.empty()) continue;
    Complain(UnknownWord(*app, words.front()));
    fmt::print(stderr, "ebb {}--help shows what there is\n", app == &app_ ? "" : app->get_name() + " ");
    return 2;
  }
  Complain(error.what());
  fmt::print(stderr, "ebb {}--help shows what there is\n", chosen.empty() ? "" : command.get_name() + " ");
  return 2;
}

int CommandLine::RunCommand(int argc, char** argv) {
  if (argc <= 1) {
    fmt::print(stderr, "{}", app_.help());
    return 2;
  }
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return Complaint(error);
  }
  return chosen_();
}

// How to call this binary again: as it was called, or by its path when it was called by one.
std::string ProgramName(const char* called) {
  const std::string name = called == nullptr ? "ebb" : called;
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(name, error);
  return name.find('/') == std::string::npos || error ? name : path.lexically_normal().string();
}

int Main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_DFL);  // a closed pipe ends quietly, also when the caller ignored the signal
  int code = 1;
  try {
    code = CommandLine(ProgramName(argc > 0 ? argv[0] : nullptr)).RunCommand(argc, argv);
    // What was printed may still wait in the buffer, for a disk that is full.
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    Complain("cannot write to standard output: is the disk full?");
  } catch (const std::system_error& error) {  // fmt's, when a stream can't be written
    Complain("cannot write to standard output: " + error.code().message());
  } catch (const std::exception& error) {
    Complain(error.what());
  }
  return code == 0 ? 1 : code;
}

// glibc gives threads up to eight arenas for each processor, and each grows to what was ever wanted of it at once. A
// task has half a dozen threads, most of which only pass memory on: `ebb run` with 9 MiB in use had taken 150 MiB after
// an hour, and grew. With few arenas it stays as it is after a minute. Before the first thread.
void LimitArenas() {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, static_cast<int>(std::max(2U, std::thread::hardware_concurrency() / 4)));
#endif
}

}  // namespace
}  // namespace ebb

int main(int argc, char** argv) {
  ebb::LimitArenas();
  return ebb::Main(argc, argv);
}
