// Rewrites the version in a state's progress record, as a newer ebb would have written it: progress_writer DIR VERSION
#include <cstdio>
#include <string>

#include <fmt/format.h>

#include "engine/state/store.h"
#include "engine/stream/record.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  auto store = ebb::OpenRocksDbStore(argv[1], {});
  if (!store.ok()) return 1;
  absl::StatusOr<std::string> progress = (*store)->ReadProgress();
  if (!progress.ok() || progress->empty()) return 1;
  // "ebb-progress VERSION\n", the facts, "end HASH\n": the hash is over all before it.
  const std::string facts = progress->substr(progress->find('\n'), progress->rfind("end ") - progress->find('\n'));
  ebb::StateBatch batch;
  batch.progress = fmt::format("ebb-progress {}{}", argv[2], facts);
  batch.progress += fmt::format("end {}\n", ebb::HashText(batch.progress));
  return (*store)->Commit(batch).ok() ? 0 : 1;
}
