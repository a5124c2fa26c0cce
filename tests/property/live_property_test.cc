// A live task in a hostile world against an independent model: partitions that grow in any interleaving, with late,
// poisoned and missing records, gaps and silences; idle decisions by a clock that jumps; failures of every call before
// and after it took effect, and kills at every step. What was committed must be exactly what follows from the
// partitions' contents and the journalled decisions: in order, numbered without gaps, nothing lost, nothing doubled. A
// failure names its seed; EBB_SEED=n runs that one alone.
#include <cstdlib>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "engine/task/live_task.h"
#include "tests/property/live_world.h"
#include "tests/property/mixing.h"

namespace ebb {
namespace {

constexpr uint64_t kSeeds = 600;
constexpr int64_t kWall = 1'750'000'000'000;
constexpr int64_t kTask = 3;

struct World {
  explicit World(uint64_t seed) : random(seed) {}

  Random random;
  std::vector<SourceSchema> schemas;
  std::vector<Partition> partitions;  // by source
  std::vector<double> append_chance;  // by source
  DurationMs age = 0;                 // by which event times lie behind the wall clock
  Cluster cluster;
  Faults faults;
  LiveOptions options;
  double shy = 0;
  double kill = 0;
  int64_t monotonic_ms = 1000;
  int64_t wall_ms = kWall;
};

void MakeWorld(World* world) {
  Random& random = world->random;
  const auto sources = 1 + random.Below(3);
  world->age = random.Chance(0.3) ? 400 * kDay : 0;
  for (uint64_t s = 0; s < sources; ++s) {
    SourceSchema schema;
    schema.name = fmt::format("source{}", s);
    schema.ordinal = static_cast<uint16_t>(s);
    schema.fields.resize(1);
    schema.time.disorder = static_cast<DurationMs>(random.Below(4)) * 50;
    schema.time.quarantine_late = random.Chance(0.3);
    schema.time.max_ahead = kMaxAhead;
    schema.time.idle_after = static_cast<DurationMs>(random.Below(3)) * 100;
    if (random.Chance(0.3)) schema.time.max_jump = 2000;
    world->schemas.push_back(schema);
    Partition partition;
    partition.name = fmt::format("topic{}-3", s);
    partition.begin = partition.end = random.Chance(0.5) ? 0 : random.Between(1, 100);
    world->partitions.push_back(partition);
    const double kChances[] = {0.0, 0.02, 0.3, 1.0};
    world->append_chance.push_back(kChances[random.Below(4)]);
  }
  LiveOptions& options = world->options;
  options.task = kTask;
  options.batch_records = 1 + random.Below(20);
  if (random.Chance(0.3)) options.max_waiting_bytes = 1;
  if (random.Chance(0.3)) options.max_untimed_records = random.Between(1, 5);
  options.output_spacing = random.Between(0, 300);
  options.commit_interval = random.Between(0, 2000);
  if (random.Chance(0.3)) options.max_message_bytes = 300;
  if (random.Chance(0.3)) options.max_dirty_bytes = 1000;
  if (random.Chance(0.3)) options.memory_bytes = 16;  // all rows leave at each write
  options.state_interval = random.Between(0, 5000);
  options.quiet_state_interval = random.Between(0, 1000);
  if (random.Chance(0.2)) options.skip = {{0, world->partitions[0].begin + random.Between(0, 40)}};
  world->shy = random.Chance(0.5) ? 0.3 : 0;
  world->faults.random = Random(random.Next());
  world->faults.chance = random.Chance(0.2) ? 0 : 0.01;
  world->kill = random.Chance(0.5) ? 0.02 : 0.2;
}

void AppendSome(World* world) {
  Random& random = world->random;
  for (size_t s = 0; s < world->partitions.size(); ++s) {
    Partition& partition = world->partitions[s];
    if (!random.Chance(world->append_chance[s])) continue;
    for (uint64_t n = 1 + random.Below(4); n > 0; --n) {
      const MemoryRecord record = MadeRecord(world->wall_ms - world->age, world->age, &random);
      if (random.Chance(0.1)) partition.end += random.Between(1, 3);
      partition.Append(record, world->wall_ms, random.Chance(0.03), world->monotonic_ms);
      if (random.Chance(0.1)) partition.end += random.Between(1, 2);
    }
  }
}

// One life of a task after another, on one store.
class Lives {
 public:
  Lives(World* world, std::string directory) : world_(*world), directory_(std::move(directory)) {
    if (directory_.empty()) memory_ = NewMemoryStore();
  }

  // Steps, and lets the task die by chance.
  void Step() {
    if (task_ == nullptr && !Start()) return;
    const absl::StatusOr<StepResult> result = task_->Step(world_.wall_ms, world_.monotonic_ms);
    if (!result.ok()) {
      ASSERT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status().ToString();
      Kill();
      return;
    }
    replayed_ += result->recovering;
    if (world_.random.Chance(world_.kill)) Kill();
  }
  // All that was there has been done: a quiet end, without faults.
  void Finish() {
    const absl::Status status = task_->Finish();
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  void Kill() {
    task_.reset();
    delivery_.reset();
    faulty_.reset();
    rocksdb_.reset();
  }
  LiveTask* task() { return task_.get(); }
  int64_t replayed() const { return replayed_; }
  int64_t starts() const { return starts_; }

  bool Start() {
    ++starts_;
    StateStore* store = memory_.get();
    if (store == nullptr) {
      absl::StatusOr<std::unique_ptr<StateStore>> opened = OpenRocksDbStore(directory_, {});
      EXPECT_TRUE(opened.ok()) << opened.status().ToString();
      rocksdb_ = *std::move(opened);
      store = rocksdb_.get();
    }
    faulty_ = std::make_unique<FaultyStore>(store, &world_.faults);
    delivery_ = std::make_unique<ClusterDelivery>(&world_.cluster, &world_.faults);
    LiveParts parts;
    parts.pipeline = "mixing";
    parts.fingerprint = "f";
    parts.layout = MixingLayout();
    parts.work = std::make_unique<MixingOperator>(nullptr);
    parts.store = faulty_.get();
    parts.delivery = delivery_.get();
    std::vector<LiveSource> sources;
    for (size_t s = 0; s < world_.schemas.size(); ++s) {
      sources.push_back({&world_.schemas[s],
                         std::make_unique<PartitionLog>(&world_.partitions[s], &world_.faults, world_.shy),
                         std::make_unique<MemoryDecoder>()});
    }
    task_ = std::make_unique<LiveTask>(world_.options, std::move(parts), std::move(sources));
    const absl::Status status = task_->Recover();
    if (status.ok()) return true;
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status.ToString();
    Kill();
    return false;
  }

 private:
  World& world_;
  std::string directory_;
  std::unique_ptr<StateStore> memory_, rocksdb_;
  std::unique_ptr<FaultyStore> faulty_;
  std::unique_ptr<ClusterDelivery> delivery_;
  std::unique_ptr<LiveTask> task_;
  int64_t replayed_ = 0;
  int64_t starts_ = 0;
};

// ---- What must come of it, by the definition
// -------------------------------------------------------------------------

// Every record of one partition with its place, given the journal's decisions about it.
void PlacePartition(const World& world, size_t source, const std::vector<Floor>& floors,
                    const std::vector<SkippedRecord>& skips, std::vector<Placed>* places) {
  TimeMs newest = kBeforeTime;
  for (const Partition::Entry& entry : world.partitions[source].entries) {
    for (const Floor& floor : floors) {
      if (floor.from_offset <= entry.offset) newest = std::max(newest, floor.newest);
    }
    places->push_back(PlaceEntry(world.schemas[source], entry, skips, &newest));
  }
}

struct Expected {
  MixingModel model;
  std::vector<std::string> quarantined;
  std::vector<SourceLedger> ledger;
};

Expected Expect(const World& world, const std::vector<JournalRecord>& journal) {
  Expected expected;
  expected.model.task = kTask;
  std::vector<Placed> places;
  for (size_t s = 0; s < world.partitions.size(); ++s) {
    std::vector<Floor> floors;
    std::vector<SkippedRecord> skips;
    for (const JournalRecord& record : journal) {
      floors.insert(floors.end(), record.logs[s].floors.begin(), record.logs[s].floors.end());
      skips.insert(skips.end(), record.logs[s].skipped.begin(), record.logs[s].skipped.end());
    }
    PlacePartition(world, s, floors, skips, &places);
  }
  const TimeMs cursor = journal.empty() ? kBeforeTime : journal.back().cursor;
  std::erase_if(places, [cursor](const Placed& placed) { return placed.effective >= cursor; });
  std::sort(places.begin(), places.end());
  expected.ledger.resize(world.schemas.size());
  for (const Placed& placed : places) {
    Apply(placed, &expected.model, &expected.ledger[static_cast<size_t>(placed.source)], &expected.quarantined);
  }
  expected.model.FireBefore(cursor);
  return expected;
}

// ---- The comparison
// --------------------------------------------------------------------------------------------------

std::vector<JournalRecord> DecodeJournal(const Cluster& cluster) {
  std::vector<JournalRecord> journal;
  uint64_t chain = 0;
  for (const std::string& text : cluster.journal) {
    absl::StatusOr<JournalRecord> record = DecodeJournalRecord(text);
    EXPECT_TRUE(record.ok()) << record.status().ToString();
    EXPECT_EQ(record->epoch, static_cast<int64_t>(journal.size()) + 1);
    EXPECT_EQ(JournalChain(chain, *record), record->chain);
    if (!journal.empty()) {
      EXPECT_GT(record->cursor, journal.back().cursor) << "an epoch with nothing new";
    }
    chain = record->chain;
    journal.push_back(*std::move(record));
  }
  return journal;
}

// Names the first difference.
void ExpectSame(const std::vector<std::string>& got, const std::vector<std::string>& expected) {
  const auto [at, other] = std::mismatch(got.begin(), got.end(), expected.begin(), expected.end());
  const std::string none = "nothing";
  ASSERT_EQ(at == got.end() ? none : *at, other == expected.end() ? none : *other)
      << "at " << at - got.begin() << " of " << got.size() << ", expected " << expected.size();
}

// The messages of each stream, and that each epoch's stand between its cursor and the one before.
void CompareMessages(const Cluster& cluster, const std::vector<JournalRecord>& journal, const Expected& expected) {
  std::vector<std::string> lines, alerts, quarantined;
  size_t epoch = 0;
  for (size_t i = 0; i < cluster.messages.size(); ++i) {
    const OutputMessage& message = cluster.messages[i];
    while (cluster.messages_after[epoch] <= i) ++epoch;
    if (message.stream == Stream::kScores) {
      lines.push_back(message.value);
      const TimeMs time = std::strtoll(message.value.c_str(), nullptr, 10);
      ASSERT_LT(time, journal[epoch].cursor);
      if (epoch > 0) {
        ASSERT_GE(time, journal[epoch - 1].cursor);
      }
      ASSERT_EQ(message.key, message.value.substr(message.value.find(' ') + 1, 1));
    }
    if (message.stream == Stream::kAlerts) alerts.push_back(message.value);
    if (message.stream == Stream::kQuarantine) quarantined.push_back(Brief(message.value));
  }
  ASSERT_NO_FATAL_FAILURE(ExpectSame(lines, expected.model.lines));
  ASSERT_NO_FATAL_FAILURE(ExpectSame(alerts, expected.model.alerts));
  ASSERT_NO_FATAL_FAILURE(ExpectSame(quarantined, expected.quarantined));
}

// Decisions are taken about logs that had given everything for long enough, and no others.
void CheckDecisions(const World& world, const std::vector<JournalRecord>& journal) {
  for (size_t s = 0; s < world.partitions.size(); ++s) {
    int64_t from = world.partitions[s].begin;
    for (const JournalRecord& record : journal) {
      for (const Floor& floor : record.logs[s].floors) {
        ASSERT_GE(floor.from_offset, from);
        ASSERT_LE(floor.from_offset, world.partitions[s].end);
        from = floor.from_offset;
      }
    }
  }
}

void CompareState(const World& world, LiveTask* task, const Expected& expected) {
  const Progress& progress = task->progress();
  for (size_t s = 0; s < expected.ledger.size(); ++s) {
    const SourceLedger& got = progress.ledger[s].second;
    ASSERT_EQ(got.read(), static_cast<int64_t>(world.partitions[s].entries.size())) << "everything was released";
    ASSERT_EQ(got.used, expected.ledger[s].used);
    ASSERT_EQ(got.late, expected.ledger[s].late);
    ASSERT_EQ(got.filtered, expected.ledger[s].filtered);
    ASSERT_EQ(got.quarantined, expected.ledger[s].quarantined);
  }
  ASSERT_EQ(progress.outputs[0].lines, static_cast<int64_t>(expected.model.alerts.size()));
  ASSERT_EQ(task->task().customers(), expected.model.customers.size());
  const absl::Status looked = LookAtRows({const_cast<Task*>(&task->task())}, [&](RowRef row) {
    const auto customer = expected.model.customers.find(std::string(row.key()));
    ASSERT_NE(customer, expected.model.customers.end()) << row.key();
    ASSERT_EQ(row.cells()[kHash], customer->second.hash) << row.key();
    ASSERT_EQ(row->next_timer, customer->second.timer) << row.key();
  });
  ASSERT_TRUE(looked.ok()) << looked.ToString();
}

// Steps without faults until a recovery is through; then the state must be the same.
void ExpectSameState(Lives* lives, World* world, uint64_t digest, const Progress& progress) {
  const size_t epochs = world->cluster.journal.size();
  ASSERT_TRUE(lives->Start());
  for (int i = 0; lives->task()->recovering(); ++i) {
    ASSERT_LT(i, 100000);
    const absl::StatusOr<StepResult> result = lives->task()->Step(world->wall_ms, ++world->monotonic_ms);
    ASSERT_TRUE(result.ok()) << result.status().ToString();
  }
  ASSERT_EQ(*lives->task()->StateDigest(), digest);
  ASSERT_EQ(lives->task()->progress().cursor, progress.cursor);
  ASSERT_EQ(lives->task()->progress().chain, progress.chain);
  ASSERT_EQ(world->cluster.journal.size(), epochs);
}

bool AllRead(const World& world, const LiveTask& task) {
  for (size_t s = 0; s < world.partitions.size(); ++s) {
    if (task.intake().inputs()[s].live_log().position() < world.partitions[s].end) return false;
  }
  return true;
}

struct Totals {
  int64_t epochs = 0, starts = 0, replayed = 0, faults = 0, floors = 0, walls = 0, messages = 0;
};

void RunSeed(uint64_t seed, const std::string& directory, Totals* totals) {
  World world(seed);
  MakeWorld(&world);
  Lives lives(&world, directory);
  const int steps = static_cast<int>(world.random.Between(50, directory.empty() ? 1200 : 300));
  bool silent = false;
  for (int i = 0; i < steps; ++i) {
    world.monotonic_ms += world.random.Between(0, 30);
    world.wall_ms += world.random.Between(0, 30);
    if (world.random.Chance(0.005)) world.wall_ms += world.random.Between(-500, 500);  // the clock is set
    if (world.random.Chance(0.02)) silent = !silent;
    if (!silent) AppendSome(&world);
    lives.Step();
    if (::testing::Test::HasFatalFailure()) return;
  }
  // Faults end: in bounded time everything comes out, also the last timers.
  world.faults.chance = world.kill = 0;
  TimeMs newest = kBeforeTime;
  for (const Partition& partition : world.partitions) {
    for (const auto& entry : partition.entries) {
      const bool ahead = entry.record.time > entry.append_time + kMaxAhead;
      if (!ahead) newest = std::max(newest, entry.record.time);
    }
  }
  std::optional<TimeMs> last;
  for (int i = 0; i < 20000; ++i) {
    world.monotonic_ms += 20;
    world.wall_ms += 20;
    lives.Step();
    if (::testing::Test::HasFatalFailure()) return;
    if (lives.task() == nullptr || !AllRead(world, *lives.task())) continue;
    const TimeMs watermark = lives.task()->intake().watermark();
    if (!last) last = std::max(newest, watermark) + 500;  // a record that was just read may stand at the watermark
    if (watermark > *last) break;
  }
  ASSERT_NE(lives.task(), nullptr);
  ASSERT_NO_FATAL_FAILURE(lives.Finish());
  const std::vector<JournalRecord> journal = DecodeJournal(world.cluster);
  const bool timed = lives.task()->intake().watermark() > kBeforeTime;
  const Expected expected = Expect(world, journal);
  ASSERT_NO_FATAL_FAILURE(CompareMessages(world.cluster, journal, expected));
  ASSERT_NO_FATAL_FAILURE(CheckDecisions(world, journal));
  if (timed) {
    ASSERT_NO_FATAL_FAILURE(CompareState(world, lives.task(), expected));
  }
  const uint64_t digest = *lives.task()->StateDigest();
  const Progress progress = lives.task()->progress();
  lives.Kill();
  if (timed) {
    ASSERT_NO_FATAL_FAILURE(ExpectSameState(&lives, &world, digest, progress)) << "from the state";
    lives.Kill();
    world.options.skip.clear();
    Lives anew(&world, "");
    ASSERT_NO_FATAL_FAILURE(ExpectSameState(&anew, &world, digest, progress)) << "from the journal alone";
  }
  totals->epochs += static_cast<int64_t>(journal.size());
  totals->starts += lives.starts();
  totals->replayed += lives.replayed();
  totals->faults += world.faults.injected;
  totals->messages += static_cast<int64_t>(world.cluster.messages.size());
  for (const JournalRecord& record : journal) {
    totals->walls += record.wall_ms != 0;
    for (const LogPosition& log : record.logs) totals->floors += static_cast<int64_t>(log.floors.size());
  }
}

void RunSeeds(uint64_t seeds, bool on_disk) {
  const char* only = std::getenv("EBB_SEED");
  const char* longer = std::getenv("EBB_TEST_LONG");
  if (longer != nullptr) seeds *= 50;
  const uint64_t first = only == nullptr ? 0 : std::strtoull(only, nullptr, 10);
  Totals totals;
  for (uint64_t seed = first; seed < (only == nullptr ? seeds : first + 1); ++seed) {
    std::string directory;
    if (on_disk) {
      directory = fmt::format("{}/live_property_{}", ::testing::TempDir(), seed);
      std::filesystem::remove_all(directory);
    }
    RunSeed(seed, directory, &totals);
    if (on_disk) std::filesystem::remove_all(directory);
    ASSERT_FALSE(::testing::Test::HasFailure()) << "EBB_SEED=" << seed;
  }
  fmt::print(
      "{} epochs, {} messages, {} starts, {} steps of recovery, {} faults, {} floors, {} steps by the wall clock\n",
      totals.epochs, totals.messages, totals.starts, totals.replayed, totals.faults, totals.floors, totals.walls);
  if (only != nullptr) return;
  EXPECT_GT(totals.starts, static_cast<int64_t>(seeds));
  for (int64_t count : {totals.replayed, totals.faults, totals.floors, totals.walls}) EXPECT_GT(count, 0);
}

TEST(LivePropertyTest, CommittedIsWhatLogsAndDecisionsSay) { RunSeeds(kSeeds, false); }

TEST(LivePropertyTest, OnRocksDb) { RunSeeds(12, true); }

}  // namespace
}  // namespace ebb
