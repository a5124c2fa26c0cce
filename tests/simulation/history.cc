// Swarm testing (Groce et al., ISSTA 2012): leaving kinds of faults out finds what all of them together would hide.
#include "tests/simulation/history.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "tests/simulation/engine_process.h"

namespace ebb {
namespace {

constexpr int64_t kSettleWithinMs = 60'000;
constexpr int64_t kStopWithinMs = 30'000;
constexpr int64_t kMaxSteps = 400'000;  // of the scheduler
constexpr int64_t kMaxAppends = 500;    // to a log; there is no time for more

struct Chaos {
  // Mean time between two of a kind, in ms; 0: never.
  int64_t kill = 0, power = 0, disk = 0, pause = 0, restart = 0, add = 0, broker = 0, wall = 0, broker_clock = 0;
  int64_t retention = 0;
  bool short_retention = false;
  double upstream = 0;  // chance that records come in a transaction
};

class History {
 public:
  History(uint64_t seed, const Sizes& most, bool trace) : scheduler_(seed, trace), most_(most) {
    MakeSources();
    MakeCluster();
    MakeTask();
    MakeChaos();
    const auto again = most.find(kAgain);
    if (again != most.end() && again->second > 0) random() = Random(seed ^ static_cast<uint64_t>(again->second) << 40);
  }

  HistoryResult Run();
  const Sizes& sizes() const { return sizes_; }

 private:
  Random& random() { return scheduler_.random(); }
  // Whether a kind of fault is on in this history.
  bool On() { return random().Chance(0.4); }
  int64_t Every(int64_t low, int64_t high) { return On() ? random().Between(low, high) : 0; }

  // What is drawn is not less when less is left of it, so that nothing else changes.
  template <typename T>
  void Limit(const std::string& name, T* count) {
    if (const auto most = most_.find(name); most != most_.end())
      *count = std::min(*count, static_cast<T>(most->second));
    sizes_[name] = static_cast<int64_t>(*count);
  }
  // A kind of fault, by its chance or the time between two.
  template <typename T>
  void Allow(const std::string& name, T* kind) {
    if (const auto most = most_.find(name); most != most_.end() && most->second == 0) *kind = 0;
    sizes_[name] = *kind > 0 ? 1 : 0;
  }

  void MakeSources();
  void MakeCluster();
  void MakeInput(int64_t task, int64_t source);
  void MakeTask();
  void MakeChaos();
  void Begin();
  // Calls `strike` again and again until the faults end.
  void Repeat(int64_t mean_ms, std::function<void()> strike);
  void AppendLater(int task, size_t source, int64_t appends);
  void Append(int task, size_t source);
  void DeleteOld();
  EngineProcess* AnyRunning();
  void StartLater(EngineProcess* process, int64_t most_ms);
  void WatchDrained(EngineProcess* process);
  void Heal();
  bool Settled();
  bool TaskSettled(int task);
  void Tell(int task);
  // Also without records, so that every record is released in the end.
  bool TimeGoesOn() const;
  bool Stopped();
  bool Visible();
  // Steps until `reached`; violates after so long.
  void StepUntil(int64_t within_ms, std::string_view what, const std::function<bool()>& reached);
  void CheckEnd();

  Scheduler scheduler_;
  const Sizes& most_;
  Sizes sizes_;
  std::vector<SourceSchema> schemas_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Group> group_;
  std::unique_ptr<Invariants> invariants_;
  std::unique_ptr<Brokers> brokers_;
  EngineContext context_;
  std::vector<std::unique_ptr<EngineProcess>> processes_;
  Chaos chaos_;
  int64_t drawn_tasks_ = 1, drawn_sources_ = 1;
  int tasks_ = 1;
  int64_t appends_ = kMaxAppends;
  int64_t faults_end_ms_ = 0;
  int64_t broker_offset_ms_ = 0;
  DurationMs age_ = 0;
  std::vector<std::vector<int64_t>> append_every_ms_;
  std::vector<TimeMs> last_;  // when time has gone on to it, everything has happened; by task
};

// ---- Configuration

void History::MakeSources() {
  drawn_tasks_ = random().Between(1, 3);
  drawn_sources_ = random().Between(1, 2);
  age_ = random().Chance(0.3) ? 400 * kDay : 0;
  for (int64_t s = 0; s < drawn_sources_; ++s) {
    SourceSchema schema;
    schema.name = fmt::format("source{}", s);
    schema.ordinal = static_cast<uint16_t>(s);
    schema.fields.resize(1);
    schema.time.disorder = random().Between(0, 3) * 50;
    schema.time.quarantine_late = random().Chance(0.3);
    schema.time.max_ahead = kMaxAhead;
    schema.time.idle_after = random().Chance(0.15) ? kHour : random().Between(0, 4) * 100;
    if (random().Chance(0.3)) schema.time.max_jump = 2000;
    schemas_.push_back(schema);
  }
  faults_end_ms_ = random().Between(1500, 7000);
  tasks_ = static_cast<int>(drawn_tasks_);
  Limit("tasks", &tasks_);
  size_t sources = schemas_.size();
  Limit("sources", &sources);
  schemas_.resize(sources);
  Limit("faults_ms", &faults_end_ms_);
  Limit("appends", &appends_);
}

void History::MakeCluster() {
  NetworkOptions network;
  network.latency_ms = random().Between(0, 6);
  if (On()) network.lost = 0.01;
  if (On()) network.reply_lost = 0.01;
  if (On()) network.slow = 0.02;
  if (On()) network.stuck = 0.01;
  Allow("lost", &network.lost);
  Allow("reply_lost", &network.reply_lost);
  Allow("slow", &network.slow);
  Allow("stuck", &network.stuck);
  network_ = std::make_unique<Network>(&scheduler_, network);
  GroupOptions group;
  group.tasks = tasks_;
  group_ = std::make_unique<Group>(&scheduler_, group);
  BrokerOptions brokers;
  brokers.verifies = random().Chance(0.5);
  if (On()) brokers.held_markers = 0.1;
  Allow("held_markers", &brokers.held_markers);
  invariants_ = std::make_unique<Invariants>(&scheduler_, &schemas_, &context_.live);
  brokers_ = std::make_unique<Brokers>(&scheduler_, network_.get(), group_.get(), tasks_, brokers, invariants_.get());
  context_.scheduler = &scheduler_;
  context_.network = network_.get();
  context_.group = group_.get();
  context_.brokers = brokers_.get();
  context_.invariants = invariants_.get();
  context_.schemas = &schemas_;
  context_.session_timeout_ms = group.session_timeout_ms;
  for (int task = 0; task < tasks_; ++task) {
    context_.inputs.emplace_back();
    append_every_ms_.emplace_back();
    last_.push_back(kAfterTime);
  }
  for (int64_t n = 0; n < drawn_tasks_ * drawn_sources_; ++n) MakeInput(n / drawn_sources_, n % drawn_sources_);
  for (int task = 0; task < tasks_; ++task) {
    std::vector<const Input*> inputs;
    for (const auto& input : context_.inputs[task]) inputs.push_back(input.get());
    invariants_->AddTask(task, inputs);
  }
  context_.snapshots.resize(static_cast<size_t>(tasks_));
  context_.last_process.assign(static_cast<size_t>(tasks_), -1);
}

void History::MakeInput(int64_t task, int64_t source) {
  static constexpr int64_t kEveryMs[] = {0, 400, 60, 15};
  const int64_t begin = random().Chance(0.5) ? 0 : random().Between(1, 100);
  const int64_t every = kEveryMs[random().Below(4)];
  if (task >= tasks_ || source >= static_cast<int64_t>(schemas_.size())) return;
  const int broker = static_cast<int>(task + source) % Network::kBrokers;
  context_.inputs[task].push_back(std::make_unique<Input>(fmt::format("topic{}/{}", source, task), broker, begin));
  append_every_ms_[task].push_back(every);
}

void History::MakeTask() {
  LiveOptions& live = context_.live;
  live.batch_records = 1 + random().Below(20);
  live.max_waiting_bytes = random().Chance(0.3) ? 1 : 20'000;
  if (random().Chance(0.3)) live.max_untimed_records = random().Between(1, 5);
  live.output_spacing = random().Between(0, 300);
  live.commit_interval = random().Between(20, 1500);
  if (random().Chance(0.3)) live.max_message_bytes = 300;
  if (random().Chance(0.3)) live.max_dirty_bytes = 1000;
  if (random().Chance(0.2)) live.memory_bytes = 16;  // all rows leave at each write
  live.state_interval = random().Between(0, 3000);
  live.quiet_state_interval = random().Between(0, 800);
  if (random().Chance(0.2)) context_.skip_offset = random().Between(0, 120);
  context_.skip_from_ms = random().Between(0, 4000);
  if (On()) context_.snapshot_interval_ms = random().Between(100, 1500);
  if (On()) context_.store.not_written = 0.03;
  if (On()) context_.store.written_failed = 0.03;
  if (On()) context_.store.unread = 0.05;
  if (On()) context_.read_failures = 0.002;
  if (On()) context_.killed_in_commit = random().Chance(0.5) ? 0.02 : 0.1;
  if (On()) context_.paused_in_commit = 0.02;
  if (On()) context_.killed_at_state = 0.1;
  int64_t skips = context_.skip_offset + 1;
  Allow("skip", &skips);
  context_.skip_offset = skips - 1;
  Allow("not_written", &context_.store.not_written);
  Allow("written_failed", &context_.store.written_failed);
  Allow("unread", &context_.store.unread);
  Allow("read_failures", &context_.read_failures);
  Allow("killed_in_commit", &context_.killed_in_commit);
  Allow("paused_in_commit", &context_.paused_in_commit);
  Allow("killed_at_state", &context_.killed_at_state);
}

void History::MakeChaos() {
  chaos_.kill = Every(200, 3000);
  chaos_.power = Every(500, 4000);
  chaos_.disk = Every(1000, 6000);
  chaos_.pause = Every(500, 3000);
  chaos_.restart = Every(500, 4000);
  chaos_.add = Every(500, 4000);
  chaos_.broker = Every(500, 4000);
  chaos_.wall = Every(300, 3000);
  chaos_.broker_clock = Every(500, 3000);
  if (context_.snapshot_interval_ms > 0) chaos_.retention = Every(100, 1500);
  chaos_.short_retention = random().Chance(0.7);
  if (On()) chaos_.upstream = 0.1;
  int64_t processes = random().Between(1, 3);
  Limit("processes", &processes);
  Allow("kill", &chaos_.kill);
  Allow("power", &chaos_.power);
  Allow("disk", &chaos_.disk);
  Allow("pause", &chaos_.pause);
  Allow("restart", &chaos_.restart);
  Allow("add", &chaos_.add);
  Allow("broker", &chaos_.broker);
  Allow("wall", &chaos_.wall);
  Allow("broker_clock", &chaos_.broker_clock);
  Allow("retention", &chaos_.retention);
  Allow("snapshots", &context_.snapshot_interval_ms);
  Allow("upstream", &chaos_.upstream);
  for (int64_t p = 0; p < processes; ++p) {
    processes_.push_back(std::make_unique<EngineProcess>(&context_, static_cast<int>(p)));
  }
}

// ---- Records

void History::AppendLater(int task, size_t source, int64_t appends) {
  const int64_t every = append_every_ms_[task][source];
  if (every == 0 || appends == 0) return;
  scheduler_.After(random().Between(1, 2 * every), [this, task, source, appends] {
    if (scheduler_.healed()) return;
    Append(task, source);
    AppendLater(task, source, appends - 1);
  });
}

void History::Append(int task, size_t source) {
  Input& input = *context_.inputs[task][source];
  const TimeMs now = Machine::kWallOrigin + scheduler_.now_ms() + broker_offset_ms_;
  const bool begins = !input.open() && random().Chance(chaos_.upstream);
  if (begins) {
    scheduler_.Note(Fault::kInputHeld);
    scheduler_.After(random().Between(1, random().Chance(0.3) ? 2500 : 100), [this, &input] {
      const bool commit = random().Chance(0.6);
      if (!commit) scheduler_.Note(Fault::kInputAborted);
      input.EndTransaction(commit);
    });
  }
  for (int64_t n = random().Between(1, 4); n > 0; --n) {
    const MemoryRecord record = MadeRecord(now - age_, age_, &random());
    if (random().Chance(0.05)) input.Skip(random().Between(1, 3));
    if (begins || (input.open() && random().Chance(0.5))) {
      input.AppendOpen(record, now);
    } else {
      input.Append(record, now, random().Chance(0.03));
    }
  }
}

// What no snapshot needs, or only what the newest doesn't; states on disks may be older than that.
void History::DeleteOld() {
  for (int task = 0; task < tasks_; ++task) {
    const Snapshots& snapshots = context_.snapshots[static_cast<size_t>(task)];
    if (snapshots.empty()) continue;
    const StoredState& needed = chaos_.short_retention ? snapshots.rbegin()->second : snapshots.begin()->second;
    const absl::StatusOr<Progress> progress = DecodeProgress(needed.progress);
    if (!progress.ok()) continue;
    scheduler_.Note(Fault::kRetention);
    for (size_t s = 0; s < schemas_.size(); ++s) context_.inputs[task][s]->DeleteBefore(progress->logs[s].low_offset);
    brokers_->DeleteJournalBefore(task, progress->epoch);
  }
}

// ---- Faults

void History::Repeat(int64_t mean_ms, std::function<void()> strike) {
  if (mean_ms == 0) return;
  scheduler_.After(random().Between(1, 2 * mean_ms), [this, mean_ms, strike = std::move(strike)] {
    if (scheduler_.healed()) return;
    strike();
    Repeat(mean_ms, strike);
  });
}

EngineProcess* History::AnyRunning() {
  EngineProcess* process = processes_[random().Below(processes_.size())].get();
  return process->running() ? process : nullptr;
}

void History::StartLater(EngineProcess* process, int64_t most_ms) {
  scheduler_.After(random().Between(10, most_ms), [process] { process->Start(); });
}

void History::WatchDrained(EngineProcess* process) {
  scheduler_.After(50, [this, process] {
    if (!process->running()) return;
    if (!process->stopped()) {
      if (process->draining()) WatchDrained(process);
      return;
    }
    process->Kill();
    StartLater(process, random().Chance(0.5) ? 300 : 4000);
  });
}

void History::Begin() {
  for (auto& process : processes_) StartLater(process.get(), random().Chance(0.7) ? 50 : 3000);
  for (int task = 0; task < tasks_; ++task) {
    for (size_t s = 0; s < schemas_.size(); ++s) AppendLater(task, s, appends_);
  }
  const auto strike = [this](Fault fault, void (EngineProcess::*what)(), int64_t back_ms) {
    return [this, fault, what, back_ms] {
      EngineProcess* process = AnyRunning();
      if (process == nullptr) return;
      scheduler_.Note(fault);
      (process->*what)();
      StartLater(process, back_ms);
    };
  };
  Repeat(chaos_.kill, strike(Fault::kKilled, &EngineProcess::Kill, 2500));
  Repeat(chaos_.power, strike(Fault::kPowerLoss, &EngineProcess::LosePower, 2500));
  Repeat(chaos_.disk, strike(Fault::kDiskLost, &EngineProcess::LoseDisk, 2500));
  const auto drain = [this](Fault fault) {
    return [this, fault] {
      EngineProcess* process = AnyRunning();
      if (process == nullptr || process->draining()) return;
      scheduler_.Note(fault);
      process->Drain();
      WatchDrained(process);
    };
  };
  Repeat(chaos_.restart, drain(Fault::kRestarted));
  Repeat(chaos_.add, drain(Fault::kProcessAdded));
  Repeat(chaos_.pause, [this] {
    EngineProcess* process = AnyRunning();
    if (process == nullptr || process->machine().paused()) return;
    scheduler_.Note(Fault::kPaused);
    process->machine().Pause(random().Between(10, random().Chance(0.5) ? 500 : 6000));
  });
  Repeat(chaos_.broker, [this] {
    scheduler_.Note(Fault::kBrokerRestart);
    network_->SetAway(static_cast<int>(random().Below(Network::kBrokers)), random().Between(20, 2500));
  });
  Repeat(chaos_.wall, [this] {
    scheduler_.Note(Fault::kWallJump);
    processes_[random().Below(processes_.size())]->machine().SetWallBy(random().Between(-600, 600));
  });
  Repeat(chaos_.broker_clock, [this] {
    scheduler_.Note(Fault::kBrokerClockJump);
    broker_offset_ms_ += random().Between(-600, 600);
  });
  Repeat(chaos_.retention, [this] { DeleteOld(); });
  scheduler_.After(faults_end_ms_, [this] { Heal(); });
}

void History::Heal() {
  scheduler_.Trace("the faults end");
  scheduler_.Heal();
  for (int b = 0; b < Network::kBrokers; ++b) network_->SetAway(b, 0);
  for (auto& process : processes_) {
    if (!process->running()) process->Start();
  }
}

// ---- The end

bool History::TimeGoesOn() const {
  return std::all_of(schemas_.begin(), schemas_.end(),
                     [](const SourceSchema& schema) { return schema.time.idle_after < kHour; });
}

bool History::TaskSettled(int task) {
  const LiveTask* live = nullptr;
  for (const auto& process : processes_) {
    if (const LiveTask* here = process->Live(task); here != nullptr) live = here;
  }
  if (live == nullptr) return false;
  for (size_t s = 0; s < schemas_.size(); ++s) {
    const Input& input = *context_.inputs[task][s];
    const LiveInput& at = live->intake().inputs()[s];
    if (input.open()) return false;
    // Behind a log that holds the watermark for good others may be left unread.
    const bool wanted = TimeGoesOn() || &at == &live->intake().Holder();
    if (wanted && at.live_log().position() < input.stable_end()) return false;
  }
  const TimeMs watermark = live->intake().watermark();
  if (TimeGoesOn() && watermark != kBeforeTime) {
    // A record that was just read may stand at the watermark.
    TimeMs newest = watermark;
    for (const LiveInput& input : live->intake().inputs()) newest = std::max(newest, input.intake().clock().newest());
    if (last_[task] == kAfterTime) last_[task] = newest + 500;
    return live->progress().cursor > last_[task];
  }
  return live->progress().cursor == watermark;
}

void History::Tell(int task) {
  for (const auto& process : processes_) {
    const LiveTask* live = process->Live(task);
    if (live == nullptr) continue;
    scheduler_.Trace("task {}: cursor {}, watermark {}, settled: {}", task, live->progress().cursor,
                     live->intake().watermark(), TaskSettled(task));
    for (const LiveInput& input : live->intake().inputs()) {
      scheduler_.Trace("  {}: position {}, end {}, watermark {}, idle after {}", input.live_log().name(),
                       input.live_log().position(), input.live_log().end_offset(), input.watermark(),
                       input.schema().time.idle_after);
    }
  }
}

bool History::Settled() {
  for (int task = 0; task < tasks_; ++task) {
    if (!TaskSettled(task)) return false;
  }
  return true;
}

bool History::Stopped() {
  return std::all_of(processes_.begin(), processes_.end(), [](const auto& process) { return process->stopped(); });
}

bool History::Visible() {
  for (int task = 0; task < tasks_; ++task) {
    if (!invariants_->AllVisible(task)) return false;
  }
  return true;
}

void History::StepUntil(int64_t within_ms, std::string_view what, const std::function<bool()>& reached) {
  const int64_t deadline = scheduler_.now_ms() + within_ms;
  int64_t next_look = scheduler_.now_ms();
  while (scheduler_.Step()) {
    if (::testing::Test::HasFailure()) return scheduler_.Violate("an expectation of the operator");
    if (scheduler_.now_ms() < next_look) continue;
    next_look = scheduler_.now_ms() + 20;
    if (reached()) return;
    if (scheduler_.now_ms() > deadline || scheduler_.steps() > kMaxSteps) {
      scheduler_.Violate(fmt::format("{}: not within {} ms, {} steps", what, within_ms, scheduler_.steps()));
      for (int task = 0; task < tasks_ && scheduler_.tracing(); ++task) Tell(task);
      return;
    }
  }
}

void History::CheckEnd() {
  for (int task = 0; task < tasks_; ++task) {
    const Reference& reference = invariants_->reference(task);
    const Reference::Epoch& last = reference.epoch(reference.epochs());
    for (size_t s = 0; s < schemas_.size(); ++s) {
      const auto entries = static_cast<int64_t>(context_.inputs[task][s]->partition().entries.size());
      const bool all = last_[task] != kAfterTime && last.cursor > last_[task];
      if (all && last.ledger[s].read() != entries) {
        scheduler_.Violate(fmt::format("task {}: {} of {} records in the ledger of source {}", task,
                                       last.ledger[s].read(), entries, s));
      }
      if (brokers_->committed_offset(task, s) > last.low_offsets[s]) {
        scheduler_.Violate(fmt::format("task {}: the offset of source {} is beyond the journal's", task, s));
      }
    }
  }
}

HistoryResult History::Run() {
  Begin();
  while (!scheduler_.healed() && scheduler_.Step()) {
    if (::testing::Test::HasFailure()) scheduler_.Violate("an expectation of the operator");
  }
  HistoryResult result;
  const int64_t healed_ms = scheduler_.now_ms();
  StepUntil(kSettleWithinMs, "all committed", [this] { return Settled(); });
  result.settled_ms = scheduler_.now_ms() - healed_ms;
  for (auto& process : processes_) process->Retire();
  StepUntil(kStopWithinMs, "all stopped", [this] { return Stopped(); });
  StepUntil(kStopWithinMs, "all visible", [this] { return Visible(); });
  if (scheduler_.violation().empty()) CheckEnd();
  result.violation = scheduler_.violation();
  result.counts = scheduler_.counts();
  result.steps = scheduler_.steps();
  for (int task = 0; task < tasks_; ++task) {
    const Reference& reference = invariants_->reference(task);
    result.epochs += reference.epochs();
    result.alerts += static_cast<int64_t>(reference.lines(Stream::kAlerts).size());
    for (const auto& input : context_.inputs[task]) {
      result.records += static_cast<int64_t>(input->partition().entries.size());
    }
  }
  return result;
}

}  // namespace

HistoryResult RunHistory(uint64_t seed, const Sizes& most, bool trace) { return History(seed, most, trace).Run(); }

Sizes HistorySizes(uint64_t seed, const Sizes& most) { return History(seed, most, false).sizes(); }

}  // namespace ebb
