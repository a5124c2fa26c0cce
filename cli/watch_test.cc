// The picture as text, without a terminal.
#include "cli/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb {
namespace {

using testing::HasSubstr;
using testing::Not;

WatchMoment Moment(int64_t records, int64_t wall_ms) {
  WatchMoment moment;
  moment.wall_ms = wall_ms;
  moment.status.joined = true;
  TaskStatus& task = moment.status.tasks[3];
  task.phase = TaskPhase::kLive;
  task.epoch = 12345;
  task.watermark = wall_ms - 3 * kSecond - 200;
  task.customers = 48213;
  task.sources = {{.records = records, .lag = 7}, {.records = 10, .lag = 0}};
  task.lines = {42, 0, 0, 0};
  return moment;
}

PipelineFile Shop() {
  PipelineFile file;
  file.plan.pipeline = "shop";
  return file;
}

TEST(WatchTest, SaysHowTheTasksStand) {
  const std::string text = WatchText(Shop(), Moment(1000, 1'767'348'000'000), Moment(3000, 1'767'348'000'500), {}, 120,
                                     /*colour=*/false);
  EXPECT_THAT(text, HasSubstr("shop  ready\n"));
  EXPECT_THAT(text,
              HasSubstr("    3 live            12,345         7      4,000           3s         42      48,213\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(WatchTest, SaysWhatIsMissing) {
  WatchMoment now = Moment(0, 1'767'348'000'000);
  now.status.tasks[4].phase = TaskPhase::kRefused;
  now.status.tasks[4].why = "the state is ahead of the journal";
  now.status.tasks[3].sources[0].lag = -1;
  now.status.tasks[3].watermark = kBeforeTime;
  const std::string text = WatchText(Shop(), now, now, {"a warning"}, 40, true);
  EXPECT_THAT(text, HasSubstr("not ready"));
  EXPECT_THAT(text, HasSubstr("\n  task 4 is refused: the state is ahead \n"));
  EXPECT_THAT(text, HasSubstr("\na warning\n"));
}

}  // namespace
}  // namespace ebb
