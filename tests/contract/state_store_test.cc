// The state store's contract: one suite that every implementation passes, and what only a durable one can be held to:
// killed processes, two openers, directories that aren't its own.
#include "engine/state/store.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <xxhash.h>

#include "engine/base/random.h"
#include "tests/contract/state_fixture.h"

namespace ebb {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// ---- What every store keeps -----------------------------------------------------------------------------------------

enum class Kind { kMemory, kRocksDb };

class StateStoreTest : public ::testing::TestWithParam<Kind> {
 protected:
  StateStoreTest() : store_(GetParam() == Kind::kMemory ? NewMemoryStore() : MustOpen(directory_.Sub("state"))) {}

  TemporaryDirectory directory_;
  std::unique_ptr<StateStore> store_;
};

TEST_P(StateStoreTest, NewStoreIsEmpty) {
  EXPECT_EQ(MustReadProgress(*store_), "");
  EXPECT_THAT(MustScan(*store_), IsEmpty());
  EXPECT_THAT(MustRead(*store_, {"a", ""}), ElementsAre("", ""));
  EXPECT_THAT(MustRead(*store_, {}), IsEmpty());
  EXPECT_TRUE(store_->Sync().ok());
}

TEST_P(StateStoreTest, CommittedRowsAreRead) {
  ASSERT_TRUE(Commit(*store_, {{"a", "1"}, {"b", "2"}}, "p1").ok());
  ASSERT_TRUE(Commit(*store_, {{"b", "22"}, {"c", "3"}}, "p2").ok());
  EXPECT_EQ(MustReadProgress(*store_), "p2");
  EXPECT_THAT(MustScan(*store_), ElementsAre(Pair("a", "1"), Pair("b", "22"), Pair("c", "3")));
  EXPECT_THAT(MustRead(*store_, {"a", "b", "c", "d"}), ElementsAre("1", "22", "3", ""));
  EXPECT_TRUE(store_->Sync().ok());
}

TEST_P(StateStoreTest, ReadsInAnyOrderAndWithRepeatedKeys) {
  ASSERT_TRUE(Commit(*store_, {{"a", "1"}, {"b", "2"}, {"c", "3"}}, "p").ok());
  EXPECT_THAT(MustRead(*store_, {"c", "x", "a", "c", "a", "x", "b", "c"}),
              ElementsAre("3", "", "1", "3", "1", "", "2", "3"));
}

TEST_P(StateStoreTest, EmptyValueDeletes) {
  ASSERT_TRUE(Commit(*store_, {{"a", "1"}, {"b", "2"}}, "p1").ok());
  ASSERT_TRUE(Commit(*store_, {{"a", ""}, {"never", ""}}, "p2").ok());
  EXPECT_THAT(MustScan(*store_), ElementsAre(Pair("b", "2")));
  EXPECT_THAT(MustRead(*store_, {"a", "b", "never"}), ElementsAre("", "2", ""));
  ASSERT_TRUE(Commit(*store_, {{"a", "again"}}, "p3").ok());
  EXPECT_THAT(MustRead(*store_, {"a"}), ElementsAre("again"));
}

TEST_P(StateStoreTest, ProgressIsReplacedEvenWithoutRows) {
  for (const std::string& progress :
       {std::string("first"), std::string(100000, 'p'), std::string("\0\xff", 2), std::string()}) {
    ASSERT_TRUE(Commit(*store_, {}, progress).ok());
    EXPECT_EQ(MustReadProgress(*store_), progress);
  }
  EXPECT_THAT(MustScan(*store_), IsEmpty());
}

TEST_P(StateStoreTest, KeysAndRowsAreBytes) {
  Rows rows;
  for (int byte = 0; byte < 256; ++byte) {
    std::string key(1, static_cast<char>(byte));
    rows[key] = "one" + key;
    rows[key + std::string(1, '\0')] = std::string("\0", 1) + key;
    rows[key + "\xff\xff"] = std::string(3, static_cast<char>(byte));
  }
  rows[""] = "the empty key";
  rows["m:progress"] = "a customer may be called so";
  rows[std::string(256, 'k')] = "long";
  ASSERT_TRUE(Commit(*store_, rows, "p").ok());
  EXPECT_EQ(MustScan(*store_), rows);
  std::vector<std::string_view> keys;
  std::vector<std::string> expected;
  for (const auto& [key, row] : rows) {
    keys.push_back(key);
    expected.push_back(row);
  }
  EXPECT_EQ(MustRead(*store_, keys), expected);
  EXPECT_EQ(MustReadProgress(*store_), "p");
}

TEST_P(StateStoreTest, ScanStopsAtTheFirstError) {
  ASSERT_TRUE(Commit(*store_, {{"a", "1"}, {"b", "2"}, {"c", "3"}}, "p").ok());
  int seen = 0;
  absl::Status status = store_->ScanRows([&seen](std::string_view key, std::string_view) {
    ++seen;
    return key == "b" ? absl::CancelledError("enough") : absl::OkStatus();
  });
  EXPECT_EQ(status, absl::CancelledError("enough"));
  EXPECT_EQ(seen, 2);
}

TEST_P(StateStoreTest, LargeCommitAgainstAModel) {
  Random random(20260101);
  Rows model;
  for (int commit = 0; commit < 5; ++commit) {
    Rows rows;
    for (int i = 0; i < 4000; ++i) {
      std::string key = fmt::format("customer-{:06}", random.Below(9000));
      rows[key] = random.Chance(0.2) ? "" : std::string(random.Between(1, 600), static_cast<char>(random.Below(256)));
    }
    ASSERT_TRUE(Commit(*store_, rows, fmt::format("{}", commit)).ok());
    for (const auto& [key, row] : rows) {
      if (row.empty()) {
        model.erase(key);
      } else {
        model[key] = row;
      }
    }
    ASSERT_EQ(MustScan(*store_), model) << "after commit " << commit;
  }
  std::vector<std::string> keys;
  for (int i = 0; i < 9000; ++i) keys.push_back(fmt::format("customer-{:06}", i));
  std::vector<std::string> rows = MustRead(*store_, {keys.begin(), keys.end()});
  ASSERT_EQ(rows.size(), keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    auto found = model.find(keys[i]);
    ASSERT_EQ(rows[i], found == model.end() ? "" : found->second) << keys[i];
  }
}

TEST_P(StateStoreTest, CommitOutOfOrderIsOurBug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  StateBatch twice;
  twice.rows = {{"a", "1"}, {"a", "2"}};
  EXPECT_DEATH((void)store_->Commit(twice), "out of order");
}

std::unique_ptr<AwayTimers> MustMakeTimers(StateStore& store) {
  auto timers = store.NewAwayTimers();
  EXPECT_TRUE(timers.ok()) << timers.status();
  return timers.ok() ? *std::move(timers) : nullptr;
}

std::vector<std::string> MustTake(AwayTimers& timers, TimeMs limit, size_t most) {
  auto taken = timers.Take(limit, most);
  EXPECT_TRUE(taken.ok()) << taken.status();
  std::vector<std::string> texts;
  if (!taken.ok()) return texts;
  for (const AwayTimer& timer : *taken) texts.push_back(fmt::format("{} {}", timer.time, timer.key));
  return texts;
}

TEST_P(StateStoreTest, TimersAreTakenInTheirOrder) {
  const auto timers = MustMakeTimers(*store_);
  const auto others = MustMakeTimers(*store_);
  EXPECT_EQ(timers->earliest(), kAfterTime);
  EXPECT_THAT(MustTake(*timers, kAfterTime, 10), IsEmpty());
  ASSERT_TRUE(timers->Add(20, "b").ok());
  ASSERT_TRUE(timers->Add(-5, "a").ok());
  ASSERT_TRUE(timers->Add(20, "a").ok());
  ASSERT_TRUE(timers->Add(20, "a").ok());
  ASSERT_TRUE(timers->Add(300, "").ok());
  EXPECT_EQ(timers->earliest(), -5);
  EXPECT_THAT(MustTake(*timers, 20, 10), ElementsAre("-5 a"));
  EXPECT_EQ(timers->earliest(), 20);
  EXPECT_THAT(MustTake(*timers, 21, 1), ElementsAre("20 a"));
  ASSERT_TRUE(timers->Add(25, "c").ok());
  EXPECT_THAT(MustTake(*timers, 1000, 10), ElementsAre("20 b", "25 c", "300 "));
  EXPECT_EQ(timers->earliest(), kAfterTime);
  EXPECT_THAT(MustTake(*others, kAfterTime, 10), IsEmpty()) << "each task has its own";
  EXPECT_THAT(MustScan(*store_), IsEmpty());
}

TEST_P(StateStoreTest, TimersAgainstAModel) {
  Random random(20261127);
  const auto timers = MustMakeTimers(*store_);
  std::set<std::pair<TimeMs, std::string>> model;
  TimeMs now = 0;
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < 6000; ++i) {
      const TimeMs time = now + random.Below(100'000);
      const std::string key = fmt::format("customer-{:06}", random.Below(500'000));
      model.emplace(time, key);
      ASSERT_TRUE(timers->Add(time, key).ok());
    }
    now += random.Below(5'000);
    for (bool more = true; more;) {
      const size_t most = 1 + random.Below(1000);
      std::vector<std::string> expected;
      while (!model.empty() && model.begin()->first < now && expected.size() < most) {
        expected.push_back(fmt::format("{} {}", model.begin()->first, model.begin()->second));
        model.erase(model.begin());
      }
      ASSERT_EQ(MustTake(*timers, now, most), expected);
      ASSERT_EQ(timers->earliest(), model.begin()->first);
      more = expected.size() == most;
    }
  }
  EXPECT_GT(model.size(), 100'000u);
}

INSTANTIATE_TEST_SUITE_P(EveryStore, StateStoreTest, ::testing::Values(Kind::kMemory, Kind::kRocksDb),
                         [](const auto& kind) { return kind.param == Kind::kMemory ? "Memory" : "RocksDb"; });

// ---- What a durable store keeps -------------------------------------------------------------------------------------

TEST_F(DurableStoreTest, TimersDontOutliveTheirUse) {
  auto store = MustOpen(path_);
  ASSERT_TRUE(Commit(*store, {{"a", "1"}}, "p").ok());
  auto timers = MustMakeTimers(*store);
  ASSERT_TRUE(timers->Add(1, "a").ok());
  EXPECT_FALSE(fs::is_empty(path_ + "/away"));
  timers.reset();
  EXPECT_TRUE(fs::is_empty(path_ + "/away"));
  store.reset();
  std::ofstream(path_ + "/away/left_by_a_killed_process") << "?";
  EXPECT_THAT(MustScan(*MustOpen(path_, true)), ElementsAre(Pair("a", "1")));
  EXPECT_TRUE(fs::exists(path_ + "/away")) << "who only reads changes nothing";
  EXPECT_THAT(MustScan(*MustOpen(path_)), ElementsAre(Pair("a", "1")));
  EXPECT_FALSE(fs::exists(path_ + "/away"));
}

// A running tests/contract/state_writer, its output read through a pipe.
class Writer {
 public:
  Writer(const std::string& directory, const char* mode) {
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    process_ = fork();
    if (process_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
      execl(EBB_STATE_WRITER, EBB_STATE_WRITER, directory.c_str(), mode, static_cast<char*>(nullptr));
      _exit(127);
    }
    close(ends[1]);
    output_ = fdopen(ends[0], "r");
  }
  ~Writer() {
    if (process_ > 0) Kill();
    fclose(output_);
  }
  // The next line, without its end; empty at the end of the output.
  std::string Line() {
    char line[2000];
    if (fgets(line, sizeof line, output_) == nullptr) return "";
    std::string text = line;
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  void Kill() {
    kill(process_, SIGKILL);
    Wait();
  }
  int Wait() {
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t process_;
  FILE* output_;
};

// The number of the last commit of a state_writer; -1 with a failure when the store holds parts of two.
int WholeCommit(StateStore& store) {
  std::string progress = MustReadProgress(store);
  Rows rows = MustScan(store);
  if (progress.empty() && rows.empty()) return 0;
  EXPECT_EQ(rows.size(), 501u);
  EXPECT_EQ(rows.count(fmt::format("only-{:09}", std::atoi(progress.c_str()))), 1u);
  for (const auto& [key, row] : rows) {
    std::string said = row.substr(0, row.find(':'));
    if (said == progress) continue;
    ADD_FAILURE() << "row " << key << " is of commit " << said << ", the progress of commit " << progress;
    return -1;
  }
  return std::atoi(progress.c_str());
}

TEST_F(DurableStoreTest, KilledProcessLeavesWholeCommitsAndAllThatReturned) {
  Random random(7);
  int former = 0;
  for (int kill = 0; kill < 20; ++kill) {
    Writer writer(path_, "commit");
    ASSERT_NE(writer.Line(), "") << "kill " << kill;
    std::this_thread::sleep_for(std::chrono::microseconds(random.Between(0, 60000)));
    writer.Kill();
    int returned = 0;
    for (std::string line = writer.Line(); !line.empty(); line = writer.Line()) returned = std::atoi(line.c_str());
    auto store = MustOpen(path_);
    ASSERT_NE(store, nullptr);
    int number = WholeCommit(*store);
    ASSERT_GT(number, former) << "kill " << kill;
    ASSERT_GE(number, returned) << "kill " << kill;
    former = number;
  }
}

TEST_F(DurableStoreTest, ReopenedStoreHoldsTheLastCommit) {
  Rows rows;
  for (int i = 0; i < 3000; ++i) rows[fmt::format("k{:05}", i)] = std::string(300, static_cast<char>('a' + i % 26));
  {
    auto store = MustOpen(path_);
    ASSERT_TRUE(Commit(*store, rows, "p1").ok());
    ASSERT_TRUE(Commit(*store, {{"k00000", ""}, {"z", "last"}}, "p2").ok());
  }
  rows.erase("k00000");
  rows["z"] = "last";
  for (int time = 0; time < 3; ++time) {
    auto store = MustOpen(path_);
    EXPECT_EQ(MustScan(*store), rows);
    EXPECT_EQ(MustReadProgress(*store), "p2");
  }
}

TEST_F(DurableStoreTest, SecondOpenerIsRefused) {
  auto store = MustOpen(path_);
  auto second = Open(path_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("another process holds it"));

  Writer writer(path_, "commit");
  EXPECT_THAT(writer.Line(), testing::AllOf(HasSubstr("FAILED_PRECONDITION"), HasSubstr("another process holds it")));
  EXPECT_EQ(writer.Wait(), 3);
  EXPECT_TRUE(Commit(*store, {{"a", "1"}}, "p").ok());
}

TEST_F(DurableStoreTest, RefusesEverythingAfterAFailedCommit) {
  Writer writer(path_, "limit");
  std::string last;
  int commits = 0;
  for (std::string line = writer.Line(); !line.empty(); line = writer.Line()) {
    last = line;
    ++commits;
  }
  EXPECT_EQ(writer.Wait(), 3) << last;
  EXPECT_THAT(last, HasSubstr("cannot commit to the state"));
  auto store = MustOpen(path_);
  EXPECT_GE(WholeCommit(*store), commits - 1);
}

TEST_F(DurableStoreTest, ReadOnlySeesTheLastCommitAndChangesNothing) {
  auto store = MustOpen(path_);
  Rows rows;
  for (int i = 0; i < 50; ++i) rows[fmt::format("k{:05}", i)] = "row";
  ASSERT_TRUE(Commit(*store, rows, "p1").ok());
  auto files = FilesOf(path_);
  {
    auto reader = MustOpen(path_, true);
    EXPECT_EQ(MustScan(*reader), rows);
    EXPECT_EQ(MustReadProgress(*reader), "p1");
    EXPECT_TRUE(reader->Sync().ok());
  }
  EXPECT_EQ(FilesOf(path_), files);
  ASSERT_TRUE(Commit(*store, {{"later", "row"}}, "p2").ok());
  EXPECT_EQ(MustReadProgress(*MustOpen(path_, true)), "p2");
  store.reset();
  files = FilesOf(path_);
  EXPECT_EQ(MustReadProgress(*MustOpen(path_, true)), "p2");
  EXPECT_EQ(FilesOf(path_), files);
}

TEST_F(DurableStoreTest, WrongDirectoriesAreSaidInASentence) {
  fs::create_directory(directory_.Sub("empty"));
  fs::create_directory(directory_.Sub("strange"));
  std::ofstream(directory_.Sub("strange/holiday.jpg")) << "x";
  std::ofstream(directory_.Sub("file")) << "x";
  fs::create_directory(directory_.Sub("begun"));
  std::ofstream(directory_.Sub("begun/IDENTITY")) << "x";
  std::ofstream(directory_.Sub("begun/LOCK")) << "";
  struct Case {
    const char* name;
    bool read_only;
    absl::StatusCode code;
    const char* text;
  };
  for (const Case& c : std::vector<Case>{
           {"missing", true, absl::StatusCode::kNotFound, "there is no state directory"},
           {"empty", true, absl::StatusCode::kNotFound, "there is no state in the directory"},
           {"strange", true, absl::StatusCode::kInvalidArgument,
            "not a state directory of ebb: it holds 'holiday.jpg'"},
           {"strange", false, absl::StatusCode::kInvalidArgument, "not a state directory of ebb"},
           {"file", false, absl::StatusCode::kInvalidArgument, "is not a directory"},
           {"none/state", false, absl::StatusCode::kFailedPrecondition, "cannot make the state directory"},
           {"begun", false, absl::StatusCode::kOk, ""},
           {"empty", false, absl::StatusCode::kOk, ""},
       }) {
    absl::Status status = Open(directory_.Sub(c.name), c.read_only).status();
    EXPECT_EQ(status.code(), c.code) << c.name << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.text)) << c.name;
  }
  EXPECT_FALSE(fs::exists(directory_.Sub("missing")));
}

// Puts a key into a RocksDB database beside ebb.
void PutRaw(const std::string& directory, const std::string& key, const std::string& value) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, directory, &opened).ok());
  std::unique_ptr<rocksdb::DB> database(opened);
  ASSERT_TRUE(database->Put(rocksdb::WriteOptions(), key, value).ok());
}

TEST_F(DurableStoreTest, DatabasesOfOthersAndStrangeValuesAreRefused) {
  PutRaw(path_, "user:1", "somebody else's");
  EXPECT_EQ(Open(path_).status().code(), absl::StatusCode::kInvalidArgument);

  std::string rewritten = directory_.Sub("rewritten");
  ASSERT_TRUE(Commit(*MustOpen(rewritten), {{"a", "1"}, {"b", "2"}}, "p").ok());
  PutRaw(rewritten, "ra", "a value whose checksum is not its own");
  auto store = MustOpen(rewritten);
  EXPECT_EQ(store->ReadRows({"a"}).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Scan(*store).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(MustRead(*store, {"b"}), ElementsAre("2"));
}

// The stored form of `value` under prefix + key, built apart from the store's code: the layout is a promise.
std::string Stored(char prefix, const std::string& key, const std::string& value) {
  uint64_t seed = XXH3_64bits_withSeed(key.data(), key.size(), static_cast<unsigned char>(prefix));
  uint64_t sum = XXH3_64bits_withSeed(value.data(), value.size(), seed);
  std::string stored;
  for (int i = 0; i < 8; ++i) stored.push_back(static_cast<char>(sum >> (8 * i)));
  return stored + value;
}

TEST_F(DurableStoreTest, OtherFormatsAreRefused) {
  ASSERT_TRUE(Commit(*MustOpen(path_), {{"a", "1"}}, "p").ok());
  PutRaw(path_, "m:format", Stored('m', ":format", "1"));
  EXPECT_EQ(MustReadProgress(*MustOpen(path_)), "p");
  PutRaw(path_, "m:format", Stored('m', ":format", "2"));
  for (bool read_only : {false, true}) {
    absl::Status status = Open(path_, read_only).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("written by a newer ebb"));
  }
  PutRaw(path_, "m:format", "1");
  EXPECT_EQ(Open(path_).status().code(), absl::StatusCode::kDataLoss);
}

TEST(RocksDbStoreOptionsTest, BuffersHaveASixteenthOfTheLimitWithinBounds) {
  struct {
    size_t limit_mib, buffer_mib;
  } cases[] = {{0, 64}, {1, 1}, {32, 2}, {512, 32}, {1024, 64}, {8192, 64}};
  for (const auto& [limit_mib, buffer_mib] : cases) {
    RocksDbStoreOptions options;
    options.FitTo(limit_mib << 20);
    EXPECT_EQ(options.write_buffer_bytes, buffer_mib << 20);
    EXPECT_EQ(options.block_cache_bytes, buffer_mib << 20);
  }
}

}  // namespace
}  // namespace ebb
