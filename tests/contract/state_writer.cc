// The other process of state_store_test: it opens a store and commits until it is killed, or says what it could not do.
//
//   state_writer DIRECTORY commit     commits from the committed progress on, prints each number after its commit
//   state_writer DIRECTORY limit      the same with files limited to 256 KiB: a disk that refuses to take more
//
// Commit n writes kKeys rows that all say n, deletes the row "only-<n-1>" and adds "only-<n>"; its progress is n. So a
// store is whole exactly if every row says what the progress says.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "engine/state/store.h"

namespace {

constexpr int kKeys = 500;

int Refused(const absl::Status& status) {
  fmt::print("{}\n", status.ToString());
  return 3;
}

absl::Status CommitNumber(ebb::StateStore& store, int number) {
  std::vector<std::string> keys;
  for (int i = 0; i < kKeys; ++i) keys.push_back(fmt::format("key-{:04}", i));
  std::string row = fmt::format("{}:{}", number, std::string(300, 'x'));
  std::string former = fmt::format("only-{:09}", number - 1);
  std::string present = fmt::format("only-{:09}", number);
  ebb::StateBatch batch;
  for (const std::string& key : keys) batch.rows.emplace_back(key, row);
  batch.rows.emplace_back(former, "");
  batch.rows.emplace_back(present, row);
  batch.progress = fmt::format_int(number).str();
  return store.Commit(batch);
}

void LimitFiles() {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{256 << 10, 256 << 10};
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0) std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (std::strcmp(argv[2], "limit") == 0) LimitFiles();
  ebb::RocksDbStoreOptions options;
  options.write_buffer_bytes = 1 << 20;  // small, so that kills meet flushes and compactions, too
  auto store = ebb::OpenRocksDbStore(argv[1], options);
  if (!store.ok()) return Refused(store.status());
  auto progress = (*store)->ReadProgress();
  if (!progress.ok()) return Refused(progress.status());
  for (int number = std::atoi(progress->c_str()) + 1;; ++number) {
    if (absl::Status status = CommitNumber(**store, number); !status.ok()) {
      absl::Status again = CommitNumber(**store, number);
      if (again != status) return 4;  // a store that failed once must go on refusing
      return Refused(status);
    }
    std::string line = fmt::format("{}\n", number);
    if (write(STDOUT_FILENO, line.data(), line.size()) < 0) return 5;
  }
}
