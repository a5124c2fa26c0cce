// Topics to files, one task after the other.
#include "serve/capture.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "config/assemble.h"
#include "connectors/kafka/task_consumer.h"
#include "connectors/kafka/topics.h"
#include "engine/base/status_macros.h"
#include "engine/task/text_record.h"

namespace ebb {
namespace {

constexpr size_t kRecordsOfARead = 4096;
constexpr int kTimeoutMs = 30000;
constexpr int kPauseMs = 100;
constexpr std::string_view kRoles[] = {"source", "output", "journal"};
constexpr std::string_view kIndexVersion = "ebb-capture 1";

struct WantedTopic {
  CapturedTopic::Role role;
  std::string name, topic;
};

std::vector<WantedTopic> TopicsOf(const PipelineFile& file) {
  std::vector<WantedTopic> topics = {{CapturedTopic::Role::kJournal, "journal", file.kafka->journal}};
  for (const SourceConfig& source : file.sources) {
    topics.push_back({CapturedTopic::Role::kSource, source.schema.name, source.location});
  }
  for (int s = 0; s < kStreamCount; ++s) {
    const std::string& topic = OutputOf(file, static_cast<Stream>(s)).topic;
    const std::string name(StreamName(static_cast<Stream>(s)));
    if (!topic.empty()) topics.push_back({CapturedTopic::Role::kOutput, name, topic});
  }
  return topics;
}

absl::Status CaptureLog(LiveLog* log, TaskConsumer* consumer, const std::string& path,
                        const std::function<bool()>& stop, CapturedPartition* partition) {
  EBB_ASSIGN_OR_RETURN(const std::unique_ptr<CaptureWriter> writer, CaptureWriter::Open(path));
  partition->file = std::filesystem::path(path).filename().string();
  partition->name = log->name();
  partition->identity = log->identity();
  partition->begin = log->position();
  std::vector<RawRecord> records;
  while (log->end_offset() < 0 || log->position() < log->end_offset()) {
    if (stop()) return absl::CancelledError("stopped before the end");
    EBB_RETURN_IF_ERROR(log->Read(kRecordsOfARead, &records));
    for (const RawRecord& record : records) EBB_RETURN_IF_ERROR(writer->Append(record));
    if (records.empty()) consumer->WaitForRecords(kPauseMs);
  }
  partition->end = log->position();
  return writer->Finish(partition);
}

std::string IndexText(const CaptureIndex& index) {
  std::string text = fmt::format("{}\npipeline {} {}\ntasks {}\n", kIndexVersion, EscapedWord(index.pipeline),
                                 EscapedWord(index.fingerprint), index.tasks);
  for (const CapturedTopic& topic : index.topics) {
    const CapturedPartition& p = topic.partition;
    text += fmt::format("file {} {} {} {} {} {} {} {} {} {} {}\n", kRoles[static_cast<int>(topic.role)],
                        EscapedWord(topic.name), topic.task, EscapedWord(p.file), EscapedWord(p.name),
                        EscapedWord(p.identity), p.begin, p.end, p.records, p.bytes, static_cast<int64_t>(p.checksum));
  }
  return SealedRecord(std::move(text));
}

bool ReadTopic(Words* words, CaptureIndex* index) {
  CapturedTopic& topic = index->topics.emplace_back();
  const std::string role = words->Text();
  const auto* known = std::find(std::begin(kRoles), std::end(kRoles), role);
  if (known == std::end(kRoles)) return false;
  topic.role = static_cast<CapturedTopic::Role>(known - std::begin(kRoles));
  topic.name = words->Text();
  topic.task = static_cast<int32_t>(words->Number());
  CapturedPartition& p = topic.partition;
  p.file = words->Text();
  p.name = words->Text();
  p.identity = words->Text();
  for (int64_t* number : {&p.begin, &p.end, &p.records, &p.bytes}) *number = words->Number();
  p.checksum = static_cast<uint64_t>(words->Number());
  return p.file.find('/') == std::string::npos;
}

absl::Status WriteIndex(const CaptureIndex& index, const std::string& folder) {
  const std::string path = folder + "/index";
  EBB_ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> sink, FileSink::Open(path + ".new", -1));
  EBB_RETURN_IF_ERROR(sink->Append(IndexText(index)));
  EBB_RETURN_IF_ERROR(sink->Sync());
  std::error_code error;
  std::filesystem::rename(path + ".new", path, error);
  if (error) return absl::InternalError(fmt::format("{} can't be written: {}", path, error.message()));
  return absl::OkStatus();
}

}  // namespace

const CapturedTopic* CaptureIndex::Find(CapturedTopic::Role role, std::string_view name, int32_t task) const {
  const auto found = std::find_if(topics.begin(), topics.end(), [&](const CapturedTopic& topic) {
    return topic.role == role && topic.name == name && topic.task == task;
  });
  return found == topics.end() ? nullptr : &*found;
}

absl::StatusOr<CaptureIndex> CaptureTopics(const PipelineFile& file, const std::string& folder,
                                           const std::function<bool()>& stop) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return absl::InvalidArgumentError(fmt::format("{} can't be made: {}", folder, error.message()));
  if (std::filesystem::exists(folder + "/index", error)) {
    return absl::FailedPreconditionError(fmt::format("{} holds a capture already; name another folder", folder));
  }
  const KafkaConnection connection = {file.kafka->brokers, file.kafka->client, {}};
  std::vector<TopicNeed> needs;
  const std::vector<WantedTopic> wanted = TopicsOf(file);
  for (const WantedTopic& topic : wanted) {
    needs.push_back(
        {.topic = topic.topic,
         .use = topic.role == CapturedTopic::Role::kSource ? TopicNeed::Use::kSource : TopicNeed::Use::kOutput,
         .named_by = fmt::format("{} '{}'", kRoles[static_cast<int>(topic.role)], topic.name)});
  }
  EBB_ASSIGN_OR_RETURN(const TopicReport report, CheckTopics(connection, needs, {}));
  CaptureIndex index{file.plan.pipeline, file.plan.fingerprint, report.tasks, {}};
  for (int32_t task = 0; task < report.tasks; ++task) {
    for (const WantedTopic& topic : wanted) {
      CapturedTopic& captured = index.topics.emplace_back();
      captured = {topic.role, topic.name, task, {}};
      // One at a time: where it ends is asked when its turn comes, so the journal ends before what it tells of.
      EBB_ASSIGN_OR_RETURN(
          const std::unique_ptr<TaskConsumer> consumer,
          TaskConsumer::Open(connection, {{.topic = topic.topic, .partition = task, .partitions = report.tasks}},
                             kTimeoutMs));
      const std::unique_ptr<LiveLog> log = std::move(consumer->TakeLogs()[0]);
      const std::string path =
          fmt::format("{}/{}.{}.{}.records", folder, kRoles[static_cast<int>(topic.role)], topic.name, task);
      EBB_RETURN_IF_ERROR(CaptureLog(log.get(), consumer.get(), path, stop, &captured.partition));
    }
  }
  EBB_RETURN_IF_ERROR(WriteIndex(index, folder));
  return index;
}

absl::StatusOr<CaptureIndex> ReadCaptureIndex(const std::string& folder) {
  const std::string path = folder + "/index";
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return absl::NotFoundError(fmt::format("{} holds no complete capture: there is no {}", folder, path));
  std::stringstream text;
  text << stream.rdbuf();
  const std::string sealed = text.str();
  const absl::Status damaged = absl::DataLossError(fmt::format("{} is damaged", path));
  const std::optional<std::vector<std::string_view>> lines = RecordLines(sealed);
  if (!lines || lines->empty()) return damaged;
  if (lines->front() != kIndexVersion) {
    return absl::FailedPreconditionError(fmt::format("{} was written by another version of ebb", path));
  }
  CaptureIndex index;
  for (size_t i = 1; i < lines->size(); ++i) {
    Words words((*lines)[i]);
    const std::string what = words.Text();
    bool good = true;
    if (what == "pipeline") {
      index.pipeline = words.Text();
      index.fingerprint = words.Text();
    } else if (what == "tasks") {
      index.tasks = static_cast<int32_t>(words.Number());
    } else {
      good = what == "file" && ReadTopic(&words, &index);
    }
    if (!good || !words.ok()) return damaged;
  }
  return index;
}

}  // namespace ebb
