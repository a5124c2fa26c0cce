// Real stores, kept and brought back; copies that are damaged, cut off, or of somebody else.
#include "serve/snapshot.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/state/store.h"

namespace ebb {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    auto store = OpenRocksDbStore(folder_ + "/store", {});
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = std::move(*store);
  }
  ~SnapshotTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Put(const std::string& key, const std::string& row) {
    StateBatch batch;
    batch.rows = {{key, row}};
    batch.progress = "after " + key;
    ASSERT_TRUE(store_->Commit(batch).ok());
  }
  absl::StatusOr<Snapshot> Keep(int64_t epoch, bool stop = false) {
    const std::string checkpoint = folder_ + "/checkpoint";
    std::filesystem::remove_all(checkpoint);
    const absl::Status made = store_->Checkpoint(checkpoint);
    EXPECT_TRUE(made.ok()) << made;
    return KeepSnapshot(owner_, checkpoint, epoch, 1000 * epoch, stop);
  }
  // The progress of what is restored, or what was said instead.
  std::string Restored(size_t warnings = 0, int64_t than = 0) {
    const std::string directory = folder_ + "/restored";
    std::filesystem::remove_all(directory);
    std::vector<std::string> said;
    const auto restored = RestoreSnapshot(owner_, directory, than, &said);
    EXPECT_TRUE(restored.ok()) << restored.status();
    EXPECT_THAT(said, SizeIs(warnings));
    if (!restored.ok() || !*restored) return "nothing";
    const auto store = OpenRocksDbStore(directory, {});
    EXPECT_TRUE(store.ok()) << store.status();
    return *(*store)->ReadProgress();
  }
  static void Damage(const Snapshot& snapshot) {
    const auto largest = std::max_element(snapshot.files.begin(), snapshot.files.end(),
                                          [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
    const std::string path = snapshot.path + "/" + largest->name;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(largest->bytes / 2);
    file.put('\x7f');
  }

  const std::string folder_ = testing::TempDir() + "ebb_snapshot";
  SnapshotOwner owner_{folder_ + "/kept", "cluster", "group", "shop", "00ff", 3};
  std::unique_ptr<StateStore> store_;
};

TEST_F(SnapshotTest, WhatWasKeptComesBack) {
  EXPECT_EQ(Restored(), "nothing");
  Put("ann", "1");
  ASSERT_TRUE(Keep(7).ok());
  Put("bob", "2");
  EXPECT_EQ(Restored(), "after ann");
  ASSERT_TRUE(Keep(9).ok());
  EXPECT_EQ(Restored(), "after bob");
  EXPECT_EQ(Restored(0, 8), "after bob");
  EXPECT_EQ(Restored(0, 9), "nothing") << "none is newer than that";
  const auto all = ListSnapshots(owner_);
  ASSERT_TRUE(all.ok());
  ASSERT_THAT(*all, SizeIs(2));
  EXPECT_EQ((*all)[0].epoch, 9);
  EXPECT_EQ((*all)[0].made_ms, 9000);
  EXPECT_TRUE(VerifySnapshot((*all)[0]).ok());
}

TEST_F(SnapshotTest, OldOnesGo) {
  for (int64_t epoch = 1; epoch <= 5; ++epoch) {
    Put("k" + std::to_string(epoch), "1");
    ASSERT_TRUE(Keep(epoch).ok());
  }
  const auto all = ListSnapshots(owner_);
  ASSERT_THAT(*all, SizeIs(kKeptSnapshots));
  EXPECT_EQ((*all)[1].epoch, 4);
  EXPECT_EQ(Restored(), "after k5");
}

TEST_F(SnapshotTest, FilesThatAreThereAreLinked) {
  Put("ann", std::string(100'000, 'x'));
  const auto first = Keep(1);
  Put("bob", std::string(100'000, 'y'));
  const auto second = Keep(2);
  ASSERT_TRUE(first.ok() && second.ok());
  int linked = 0;
  for (const SnapshotFile& file : second->files) {
    linked += std::filesystem::hard_link_count(second->path + "/" + file.name) > 1;
  }
  EXPECT_GE(linked, 1);
}

TEST_F(SnapshotTest, DamageIsNoticedAndTheOneBeforeTaken) {
  Put("ann", std::string(10'000, 'x'));
  ASSERT_TRUE(Keep(1).ok());
  Put("bob", std::string(50'000, 'y'));
  const auto second = Keep(2);
  ASSERT_TRUE(second.ok());
  Damage(*second);
  EXPECT_TRUE(absl::IsDataLoss(VerifySnapshot(*second)));
  EXPECT_EQ(Restored(1), "after ann");
}

TEST_F(SnapshotTest, OneThatWasCutOffIsNotThere) {
  Put("ann", "1");
  const auto kept = Keep(1);
  ASSERT_TRUE(kept.ok());
  std::filesystem::copy(kept->path, folder_ + "/kept/group/task-3/epoch-2.partial");
  std::filesystem::copy(kept->path, folder_ + "/kept/group/task-3/epoch-3");
  std::filesystem::remove(folder_ + "/kept/group/task-3/epoch-3/index");
  EXPECT_THAT(*ListSnapshots(owner_), SizeIs(1));
  EXPECT_EQ(Restored(), "after ann");
  EXPECT_TRUE(absl::IsCancelled(Keep(4, /*stop=*/true).status()));
  EXPECT_THAT(*ListSnapshots(owner_), SizeIs(1));
  EXPECT_TRUE(Keep(2).ok()) << "what was left of it is in nobody's way";
}

TEST_F(SnapshotTest, ThoseOfOthersAreNotTouched) {
  Put("ann", "1");
  ASSERT_TRUE(Keep(1).ok());
  for (std::string SnapshotOwner::*what :
       {&SnapshotOwner::cluster, &SnapshotOwner::pipeline, &SnapshotOwner::fingerprint}) {
    SnapshotOwner other = owner_;
    other.*what = "another";
    EXPECT_THAT(*ListSnapshots(other), IsEmpty());
  }
  ++owner_.task;
  EXPECT_EQ(Restored(), "nothing");
}

}  // namespace
}  // namespace ebb
