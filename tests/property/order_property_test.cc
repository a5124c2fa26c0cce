// A whole job against an independent simulation: whatever the number of tasks, the batches, the commits and restarts, a
// job gives the lines, the rows and the ledger that follow from the logs' contents alone. A failure names its seed;
// EBB_SEED=n runs that one alone.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/base/random.h"
#include "engine/task/job.h"
#include "tests/property/memory_log.h"
#include "tests/property/mixing.h"

namespace ebb {
namespace {

constexpr TimeMs kStart = 1'700'000'000'000;
constexpr uint64_t kSeeds = 25;

struct Input {
  std::vector<SourceSchema> schemas;
  std::vector<std::vector<std::vector<MemoryRecord>>> logs;  // by source
  TimeRange range;
};

// Few customers, few different times: many ties, many timers that meet records.
Input RandomInput(Random* random) {
  Input input;
  const auto sources = 1 + random->Below(3);
  const TimeMs grain = random->Chance(0.5) ? 1 : 10;
  for (uint64_t s = 0; s < sources; ++s) {
    SourceSchema schema;
    schema.name = fmt::format("source{}", s);
    schema.ordinal = static_cast<uint16_t>(s);
    schema.fields.resize(1);
    schema.time.disorder = static_cast<DurationMs>(random->Below(4)) * 20;
    schema.time.quarantine_late = random->Chance(0.3);
    if (random->Chance(0.5)) schema.time.max_jump = 1000;
    input.schemas.push_back(schema);
    input.logs.emplace_back(1 + random->Below(3));
    for (std::vector<MemoryRecord>& log : input.logs.back()) {
      TimeMs time = kStart + random->Between(0, 300);
      for (uint64_t n = random->Chance(0.1) ? 0 : random->Below(150); n > 0; --n) {
        MemoryRecord record;
        record.key[0] = static_cast<char>('a' + random->Below(12));
        record.key[1] = random->Chance(0.5) ? 'x' : '\0';
        time += random->Between(0, 3) * grain;
        if (random->Chance(0.01)) time += random->Between(100, 5000);
        record.time = time - random->Between(0, random->Chance(0.1) ? 150 : 20);
        record.value = random->Between(0, 99);
        record.filtered = random->Chance(0.05);
        if (random->Chance(0.05)) record.reason = random->Chance(0.5) ? Reason::kJsonSyntax : Reason::kMissingKey;
        log.push_back(record);
      }
    }
  }
  if (random->Chance(0.2)) input.range.from = kStart + 200;
  if (random->Chance(0.2)) input.range.to = kStart + 500;
  return input;
}

// What must come of the input: no engine code but the types.
struct Expected {
  std::vector<std::string> lines;
  std::vector<std::string> quarantined;  // "source offset reason", in order
  std::vector<SourceLedger> ledger;
};

struct Place {
  TimeMs effective;
  int source, log;
  int64_t offset;
  bool late;
  MemoryRecord record;
  Reason reason;
};

// Every record of one log with its place, by the definition.
void PlaceLog(const Input& input, int source, int log, std::vector<Place>* places, TimeMs* newest_of_all,
              SourceLedger* ledger) {
  const TimeSpec& spec = input.schemas[source].time;
  TimeMs newest = kBeforeTime;
  int64_t offset = 0;
  for (const MemoryRecord& record : input.logs[source][log]) {
    const TimeMs floor = newest == kBeforeTime ? kBeforeTime : newest - spec.disorder;
    Place place{floor, source, log, offset++, false, record, record.reason};
    const bool after = record.reason == Reason::kNone && input.range.to && record.time > *input.range.to;
    const bool before = record.reason == Reason::kNone && input.range.from && record.time < *input.range.from;
    if (place.reason == Reason::kNone && !after) {
      place.late = record.time < floor;
      const bool filtered = record.filtered || before;
      if (spec.max_jump && newest != kBeforeTime && record.time > newest + *spec.max_jump) {
        place.reason = Reason::kTimeJump;
      } else if (place.late && spec.quarantine_late && !filtered) {
        place.reason = Reason::kLate;
      } else {
        place.effective = std::max(record.time, floor);
        newest = std::max(newest, record.time);
      }
    }
    if (place.reason != Reason::kNone) {
      ++ledger->quarantined[static_cast<int>(place.reason)];
      places->push_back(place);
    } else if (record.filtered || before || after) {
      ++ledger->filtered;
    } else {
      ++(place.late ? ledger->late : ledger->used);
      places->push_back(place);
    }
  }
  *newest_of_all = std::max(*newest_of_all, newest);
}

Expected Simulate(const Input& input) {
  Expected expected;
  std::vector<Place> places;
  TimeMs newest = kBeforeTime;
  for (int s = 0; s < static_cast<int>(input.logs.size()); ++s) {
    expected.ledger.emplace_back();
    for (int l = 0; l < static_cast<int>(input.logs[s].size()); ++l) {
      PlaceLog(input, s, l, &places, &newest, &expected.ledger.back());
    }
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return std::tie(a.effective, a.source, a.log, a.offset) < std::tie(b.effective, b.source, b.log, b.offset);
  });
  MixingModel model;
  for (const Place& place : places) {
    if (place.reason != Reason::kNone) {
      expected.quarantined.push_back(
          fmt::format("source{} {} {}", place.source, place.offset, ReasonName(place.reason)));
      continue;
    }
    model.Use(place.record.key, place.effective, place.source, place.log, place.offset, place.late, place.record.value);
  }
  model.FireBefore(input.range.to ? *input.range.to + 1 : newest + 1);
  expected.lines = std::move(model.lines);
  return expected;
}

// How a job is run; none of it may change what comes out.
struct Manner {
  std::vector<int> tasks;  // of the first start and the restarts, in turn
  size_t batch = 4096;
  double commit = 0;  // chance after each step
  double kill = 0;
  bool keeps_state = true;
};

struct Outcome {
  std::vector<std::string> lines;
  std::vector<std::string> quarantined;
  Progress progress;
  uint64_t digest = 0;
  std::vector<std::string> processed;  // with one task and no restart
};

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

// The job from its last commit to its end, or until it is killed; true when it has ended.
class Runner {
 public:
  Runner(const Input& input, const Manner& manner, uint64_t seed) : input_(input), manner_(manner), random_(seed) {
    layout_ = MixingLayout();
  }

  Outcome Run() {
    while (!RunOnce()) {
      if (::testing::Test::HasFailure()) break;
    }
    outcome_.lines = Lines(scores_.text());
    for (const std::string& line : Lines(quarantine_.text())) outcome_.quarantined.push_back(Brief(line));
    return std::move(outcome_);
  }

 private:
  std::vector<SourceInput> OpenLogs() const {
    std::vector<SourceInput> sources;
    for (size_t s = 0; s < input_.logs.size(); ++s) {
      SourceInput source{&input_.schemas[s], {}};
      for (size_t l = 0; l < input_.logs[s].size(); ++l) {
        source.logs.push_back({std::make_unique<MemoryLog>(fmt::format("{}.{}", s, l), &input_.logs[s][l]),
                               std::make_unique<MemoryDecoder>()});
      }
      sources.push_back(std::move(source));
    }
    return sources;
  }

  bool RunOnce() {
    JobOptions options;
    options.tasks = manner_.tasks[starts_++ % manner_.tasks.size()];
    options.batch_records = manner_.batch;
    options.commit_interval = kDay;
    options.range = input_.range;
    JobParts parts;
    parts.pipeline = "mixing";
    parts.layout = layout_;
    std::vector<std::string>* processed = options.tasks == 1 && manner_.kill == 0 ? &outcome_.processed : nullptr;
    parts.make_operator = [processed] { return std::make_unique<MixingOperator>(processed); };
    parts.store = manner_.keeps_state ? store_.get() : nullptr;
    Job job(options, parts, OpenLogs());
    std::optional<Progress> resume;
    if (manner_.keeps_state) resume = *ReadProgress(store_.get());
    for (MemorySink* sink : {&scores_, &quarantine_}) {
      const int stream = static_cast<int>(sink == &scores_ ? Stream::kScores : Stream::kQuarantine);
      sink->CutTo(resume ? resume->outputs[stream].bytes : 0);
    }
    const absl::Status started = job.Start(resume);
    EXPECT_TRUE(started.ok()) << started.ToString();
    if (!started.ok()) return true;
    job.SetSinks({nullptr, &scores_, &quarantine_, nullptr});
    for (;;) {
      const absl::StatusOr<bool> ended = job.Step();
      EXPECT_TRUE(ended.ok()) << ended.status().ToString();
      if (!ended.ok()) return true;
      if (*ended) break;
      if (random_.Chance(manner_.commit)) {
        EXPECT_TRUE(job.Commit().ok());
      }
      if (starts_ < 8 && random_.Chance(manner_.kill)) return false;
    }
    EXPECT_TRUE(job.progress().finished);
    outcome_.progress = job.progress();
    outcome_.digest = *job.StateDigest();
    // Ended by a kill right after the last commit: it must find nothing left to do.
    return manner_.kill == 0 || ended_before_ || !(ended_before_ = true);
  }

  const Input& input_;
  const Manner& manner_;
  Random random_;
  RowLayout layout_;
  std::unique_ptr<StateStore> store_ = NewMemoryStore();
  MemorySink scores_, quarantine_;
  size_t starts_ = 0;
  bool ended_before_ = false;
  Outcome outcome_;
};

void ExpectLedger(const std::vector<SourceLedger>& expected, const Input& input, const Progress& progress) {
  ASSERT_EQ(progress.ledger.size(), expected.size());
  for (size_t s = 0; s < expected.size(); ++s) {
    const SourceLedger& got = progress.ledger[s].second;
    int64_t records = 0;
    for (const auto& log : input.logs[s]) records += static_cast<int64_t>(log.size());
    EXPECT_EQ(got.read(), records) << "read = used + late + filtered + duplicate + tombstone + quarantined";
    EXPECT_EQ(got.used, expected[s].used);
    EXPECT_EQ(got.late, expected[s].late);
    EXPECT_EQ(got.filtered, expected[s].filtered);
    EXPECT_EQ(got.quarantined, expected[s].quarantined);
  }
}

// Timers of the same time belong to different customers: a task takes them in any order, outputs have the keys' order.
std::vector<std::string> TimersByKey(std::vector<std::string> lines) {
  const auto time = [](const std::string& line) { return line.substr(0, line.find(' ')); };
  const auto is_timer = [](const std::string& line) { return line.find(" timer ") != std::string::npos; };
  for (size_t begin = 0, end; begin < lines.size(); begin = end) {
    for (end = begin + 1; is_timer(lines[begin]) && end < lines.size() && is_timer(lines[end]) &&
                          time(lines[end]) == time(lines[begin]);) {
      ++end;
    }
    std::sort(lines.begin() + static_cast<ptrdiff_t>(begin), lines.begin() + static_cast<ptrdiff_t>(end));
  }
  return lines;
}

void RunSeed(uint64_t seed) {
  Random random(seed);
  const Input input = RandomInput(&random);
  const Expected expected = Simulate(input);
  const Manner plain{{1}, 4096, 0, 0, true};
  const Outcome first = Runner(input, plain, seed).Run();
  ASSERT_EQ(TimersByKey(first.processed), expected.lines) << "the order of processing itself";
  std::vector<Manner> manners = {plain, {{1}, 7, 0, 0, false}, {{1}, 1, 0.3, 0, true}};
  for (int tasks : {1, 2, 4, 7}) {
    for (size_t batch : {1, 7, 4096}) {
      manners.push_back({{tasks}, batch, random.Unit(), random.Chance(0.5) ? 0.1 : 0, true});
    }
  }
  for (size_t batch : {1, 7, 30}) manners.push_back({{1, 4, 2, 7}, batch, 0.3, 0.15, true});
  for (const Manner& manner : manners) {
    SCOPED_TRACE(fmt::format("{} tasks, batches of {}, commit {}, kill {}", manner.tasks[0], manner.batch,
                             manner.commit, manner.kill));
    const Outcome outcome = Runner(input, manner, random.Next()).Run();
    ASSERT_EQ(outcome.lines, expected.lines);
    ASSERT_EQ(outcome.quarantined, expected.quarantined);
    ASSERT_EQ(outcome.progress.chain, first.progress.chain);
    ASSERT_EQ(outcome.digest, first.digest);
    ASSERT_EQ(outcome.progress.cursor, first.progress.cursor);
    ExpectLedger(expected.ledger, input, outcome.progress);
    int64_t records = 0;
    for (const SourceLedger& ledger : expected.ledger) records += ledger.used + ledger.late;
    ASSERT_EQ(outcome.progress.counters[0].second, records);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(OrderPropertyTest, OnlyTheLogsDecide) {
  const char* only = std::getenv("EBB_SEED");
  const uint64_t first = only == nullptr ? 0 : std::strtoull(only, nullptr, 10);
  for (uint64_t seed = first; seed < (only == nullptr ? kSeeds : first + 1); ++seed) {
    RunSeed(seed);
    ASSERT_FALSE(HasFailure()) << "EBB_SEED=" << seed;
  }
}

}  // namespace
}  // namespace ebb
