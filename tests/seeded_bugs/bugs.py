"""Mistakes that are easily made, as replacements of exact text, each with the test that must notice it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    what: str
    path: str
    old: str
    new: str
    binary: str
    test: str  # a filter of GoogleTest


BUGS = [
    Bug("a record at the very edge of the disorder is late",
        "engine/stream/clock.cc", "timed && record->time < floor", "timed && record->time <= floor",
        "stream_test", "LogClockTest.FollowsTheRuleRecordByRecord"),
    Bug("records are released at the watermark, not below it",
        "engine/stream/order.cc", "if (entry.effective < watermark)", "if (entry.effective <= watermark)",
        "stream_test", "OrderTest.ReleasesStrictlyBelowTheWatermark"),
    Bug("the newest time is saved as of the read position",
        "engine/task/intake.cc", "      position.newest = mark.newest_before;\n", "",
        "order_property_test", "OrderPropertyTest.OnlyTheLogsDecide"),
    Bug("a loaded row's timer is forgotten",
        "engine/task/task.cc", "  Arm(rows_.Find(hash, key));\n  return", "  return",
        "task_test", "TaskTest.RowsLoadedAgainKeepTheirTimers"),
    Bug("a customer leaves memory, and the timer is forgotten",
        "engine/task/task.cc", "  return away_timers_->Add(",
        "  return !key.empty() ? absl::OkStatus() : away_timers_->Add(",
        "task_test", "TaskTest.CustomersWhoAreAwayAreDoneAsAllOthers"),
    Bug("a customer who is away is taken for a new one",
        "engine/task/task.cc", "if (away_ > 0) FetchRowsOf", "if (away_ > 9) FetchRowsOf",
        "task_test", "TaskTest.CustomersWhoAreAwayAreDoneAsAllOthers"),
    Bug("a timer fires after records of its own time only",
        "engine/task/task.cc", "FireTimersBefore(record.effective)", "FireTimersBefore(record.effective + 1)",
        "task_test", "TaskTest.TimersFireAfterRecordsOfTheSameTime"),
    Bug("the state is written before the commit",
        "engine/task/live_task.cc", "  EBB_RETURN_IF_ERROR(delivery_->Commit(epoch.commit));\n",
        "  EBB_RETURN_IF_ERROR(WriteState(ChangedRowsInKeyOrder({&task_.rows()}), epoch.progress, store_));\n"
        "  EBB_RETURN_IF_ERROR(delivery_->Commit(epoch.commit));\n",
        "live_property_test", "LivePropertyTest.CommittedIsWhatLogsAndDecisionsSay"),
    Bug("an epoch that comes out differently is taken",
        "engine/task/live_task.cc", "if (epoch.record.digest != committed.digest) {",
        "if (epoch.record.digest == 0 && committed.digest != 0) {",
        "task_test", "LiveTaskTest.AnEpochThatComesOutDifferentlyStopsTheTask"),
    Bug("the ledger begins anew after a restart",
        "engine/task/job.cc", "next->ledger[s].second = base_.ledger[s].second;", "next->ledger[s].second = {};",
        "order_property_test", "OrderPropertyTest.OnlyTheLogsDecide"),
    Bug("a percent sign isn't escaped in progress records",
        "engine/task/text_record.cc", " && c != '%'", "",
        "task_test", "ProgressTest.EveryByteOfATextSurvives"),
    Bug("the sign of a stored number is lost",
        "engine/state/row_codec.cc", " ^ -static_cast<int64_t>(value & 1)", "",
        "state_test", "RowCodecTest.EverythingComesBack"),
    Bug("rows and progress are written apart",
        "engine/state/rocksdb_store.cc", "  status = PutChecked(writes, kProgressKey[0]",
        "  if (database_->Write(rocksdb::WriteOptions(), &writes).ok()) writes.Clear();\n"
        "  status = PutChecked(writes, kProgressKey[0]",
        "contract_state_test",
        "DurableStoreTest.KilledProcess*:DamagedStoreTest.FlippedBitsInTheLogLoseWholeCommitsOnly"),
    Bug("a value's checksum isn't compared",
        "engine/state/rocksdb_store.cc", "std::memcmp(sum.data(), stored.data(), kChecksumBytes) == 0",
        "std::memcmp(sum.data(), stored.data(), 0) == 0",
        "contract_state_test", "DurableStoreTest.DatabasesOfOthersAndStrangeValuesAreRefused"),
    Bug("a hole in the sequence of changes is taken",
        "engine/state/rocksdb_store.cc", "check_files ? CheckFiles(directory)",
        "check_files ? absl::OkStatus()",
        "contract_state_test",
        "DamagedStoreTest.ManifestWithoutItsEndIsDataLossOrOneCommit:DamagedStoreTest.LogsMustFollowOneAnother"),
    Bug("what wasn't committed stays in the output",
        "connectors/file/file_sink.cc",
        '  if (ftruncate(descriptor, length) != 0) return WriteError("cutting", path, errno);\n', "",
        "file_test", "FileSinkTest.WhatWasNotCommittedIsCutOff"),
    Bug("a row is read without advancing it",
        "operators/feature/feature_set.cc", "      ladder->Advance(row, now);\n      ladder->Read(",
        "      ladder->Read(",
        "ladder_property_test", "*"),
    Bug("a tile stays at the instant at which it leaves",
        "operators/window/tile_ladder.cc", "tile[0]) > now) break;", "tile[0]) >= now) break;",
        "ladder_property_test", "*"),
    Bug("the carry of a sum is dropped",
        "operators/pipeline_operator.cc",
        "      (*sums)[first + static_cast<size_t>(ScoreCounter::kSumHigh)].second += low >> 32;\n", "",
        "operators_test", "PipelineOperatorTest.SumsOfScoresDoNotDependOnWhereTheyWereCut"),
    Bug("an id is remembered a moment too long",
        "operators/window/seen_ids.cc", "if (entry[1] <= oldest) break;", "if (entry[1] < oldest) break;",
        "operators_test", "SeenIdsTest.AnIdLastsUntilItsTimeIsOver"),
    Bug("a session ends at its gap, not behind it",
        "operators/window/sessions.cc", "time - before[kEnd] <= gap_", "time - before[kEnd] < gap_",
        "operators_test", "SessionTableTest.TheGapIsCountedToTheMillisecond"),
    Bug("a cooldown lasts a moment too long",
        "operators/alert/episode.cc", "now - cell[kOpenedAt] < plan_->cooldown",
        "now - cell[kOpenedAt] <= plan_->cooldown",
        "operators_test", "EpisodeTest.CooldownCountsFromTheOpening"),
]
